//! Hive-partitioned folders.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use windvane_candles::{Interval, Pair, Timestamp};
use windvane_readers::{NoteKind, PartitionedFolder, ReadError, ReadOptions, ReadResult};

const HEADER: &str = "time,open,high,low,close,volume";

/// Hourly rows after a time, with more cells at the end of each.
fn hours(from: &str, count: i64, more: &str) -> String {
    let start = from.parse::<Timestamp>().unwrap().millis();
    let mut text = String::new();
    for hour in 0..count {
        let time = start + hour * 3_600_000;
        let close = 100.0 + ((time / 3_600_000 % 97) as f64 * 0.7).sin();
        writeln!(text, "{time},{close},{},{},{close},{}{more}", close + 1.0, close - 1.0, 7 + hour)
            .unwrap();
    }
    text
}

/// A folder with files of rows under a header.
fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, rows) in files {
        write(root.path(), path, &format!("{HEADER}\n{rows}"));
    }
    root
}

fn write(root: &Path, path: &str, text: &str) -> PathBuf {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn options() -> ReadOptions {
    ReadOptions::new(Pair::new("any").unwrap())
}

fn open(root: &Path) -> Result<Option<PartitionedFolder>, ReadError> {
    PartitionedFolder::open(root, &options())
}

/// All pairs of a folder.
fn read(root: &Path, options: &ReadOptions) -> Result<Vec<ReadResult>, ReadError> {
    let folder = PartitionedFolder::open(root, options)?.expect("partitions");
    folder.pairs().iter().map(|pair| pair.read(options)).collect()
}

/// The message for a folder that is refused.
fn message(root: &Path) -> String {
    read(root, &options()).unwrap_err().to_string()
}

#[test]
fn partitions_are_the_candles_of_one_file_in_any_order_of_names() {
    let december = hours("2023-12-31", 24, "");
    let january = hours("2024-01-01", 24 * 31, "");
    let march = hours("2024-03-01", 24 * 31, "");
    // By name, the later file comes first.
    let root = folder(&[
        ("pair=BTCUSDT/year=2024/a-march.csv", march.clone()),
        ("pair=BTCUSDT/year=2024/b-january.csv", january.clone()),
        ("pair=BTCUSDT/year=2023/part-0.csv", december.clone()),
        ("pair=ETH%2FUSDT/year=2024/part-0.csv", january.clone()),
    ]);
    write(root.path(), "_SUCCESS", "");
    write(root.path(), "pair=BTCUSDT/year=2024/.part-0.crc", "x");
    let one = format!("{HEADER}\n{december}{january}{march}");
    let one = options().read_bytes(one.into_bytes(), "one.csv").unwrap();
    let pairs = read(root.path(), &options()).unwrap();
    let names: Vec<&str> = pairs.iter().map(|read| read.series.pair().as_str()).collect();
    assert_eq!(names, ["BTCUSDT", "ETH/USDT"]);
    assert_eq!(pairs[0].series.candles(), one.series.candles());
    assert_eq!((pairs[0].series.interval(), pairs[0].rows), (Interval::HOUR, one.rows));
    assert_eq!(pairs[0].series.gaps().count(), 1);
    assert_eq!(pairs[0].format, one.format);

    // The folder of a pair is also a folder of partitions.
    let own = read(&root.path().join("pair=BTCUSDT"), &options()).unwrap();
    assert_eq!(own[0].series, pairs[0].series);
}

#[test]
fn partitions_are_recognised_by_their_names() {
    let plain = tempfile::tempdir().unwrap();
    write(plain.path(), "BTCUSDT.csv", "");
    write(plain.path(), "notes/readme.md", "");
    assert_eq!(open(plain.path()).unwrap(), None);
    assert_eq!(open(&plain.path().join("BTCUSDT.csv")).unwrap(), None);
}

#[test]
fn partitions_that_overlap_are_refused_with_both_files() {
    let whole = hours("2024-01-01", 48, "");
    let second_day = hours("2024-01-02", 24, "");
    let third_day = hours("2024-01-03", 24, "");
    for (a, b) in [
        (whole.clone(), second_day.clone()),
        (second_day.clone(), whole.clone()),
        (whole.clone(), whole),
        // Two hours of every four in each file.
        (two_of_four(&third_day, 0), two_of_four(&third_day, 2)),
    ] {
        let root = folder(&[("pair=X/a.csv", a), ("pair=X/b.csv", b)]);
        let text = message(root.path());
        assert!(
            text.contains("overlap") && text.contains("a.csv") && text.contains("b.csv"),
            "{text}"
        );
    }
}

fn two_of_four(rows: &str, from: usize) -> String {
    let own = rows.lines().enumerate().filter(|(hour, _)| hour % 4 / 2 == from / 2);
    own.map(|(_, line)| format!("{line}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn partitions_of_columns_that_contradict_their_folder_are_refused() {
    let file = |head: &str, more: &str| {
        let root = tempfile::tempdir().unwrap();
        let text = format!("{HEADER}{head}\n{}", hours("2024-01-01", 48, more));
        write(root.path(), "exchange=binance/pair=BTCUSDT/year=2024/a.csv", &text);
        root
    };
    for (head, more) in [
        (",symbol", ",ETHUSDT"),
        (",pair", ",BTCUSD"),
        (",exchange", ",kraken"),
        (",Exchange,ticker,year", ",binance,BTC/USDT,2023"),
    ] {
        let text = message(file(head, more).path());
        assert!(text.contains("contradicts the folder") && text.contains("line 2"), "{text}");
        assert!(text.contains("--columns ignore="), "{text}");
    }
    for (head, more) in [
        (",symbol", ",BTC/USDT"),
        (",pair,year", ",btcusdt,2024"),
        (",exchange,trades", ",binance,5"),
    ] {
        assert_eq!(read(file(head, more).path(), &options()).unwrap()[0].series.len(), 48);
    }
    let ignored = options().columns("ignore=symbol".parse().unwrap());
    assert!(read(file(",symbol", ",ETHUSDT").path(), &ignored).is_ok());
}

#[test]
fn partitions_of_candles_outside_their_period_are_refused() {
    let rows = hours("2023-12-30", 48, "");
    for keys in ["year=2024", "year=2024/month=01", "month=2024-01", "date=2024-01-01"] {
        let root = folder(&[(&format!("pair=X/{keys}/a.csv"), rows.clone())]);
        let text = message(root.path());
        let last = keys.rsplit('/').next().unwrap();
        assert!(text.contains("2023-12-30") && text.contains(last), "{text}");
    }
    // A day of another time zone.
    for keys in ["date=2023-12-31", "year=2023", "year=2023/month=12/day=31"] {
        let root = folder(&[(&format!("pair=X/{keys}/a.csv"), rows.clone())]);
        assert!(read(root.path(), &options()).is_ok(), "{keys}");
    }
}

#[test]
fn partitions_of_mixed_form_are_refused() {
    let rows = || hours("2024-01-01", 48, "");
    for (files, expected) in [
        (vec!["pair=X/a.csv", "b.csv"], "beside a folder"),
        (vec!["pair=X/a.csv", "other/b.csv"], "expected the form key=value"),
        (vec!["pair=X/a.csv", "symbol=Y/b.csv"], "folders of two keys"),
        (vec!["pair=X/a.csv", "pair=Y/year=2024/b.csv"], "need the same keys"),
        (vec!["pair=X/year=2024/a.csv", "pair=Y/month=2024-01/b.csv"], "need the same keys"),
        (vec!["year=2024/a.csv"], "no partition key names the pair"),
        (vec!["pair=X/symbol=Y/a.csv"], "may both name the pair"),
        (vec!["pair=X/pair=Y/a.csv"], "occurs twice"),
        (vec!["pair=/a.csv"], "has no value"),
        (vec!["pair=__HIVE_DEFAULT_PARTITION__/a.csv"], "has no value"),
        (vec!["pair=A B/a.csv"], "names no pair"),
        (vec!["pair=X/year=next/a.csv"], "is no period"),
        (vec!["pair=X/interval=often/a.csv"], "is no interval"),
        (vec!["pair=X/interval=4h/a.csv"], "looks like 1h candles, expected 4h"),
        (vec!["exchange=a/pair=X/a.csv", "exchange=b/pair=X/b.csv"], "--select exchange=a"),
    ] {
        let files: Vec<(&str, String)> = files.into_iter().map(|file| (file, rows())).collect();
        let text = message(folder(&files).path());
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let empty = folder(&[("pair=X/a.csv", rows())]);
    std::fs::create_dir(empty.path().join("pair=Y")).unwrap();
    assert!(message(empty.path()).contains("is empty"));
}

#[test]
fn partitions_of_several_intervals_or_formats_are_refused() {
    let whole = hours("2024-01-01", 96, "");
    let later = hours("2024-07-01", 96, "");
    let four: Vec<String> = later.lines().step_by(4).map(|line| format!("{line}\n")).collect();
    let four = four.concat();
    let root = folder(&[("pair=X/a.csv", whole.clone()), ("pair=X/b.csv", four)]);
    let text = message(root.path());
    assert!(
        text.contains("--interval") && text.contains("a.csv") && text.contains("b.csv"),
        "{text}"
    );

    let root = folder(&[("pair=X/a.csv", whole)]);
    let object = |hour: i64| {
        format!(
            "{{\"t\":{},\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":1}}",
            1_720_051_200_000 + hour * 3_600_000
        )
    };
    let json: Vec<String> = (0..9).map(object).collect();
    write(root.path(), "pair=X/b.json", &format!("[{}]", json.join(",")));
    let text = message(root.path());
    assert!(text.contains("need one format") && text.contains("a.csv"), "{text}");
}

#[test]
fn partitions_are_selected_by_key() {
    let rows = || hours("2024-01-01", 48, "");
    let root = folder(&[
        ("exchange=a/pair=X/a.csv", rows()),
        ("exchange=b/pair=X/b.csv", rows()),
        ("exchange=b/pair=Y/c.csv", rows()),
    ]);
    let select = |key: &str, value: &str| read(root.path(), &options().select(key, value));
    let pairs = |reads: Vec<ReadResult>| -> Vec<String> {
        reads.iter().map(|read| read.series.pair().to_string()).collect()
    };
    assert_eq!(pairs(select("exchange", "b").unwrap()), ["X", "Y"]);
    assert_eq!(pairs(select("Exchange", "a").unwrap()), ["X"]);
    assert_eq!(pairs(select("pair", "Y").unwrap()), ["Y"]);
    let text = select("exchange", "c").unwrap_err().to_string();
    assert!(text.contains("the values are a, b"), "{text}");
    let two = folder(&[("pair=spot/symbol=X/a.csv", rows())]);
    assert_eq!(pairs(read(two.path(), &options().select("pair", "spot")).unwrap()), ["X"]);
}

#[test]
fn damaged_partition_is_refused_by_name_and_repairs_are_noted_with_their_file() {
    let root = folder(&[("pair=X/a.csv", hours("2024-01-01", 300, ""))]);
    write(root.path(), "pair=X/b.csv", "PAR1 and no more");
    let text = message(root.path());
    assert!(text.contains("b.csv"), "{text}");
    write(root.path(), "pair=X/b.csv", &format!("{HEADER}\n"));
    assert!(message(root.path()).contains("b.csv"));

    let mut rows = hours("2024-02-01", 300, "");
    rows.push_str("1707868800000,what,1,1,1,1\n"); // 2024-02-14
    write(root.path(), "pair=X/b.csv", &format!("{HEADER}\n{rows}"));
    let read = read(root.path(), &options()).unwrap().swap_remove(0);
    assert_eq!((read.series.len(), read.rows), (600, 601));
    let note = read.notes.iter().find(|note| note.kind == NoteKind::Unreadable).unwrap();
    assert!(note.text.starts_with("pair=X/b.csv: 1 row unreadable"), "{}", note.text);
}

#[test]
fn partition_with_a_jump_of_the_price_is_noted() {
    let high: Vec<String> = (0..48)
        .map(|hour| format!("{},900,901,899,900,5\n", 1_706_745_600_000_i64 + hour * 3_600_000))
        .collect();
    let root =
        folder(&[("pair=X/a.csv", hours("2024-01-01", 48, "")), ("pair=X/b.csv", high.concat())]);
    let read = read(root.path(), &options()).unwrap().swap_remove(0);
    assert!(read.notes.iter().any(|note| note.text.contains("2024-02-01")), "{:?}", read.notes);
}
