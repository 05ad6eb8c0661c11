//! Reads every file of a folder of difficult files, named by `WINDVANE_CASES_DIR`.
//!
//! The files cannot be part of the project, so without the variable there is nothing to do.

use std::path::{Path, PathBuf};

use windvane_candles::Pair;
use windvane_readers::read_file;

/// File, candles, interval and first open time, or `refused` and a part of the message.
const CASES: &str = "\
74_confirm_int64.parquet|99|1h|2024-01-08T00:00:00Z
74_confirm_int8.parquet|99|1h|2024-01-08T00:00:00Z
74_confirm_uint8.parquet|99|1h|2024-01-08T00:00:00Z
75_volume_float16.parquet|100|1h|2024-01-08T00:00:00Z
75_volume_int16.parquet|100|1h|2024-01-08T00:00:00Z
75_volume_uint16.parquet|100|1h|2024-01-08T00:00:00Z
160c_nohead_two_symbols_after.csv|refused|series in one file
164_price_type.csv|refused|series in one file
21_tscode_two.csv|refused|series in one file
21c_contract.csv|refused|series in one file
21c_isin.csv|refused|series in one file
21c_stock_code.csv|refused|series in one file
02b_yf_daily_two_tickers.csv|refused|series in one file
02c_yf_group_by_ticker.csv|refused|series in one file
02d_flat_two.csv|refused|series in one file
71_yf_two_tickers.parquet|refused|series in one file
71c_two.json|refused|series in one file
30_tradestation_api.json|99|1h|2024-01-08T00:00:00Z
20_nautilus_ts.csv|refused|write --time open or --time close
83_nautilus.parquet|refused|write --time open or --time close
83b_nautilus_int.parquet|refused|write --time open or --time close
01_yf_1h_us.csv|105|1h+30m|2024-01-08T14:30:00Z
01c_nse_1h.csv|105|1h+45m|2024-01-08T03:45:00Z
01d_oanda_h4.json|120|4h+2h|2024-01-07T22:00:00Z
01e_oanda_d.json|65|1d+22h|2024-01-07T22:00:00Z
54_tradingview_4h_us.csv|120|4h@session|2024-01-08T14:30:00Z
15_yf_1wk_tz.csv|60|1w|2024-01-01T00:00:00Z
15b_weekly_friday.csv|refused|60 weeks are stamped with Fridays
15c_kraken_weekly_thu.json|59|1w+3d|2024-01-04T00:00:00Z
15d_sunday_weekly.csv|60|1w+6d|2024-01-07T00:00:00Z
72_berlin.parquet|60|1d|2024-01-08T00:00:00Z
72_kolkata.parquet|60|1d|2024-01-08T00:00:00Z
72_tokyo.csv|60|1d|2024-01-08T00:00:00Z
72_tokyo.parquet|60|1d|2024-01-08T00:00:00Z
11_forexite.csv|300|1m|2024-01-08T00:00:00Z
11b_forexite_daily.csv|60|1d|2024-01-08T00:00:00Z
32_birdeye.json|100|1h|2024-01-08T00:00:00Z
33_uniswap.json|100|1h|2024-01-08T00:00:00Z
37_unnamed.csv|100|1h|2024-01-08T00:00:00Z
70_index_unnamed.parquet|100|1h|2024-01-08T00:00:00Z
03_ib_midpoint.csv|100|1h|2024-01-08T00:00:00Z
08_cryptocompare_zero.json|60|1d|2024-02-17T00:00:00Z
108_zero_halt.csv|87|1h|2024-01-08T00:00:00Z
108b_zero_open.csv|refused|no candle in 60 rows
12c_nbsp.csv|60|1d|2024-01-08T00:00:00Z
12d_space.csv|60|1d|2024-01-08T00:00:00Z
12e_swiss.csv|60|1d|2024-01-08T00:00:00Z
100b_time_int_1m.csv|4320|1m|2024-01-08T00:00:00Z
10_baostock_60m.csv|refused|no regular interval
10b_17digits_daily.csv|60|1d|2024-01-01T00:00:00Z
10c_yyyymmddhh.csv|100|1h|2024-01-08T00:00:00Z
12_excel_epoch.csv|refused|a spreadsheet cut its digits
13_2400.csv|refused|24:00
04_hitbtc.json|100|1h|2024-01-08T00:00:00Z
05_poloniex.json|100|1h|2024-01-08T00:00:00Z
07_cmc.json|60|1d|2024-01-01T00:00:00Z
17_json_nan.json|100|1h|2024-01-08T00:00:00Z
36_jsonl_cut.jsonl|100|1h|2024-01-08T00:00:00Z
77_date_time64.parquet|100|1h|2024-01-08T00:00:00Z
80_us_rem.parquet|refused|no column for the open time
87_concat6.csv|96|4h|2024-01-08T00:00:00Z
12f_utf16_nobom.csv|60|1d|2024-01-08T00:00:00Z
78_stream.arrows|100|1h|2024-01-08T00:00:00Z
78b_polars_stream.arrow|100|1h|2024-01-08T00:00:00Z
78e_polars_brotli.parquet|refused|packed with Brotli
85g_desktopini.zip|100|1h|2024-01-08T00:00:00Z
86b_trailing.csv.gz|100|1h|2024-01-08T00:00:00Z
92_jesse.npy|refused|NumPy array
110_float_noise.csv|120|1d|2024-01-08T00:00:00Z
123b_yf_autoadjust_stock.csv|500|1d|2022-01-03T00:00:00Z
140_two_symbols_combined_after.jsonl|refused|series in one file
140_two_symbols_raw_after.jsonl|refused|series in one file
140b_two_symbols_combined_mixed.jsonl|refused|series in one file
131_yahoo_live_last.json|59|1d|2024-01-08T00:00:00Z
133_bybit_running.json|99|1h|2024-01-08T00:00:00Z
150_thousands_late.csv|1500|1d|2018-01-01T00:00:00Z
150b_decimal_comma_tab_thousands.tsv|refused|may be decimal or between thousands
166c_timestamp_and_bar_start.csv|refused|two columns hold different times
166e_time_open_close.csv|refused|two columns hold different times
167c_datetime_ist_and_epoch.csv|refused|two columns hold different times";

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|end| end != "md")).collect()
}

/// Checks a read against the rest of a line of [`CASES`].
fn check(path: &Path, expected: &[&str]) {
    let read = read_file(path, Pair::new("ANY").unwrap());
    if expected[0] == "refused" {
        let error = read.unwrap_err().to_string();
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(error.contains(expected[1]) && error.contains(&*name), "{error}");
        return;
    }
    let series = read.unwrap().series;
    let first = series.get(0).unwrap().open_time().to_string();
    let own = [series.len().to_string(), series.interval().to_string(), first];
    assert_eq!(own, expected, "{}", path.display());
}

#[test]
fn difficult_files_are_read_or_refused_as_described() {
    let Some(folder) = std::env::var_os("WINDVANE_CASES_DIR").map(PathBuf::from) else { return };
    let cases: Vec<Vec<&str>> = CASES.lines().map(|line| line.split('|').collect()).collect();
    let mut unknown = Vec::new();
    for path in files(&folder) {
        if let Some(case) = cases.iter().find(|case| path.ends_with(case[0])) {
            check(&path, &case[1..]);
        } else {
            // Its right answer is not known here; reading it must not panic.
            drop(read_file(&path, Pair::new("ANY").unwrap()));
            unknown.push(path.display().to_string());
        }
    }
    if !unknown.is_empty() {
        eprintln!("{} files without an expected result: {}", unknown.len(), unknown.join(", "));
    }
}
