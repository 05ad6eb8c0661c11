//! Conversion of rows of cells to rows of numbers with a time.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use csv::ByteRecord;

use super::by_data::close_cell;
use super::columns::Columns;
use super::error::ReadError;
use super::error::excerpt;
use super::note::{NoteKind, ReadLog, Tally};
use super::number::{Style, is_missing};
use super::table::{HeadRow, Table, cell};
use super::time::{Civil, Stamp, Unit, parse};
use super::zone::Zone;
use windvane_candles::Ohlcv;

/// Row with its time and values.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: u64,
    /// Open time in milliseconds since 1970-01-01 UTC.
    pub(crate) time: i64,
    /// Offset of local time from UTC in milliseconds; 0 if the file has none.
    pub(crate) offset: i64,
    pub(crate) values: Ohlcv,
}

/// Rows of a table, with the formats of their times.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) read: Vec<Row>,
    /// Number of rows of the table.
    pub(crate) total: u64,
    /// Formats of the times, for [`Format`](super::Format).
    pub(crate) times: String,
    /// Close time minus open time of the first row with both.
    pub(crate) length: Option<i64>,
}

#[derive(Default)]
struct Tallies {
    /// Line and time of rows marked as unfinished.
    unfinished: Vec<(u64, Option<i64>)>,
    empty: Tally,
    unreadable: Tally,
    no_volume: Tally,
    headers: Tally,
}

/// Row whose date may be day-first or month-first.
struct Raw {
    line: u64,
    stamp: Stamp,
    values: Ohlcv,
}

/// Reads all rows of a table.
pub(crate) fn read(
    table: &Table,
    columns: &Columns,
    head: &[HeadRow],
    file: &str,
    log: &mut ReadLog,
) -> Result<Rows, ReadError> {
    let style = style(columns, head, table, log);
    let (mut raws, mut all, mut tallies) = (vec![], Rows::default(), Tallies::default());
    let mut symbols = BTreeSet::<String>::new();
    let mut rows = table.rows();
    let banner = columns.header.unwrap_or_else(|| first_row(head));
    while let Some((line, record)) = rows.next(file)? {
        if line < banner || columns.header == Some(line) {
            continue;
        }
        all.total += 1;
        match one(line, record, columns, style, &mut tallies, raws.is_empty()) {
            None => continue,
            Some(raw) => raws.push(raw),
        }
        if all.length.is_none() {
            all.length = length(record, columns);
        }
        if let Some(i) = columns.symbol
            && !symbols.contains(cell(record, i))
        {
            symbols.insert(excerpt(cell(record, i)));
            if symbols.len() > 1 {
                let names = symbols.into_iter().collect();
                return Err(ReadError::Instruments { file: file.to_owned(), names });
            }
        }
    }
    all.total -= tallies.headers.rows;
    log.rows(NoteKind::SkippedLines, &tallies.headers, "of further header skipped");
    log.rows(NoteKind::NoPrices, &tallies.empty, "without prices, dropped");
    log.rows(NoteKind::Unreadable, &tallies.unreadable, "unreadable, dropped");
    log.rows(NoteKind::Volume, &tallies.no_volume, "without volume, taken as 0");
    resolve(raws, file, &mut all, log)?;
    note_unfinished(&tallies.unfinished, &all.read, log);
    Ok(all)
}

/// Notes unfinished rows. A stream sends a candle several times before it is finished, so a row is
/// a loss only if its candle is never finished.
fn note_unfinished(unfinished: &[(u64, Option<i64>)], read: &[Row], log: &mut ReadLog) {
    if unfinished.is_empty() {
        return;
    }
    let mut known: BTreeSet<i64> = read.iter().map(|row| row.time).collect();
    let (mut missing, mut earlier) = (Tally::default(), Tally::default());
    for (line, time) in unfinished {
        let is_new = time.is_none_or(|time| known.insert(time));
        if is_new { &mut missing } else { &mut earlier }.add(*line, *time);
    }
    log.rows(NoteKind::Repeated, &earlier, "with an earlier state of another, left out");
    log.rows(NoteKind::Unfinished, &missing, "not finished, dropped");
}

/// Returns the line of the first row in a table without header.
fn first_row(head: &[HeadRow]) -> u64 {
    head.iter().find(|(_, cells)| super::by_data::is_row(cells)).map_or(0, |(line, _)| *line)
}

