//! Cells that hold a time, in the many ways tools write one.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::zone::{self, Zone};

const DAY_MS: i64 = 86_400_000;
/// The clock of the end of a day, `24:00`.
pub(crate) const DAY_END: i32 = 86_400_000;

/// Time as a cell states it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stamp {
    /// A number since 1970.
    Epoch { millis: i64, unit: Unit },
    /// A date, perhaps with a clock and an offset.
    Civil(Civil),
}

/// Unit of an epoch number.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Stamp {
    /// Whether the order of day and month is open, or the clock is that of the end of a day.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Civil(civil) if civil.undecided.is_some() || civil.clock == Some(DAY_END))
    }

    /// Milliseconds since 1970 in UTC, unless the order of day and month is open.
    pub(crate) fn decided_millis(&self) -> Option<i64> {
        match self {
            Self::Civil(civil) if civil.undecided.is_some() => None,
            _ => self.millis(),
        }
    }

    /// Milliseconds since 1970 in UTC, the month first where that is not known.
    pub(crate) fn millis(&self) -> Option<i64> {
        match self {
            Self::Epoch { millis, .. } => Some(*millis),
            Self::Civil(civil) => civil.utc(false).map(|(utc, _)| utc),
        }
    }
}

impl Unit {
    /// The unit that the size of a number tells; every range means 1973-03-03 to 5138-11-16.
    /// Lower numbers are more likely dates such as 20240131 or row numbers than times.
    pub(crate) fn of(number: i64) -> Option<Self> {
        match number.unsigned_abs() {
            0..100_000_000 => None,
            100_000_000..100_000_000_000 => Some(Self::Seconds),
            100_000_000_000..100_000_000_000_000 => Some(Self::Millis),
            100_000_000_000_000..100_000_000_000_000_000 => Some(Self::Micros),
            100_000_000_000_000_000.. => Some(Self::Nanos),
        }
    }

    /// Converts a number of units to milliseconds; `None` if it is not a whole number of them.
    pub(crate) fn millis(self, number: i64) -> Option<i64> {
        let per_milli = match self {
            Self::Seconds => return number.checked_mul(1000),
            Self::Millis => 1,
            Self::Micros => 1000,
            Self::Nanos => 1_000_000,
        };
        (number % per_milli == 0).then_some(number / per_milli)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "epoch seconds",
            Self::Millis => "epoch milliseconds",
            Self::Micros => "epoch microseconds",
            Self::Nanos => "epoch nanoseconds",
        }
    }
}

/// A date and a clock as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Civil {
    year: i16,
    /// Month and day, in this order if `order` is known.
    pub(crate) first: i8,
    pub(crate) second: i8,
    /// The sign between two numbers that may be day and month or month and day.
    pub(crate) undecided: Option<u8>,
    /// Milliseconds since midnight; `None` for a date alone.
    pub(crate) clock: Option<i32>,
    pub(crate) zone: Option<Zone>,
}

impl Civil {
    fn date(&self, day_first: bool) -> Option<Date> {
        let swap = self.undecided.is_some() && day_first;
        let (month, day) = if swap { (self.second, self.first) } else { (self.first, self.second) };
        Date::new(self.year, month, day).ok()
    }

    /// Milliseconds since 1970 in local time, if there is such a date.
    pub(crate) fn local(&self, day_first: bool) -> Option<i64> {
        let date = self.date(day_first)?;
        Some(days_since_1970(date) * DAY_MS + i64::from(self.clock.unwrap_or(0)))
    }

