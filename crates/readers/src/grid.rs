//! The grid of an interval: its offset, candles that begin with a session, rows off the grid.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ReadError;
use super::note::{NoteKind, ReadLog, Tally};
use super::options::ReadOptions;
use super::rows::ParsedRow;
use super::time::is_weekend;
use windvane_candles::{Interval, Timestamp};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const FRIDAY: usize = 4;
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Finds the grid of candles of this length, or checks the given one, and drops the rows off it.
pub(crate) fn place(
    rows: &mut Vec<ParsedRow>,
    length: Interval,
    options: &ReadOptions,
    file: &str,
    log: &mut ReadLog,
) -> Result<Interval, ReadError> {
    if length.offset() == Some(0) {
        restamp(rows, length, log);
        if rows.iter().all(|row| length.is_aligned(opened(row))) {
            return Ok(length);
        }
    }
    let offsets = Offsets::new(rows, length);
    let found = offsets.interval(rows);
    let Some(interval) = options.interval.or(found) else {
        return Err(ReadError::interval(file, offsets.refusal(rows)));
    };
    let kept = offsets.kept(rows, interval);
    if !is_few(count_off(&kept), rows.len()) {
        let reason = match found {
            Some(found) => format!("looks like {found} candles, expected {interval}"),
            None => offsets.refusal(rows),
        };
        return Err(ReadError::interval(file, reason));
    }
    if options.interval.is_none() {
        if options.time.is_none() {
            refuse_last_days(rows, interval, file)?;
        }
        note_grid(interval, log);
    }
    drop_off_grid(rows, &kept, interval, log);
    Ok(interval)
}

fn opened(row: &ParsedRow) -> Timestamp {
    Timestamp::from_millis(row.time)
}

fn local(row: &ParsedRow) -> i64 {
    row.time + row.offset
}

