//! Samples of the formats as templates: the same layout, filled with other candles.
//!
//! The cells of a sample are compared with those that its twelve known candles give in the ways
//! that tools write numbers and times. Each column found so is written for other candles.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use windvane_candles::{Ohlcv, Pair, Timestamp};
use windvane_readers::{ReadError, ReadOptions, ReadResult, TimeMeaning};
use windvane_testing::hours;

/// The cells of a file, row by row in the order of the file.
pub(crate) type Cells = Vec<Vec<String>>;

/// A value of a candle, or one that files derive from it, by name.
type Quantity = (&'static str, fn(&Ohlcv) -> f64);

const QUANTITIES: [Quantity; 17] = [
    ("open", |v| v.open),
    ("high", |v| v.high),
    ("low", |v| v.low),
    ("close", |v| v.close),
    ("volume", |v| v.volume),
    ("money", |v| v.volume * v.close),
    ("contracts", |v| v.volume * 100.0),
    ("lots", |v| v.volume / 10.0),
    ("ticks up", |v| v.volume - 10.0),
    ("ask open", |v| v.open + 1.0),
    ("ask high", |v| v.high + 1.0),
    ("ask low", |v| v.low + 1.0),
    ("ask close", |v| v.close + 1.0),
    ("bid open", |v| v.open - 1.0),
    ("bid high", |v| v.high - 1.0),
    ("bid low", |v| v.low - 1.0),
    ("bid close", |v| v.close - 1.0),
];

/// Ways to write a number.
const NUMBERS: [fn(f64) -> String; 7] = [
    |number| number.to_string(),
    |number| format!("{number:?}"),
    |number| number.to_string().replace('.', ","),
    |number| format!("${number}"),
    |number| shifted(number, -3) + "K",
    |number| grouped(&format!("{number:?}")),
    |number| shifted(number, 9),
];

/// Ways to write a time: `s`, `ms`, `us` and `ns` are epochs, the letters of others its parts.
const TIMES: [&str; 26] = [
    "seconds",
    "millis",
    "micros",
    "nanos",
    "Y-M-D h:m:s",
    "Y-M-D h:m",
    "Y-M-D h:m:s+00:00",
    "Y-M-DTh:m:sZ",
    "Y-M-DTh:m:s",
    "Y-M-DTh:m:s.000Z",
    "Y-M-DTh:m:s.0000000Z",
    "Y-M-DTh:m:s.000000000Z",
    "Y.M.D",
    "YMD",
    "YMDhms",
    "YMDhms000",
    "YMD hms",
    "D.M.Y h:m",
    "D.M.Y h:m:s.000",
    "M/D/Y h:m",
    "M/D/Y",
    "Y/M/D h:m",
    "h:m:s",
    "h:m",
    "hms",
    "D/M/Y h:m",
];

/// A number with its decimal point moved to the right, exact.
fn shifted(number: f64, places: i32) -> String {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap();
    let exponent: i32 = exponent.parse::<i32>().unwrap() + places;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap());
        return format!("0.{zeros}{all}");
    }
    let padded = format!("{all:0<point$}");
    let (before, after) = padded.split_at(point);
    if after.is_empty() { before.to_owned() } else { format!("{before}.{after}") }
}

/// A number with commas between its thousands.
fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: Vec<char> = whole.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    format!("{}.{fraction}", groups.join(","))
}

/// A time, given in nanoseconds since 1970.
fn written(nanos: i128, form: &str) -> String {
    match form {
        "seconds" => return (nanos / 1_000_000_000).to_string(),
        "millis" => return (nanos / 1_000_000).to_string(),
        "micros" => return (nanos / 1000).to_string(),
        "nanos" => return nanos.to_string(),
        _ => {}
    }
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap();
    let text = Timestamp::from_millis(seconds * 1000).to_string();
    let parts =
        [("Y", 0..4), ("M", 5..7), ("D", 8..10), ("h", 11..13), ("m", 14..16), ("s", 17..19)];
    parts.into_iter().fold(form.to_owned(), |form, (sign, part)| form.replace(sign, &text[part]))
}

