//! Which column is the volume in units of what is traded.

use super::names::{Names, QUOTES, VOLUME};
use super::note::{NoteKind, ReadLog};
use super::number::{Style, is_missing};
use super::table::HeadRow;

/// Rows of the head that are looked at, and how few prove nothing.
const MAX_ROWS: usize = 300;
const MIN_ROWS: usize = 3;
/// Of those rows, this share must agree.
const AGREE: f64 = 0.95;
/// Money and amount are rounded: their quotient may lie so far outside the candle.
const ROUNDED: f64 = 0.001;

/// The column of the volume by the names and the data; says which one if there is a choice.
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
    let is_share = |name: &str| ["taker", "buy", "sell"].iter().any(|word| name.contains(word));
    let candidates: Vec<usize> =
        (0..names.plain.len()).filter(|i| !is_share(&names.plain[*i])).collect();
    let rows = numbers(data, prices, written.len(), comma);
    let proven = by_money(&rows, prices, &candidates, named);
    let taken = proven.map(|(base, _)| base).or(named);
    let Some(taken) = taken else {
        log.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
        return None;
    };
    let is_volume = |i: &usize| {
        let name = &names.plain[*i];
        name.contains("vol") || name == "v" || name == "amount" || Some(*i) == named
    };
    let others: Vec<String> = candidates
        .iter()
        .filter(|i| **i != taken && is_volume(i))
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

/// The column that is the volume by its name.
fn by_names(names: &Names, symbol: Option<usize>, data: &[HeadRow]) -> Option<usize> {
    let plain = &names.plain;
    let is_volume = |name: &String| name.contains("vol") || name == "v" || name == "amount";
    let all: Vec<usize> = (0..plain.len()).filter(|i| is_volume(&plain[*i])).collect();
    let idle = |i: usize| {
        let zero = |cell: &String| is_missing(cell) || cell.parse() == Ok(0.0);
        !data.is_empty() && data.iter().all(|(_, cells)| cells.get(i).is_none_or(zero))
    };
    // Of HTX, `vol` is in the quote currency and `amount` in the base.
    let is_htx = ["id", "vol", "count"].iter().all(|name| names.at(name).is_some());
    let amount = names.at("amount").filter(|_| is_htx);
    let exact: Vec<usize> =
        amount.into_iter().chain(VOLUME.iter().filter_map(|n| names.at(n))).collect();
    // A column of zeros is taken only if there is no other, as the real volume of currencies.
    let exact = exact.iter().find(|i| !idle(**i)).or(exact.first()).copied();
    let base = symbol.and_then(|i| data.first()?.1.get(i).cloned()).unwrap_or_default();
    let base = base.split(['/', '-', '_', ':']).next().unwrap_or_default().to_lowercase();
    let of_base = || {
        let units = all.iter().filter_map(|i| Some((*i, plain[*i].strip_prefix("volume")?)));
        let units: Vec<(usize, &str)> = units.collect();
        let own = units.iter().find(|(_, unit)| *unit == base);
        own.or_else(|| units.iter().find(|(_, unit)| !QUOTES.contains(unit))).map(|(i, _)| *i)
    };
    exact.or_else(of_base).or(all.first().copied())
}

/// The numbers of the first rows, with the commas of the prices.
fn numbers(
    data: &[HeadRow],
    prices: &[usize; 4],
    width: usize,
    comma: bool,
) -> Vec<Vec<Option<f64>>> {
    let rows = || data.iter().map(|(_, cells)| cells).take(MAX_ROWS);
    let cells = rows().flat_map(|cells| prices.map(|i| cells.get(i))).flatten();
    let style = Style::of(cells.map(String::as_str), comma);
    let number = |cell: Option<&String>| cell.and_then(|cell| style.parse(cell));
    rows().map(|cells| (0..width).map(|i| number(cells.get(i))).collect()).collect()
}

/// Of two columns of which one is the money paid for the other, that other one and the money: their
/// quotient is a price of the candle. Columns that the names do not choose must prove it alone.
pub(crate) fn by_money(
    rows: &[Vec<Option<f64>>],
    prices: &[usize; 4],
    candidates: &[usize],
    named: Option<usize>,
) -> Option<(usize, usize)> {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    let within = |value: f64, row: &[Option<f64>]| {
        let (high, low) = (row[prices[1]]?, row[prices[2]]?);
        Some((low * (1.0 - ROUNDED)..=high * (1.0 + ROUNDED)).contains(&value))
    };
    // Of all rows in which both are there and not 0, enough have a price.
    let agree = |of: &dyn Fn(&[Option<f64>]) -> Option<bool>| {
        let answers: Vec<bool> = rows.iter().filter_map(|row| of(row)).collect();
        let good = answers.iter().filter(|good| **good).count();
        answers.len() >= MIN_ROWS && good as f64 >= AGREE * answers.len() as f64
    };
    // Averages are prices themselves: divided by a column of ones they would prove anything.
    let is_amount = |i: &usize| {
        !prices.contains(i) && !agree(&|row| within(row[*i].filter(|v| *v > 0.0)?, row))
    };
    let amounts: Vec<usize> = candidates.iter().copied().filter(is_amount).collect();
    let pays = |base: usize, quote: usize| {
        agree(&|row| {
            let (base, quote) = (row[base]?, row[quote]?);
            (base > 0.0 && quote > 0.0).then(|| within(quote / base, row))?
        })
    };
    let mut found: Vec<(usize, usize)> = vec![];
    for &base in &amounts {
        let quotes = amounts.iter().filter(|quote| **quote != base);
        for &quote in quotes.filter(|quote| pays(base, **quote)) {
            // Near a price of 1 each would be the other's money.
            if pays(quote, base) {
                return None;
            }
            found.push((base, quote));
        }
    }
    if let Some(own) = found.iter().find(|(base, _)| Some(*base) == named) {
        return Some(*own);
    }
    let sum = |i: usize| rows.iter().filter_map(|row| row[i]).sum::<f64>();
    // The whole volume rather than a part of it.
    found.into_iter().max_by(|a, b| sum(a.0).total_cmp(&sum(b.0)))
}
