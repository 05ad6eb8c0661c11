//! From rows of cells to rows of numbers with a time.

use std::collections::{BTreeSet, HashMap};

use super::columns::{Columns, column, is_unfinished};
use super::dates::resolve;
use super::encoding::has_stand_ins;
use super::error::{ReadError, excerpt};
use super::keys::{KeySurvey, label};
use super::note::{NoteKind, ReadLog, Tally};
use super::number::{NumberStyle, StyleEvidence, is_missing, plain_number};
use super::options::ReadOptions;
use super::partitions::PartitionColumns;
use super::table::{Row, Table};
use super::time::{Stamp, close_cell, parse};
use windvane_candles::Ohlcv;

/// Relative difference of prices that is rounding.
const ROUNDING: f64 = 1e-9;

/// Rows in which the decimal sign is looked for before all are read.
const FIRST_ROWS: usize = 100;

/// A row whose time is known.
#[derive(Copy, Clone, Debug)]
pub(crate) struct ParsedRow {
    pub(crate) line: u64,
    /// Open time in milliseconds since 1970 UTC.
    pub(crate) time: i64,
    /// Milliseconds that local time is ahead of UTC, as far as the file says.
    pub(crate) offset: i64,
    pub(crate) values: Ohlcv,
}

/// The rows of one series.
#[derive(Debug)]
pub(crate) struct SeriesRows {
    pub(crate) read: Vec<ParsedRow>,
    /// Number of rows in the table, header and banner not counted.
    pub(crate) total: u64,
    /// Form of the times.
    pub(crate) times: String,
    /// Close time less open time of the first row that has both.
    pub(crate) length: Option<i64>,
    /// Name of the series in a file of several.
    pub(crate) key: Option<String>,
    /// Prices before each row that cannot be read, the number of the kept rows before it.
    pub(crate) lost: Vec<usize>,
    pub(crate) log: ReadLog,
}

/// A row whose date may have its day first or its month first.
#[derive(Debug)]
pub(crate) struct RawRow {
    pub(crate) line: u64,
    pub(crate) stamp: Stamp,
    pub(crate) values: Ohlcv,
}

#[derive(Default, Debug)]
struct RowTallies {
    /// Line and time of rows that the file calls unfinished.
    unfinished: Vec<(u64, Option<i64>)>,
    empty: Tally,
    zero_open: Tally,
    unreadable: Tally,
    no_volume: Tally,
    negative_volume: Tally,
    rounded: Tally,
    headers: Tally,
    cut: Tally,
    open_end: Tally,
}

/// The rows of one series while they are read.
#[derive(Default, Debug)]
struct RowGroup {
    raws: Vec<RawRow>,
    tallies: RowTallies,
    total: u64,
    length: Option<i64>,
    lost: Vec<usize>,
    /// Whether a date has its day and month open, or a time is the end of a day.
    has_open_dates: bool,
}

impl RowGroup {
    /// Judges the last row of a file: one with cells missing was cut, and one without a line end may
    /// be cut within its last number.
    fn end(&mut self, line: u64, is_cut: bool, is_open: bool) {
        let tallies = &mut self.tallies;
        if is_cut {
            tallies.cut.add(line, None);
            self.lost.pop();
            tallies.unreadable.rows -= 1;
            if tallies.unreadable.rows == 0 {
                tallies.unreadable = Tally::default();
            }
        } else if is_open && self.raws.last().is_some_and(|raw| raw.line == line) {
            tallies.open_end.add(line, None);
        }
    }
}

