//! Conversion of rows to a series: order, interval, grid, duplicates.

use std::collections::BTreeMap;

use super::error::ReadError;
use super::note::{Note, NoteKind, ReadLog, Tally};
use super::rows::{Row, Rows};
use super::time::is_weekend;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};

const DAY_MS: i64 = 86_400_000;
/// Minimum share of the steps between rows that are multiples of the interval.
const REGULAR: f64 = 0.9;
/// Number of lost rows that is always accepted.
const FREE_LOSSES: u64 = 3;
/// Maximum share of lost rows.
const MAX_LOST: f64 = 0.1;
/// Maximum relative difference between the prices of two versions of one candle.
const SAME_PRICE: f64 = 0.001;
/// Number of volumes that the last volume is compared with.
const BEFORE: usize = 20;

/// Creates the series of the rows.
pub(crate) fn series(
    all: Rows,
    file: &str,
    pair: Pair,
    stamps_close: bool,
    log: &mut ReadLog,
) -> Result<CandleSeries, ReadError> {
    let Rows { read: mut rows, total, length, .. } = all;
    drop_impossible(&mut rows, log);
    if rows.is_empty() {
        let first = log.notes.iter().find(|note| note.rows > 0).map(|note| note.text.clone());
        return Err(ReadError::NoCandle { file: file.to_owned(), rows: total, first });
    }
    sort(&mut rows, log);
    let interval = interval(&rows, length, file)?;
    if stamps_close {
        open_at(&mut rows, interval, log);
    }
    restamp(&mut rows, interval, log);
    drop_off_grid(&mut rows, interval, log);
    drop_doubles(&mut rows, log);
    refuse_losses(log, total, rows.len() as u64, file)?;
    let candles: Vec<Candle> = rows.iter().filter_map(candle).collect();
    suspect(&rows, &candles, log);
    let series = CandleSeries::new(pair, interval, candles);
    Ok(series.expect("invariant: the rows were sorted, and those off the grid or doubled dropped"))
}

fn candle(row: &Row) -> Option<Candle> {
    Candle::new(Timestamp::from_millis(row.time), row.values).ok()
}

fn drop_impossible(rows: &mut Vec<Row>, log: &mut ReadLog) {
    let mut impossible = Tally::default();
    rows.retain(|row| match Candle::new(Timestamp::from_millis(row.time), row.values) {
        Ok(_) => true,
        Err(error) => {
            impossible.add_because(row.line, Some(row.time), || error.to_string());
            false
        }
    });
    log.rows(NoteKind::Impossible, &impossible, "with impossible numbers, dropped");
}

fn sort(rows: &mut [Row], log: &mut ReadLog) {
    if rows.len() > 1
        && rows.windows(2).all(|two| two[0].time >= two[1].time)
        && rows[0].time > rows[rows.len() - 1].time
    {
        rows.reverse();
        log.file(NoteKind::Order, "newest first: turned round");
        return;
    }
    let mut late = Tally::default();
    let falls = rows.windows(2).filter(|two| two[1].time < two[0].time).count();
    if falls * 2 > rows.len() {
        rows.reverse();
        log.file(NoteKind::Order, "newest first: turned round");
    }
    let mut latest = i64::MIN;
    for row in rows.iter() {
        if row.time < latest {
            late.add(row.line, Some(row.time));
        }
        latest = latest.max(row.time);
    }
    rows.sort_by_key(|row| row.time);
    log.rows(NoteKind::Order, &late, "out of order, sorted by time");
}

