//! The strict CSV reader.

use proptest::prelude::*;
use windvane_candles::{Candle, Gap, Interval, Ohlcv, Pair, Timestamp};
use windvane_readers::{CsvSeries, ReadError, parse_csv, read_csv};

const HEAD: &str = "open_time,open,high,low,close,volume\n";

fn parse(text: impl AsRef<[u8]>, interval: Option<Interval>) -> Result<CsvSeries, ReadError> {
    parse_csv(text.as_ref(), "a.csv", Pair::new("BTCUSDT").unwrap(), interval)
}

/// The message for a file of the usual header and these rows.
fn message(rows: &str) -> String {
    parse(format!("{HEAD}{rows}"), None).unwrap_err().to_string()
}

#[test]
fn names_are_found_in_any_order_and_case() {
    let rows = "2024-01-01,1,2,0.5,1.5,7,99\n2024-01-02,1.5,2,1,1,0,99\n";
    for head in [
        "open_time,open,high,low,close,volume,close_time",
        "\u{feff}Date,Open,High,Low,Close,Volume,Adj Close",
        "\u{feff}\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\",\"x\"",
        " TIMESTAMP , O,H,L,C,Vol,symbol",
        "t,o,h,l,c,v,\"quote, volume\"",
        "unix,open,high,low,close,volume,date",
        "bucket,open,high,low,close,volume,",
    ] {
        let read = parse(format!("{head}\n{rows}"), None).unwrap();
        assert_eq!(read.series.interval(), Interval::DAY, "{head}");
        let first = read.series.candles()[0];
        assert_eq!(first.open_time(), "2024-01-01".parse().unwrap());
        let expected = Ohlcv { open: 1.0, high: 2.0, low: 0.5, close: 1.5, volume: 7.0 };
        assert_eq!(first.values(), expected, "{head}");
        assert_eq!((read.line(0), read.line(1), read.line(2)), (Some(2), Some(3), None));
    }
}

#[test]
fn the_close_time_is_never_taken_for_the_open_time() {
    let error = parse("close_time,open,high,low,close,volume\n", None).unwrap_err();
    assert!(matches!(error, ReadError::MissingColumn { column: "open_time", .. }), "{error}");
    let text = "close_time,open,high,low,close,volume,date\n9,1,1,1,1,1,2024-01-01\n9,1,1,1,1,1,2024-01-02\n";
    assert_eq!(parse(text, None).unwrap().series.len(), 2);
}

#[test]
fn exchange_archives_without_header_are_known() {
    let row = |time: i64| format!("{time},10,12,9,11,5,{},50,3,2,20,0\n", time + 3_599_999);
    let (first, second) = (1_730_073_600_000, 1_730_077_200_000);
    for (start, end) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\n")] {
        let text = start.to_owned() + &(row(first) + &row(second)).replace('\n', end);
        let read = parse(text, Some(Interval::HOUR)).unwrap();
        assert_eq!(read.series.len(), 2);
        assert_eq!((read.line(0), read.line(1)), (Some(1), Some(2)));
    }
    let micros = row(first * 1000) + &row(second * 1000);
    let read = parse(micros, None).unwrap();
    assert_eq!(read.series.candles()[1].open_time().millis(), second);

    let error = parse("1502942400,4261,4313,4261,4308,47,3\n", None).unwrap_err().to_string();
    assert!(error.starts_with("a.csv, line 1: no header, and 7 columns"), "{error}");
}

#[test]
fn lines_are_right_with_blank_lines_and_either_line_end() {
    let rows = "2024-01-01,1,1,1,1,0\n\n\n  \n2024-01-02,1,1,1,1,0\n\n2024-01-03,1,1,1,x,0";
    for (end, last) in [("\n", ""), ("\n", "\n"), ("\r\n", ""), ("\r\n", "\n")] {
        let text = format!("\n{HEAD}\n{rows}{last}").replace('\n', end);
        let error = parse(&text, None).unwrap_err().to_string();
        let expected = "a.csv, line 10, column close: \"x\" is no number";
        assert!(error.starts_with(expected), "{end:?}: {error}");
        let read = parse(text.replace('x', "1"), None).unwrap();
        assert_eq!([0, 1, 2, 3].map(|i| read.line(i)), [Some(4), Some(8), Some(10), None]);
    }
}