/// Reads the rows of a table: of its only series, or of each if `all` is set.
pub(crate) fn read(
    table: &Table,
    columns: &Columns,
    options: &ReadOptions,
    all: bool,
    file: &str,
    log: &ReadLog,
) -> Result<Vec<SeriesRows>, ReadError> {
    let mut scan = Scan::new(table, columns, options, file)?;
    let mut groups = scan.run(&[])?;
    let mut log = log.clone();
    if options.number_style.is_none() {
        let style = scan.evidence.style(table.unit == "line").map_err(|reason| {
            let reason =
                format!("{reason}: write --decimal . or --decimal , (ReadOptions::number_style)");
            ReadError::ambiguous(file, reason)
        })?;
        if style != scan.style {
            scan.style = style;
            groups = scan.run(&[])?;
        }
    }
    if scan.style == NumberStyle::Comma {
        log.file(NoteKind::Numbers, "numbers have a decimal comma");
    } else if scan.has_groups {
        log.file(NoteKind::Numbers, "numbers have signs between thousands");
    }
    let mut keys = scan.survey.texts();
    let (_, only) = groups.pop().unwrap_or_default();
    let read = if keys.is_empty() { Some(finish(only, None, options, file, &log)?) } else { None };
    if let Some(series) = read {
        match scan.survey.numbers(&series.read) {
            None => return Ok(vec![series]),
            Some(key) => keys.push(key),
        }
    }
    if table.is_open {
        return Err(table.open_encoding(file));
    }
    let groups = scan.run(&keys)?;
    if !all {
        let keys = groups.into_iter().map(|(key, group)| (key, group.total));
        return Err(ReadError::several_series(file, keys.collect()));
    }
    groups.into_iter().map(|(key, group)| finish(group, Some(key), options, file, &log)).collect()
}

/// Passes over the rows of a table.
struct Scan<'a> {
    table: &'a Table,
    columns: &'a Columns,
    file: &'a str,
    style: NumberStyle,
    /// Columns and the values that are kept.
    selected: Vec<(usize, &'a str)>,
    partition: PartitionColumns<'a>,
    evidence: StyleEvidence,
    survey: KeySurvey,
    has_groups: bool,
}

impl<'a> Scan<'a> {
    fn new(
        table: &'a Table,
        columns: &'a Columns,
        options: &'a ReadOptions,
        file: &'a str,
    ) -> Result<Self, ReadError> {
        let own = options
            .select
            .iter()
            .filter(|(name, _)| columns.group.is_none() || name != super::GROUP_KEY);
        let mut selected = vec![];
        for (name, value) in own {
            let index = column(&columns.names, name).ok_or_else(|| {
                let names = columns.names.written.join(", ");
                let reason = format!("no column {name:?} to select from; there are {names}");
                ReadError::ambiguous(file, reason)
            })?;
            selected.push((index, value.as_str()));
        }
        let partition = PartitionColumns::new(columns, options);
        let style = match options.number_style {
            Some(style) => style,
            None => first_style(table, columns, file)?,
        };
        Ok(Self {
            table,
            columns,
            file,
            style,
            selected,
            partition,
            evidence: StyleEvidence::default(),
            survey: KeySurvey::new(columns),
            has_groups: false,
        })
    }

    /// Reads all rows, in groups by some columns; the groups are in the order of their first rows.
    fn run(&mut self, keys: &[usize]) -> Result<Vec<(String, RowGroup)>, ReadError> {
        self.survey = KeySurvey::new(self.columns);
        let mut places = HashMap::<String, usize>::new();
        let mut groups: Vec<(String, RowGroup)> = vec![];
        // Group, line, number of cells, and whether it seems to be cut.
        let mut last = (0, 0, 0, false);
        let (table, file) = (self.table, self.file);
        table.each_row(file, |line, row| {
            if self.columns.header.is_some_and(|header| line <= header)
                || self.selected.iter().any(|(index, value)| row.cell(*index) != *value)
            {
                return Ok(true);
            }
            if table.is_open && self.uses_stand_ins(row) {
                return Err(table.open_encoding(file));
            }
            self.partition.check(line, row, file)?;
            let mut place = 0;
            if !keys.is_empty() || groups.is_empty() {
                let key = label(row, keys, self.columns);
                place = *places.entry(key).or_insert_with_key(|key| {
                    groups.push((key.clone(), RowGroup::default()));
                    groups.len() - 1
                });
            }
            let is_cut = self.one(line, row, &mut groups[place].1);
            last = (place, line, row.len(), is_cut);
            Ok(true)
        })?;
        let (place, line, width, is_cut) = last;
        if let Some((_, group)) = groups.get_mut(place) {
            let is_open = self.table.is_end_open() && self.columns.is_needed(width - 1);
            group.end(line, is_cut, is_open);
        }
        Ok(groups)
    }

    /// Whether a cell that is used has bytes of an open encoding.
    fn uses_stand_ins(&self, row: &Row<'_>) -> bool {
        let mut used = (0..row.len()).filter(|i| self.columns.is_needed(*i));
        used.any(|i| has_stand_ins(row.cell(i)))
    }