/// The content of a column.
#[derive(Clone, Debug)]
pub(crate) enum Filler {
    /// A number: its quantity and the way to write it.
    Number(Quantity, fn(f64) -> String),
    /// A time: its distance from the open in nanoseconds, and its form.
    Time(i128, &'static str),
    /// The number of the row, from 0.
    RowNumber,
    /// The texts of the sample, over and over.
    Sample(Vec<String>),
}

impl Filler {
    /// The filler that gives the cells of a column.
    fn find(cells: &[&str], candles: &[(i64, Ohlcv)]) -> Option<Self> {
        let gives = |filler: &Self| {
            let rows = cells.iter().zip(candles).enumerate();
            rows.into_iter().all(|(i, (cell, candle))| filler.cell(i, candle) == *cell)
        };
        let numbers = QUANTITIES
            .iter()
            .flat_map(|quantity| NUMBERS.map(|write| Self::Number(*quantity, write)));
        if let Some(number) = numbers.into_iter().find(gives) {
            return Some(number);
        }
        if cells.iter().all(|cell| *cell == cells[0]) {
            return Some(Self::Sample(vec![cells[0].to_owned()]));
        }
        // Hours of zones and of the close; seconds of events within a candle.
        let seconds = [0, 7, 9, 19, 3547, 3599];
        let nanos = [0, 1, 9_000_000, 999_000_000, 999_999_000];
        let distances = (0..=10_i128).flat_map(|hour| {
            let within =
                move |second: i128| nanos.map(|nano| (hour * 3600 + second) * 1_000_000_000 + nano);
            seconds.into_iter().flat_map(within)
        });
        let mut times = distances.flat_map(|distance| TIMES.map(|form| Self::Time(distance, form)));
        let is_first = |filler: &Self| filler.cell(0, &candles[0]) == cells[0];
        if let Some(time) = times.find(|filler| is_first(filler) && gives(filler)) {
            return Some(time);
        }
        gives(&Self::RowNumber).then_some(Self::RowNumber)
    }

    /// The cell of a row.
    fn cell(&self, row: usize, (time, values): &(i64, Ohlcv)) -> String {
        match self {
            Self::Number((_, quantity), write) => write(quantity(values)),
            Self::Time(distance, form) => {
                written(i128::from(*time) * 1_000_000_000 + distance, form)
            }
            Self::RowNumber => row.to_string(),
            Self::Sample(texts) => texts[row % texts.len()].clone(),
        }
    }
}

/// The text around the cells.
#[derive(Clone, Debug)]
enum Layout {
    /// Lines before the rows, the sign between cells, and which columns have quotes.
    Lines { head: Vec<String>, delimiter: char, quoted: Vec<bool> },
    /// A document, the place of its list of rows, a row, and the places of the cells in it.
    List { document: Value, at: String, row: Value, places: Vec<String> },
    /// A document with a list per column, and their places.
    Columns { document: Value, places: Vec<String> },
    /// One document per row, and the places of the cells in it.
    Documents { row: Value, places: Vec<String> },
}

/// A sample that can be filled with other candles.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    layout: Layout,
    pub(crate) fillers: Vec<Filler>,
    newest_first: bool,
    options: ReadOptions,
    /// Whether the file has volumes.
    pub(crate) has_volume: bool,
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<Template> = paths.map(|path| Template::of_sample(&path)).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
});

/// A template of each sample.
pub(crate) fn templates() -> &'static [Template] {
    &TEMPLATES
}

