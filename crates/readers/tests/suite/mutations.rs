//! Random candles in every known format are read back bit for bit; files that were mixed up are
//! refused, or the change is noted, or their candles are the right ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Ohlcv, Pair};
use windvane_readers::{ReadError, ReadOptions, ReadResult};
use windvane_testing::hours;

use crate::templates::{Template, templates};

const START: i64 = 1_706_652_000;
const HOUR: i64 = 3600;

fn options() -> ReadOptions {
    ReadOptions::new(Pair::new("BTCUSDT").unwrap())
}

fn read(text: String) -> Result<ReadResult, ReadError> {
    options().read_bytes(text.into_bytes(), "a")
}

/// A random walk with eight decimals; each candle opens near the close before. Near a price of 1 no
/// reader can tell volume from money.
fn walk() -> impl Strategy<Value = Vec<Ohlcv>> {
    let step = (-0.03..0.03f64, 0.001..0.02f64, 0.001..0.02f64, -1e-4..1e-4f64, 1.0..1e6f64);
    let start = prop_oneof![0.01..0.3f64, 5.0..1e5f64];
    (start, prop::collection::vec(step, 40..60)).prop_map(|(start, steps)| {
        let mut close: f64 = start;
        let candle = |(change, above, below, gap, volume): (f64, f64, f64, f64, f64)| {
            let open = close * (1.0 + gap);
            close *= 1.0 + change;
            let (high, low) = (open.max(close) * (1.0 + above), open.min(close) * (1.0 - below));
            let [open, high, low, close, volume] =
                [open, high, low, close, volume].map(|number| (number * 1e8).round() / 1e8);
            Ohlcv { open, high, low, close, volume }
        };
        steps.into_iter().map(candle).collect()
    })
}

/// Candles of successive hours, their times in seconds.
fn hourly(all: &[Ohlcv]) -> Vec<(i64, Ohlcv)> {
    (0..).zip(all).map(|(i, values)| (START + HOUR * i, *values)).collect()
}

fn rows(all: &[Ohlcv], end: &str, write: impl Fn(i64, &Ohlcv) -> String) -> String {
    let rows = hourly(all).into_iter().map(|(time, values)| write(time, &values));
    rows.collect::<Vec<_>>().join(end)
}

fn holds(series: &CandleSeries, all: &[Ohlcv], has_volume: bool) -> bool {
    let is_equal = |(candle, (time, values)): (&Candle, (i64, Ohlcv))| {
        let volume = if has_volume { values.volume } else { 0.0 };
        candle.open_time().millis() == time * 1000 && candle.values() == Ohlcv { volume, ..values }
    };
    series.len() == all.len() && series.iter().zip(hourly(all)).all(is_equal)
}

fn is_same(read: &ReadResult, all: &[Ohlcv]) -> bool {
    holds(&read.series, all, true)
}

const HEAD: &str = "time,open,high,low,close,volume\n";

fn csv(time: i64, v: &Ohlcv) -> String {
    format!("{time},{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume)
}

/// Result for a changed file.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    Refused,
    Noted,
    Same,
}

/// Reads a changed file; an error if its candles differ from those of the file as it was, and no
/// note says so.
fn judge(template: &Template, base: &ReadResult, text: &str) -> Result<Outcome, String> {
    let Ok(read) = template.read(text) else { return Ok(Outcome::Refused) };
    if read.series == base.series {
        return Ok(Outcome::Same);
    }
    // Counts and lines do not make a note a new one.
    let plain = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let is_new = |text: &str| base.notes.iter().all(|note| plain(&note.text) != plain(text));
    if read.notes.iter().any(|note| is_new(&note.text)) {
        return Ok(Outcome::Noted);
    }
    Err(format!("{} candles, silently different: {:#?}", read.series.len(), read.notes))
}

fn scaled(v: Ohlcv, factor: f64) -> Ohlcv {
    let [open, high, low, close] = [v.open, v.high, v.low, v.close].map(|price| price * factor);
    Ohlcv { open, high, low, close, volume: v.volume }
}

