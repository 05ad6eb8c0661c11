//! JSON reader: lists of candles, alone or within a response of an exchange.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::error::ReadError;
use super::names::{Names, SYMBOL, TIME};
use super::table::{MAX_CELLS, MIN_CELLS, Table, clean};
use super::time;

/// Maximum number of other objects before the first candle of a list, such as the greeting of a
/// stream.
const MAX_OTHERS: usize = 50;

/// Returns the table of the largest list of candles in a JSON text.
pub(crate) fn table(bytes: &[u8], file: &str) -> Result<Table, ReadError> {
    let found = parse(bytes)
        .map_err(|error| error.to_string())
        .and_then(|value| find(&value)?.ok_or_else(|| "holds no list of candles".to_owned()))
        .map_err(|reason| ReadError::Format { file: file.to_owned(), format: "JSON", reason })?;
    let added = u64::from(found.head.is_some());
    Ok(Table::of_rows(found.head.unwrap_or_default() + &found.rows, added))
}

/// Parses one value, or one value per line as an array.
fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        let lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        let values: Vec<Value> = lines.collect::<Result<_, _>>().map_err(|_| error)?;
        Ok(Value::Array(values))
    })
}

/// List of candles found in a value, as text with one line per row.
struct Found {
    /// Line with the names of the columns.
    head: Option<String>,
    /// Number of cells of the first row.
    width: usize,
    rows: String,
    count: usize,
}

impl Found {
    fn new(names: Option<Vec<String>>) -> Self {
        let head = names.map(|names| {
            let mut line = String::new();
            write(&mut line, names.into_iter());
            line
        });
        Self { head, width: 0, rows: String::new(), count: 0 }
    }

    fn push(&mut self, cells: Vec<String>) {
        if self.count == 0 {
            self.width = cells.len();
        }
        self.count += 1;
        write(&mut self.rows, cells.into_iter());
    }

    /// Appends a cell to each row: whether its time, the first cell, is not after the last finished
    /// candle.
    fn add_finished(&mut self, last: i64) {
        let rows = self.rows.lines().map(|row| {
            let time = row.split(',').next().and_then(|time| time.parse::<i64>().ok());
            let is_finished = time.is_none_or(|time| time <= last);
            format!("{row},{is_finished}\n")
        });
        self.rows = rows.collect();
        self.width += 1;
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.head == other.head && self.width == other.width
    }
}

/// Appends a row to a text.
fn write(text: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&cell);
    }
    text.push('\n');
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => clean(text),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Finds the largest list of candles in a value; the parser bounds the depth.
fn find(value: &Value) -> Result<Option<Found>, String> {
    match value {
        Value::Array(list) => match list_of(list, has_prices) {
            Some(found) => Ok(Some(found)),
            None => Ok(pages(list)?.or_else(|| list_of(list, has_enough))),
        },
        Value::Object(map) => object_of(map).map_or_else(|| one_of(map), |found| Ok(Some(found))),
        _ => Ok(None),
    }
}

/// Returns the list with more rows, or the first of two equal ones.
fn larger(best: Found, next: Found) -> Found {
    if next.count > best.count { next } else { best }
}

/// Finds the lists of candles in the elements of a list and concatenates them if they have the same
/// columns, such as the pages of a response or the messages of a stream.
fn pages(list: &[Value]) -> Result<Option<Found>, String> {
    let mut all: Option<Found> = None;
    let mut alike = true;
    for part in list {
        let Some(found) = find(part)? else { continue };
        all = Some(match all {
            None => found,
            Some(mut all) if alike && all.is_alike(&found) => {
                all.rows += &found.rows;
                all.count += found.count;
                all
            }
            Some(best) => {
                alike = false;
                larger(best, found)
            }
        });
    }
    Ok(all)
}

/// Finds the largest list of candles in the values of an object. Several lists with the same
/// columns are an error, because the instrument is ambiguous.
fn one_of(map: &Map<String, Value>) -> Result<Option<Found>, String> {
    let mut all: Vec<(&str, Found)> = vec![];
    for (key, part) in map {
        all.extend(find(part)?.map(|found| (key.as_str(), found)));
    }
    let Some(best) = (0..all.len()).rev().max_by_key(|i| all[*i].1.count) else { return Ok(None) };
    let alike = all.iter().filter(|(_, found)| found.is_alike(&all[best].1) && found.count > 1);
    let keys: Vec<String> = alike.map(|(key, _)| clean(key)).take(3).collect();
    if keys.len() > 1 {
        return Err(format!("holds several lists of candles ({keys:?}...): split the file"));
    }
    let mut found = all.swap_remove(best).1;
    // In Kraken's responses `last` is the time of the last finished candle.
    if let (Some(last), None, 8) = (map.get("last").and_then(as_int), &found.head, found.width) {
        found.add_finished(last);
    }
    Ok(Some(found))
}

