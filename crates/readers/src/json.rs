//! JSON: lists of candles, alone or somewhere inside an exchange's answer.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::columns::{fits_named, has_prices};
use super::error::ReadError;
use super::names::{KEYS, Names, OPEN_TIME, TIME};
use super::note::{Note, NoteKind, file_note};
use super::number::is_number;
use super::table::{Answer, CELL_END, MAX_CELLS, MIN_CELLS, Table, clean, joined_name};
use super::time;

/// Maximum number of objects before the first candle, such as the greeting of a stream.
const MAX_OTHERS: usize = 50;

/// The table of the largest list of candles in a JSON text.
pub(crate) fn table(
    bytes: &[u8],
    is_open: bool,
    file: &str,
    notes: &mut Vec<Note>,
) -> Result<Table, ReadError> {
    let wrong =
        |reason: String| ReadError::Format { file: file.to_owned(), format: "JSON", reason };
    let value = parse(bytes, notes).map_err(|error| wrong(error.to_string()))?;
    let found = find(&value).map_err(wrong)?;
    let found = found.ok_or_else(|| wrong("holds no list of candles".to_owned()))?;
    let added = u64::from(found.head.is_some());
    let mut table = Table::of_rows(found.head.unwrap_or_default() + &found.rows, added);
    // Bybit's `time` is that of the answer.
    let written = value.get("retCode").and(value.get("time")).and_then(as_int);
    table.answer = Answer { is_json: true, written, last_finished: found.last_finished };
    table.is_open = is_open;
    Ok(table)
}

/// One value, or one value per line; NaN counts as null, and a last line that is cut is left out.
fn parse(bytes: &[u8], notes: &mut Vec<Note>) -> Result<Value, serde_json::Error> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(bytes) = without_nan(bytes) {
        notes.push(file_note(NoteKind::Numbers, "NaN and Infinity are taken for null"));
        return parse(&bytes, notes);
    }
    let mut values = vec![];
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value {
            Ok(value) => values.push(value),
            Err(cut) if cut.is_eof() && !values.is_empty() => {
                notes.push(file_note(NoteKind::SkippedLines, "the last line is cut, passed over"));
            }
            Err(other) => return Err(if values.is_empty() { error } else { other }),
        }
    }
    Ok(Value::Array(values))
}

/// The text with null for NaN and Infinity, if it has any outside of strings.
fn without_nan(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut text, mut is_string, mut at) = (vec![], false, 0);
    while let Some(byte) = bytes.get(at) {
        let words = ["NaN", "-Infinity", "Infinity"];
        let word = words.iter().find(|word| bytes[at..].starts_with(word.as_bytes()));
        if let (Some(word), false) = (word, is_string) {
            text.extend(b"null");
            at += word.len();
            continue;
        }
        if *byte == b'\\' {
            text.extend(bytes.get(at..at + 2)?);
            at += 2;
            continue;
        }
        is_string ^= *byte == b'"';
        text.push(*byte);
        at += 1;
    }
    (text != bytes).then_some(text)
}

/// A list of candles inside a value, as text with a line per row.
struct Found {
    /// The line with the names.
    head: Option<String>,
    /// Cells of the first row.
    width: usize,
    rows: String,
    count: usize,
    /// Texts beside the list, with their names.
    beside: Vec<(String, String)>,
    last_finished: Option<i64>,
}

impl Found {
    fn new(names: Option<Vec<String>>) -> Self {
        let head = names.map(|names| {
            let mut line = String::new();
            write(&mut line, names.into_iter());
            line
        });
        let (rows, beside) = (String::new(), vec![]);
        Self { head, width: 0, rows, count: 0, beside, last_finished: None }
    }

    fn push(&mut self, cells: Vec<String>) {
        if self.count == 0 {
            self.width = cells.len();
        }
        self.count += 1;
        write(&mut self.rows, cells.into_iter());
    }

    /// Adds a cell of text to each row.
    fn add(&mut self, name: &str, value: &str) {
        let end = format!("{CELL_END}{}\n", clean(value));
        self.rows = self.rows.replace('\n', &end);
        self.head = self.head.take().map(|head| head.replace('\n', &format!("{CELL_END}{name}\n")));
        self.width += 1;
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.head == other.head && self.width == other.width
    }