    /// Adds a row to its group, or the reason for which it is none to the tallies. Returns whether
    /// it seems to be cut.
    fn one(&mut self, line: u64, row: &Row<'_>, group: &mut RowGroup) -> bool {
        let columns = self.columns;
        let is_header = columns.header.is_some_and(|header| header > 0)
            && columns.prices.iter().all(|i| row.cell(*i) == columns.names.written[*i]);
        if is_header {
            group.tallies.headers.add(line, None);
            return false;
        }
        group.total += 1;
        let raw = match self.raw(line, row, group) {
            Ok(Some(raw)) => raw,
            Ok(None) => return false,
            Err((time, reason)) => {
                group.tallies.unreadable.add_because(line, time, || reason);
                group.lost.push(group.raws.len());
                return row.len() < columns.width();
            }
        };
        if group.length.is_none() {
            group.length = length(row, columns);
        }
        self.survey.add(row);
        group.has_open_dates |= raw.stamp.is_open();
        group.raws.push(raw);
        false
    }

    /// One row; nothing if it holds no candle, or the reason for which it cannot be read.
    fn raw(
        &mut self,
        line: u64,
        row: &Row<'_>,
        group: &mut RowGroup,
    ) -> Result<Option<RawRow>, (Option<i64>, String)> {
        let columns = self.columns;
        let Some(stamp) = columns.stamp(|i| row.cell(i)) else {
            if !row.is_open && !(0..row.len()).any(|i| number(row.cell(i)).is_some()) {
                group.tallies.headers.add(line, None);
                group.total -= 1;
                return Ok(None);
            }
            let text = excerpt(row.cell(columns.time.index));
            return Err((None, format!("no time in {text:?}")));
        };
        let time = || stamp.decided_millis();
        let width = columns.width();
        let has_more = (width..row.len()).any(|i| !row.cell(i).is_empty());
        if row.len() < width && !is_whole(row, columns) || has_more {
            return Err((time(), format!("{} cells instead of {width}", row.len())));
        }
        let mut values = [0.0; 5];
        if columns.prices.iter().all(|i| is_missing(row.cell(*i))) {
            group.tallies.empty.add(line, time());
            return Ok(None);
        }
        if columns.finished.is_some_and(|i| is_unfinished(row.cell(i))) {
            group.tallies.unfinished.push((line, time()));
            return Ok(None);
        }
        let five = columns.prices.into_iter().map(Some).chain([columns.volume]);
        for (value, index) in values.iter_mut().zip(five) {
            let Some(index) = index else { continue };
            let text = row.cell(index);
            let is_volume = Some(index) == columns.volume;
            if is_volume && is_missing(text) {
                group.tallies.no_volume.add(line, time());
                continue;
            }
            let exponent = if is_volume { "" } else { columns.exponent };
            *value = self.number(text, exponent, !is_volume).ok_or_else(|| {
                let name = &columns.names.written[index];
                (time(), format!("no number in {:?}, column {name}", excerpt(text)))
            })?;
        }
        let values = repaired(values, line, time, &mut group.tallies);
        Ok(values.map(|values| RawRow { line, stamp, values }))
    }

    fn number(&mut self, text: &str, exponent: &str, is_price: bool) -> Option<f64> {
        let plain = plain_number(text, self.style);
        if !self.evidence.is_known(text, self.style, plain.is_some(), is_price) {
            self.evidence.add(text, is_price);
            self.has_groups |= text.contains([',', '\'']);
        }
        match plain {
            _ if !exponent.is_empty() => self.style.parse(&format!("{text}{exponent}")),
            Some(number) => Some(number),
            None => self.style.parse(text),
        }
    }
}

/// The style of the prices in the first rows, which all rows then have to confirm.
fn first_style(table: &Table, columns: &Columns, file: &str) -> Result<NumberStyle, ReadError> {
    let (mut rows, mut evidence) = (0, StyleEvidence::default());
    table.each_row(file, |_, row| {
        columns.prices.iter().for_each(|i| evidence.add(row.cell(*i), true));
        rows += 1;
        Ok(rows < FIRST_ROWS)
    })?;
    Ok(evidence.style(false).unwrap_or_default())
}

