//! Benchmarks of reading a CSV file of a million candles, beside a loop over the records of the
//! `csv` crate that parses the same six numbers and checks nothing.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use std::fmt::Write;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use windvane::prelude::*;
use windvane::readers::{parse_csv, read_bytes};

const ROWS: usize = 1_000_000;

/// A way to write the open time of a row, given in milliseconds.
type WriteTime = fn(i64) -> String;

/// A way to read it back in the loop over records.
type ParseTime = fn(&str) -> Option<i64>;

fn reading(c: &mut Criterion) {
    let epochs: (WriteTime, ParseTime) = (|time| time.to_string(), |cell| cell.parse().ok());
    let dates: (WriteTime, ParseTime) = (
        |time| Timestamp::from_millis(time).to_string(),
        |cell| cell.parse::<Timestamp>().ok().map(Timestamp::millis),
    );
    for (name, (write, parse)) in [("read_csv_epochs", epochs), ("read_csv_dates", dates)] {
        let text = minutes(write);
        let pair = Pair::new("BTCUSDT").expect("a name");
        let read = read_bytes(text.clone().into_bytes(), "a", pair.clone()).expect("candles");
        assert_eq!((read.series.len(), records(&text, parse).len()), (ROWS, ROWS));
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
        group.bench_function("csv_records", |b| b.iter(|| records(&text, parse)));
        group.bench_function("read_bytes", |b| {
            let bytes = || text.clone().into_bytes();
            let read = |bytes| read_bytes(bytes, "a", pair.clone()).expect("candles");
            b.iter_batched(bytes, read, BatchSize::PerIteration);
        });
        group.bench_function("parse_csv", |b| {
            b.iter(|| parse_csv(text.as_bytes(), "a", pair.clone(), None).expect("candles"));
        });
        group.finish();
    }
}

/// A file of candles of a minute: the candles of the sample, over and over.
fn minutes(write_time: WriteTime) -> String {
    let sample = windvane_benches::candles(10_000);
    let mut text = "open_time,open,high,low,close,volume\n".to_string();
    for (row, candle) in (0_i64..).zip(sample.iter().cycle().take(ROWS)) {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let time = write_time(1_577_836_800_000 + 60_000 * row);
        writeln!(text, "{time},{open},{high},{low},{close},{volume}").expect("a string");
    }
    text
}

/// The numbers of all rows, read with the `csv` crate.
fn records(text: &str, parse_time: ParseTime) -> Vec<(i64, [f64; 5])> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while reader.read_record(&mut record).expect("a record") {
        let time = parse_time(&record[0]).expect("a time");
        let number = |index: usize| record[index].parse::<f64>().expect("a number");
        rows.push((time, [1, 2, 3, 4, 5].map(number)));
    }
    rows
}

criterion_group!(benches, reading);
criterion_main!(benches);
