//! Random candles written in many formats are read back bit for bit; files that were mixed up are
//! refused, or their candles are the right ones.

use proptest::prelude::*;
use windvane_candles::{Candle, Ohlcv, Pair};
use windvane_readers::{ReadError, ReadOptions, ReadResult};

const START: i64 = 1_706_652_000;
const HOUR: i64 = 3600;

fn options() -> ReadOptions {
    ReadOptions::new(Pair::new("BTCUSDT").unwrap())
}

fn read(text: String) -> Result<ReadResult, ReadError> {
    options().read_bytes(text.into_bytes(), "a")
}

/// A random walk from a price on; each candle opens near the close before.
fn walk() -> impl Strategy<Value = Vec<Ohlcv>> {
    let step = (-0.03..0.03f64, 0.001..0.02f64, 0.001..0.02f64, -1e-4..1e-4f64, 1.0..1e6f64);
    (1e-3..1e5f64, prop::collection::vec(step, 40..80)).prop_map(|(start, steps)| {
        let mut close: f64 = start;
        let candle = |(change, above, below, gap, volume): (f64, f64, f64, f64, f64)| {
            let open = close * (1.0 + gap);
            close *= 1.0 + change;
            let (high, low) = (open.max(close) * (1.0 + above), open.min(close) * (1.0 - below));
            Ohlcv { open, high, low, close, volume }
        };
        steps.into_iter().map(candle).collect()
    })
}

fn rows(all: &[Ohlcv], end: &str, write: impl Fn(i64, &Ohlcv) -> String) -> String {
    let row = |(i, values): (i64, &Ohlcv)| write(START + HOUR * i, values);
    (0..).zip(all).map(row).collect::<Vec<_>>().join(end)
}

fn list(all: &[Ohlcv], write: impl Fn(i64, &Ohlcv) -> String) -> String {
    format!("[{}]", rows(all, ",", write))
}

fn is_same(read: &ReadResult, all: &[Ohlcv]) -> bool {
    let is_equal = |(i, (candle, values)): (i64, (&Candle, &Ohlcv))| {
        candle.open_time().millis() == (START + HOUR * i) * 1000 && candle.values() == *values
    };
    read.series.len() == all.len() && (0..).zip(read.series.iter().zip(all)).all(is_equal)
}

const HEAD: &str = "time,open,high,low,close,volume\n";

fn csv(time: i64, v: &Ohlcv) -> String {
    format!("{time},{},{},{},{},{}", v.open, v.high, v.low, v.close, v.volume)
}

/// A file of each layout.
fn layouts(all: &[Ohlcv]) -> Vec<String> {
    let comma = |t: i64, v: &Ohlcv| csv(t, v).replace(',', ";").replace('.', ",");
    let column = |of: fn(&Ohlcv) -> f64| list(all, |_, v| of(v).to_string());
    vec![
        HEAD.to_owned() + &rows(all, "\n", csv),
        HEAD.replace(',', ";") + &rows(all, "\r\n", comma),
        format!("\u{feff}{HEAD}")
            + &rows(all, "\n", csv).lines().rev().collect::<Vec<_>>().join("\n"),
        rows(all, "\n", |t, v| csv(t, v) + ",3"),
        rows(all, "\n", |t, v| {
            format!("{},{}999,{},5,3,2,0", csv(t * 1000, v), t + 3599, v.volume * v.close)
        }),
        list(all, |t, v| format!("[{}]", csv(t * 1000, v))),
        list(all, |t, v| {
            format!("[{t}000,{},{},{},{},{}]", v.open, v.close, v.high, v.low, v.volume)
        }),
        list(all, |t, v| format!("[{t},{},{},{},{},{}]", v.low, v.high, v.open, v.close, v.volume)),
        rows(all, "\n", |t, v| {
            let Ohlcv { open, high, low, close, volume } = v;
            format!(
                "{{\"t\":{t},\"o\":{open},\"h\":{high},\"l\":{low},\"c\":{close},\"v\":{volume}}}"
            )
        }),
        format!(
            "{{\"t\":{},\"o\":{},\"h\":{},\"l\":{},\"c\":{},\"v\":{}}}",
            list(all, |t, _| t.to_string()),
            column(|v| v.open),
            column(|v| v.high),
            column(|v| v.low),
            column(|v| v.close),
            column(|v| v.volume),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn formats_read_back_random_candles_bit_for_bit(all in walk()) {
        for text in layouts(&all) {
            let start = text.chars().take(60).collect::<String>();
            let read = read(text).unwrap();
            prop_assert!(is_same(&read, &all), "{start}: {:?}", read.notes);
        }
    }

    #[test]
    fn mutations_are_refused_or_change_nothing(
        all in walk(),
        other in walk(),
        from in 5u8..35,
        columns in (1usize..5, 1usize..5),
    ) {
        let both = |name: &str, from: u8| {
            let first = rows(&all, "\n", |t, v| csv(t, v) + ",A");
            let second = rows(&other[usize::from(from)..], "\n", |t, v| csv(t, v) + ",B");
            format!("{},{name}\n{first}\n{second}\n", HEAD.trim_end())
        };
        let plain = HEAD.to_owned() + &rows(&all, "\n", csv);
        let lines: Vec<&str> = plain.lines().collect();
        let (a, b) = columns;
        let swapped = rows(&all, "\n", |t, v| {
            let mut cells: Vec<String> = csv(t, v).split(',').map(str::to_owned).collect();
            cells.swap(a, b);
            cells.join(",")
        });
        let shift = |seconds: i64| {
            rows(&all, "\n", |t, v| csv(if t >= START + HOUR * i64::from(from) { t + seconds } else { t }, v))
        };
        let rotated = [&lines[..1], &lines[usize::from(from)..], &lines[1..usize::from(from)]].concat().join("\n");
        let mixed = both("", 0).replace(",A\n", "\n").replace(",B\n", "\n");
        let mutations = [
            ("two series", both("label", 0)),
            ("two series with codes", both("x", from).replace(",A\n", ",7\n").replace(",B\n", ",9\n")),
            ("two series without a column", mixed),
            ("columns swapped", HEAD.to_owned() + &swapped),
            ("rotated", rotated),
            ("another zone from a row on", HEAD.to_owned() + &shift(5 * HOUR + 1800)),
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