    /// Milliseconds since 1970 in UTC, and how many local time is ahead of it; UTC is taken where
    /// there is no zone.
    pub(crate) fn utc(&self, day_first: bool) -> Option<(i64, i64)> {
        let local = self.local(day_first)?;
        let zone = match &self.zone {
            None => return Some((local, 0)),
            Some(Zone::Offset(minutes)) => {
                let offset = i64::from(*minutes) * 60_000;
                return Some((local - offset, offset));
            }
            Some(zone) => zone,
        };
        let clock = jiff::SignedDuration::from_millis(self.clock.unwrap_or(0).into());
        let midnight: DateTime = self.date(day_first)?.to_datetime(Time::midnight());
        let offset = zone.offset_ms(midnight.checked_add(clock).ok()?)?;
        Some((local - offset, offset))
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// **Source**: Hinnant, chrono-Compatible Low-Level Date Algorithms, `days_from_civil`.
fn days_since_1970(date: Date) -> i64 {
    let (year, month, day) =
        (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    // Years begin in March, so that the day of a leap year is the last.
    let year = year - i64::from(month < 3);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// Reads a cell.
pub(crate) fn parse(cell: &str) -> Option<Stamp> {
    if let Some(value) = plain_epoch(cell.as_bytes()) {
        let unit = Unit::of(value)?;
        return Some(Stamp::Epoch { millis: unit.millis(value)?, unit });
    }
    let cell = cell.trim();
    if cell.len() > 64 || !cell.is_ascii() {
        return None;
    }
    if cell.bytes().all(|b| b.is_ascii_digit() || b".-+eE".contains(&b))
        && (cell.bytes().filter(|b| b".-".contains(b)).count() < 2 || cell.contains(['e', 'E']))
    {
        return number(cell);
    }
    if let Some(civil) = iso(cell.as_bytes()) {
        return Some(Stamp::Civil(civil));
    }
    let (text, zone) = zone::split(cell);
    let civil = match named_month(text) {
        Some(civil) => civil,
        None => numeric_date(text)?,
    };
    Some(Stamp::Civil(Civil { zone, ..civil }))
}

/// Reads an epoch of 10 to 18 digits, unless it begins with 19 or 20 as dates in digits do.
fn plain_epoch(cell: &[u8]) -> Option<i64> {
    if !(10..=18).contains(&cell.len()) || cell.starts_with(b"19") || cell.starts_with(b"20") {
        return None;
    }
    let number = |digits: &[u8]| {
        let is_number = digits.iter().all(u8::is_ascii_digit);
        let add = |number: i64, digit: &u8| number * 10 + i64::from(digit - b'0');
        is_number.then(|| digits.iter().fold(0, add))
    };
    // Two short chains of products take half the time of a long one.
    let (start, end) = cell.split_at(cell.len() - 6);
    Some(number(start)? * 1_000_000 + number(end)?)
}

/// Reads the most common form of a date, `2024-01-31`, perhaps with a clock, `Z` and `+00:00`, as the
/// general way does.
fn iso(cell: &[u8]) -> Option<Civil> {
    let two = |at: usize| -> Option<i8> {
        let [tens, ones] = *cell.get(at..)?.first_chunk()?;
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| (tens - b'0').cast_signed() * 10 + (ones - b'0').cast_signed())
    };
    let is_date = cell.get(4) == Some(&b'-') && cell.get(7) == Some(&b'-');
    let year = i16::from(two(0).filter(|_| is_date)?) * 100 + i16::from(two(2)?);
    let (first, second) = (two(5)?, two(8)?);
    let (clock, zone) = match &cell[10..] {
        [] => (None, &[][..]),
        [b' ' | b'T', _, _, b':', _, _] => (Some([two(11)?, two(14)?, 0]), &[][..]),
        [b' ' | b'T', _, _, b':', _, _, b':', _, _, zone @ ..] => {
            (Some([two(11)?, two(14)?, two(17)?]), zone)
        }
        _ => return None,
    };
    let zone = match zone {
        [] => None,
        b"Z" | b"+00:00" => Some(Zone::Offset(0)),
        _ => return None,
    };
    let clock = match clock.map(|parts| parts.map(i32::from)) {
        Some([hour @ 0..24, minute @ 0..60, second @ 0..60]) => {
            Some(((hour * 60 + minute) * 60 + second) * 1000)
        }
        Some(_) => return None,
        None => None,
    };
    let civil = Civil { year, first, second, undecided: None, clock, zone };
    civil.date(false).map(|_| civil)
}

/// Reads a day as spreadsheets count them, from 1899-12-30 on with the clock as a fraction.
pub(crate) fn parse_serial(cell: &str) -> Option<Stamp> {
    let digits = cell.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let days: f64 =
        cell.parse().ok().filter(|days| digits && (20_000.0..80_000.0).contains(days))?;
    let seconds = jiff::SignedDuration::try_from_secs_f64((days * 86_400.0).round()).ok()?;
    let seconds = seconds.as_secs() - 25_569 * 86_400;
    let local = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds).ok()?);
    let clock = i32::try_from(seconds.rem_euclid(86_400) * 1000).ok()?;
    Some(Stamp::Civil(Civil {
        year: local.year(),
        first: local.month(),
        second: local.day(),
        undecided: None,
        clock: cell.contains('.').then_some(clock),
        zone: None,
    }))
}

/// The word after a time that is no zone that is known.
pub(crate) fn unknown_zone(cell: &str) -> Option<&str> {
    let (rest, word) = cell.trim().rsplit_once(' ')?;
    let is_name = word.len() > 2 && word.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_name && parse(cell).is_none() && parse(rest).is_some()).then_some(word)
}

