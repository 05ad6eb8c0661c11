//! The column of the time, and other times beside it that must not contradict it.

use super::columns::{Columns, cells};
use super::error::{ReadError, excerpt};
use super::names::{CLOCK, CLOSE_TIME, INDEX, Names, OPEN_TIME, TIME};
use super::number::is_missing;
use super::table::HeadRow;
use super::time::{Stamp, close_cell, pad_clock, parse, parse_clock, parse_serial, unknown_zone};
use super::zone;

/// Rows that are compared.
const ROWS: usize = 200;
const DAY_MS: i64 = 86_400_000;
/// Numbers that lie so far from the time of their row are no times.
const FAR_MS: i64 = 400 * DAY_MS;

/// Position and form of the time.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TimeColumn {
    pub(crate) index: usize,
    /// The column of the time of day, if the other is a date.
    pub(crate) clock: Option<usize>,
    /// Digits of a time of day that lost its leading zeros, else 0.
    pub(crate) digits: usize,
    /// Whether times are days as spreadsheets count them.
    pub(crate) serial: bool,
}

/// Reason for which no column is the time.
pub(crate) struct NoTime {
    pub(crate) text: String,
    /// Line and name of a zone that is not known.
    pub(crate) zone: Option<(u64, String)>,
}

impl TimeColumn {
    /// Finds the column, `taken` are those of prices, `given` the one of the options or the format.
    pub(crate) fn find(
        names: &Names,
        data: &[HeadRow],
        taken: &[usize],
        given: Option<usize>,
        clock: Option<usize>,
    ) -> Result<Self, NoTime> {
        let data = &data[..data.len().min(ROWS)];
        let reads = |index: usize, read: fn(&str) -> bool| {
            let mut all = cells(data, index).filter(|cell| !is_missing(cell)).peekable();
            let is_some = data.is_empty() || all.peek().is_some();
            let (good, bad): (Vec<_>, Vec<_>) = all.partition(|cell| read(cell));
            is_some && good.len() >= bad.len()
        };
        let named = |list: &[&str]| -> Vec<usize> {
            names.all(list).into_iter().filter(|i| !taken.contains(i)).collect()
        };
        let (open, mut plain, index) = (named(OPEN_TIME), named(TIME), named(INDEX));
        // `Time (EET)`
        let in_brackets =
            (0..names.written.len()).filter(|i| zone::of_header(&names.written[*i]).is_some());
        plain.extend(in_brackets.filter(|i| !taken.contains(i)));
        let has_clock = |cell: &str| {
            !matches!(
                parse(cell),
                None | Some(Stamp::Civil(super::time::Civil { clock: None, .. }))
            )
        };
        let is_time = |cell: &str| parse(cell).is_some();
        let all: Vec<usize> = match given {
            Some(given) => vec![given],
            None => open.iter().chain(&plain).chain(&index).copied().collect(),
        };
        let full = all.iter().copied().find(|i| reads(*i, has_clock));
        let found = full.or_else(|| all.iter().copied().find(|i| reads(*i, is_time)));
        let Some(time) = found else {
            let is_serial = |cell: &str| parse_serial(cell).is_some();
            let serial = all.iter().copied().find(|i| !index.contains(i) && reads(*i, is_serial));
            let none = || no_time(names, data, &all);
            let time = serial.ok_or_else(none)?;
            return Ok(Self { index: time, clock: None, digits: 0, serial: true });
        };
        let is_date = full.is_none();
        let clocks = CLOCK.iter().flat_map(|name| names.all(&[name]));
        let clocks = clocks.filter(|i| *i != time && is_date && !data.is_empty());
        let is_clock = |cell: &str| {
            parse_clock(cell).is_some() || cell.len() <= 6 && cell.parse::<u32>().is_ok()
        };
        let clock = clock.or_else(|| clocks.into_iter().find(|i| reads(*i, is_clock)));
        let digits = clock.map_or(Ok(0), |clock| clock_digits(names, data, clock))?;
        Ok(Self { index: time, clock, digits, serial: false })
    }
}

/// Digits of a time of day whose leading zeros may be lost: 0 if none is.
fn clock_digits(names: &Names, data: &[HeadRow], clock: usize) -> Result<usize, NoTime> {
    let whole = cells(data, clock).filter(|cell| cell.bytes().all(|b| b.is_ascii_digit()));
    let lengths: Vec<usize> = whole.map(str::len).filter(|length| *length > 0).collect();
    if lengths.iter().all(|length| *length == 4) || lengths.iter().all(|length| *length == 6) {
        return Ok(0);
    }
    // Shorter ones may be `HHMM` or `HHMMSS`.
    let Some(5 | 6) = lengths.iter().max() else {
        let name = &names.written[clock];
        let text =
            format!("the times of day in {name:?} lost their leading zeros: write them as HH:MM");
        return Err(NoTime { text, zone: None });
    };
    let digits = 6;
    let all_read = cells(data, clock).all(|cell| parse_clock(&pad_clock(cell, digits)).is_some());
    if all_read {
        return Ok(digits);
    }
    let text = format!("no times of day in {:?}", names.written[clock]);
    Err(NoTime { text, zone: None })
}

