//! From rows to a series: order, interval, grid, losses.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::error::ReadError;
use super::grid;
use super::note::{NoteKind, ReadLog, Tally};
use super::options::{ReadOptions, Role};
use super::rows::{ParsedRow, SeriesRows};
use super::states;
use super::table::Answer;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Of all steps between rows, this share must be multiples of the interval.
const REGULAR: f64 = 0.9;
/// More rows than these and more than this share may not be lost.
const FREE_LOSSES: u64 = 3;
const MAX_LOST: f64 = 0.01;
/// Of all rows, this share may be out of order.
const MAX_LATE: f64 = 0.01;
/// The last volume is compared with so many before it.
const BEFORE: usize = 20;
/// Pairs of neighbours that show whether open and close are exchanged.
const MIN_PAIRS: usize = 10;
const MAX_PAIRS: usize = 10_000;

/// The series of some rows, and the notes on them.
pub(crate) fn series(
    all: SeriesRows,
    columns: &Columns,
    answer: &Answer,
    options: &ReadOptions,
    pair: Pair,
    file: &str,
) -> Result<(CandleSeries, ReadLog), ReadError> {
    let SeriesRows { read: mut rows, total, length, mut lost, mut log, .. } = all;
    drop_impossible(&mut rows, &mut lost, &mut log);
    if rows.is_empty() {
        let first = log.notes.iter().find(|note| note.rows > 0).map(|note| note.text.clone());
        return Err(ReadError::NoCandle { file: file.to_owned(), rows: total, first });
    }
    refuse_one_sided(&rows, &lost, total, file, &log)?;
    sort(&mut rows, file, &mut log)?;
    let interval = interval(&rows, length, options.interval, file)?;
    if columns.stamps_close {
        open_at(&mut rows, interval, &mut log);
    }
    let interval = grid::place(&mut rows, interval, options, file, &mut log)?;
    states::drop_doubles(&mut rows, columns.is_log, columns.has_versions, &mut log);
    drop_running(&mut rows, interval, answer, &mut log);
    note_running(&rows, columns, answer, &mut log);
    refuse_losses(&log, total, rows.len() as u64, file)?;
    let given = [Role::Open, Role::Close].map(|role| options.columns.get(role));
    if given.contains(&None) {
        refuse_exchanged(&rows, interval, columns, file)?;
    }
    suspect(&rows, interval, &mut log);
    // Collected in place: no second list of all rows.
    let mut candles: Vec<Candle> = rows.into_iter().filter_map(|row| candle(&row)).collect();
    candles.shrink_to_fit();
    let series = CandleSeries::new(pair, interval, candles);
    let series =
        series.expect("invariant: the rows were sorted, and those off the grid or doubled dropped");
    Ok((series, log))
}

fn candle(row: &ParsedRow) -> Option<Candle> {
    Candle::new(Timestamp::from_millis(row.time), row.values).ok()
}

fn drop_impossible(rows: &mut Vec<ParsedRow>, lost: &mut Vec<usize>, log: &mut ReadLog) {
    let mut impossible = Tally::default();
    let mut kept = 0;
    rows.retain(|row| match Candle::new(Timestamp::from_millis(row.time), row.values) {
        Ok(_) => {
            kept += 1;
            true
        }
        Err(error) => {
            lost.push(kept);
            impossible.add_because(row.line, Some(row.time), || error.to_string());
            false
        }
    });
    log.rows(NoteKind::Impossible, &impossible, "with impossible numbers, dropped");
}

/// Refuses losses that are no accident: all at one end of the file, or most rows on one side of a
/// price.
fn refuse_one_sided(
    rows: &[ParsedRow],
    lost: &[usize],
    total: u64,
    file: &str,
    log: &ReadLog,
) -> Result<(), ReadError> {
    if lost.len() as u64 <= FREE_LOSSES {
        return Ok(());
    }
    let at_end = lost.iter().all(|at| *at == 0) || lost.iter().all(|at| *at >= rows.len());
    let close = |row: &ParsedRow| row.values.close;
    let near = lost.iter().map(|at| close(&rows[at.saturating_sub(1).min(rows.len() - 1)]));
    let (least, most) =
        near.fold((f64::MAX, f64::MIN), |(least, most), price| (least.min(price), most.max(price)));
    let beyond = |is_beyond: &dyn Fn(f64) -> bool| {
        rows.iter().filter(|row| is_beyond(close(row))).count() <= lost.len()
    };
    if at_end || beyond(&|price| price >= least) || beyond(&|price| price <= most) {
        return Err(too_much_lost(log, lost.len() as u64, total, file));
    }
    Ok(())
}

fn too_much_lost(log: &ReadLog, lost: u64, rows: u64, file: &str) -> ReadError {
    let losses = log.notes.iter().filter(|note| note.kind.is_loss());
    let first = losses.max_by_key(|note| note.rows).map_or(String::new(), |n| n.text.clone());
    ReadError::TooMuchLost { file: file.to_owned(), lost, rows, first }
}