/// Reads a date and a clock that stand in two columns.
pub(crate) fn parse_two(date: &str, clock: &str) -> Option<Stamp> {
    let Some(Stamp::Civil(civil)) = parse(date) else { return None };
    let (clock, zone) = zone::split(clock.trim());
    let zone = zone.or(civil.zone.clone());
    Some(Stamp::Civil(Civil { clock: Some(parse_clock(clock)?), zone, ..civil }))
}

/// A time of day with the zeros that it lost.
pub(crate) fn pad_clock(cell: &str, digits: usize) -> String {
    let is_whole = !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit());
    if is_whole { format!("{cell:0>digits$}") } else { cell.to_owned() }
}

/// A close time in microseconds ends in 999999, which is finer than what times hold.
pub(crate) fn close_cell(cell: &str) -> String {
    match cell.strip_suffix("999").filter(|rest| rest.len() == 13) {
        Some(rest) => rest.to_owned(),
        None => cell.to_owned(),
    }
}

/// Reads a clock: `05:00`, `05:00:00.000`, `050000`, `5:00 PM`, `04-AM`, `24:00`.
pub(crate) fn parse_clock(text: &str) -> Option<i32> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let (text, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(rest), _) => (rest.trim_end_matches([' ', '-']), Some(0)),
        (_, Some(rest)) => (rest.trim_end_matches([' ', '-']), Some(12)),
        _ => (text, None),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let two = |digits: &str| -> Option<i32> {
        let good = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| good)
    };
    let (mut hour, minute, second) = if whole.contains(':') {
        let mut parts = whole.split(':');
        let (hour, minute) = (two(parts.next()?)?, two(parts.next()?)?);
        let second = parts.next().map_or(Some(0), two)?;
        parts.next().is_none().then_some((hour, minute, second))?
    } else if half.is_some() && whole.len() <= 2 {
        (two(whole)?, 0, 0)
    } else if whole.bytes().all(|b| b.is_ascii_digit()) && (3..=6).contains(&whole.len()) {
        let seconds = whole.len() > 4;
        let number: i32 = whole.parse().ok()?;
        let number = if seconds { number } else { number * 100 };
        (number / 10_000, number / 100 % 100, number % 100)
    } else {
        return None;
    };
    if let Some(half) = half {
        hour = (1..=12).contains(&hour).then_some(hour % 12 + half)?;
    }
    let is_end = (hour, minute, second) == (24, 0, 0) && half.is_none() && fraction.is_empty();
    if (hour > 23 && !is_end) || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1000 + thousandths(fraction)?)
}