fn as_int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Reads a list whose rows are arrays, or objects of which at least one is a candle.
fn list_of(list: &[Value], is_candle: fn(&Map<String, Value>) -> bool) -> Option<Found> {
    let first = list.first()?;
    if is_row(first) {
        return Some(arrays(None, list, None));
    }
    let rows: Vec<_> = list.iter().filter_map(|v| v.as_object().map(|map| (None, map))).collect();
    (rows.len() == list.len()).then(|| objects(&rows, is_candle))?
}

/// Returns whether a value is an array with enough scalars for a candle.
fn is_row(value: &Value) -> bool {
    value.as_array().is_some_and(|cells| cells.len() >= MIN_CELLS && cells.iter().all(is_scalar))
}

/// Reads rows that are arrays, with an optional separate list that has one more cell per row.
fn arrays(names: Option<Vec<String>>, rows: &[Value], index: Option<&[Value]>) -> Found {
    let mut found = Found::new(names);
    for (i, row) in rows.iter().enumerate() {
        let cells = row.as_array().into_iter().flatten();
        found.push(index.map(|index| &index[i]).into_iter().chain(cells).map(scalar).collect());
    }
    found
}

/// Reads rows that are objects, with their key as the time if there is one.
fn objects(
    rows: &[(Option<&str>, &Map<String, Value>)],
    is_candle: fn(&Map<String, Value>) -> bool,
) -> Option<Found> {
    let first = rows.iter().take(MAX_OTHERS).map(|(_, row)| row).find(|row| is_candle(row))?;
    let leaves = leaves(first);
    let key = rows[0].0.map(|_| "timestamp".to_owned());
    let found = Found::new(Some(key.into_iter().chain(names(&leaves)).collect()));
    Some(rows.iter().fold(found, |mut found, (key, row)| {
        let cells = leaves.iter().map(|path| {
            let (last, outer) = path.split_last()?;
            let inner = outer.iter().try_fold(*row, |map, key| map.get(*key)?.as_object())?;
            inner.get(*last).map(scalar)
        });
        found.push(key.iter().map(clean).chain(cells.map(Option::unwrap_or_default)).collect());
        found
    }))
}

/// Returns whether an object contains four prices at any depth.
fn has_prices(map: &Map<String, Value>) -> bool {
    Names::new(&names(&leaves(map))).prices().is_some()
}

/// Returns whether an object has enough scalars for a candle.
fn has_enough(map: &Map<String, Value>) -> bool {
    let enough = map.values().filter(|value| is_scalar(value)).count() >= MIN_CELLS - 1;
    enough && !map.values().any(Value::is_array)
}

/// Returns the paths of the scalars of a candle, outer ones first. If an inner object has both the
/// prices and a time, only the symbol is read from outside it, because the other times are those of
/// the message.
fn leaves(map: &Map<String, Value>) -> Vec<Vec<&str>> {
    let mut all = all_leaves(map);
    let Some((prices, _)) = Names::new(&names(&all)).prices() else { return all };
    let open = &all[prices[0]];
    let inner = open[..open.len() - 1].to_vec();
    let has_time = all.iter().any(|path| is_inside(path, &inner) && is_one_of(path, TIME));
    if has_time && prices.iter().all(|i| is_inside(&all[*i], &inner)) {
        all.retain(|path| is_inside(path, &inner) || is_one_of(path, SYMBOL));
    }
    all
}

fn is_inside(path: &[&str], outer: &[&str]) -> bool {
    path.len() > outer.len() && path.starts_with(outer)
}

/// Returns whether the last key of a path is in a list of names.
fn is_one_of(path: &[&str], list: &[&str]) -> bool {
    let name = path.last().map(|name| (*name).to_owned());
    Names::new(name.as_slice()).any(list).is_some()
}

