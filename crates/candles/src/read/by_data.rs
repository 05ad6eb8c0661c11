//! Which column is which in rows without a header: the rows themselves tell.

use super::columns::{Columns, is_flag};
use super::note::{Ledger, NoteKind};
use super::number::Style;
use super::table::{HeadRow, LEAST_CELLS};
use super::time::{Stamp, parse, parse_clock};
use super::volume::by_money;

/// Of all rows, this share must agree that a column is the highest or lowest price.
const AGREE: f64 = 0.98;

/// Whether cells can be a candle: a time and at least four numbers after it.
pub(super) fn is_row(cells: &[String]) -> bool {
    let Some(time) = cells.iter().take(3).position(|cell| parse(cell).is_some()) else {
        return false;
    };
    let number = |cell: &&String| number(cell).is_some_and(|value| value >= 0.0);
    cells.len() >= LEAST_CELLS && cells[time + 1..].iter().filter(number).count() >= 4
}

fn number(cell: &str) -> Option<f64> {
    let value = Style::Plain.parse(cell).or_else(|| Style::DecimalComma.parse(cell));
    value.filter(|value| value.is_finite())
}

/// The columns of rows without a header.
pub(super) fn find(head: &[HeadRow], ledger: &mut Ledger) -> Option<Columns> {
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
    let found = (from..=width.checked_sub(4)?).find_map(|at| order(&rows, at, newest_first));
    let (prices, sure) = found.or_else(|| {
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
        volume,
        symbol: (time > 0).then_some(0),
        closed: flag(head, width, newest_first),
        close_time: close_time(first, time),
        source: "",
    };
    let source = source(&columns, first);
    note(&columns, sure, rows.len(), ledger);
    Some(Columns { source, ..columns })
}

/// Open, high, low and close if the four columns from `at` on are these in some order; and whether
/// the rows prove it.
fn order(rows: &[Vec<Option<f64>>], at: usize, newest_first: bool) -> Option<([usize; 4], bool)> {
    let four: Vec<[f64; 4]> = rows
        .iter()
        .filter_map(|row| Some([row[at]?, row[at + 1]?, row[at + 2]?, row[at + 3]?]))
        .filter(|four| four.iter().all(|price| *price > 0.0))
        .collect();
    if four.is_empty() || (four.len() as f64) < AGREE * rows.len() as f64 {
        return None;
    }
    let share = |is: &dyn Fn(&[f64; 4]) -> bool| {
        four.iter().filter(|four| is(four)).count() as f64 / four.len() as f64
    };
    // The usual order first: it is taken where rows without movement leave several.
    let high =
        [1, 2, 3, 0].into_iter().find(|&i| share(&|f| f.iter().all(|p| f[i] >= *p)) >= AGREE)?;
    let low = [2, 3, 1, 0]
        .into_iter()
        .find(|&i| i != high && share(&|f| f.iter().all(|p| f[i] <= *p)) >= AGREE)?;
    // A volume among the four would be another size altogether.
    if share(&|f| f[high] <= 10.0 * f[low]) < AGREE {
        return None;
    }
    let rest: Vec<usize> = (0..4).filter(|i| *i != high && *i != low).collect();
    let jump = |open: usize, close: usize| -> f64 {
        let steps = four.windows(2).map(|two| {
            let (before, after) =
                if newest_first { (&two[1], &two[0]) } else { (&two[0], &two[1]) };
            ((after[open] - before[close]) / before[close]).abs()
        });
        steps.sum()
    };
    let (open, close) = if jump(rest[1], rest[0]) < jump(rest[0], rest[1]) {
        (rest[1], rest[0])
    } else {
        (rest[0], rest[1])
    };
    let moved = share(&|f| f[high] > f[low]) > 0.0;
    Some(([open, high, low, close].map(|i| at + i), moved && four.len() > 2))
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

/// The first number after the prices that is no average price, or the one before them.
fn volume(
    rows: &[Vec<Option<f64>>],
    prices: &[usize; 4],
    from: usize,
    width: usize,
) -> Option<usize> {
    let end = prices.iter().max()? + 1;
    let is_average = |i: usize| {
        let within = rows.iter().filter(|row| {
            let (Some(value), Some(high), Some(low)) = (row[i], row[prices[1]], row[prices[2]])
            else {
                return false;
            };
            value == 0.0 || (low * 0.999..=high * 1.001).contains(&value)
        });
        let none = rows.iter().all(|row| row[i] == Some(0.0));
        within.count() as f64 >= AGREE * rows.len() as f64 && !none
    };
    let numbers = |i: &usize| rows.iter().all(|row| row[*i].is_some());
    let usual = (end..width)
        .find(|i| numbers(i) && !is_average(*i))
        .or_else(|| (from..*prices.iter().min()?).find(numbers));
    let all: Vec<usize> = (from..width).collect();
    by_money(rows, prices, &all, usual).map(|(base, _)| base).or(usual)
}

/// A last column that says whether the candle is finished: `true` and `false` of Gate, or the ninth
/// of OKX, where at most the newest is a zero.
fn flag(head: &[HeadRow], width: usize, newest_first: bool) -> Option<usize> {
    let rows = head.iter().filter(|(_, cells)| cells.len() == width);
    let flags: Vec<&str> = rows.map(|(_, cells)| cells[width - 1].as_str()).collect();
    let is_word = |flag: &&str| is_flag(flag) && flag.len() > 1;
    let newest = if newest_first { 0 } else { flags.len() - 1 };
    let is_one = |(i, flag): (usize, &&str)| *flag == "1" || i == newest && *flag == "0";
    let is_digit = width == 9 && flags.len() > 1 && flags.iter().enumerate().all(is_one);
    (flags.iter().all(is_word) || is_digit).then_some(width - 1)
}

/// A column with the close time of archives, one millisecond or so before the next open.
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

/// A close time in microseconds ends in 999999, which is finer than what times hold.
pub(super) fn close_cell(cell: &str) -> String {
    match cell.strip_suffix("999").filter(|rest| rest.len() == 13) {
        Some(rest) => rest.to_owned(),
        None => cell.to_owned(),
    }
}

fn source(columns: &Columns, first: &[String]) -> &'static str {
    let Columns { width, time, prices, .. } = *columns;
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
        (6 | 8, [5, 3, 4, 2]) if epoch => "Gate order",
        _ if columns.clock.is_some() && first[time].contains('.') => "MetaTrader 4 or HistData",
        _ if first[time].len() == 15 && first[time].as_bytes()[8] == b' ' => "HistData",
        _ => "rows without header",
    }
}

fn note(columns: &Columns, sure: bool, rows: usize, ledger: &mut Ledger) {
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
    ledger.file(NoteKind::Columns, format!("no header; columns {how}: {list}"));
    if columns.volume.is_none() {
        ledger.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
    }
}