fn style(columns: &Columns, head: &[HeadRow], table: &Table, log: &mut ReadLog) -> Style {
    let data = head.iter().filter(|(line, _)| Some(*line) > columns.header);
    let prices = data.flat_map(|(_, cells)| columns.prices.map(|i| cells.get(i)));
    let prices: Vec<&str> = prices.flatten().map(String::as_str).collect();
    let mut style = Style::of(prices.iter().copied(), table.delimiter == b',');
    // If prices have decimal points, commas in the volume separate thousands.
    let mut volumes = head.iter().filter_map(|(_, cells)| cells.get(columns.volume?));
    let points = prices.iter().any(|cell| cell.contains('.'));
    if style == Style::Plain && points && volumes.any(|cell| cell.contains(',')) {
        style = Style::Thousands;
    }
    match style {
        Style::Plain => {}
        Style::Thousands => log.file(NoteKind::Numbers, "numbers have commas between thousands"),
        Style::DecimalComma => log.file(NoteKind::Numbers, "numbers have a decimal comma"),
    }
    style
}

/// Parses one row, or adds the reason of a dropped row to the tallies.
fn one(
    line: u64,
    record: &ByteRecord,
    columns: &Columns,
    style: Style,
    tallies: &mut Tallies,
    no_row_yet: bool,
) -> Option<Raw> {
    let Some(stamp) = columns.stamp(|i| cell(record, i)) else {
        let prices = columns.prices.iter().any(|i| style.parse(cell(record, *i)).is_some());
        if no_row_yet && !prices && columns.header.is_some() {
            tallies.headers.add(line, None);
        } else {
            tallies.unreadable.add_because(line, None, || {
                format!("no time in {:?}", excerpt(cell(record, columns.time)))
            });
        }
        return None;
    };
    let time = match &stamp {
        Stamp::Epoch { millis, .. } => Some(*millis),
        Stamp::Civil(civil) if civil.undecided.is_none() => civil.utc(false).map(|(utc, _)| utc),
        Stamp::Civil(_) => None,
    };
    let extra = (columns.width..record.len()).any(|i| !cell(record, i).is_empty());
    if record.len() < columns.width && !is_whole(record, columns) || extra {
        tallies.unreadable.add_because(line, time, || {
            format!("{} cells instead of {}", record.len(), columns.width)
        });
        return None;
    }
    if columns.prices.iter().all(|i| is_missing(cell(record, *i))) {
        tallies.empty.add(line, time);
        return None;
    }
    if let Some(closed) = columns.closed
        && matches!(cell(record, closed).to_ascii_lowercase().as_str(), "0" | "false")
    {
        tallies.unfinished.push((line, time));
        return None;
    }
    let mut values = [0.0; 5];
    let five = columns.prices.into_iter().map(Some).chain([columns.volume]);
    for (value, index) in values.iter_mut().zip(five) {
        let Some(index) = index else { continue };
        let text = cell(record, index);
        if Some(index) == columns.volume && is_missing(text) {
            tallies.no_volume.add(line, time);
            continue;
        }
        let number = match columns.exponent {
            exponent if !exponent.is_empty() && Some(index) != columns.volume => {
                style.parse(&format!("{text}{exponent}"))
            }
            _ => style.parse(text),
        };
        let Some(number) = number else {
            tallies.unreadable.add_because(line, time, || {
                format!("no number in {:?}, column {}", excerpt(text), index + 1)
            });
            return None;
        };
        *value = number;
    }
    let [open, high, low, close, volume] = values;
    Some(Raw { line, stamp, values: Ohlcv { open, high, low, close, volume } })
}

/// Returns whether a short row has all required cells and one more, so that it is not truncated.
fn is_whole(record: &ByteRecord, columns: &Columns) -> bool {
    let needed = columns.prices.iter().chain(&columns.volume).chain(&columns.clock).max();
    needed.is_some_and(|last| {
        last + 1 < record.len() || columns.width == last + 2 && last + 1 == record.len()
    })
}

fn length(record: &ByteRecord, columns: &Columns) -> Option<i64> {
    let close = parse(&close_cell(cell(record, columns.close_time?)))?.millis()?;
    close.checked_sub(columns.stamp(|i| cell(record, i))?.millis()?)
}