/// Changed files of a format: the kind of the change, and the text.
fn mutations(
    template: &Template,
    candles: &[(i64, Ohlcv)],
    other: &[(i64, Ohlcv)],
    from: usize,
) -> Vec<(String, String)> {
    let cells = template.fill(candles);
    let mut all = exchanged_columns(template, candles);
    let mut add = |name: &str, text: String| all.push((name.to_owned(), text));
    let with = |change: &dyn Fn(usize, &mut (i64, Ohlcv))| {
        let mut changed = candles.to_vec();
        changed.iter_mut().enumerate().for_each(|(i, candle)| change(i, candle));
        template.text(&template.fill(&changed))
    };
    add("a row half an interval late", with(&|i, row| row.0 += if i == from { 1800 } else { 0 }));
    add(
        "hours of another zone from a row on",
        with(&|i, row| {
            row.0 += if i >= from { 5 * HOUR + 1800 } else { 0 };
        }),
    );
    let zone = |cell: &String| {
        let rest = cell.strip_suffix("+00:00").or(cell.strip_suffix('Z').filter(|t| t.len() > 9));
        rest.map(|rest| format!("{rest}+05:00"))
    };
    if cells[0].iter().any(|cell| zone(cell).is_some()) {
        let row = |row: &Vec<String>| row.iter().map(|c| zone(c).unwrap_or(c.clone())).collect();
        add("another zone in all times", template.text(&cells.iter().map(row).collect()));
    }
    add(
        "prices of two rows times 1000",
        with(&|i, row| {
            row.1 = scaled(row.1, if i == from || i == from + 4 { 1000.0 } else { 1.0 });
        }),
    );
    add("a close times 1000", with(&|i, row| row.1.close *= if i == from { 1000.0 } else { 1.0 }));
    add("a high times 1000", with(&|i, row| row.1.high *= if i == from { 1000.0 } else { 1.0 }));
    let others = template.fill(other);
    let two = |first: &[Vec<String>], second: &[Vec<String>]| [first, second].concat();
    add("two instruments, one after the other", template.text(&two(&cells, &others)));
    if let Some(renamed) = template.renamed(&others) {
        add("two named instruments", template.text(&two(&cells, &renamed)));
    }
    let pairs = cells.iter().zip(&others).flat_map(|(a, b)| [a.clone(), b.clone()]);
    add("two instruments, row by row", template.text(&pairs.collect()));
    let (last, values) = candles[candles.len() - 1];
    let factor = 3.0 * values.close / other[0].1.open;
    let later = other
        .iter()
        .enumerate()
        .map(|(i, (_, v))| (last + HOUR * (1 + i64::try_from(i).unwrap()), scaled(*v, factor)));
    let continued: Vec<(i64, Ohlcv)> = candles.iter().copied().chain(later).collect();
    add("another instrument from a row on", template.text(&template.fill(&continued)));
    let twice = [&cells[..=from], &cells[from..]].concat();
    add("a row twice", template.text(&twice));
    add("the reverse order", template.text(&cells.iter().rev().cloned().collect()));
    // A prime that divides no number of rows here.
    let shuffled = (0..cells.len()).map(|i| cells[i * 67 % cells.len()].clone()).collect();
    add("rows shuffled", template.text(&shuffled));
    let mut exchanged = cells.clone();
    exchanged.swap(from, from + 3);
    add("two rows exchanged", template.text(&exchanged));
    if !template.head().is_empty() {
        let text = template.text(&cells);
        let lines: Vec<&str> = text.lines().collect();
        let head: Vec<&str> = template.head().iter().map(String::as_str).collect();
        let (before, after) = lines.split_at(head.len() + from);
        add("the header again", [before, &head, after].concat().join("\n") + "\n");
    }
    let text = template.text(&cells);
    let line = text.trim_end().lines().last().map_or(0, str::len);
    for step in 0..8 {
        let kept = (from * 3 + step * 5) % (line - 1);
        let end = text.trim_end().len() - kept - usize::from(step > 0);
        if let Some(cut) = text.get(..end) {
            add("the last line cut", cut.to_owned());
        }
    }
    all
}

/// Pairs of columns exchanged in all rows, under the names that they had.
fn exchanged_columns(template: &Template, candles: &[(i64, Ohlcv)]) -> Vec<(String, String)> {
    let names = ["open", "high", "low", "close", "volume"];
    let pairs = (0..5).flat_map(|a| (0..a).map(move |b| (names[b], names[a])));
    let text = |(a, b): (&str, &str)| {
        let (first, second) = (template.column(a)?, template.column(b)?);
        let mut cells = template.fill(candles);
        for row in &mut cells {
            row.swap(first, second);
        }
        Some((format!("{a} and {b} exchanged"), template.text(&cells)))
    };
    pairs.filter_map(text).collect()
}

/// Counts the outcomes of all mutations of a template, by kind of mutation.
fn count(
    template: &Template,
    candles: &[(i64, Ohlcv)],
    other: &[(i64, Ohlcv)],
    from: usize,
    counts: &mut BTreeMap<String, [usize; 3]>,
) -> Result<(), String> {
    let base = template.read(&template.text(&template.fill(candles)));
    let base = base.map_err(|error| format!("{}: {error}", template.name))?;
    let mut silent = vec![];
    for (kind, text) in mutations(template, candles, other, from) {
        match judge(template, &base, &text) {
            Ok(outcome) => counts.entry(kind).or_default()[outcome as usize] += 1,
            Err(reason) => silent.push(format!("{}: {kind}: {reason}", template.name)),
        }
    }
    if silent.is_empty() { Ok(()) } else { Err(silent.join("\n")) }
}