/// Decimals of a second as milliseconds, if they are whole ones.
fn thousandths(fraction: &str) -> Option<i32> {
    let (millis, finer) = fraction.split_at_checked(3).unwrap_or((fraction, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || finer.bytes().any(|b| b != b'0') {
        return None;
    }
    let digits = millis.bytes().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Some(digits * [1000, 100, 10, 1][millis.len()])
}

/// Reads epoch numbers and dates without signs between their parts.
fn number(cell: &str) -> Option<Stamp> {
    if cell.contains(['e', 'E']) {
        let value: f64 = cell.parse().ok()?;
        // Spreadsheets write `1.70467E+12` and lose the other digits.
        let digits = cell.split(['e', 'E']).next()?.bytes().filter(u8::is_ascii_digit).count();
        if cell.contains("E+") && digits < 10 {
            return None;
        }
        let whole = value.fract() == 0.0 && (1e8..9e15).contains(&value);
        return whole.then(|| number(&format!("{value:.0}")))?;
    }
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let exact = fraction.bytes().all(|b| b == b'0');
    let digits = whole.bytes().all(|b| b.is_ascii_digit());
    if let Some(civil) = (exact && digits).then(|| compact_date(whole)).flatten() {
        return Some(Stamp::Civil(civil));
    }
    let value: i64 = whole.parse().ok()?;
    let unit = Unit::of(value)?;
    if !exact && unit != Unit::Seconds {
        return None;
    }
    let part = i64::from(thousandths(fraction)?);
    let millis = unit.millis(value)? + if value < 0 { -part } else { part };
    Some(Stamp::Epoch { millis, unit })
}

/// Reads `20040817`, `2004081709`, `200408170930`, `20040817093000` and `20040817093000000` of the
/// years 1900 to 2099. As seconds, ten such digits would be later than 2030.
fn compact_date(digits: &str) -> Option<Civil> {
    if !(digits.starts_with("19") || digits.starts_with("20")) {
        return None;
    }
    let clock = match digits.len() {
        8 => None,
        10 => Some(parse_clock(&format!("{}00", &digits[8..]))?),
        12 | 14 => Some(parse_clock(&digits[8..])?),
        17 => Some(parse_clock(&format!("{}.{}", &digits[8..14], &digits[14..]))?),
        _ => return None,
    };
    let civil = Civil {
        year: digits[..4].parse().ok()?,
        first: digits[4..6].parse().ok()?,
        second: digits[6..8].parse().ok()?,
        undecided: None,
        clock,
        zone: None,
    };
    civil.local(false).map(|_| civil)
}

/// Reads `2024-01-31`, `31.01.2024`, `1/31/24` or `20240131` with or without a clock.
fn numeric_date(text: &str) -> Option<Civil> {
    let end = text.find([' ', 'T', 't', '_', ',']).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let rest = rest.trim_start_matches([' ', 'T', 't', '_', ',']);
    let clock = if rest.is_empty() { None } else { Some(parse_clock(rest)?) };
    if let Some(civil) = compact_date(date) {
        return civil.clock.is_none().then_some(Civil { clock, ..civil });
    }
    let separator = date.bytes().find(|b| !b.is_ascii_digit())?;
    let mut parts = date.split(char::from(separator));
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    let numbers = [a, b, c].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()) && !p.is_empty());
    if parts.next().is_some() || !b"-./".contains(&separator) || !numbers {
        return None;
    }
    let (year, first, second, undecided) = match (a.len(), b.len(), c.len()) {
        (4, 1..=2, 1..=2) => (a.parse().ok()?, b, c, None),
        (1..=2, 1..=2, 4) => (c.parse().ok()?, a, b, Some(separator)),
        (1..=2, 1..=2, 2) => (two_digit_year(c)?, a, b, Some(separator)),
        _ => return None,
    };
    let civil = Civil {
        year,
        first: first.parse().ok()?,
        second: second.parse().ok()?,
        undecided,
        clock,
        zone: None,
    };
    (civil.local(false).is_some() || civil.local(true).is_some()).then_some(civil)
}

/// 70 to 99 are of the last century.
fn two_digit_year(text: &str) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    Some(if year < 70 { 2000 + year } else { 1900 + year })
}

/// Reads dates whose month is a word: `Jan 31, 2024`, `31-Jan-2024`, `Wed Jan 31 2024 05:00`.
fn named_month(text: &str) -> Option<Civil> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    if !text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let (mut month, mut day, mut year) = (None, None, None);
    let mut clock = String::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if word.contains(':') || word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("pm")
        {
            clock += word;
            continue;
        }
        for part in word.split(['-', '/', '.']).filter(|part| !part.is_empty()) {
            let start = part.get(..3).map(str::to_ascii_lowercase);
            if let Some(start) = start.filter(|s| s.bytes().all(|b| b.is_ascii_alphabetic())) {
                match MONTHS.find(&start).filter(|at| at % 3 == 0) {
                    Some(at) if month.is_none() => month = i8::try_from(at / 3 + 1).ok(),
                    _ if DAYS.contains(&start.as_str()) => {}
                    _ => return None,
                }
            } else if day.is_none() && part.len() <= 2 {
                day = Some(part.parse().ok()?);
            } else if year.is_none() {
                year = if part.len() == 2 { two_digit_year(part) } else { part.parse().ok() };
            } else {
                return None;
            }
        }
    }
    let clock = if clock.is_empty() { None } else { Some(parse_clock(&clock)?) };
    let (first, second) = (month?, day?);
    let civil = Civil { year: year?, first, second, undecided: None, clock, zone: None };
    civil.local(false).map(|_| civil)
}