/// Decides the order of day and month, and notes the formats of the times.
fn resolve(raws: Vec<Raw>, file: &str, all: &mut Rows, log: &mut ReadLog) -> Result<(), ReadError> {
    let day_first = day_first(&raws, file, log)?;
    let mut units = BTreeSet::<Unit>::new();
    let mut offsets = BTreeSet::<i32>::new();
    let mut places = BTreeSet::<String>::new();
    let (mut clocks, mut zoneless, mut dates) = (false, false, false);
    let mut bad = Tally::default();
    all.read.reserve_exact(raws.len());
    for Raw { line, stamp, values } in raws {
        let (time, offset) = match stamp {
            Stamp::Epoch { millis, unit } => {
                units.insert(unit);
                (millis, 0)
            }
            Stamp::Civil(civil) => {
                let Some(time) = civil.utc(day_first) else {
                    bad.add_because(line, None, || "no such date or hour".to_owned());
                    continue;
                };
                match &civil.zone {
                    Some(Zone::Offset(minutes)) => {
                        offsets.insert(*minutes);
                    }
                    Some(Zone::Named(zone)) => {
                        let name = zone.iana_name().unwrap_or_default();
                        if !places.contains(name) {
                            places.insert(name.to_owned());
                        }
                    }
                    None => zoneless |= civil.clock.is_some(),
                }
                clocks |= civil.clock.is_some();
                dates |= civil.clock.is_none();
                time
            }
        };
        all.read.push(Row { line, time, offset, values });
    }
    log.rows(NoteKind::Unreadable, &bad, "unreadable, dropped");
    let mut forms: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
    forms.extend(dates.then_some("dates"));
    forms.extend(clocks.then_some("dates with a clock"));
    all.times = forms.join(" and ");
    if forms.len() > 1 {
        log.file(NoteKind::Times, format!("times are mixed: {}, read row by row", all.times));
    }
    if zoneless {
        log.file(NoteKind::Times, "times have no zone: taken as UTC");
    }
    for place in &places {
        log.file(NoteKind::Times, format!("times are of {place}: converted to UTC"));
    }
    if offsets.iter().any(|minutes| *minutes != 0) {
        let list = offsets.iter().copied().map(offset).collect::<Vec<_>>().join(" and ");
        let changes = if offsets.len() > 1 { ", which changes in the file" } else { "" };
        log.file(
            NoteKind::Times,
            format!("times have an offset of {list}{changes}: converted to UTC"),
        );
    }
    Ok(())
}

/// Formats an offset in minutes as `+02:00`.
fn offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Decides from all dates whether the day comes before the month.
fn day_first(raws: &[Raw], file: &str, log: &mut ReadLog) -> Result<bool, ReadError> {
    let undecided: Vec<(u64, &Civil, u8)> = raws
        .iter()
        .filter_map(|raw| match &raw.stamp {
            Stamp::Civil(civil) => civil.undecided.map(|sign| (raw.line, civil, sign)),
            Stamp::Epoch { .. } => None,
        })
        .collect();
    let Some((_, _, sign)) = undecided.first() else { return Ok(false) };
    let only_day_first = undecided.iter().find(|(_, civil, _)| civil.first > 12);
    let only_month_first = undecided.iter().find(|(_, civil, _)| civil.second > 12);
    let (first, why) = match (only_day_first, only_month_first) {
        (Some((day_first, ..)), Some((month_first, ..))) => {
            let (day_first, month_first) = (*day_first, *month_first);
            return Err(ReadError::Dates { file: file.to_owned(), day_first, month_first });
        }
        (Some((line, ..)), None) => (true, format!("line {line} can only be that")),
        (None, Some((line, ..))) => (false, format!("line {line} can only be that")),
        (None, None) => {
            let closer = "not certain: the rows then lie closer together".to_owned();
            match span(&undecided, true).cmp(&span(&undecided, false)) {
                Ordering::Less => (true, closer),
                Ordering::Greater => (false, closer),
                Ordering::Equal => {
                    (*sign != b'/', "not certain: every date could be either".to_owned())
                }
            }
        }
    };
    let order = if first { "day" } else { "month" };
    log.file(NoteKind::Times, format!("dates are read with the {order} first ({why})"));
    Ok(first)
}

/// Returns the milliseconds from the first to the last date.
fn span(dates: &[(u64, &Civil, u8)], day_first: bool) -> i64 {
    let times = dates.iter().filter_map(|(_, civil, _)| civil.local(day_first));
    let (first, last) =
        times.fold((i64::MAX, i64::MIN), |(first, last), time| (first.min(time), last.max(time)));
    if first > last { i64::MAX } else { last - first }
}
