//! Reads every CSV file of a folder of real candles, named by `WINDVANE_DATA_DIR`.
//!
//! The files cannot be part of the project, so without the variable there is nothing to do.
#![cfg(feature = "csv")]

use std::path::{Path, PathBuf};

use windvane_candles::csv::read_csv;
use windvane_candles::{Interval, Pair};

/// Folders and the interval of the candles in them.
const FOLDERS: [(&str, &str); 9] = [
    ("1h", "1h"),
    ("4h", "4h"),
    ("1d", "1d"),
    ("30m", "30m"),
    ("15m", "15m"),
    ("5m", "5m"),
    ("fx_1h", "1h"),
    ("equity_1d", "1d"),
    ("1h_spot", "1h"),
];

#[expect(clippy::unwrap_used, reason = "a test without its folder shall fail")]
fn csv_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect()
}

#[test]
fn every_file_of_the_data_folder_is_read() {
    let Some(data) = std::env::var_os("WINDVANE_DATA_DIR").map(PathBuf::from) else {
        return;
    };
    let pair = Pair::new("ANY").unwrap();
    let mut count = 0;
    for (folder, interval) in FOLDERS {
        let expected: Interval = interval.parse().unwrap();
        for path in csv_files(&data.join(folder)) {
            let inferred = read_csv(&path, pair.clone(), None).unwrap();
            assert_eq!(inferred.series.interval(), expected, "{}", path.display());
            let given = read_csv(&path, pair.clone(), Some(expected)).unwrap();
            assert_eq!(inferred, given);
            count += 1;
        }
    }
    for path in csv_files(&data.join("raw")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The other files there show what is wrong with files: an error is fine, a panic is not.
        let read = read_csv(&path, pair.clone(), None);
        if name.starts_with("binance_") {
            assert_eq!(read.unwrap().series.interval(), Interval::HOUR);
            count += 1;
        } else if let Err(error) = read {
            println!("{error}");
            assert!(error.to_string().contains(&name), "{error}");
        }
    }
    println!("{count} files read");
    assert!(count > 3);
}