fn refuse_losses(log: &ReadLog, total: u64, kept: u64, file: &str) -> Result<(), ReadError> {
    let losses = log.notes.iter().filter(|note| note.kind.is_loss());
    let lost: u64 = losses.map(|note| note.rows).sum();
    if lost > kept || (lost > FREE_LOSSES && lost as f64 > MAX_LOST * total as f64) {
        return Err(too_much_lost(log, lost, total, file));
    }
    Ok(())
}

/// Sorts rows that rise or fall but for a few; others are refused.
fn sort(rows: &mut [ParsedRow], file: &str, log: &mut ReadLog) -> Result<(), ReadError> {
    let (mut falls, mut rises) = (0, 0);
    for two in rows.windows(2) {
        falls += usize::from(two[1].time < two[0].time);
        rises += usize::from(two[1].time > two[0].time);
    }
    if rises + 1 == rows.len() {
        return Ok(());
    }
    if falls > rises {
        rows.reverse();
        log.file(NoteKind::Order, "newest first: turned round");
    }
    let (mut late, mut lines) = (Tally::default(), vec![]);
    let mut rising: Vec<i64> = vec![];
    for row in rows.iter() {
        match rising.last() {
            // Pages that overlap hold rows again; only a new time is out of order.
            Some(latest) if row.time <= *latest => {
                if rising.binary_search(&row.time).is_err() {
                    late.add(row.line, Some(row.time));
                    lines.extend((lines.len() < 3).then_some(row.line));
                }
            }
            _ => rising.push(row.time),
        }
    }
    if late.rows > 1 && late.rows as f64 > MAX_LATE * rows.len() as f64 {
        return Err(ReadError::Scrambled { file: file.to_owned(), rows: late.rows, first: lines });
    }
    rows.sort_by_key(|row| row.time);
    log.rows(NoteKind::Order, &late, "out of order, sorted by time");
    Ok(())
}

/// The given interval, or the most common step that most other steps are multiples of, without its
/// offset.
fn interval(
    rows: &[ParsedRow],
    length: Option<i64>,
    given: Option<Interval>,
    file: &str,
) -> Result<Interval, ReadError> {
    let found = inferred_interval(rows, length, file);
    match (given, found) {
        (Some(given), Ok(found)) if given.millis() != found.millis() => {
            let reason = format!("looks like {found} candles, expected {given}");
            Err(ReadError::interval(file, reason))
        }
        (Some(given), _) => Ok(given),
        (None, found) => found,
    }
}