/// Infers the interval: the most common step of which most other steps are multiples.
fn interval(rows: &[Row], length: Option<i64>, file: &str) -> Result<Interval, ReadError> {
    let mut counts = BTreeMap::<i64, usize>::new();
    for two in rows.windows(2) {
        let step = two[1].time.saturating_sub(two[0].time);
        if step != 0 {
            *counts.entry(step).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    if all == 0 {
        // A close time is that of the next open, or one millisecond before it.
        let step = length.map(|length| length.saturating_add(59_999) / 60_000 * 60_000);
        let Some(step) = step else {
            return Err(ReadError::NoInterval { file: file.to_owned(), rows: rows.len() as u64 });
        };
        return Interval::from_millis(step).map_err(|source| ReadError::step(file, &source));
    }
    let mut steps: Vec<(i64, usize)> = counts.iter().map(|(step, count)| (*step, *count)).collect();
    // The sort is stable: of equally common steps the shortest comes first.
    steps.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let months: Vec<usize> = steps
        .iter()
        .filter(|(step, _)| (28 * DAY_MS..=31 * DAY_MS).contains(step))
        .map(|(_, count)| *count)
        .collect();
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
        let reason = format!("no regular interval: the most common step between rows is {step} ms");
        return Err(ReadError::interval(file, reason));
    };
    Interval::from_millis(*step).map_err(|source| ReadError::step(file, &source))
}

/// Moves close times to the open: used as open times they would cause look-ahead.
fn open_at(rows: &mut [Row], interval: Interval, log: &mut ReadLog) {
    let mut moved = Tally::default();
    for row in rows.iter_mut() {
        moved.add(row.line, Some(row.time));
        row.time = row.time.saturating_sub(interval.millis());
    }
    let what = format!("stamped at their close, moved {interval} back to their open");
    log.rows(NoteKind::Restamped, &moved, &what);
}

/// Moves the daily candles of a market with weekends to 00:00 UTC of their date in the file.
///
/// Their session ends before the end of the date, so no candle is known before it has closed. A
/// candle of a market without weekends extends into the next date and is not moved.
fn restamp(rows: &mut [Row], interval: Interval, log: &mut ReadLog) {
    let off = rows.iter().filter(|row| !interval.is_aligned(Timestamp::from_millis(row.time)));
    if interval != Interval::DAY || off.count() * 2 < rows.len() {
        return;
    }
    if rows.iter().any(|row| is_weekend(row.time + row.offset)) {
        return;
    }
    let mut moved = Tally::default();
    for row in rows.iter_mut() {
        let date = (row.time + row.offset).div_euclid(DAY_MS) * DAY_MS;
        if date != row.time {
            moved.add(row.line, Some(row.time));
            row.time = date;
        }
    }
    log.rows(
        NoteKind::Restamped,
        &moved,
        "stamped within their day, moved to 00:00 UTC of their date",
    );
}

fn drop_off_grid(rows: &mut Vec<Row>, interval: Interval, log: &mut ReadLog) {
    let mut off = Tally::default();
    rows.retain(|row| {
        let aligned = interval.is_aligned(Timestamp::from_millis(row.time));
        if !aligned {
            off.add(row.line, Some(row.time));
        }
        aligned
    });
    log.rows(NoteKind::OffGrid, &off, &format!("at no open time of {interval} candles, dropped"));
}

/// Keeps one of equal or nearly equal rows, and drops all rows that contradict each other.
fn drop_doubles(rows: &mut Vec<Row>, log: &mut ReadLog) {
    let (mut repeated, mut versions) = (Tally::default(), Tally::default());
    let (mut earlier, mut contradicting) = (Tally::default(), Tally::default());
    let mut kept = Vec::with_capacity(rows.len());
    for same in rows.chunk_by(|a, b| a.time == b.time) {
        if let [only] = same {
            kept.push(*only);
            continue;
        }
        let mut same = same.to_vec();
        same.sort_by_key(|row| row.line);
        let (first, last) = (same[0], same[same.len() - 1]);
        let others = same.iter().filter(|row| row.line != first.line);
        if same.iter().all(|row| row.values == first.values) {
            others.for_each(|row| repeated.add(row.line, Some(row.time)));
        } else if same.windows(2).all(|two| is_update(&two[0], &two[1])) {
            same[..same.len() - 1].iter().for_each(|row| earlier.add(row.line, Some(row.time)));
            kept.push(last);
            continue;
        } else if same.iter().all(|row| is_version(row, &first)) {
            others.for_each(|row| versions.add(row.line, Some(row.time)));
        } else {
            for row in &same {
                contradicting.add_because(row.line, Some(row.time), || {
                    "which is right is not known".to_owned()
                });
            }
            continue;
        }
        kept.push(first);
    }
    *rows = kept;
    log.rows(NoteKind::Repeated, &repeated, "equal to another, left out");
    log.rows(NoteKind::Repeated, &earlier, "with an earlier state of the next, left out");
    let what = "with nearly the prices of another of the same time, the one further up kept";
    log.rows(NoteKind::Versions, &versions, what);
    let what = "contradicting another of the same time, all dropped";
    log.rows(NoteKind::Contradicting, &contradicting, what);
}

/// Returns whether a row is the next state of an unfinished candle in a stream.
fn is_update(before: &Row, after: &Row) -> bool {
    let (a, b) = (before.values, after.values);
    let wider = a.open.to_bits() == b.open.to_bits() && a.high <= b.high && a.low >= b.low;
    after.line == before.line + 1 && wider && a.volume <= b.volume && is_version(after, before)
}

/// Returns whether two rows are two versions of one candle, such as a rounded or a corrected one.
fn is_version(a: &Row, b: &Row) -> bool {
    prices(a).iter().zip(prices(b)).all(|(a, b)| (a - b).abs() <= SAME_PRICE * b)
}

fn prices(row: &Row) -> [f64; 4] {
    let Ohlcv { open, high, low, close, .. } = row.values;
    [open, high, low, close]
}

fn refuse_losses(log: &ReadLog, total: u64, kept: u64, file: &str) -> Result<(), ReadError> {
    let losses: Vec<&Note> = log.notes.iter().filter(|note| note.kind.is_loss()).collect();
    let lost: u64 = losses.iter().map(|note| note.rows).sum();
    if lost > kept || (lost > FREE_LOSSES && lost as f64 > MAX_LOST * total as f64) {
        let most = losses.iter().max_by_key(|note| note.rows);
        let first = most.map_or(String::new(), |note| note.text.clone());
        return Err(ReadError::TooMuchLost { file: file.to_owned(), lost, rows: total, first });
    }
    Ok(())
}

/// Adds notes on candles that are possible but unlikely; they are not changed.
fn suspect(rows: &[Row], candles: &[Candle], log: &mut ReadLog) {
    let mut wide = Tally::default();
    for (row, candle) in rows.iter().zip(candles) {
        if candle.high() > 2.0 * candle.low() {
            wide.add(row.line, Some(row.time));
        }
    }
    log.rows(NoteKind::Suspect, &wide, "with a high above twice the low, kept");
    let Some(start) = candles.len().checked_sub(BEFORE + 1) else { return };
    let mut before: Vec<f64> = candles[start..start + BEFORE].iter().map(Candle::volume).collect();
    before.sort_by(f64::total_cmp);
    if candles[start + BEFORE].volume() < 0.1 * before[BEFORE / 2] {
        let mut last = Tally::default();
        last.add(rows[start + BEFORE].line, Some(rows[start + BEFORE].time));
        let what = "at the end with under a tenth of the usual volume, perhaps unfinished, kept";
        log.rows(NoteKind::Suspect, &last, what);
    }
}