/// Moves the days of a market with weekends to 00:00 UTC of the date they are written with, and
/// weeks written as Mondays to that Monday.
///
/// Their session ends before the date does, so that no candle is known before it has closed. The
/// candle of a market without weekends goes on into the next date, and so does one that opens in the
/// evening, as days of foreign exchange do at 17:00 in New York; they keep their open.
fn restamp(rows: &mut Vec<ParsedRow>, interval: Interval, log: &mut ReadLog) {
    let off = rows.iter().filter(|row| !interval.is_aligned(opened(row)));
    if off.count() * 2 < rows.len() {
        return;
    }
    let is_session = match interval {
        Interval::DAY => !rows.iter().any(|row| is_weekend(local(row))) && !is_evening(rows),
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

/// Whether rows open at 17:00 or later; the last may be stamped with the time of the answer.
fn is_evening(rows: &[ParsedRow]) -> bool {
    rows.iter().filter(|row| local(row).rem_euclid(DAY_MS) >= 17 * HOUR_MS).count() > 1
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

/// Moves the stamp of a week's last day to the first: the week ends with that date, not before it.
///
/// A stamp of Monday 00:00 is the end of a week up to Sunday.
pub(crate) fn end_of_last_day(rows: &mut [ParsedRow], interval: Interval) {
    let is_date = |row: &ParsedRow| local(row) % DAY_MS == 0 && !is_monday(local(row));
    if interval.millis() == Interval::WEEK.millis() && rows.iter().all(is_date) {
        for row in rows {
            row.time = row.time.saturating_add(DAY_MS);
        }
    }
}

/// Refuses weeks stamped with Fridays: it is the last trading day in most files, and weeks that
/// begin then would be known too early if they were read so.
fn refuse_last_days(rows: &[ParsedRow], interval: Interval, file: &str) -> Result<(), ReadError> {
    let friday = interval.offset().is_some_and(|offset| weekday(offset) == FRIDAY);
    let is_week = interval.millis() == Interval::WEEK.millis();
    if !is_week || !friday || rows.iter().any(|row| local(row) % DAY_MS != 0) {
        return Ok(());
    }
    let reason = format!(
        "{} weeks are stamped with Fridays: if that is their last day, write --time close; if they \
         begin then, write --time open (ReadOptions::time)",
        rows.len()
    );
    Err(ReadError::ambiguous(file, reason))
}

/// Index of the weekday, 0 for Monday, of an offset within a week.
fn weekday(offset: i64) -> usize {
    usize::try_from(offset / DAY_MS).unwrap_or_default() % WEEKDAYS.len()
}

/// A grid that is not that of UTC, as a note.
fn note_grid(interval: Interval, log: &mut ReadLog) {
    let text = match interval.offset() {
        Some(0) => return,
        None => format!(
            "candles begin with the session of a market whose clock changes: interval {interval}, \
             gap policy Sessions"
        ),
        Some(offset) => format!(
            "candles open {}: interval {interval}; if the times are those of the close or in \
             another zone, write --time close or --zone",
            place_of(interval, offset)
        ),
    };
    log.file(NoteKind::Times, text);
}

fn place_of(interval: Interval, offset: i64) -> String {
    let clock = clock(offset);
    match interval.millis() {
        HOUR_MS => format!("{} minutes after the hour", offset / 60_000),
        DAY_MS => format!("at {clock} UTC"),
        week if week == Interval::WEEK.millis() => {
            format!("on {} {clock} UTC", WEEKDAYS[weekday(offset)])
        }
        _ => format!("{clock} (hours, minutes) after the grid of UTC"),
    }
}

fn clock(offset: i64) -> String {
    format!("{:02}:{:02}", offset / HOUR_MS % 24, offset / 60_000 % 60)
}

/// At most one row, or one in a hundred.
fn is_few(off: usize, all: usize) -> bool {
    off <= 1 || off * 100 <= all
}

fn count_off(kept: &[bool]) -> usize {
    kept.iter().filter(|kept| !**kept).count()
}

/// Rows by their time after the usual grid of a length.
struct Offsets {
    usual: Interval,
    counts: BTreeMap<i64, usize>,
    /// The most common offset, the smallest of several.
    common: i64,
}

impl Offsets {
    fn new(rows: &[ParsedRow], length: Interval) -> Self {
        let usual = length.with_offset(0).unwrap_or(length);
        let mut counts = BTreeMap::<i64, usize>::new();
        for row in rows {
            *counts.entry(offset(row.time, usual)).or_default() += 1;
        }
        let common = counts.iter().max_by_key(|(offset, count)| (**count, -**offset));
        let common = common.map_or(0, |(offset, _)| *offset);
        Self { usual, counts, common }
    }

    fn count(&self, row: &ParsedRow) -> usize {
        self.counts.get(&offset(row.time, self.usual)).copied().unwrap_or(0)
    }

    /// Interval of the rows with its grid; `None` if too many are off any.
    fn interval(&self, rows: &[ParsedRow]) -> Option<Interval> {
        let off = rows.len() - self.counts.get(&self.common).copied().unwrap_or(0);
        if off > 0 && self.is_session(rows) {
            return Some(self.usual.by_session());
        }
        self.usual.with_offset(self.common).ok().filter(|_| is_few(off, rows.len()))
    }

    /// Whether the rows begin with a session: at two offsets an hour apart, before and after a clock
    /// change, at each of which candles follow each other. Another distance is a change of the zone
    /// within the file.
    fn is_session(&self, rows: &[ParsedRow]) -> bool {
        let length = self.usual.millis();
        let kept = self.kept(rows, self.usual.by_session());
        let strays = count_off(&kept);
        let times = rows.iter().zip(kept).filter(|(_, kept)| *kept).map(|(row, _)| row.time);
        let times: Vec<i64> = times.collect();
        let off = (0..times.len()).filter(|at| offset(times[*at], self.usual) != self.common);
        let off: Vec<usize> = off.collect();
        let offsets: BTreeSet<i64> =
            off.iter().map(|at| offset(times[*at], self.usual) - self.common).collect();
        let clock_change = [HOUR_MS, -HOUR_MS, length - HOUR_MS, HOUR_MS - length];
        let following = off.iter().filter(|at| has_neighbour(&times, **at, length));
        is_few(strays, rows.len())
            && off.len() > 1
            && offsets.len() == 1
            && offsets.iter().all(|apart| clock_change.contains(apart))
            && following.count() * 2 >= off.len()
            && !self.changes_without_break(rows)
    }

    /// Whether the times shift by an hour within a session, because its market trades through a
    /// clock change. A longer candle would be known an hour before it has closed; weeks end with the
    /// trading of their last day. A day of 23 hours is shorter than its length, which does no harm.
    fn changes_without_break(&self, rows: &[ParsedRow]) -> bool {
        let length = self.usual.millis();
        let is_shift =
            |step: i64| step == length + HOUR_MS || (step == length - HOUR_MS && length < DAY_MS);
        (HOUR_MS + 1..Interval::WEEK.millis()).contains(&length)
            && rows.windows(2).any(|two| is_shift(two[1].time.saturating_sub(two[0].time)))
    }

    /// Whether each row is on the grid of an interval. Of two candles by session that overlap, the
    /// one at the rarer offset is not.
    fn kept(&self, rows: &[ParsedRow], interval: Interval) -> Vec<bool> {
        let mut kept: Vec<bool> = rows.iter().map(|row| interval.is_aligned(opened(row))).collect();
        if !interval.is_by_session() {
            return kept;
        }
        let mut last: Option<usize> = None;
        for index in 0..rows.len() {
            if !kept[index] {
                continue;
            }
            let row = &rows[index];
            let overlaps = last.filter(|last| {
                (1..interval.min_step()).contains(&(row.time.saturating_sub(rows[*last].time)))
            });
            match overlaps {
                Some(before) if self.count(&rows[before]) < self.count(row) => {
                    let stray = rows[before].time;
                    let same = (0..=before).rev().take_while(|other| rows[*other].time == stray);
                    same.for_each(|other| kept[other] = false);
                    last = Some(index);
                }
                Some(_) => kept[index] = false,
                None => last = Some(index),
            }
        }
        kept
    }

    /// Reason and remedy for rows on no grid.
    fn refusal(&self, rows: &[ParsedRow]) -> String {
        let (interval, all) = (self.usual, rows.len());
        if self.changes_without_break(rows) {
            return format!(
                "the times of {interval} candles shift by an hour without a break, as where a market \
                 trades through a clock change: the close of a longer candle would be known too \
                 early; read shorter candles and resample them, or give the interval \
                 {interval}@session (--interval, ReadOptions::interval)"
            );
        }
        let off = all - self.counts.get(&self.common).copied().unwrap_or(0);
        let place = match self.common % 60_000 {
            0 => place_of(interval, self.common),
            _ => format!("{} ms after the grid of UTC", self.common),
        };
        format!(
            "{all} candles of {interval} are on no common grid of UTC: most open {place}, {off} at \
             other times; if candles begin with the session of a market, give the interval \
             {interval}@session (--interval, ReadOptions::interval), or read shorter candles and \
             resample them; if the times are those of the close or in another zone, write --time \
             close or --zone"
        )
    }
}

/// Whether a candle is one length after the one before it, or before the one after it.
fn has_neighbour(times: &[i64], index: usize, length: i64) -> bool {
    let time = times[index];
    let before =
        index.checked_sub(1).is_some_and(|before| time.saturating_sub(times[before]) == length);
    before || times.get(index + 1).is_some_and(|after| after.saturating_sub(time) == length)
}

/// Milliseconds from the usual grid to a time.
fn offset(time: i64, usual: Interval) -> i64 {
    time.saturating_sub(usual.floor(Timestamp::from_millis(time)).millis())
}

/// Drops the rows that are not kept.
fn drop_off_grid(rows: &mut Vec<ParsedRow>, kept: &[bool], interval: Interval, log: &mut ReadLog) {
    let mut dropped = Tally::default();
    let mut kept = kept.iter();
    rows.retain(|row| {
        let is_kept = kept.next().is_none_or(|kept| *kept);
        if !is_kept {
            dropped.add(row.line, Some(row.time));
        }
        is_kept
    });
    log.rows(
        NoteKind::OffGrid,
        &dropped,
        &format!("at no open time of {interval} candles, dropped"),
    );
}