/// The reason for which no column is the time.
fn no_time(names: &Names, data: &[HeadRow], named: &[usize]) -> NoTime {
    let first = |index: usize| data.iter().find_map(|(line, row)| Some((*line, row.get(index)?)));
    for index in named {
        let Some((line, cell)) = first(*index) else { continue };
        if let Some(zone) = unknown_zone(cell) {
            return NoTime { text: String::new(), zone: Some((line, zone.to_owned())) };
        }
    }
    if let Some(index) = named.iter().find(|i| TIME.contains(&names.plain[**i].as_str()))
        && let Some((line, cell)) = first(*index)
    {
        let cell = excerpt(cell);
        let why = if cell.contains("E+") { ": a spreadsheet cut its digits" } else { "" };
        let name = &names.written[*index];
        let text = format!("no column for the open time: {name:?} has {cell:?} in row {line}{why}");
        return NoTime { text, zone: None };
    }
    let close = names.all(CLOSE_TIME);
    let close = close.first().map(|i| names.written[*i].as_str());
    let text = match close {
        Some(close) => format!(
            "no column for the open time, only {close:?} for that of the close: write --columns \
             time={close} --time close"
        ),
        None => "no column for the open time".to_owned(),
    };
    NoTime { text, zone: None }
}

/// Comparison of the time with all other columns that hold times.
pub(crate) struct TimeSearch<'a> {
    columns: &'a Columns,
    data: &'a [HeadRow],
}

impl<'a> TimeSearch<'a> {
    pub(crate) fn new(columns: &'a Columns, data: &'a [HeadRow]) -> Self {
        Self { columns, data: &data[..data.len().min(ROWS)] }
    }

    /// Refuses a table with another column of times that differs from the time, unless its name
    /// says that it is the close.
    pub(crate) fn check(&self, file: &str) -> Result<(), ReadError> {
        let Columns { names, time, .. } = self.columns;
        for other in 0..names.written.len() {
            let is_close = Some(other) == self.columns.close_time
                || CLOSE_TIME.contains(&names.plain[other].as_str());
            let is_used = [Some(time.index), time.clock, self.columns.volume]
                .contains(&Some(other))
                || self.columns.prices.contains(&other)
                || self.columns.ignored.contains(&other);
            let Some(differences) = self.differences(other).filter(|_| !is_used) else { continue };
            let agrees = differences.iter().all(|own| if is_close { *own > 0 } else { *own == 0 });
            if !agrees {
                return Err(self.two_times(other, file));
            }
        }
        Ok(())
    }

    fn two_times(&self, other: usize, file: &str) -> ReadError {
        let names = &self.columns.names.written;
        let describe = |index: usize| {
            let first = cells(self.data, index).next().unwrap_or_default();
            format!("{:?} ({})", names[index], excerpt(first))
        };
        let (own, name) = (describe(self.columns.time.index), &names[other]);
        let other = describe(other);
        ReadError::ambiguous(
            file,
            format!(
                "two columns hold different times, {own} and {other}: write which is that of the \
                 open, as --columns time={name}, or that of the close with --time close \
                 (ReadOptions::columns, ReadOptions::time)"
            ),
        )
    }

    /// Milliseconds from the time of each row to another column, 0 for its date alone; `None` if
    /// that column holds no times.
    fn differences(&self, other: usize) -> Option<Vec<i64>> {
        let mut differences = vec![];
        let mut values: Vec<&str> = vec![];
        for (_, row) in self.data {
            let cell = row.get(other).map_or("", String::as_str);
            if is_missing(cell) {
                continue;
            }
            let own = self.columns.stamp(|i| row.get(i).map_or("", String::as_str))?;
            let (stamp, own) = (parse(&close_cell(cell))?, local_times(&own));
            let nearest = local_times(&stamp)
                .into_iter()
                .flat_map(|time| own.iter().map(move |own| time - own))
                .min_by_key(|difference| difference.abs())?;
            let nearest = match &stamp {
                Stamp::Epoch { .. } if nearest.abs() > FAR_MS => return None,
                Stamp::Civil(civil) if civil.clock.is_none() && nearest.abs() < 4 * DAY_MS => 0,
                _ => nearest,
            };
            differences.push(nearest);
            values.push(cell);
        }
        values.sort_unstable();
        values.dedup();
        // A constant is no time of a candle.
        (values.len() > 1 || self.data.len() == 1 && !values.is_empty()).then_some(differences)
    }
}

/// Milliseconds since 1970 of a time, with the day first and the month first where that is open.
fn local_times(stamp: &Stamp) -> Vec<i64> {
    match stamp {
        Stamp::Epoch { millis, .. } => vec![*millis],
        Stamp::Civil(civil) => {
            let both = [false, true].map(|day_first| civil.utc(day_first).map(|(utc, _)| utc));
            both.into_iter().flatten().collect()
        }
    }
}
