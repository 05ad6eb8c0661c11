//! The grid of an interval: daily and weekly candles stamped by session, rows off the grid.

use std::collections::BTreeMap;

use super::error::ReadError;
use super::note::{NoteKind, ReadLog, Tally};
use super::rows::ParsedRow;
use super::time::is_weekend;
use windvane_candles::{Interval, Timestamp};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Off the grid, so many different offsets are a session, whose clocks may change.
const MAX_OFFSETS: usize = 4;

fn local(row: &ParsedRow) -> i64 {
    row.time + row.offset
}

/// Moves the days of a market with weekends to 00:00 UTC of the date they are written with, and
/// weeks written as Mondays to that Monday.
///
/// Their session ends before the date does, so that no candle is known before it has closed. The
/// candle of a market without weekends goes on into the next date, and is left alone.
pub(crate) fn restamp(rows: &mut Vec<ParsedRow>, interval: Interval, log: &mut ReadLog) {
    let off = rows.iter().filter(|row| !interval.is_aligned(Timestamp::from_millis(row.time)));
    if off.count() * 2 < rows.len() {
        return;
    }
    let is_session = match interval {
        Interval::DAY => !rows.iter().any(|row| is_weekend(local(row))),
        Interval::WEEK => rows.iter().all(|row| is_monday(local(row))),
        _ => false,
    };
    if !is_session {
        return;
    }
    drop_last_within_session(rows, log);
    let mut moved = Tally::default();
    for row in rows.iter_mut() {
        let date = local(row).div_euclid(DAY_MS) * DAY_MS;
        if date != row.time {
            moved.add(row.line, Some(row.time));
            row.time = date;
        }
    }
    let what = "stamped within their day, moved to 00:00 UTC of their date";
    log.rows(NoteKind::Restamped, &moved, what);
}

fn is_monday(millis: i64) -> bool {
    // 1970-01-01 was a Thursday.
    millis.div_euclid(DAY_MS).rem_euclid(7) == 4
}

/// Drops a last candle stamped at another minute of the hour than all others: the time of the
/// answer, within its session.
fn drop_last_within_session(rows: &mut Vec<ParsedRow>, log: &mut ReadLog) {
    let Some((last, before)) = rows.split_last() else { return };
    let minute = |row: &ParsedRow| row.time.rem_euclid(HOUR_MS);
    let is_alone = before.len() >= 3 && before.iter().all(|row| minute(row) == minute(&before[0]));
    if is_alone && minute(last) != minute(&before[0]) {
        let mut running = Tally::default();
        running.add(last.line, Some(last.time));
        rows.pop();
        let what = "stamped within its session unlike all others, not finished, dropped";
        log.rows(NoteKind::Unfinished, &running, what);
    }
}

/// Drops rows off the grid. If they lie on another grid, the error says which.
pub(crate) fn drop_off_grid(
    rows: &mut Vec<ParsedRow>,
    interval: Interval,
    file: &str,
    log: &mut ReadLog,
) -> Result<(), ReadError> {
    let offset = |row: &ParsedRow| {
        let floor = interval.floor(Timestamp::from_millis(row.time));
        row.time - floor.millis()
    };
    let mut offsets = BTreeMap::<i64, usize>::new();
    for row in rows.iter() {
        *offsets.entry(offset(row)).or_default() += 1;
    }
    let aligned = offsets.remove(&0).unwrap_or(0);
    let off = rows.len() - aligned;
    if off * 100 > rows.len() && off > 1 && offsets.len() <= MAX_OFFSETS {
        let most = offsets.iter().max_by_key(|(_, count)| **count);
        let reason = other_grid(interval, most.map_or(0, |(offset, _)| *offset), off, rows.len());
        return Err(ReadError::interval(file, reason));
    }
    let mut dropped = Tally::default();
    rows.retain(|row| {
        if offset(row) != 0 {
            dropped.add(row.line, Some(row.time));
        }
        offset(row) == 0
    });
    log.rows(
        NoteKind::OffGrid,
        &dropped,
        &format!("at no open time of {interval} candles, dropped"),
    );
    Ok(())
}

fn other_grid(interval: Interval, offset: i64, off: usize, all: usize) -> String {
    const WEEKDAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let clock = format!("{:02}:{:02}", offset / HOUR_MS % 24, offset / 60_000 % 60);
    if interval == Interval::WEEK {
        let day = WEEKDAYS[usize::try_from(offset / DAY_MS).unwrap_or_default() % 7];
        return format!(
            "{off} of {all} weeks begin on {day} {clock} UTC; here weeks begin on Monday 00:00: \
             read days and resample them"
        );
    }
    let finer = match offset % HOUR_MS {
        0 => "1h".to_owned(),
        rest if rest % 1_800_000 == 0 => "30m".to_owned(),
        rest if rest % 900_000 == 0 => "15m".to_owned(),
        rest if rest % 300_000 == 0 => "5m".to_owned(),
        _ => "1m".to_owned(),
    };
    format!(
        "{off} of {all} candles of {interval} begin {clock} (hours, minutes) after the grid of UTC, \
         as those that begin with the session of a market: read candles of {finer} or shorter, \
         which fit the grid, and resample them; if the times are those of the close or in another \
         zone, write --time close or --zone"
    )
}