#[test]
fn mutated_samples_are_refused_or_noted_or_the_same() {
    let candles = hours(12);
    let other: Vec<(i64, Ohlcv)> =
        candles.iter().map(|(time, values)| (*time, scaled(*values, 1.0625))).collect();
    let mut counts = BTreeMap::new();
    let results = templates().iter().flat_map(|template| [2, 5].map(|from| (template, from)));
    let silent: Vec<String> = results
        .filter_map(|(template, from)| count(template, &candles, &other, from, &mut counts).err())
        .collect();
    for (kind, [refused, noted, same]) in &counts {
        println!("{kind}: {refused} refused, {noted} noted, {same} the same");
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
    assert!(counts.len() > 20 && counts.values().all(|all| all.iter().sum::<usize>() >= 10));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..Default::default() })]

    #[test]
    fn formats_read_back_random_candles_bit_for_bit(all in walk(), end in 0usize..3) {
        for template in templates() {
            let text = template.text(&template.fill(&hourly(&all)));
            let text = match end {
                0 => text,
                1 => text.replace('\n', "\r\n"),
                _ => format!("\u{feff}{text}"),
            };
            let read = template.read(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let is_same = holds(&read.series, &all, template.has_volume);
            prop_assert!(is_same, "{}: {:#?}", template.name, read.notes);
        }
    }

    #[test]
    fn files_of_several_series_or_times_are_refused_or_read_right(
        all in walk(),
        other in walk(),
        from in 5u8..35,
    ) {
        let both = |name: &str, from: u8| {
            let first = rows(&all, "\n", |t, v| csv(t, v) + ",A");
            let second = rows(&other[usize::from(from)..], "\n", |t, v| csv(t, v) + ",B");
            format!("{},{name}\n{first}\n{second}\n", HEAD.trim_end())
        };
        let plain = HEAD.to_owned() + &rows(&all, "\n", csv);
        let lines: Vec<&str> = plain.lines().collect();
        let rotated = [&lines[..1], &lines[usize::from(from)..], &lines[1..usize::from(from)]].concat().join("\n");
        let mixed = both("", 0).replace(",A\n", "\n").replace(",B\n", "\n");
        let mutations = [
            ("two series", both("label", 0)),
            ("two series with codes", both("x", from).replace(",A\n", ",7\n").replace(",B\n", ",9\n")),
            ("two series without a column", mixed),
            ("rotated", rotated),
            ("two times", {
                let row = |t, v: &Ohlcv| format!("{},{}", csv(t, v), t + 19_800);
                format!("{},moment\n", HEAD.trim_end()) + &rows(&all, "\n", row)
            }),
            ("two groups of prices", {
                let row = |t, v: &Ohlcv| format!("{},{}", csv(t, v), csv(t, v).split_once(',').unwrap().1);
                let head = "time,a_open,a_high,a_low,a_close,a_volume,b_open,b_high,b_low,b_close,b_volume\n";
                head.to_owned() + &rows(&all, "\n", row)
            }),
        ];
        for (what, text) in mutations {
            if let Ok(read) = read(text) {
                prop_assert!(is_same(&read, &all), "{what}: {:?}", read.notes);
            }
        }
    }

    #[test]
    fn read_all_separates_mixed_series(all in walk(), other in walk()) {
        let both = format!(
            "{},symbol\n{}\n{}\n",
            HEAD.trim_end(),
            rows(&all, "\n", |t, v| csv(t, v) + ",A"),
            rows(&other, "\n", |t, v| csv(t, v) + ",B"),
        );
        let series = options().read_all_bytes(both.clone().into_bytes(), "a").unwrap();
        prop_assert!(is_same(&series[0], &all) && is_same(&series[1], &other));
        prop_assert_eq!(series[1].key.as_deref(), Some("symbol=B"));
        let second = options().select("symbol", "B").read_bytes(both.into_bytes(), "a").unwrap();
        prop_assert!(is_same(&second, &other));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..Default::default() })]

    #[test]
    fn mutated_files_are_refused_or_noted_or_the_same(
        all in walk(),
        other in walk(),
        from in 5usize..30,
    ) {
        let other: Vec<Ohlcv> = other.iter().map(|v| scaled(*v, all[0].open / other[0].open * 1.1)).collect();
        for template in templates() {
            let counted = count(template, &hourly(&all), &hourly(&other), from, &mut BTreeMap::new());
            prop_assert!(counted.is_ok(), "{}", counted.unwrap_err());
        }
    }
}