fn number(text: &str) -> Option<f64> {
    NumberStyle::Point.parse(text).or_else(|| NumberStyle::Comma.parse(text))
}

/// The values of a row without what tools write for "nothing" and without rounding.
fn repaired(
    [open, mut high, mut low, close, mut volume]: [f64; 5],
    line: u64,
    time: impl Fn() -> Option<i64>,
    tallies: &mut RowTallies,
) -> Option<Ohlcv> {
    if [open, high, low, close].iter().all(|price| *price == 0.0) {
        tallies.empty.add(line, time());
        return None;
    }
    if open == 0.0 && low > 0.0 {
        tallies.zero_open.add(line, time());
        return None;
    }
    // Interactive Brokers writes -1 for no volume.
    if volume.to_bits() == (-1.0_f64).to_bits() {
        tallies.negative_volume.add(line, time());
        volume = 0.0;
    }
    let (top, bottom) = (open.max(close), open.min(close));
    let is_rounding = |price: f64, bound: f64| (price - bound).abs() <= ROUNDING * bound.abs();
    if high < top && is_rounding(high, top) || low > bottom && is_rounding(low, bottom) {
        tallies.rounded.add(line, time());
        (high, low) = (high.max(top), low.min(bottom));
    }
    Some(Ohlcv { open, high, low, close, volume })
}

/// The rows of a group with their times resolved, and all notes on them.
fn finish(
    group: RowGroup,
    key: Option<String>,
    options: &ReadOptions,
    file: &str,
    log: &ReadLog,
) -> Result<SeriesRows, ReadError> {
    let RowGroup { raws, tallies, total, length, lost, has_open_dates } = group;
    let mut log = log.clone();
    for (kind, tally, what) in [
        (NoteKind::SkippedLines, &tallies.headers, "of further header skipped"),
        (NoteKind::SkippedLines, &tallies.cut, "at the end is cut, passed over"),
        (NoteKind::NoPrices, &tallies.empty, "without prices, dropped"),
        (NoteKind::NoPrices, &tallies.zero_open, "with an open of 0, dropped"),
        (NoteKind::Unreadable, &tallies.unreadable, "unreadable, dropped"),
        (NoteKind::Volume, &tallies.no_volume, "without volume, taken as 0"),
        (NoteKind::Volume, &tallies.negative_volume, "with a volume of -1, taken as 0"),
        (NoteKind::Rounding, &tallies.rounded, "with open or close outside by rounding, widened"),
        (
            NoteKind::Suspect,
            &tallies.open_end,
            "at the end without a line end: the file may be cut within its last number, kept",
        ),
    ] {
        log.rows(kind, tally, what);
    }
    let (read, times) = resolve(raws, has_open_dates, options, file, &mut log)?;
    note_unfinished(&tallies.unfinished, &read, &mut log);
    Ok(SeriesRows { read, total, times, length, key, lost, log })
}

/// Streams send a candle many times before they send it finished: only one that never was finished
/// is missing.
fn note_unfinished(unfinished: &[(u64, Option<i64>)], read: &[ParsedRow], log: &mut ReadLog) {
    if unfinished.is_empty() {
        return;
    }
    let mut known: BTreeSet<i64> = read.iter().map(|row| row.time).collect();
    let (mut missing, mut earlier) = (Tally::default(), Tally::default());
    for (line, time) in unfinished {
        let is_new = time.is_none_or(|time| known.insert(time));
        if is_new { &mut missing } else { &mut earlier }.add(*line, *time);
    }
    log.rows(NoteKind::Repeated, &earlier, "with an earlier state of another, left out");
    log.rows(NoteKind::Unfinished, &missing, "not finished, dropped");
}

/// Whether a short row has all that is needed, and one more cell that proves it was not cut.
fn is_whole(row: &Row<'_>, columns: &Columns) -> bool {
    let needed = columns.prices.iter().chain(&columns.volume).chain(&columns.time.clock).max();
    needed.is_some_and(|last| {
        last + 1 < row.len() || columns.width() == last + 2 && last + 1 == row.len()
    })
}

fn length(row: &Row<'_>, columns: &Columns) -> Option<i64> {
    let close = parse(&close_cell(row.cell(columns.close_time?)))?.millis()?;
    close.checked_sub(columns.stamp(|i| row.cell(i))?.millis()?)
}
