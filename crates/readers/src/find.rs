//! The header of a table, or the shape of its rows.

use super::columns::{Columns, Resolver, given_zone, pays, stamps_close};
use super::error::{ReadError, excerpt};
use super::formats::{SHAPES, Shape};
use super::names::{Names, plain_name};
use super::note::{NoteKind, ReadLog};
use super::number::{NumberStyle, is_missing, is_number};
use super::options::ReadOptions;
use super::table::{HeadRow, MIN_CELLS, Table};
use super::time::{Civil, Stamp, close_cell, parse, parse_clock};
use super::time_column::{TimeColumn, TimeSearch};

/// Rows at the top in which a header is looked for.
const BANNER_ROWS: usize = 50;
/// Of all rows, this share must fit a shape.
const FIT: f64 = 0.99;

/// Finds the columns by the options, by the names of a header, or else by the shape of the rows.
pub(crate) fn columns(
    table: &Table,
    head: &[HeadRow],
    options: &ReadOptions,
    file: &str,
    log: &mut ReadLog,
) -> Result<Vec<Columns>, ReadError> {
    for (at, (line, cells)) in head.iter().take(BANNER_ROWS).enumerate() {
        if let Some((names, rows)) = two_levels(&head[at..]) {
            note_banner(&head[..at], log);
            let (header, data) = (Some(head[at + rows - 1].0), &head[at + rows..]);
            let names = Names::new(&names);
            return Resolver { names, header, data, options, file, log }.resolve();
        }
        if is_row(cells) {
            return without_header(table, at, head, options, file, log);
        }
        let data = &head[at + 1..];
        let names = Names::new(&header_names(cells, data));
        let is_header = Resolver::is_header(&names, options);
        let resolver = Resolver { names, header: Some(*line), data, options, file, log };
        if is_header {
            note_banner(&head[..at], resolver.log);
            return resolver.resolve();
        }
        let plain = &resolver.names.plain;
        let prices = ["open", "high", "low", "close"];
        let known = prices.iter().filter(|name| plain.iter().any(|plain| plain == *name));
        let is_next_data = data.first().is_some_and(|(_, row)| is_row(row));
        let has_names = cells.len() >= MIN_CELLS && cells.iter().all(|cell| !is_number(cell));
        if known.count() >= 2 || has_names && is_next_data {
            let missing = prices.iter().find(|name| !plain.iter().any(|plain| plain == *name));
            let missing = missing.unwrap_or(&"the prices");
            return Err(resolver.error(format!("no column for {missing}")));
        }
    }
    Err(ReadError::Unknown { file: file.to_owned(), start: excerpt(&table.start()) })
}

/// The names of a header; tables of R have no name above the column of row names.
fn header_names(cells: &[String], data: &[HeadRow]) -> Vec<String> {
    let mut names = cells.to_vec();
    let width = cells.len();
    let mut first = data.iter().take(20).map(|(_, row)| row);
    if !data.is_empty() && first.all(|row| row.len() == width + 1 && !row[width].is_empty()) {
        names.insert(0, String::new());
    }
    names
}

/// The names of a header whose second row holds the instruments, as yfinance writes it, and the
/// number of its rows.
fn two_levels(head: &[HeadRow]) -> Option<(Vec<String>, usize)> {
    let [(_, first), (_, second), rest @ ..] = head else { return None };
    let is_price = |name: &String| {
        ["open", "high", "low", "close", "volume", "adjclose"].contains(&plain_name(name).as_str())
    };
    let all_prices = |row: &[String]| row.len() >= MIN_CELLS && row[1..].iter().all(is_price);
    let (prices, tickers) = match (all_prices(first), all_prices(second)) {
        (true, false) => (first, second),
        (false, true) => (second, first),
        _ => return None,
    };
    let is_name = |cell: &String| !is_number(cell) && parse(cell).is_none() && !cell.is_empty();
    if tickers.len() != prices.len() || !tickers[1..].iter().all(is_name) {
        return None;
    }
    let third = rest.first().filter(|(_, row)| row[1..].iter().all(String::is_empty));
    let time = third.map_or("Date", |(_, row)| row[0].as_str());
    let is_one = tickers[2..].iter().all(|ticker| *ticker == tickers[1]);
    let names = prices[1..]
        .iter()
        .zip(&tickers[1..])
        .map(|(price, ticker)| if is_one { price.clone() } else { format!("{ticker} {price}") });
    let names = [time.to_owned()].into_iter().chain(names).collect();
    Some((names, 2 + usize::from(third.is_some())))
}

