//! Recognition of the columns of a table without header by their values.

use std::collections::BTreeSet;

use super::columns::{Columns, is_flag};
use super::note::{NoteKind, ReadLog};
use super::number::Style;
use super::table::{HeadRow, MIN_CELLS};
use super::time::{Stamp, parse, parse_clock};
use super::volume::by_money;

/// Minimum share of the rows in which a column must be the highest or lowest price.
const AGREE: f64 = 0.98;

/// Returns whether cells can be a candle: a time, followed by at least four numbers.
pub(crate) fn is_row(cells: &[String]) -> bool {
    let Some(time) = cells.iter().take(3).position(|cell| parse(cell).is_some()) else {
        return false;
    };
    let numbers = cells[time + 1..].iter().filter_map(|cell| number(cell));
    cells.len() >= MIN_CELLS && numbers.filter(|number| *number >= 0.0).count() >= 4
}

fn number(cell: &str) -> Option<f64> {
    let value = Style::Plain.parse(cell).or_else(|| Style::DecimalComma.parse(cell));
    value.filter(|value| value.is_finite())
}

/// Finds the columns of rows without header.
pub(crate) fn find(head: &[HeadRow], log: &mut ReadLog) -> Option<Columns> {
    let first = head.iter().map(|(_, cells)| cells).find(|cells| is_row(cells))?;
    let width = first.len();
    let time = first.iter().take(3).position(|cell| parse(cell).is_some())?;
    let date_only =
        matches!(parse(&first[time]), Some(Stamp::Civil(civil)) if civil.clock.is_none());
    let clock = first.get(time + 1).is_some_and(|next| {
        date_only && parse_clock(next).is_some() && (next.contains(':') || next.len() == 6)
    });
    let clock = clock.then_some(time + 1);
    let rows: Vec<Vec<Option<f64>>> = head
        .iter()
        .filter(|(_, cells)| cells.len() == width && is_row(cells))
        .map(|(_, cells)| cells.iter().map(|cell| number(cell)).collect())
        .collect();
    let from = clock.unwrap_or(time) + 1;
    let newest_first = newest_first(head, time, width);
    let mut found = (from..=width.checked_sub(4)?).filter_map(|at| order(&rows, at, newest_first));
    let first_four = found.next();
    // With a column of the previous close or of an average price, several groups of four columns
    // can be the prices: the right one has far smaller jumps from close to open.
    let found = first_four.map(|first| {
        found.fold(first, |best, next| if next.jump < 0.5 * best.jump { next } else { best })
    });
    let (prices, sure) = found.map(|four| (four.prices, four.sure)).or_else(|| {
        let usual = [from, from + 1, from + 2, from + 3];
        (rows.len() < 3).then_some((usual, false))
    })?;
    let volume = volume(&rows, &prices, from, width);
    let columns = Columns {
        header: None,
        width,
        time,
        clock,
        serial: false,
        zone: None,
        prices,
        exponent: "",
        volume,
        symbol: (time > 0).then_some(0),
        closed: flag(head, time, width, newest_first),
        close_time: close_time(first, time),
        source: "",
    };
    let source = source(&columns, first);
    note(&columns, sure, rows.len(), log);
    Some(Columns { source, ..columns })
}

/// Candidate for the four price columns.
struct Four {
    /// Columns of open, high, low and close.
    prices: [usize; 4],
    /// Whether the rows confirm the candidate.
    sure: bool,
    /// Sum of the relative jumps from each close to the next open.
    jump: f64,
}