fn all_leaves(map: &Map<String, Value>) -> Vec<Vec<&str>> {
    let (mut found, mut inner) = (vec![], VecDeque::from([(vec![], map)]));
    while let Some((path, map)) = inner.pop_front() {
        for (key, value) in map {
            let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
            match value {
                Value::Object(map) => inner.push_back((path, map)),
                Value::Array(_) => {}
                _ if found.len() < MAX_CELLS => found.push(path),
                _ => return found,
            }
        }
    }
    found
}

/// Names of the values: the last key of each path, or the whole path if the key is not unique.
fn names(leaves: &[Vec<&str>]) -> Vec<String> {
    let names = leaves.iter().map(|path| {
        let same = leaves.iter().filter(|other| other.last() == path.last());
        if same.count() > 1 {
            clean(path.join("."))
        } else {
            clean(path.last().copied().unwrap_or_default())
        }
    });
    names.collect()
}

fn object_of(map: &Map<String, Value>) -> Option<Found> {
    if let Some(found) = named_rows(map) {
        return Some(found);
    }
    let keyed: Vec<_> = map
        .iter()
        .filter_map(|(key, v)| v.as_object().map(|row| (Some(key.as_str()), row)))
        .collect();
    let first_key = keyed.first().and_then(|(key, _)| *key);
    if keyed.len() == map.len() && first_key.is_some_and(|key| time::parse(key).is_some()) {
        return objects(&keyed, has_prices).or_else(|| objects(&keyed, has_enough));
    }
    keyed_columns(map).or_else(|| columns_of(map))
}

/// Reads a list of rows with a separate list of column names and an optional list of times.
fn named_rows(map: &Map<String, Value>) -> Option<Found> {
    let lists: Vec<(&String, &Vec<Value>)> =
        map.iter().filter_map(|(key, v)| Some((key, v.as_array()?))).collect();
    let (_, rows) = lists.iter().find(|(_, list)| list.first().is_some_and(is_row))?;
    let width = rows[0].as_array()?.len();
    let mut names = lists.iter().filter(|(key, list)| *key != "index" && list.len() == width);
    let names: Vec<String> = names.find_map(|(_, list)| list.iter().map(column_name).collect())?;
    let index = map.get("index").and_then(Value::as_array);
    let index = index.filter(|index| index.len() == rows.len() && index.iter().all(is_scalar));
    let names = index.map(|_| "index".to_owned()).into_iter().chain(names).collect();
    Some(arrays(Some(names), rows, index.map(Vec::as_slice)))
}

/// Returns the name of a column: a string, or an object with a `name`.
fn column_name(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("name")?.as_str()).map(clean)
}

/// Reads columns that are objects with one value per time or row number, as written by pandas.
fn keyed_columns(map: &Map<String, Value>) -> Option<Found> {
    let columns: Vec<(&str, &Map<String, Value>)> =
        map.iter().filter_map(|(name, v)| Some((name.as_str(), v.as_object()?))).collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| clean(name)).collect();
    Names::new(&names).prices()?;
    let mut keys: Vec<&String> = columns[0].1.keys().collect();
    keys.sort_by_key(|key| key.parse::<i64>().ok());
    let names = [String::new()].into_iter().chain(names).collect();
    let mut found = Found::new(Some(names));
    for key in keys {
        let cells = columns.iter().map(|(_, cells)| cells.get(key).map(scalar).unwrap_or_default());
        found.push([clean(key)].into_iter().chain(cells).collect());
    }
    (found.count > 0).then_some(found)
}

/// Reads columns that are arrays, as in responses of chart servers; prices may be one level deeper.
fn columns_of(map: &Map<String, Value>) -> Option<Found> {
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
    if columns.len() < MIN_CELLS || rows == 0 {
        return None;
    }
    let mut found = Found::new(Some(columns.iter().map(|(name, _)| clean(name)).collect()));
    for i in 0..rows {
        found.push(columns.iter().map(|(_, cells)| scalar(&cells[i])).collect());
    }
    Some(found)
}

fn add_columns<'a>(map: &'a Map<String, Value>, columns: &mut Vec<(&'a str, &'a [Value])>) {
    let all = map.iter().filter_map(|(key, v)| {
        v.as_array().filter(|c| c.iter().all(is_scalar)).map(|c| (key.as_str(), &c[..]))
    });
    columns.extend(all);
}