fn note_banner(banner: &[HeadRow], log: &mut ReadLog) {
    if let Some((_, cells)) = banner.first() {
        let text = excerpt(&cells.join(" "));
        let noun = if banner.len() == 1 { "line" } else { "lines" };
        let text = format!("{} {noun} above the table skipped: {text:?}", banner.len());
        log.file(NoteKind::SkippedLines, text);
    }
}

/// The columns of a table whose first row is a candle: by names in a comment or by numbers in the
/// options, or else by its shape.
fn without_header(
    table: &Table,
    at: usize,
    head: &[HeadRow],
    options: &ReadOptions,
    file: &str,
    log: &mut ReadLog,
) -> Result<Vec<Columns>, ReadError> {
    let (banner, data) = head.split_at(at);
    note_banner(banner, log);
    let width = data[0].1.len();
    if let Some(comment) = &table.comment {
        let names = Names::new(&table.split(comment));
        if names.written.len() == width && Resolver::is_header(&names, options) {
            log.file(NoteKind::Columns, "the names of the columns were taken from a comment");
            let header = banner.last().map_or(Some(0), |(line, _)| Some(*line));
            return Resolver { names, header, data, options, file, log }.resolve();
        }
    }
    let names: Vec<String> = (1..=width).map(|number| format!("column {number}")).collect();
    let names = Names::new(&names);
    if !options.columns.is_empty() {
        return Resolver { names, header: None, data, options, file, log }.resolve();
    }
    let found = by_shape(data);
    let shape = found.map_err(|problem| {
        let names = names.clone();
        let resolver = Resolver { names, header: None, data, options, file, log: &mut *log };
        resolver.error(problem)
    })?;
    let columns = shape.columns(names, options, file)?;
    TimeSearch::new(&columns, data).check(file)?;
    shape.note(&columns, log);
    Ok(vec![columns])
}

/// Whether cells can be a candle: a time, and at least four numbers.
fn is_row(cells: &[String]) -> bool {
    let numbers = cells.iter().filter(|cell| is_number(cell)).count();
    cells.len() >= MIN_CELLS && numbers >= 4 && cells.iter().any(|cell| parse(cell).is_some())
}

/// A shape that fits, and the columns of its cells.
struct FittedShape {
    shape: &'static Shape,
    /// Columns that are no text, in order.
    places: Vec<usize>,
    /// Prices, volume, time, time of day, flag and close time.
    roles: Roles,
}

#[derive(Clone, PartialEq)]
struct Roles {
    prices: [usize; 4],
    time: usize,
    volume: Option<usize>,
    clock: Option<usize>,
    finished: Option<usize>,
    close_time: Option<usize>,
    money: Option<usize>,
}

/// The only shape that fits the rows, or the problem.
fn by_shape(data: &[HeadRow]) -> Result<FittedShape, String> {
    let width = data[0].1.len();
    let rows: Vec<&[String]> =
        data.iter().map(|(_, row)| &row[..]).filter(|row| row.len() == width).collect();
    let is_text = |index: usize| {
        let texts = rows.iter().filter(|row| {
            let cell = &row[index];
            let is_flag = super::columns::is_flag(cell);
            !is_missing(cell)
                && !is_number(cell)
                && !is_flag
                && parse(cell).is_none()
                && parse_clock(cell).is_none()
        });
        texts.count() * 2 > rows.len()
    };
    let places: Vec<usize> = (0..width).filter(|index| !is_text(*index)).collect();
    let fitting = SHAPES.iter().filter_map(|shape| {
        let roles = Roles::of(shape, &places)?;
        let fit = rows.iter().filter(|row| fits(shape, row, &places, &roles)).count();
        let is_fit = fit > 0 && fit + 1 >= rows.len() || fit as f64 >= FIT * rows.len() as f64;
        // A close time or the right money proves more than a count.
        let rank = match roles.money {
            _ if roles.close_time.is_some() => 3,
            Some(money) if roles.volume.is_some_and(|v| pays(data, &roles.prices, v, money)) => 2,
            Some(money) if roles.volume.is_some_and(|v| pays(data, &roles.prices, money, v)) => {
                return None;
            }
            Some(_) => 0,
            None => 1,
        };
        is_fit.then(|| (rank, FittedShape { shape, places: places.clone(), roles }))
    });
    let fitting: Vec<(u8, FittedShape)> = fitting.collect();
    let best = fitting.iter().map(|(rank, _)| *rank).max();
    let mut best = fitting.into_iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, own)| own);
    let Some(first) = best.next() else {
        return Err("no header, and no known format without one".to_owned());
    };
    let other = best.find(|other| !first.same_values(other, &rows));
    match other {
        Some(other) => Err(format!(
            "no header, and the rows fit both {} and {}",
            first.shape.name, other.shape.name
        )),
        None => Ok(first),
    }
}