impl Template {
    fn of_sample(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let (layout, cells) = Layout::of(&text);
        let candles = hours(12);
        let columns: Vec<Vec<&str>> = (0..cells[0].len())
            .map(|column| cells.iter().map(|row| row[column].as_str()).collect())
            .collect();
        let fill = |newest_first: bool| -> Vec<Option<Filler>> {
            let find = |column: &Vec<&str>| {
                let mut column = column.clone();
                if newest_first {
                    column.reverse();
                }
                Filler::find(&column, &candles)
            };
            columns.iter().map(find).collect()
        };
        let mut newest_first = false;
        let mut found = fill(newest_first);
        if found.iter().any(Option::is_none) {
            newest_first = true;
            found = fill(newest_first);
        }
        let mut fillers: Vec<Filler> = found
            .into_iter()
            .zip(&columns)
            .map(|(filler, cells)| {
                filler.unwrap_or_else(|| panic!("{name}: nothing gives {cells:?}"))
            })
            .collect();
        if name == "phemex" {
            // In the sample each candle opens at the close before.
            let before: Quantity = ("close before", |v| v.open);
            fillers[2] = Filler::Number(before, NUMBERS[1]);
        }
        let mut options = ReadOptions::new(Pair::new("BTCUSDT").unwrap());
        if let Err(error @ ReadError::Ambiguous { .. }) = options.read_file(path) {
            assert!(error.to_string().contains("--time close"), "{error}");
            let is_open = name.starts_with("histdata");
            options = options.time(if is_open { TimeMeaning::Open } else { TimeMeaning::Close });
        }
        let has_volume = fillers.iter().any(|filler| filler.is_quantity("volume"));
        Self { name, layout, fillers, newest_first, options, has_volume }
    }

    /// Reads a file of this format.
    pub(crate) fn read(&self, text: &str) -> Result<ReadResult, ReadError> {
        self.options.read_bytes(text.as_bytes().to_vec(), &self.name)
    }

    /// The cells for some candles, with their times in seconds.
    pub(crate) fn fill(&self, candles: &[(i64, Ohlcv)]) -> Cells {
        let row = |(i, candle)| self.fillers.iter().map(|filler| filler.cell(i, candle)).collect();
        let mut cells: Cells = candles.iter().enumerate().map(row).collect();
        if self.newest_first {
            cells.reverse();
        }
        cells
    }

    /// The text of a file with some cells.
    pub(crate) fn text(&self, cells: &Cells) -> String {
        self.layout.text(cells)
    }

    /// The first column of a quantity.
    pub(crate) fn column(&self, quantity: &str) -> Option<usize> {
        self.fillers.iter().position(|filler| filler.is_quantity(quantity))
    }

    /// The cells with another name of the instrument, if rows have one.
    pub(crate) fn renamed(&self, cells: &Cells) -> Option<Cells> {
        let is_name = |filler: &Filler| match filler {
            Filler::Sample(texts) => {
                let is_letter = |c: char| c.is_ascii_uppercase();
                texts[0].len() > 1
                    && texts[0].starts_with(is_letter)
                    && texts[0].ends_with(is_letter)
            }
            _ => false,
        };
        let at = self.fillers.iter().position(is_name)?;
        let mut cells = cells.clone();
        for row in &mut cells {
            row[at] += "2";
        }
        Some(cells)
    }

    /// The lines before the rows.
    pub(crate) fn head(&self) -> &[String] {
        match &self.layout {
            Layout::Lines { head, .. } => head,
            _ => &[],
        }
    }
}

impl Filler {
    fn is_quantity(&self, name: &str) -> bool {
        matches!(self, Self::Number((own, _), _) if *own == name)
    }
}

impl Layout {
    /// The layout of a sample, and its cells.
    fn of(text: &str) -> (Self, Cells) {
        if !text.starts_with(['[', '{']) {
            return Self::of_lines(text);
        }
        let Ok(document) = serde_json::from_str::<Value>(text) else {
            let rows: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let places = leaves(&rows[0]);
            let cells = rows.iter().map(|row| cells_of(row, &places)).collect();
            return (Self::Documents { row: rows[0].clone(), places }, cells);
        };
        let mut lists = vec![];
        find_lists(&document, String::new(), &mut lists);
        let list = |at: &String| document.pointer(at).and_then(Value::as_array).unwrap();
        if let Some(at) = lists.iter().find(|at| !is_scalar(&list(at)[0])) {
            let rows = list(at);
            let places = leaves(&rows[0]);
            let cells = rows.iter().map(|row| cells_of(row, &places)).collect();
            let (at, row) = (at.clone(), rows[0].clone());
            return (Self::List { document, at, row, places }, cells);
        }
        let row = |i: usize| lists.iter().map(|at| scalar(&list(at)[i])).collect();
        let cells = (0..12).map(row).collect();
        (Self::Columns { document, places: lists }, cells)
    }

