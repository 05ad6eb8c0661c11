//! Time zones in cells and headers.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Time zone of a parsed time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Zone {
    /// Fixed offset from UTC in minutes.
    Offset(i32),
    /// Time zone of a place, with its rules.
    Named(TimeZone),
}

/// Abbreviations with one meaning in market data, and their offsets from UTC in minutes.
/// Abbreviations in the time zone database, such as `CET`, follow its rules.
const ABBREVIATIONS: [(&str, i32); 17] = [
    ("UTC", 0),
    ("GMT", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("WEST", 60),
    ("CEST", 120),
    ("EEST", 180),
    ("HKT", 480),
    ("SGT", 480),
    ("JST", 540),
    ("KST", 540),
    ("AEST", 600),
];
/// Abbreviations of time zones with daylight saving time or changed rules.
const PLACES: [(&str, &str); 4] = [
    ("ET", "America/New_York"),
    ("CT", "America/Chicago"),
    ("PT", "America/Los_Angeles"),
    ("MSK", "Europe/Moscow"),
];
/// Ambiguous abbreviations, which have several meanings.
const AMBIGUOUS: [&str; 7] = ["CST", "IST", "BST", "AST", "SST", "GST", "ECT"];

impl Zone {
    /// Returns the time zone with a name such as `America/New_York`, `EST` or `UTC+2`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let known = ABBREVIATIONS.iter().find(|(known, _)| *known == name);
        if let Some((_, minutes)) = known {
            return Some(Self::Offset(*minutes));
        }
        let ahead = name.strip_prefix("UTC").or(name.strip_prefix("GMT"));
        if let Some(minutes) = ahead.and_then(minutes) {
            return Some(Self::Offset(minutes));
        }
        let place = PLACES.iter().find(|(known, _)| *known == name);
        let name = place.map_or(name, |(_, place)| place);
        let starts = name.starts_with(|c: char| c.is_ascii_uppercase());
        let zone = || TimeZone::get(name).ok();
        (starts && name.len() > 2).then(zone)?.map(Self::Named)
    }

    /// Returns the offset of a local time from UTC in milliseconds; `None` for a time skipped by
    /// daylight saving. A repeated hour is the first one, or the second one with a zone such as
    /// `CET`.
    pub(crate) fn offset_ms(&self, local: DateTime) -> Option<i64> {
        let zone = match self {
            Self::Offset(minutes) => return Some(i64::from(*minutes) * 60_000),
            Self::Named(zone) => zone,
        };
        let is_winter = zone.iana_name().is_some_and(|name| !name.contains('/'));
        let offset = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { .. } => return None,
            AmbiguousOffset::Fold { after, .. } if is_winter => after,
            AmbiguousOffset::Fold { before, .. } => before,
        };
        Some(i64::from(offset.seconds()) * 1000)
    }
}

/// Splits the time zone off the end of a time: `Z`, `UTC`, `+02:00`, ` +0200`, `GMT+0200`, ` EST`,
/// ` US/Eastern` or `[Europe/Berlin]`.
pub(crate) fn split(text: &str) -> (&str, Option<Zone>) {
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let (true, Some(at)) = (text.ends_with(close), text.rfind(open)) {
            let rest = text[..at].trim_end();
            return match split(rest) {
                (_, None) => (rest, Zone::named(&text[at + 1..text.len() - 1])),
                found => found,
            };
        }
    }
    for zone in ["UTC", "GMT", "Z", "z"] {
        if let Some(rest) = text.strip_suffix(zone) {
            return (rest.trim_end(), Some(Zone::Offset(0)));
        }
    }
    let sign = text.rfind(['+', '-']).filter(|at| text[..*at].contains(':'));
    let minutes = sign.and_then(|at| minutes(&text[at..]));
    if let (Some(at), Some(minutes)) = (sign, minutes) {
        let rest = text[..at].trim_end();
        let rest = rest.strip_suffix("GMT").or(rest.strip_suffix("UTC")).unwrap_or(rest);
        return (rest.trim_end(), Some(Zone::Offset(minutes)));
    }
    let named = text.rsplit_once(' ').and_then(|(rest, name)| Some((rest, Zone::named(name)?)));
    named.map_or((text, None), |(rest, zone)| (rest.trim_end(), Some(zone)))
}