impl Roles {
    fn of(shape: &Shape, places: &[usize]) -> Option<Self> {
        if shape.cells.len() != places.len() {
            return None;
        }
        let at = |letter: char| shape.cells.find(letter).map(|index| places[index]);
        let time = at('t').or(at('d')).or(at('D')).or(at('N'))?;
        Some(Self {
            prices: [at('o')?, at('h')?, at('l')?, at('c')?],
            time,
            volume: at('v'),
            clock: at('k'),
            finished: at('f'),
            close_time: at('T'),
            money: at('q'),
        })
    }
}

fn number(cell: &str) -> Option<f64> {
    let number = NumberStyle::Point.parse(cell).or_else(|| NumberStyle::Comma.parse(cell));
    number.filter(|number| number.is_finite())
}

/// Whether the cells of a row are of the kinds of a shape, and its prices those of a candle.
fn fits(shape: &Shape, row: &[String], places: &[usize], roles: &Roles) -> bool {
    let kinds = shape.cells.chars().zip(places);
    let all_kinds = kinds.into_iter().all(|(letter, index)| {
        let cell = row[*index].as_str();
        let epoch = |cell: &str| match parse(cell) {
            Some(Stamp::Epoch { millis, .. }) => Some(millis),
            _ => None,
        };
        match letter {
            't' => epoch(cell).is_some(),
            'T' => epoch(&close_cell(cell)) > epoch(&row[roles.time]),
            'd' => matches!(parse(cell), Some(Stamp::Civil(Civil { clock: None, .. }))),
            'k' => parse_clock(cell).is_some() && (cell.contains(':') || cell.len() == 6),
            'D' => matches!(parse(cell), Some(Stamp::Civil(Civil { clock: Some(_), .. }))),
            'N' => cell.len() == 15 && cell.as_bytes()[8] == b' ' && parse(cell).is_some(),
            'f' => super::columns::is_flag(cell),
            'n' => is_missing(cell) || number(cell).is_some_and(|n| n.fract() == 0.0),
            _ => is_missing(cell) || number(cell).is_some(),
        }
    });
    let prices = roles.prices.map(|index| number(&row[index]));
    let [Some(open), Some(high), Some(low), Some(close)] = prices else { return all_kinds };
    let (above, below) = (high * (1.0 + 1e-9), low * (1.0 - 1e-9));
    all_kinds && open.max(close) <= above && open.min(close) >= below && low <= above
}

impl FittedShape {
    /// Whether another shape gives the same values in all rows.
    fn same_values(&self, other: &Self, rows: &[&[String]]) -> bool {
        let values = |row: &[String], roles: &Roles| {
            let five = roles.prices.map(Some).into_iter().chain([roles.volume]);
            five.map(|index| index.map(|i| row[i].clone())).collect::<Vec<_>>()
        };
        self.roles == other.roles
            || rows.iter().all(|row| values(row, &self.roles) == values(row, &other.roles))
    }

    fn columns(
        &self,
        names: Names,
        options: &ReadOptions,
        file: &str,
    ) -> Result<Columns, ReadError> {
        let Roles { prices, volume, clock, finished, close_time, .. } = self.roles;
        let stamps = self.shape.stamps;
        let time = TimeColumn { index: self.roles.time, clock, digits: 0, serial: false };
        let ignored = match self.shape.cells.find('T') {
            Some(_) => vec![],
            None => self.places.iter().copied().filter(|i| Some(*i) == self.roles.money).collect(),
        };
        Ok(Columns {
            header: None,
            names,
            time,
            zone: given_zone(options, file)?,
            prices,
            exponent: "",
            volume,
            finished,
            close_time,
            ignored,
            source: self.shape.name,
            stamps_close: stamps_close(stamps, self.shape.name, options, file)?,
            is_log: false,
            has_versions: false,
            group: None,
        })
    }

    fn note(&self, columns: &Columns, log: &mut ReadLog) {
        let mut names = vec![(columns.time.index, "time")];
        names.extend(columns.time.clock.map(|i| (i, "clock")));
        names.extend(columns.prices.into_iter().zip(["open", "high", "low", "close"]));
        names.extend(columns.volume.map(|i| (i, "volume")));
        names.sort_unstable();
        let list: Vec<String> = names.iter().map(|(i, name)| format!("{name} {}", i + 1)).collect();
        let text = format!("no header; columns of {}: {}", self.shape.name, list.join(", "));
        log.file(NoteKind::Columns, text);
        if columns.volume.is_none() {
            log.file(NoteKind::Volume, "no volume in this file: it is 0 everywhere");
        }
    }
}