/// Returns the four columns from `at` on, if they can be the prices in some order.
fn order(rows: &[Vec<Option<f64>>], at: usize, newest_first: bool) -> Option<Four> {
    let four: Vec<[f64; 4]> = rows
        .iter()
        .filter_map(|row| Some([row[at]?, row[at + 1]?, row[at + 2]?, row[at + 3]?]))
        .filter(|four| four.iter().all(|price| *price > 0.0))
        .collect();
    if four.is_empty() || (four.len() as f64) < AGREE * rows.len() as f64 {
        return None;
    }
    // The common order first, which is chosen if rows without movement allow several.
    let high = [1, 2, 3, 0]
        .into_iter()
        .find(|&i| share(&four, |f| f.iter().all(|p| f[i] >= *p)) >= AGREE)?;
    let low = [2, 3, 1, 0]
        .into_iter()
        .find(|&i| i != high && share(&four, |f| f.iter().all(|p| f[i] <= *p)) >= AGREE)?;
    // A volume among the four would have another order of magnitude.
    if share(&four, |f| f[high] <= 10.0 * f[low]) < AGREE {
        return None;
    }
    let rest: Vec<usize> = (0..4).filter(|i| *i != high && *i != low).collect();
    let usual = jump(&four, rest[0], rest[1], newest_first);
    let other = jump(&four, rest[1], rest[0], newest_first);
    let (open, close) = if other < usual { (rest[1], rest[0]) } else { (rest[0], rest[1]) };
    let moved = share(&four, |f| f[high] > f[low]) > 0.0;
    let prices = [open, high, low, close].map(|i| at + i);
    Some(Four { prices, sure: moved && four.len() > 2, jump: usual.min(other) })
}

/// Share of the rows that satisfy a condition.
fn share(rows: &[[f64; 4]], holds: impl Fn(&[f64; 4]) -> bool) -> f64 {
    rows.iter().filter(|row| holds(row)).count() as f64 / rows.len() as f64
}

/// Sum of the relative jumps from each close to the next open.
fn jump(rows: &[[f64; 4]], open: usize, close: usize, newest_first: bool) -> f64 {
    let steps = rows.windows(2).map(|two| {
        let (before, after) = if newest_first { (&two[1], &two[0]) } else { (&two[0], &two[1]) };
        ((after[open] - before[close]) / before[close]).abs()
    });
    steps.sum()
}

fn newest_first(head: &[HeadRow], time: usize, width: usize) -> bool {
    let millis =
        head.iter().filter(|(_, cells)| cells.len() == width).filter_map(|(_, cells)| match parse(
            &cells[time],
        )? {
            Stamp::Epoch { millis, .. } => Some(millis),
            Stamp::Civil(civil) => civil.local(true).or_else(|| civil.local(false)),
        });
    let millis: Vec<i64> = millis.collect();
    let falls = millis.windows(2).filter(|two| two[1] < two[0]).count();
    let rises = millis.windows(2).filter(|two| two[1] > two[0]).count();
    falls > rises
}

/// Column of the volume: the first number after the prices that is not an average price, or else
/// the column before the prices.
fn volume(
    rows: &[Vec<Option<f64>>],
    prices: &[usize; 4],
    from: usize,
    width: usize,
) -> Option<usize> {
    let end = prices.iter().max()? + 1;
    let usual = (end..width)
        .find(|i| is_full(rows, *i) && !is_average(rows, prices, *i))
        .or_else(|| (from..*prices.iter().min()?).find(|i| is_full(rows, *i)));
    let all: Vec<usize> = (from..width).collect();
    by_money(rows, prices, &all, usual).map(|(base, _)| base).or(usual)
}

/// Whether every row has a number in a column.
fn is_full(rows: &[Vec<Option<f64>>], index: usize) -> bool {
    rows.iter().all(|row| row[index].is_some())
}

/// Whether a column is an average price: within the candle, or 0, but not 0 everywhere.
fn is_average(rows: &[Vec<Option<f64>>], prices: &[usize; 4], index: usize) -> bool {
    let within = rows.iter().filter(|row| {
        let (Some(value), Some(high), Some(low)) = (row[index], row[prices[1]], row[prices[2]])
        else {
            return false;
        };
        value == 0.0 || (low * 0.999..=high * 1.001).contains(&value)
    });
    let none = rows.iter().all(|row| row[index] == Some(0.0));
    within.count() as f64 >= AGREE * rows.len() as f64 && !none
}