/// The zone of an offset such as `+02:00`.
#[cfg(feature = "columnar")]
pub(crate) fn fixed_offset(text: &str) -> Option<TimeZone> {
    let offset = jiff::tz::Offset::from_seconds(minutes(text)? * 60).ok()?;
    Some(offset.to_time_zone())
}

/// Reads `+02:00`, `-0500`, `+02` or `+2`.
fn minutes(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-'])?.replace(':', "");
    if !matches!(digits.len(), 1 | 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, rest) = digits.split_at(digits.len().min(2));
    let minutes: i32 = hours.parse::<i32>().ok()? * 60 + rest.parse::<i32>().unwrap_or(0);
    let minutes = if text.starts_with('-') { -minutes } else { minutes };
    (minutes.abs() <= 18 * 60).then_some(minutes)
}

/// Returns the time zone in brackets in the name of a column, such as `Time (EET)`.
pub(crate) fn of_header(name: &str) -> Option<&str> {
    let inner = name.trim().strip_suffix(')')?.rsplit_once('(')?.1;
    (AMBIGUOUS.contains(&inner) || Zone::named(inner).is_some()).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_cut_off_and_known() {
        let local = |text: &str| text.parse::<DateTime>().unwrap();
        let (winter, summer) = (local("2024-01-31T05:00"), local("2024-07-31T05:00"));
        for (text, hours) in [
            ("05:00 UTC", Some([0, 0])),
            ("05:00:00Z", Some([0, 0])),
            ("05:00 GMT+0200", Some([2, 2])),
            ("05:00-05:00[America/New_York]", Some([-5, -5])),
            ("05:00[America/New_York]", Some([-5, -4])),
            ("05:00 US/Eastern", Some([-5, -4])),
            ("05:00 EST", Some([-5, -5])),
            ("05:00 EDT", Some([-4, -4])),
            ("05:00 ET", Some([-5, -4])),
            ("05:00 UTC+2", Some([2, 2])),
            ("05:00 EST5EDT", Some([-5, -4])),
            ("05:00 CET", Some([1, 2])),
            ("05:00 GMT+0100 (Central European Standard Time)", Some([1, 1])),
            ("05:00 (EST)", Some([-5, -5])),
            ("05:00 CST", None),
            ("05:00 AM", None),
            ("05:00", None),
        ] {
            let (_, zone) = split(text);
            let offset = |at| zone.as_ref().and_then(|z| z.offset_ms(at)).map(|ms| ms / 3_600_000);
            let expected = hours.map(|both| both.map(Some)).unwrap_or_default();
            assert_eq!([offset(winter), offset(summer)], expected, "{text}");
        }
        assert_eq!(of_header("Time (EET)"), Some("EET"));
        assert_eq!(of_header("Date(UTC+8)"), Some("UTC+8"));
        assert_eq!(of_header("Date (d/m/y)"), None);
    }

    #[test]
    fn hours_that_clocks_skip_or_repeat() {
        let offset = |zone: &str, local: &str| {
            Zone::named(zone).unwrap().offset_ms(local.parse().unwrap()).map(|ms| ms / 3_600_000)
        };
        assert_eq!(offset("America/New_York", "2024-03-10T02:30"), None);
        assert_eq!(offset("America/New_York", "2024-11-03T01:30"), Some(-4));
        assert_eq!(offset("CET", "2024-10-27T02:30"), Some(1));
        assert_eq!(offset("CEST", "2024-10-27T02:30"), Some(2));
    }
}