fn inferred_interval(
    rows: &[ParsedRow],
    length: Option<i64>,
    file: &str,
) -> Result<Interval, ReadError> {
    let mut counts = BTreeMap::<i64, usize>::new();
    for two in rows.windows(2) {
        let step = two[1].time.saturating_sub(two[0].time);
        if step != 0 {
            *counts.entry(step).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    if all == 0 {
        // Close times end a millisecond before the next candle opens, or with it.
        let step = length.map(|length| length.saturating_add(59_999) / 60_000 * 60_000);
        let Some(step) = step else {
            return Err(ReadError::NoInterval { file: file.to_owned(), rows: rows.len() as u64 });
        };
        return Interval::from_millis(step).map_err(|source| ReadError::step(file, &source));
    }
    let mut steps: Vec<(i64, usize)> = counts.iter().map(|(step, count)| (*step, *count)).collect();
    // Stable: of equally common steps the shortest comes first.
    steps.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let months = steps.iter().filter(|(step, _)| (28 * DAY_MS..=31 * DAY_MS).contains(step));
    let months: Vec<usize> = months.map(|(_, count)| *count).collect();
    if months.len() > 1 && months.iter().sum::<usize>() * 2 > all {
        let reason = "looks like monthly candles, whose length differs: read days or weeks";
        return Err(ReadError::interval(file, reason));
    }
    let regular = steps.iter().take(50).find(|(step, _)| {
        let multiples = counts.iter().filter(|(other, _)| *other % step == 0);
        multiples.map(|(_, count)| count).sum::<usize>() as f64 >= REGULAR * all as f64
    });
    let Some((step, _)) = regular else {
        let step = steps[0].0;
        let reason = format!(
            "no regular interval: the most common step between rows is {step} ms; give the interval \
             (--interval, ReadOptions::interval), such as 1h@session for hours that begin with the \
             session of a market and go on after a pause"
        );
        return Err(ReadError::interval(file, reason));
    };
    Interval::from_millis(*step).map_err(|source| ReadError::step(file, &source))
}

/// Moves times that mark the close to the open: taken for opens they would let a model act on a
/// candle before it is over.
fn open_at(rows: &mut [ParsedRow], interval: Interval, log: &mut ReadLog) {
    let mut moved = Tally::default();
    grid::end_of_last_day(rows, interval);
    for row in rows.iter_mut() {
        moved.add(row.line, Some(row.time));
        // Some close a millisecond or a second before the next candle opens.
        let end = row.time.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS) * MINUTE_MS;
        row.time = end.saturating_sub(interval.millis());
    }
    let what = format!("stamped at their close, moved {interval} back to their open");
    log.rows(NoteKind::Restamped, &moved, &what);
}

/// Drops the candle that was not finished when the answer was written.
fn drop_running(rows: &mut Vec<ParsedRow>, interval: Interval, answer: &Answer, log: &mut ReadLog) {
    if answer.written.or(answer.last_finished).is_none() {
        return;
    }
    let is_running = |row: &ParsedRow| {
        let written = answer.written.filter(|at| row.time.saturating_add(interval.millis()) > *at);
        written.is_some() || answer.last_finished.is_some_and(|last| row.time > last)
    };
    let mut running = Tally::default();
    rows.retain(|row| {
        if is_running(row) {
            running.add(row.line, Some(row.time));
        }
        !is_running(row)
    });
    log.rows(NoteKind::Unfinished, &running, "not finished, dropped");
}

/// Notes the last candle of an answer that says neither its time nor which candles are finished.
fn note_running(rows: &[ParsedRow], columns: &Columns, answer: &Answer, log: &mut ReadLog) {
    let is_known = answer.written.or(answer.last_finished).is_some() || columns.finished.is_some();
    if let (true, Some(last)) = (answer.is_json && !is_known, rows.last()) {
        let mut running = Tally::default();
        running.add(last.line, Some(last.time));
        let what = "at the end may be unfinished: the answer gives no time and no flag, kept";
        log.rows(NoteKind::Suspect, &running, what);
    }
}

/// Refuses a table whose opens follow the opens before and whose closes are those of the next
/// candle: columns that were exchanged, or times of another row.
fn refuse_exchanged(
    rows: &[ParsedRow],
    interval: Interval,
    columns: &Columns,
    file: &str,
) -> Result<(), ReadError> {
    let (mut pairs, mut against, mut own, mut other) = (0, 0, 0.0, 0.0);
    for two in rows.windows(2).take(MAX_PAIRS) {
        if two[1].time - two[0].time != interval.millis() {
            continue;
        }
        let (before, after) = (two[0].values, two[1].values);
        let stated = (after.open / before.close).ln().abs();
        let exchanged = (after.close / before.open).ln().abs();
        if stated.to_bits() != exchanged.to_bits() {
            pairs += 1;
            against += usize::from(exchanged < stated);
            (own, other) = (own + stated, other + exchanged);
        }
    }
    if pairs >= MIN_PAIRS && against * 10 >= pairs * 9 && other < 0.5 * own {
        let [open, _, _, close] = columns.prices.map(|i| columns.names.written[i].as_str());
        let reason = format!(
            "{open:?} and {close:?} seem to be exchanged: each {open:?} is near the {close:?} of \
             the row after it, not of the row before it. Write --columns open={close},close={open} \
             or, if the file is right, --columns open={open},close={close} (ReadOptions::columns)"
        );
        return Err(ReadError::ambiguous(file, reason));
    }
    Ok(())
}

/// Notes candles that are possible but unlikely; they stay as they are.
fn suspect(rows: &[ParsedRow], interval: Interval, log: &mut ReadLog) {
    let (mut wide, mut jumps, mut single) = (Tally::default(), Tally::default(), 0);
    let mut before: Option<&ParsedRow> = None;
    for row in rows {
        let Ohlcv { open, high, low, .. } = row.values;
        if high > 2.0 * low {
            wide.add(row.line, Some(row.time));
        }
        if let Some(before) = before {
            single += usize::from(row.time - before.time == interval.millis());
            if !(0.5..=2.0).contains(&(open / before.values.close)) {
                jumps.add(row.line, Some(row.time));
            }
        }
        before = Some(row);
    }
    log.rows(NoteKind::Suspect, &wide, "with a high above twice the low, kept");
    let what = "with an open above twice or below half of the close before, perhaps of another \
        instrument or after a split, kept";
    log.rows(NoteKind::Suspect, &jumps, what);
    // A few times that were shifted make the interval a divisor of the right one.
    let steps = rows.len().saturating_sub(1);
    if single * 2 < steps {
        let text = format!(
            "only {single} of {steps} steps between rows are {interval}: candles are missing, or \
             times are shifted and the interval is a longer one"
        );
        log.file(NoteKind::Suspect, text);
    }
    suspect_last(rows, log);
}

/// Notes a last candle with much less volume than those before.
fn suspect_last(rows: &[ParsedRow], log: &mut ReadLog) {
    let Some(start) = rows.len().checked_sub(BEFORE + 1) else { return };
    let (before, last) = (&rows[start..start + BEFORE], &rows[start + BEFORE]);
    let mut volumes: Vec<f64> = before.iter().map(|row| row.values.volume).collect();
    volumes.sort_by(f64::total_cmp);
    if last.values.volume < 0.1 * volumes[BEFORE / 2] {
        let mut tally = Tally::default();
        tally.add(last.line, Some(last.time));
        let what = "at the end with under a tenth of the usual volume, perhaps unfinished, kept";
        log.rows(NoteKind::Suspect, &tally, what);
    }
}