/// Last column with the flag of finished candles: `true` and `false` of Gate, or the ninth
/// of OKX, in which only the newest candle, or one that is also there finished, has a zero.
fn flag(head: &[HeadRow], time: usize, width: usize, newest_first: bool) -> Option<usize> {
    let rows: Vec<&Vec<String>> =
        head.iter().map(|(_, cells)| cells).filter(|cells| cells.len() == width).collect();
    let last = width - 1;
    let words = rows.iter().all(|row| is_flag(&row[last]) && row[last].len() > 1);
    let newest = if newest_first { rows.first() } else { rows.last() };
    let finished: BTreeSet<&str> =
        rows.iter().filter(|row| row[last] == "1").map(|row| row[time].as_str()).collect();
    let digits = width == 9
        && rows.len() > 1
        && rows.iter().all(|row| {
            let may_be_zero = finished.contains(&row[time][..])
                || newest.is_some_and(|newest| newest[time] == row[time]);
            row[last] == "1" || row[last] == "0" && may_be_zero
        });
    (words || digits).then_some(last)
}

/// Column of the close time in archives, about a millisecond before the next open.
fn close_time(first: &[String], time: usize) -> Option<usize> {
    let Some(Stamp::Epoch { millis: open, .. }) = parse(&first[time]) else { return None };
    let after = first.iter().enumerate().skip(time + 5);
    after.filter(|(_, cell)| cell.len() >= 10).find_map(|(i, cell)| {
        match parse(&close_cell(cell))? {
            Stamp::Epoch { millis, .. } if (1..400 * 86_400_000).contains(&(millis - open)) => {
                Some(i)
            }
            _ => None,
        }
    })
}

/// Removes the last three digits of a close time in microseconds, which ends with 999999: a
/// timestamp has milliseconds.
pub(crate) fn close_cell(cell: &str) -> String {
    match cell.strip_suffix("999").filter(|rest| rest.len() == 13) {
        Some(rest) => rest.to_owned(),
        None => cell.to_owned(),
    }
}

fn source(columns: &Columns, first: &[String]) -> &'static str {
    let Columns { time, prices, .. } = *columns;
    let width = columns.width - usize::from(columns.closed.is_some_and(|i| first[i].len() > 1));
    let epoch = matches!(parse(&first[time]), Some(Stamp::Epoch { .. }));
    let order = prices.map(|i| i.wrapping_sub(time));
    match (width, order) {
        (11 | 12, _) if columns.close_time == Some(6) => "Binance archive",
        (7, [1, 2, 3, 4]) if epoch && first[0].len() == 10 => "Kraken OHLCVT",
        (8, [1, 2, 3, 4]) if epoch && columns.volume == Some(6) => "Kraken",
        (9, [1, 2, 3, 4]) if epoch => "OKX",
        (6, [1, 2, 3, 4]) if epoch => "freqtrade or CCXT order",
        (6, [1, 3, 4, 2]) if epoch => "Bitfinex order",
        (7, [1, 3, 4, 2]) if epoch => "KuCoin order",
        (6, [3, 2, 1, 4]) if epoch => "Coinbase order",
        (6 | 7, [5, 3, 4, 2]) if epoch => "Gate order",
        _ if columns.clock.is_some() && first[time].contains('.') => "MetaTrader 4 or HistData",
        _ if first[time].len() == 15 && first[time].as_bytes()[8] == b' ' => "HistData",
        _ => "rows without header",
    }
}

fn note(columns: &Columns, sure: bool, rows: usize, log: &mut ReadLog) {
    let mut names = vec![(columns.time, "time")];
    names.extend(columns.clock.map(|i| (i, "clock")));
    names.extend(columns.prices.into_iter().zip(["open", "high", "low", "close"]));
    names.extend(columns.volume.map(|i| (i, "volume")));
    names.sort_unstable();
    let list =
        names.iter().map(|(i, name)| format!("{name} {}", i + 1)).collect::<Vec<_>>().join(", ");
    let how = if sure {
        format!("found in the first {rows} rows")
    } else {
        "assumed: too few rows to tell".to_owned()
    };
    log.file(NoteKind::Columns, format!("no header; columns {how}: {list}"));
    if columns.volume.is_none() {
        log.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
    }
}