    /// Puts lists of the same form together; texts that differ between them become cells.
    fn concat(mut all: Vec<Self>) -> Option<Self> {
        let is_same = all.iter().all(|found| found.beside == all[0].beside);
        if !is_same {
            for found in &mut all {
                for (name, value) in std::mem::take(&mut found.beside) {
                    found.add(&name, &value);
                }
            }
        }
        let mut all = all.into_iter();
        let mut first = all.next()?;
        for next in all {
            first.rows += &next.rows;
            first.count += next.count;
        }
        Some(first)
    }
}

/// Adds a row to a text.
fn write(text: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            text.push(CELL_END);
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

/// The largest list of candles in a value; its depth is bounded by the parser.
fn find(value: &Value) -> Result<Option<Found>, String> {
    match value {
        Value::Array(list) => match list_of(list, is_candle) {
            Some(found) => Ok(Some(found)),
            None => Ok(pages(list)?.or_else(|| list_of(list, has_enough))),
        },
        Value::Object(map) => object_of(map).map_or_else(|| one_of(map), |found| Ok(Some(found))),
        _ => Ok(None),
    }
}

/// The lists of candles in the parts of a list: put together if they are alike, as the pages of an
/// answer or the messages of a stream.
fn pages(list: &[Value]) -> Result<Option<Found>, String> {
    let mut all: Vec<Found> = vec![];
    for part in list {
        let Some(mut found) = find(part)? else { continue };
        if let Value::Object(map) = part {
            found.beside = texts(map);
        }
        all.push(found);
    }
    if all.iter().all(|found| found.is_alike(&all[0])) {
        return Ok(Found::concat(all));
    }
    Ok(all.into_iter().reduce(|best, next| if next.count > best.count { next } else { best }))
}

/// The largest list of candles in the parts of an object. Several of the same form are put
/// together, with their keys as a column.
fn one_of(map: &Map<String, Value>) -> Result<Option<Found>, String> {
    let mut all: Vec<(&str, Found)> = vec![];
    for (key, part) in map {
        all.extend(find(part)?.map(|found| (key.as_str(), found)));
    }
    let Some(best) = (0..all.len()).rev().max_by_key(|i| all[*i].1.count) else { return Ok(None) };
    let is_named = all[best].1.head.is_some();
    let (alike, others): (Vec<_>, Vec<_>) = {
        let form = (all[best].1.head.clone(), all[best].1.width);
        all.into_iter().partition(|(_, found)| (&found.head, found.width) == (&form.0, form.1))
    };
    if let Some((key, _)) = others.iter().find(|(_, found)| found.head.is_some() == is_named) {
        let keys = [alike[0].0, key];
        return Err(format!("holds several lists of candles of other forms ({keys:?}): split it"));
    }
    let is_only = alike.len() == 1;
    let alike = alike.into_iter().map(|(key, mut found)| {
        if !is_only {
            found.beside = vec![("key".to_owned(), key.to_owned())];
        }
        found
    });
    let mut found = Found::concat(alike.collect());
    // Kraken's `last` is the time of the last finished candle.
    if let (Some(found), Some(last)) = (found.as_mut(), map.get("last").and_then(as_int))
        && found.head.is_none()
        && found.width == 8
    {
        found.last_finished = Some(last.saturating_mul(1000));
    }
    Ok(found)
}

/// The texts in an object that may tell its list from others.
fn texts(map: &Map<String, Value>) -> Vec<(String, String)> {
    let all = all_leaves(map).into_iter().filter_map(|path| {
        let (last, outer) = path.split_last()?;
        let inner = outer.iter().try_fold(map, |map, key| map.get(*key)?.as_object())?;
        let text = scalar(inner.get(*last)?);
        (is_text(&text) || is_key(&path)).then(|| (clean(path.join(".")), text))
    });
    all.collect()
}

/// Whether a text is neither a number nor a time.
fn is_text(text: &str) -> bool {
    !text.is_empty() && !is_number(text) && time::parse(text).is_none()
}

fn as_int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A list whose rows are arrays, or objects of which one is a candle.
fn list_of(list: &[Value], accepts: fn(&Map<String, Value>) -> bool) -> Option<Found> {
    let first = list.first()?;
    if is_row(first) {
        return Some(arrays(None, list, None));
    }
    let rows: Vec<_> = list.iter().filter_map(|v| v.as_object().map(|map| (None, map))).collect();
    (rows.len() == list.len()).then(|| objects(&rows, accepts))?
}

/// Whether a value is a row of single values enough for a candle.
fn is_row(value: &Value) -> bool {
    value.as_array().is_some_and(|cells| cells.len() >= MIN_CELLS && cells.iter().all(is_scalar))
}

/// Rows as arrays, perhaps with a cell for each that stands in a list of its own.
fn arrays(names: Option<Vec<String>>, rows: &[Value], index: Option<&[Value]>) -> Found {
    let mut found = Found::new(names);
    for (i, row) in rows.iter().enumerate() {
        let cells = row.as_array().into_iter().flatten();
        found.push(index.map(|index| &index[i]).into_iter().chain(cells).map(scalar).collect());
    }
    found
}

/// Rows as objects, some with their key as time.
fn objects(
    rows: &[(Option<&str>, &Map<String, Value>)],
    accepts: fn(&Map<String, Value>) -> bool,
) -> Option<Found> {
    let first = rows.iter().take(MAX_OTHERS).map(|(_, row)| row).find(|row| accepts(row))?;
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

/// Whether four prices are somewhere in an object.
fn is_candle(map: &Map<String, Value>) -> bool {
    has_prices(&Names::new(&names(&leaves(map))))
}

/// Whether an object holds single values enough for a candle.
fn has_enough(map: &Map<String, Value>) -> bool {
    let enough = map.values().filter(|value| is_scalar(value)).count() >= MIN_CELLS - 1;
    enough && !map.values().any(Value::is_array)
}

/// The paths of the single values of a candle, those further out first. Where an inner object has
/// both the prices and a time, only texts are taken from around it: the other times there are those
/// of the message.
fn leaves(map: &Map<String, Value>) -> Vec<Vec<&str>> {
    let mut all = all_leaves(map);
    let found = Names::new(&names(&all));
    let groups = found.groups();
    let Some(group) = groups.first() else { return all };
    if fits_named(&found) {
        return all;
    }
    let open = &all[group.prices[0]];
    let inner = open[..open.len() - 1].to_vec();
    let has_time =
        all.iter().any(|path| is_inside(path, &inner) && is_one_of(path, &[TIME, OPEN_TIME]));
    if has_time && group.prices.iter().all(|i| is_inside(&all[*i], &inner)) {
        let text = |path: &[&str]| {
            let (last, outer) = path.split_last()?;
            let inner = outer.iter().try_fold(map, |map, key| map.get(*key)?.as_object())?;
            inner.get(*last).map(scalar)
        };
        all.retain(|path| {
            is_inside(path, &inner) || is_key(path) || text(path).is_some_and(|text| is_text(&text))
        });
    }
    all
}

fn is_inside(path: &[&str], outer: &[&str]) -> bool {
    path.len() > outer.len() && path.starts_with(outer)
}

/// Whether the value at a path has one of some names.
fn is_one_of(path: &[&str], lists: &[&[&str]]) -> bool {
    let name: Vec<String> = path.last().map(|name| (*name).to_owned()).into_iter().collect();
    let names = Names::new(&name);
    lists.iter().any(|list| !names.all(list).is_empty())
}

/// Whether a value, or the object around it, has a name that tells series apart.
fn is_key(path: &[&str]) -> bool {
    (0..path.len()).any(|i| is_one_of(&path[..=i], &[KEYS]))
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

/// A value is called by its own key, or by all on the way to it if there are several of that key.
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
        return objects(&keyed, is_candle).or_else(|| objects(&keyed, has_enough));
    }
    keyed_columns(map).or_else(|| columns_of(map))
}

/// A list of rows beside a list of the names of their columns, and perhaps one of their times.
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

/// The name of a column: a text, or an object with a `name`.
fn column_name(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("name")?.as_str()).map(clean)
}

/// Columns as objects with a value for each time or number of a row, as pandas writes them.
fn keyed_columns(map: &Map<String, Value>) -> Option<Found> {
    let columns: Vec<(&str, &Map<String, Value>)> =
        map.iter().filter_map(|(name, v)| Some((name.as_str(), v.as_object()?))).collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| joined_name(&clean(name))).collect();
    if !has_prices(&Names::new(&names)) {
        return None;
    }
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

/// Columns as arrays, as chart servers answer; prices may stand one level further down.
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
