//! Columns that tell several series of one file apart.

use std::collections::HashMap;

use super::columns::{Columns, is_flag};
use super::names::KEYS;
use super::number::{is_missing, is_number};
use super::rows::ParsedRow;
use super::table::{MAX_CELLS, Row};
use super::time::{parse, parse_clock};

/// Different numbers of a column that are kept; a column with more of them is a measurement.
const MAX_NUMBERS: usize = 64;
/// Different texts of a column that are kept.
const MAX_TEXTS: usize = 4096;

/// The values of all columns without a role.
#[derive(Debug)]
pub(crate) struct KeySurvey {
    columns: Vec<SurveyedColumn>,
}

#[derive(Debug)]
struct SurveyedColumn {
    index: usize,
    places: HashMap<String, usize>,
    last: String,
    place: Option<usize>,
    is_text: bool,
    /// Place of the value in each row, as long as the values are few.
    rows: Vec<u8>,
    is_full: bool,
}

impl KeySurvey {
    pub(crate) fn new(columns: &Columns) -> Self {
        let free = (0..columns.width().min(MAX_CELLS)).filter(|i| !columns.has_role(*i));
        let column = |index| SurveyedColumn {
            index,
            places: HashMap::new(),
            last: String::new(),
            place: None,
            is_text: KEYS.contains(&columns.names.plain[index].as_str()),
            rows: vec![],
            is_full: false,
        };
        Self { columns: free.map(column).collect() }
    }

    /// Adds the values of a row.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        for column in self.columns.iter_mut().filter(|column| !column.is_full) {
            let text = row.cell(column.index);
            if column.place.is_none() || column.last != text {
                column.change(text);
            }
            if !column.is_text && !column.is_full {
                column.rows.push(column.place.and_then(|p| u8::try_from(p).ok()).unwrap_or(0));
            }
        }
    }

    /// Columns of text with more than one value.
    pub(crate) fn texts(&self) -> Vec<usize> {
        let texts = self.columns.iter().filter(|column| column.is_text);
        texts.filter(|column| column.values() > 1).map(|column| column.index).collect()
    }

    /// A column of numbers or flags in which rows of the same time differ, or that changes where
    /// the time goes back.
    pub(crate) fn numbers(&self, rows: &[ParsedRow]) -> Option<usize> {
        let numbers = self.columns.iter().filter(|column| !column.is_text && !column.is_full);
        let keys = numbers.filter(|column| column.values() > 1 && column.is_key(rows));
        keys.map(|column| column.index).next()
    }
}

impl SurveyedColumn {
    /// Values that say something.
    fn values(&self) -> usize {
        let says = |value: &&String| !is_missing(value);
        self.places.keys().filter(says).count()
    }

    fn change(&mut self, text: &str) {
        text.clone_into(&mut self.last);
        self.place = self.places.get(text).copied();
        if self.place.is_some() {
            return;
        }
        let is_plain = is_missing(text) || is_flag(text) || is_number(text);
        if !is_plain && parse(text).is_none() && parse_clock(text).is_none() {
            self.is_text = true;
            self.rows = vec![];
        }
        if self.places.len() >= if self.is_text { MAX_TEXTS } else { MAX_NUMBERS } {
            self.is_full = !self.is_text;
            self.rows = vec![];
            return;
        }
        self.place = Some(self.places.len());
        self.places.insert(text.to_owned(), self.places.len());
    }

    /// Whether a column of few numbers separates rows of the same time, or blocks of rows.
    fn is_key(&self, rows: &[ParsedRow]) -> bool {
        if self.rows.len() != rows.len() || self.places.len() * 2 > rows.len() {
            return false;
        }
        let value = |index: usize| self.rows[index];
        let steps = (1..rows.len()).map(|i| rows[i].time.cmp(&rows[i - 1].time));
        let falls = steps.clone().filter(|step| step.is_lt()).count();
        let rises = steps.clone().filter(|step| step.is_gt()).count();
        let is_back =
            |step: std::cmp::Ordering| if falls > rises { step.is_gt() } else { step.is_lt() };
        let backs: Vec<usize> =
            steps.enumerate().filter(|(_, step)| is_back(*step)).map(|(i, _)| i + 1).collect();
        let changes = (1..rows.len()).filter(|i| value(*i) != value(i - 1)).count();
        let in_blocks = !backs.is_empty()
            && changes <= 2 * backs.len()
            && backs.iter().all(|i| value(*i) != value(i - 1));
        let mut sorted: Vec<usize> = (0..rows.len()).collect();
        sorted.sort_by_key(|index| rows[*index].time);
        let (mut same, mut apart) = (0, 0);
        for group in sorted.chunk_by(|a, b| rows[*a].time == rows[*b].time) {
            let mut values: Vec<u8> = group.iter().map(|index| value(*index)).collect();
            values.sort_unstable();
            values.dedup();
            same += usize::from(group.len() > 1);
            apart += usize::from(group.len() > 1 && values.len() == group.len());
        }
        in_blocks || same > 0 && apart == same || self.changes_at_jumps(rows, changes)
    }
}

impl SurveyedColumn {
    /// Whether the price jumps wherever the value changes, as from one instrument to another.
    fn changes_at_jumps(&self, rows: &[ParsedRow], changes: usize) -> bool {
        let is_jump = |i: &usize| {
            let ratio = rows[*i].values.open / rows[i - 1].values.close;
            self.rows[*i] == self.rows[i - 1] || !(0.5..=2.0).contains(&ratio)
        };
        changes > 0 && changes * 10 <= rows.len() && (1..rows.len()).all(|i| is_jump(&i))
    }
}

/// Name of the series of a row: `symbol=BTCUSDT`, or several with commas between them.
pub(crate) fn label(row: &Row<'_>, keys: &[usize], columns: &Columns) -> String {
    let one = |index: &usize| format!("{}={}", columns.names.written[*index], row.cell(*index));
    keys.iter().map(one).collect::<Vec<_>>().join(",")
}