    fn of_lines(text: &str) -> (Self, Cells) {
        let lines: Vec<&str> = text.lines().collect();
        let (head, rows) = lines.split_at(lines.len() - 12);
        let signs = ['\t', ';', ','];
        let delimiter = signs.into_iter().find(|sign| rows[0].matches(*sign).count() >= 4).unwrap();
        let split: Vec<Vec<&str>> = rows.iter().map(|row| split(row, delimiter)).collect();
        let quoted = split[0].iter().map(|cell| cell.starts_with('"')).collect();
        let bare = |cell: &&str| cell.trim_matches('"').to_owned();
        let cells = split.iter().map(|row| row.iter().map(bare).collect()).collect();
        let head = head.iter().map(|line| (*line).to_owned()).collect();
        (Self::Lines { head, delimiter, quoted }, cells)
    }

    fn text(&self, cells: &Cells) -> String {
        match self {
            Self::Lines { head, delimiter, quoted } => {
                let cell = |(cell, quoted): (&String, &bool)| {
                    if *quoted { format!("\"{cell}\"") } else { cell.clone() }
                };
                let line = |row: &Vec<String>| {
                    let row: Vec<String> = row.iter().zip(quoted).map(cell).collect();
                    row.join(&delimiter.to_string())
                };
                let lines = head.iter().cloned().chain(cells.iter().map(line));
                lines.map(|line| line + "\n").collect()
            }
            Self::List { document, at, row, places } => {
                let mut document = document.clone();
                let added = i64::try_from(cells.len()).unwrap() - 12;
                later(&mut document, added);
                let rows = cells.iter().map(|cells| filled(row, places, cells)).collect();
                *document.pointer_mut(at).unwrap() = Value::Array(rows);
                document.to_string()
            }
            Self::Columns { document, places } => {
                let mut document = document.clone();
                for (column, at) in places.iter().enumerate() {
                    let list = document.pointer_mut(at).unwrap();
                    let sample = list[0].clone();
                    let cells = cells.iter().map(|row| typed(&row[column], &sample));
                    *list = Value::Array(cells.collect());
                }
                document.to_string()
            }
            Self::Documents { row, places } => {
                let rows = cells.iter().map(|cells| filled(row, places, cells).to_string() + "\n");
                rows.collect()
            }
        }
    }
}

/// The cells of a line, with their quotes.
fn split(line: &str, delimiter: char) -> Vec<&str> {
    let mut is_quoted = false;
    line.split(|sign| {
        is_quoted ^= sign == '"';
        sign == delimiter && !is_quoted
    })
    .collect()
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The places of all lists of twelve.
fn find_lists(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(list) if list.len() == 12 => found.push(at),
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                find_lists(value, format!("{at}/{i}"), found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                find_lists(value, format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// The places of the single values in a row.
fn leaves(row: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match row {
        Value::Array(list) => {
            list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect()
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        _ => return vec![String::new()],
    };
    let own = |(key, value): (String, &Value)| {
        leaves(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
    };
    inner.into_iter().flat_map(own).collect()
}

fn cells_of(row: &Value, places: &[String]) -> Vec<String> {
    places.iter().map(|at| scalar(row.pointer(at).unwrap())).collect()
}

/// A row with other cells.
fn filled(row: &Value, places: &[String], cells: &[String]) -> Value {
    let mut row = row.clone();
    for (at, cell) in places.iter().zip(cells) {
        let place = row.pointer_mut(at).unwrap();
        *place = typed(cell, place);
    }
    row
}

/// A cell as a value of the type that the sample has.
fn typed(cell: &str, sample: &Value) -> Value {
    if sample.is_string() {
        return Value::String(cell.to_owned());
    }
    serde_json::from_str(cell).unwrap_or_else(|_| Value::String(cell.to_owned()))
}

/// Moves the times outside of the rows that lie at the end of the sample, by some hours.
fn later(value: &mut Value, hours: i64) {
    let last = 1_706_652_000 + 11 * 3600;
    match value {
        Value::Number(number) => {
            for unit in [1, 1000] {
                let own = number.as_i64().filter(|n| (last * unit..2 * last * unit).contains(n));
                if let Some(own) = own {
                    *value = Value::from(own + hours * 3600 * unit);
                    return;
                }
            }
        }
        Value::Object(map) => map.values_mut().for_each(|value| later(value, hours)),
        _ => {}
    }
}
