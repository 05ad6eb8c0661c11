//! Choice of the volume column: the one in units of the traded asset.

use super::names::{Names, QUOTES, VOLUME};
use super::note::{NoteKind, ReadLog};
use super::number::{Style, is_missing};
use super::table::HeadRow;

/// Maximum number of rows used for the choice.
const MAX_ROWS: usize = 300;
/// Minimum number of rows that confirm a choice.
const MIN_ROWS: usize = 3;
/// Minimum share of the rows that must agree.
const AGREE: f64 = 0.95;
/// Tolerance of the quotient of money and amount outside the candle's range, because both are
/// rounded.
const ROUNDED: f64 = 0.001;

/// Finds the column of the volume by the names and the data; notes the choice if there are several.
pub(crate) fn find(
    written: &[String],
    names: &Names,
    prices: &[usize; 4],
    symbol: Option<usize>,
    data: &[HeadRow],
    comma: bool,
    log: &mut ReadLog,
) -> Option<usize> {
    let named = by_names(names, symbol, data);
    let candidates: Vec<usize> =
        (0..names.plain.len()).filter(|i| !is_part(&names.plain[*i])).collect();
    let rows = numbers(data, prices, written.len(), comma);
    let proven = by_money(&rows, prices, &candidates, named);
    let taken = proven.map(|(base, _)| base).or(named);
    let Some(taken) = taken else {
        log.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
        return None;
    };
    let others: Vec<String> = candidates
        .iter()
        .filter(|i| **i != taken && (is_volume(&names.plain[**i]) || Some(**i) == named))
        .map(|i| format!("{:?}", written[*i]))
        .collect();
    let own = &written[taken];
    let why = match proven {
        Some((_, quote)) if named != Some(taken) => {
            format!(": times the price it is {:?}", written[quote])
        }
        _ => String::new(),
    };
    if !others.is_empty() {
        let others = others.join(" or ");
        log.file(NoteKind::Volume, format!("volume is {own:?}, not {others}{why}"));
    } else if proven.is_none() && names.plain[taken].contains("quote") {
        log.file(NoteKind::Volume, format!("volume is {own:?}, in the currency of the prices"));
    }
    Some(taken)
}

/// Returns whether a name is that of a part of the volume, such as the taker's buys.
fn is_part(name: &str) -> bool {
    ["taker", "buy", "sell"].iter().any(|word| name.contains(word))
}

fn is_volume(name: &str) -> bool {
    name.contains("vol") || name == "v" || name == "amount"
}

/// Returns whether a column has no number above 0.
fn is_idle(data: &[HeadRow], index: usize) -> bool {
    !data.is_empty()
        && data
            .iter()
            .filter_map(|(_, cells)| cells.get(index))
            .all(|cell| is_missing(cell) || cell.parse() == Ok(0.0))
}

/// Finds the column of the volume by its name.
fn by_names(names: &Names, symbol: Option<usize>, data: &[HeadRow]) -> Option<usize> {
    let plain = &names.plain;
    let all: Vec<usize> = (0..plain.len()).filter(|i| is_volume(&plain[*i])).collect();
    // In files of HTX, `vol` is in the quote currency and `amount` in the base currency.
    let is_htx = ["id", "vol", "count"].iter().all(|name| names.at(name).is_some());
    let amount = names.at("amount").filter(|_| is_htx);
    let exact: Vec<usize> =
        amount.into_iter().chain(VOLUME.iter().filter_map(|n| names.at(n))).collect();
    // A column of zeros, such as the real volume of currencies, is used only if there is no other.
    let exact = exact.iter().find(|i| !is_idle(data, **i)).or(exact.first()).copied();
    let base = symbol.and_then(|i| data.first()?.1.get(i).cloned()).unwrap_or_default();
    let base = base.split(['/', '-', '_', ':']).next().unwrap_or_default().to_lowercase();
    let units = all.iter().filter_map(|i| Some((*i, plain[*i].strip_prefix("volume")?)));
    let units: Vec<(usize, &str)> = units.collect();
    let own = units.iter().find(|(_, unit)| *unit == base);
    let own = own.or_else(|| units.iter().find(|(_, unit)| !QUOTES.contains(unit)));
    exact.or(own.map(|(i, _)| *i)).or(all.first().copied())
}

/// Parses the numbers of the first rows in the number format of the prices.
fn numbers(
    data: &[HeadRow],
    prices: &[usize; 4],
    width: usize,
    comma: bool,
) -> Vec<Vec<Option<f64>>> {
    let data = &data[..data.len().min(MAX_ROWS)];
    let cells = data.iter().flat_map(|(_, cells)| prices.map(|i| cells.get(i))).flatten();
    let style = Style::of(cells.map(String::as_str), comma);
    let row = data.iter().map(|(_, cells)| {
        (0..width).map(|i| cells.get(i).and_then(|cell| style.parse(cell))).collect()
    });
    row.collect()
}

/// Finds a column of amounts and a column of the money paid for them: their quotient is within the
/// range of the candle. Returns the amount and the money.
pub(crate) fn by_money(
    rows: &[Vec<Option<f64>>],
    prices: &[usize; 4],
    candidates: &[usize],
    named: Option<usize>,
) -> Option<(usize, usize)> {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    // Average prices are excluded: divided by a column of ones they would confirm any choice.
    let amounts: Vec<usize> = candidates
        .iter()
        .copied()
        .filter(|i| !prices.contains(i) && !is_price(rows, prices, *i))
        .collect();
    let mut found: Vec<(usize, usize)> = vec![];
    for &base in &amounts {
        for &quote in &amounts {
            if base == quote || !pays(rows, prices, base, quote) {
                continue;
            }
            // Near a price of 1, each could be the money of the other.
            if pays(rows, prices, quote, base) {
                return None;
            }
            found.push((base, quote));
        }
    }
    if let Some(own) = found.iter().find(|(base, _)| Some(*base) == named) {
        return Some(*own);
    }
    // The largest volume is the whole one and not a part of it.
    found.into_iter().max_by(|a, b| sum(rows, a.0).total_cmp(&sum(rows, b.0)))
}

fn sum(rows: &[Vec<Option<f64>>], index: usize) -> f64 {
    rows.iter().filter_map(|row| row[index]).sum()
}

/// Returns whether a column is within the range of most candles.
fn is_price(rows: &[Vec<Option<f64>>], prices: &[usize; 4], index: usize) -> bool {
    agree(rows.iter().filter_map(|row| within(row[index].filter(|v| *v > 0.0)?, row, prices)))
}

/// Returns whether the quotient of two columns is within the range of most candles.
fn pays(rows: &[Vec<Option<f64>>], prices: &[usize; 4], base: usize, quote: usize) -> bool {
    agree(rows.iter().filter_map(|row| {
        let (base, quote) = (row[base]?, row[quote]?);
        if base > 0.0 && quote > 0.0 { within(quote / base, row, prices) } else { None }
    }))
}

/// Returns whether a value is between the low and the high of a row, with a tolerance for rounding.
fn within(value: f64, row: &[Option<f64>], prices: &[usize; 4]) -> Option<bool> {
    let (high, low) = (row[prices[1]]?, row[prices[2]]?);
    Some((low * (1.0 - ROUNDED)..=high * (1.0 + ROUNDED)).contains(&value))
}

/// Returns whether there are enough answers and nearly all are true.
fn agree(answers: impl Iterator<Item = bool>) -> bool {
    let (mut all, mut good) = (0, 0);
    for answer in answers {
        all += 1;
        good += usize::from(answer);
    }
    all >= MIN_ROWS && good as f64 >= AGREE * all as f64
}
