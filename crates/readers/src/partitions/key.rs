//! Meaning of partition keys: the pair, the interval and the period of a file.

use std::ops::Range;

use windvane_candles::{Interval, Timestamp};

use super::super::names::plain_name;

/// Keys that name the pair, as [`plain_name`] writes them.
pub(crate) const PAIR_KEYS: [&str; 8] =
    ["pair", "symbol", "ticker", "instrument", "instrumentid", "instid", "productid", "secid"];

/// Subject of a key.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum KeyKind {
    Pair,
    Interval,
    Year,
    Month,
    Day,
    Date,
    /// Another one, such as an exchange.
    Other,
}

impl KeyKind {
    pub(crate) fn of(name: &str) -> Self {
        match plain_name(name).as_str() {
            name if PAIR_KEYS.contains(&name) => Self::Pair,
            "interval" | "timeframe" => Self::Interval,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "date" | "dt" => Self::Date,
            _ => Self::Other,
        }
    }

    pub(crate) fn is_time(self) -> bool {
        matches!(self, Self::Year | Self::Month | Self::Day | Self::Date)
    }
}

/// Interval that a key states; `None` without one.
pub(super) fn interval(keys: &[(String, String)]) -> Result<Option<Interval>, String> {
    let own = keys.iter().find(|(name, _)| KeyKind::of(name) == KeyKind::Interval);
    let Some((name, value)) = own else { return Ok(None) };
    value.parse().map(Some).map_err(|error| format!("{name}={value} is no interval: {error}"))
}

/// Period that the keys state, in milliseconds since 1970; `None` without such keys.
///
/// A month or a day may contain those before it (`month=2024-01`, `day=2024-01-31`).
pub(super) fn period(keys: &[(String, String)]) -> Result<Option<Range<i64>>, String> {
    let mut parts: Vec<i64> = Vec::new();
    let mut text = Vec::new();
    for (name, value) in keys.iter().filter(|(name, _)| KeyKind::of(name).is_time()) {
        text.push(format!("{name}={value}"));
        let own = numbers(value);
        parts = match (KeyKind::of(name), own.len()) {
            (KeyKind::Month, 2) | (KeyKind::Day | KeyKind::Date, 3) => own,
            (KeyKind::Year, 1) if parts.is_empty() => own,
            (KeyKind::Month, 1) if parts.len() == 1 => [parts, own].concat(),
            (KeyKind::Day, 1) if parts.len() == 2 => [parts, own].concat(),
            _ => parts.into_iter().chain([-1]).collect(),
        };
    }
    if text.is_empty() {
        return Ok(None);
    }
    let millis = |period: Range<Timestamp>| period.start.millis()..period.end.millis();
    Timestamp::calendar_period(&parts).map(millis).map(Some).ok_or_else(|| {
        format!(
            "{} is no period; expected year=2024, month=01 and day=31 in this order, or \
             date=2024-01-31",
            text.join(", ")
        )
    })
}

/// Numbers of `2024`, `01`, `2024-01-31` or `20240131`; empty if it is something else.
fn numbers(value: &str) -> Vec<i64> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let parts = match value.len() {
        8 if digits => vec![&value[..4], &value[4..6], &value[6..]],
        _ => value.split('-').collect(),
    };
    let all = parts.into_iter().map(|part| part.parse::<u16>().ok().map(i64::from));
    all.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(keys: &[(&str, &str)]) -> Result<Option<Range<i64>>, String> {
        let keys: Vec<(String, String)> =
            keys.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        period(&keys)
    }

    fn range(from: &str, until: &str) -> Range<i64> {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().millis();
        at(from)..at(until)
    }

    #[test]
    fn period_of_keys_is_that_of_the_calendar() {
        assert_eq!(of(&[("pair", "X"), ("exchange", "Y")]), Ok(None));
        assert_eq!(
            of(&[("pair", "X"), ("year", "2024")]),
            Ok(Some(range("2024-01-01", "2025-01-01")))
        );
        let december = [("year", "2023"), ("month", "12")];
        assert_eq!(of(&december), Ok(Some(range("2023-12-01", "2024-01-01"))));
        let february = [("year", "2024"), ("month", "2"), ("day", "29")];
        assert_eq!(of(&february), Ok(Some(range("2024-02-29", "2024-03-01"))));
        assert_eq!(of(&[("month", "2024-02")]), Ok(Some(range("2024-02-01", "2024-03-01"))));
        for date in ["2024-01-31", "20240131"] {
            assert_eq!(of(&[("date", date)]), Ok(Some(range("2024-01-31", "2024-02-01"))));
        }
    }

    #[test]
    fn period_of_other_values_is_an_error() {
        for keys in [
            &[("year", "24-25")][..],
            &[("year", "next")],
            &[("month", "01")],
            &[("year", "2024"), ("month", "13")],
            &[("year", "2024"), ("day", "01")],
            &[("year", "2023"), ("month", "02"), ("day", "29")],
            &[("date", "2024-01")],
            &[("date", "")],
        ] {
            assert!(of(keys).unwrap_err().contains("is no period"), "{keys:?}");
        }
    }
}
