//! JSON: lists of candles, alone or somewhere inside an exchange's answer.

use serde_json::{Map, Value};

use super::error::ReadError;
use super::table::{LEAST_CELLS, MOST_CELLS, Table};
use super::time;

/// The table of the largest list of candles in a JSON text.
pub(super) fn table(bytes: &[u8], file: &str) -> Result<Table, ReadError> {
    let wrong = |reason: String| ReadError::Json { file: file.to_owned(), reason };
    let value = parse(bytes).map_err(|error| wrong(error.to_string()))?;
    let found = find(&value);
    found.map(Found::into_table).ok_or_else(|| wrong("holds no list of candles".to_owned()))
}

/// One value, or one value per line.
fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        let lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        let values: Vec<Value> = lines.collect::<Result<_, _>>().map_err(|_| error)?;
        Ok(Value::Array(values))
    })
}

/// A list of candles inside a value.
enum Found<'a> {
    /// Arrays of cells.
    Rows(Option<&'a [Value]>, &'a [Value]),
    /// Objects with a name per cell, some with their key as time.
    Objects(Vec<(Option<&'a str>, &'a Map<String, Value>)>),
    /// Arrays of equal length, one per column.
    Columns(Vec<(&'a str, &'a [Value])>),
}

impl Found<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Rows(_, rows) => rows.len(),
            Self::Objects(rows) => rows.len(),
            Self::Columns(columns) => columns.first().map_or(0, |(_, cells)| cells.len()),
        }
    }

    fn into_table(self) -> Table {
        let mut text = String::new();
        let mut added = 1;
        match self {
            Self::Rows(names, rows) => {
                added = names.map_or(0, |_| 1);
                if let Some(names) = names {
                    write(&mut text, names.iter().map(scalar));
                }
                for row in rows {
                    write(&mut text, row.as_array().into_iter().flatten().map(scalar));
                }
            }
            Self::Objects(rows) => {
                let first = rows.first().map(|(_, row)| row.keys().map(String::as_str));
                let names: Vec<&str> = first.into_iter().flatten().take(MOST_CELLS).collect();
                write(
                    &mut text,
                    ["timestamp"].iter().filter(|_| rows[0].0.is_some()).chain(&names).map(clean),
                );
                for (key, row) in &rows {
                    let cells =
                        names.iter().map(|name| row.get(*name).map_or(String::new(), scalar));
                    write(&mut text, key.iter().map(clean).chain(cells));
                }
            }
            Self::Columns(columns) => {
                write(&mut text, columns.iter().map(|(name, _)| clean(name)));
                for i in 0..columns[0].1.len() {
                    write(&mut text, columns.iter().map(|(_, cells)| scalar(&cells[i])));
                }
            }
        }
        Table::of_rows(text, added)
    }
}

/// Adds a row to a text.
fn write(text: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&cell);
    }
    text.push('\n');
}

/// A cell that divides no row: no candle needs these signs.
fn clean(text: impl AsRef<str>) -> String {
    text.as_ref().replace([',', '\n', '\r', '"'], " ")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => clean(text),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The largest list of candles in a value; its depth is bounded by the parser.
fn find(value: &Value) -> Option<Found<'_>> {
    match value {
        Value::Array(list) => list_of(list).or_else(|| largest(list.iter())),
        Value::Object(map) => object_of(map).or_else(|| largest(map.values())),
        _ => None,
    }
}

fn largest<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Found<'a>> {
    // The first of equal ones.
    values.filter_map(find).reduce(|best, next| if next.len() > best.len() { next } else { best })
}

fn list_of(list: &[Value]) -> Option<Found<'_>> {
    let width = |value: &Value| value.as_array().map_or(0, Vec::len);
    let scalars = |value: &Value| {
        value.as_array().is_some_and(|cells| !cells.iter().any(|c| c.is_array() || c.is_object()))
    };
    let first = list.first()?;
    if width(first) >= LEAST_CELLS && scalars(first) {
        return Some(Found::Rows(None, list));
    }
    let rows: Vec<_> = list.iter().filter_map(|v| v.as_object().map(|map| (None, map))).collect();
    (rows.len() == list.len() && is_candle(rows[0].1)).then_some(Found::Objects(rows))
}

/// Whether an object holds single values enough for a candle.
fn is_candle(map: &Map<String, Value>) -> bool {
    map.values().filter(|value| !value.is_array() && !value.is_object()).count() >= LEAST_CELLS - 1
}

fn object_of(map: &Map<String, Value>) -> Option<Found<'_>> {
    if let (Some(Value::Array(names)), Some(Value::Array(rows))) =
        (map.get("columns"), map.get("data"))
    {
        return Some(Found::Rows(Some(names), rows));
    }
    let keyed: Vec<_> = map
        .iter()
        .filter_map(|(key, v)| v.as_object().map(|row| (Some(key.as_str()), row)))
        .collect();
    if keyed.len() == map.len()
        && keyed.first().is_some_and(|(key, row)| {
            is_candle(row) && key.is_some_and(|k| time::parse(k).is_some())
        })
    {
        return Some(Found::Objects(keyed));
    }
    columns_of(map)
}

/// Columns as arrays, as chart servers answer; prices may stand one level further down.
fn columns_of(map: &Map<String, Value>) -> Option<Found<'_>> {
    let mut columns: Vec<(&str, &[Value])> = vec![];
    add_columns(map, &mut columns);
    for key in ["quote", "adjclose"] {
        let further = map.get("indicators").and_then(|i| i.get(key)).and_then(|q| q.get(0));
        if let Some(Value::Object(further)) = further {
            add_columns(further, &mut columns);
        }
    }
    let rows = columns.first()?.1.len();
    columns.retain(|(_, cells)| cells.len() == rows);
    (columns.len() >= LEAST_CELLS && rows > 0).then_some(Found::Columns(columns))
}

fn add_columns<'a>(map: &'a Map<String, Value>, columns: &mut Vec<(&'a str, &'a [Value])>) {
    let scalars = |cells: &&'a Vec<Value>| !cells.iter().any(|c| c.is_array() || c.is_object());
    let all = map
        .iter()
        .filter_map(|(key, v)| v.as_array().filter(scalars).map(|c| (key.as_str(), &c[..])));
    columns.extend(all);
}