#[test]
fn the_line_of_a_row_is_the_one_it_begins_in() {
    let good = "2024-01-01,\"1\",1,1,1,0\n";
    for end in ["", "\n", "\n2024-01-03,1,1,1,1,0\n"] {
        let unclosed = message(&format!("{good}2024-01-02,\"1,1,1,1,0{end}"));
        assert!(unclosed.starts_with("a.csv, line 3: 2 cells, expected 6"), "{unclosed}");
    }
    let text = format!("{HEAD}{good}2024-01-02,1,1,1,1,\"\n0\"\n2024-01-03,1,1,1,1,0\n");
    let read = parse(text, None).unwrap();
    assert_eq!([0, 1, 2].map(|i| read.line(i)), [Some(2), Some(3), Some(5)]);
}

#[test]
fn wrong_files_are_errors_with_file_and_reason() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "a.csv: the file is empty"),
        (b"\n \n", "a.csv: the file is empty"),
        (b"\xEF\xBB\xBF", "a.csv: the file is empty"),
        (HEAD.as_bytes(), "a.csv: no candle in 0 rows: line 1 is the header"),
        (
            b"time,open,high,low,volume\n",
            "a.csv, line 1: no column for close, the header has [\"time\", \"open\"",
        ),
        (b"a;b\n1;2\n", "a.csv, line 1: no column for open_time, the header has [\"a;b\"]"),
        (b"\xFF\xFEt\0i\0", "a.csv, line 1: not UTF-8 text"),
        (b"t,o,h,l,c,v\n2024-01-01,1,1,1,1,\xFF\n", "a.csv, line 2: not UTF-8 text"),
    ];
    for (text, expected) in cases {
        let error = parse(text, None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn wrong_rows_are_errors_with_file_line_and_column() {
    let good = "2024-01-01,1,1,1,1,0\n";
    let cases = [
        ("2024-01-02,1,1,1,NaN,0", "line 3, column close: close is NaN, expected a finite number"),
        ("2024-01-02,-1,1,1,1,0", "line 3, column open: open is -1.0, expected a price"),
        (
            "2024-01-02,1,1,1,1,-2",
            "line 3, column volume: volume is -2.0, expected a volume from 0",
        ),
        ("2024-01-02,1,1,2,1,0", "line 3, column low: low 2.0 is above open 1.0"),
        ("2024-01-02,2,1,3,2,0", "line 3, column high: high 1.0 is below open 2.0"),
        ("2024-01-02,1,\"1,5\",1,1,0", "line 3, column high: \"1,5\" is no number"),
        ("2024-01-02,1,,1,1,0", "line 3, column high: \"\" is an empty cell"),
        ("20240102,1,1,1,1,0", "line 3, column open_time: \"20240102\" is no epoch"),
        ("yesterday,1,1,1,1,0", "line 3, column open_time: \"yesterday\" is no time"),
        ("2024-01-02,1,1,1,1", "line 3: 5 cells, expected 6"),
        ("2024-01-02,1,1,1,1,0,9", "line 3: 7 cells, expected 6"),
        ("2023-12-31,1,1,1,1,0", "line 3: opens at 2023-12-31T00:00:00Z, before the row above"),
        (
            "2024-01-02,1,1,1,1,0\n2024-01-02,1,1,1,1,0",
            "line 4: opens at 2024-01-02T00:00:00Z like",
        ),
    ];
    for (row, expected) in cases {
        let error = message(&format!("{good}{row}\n"));
        assert!(error.starts_with(&format!("a.csv, {expected}")), "{error}");
    }
    let long = message(&format!("{good}2024-01-02,1,{},1,1,0", "9x".repeat(10_000)));
    assert!(long.len() < 200, "{long}");
}

#[test]
fn times_off_the_grid_are_errors_not_repaired() {
    let error = message("2020-09-28 13:30:00,1,1,1,1,0\n2020-09-29 13:30:00,1,1,1,1,0\n");
    let expected = "a.csv, line 2, column open_time: 2020-09-28T13:30:00Z is no open time of 1d candles (the one before is 2020-09-28T00:00:00Z)";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn the_interval_is_inferred_or_compared() {
    let four_hours = "2024-01-01 00:00,1,1,1,1,0\n2024-01-01 04:00,1,1,1,1,0\n2024-01-01 12:00,1,1,1,1,0\n2024-01-01 16:00,1,1,1,1,0\n";
    let text = format!("{HEAD}{four_hours}");
    assert_eq!(parse(&text, None).unwrap().series.interval(), Interval::FOUR_HOURS);
    assert!(parse(&text, Some(Interval::FOUR_HOURS)).is_ok());
    let error = parse(&text, Some(Interval::HOUR)).unwrap_err().to_string();
    assert_eq!(error, "a.csv: looks like 4h candles, expected 1h");

    let one = format!("{HEAD}2024-01-01,1,1,1,1,0\n");
    assert_eq!(parse(&one, Some(Interval::HOUR)).unwrap().series.len(), 1);
    assert!(matches!(parse(&one, None), Err(ReadError::NoInterval { rows: 1, .. })));
    let error = message("2024-01-01 00:00:00,1,1,1,1,0\n2024-01-01 00:00:01,1,1,1,1,0\n");
    assert!(
        error.starts_with("a.csv: the most common step between rows is no interval"),
        "{error}"
    );
}

#[test]
fn gaps_are_no_error_and_have_lines() {
    let rows = "2024-01-01,1,1,1,1,0\n2024-01-02,1,1,1,1,0\n2024-01-05,1,1,1,1,0\n";
    let read = parse(format!("{HEAD}{rows}"), None).unwrap();
    let gaps: Vec<Gap> = read.series.gaps().collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(read.line(gaps[0].after + 1), Some(4));
    assert_eq!((gaps[0].after, gaps[0].missing), (1, 2));
    assert_eq!(gaps[0].from, "2024-01-03".parse().unwrap());
}

#[test]
fn files_are_read_and_missing_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("BTC.csv");
    std::fs::write(&path, format!("{HEAD}2024-01-01,1,1,1,1,0\n2024-01-02,1,1,1,1,0")).unwrap();
    let pair = Pair::new("BTC").unwrap();
    assert_eq!(read_csv(&path, pair.clone(), None).unwrap().series.len(), 2);
    for wrong in [folder.path().join("none.csv"), folder.path().to_owned()] {
        let error = read_csv(&wrong, pair.clone(), None).unwrap_err();
        assert!(matches!(error, ReadError::Io { .. }));
        assert!(error.to_string().contains(wrong.to_str().unwrap()), "{error}");
    }
}

fn price() -> impl Strategy<Value = f64> {
    prop_oneof![0.01..1e6, 1e-100..1e-90, 1e90..1e100]
}

/// Whether no other step between candles is as common as one hour.
fn is_mostly_hours(candles: &[Candle]) -> bool {
    let steps =
        candles.windows(2).map(|two| two[1].open_time().millis() - two[0].open_time().millis());
    let steps: Vec<i64> = steps.map(|step| step / Interval::HOUR.millis()).collect();
    let count = |hours| steps.iter().filter(|step| **step == hours).count();
    count(1) >= count(2).max(count(3))
}

proptest! {
    #[test]
    fn parsing_never_panics_on_text(text in "(?s).{0,200}", numbers in "[-0-9.,:eTZ\r\n\"# ]{0,200}") {
        for interval in [None, Some(Interval::HOUR)] {
            let _ = parse(&text, interval);
            let _ = parse(&numbers, interval);
            let _ = parse(format!("{HEAD}{numbers}"), interval);
        }
    }

    #[test]
    fn parsing_never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, None);
        let _ = parse([HEAD.as_bytes(), &bytes].concat(), None);
    }

    #[test]
    fn what_was_written_is_read(
        prices in prop::collection::vec((price(), price(), 0.0..1e100f64, 1i64..4), 2..30),
    ) {
        let mut text = HEAD.to_owned();
        let mut expected = vec![];
        let mut time = 1_704_067_200_000;
        for (open, close, volume, step) in prices {
            time += step * Interval::HOUR.millis();
            let (high, low) = (open.max(close), open.min(close));
            let row = format!("{time},{open:?},{high},{low:?},{close},{volume:?}\n");
            text += &row;
            let values = Ohlcv { open, high, low, close, volume };
            expected.push(Candle::new(Timestamp::from_millis(time), values).unwrap());
        }
        match parse(&text, Some(Interval::HOUR)) {
            Ok(read) => prop_assert_eq!(read.series.candles(), &expected[..]),
            Err(error) => {
                let is_mismatch = error.to_string().contains("expected 1h");
                prop_assert!(is_mismatch && !is_mostly_hours(&expected));
            }
        }
    }
}