/// Whether a time lies on a Saturday or a Sunday.
pub(crate) fn is_weekend(millis: i64) -> bool {
    // 1970-01-01 was a Thursday.
    matches!(millis.div_euclid(DAY_MS).rem_euclid(7), 2 | 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windvane_candles::Timestamp;

    fn utc(cell: &str, day_first: bool) -> Option<i64> {
        match parse(cell)? {
            Stamp::Epoch { millis, .. } => Some(millis),
            Stamp::Civil(civil) => civil.utc(day_first).map(|(utc, _)| utc),
        }
    }

    #[test]
    fn every_way_to_write_a_time() {
        let cases = [
            ("1577836800", "2020-01-01"),
            ("1577836800.0", "2020-01-01"),
            ("1577836800.5", "2020-01-01 00:00:00.500"),
            ("1577836800000", "2020-01-01"),
            ("1.5778368e12", "2020-01-01"),
            ("1577836800000000", "2020-01-01"),
            ("1577836800000000000", "2020-01-01"),
            ("-631152000", "1950-01-01"),
            ("20200101", "2020-01-01"),
            ("20200101.0", "2020-01-01"),
            ("2020010109", "2020-01-01 09:00"),
            ("202001010930", "2020-01-01 09:30"),
            ("20200101093000000", "2020-01-01 09:30"),
            ("20200101093000", "2020-01-01 09:30"),
            ("20200101 093000", "2020-01-01 09:30"),
            ("20200101 09:30", "2020-01-01 09:30"),
            ("2020-01-01", "2020-01-01"),
            ("2020.01.01 09:30", "2020-01-01 09:30"),
            ("2020/1/1 9:30", "2020-01-01 09:30"),
            ("2020-01-01T09:30:00.000Z", "2020-01-01 09:30"),
            ("2020-01-01T09:30:00.000000000", "2020-01-01 09:30"),
            ("2020-01-01 09:30:00 +00:00", "2020-01-01 09:30"),
            ("2020-01-01 12:30:00+03:00", "2020-01-01 09:30"),
            ("2020-01-01T04:30:00-0500", "2020-01-01 09:30"),
            ("2020-01-01 09:30:00 UTC", "2020-01-01 09:30"),
            ("2020-01-01 04-AM", "2020-01-01 04:00"),
            ("2020-01-01 12-AM", "2020-01-01"),
            ("2020-01-01 12-PM", "2020-01-01 12:00"),
            ("31.01.2020 22:00:00.000", "2020-01-31 22:00"),
            ("31.01.2020 22:00:00.000 GMT+0100", "2020-01-31 21:00"),
            ("31/01/20", "2020-01-31"),
            ("31/01/1999 11:30 PM", "1999-01-31 23:30"),
            ("Jan 31, 2020", "2020-01-31"),
            ("31-Jan-20", "2020-01-31"),
            ("Fri Jan 31 2020 09:30:00 GMT+0000", "2020-01-31 09:30"),
            ("January 31, 2020 9:30 PM", "2020-01-31 21:30"),
            ("20200731 05:30:00 US/Eastern", "2020-07-31 09:30"),
            ("Fri Jan 31 2020 09:30:00 GMT+0100 (CET)", "2020-01-31 08:30"),
        ];
        for (cell, expected) in cases {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(utc(cell, true).map(Timestamp::from_millis), Some(expected), "{cell}");
        }
        assert_eq!(utc("01/31/2020", false), utc("31/01/2020", true));
    }

    #[test]
    fn what_is_no_time() {
        for cell in [
            "",
            "now",
            "1.5",
            "16500.25",
            "99999999",
            "1577836800.0001",
            "1.70467E+12",
            "15778368000000001",
            "2020-13-01",
            "32/32/2020",
            "2020-01-01 25:00",
            "2020-01-01 13-PM",
            "2020-01-01 00:00:00.0001",
            "05:00",
            "1,2",
            "2020-01",
            "Foo 31 2020",
            "1.2.3.4",
            "-",
            "+",
            "e",
            "1e400",
            "ä",
            "9223372036854775808",
            "2020-01-01 09:30 CST",
            "2020-03-08 02:30 Nowhere/Town",
        ] {
            assert_eq!(parse(cell), None, "{cell}");
        }
    }

    #[test]
    fn two_columns_make_one_time() {
        let two = parse_two("2020.01.01", "09:30").unwrap();
        assert_eq!(two, parse("2020-01-01 09:30").unwrap());
        assert_eq!(two, parse_two("20200101", "093000").unwrap());
        assert_eq!(parse_two("1577836800", "09:30"), None);
    }

    #[test]
    fn days_of_spreadsheets_and_unknown_zones() {
        assert_eq!(parse_serial("45292.3958333333"), parse("2024-01-01 09:30"));
        assert_eq!(parse_serial("45292"), parse("2024-01-01"));
        assert_eq!(parse_serial("16500.25"), None);
        assert_eq!(unknown_zone("2020-01-01 09:30 CST"), Some("CST"));
        assert_eq!(unknown_zone("2020-01-01 09:30 EST"), None);
        assert_eq!(unknown_zone("no time"), None);
    }
}
