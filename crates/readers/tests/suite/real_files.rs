//! Reads every CSV file of a folder of real candles, named by `WINDVANE_DATA_DIR`.
//!
//! The files cannot be part of the project, so without the variable there is nothing to do.

use std::path::{Path, PathBuf};

use windvane_candles::{Candle, Interval, Pair, Timestamp};
use windvane_readers::{read_csv, read_file};

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

/// File, source, rows, candles, first and last open time, interval.
const RAW: &str = "\
binance_spot_BTCUSDT-1h-2023-01_header.csv|Binance archive|744|744|2023-01-01|2023-01-31 23:00|1h
binance_spot_BTCUSDT-1h-2024-10-28_noheader.csv|Binance archive|24|24|2024-10-28|2024-10-28 23:00|1h
binance_um_BTCUSDT-1h-2024-10-28_header.csv|Binance archive|24|24|2024-10-28|2024-10-28 23:00|1h
coinbase_like_BTC-USD-15m_excerpt.csv|named columns|3000|3000|2023-01-01|2023-02-01 05:45|15m
cryptodatadownload_BTCUSDT_1h_excerpt.csv|CryptoDataDownload|3500|2748|2017-08-17 04:00|2021-01-21 23:00|1h
cryptodatadownload_BTCUSDT_d.csv|CryptoDataDownload|1396|1395|2017-08-17|2021-06-11|1d
cryptodatadownload_ETHUSDT_d_banner.csv|CryptoDataDownload|1299|1298|2017-08-17|2021-03-06|1d
dukascopy_EURUSD_1h_excerpt.csv|Dukascopy|1500|1500|2017-01-01 22:00|2017-03-29 08:00|1h
freqtrade_BTC_USDT-1d.json|freqtrade or CCXT order|1881|1881|2017-08-17|2022-10-10|1d
freqtrade_DASH_BTC-5m.feather|named columns|5758|5758|2018-01-10 04:55|2018-01-30 04:50|5m
freqtrade_LINK_USDT-4h.json|freqtrade or CCXT order|8179|8179|2019-01-16 08:00|2022-10-11 04:00|4h
freqtrade_XRP_USDT-1h-futures.json.gz|freqtrade or CCXT order|100|100|2021-11-17 01:00|2021-11-21 04:00|1h
gapless_BTCUSDT-1h_comment_header_excerpt.csv|Binance columns|5000|4957|2017-08-17 04:00|2018-03-15 03:00|1h
kraken_ETHUSD_60_excerpt.csv|Kraken OHLCVT|10000|10000|2015-08-07 14:00|2017-02-15 20:00|1h
python_tz_DOTUSDT_1h_excerpt.csv|named columns|2000|2000|2020-10-23 08:00|2021-01-14 15:00|1h
stockstats_002032_excerpt.csv|named columns|500|500|2004-08-17|2006-11-07|1d
ticker_column_ADAUSDT_1h_excerpt.csv|named columns|1000|1000|2021-04-04 21:00|2021-05-16 17:00|1h
title_case_MATICUSDT_1d.csv|named columns|1275|1275|2020-10-22|2024-04-18|1d
yahoo_GOOGL_excerpt.csv|Yahoo Finance|1000|1000|2009-05-22|2013-05-13|1d
yahoo_api_NVDA_excerpt.csv|named columns|500|500|2020-09-28|2022-09-21|1d";

#[test]
fn every_raw_file_is_read_as_described() {
    let Some(data) = std::env::var_os("WINDVANE_DATA_DIR").map(PathBuf::from) else {
        return;
    };
    let pair = Pair::new("ANY").unwrap();
    for fact in RAW.lines() {
        let [file, source, rows, candles, first, last, interval] =
            fact.split('|').collect::<Vec<_>>().try_into().unwrap();
        let reading = read_file(data.join("raw").join(file), pair.clone()).unwrap();
        let times: Vec<Timestamp> = reading.series.iter().map(Candle::open_time).collect();
        assert_eq!(reading.format.source, source, "{file}");
        assert_eq!(reading.rows.to_string(), rows, "{file}");
        assert_eq!(times.len().to_string(), candles, "{file}");
        assert_eq!(times[0], first.parse().unwrap(), "{file}");
        assert_eq!(times[times.len() - 1], last.parse().unwrap(), "{file}");
        assert_eq!(reading.series.interval().to_string(), interval, "{file}");
    }
}

#[test]
fn clean_files_are_read_as_by_the_strict_reader_and_hours_make_four() {
    let Some(data) = std::env::var_os("WINDVANE_DATA_DIR").map(PathBuf::from) else {
        return;
    };
    let pair = Pair::new("ANY").unwrap();
    for (folder, _) in FOLDERS {
        for path in csv_files(&data.join(folder)) {
            let strict = read_csv(&path, pair.clone(), None).unwrap();
            let reading = read_file(&path, pair.clone()).unwrap();
            assert_eq!(reading.series, strict.series, "{}", path.display());
        }
    }
    let (mut equal, mut all) = (0, 0);
    for path in csv_files(&data.join("4h")) {
        let read = |path: &Path| read_csv(path, pair.clone(), None).unwrap().series;
        let hours = data.join("1h").join(path.file_name().unwrap());
        if hours.ends_with("AVAXUSDT.csv") {
            continue; // Hours of the spot market, four hours of the perpetual one.
        }
        let four = read(&hours).resample(Interval::FOUR_HOURS).unwrap().series;
        for given in &read(&path) {
            let Ok(at) = four.candles().binary_search_by_key(&given.open_time(), Candle::open_time)
            else {
                continue;
            };
            let (made, given) = (four.candles()[at].values(), given.values());
            all += 1;
            equal += usize::from(
                (made.open, made.high, made.low, made.close)
                    == (given.open, given.high, given.low, given.close),
            );
        }
    }
    println!("{equal} of {all} candles of 4h equal those made of hours");
    assert!(all > 50_000 && equal * 1000 >= all * 999, "{equal} of {all}");
}
