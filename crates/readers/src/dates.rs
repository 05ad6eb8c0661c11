//! Order of day and month, zones and forms of all times of a file together.

use std::collections::BTreeSet;

use super::error::ReadError;
use super::note::{NoteKind, ReadLog, Tally};
use super::options::ReadOptions;
use super::rows::{ParsedRow, RawRow};
use super::time::{Civil, DAY_END, Stamp, Unit};
use super::zone::Zone;

/// Decides the order of day and month, and notes how times are written.
pub(crate) fn resolve(
    raws: Vec<RawRow>,
    has_open_dates: bool,
    options: &ReadOptions,
    file: &str,
    log: &mut ReadLog,
) -> Result<(Vec<ParsedRow>, String), ReadError> {
    let day_first = if has_open_dates { open_dates(&raws, options, file, log)? } else { false };
    let mut units = BTreeSet::<Unit>::new();
    let mut offsets = BTreeSet::<i32>::new();
    let mut places = BTreeSet::<String>::new();
    let (mut clocks, mut zoneless, mut dates) = (false, false, false);
    let mut bad = Tally::default();
    // Collected in place: no second list of all rows.
    let read = raws.into_iter().filter_map(|RawRow { line, stamp, values }| {
        let (time, offset) = match stamp {
            Stamp::Epoch { millis, unit } => {
                units.insert(unit);
                (millis, 0)
            }
            Stamp::Civil(civil) => {
                let Some(time) = civil.utc(day_first) else {
                    bad.add_because(line, None, || "no such date or hour".to_owned());
                    return None;
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
        Some(ParsedRow { line, time, offset, values })
    });
    let read = read.collect();
    log.rows(NoteKind::Unreadable, &bad, "unreadable, dropped");
    let mut forms: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
    forms.extend(dates.then_some("dates"));
    forms.extend(clocks.then_some("dates with a clock"));
    let times = forms.join(" and ");
    if forms.len() > 1 {
        log.file(NoteKind::Times, format!("times are mixed: {times}, read row by row"));
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
    Ok((read, times))
}

/// Refuses the end of a day, unless the options say what times mean, and decides the order of day and
/// month.
fn open_dates(
    raws: &[RawRow],
    options: &ReadOptions,
    file: &str,
    log: &mut ReadLog,
) -> Result<bool, ReadError> {
    let ends_day =
        |raw: &&RawRow| matches!(&raw.stamp, Stamp::Civil(civil) if civil.clock == Some(DAY_END));
    if let (Some(end), None) = (raws.iter().find(ends_day), options.time) {
        let reason = format!(
            "a time of 24:00 (row {}) is the end of a day, so the times may be those of the close: \
             write --time close or --time open (ReadOptions::time)",
            end.line
        );
        return Err(ReadError::ambiguous(file, reason));
    }
    day_first(raws, options.day_first, file, log)
}

/// Minutes ahead of UTC as `+02:00`.
fn offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Whether the day comes before the month, from all dates together.
fn day_first(
    raws: &[RawRow],
    given: Option<bool>,
    file: &str,
    log: &mut ReadLog,
) -> Result<bool, ReadError> {
    let undecided: Vec<(u64, &Civil, u8)> = raws
        .iter()
        .filter_map(|raw| match &raw.stamp {
            Stamp::Civil(civil) => civil.undecided.map(|sign| (raw.line, civil, sign)),
            Stamp::Epoch { .. } => None,
        })
        .collect();
    let Some((line, _, sign)) = undecided.first() else { return Ok(false) };
    let only_day_first = undecided.iter().find(|(_, civil, _)| civil.first > 12);
    let only_month_first = undecided.iter().find(|(_, civil, _)| civil.second > 12);
    let (first, why) = match (only_day_first, only_month_first, given) {
        (Some((day_first, ..)), Some((month_first, ..)), _) => {
            let (day_first, month_first) = (*day_first, *month_first);
            return Err(ReadError::Dates { file: file.to_owned(), day_first, month_first });
        }
        (_, _, Some(given)) => (given, "by the options".to_owned()),
        (Some((line, ..)), None, None) => (true, format!("line {line} can only be that")),
        (None, Some((line, ..)), None) => (false, format!("line {line} can only be that")),
        (None, None, None) if *sign == b'.' => (true, "as with points between them".to_owned()),
        (None, None, None) => match [true, false].map(|first| in_order(&undecided, first)) {
            [true, false] => (true, "the other way they are out of order".to_owned()),
            [false, true] => (false, "the other way they are out of order".to_owned()),
            _ => {
                let reason = format!(
                    "every date may have the day or the month first (line {line} and all others): \
                     write --day-first true or --day-first false (ReadOptions::day_first)"
                );
                return Err(ReadError::ambiguous(file, reason));
            }
        },
    };
    let order = if first { "day" } else { "month" };
    log.file(NoteKind::Times, format!("dates are read with the {order} first ({why})"));
    Ok(first)
}

/// Whether dates rise or fall throughout.
fn in_order(dates: &[(u64, &Civil, u8)], day_first: bool) -> bool {
    let times: Vec<i64> = dates.iter().filter_map(|(_, civil, _)| civil.local(day_first)).collect();
    times.len() == dates.len() && (times.is_sorted() || times.iter().rev().is_sorted())
}
