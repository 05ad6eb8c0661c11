//! Real candles of ten instruments, embedded in the crate.
//!
//! | name | candles | period | notes |
//! |---|---|---|---|
//! | `BTCUSDT` | 17,519 of 1h | 2022 and 2023 | one candle is missing (2023-03-24 13:00), the candle before it has no volume |
//! | `EURUSD` | 6,225 of 1h | 2017 | ask prices; weekends are missing |
//! | `AAPL`, `IBM`, `MSFT` | 3,270 of 1d each | 2000-03-01 to 2013-03-01 | not adjusted: splits and dividends appear as jumps |
//! | `GOOG` | 2,148 of 1d | 2004-08-19 to 2013-03-01 | not adjusted |
//! | `FB` | 196 of 1d | 2012-05-18 to 2013-03-01 | not adjusted |
//! | `SP500`, `NASDAQ` | 5,031 of 1d each | 1999-01-04 to 2018-12-31 | indices; two days of `NASDAQ` have no volume |
//! | `NVDA` | 1,254 of 1d | 2020-09-28 to 2025-09-24 | adjusted for splits |
//!
//! Daily candles open at 00:00 UTC of their date and close at 24:00 UTC. Weekends and holidays are
//! gaps. The sources, the licences and all changes are described in `sample/README.md` of the
//! crate.

use crate::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};

/// Names of the instruments, in the order of [`all`].
pub const NAMES: [&str; 10] =
    ["BTCUSDT", "EURUSD", "AAPL", "IBM", "MSFT", "GOOG", "FB", "NVDA", "SP500", "NASDAQ"];

/// Loads the candles of one instrument; returns `None` for a name that is not in [`NAMES`].
///
/// Each call parses the text again, so keep the result.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, sample};
///
/// let bitcoin = sample::load("BTCUSDT").expect("BTCUSDT is one of the ten instruments");
/// assert_eq!(bitcoin.interval(), Interval::HOUR);
/// assert_eq!(bitcoin.len(), 17_519);
/// assert_eq!(sample::load("DOGE"), None);
/// ```
pub fn load(name: &str) -> Option<CandleSeries> {
    text(name).map(|(text, interval)| read(name, text, interval))
}

/// Loads the candles of all ten instruments.
pub fn all() -> Vec<CandleSeries> {
    NAMES.into_iter().filter_map(load).collect()
}

/// CSV text and interval of an instrument.
fn text(name: &str) -> Option<(&'static str, Interval)> {
    let (hour, day) = (Interval::HOUR, Interval::DAY);
    Some(match name {
        "BTCUSDT" => (include_str!("../sample/BTCUSDT.csv"), hour),
        "EURUSD" => (include_str!("../sample/EURUSD.csv"), hour),
        "AAPL" => (include_str!("../sample/AAPL.csv"), day),
        "IBM" => (include_str!("../sample/IBM.csv"), day),
        "MSFT" => (include_str!("../sample/MSFT.csv"), day),
        "GOOG" => (include_str!("../sample/GOOG.csv"), day),
        "FB" => (include_str!("../sample/FB.csv"), day),
        "NVDA" => (include_str!("../sample/NVDA.csv"), day),
        "SP500" => (include_str!("../sample/SP500.csv"), day),
        "NASDAQ" => (include_str!("../sample/NASDAQ.csv"), day),
        _ => return None,
    })
}

/// Parses a text of the sample: a header, then `open_time,open,high,low,close,volume` in
/// milliseconds and decimal numbers. The crate `windvane-readers` reads other files.
fn read(name: &str, text: &str, interval: Interval) -> CandleSeries {
    let pair = Pair::new(name).expect("invariant: the sample's names are valid");
    let candles: Option<Vec<Candle>> = text.lines().skip(1).map(candle).collect();
    let candles = candles.expect("invariant: the sample's rows are valid candles (tested)");
    CandleSeries::new(pair, interval, candles)
        .expect("invariant: the sample's rows are in order (tested)")
}

fn candle(row: &str) -> Option<Candle> {
    let (time, values) = row.split_once(',')?;
    let mut values = values.split(',').map(str::parse);
    let ohlcv = Ohlcv {
        open: values.next()?.ok()?,
        high: values.next()?.ok()?,
        low: values.next()?.ok()?,
        close: values.next()?.ok()?,
        volume: values.next()?.ok()?,
    };
    Candle::new(Timestamp::from_millis(time.parse().ok()?), ohlcv).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_matches_its_description() {
        // Name, candles, first and last open time, gaps, missing candles, candles without volume.
        let facts = [
            ("BTCUSDT", 17_519, "2022-01-01", "2023-12-31 23:00", 1, 1, 1),
            ("EURUSD", 6_225, "2017-01-01 22:00", "2017-12-29 21:00", 52, 2_463, 0),
            ("AAPL", 3_270, "2000-03-01", "2013-03-01", 709, 1_479, 0),
            ("IBM", 3_270, "2000-03-01", "2013-03-01", 709, 1_479, 0),
            ("MSFT", 3_270, "2000-03-01", "2013-03-01", 709, 1_479, 0),
            ("GOOG", 2_148, "2004-08-19", "2013-03-01", 463, 969, 0),
            ("FB", 196, "2012-05-18", "2013-03-01", 45, 92, 0),
            ("NVDA", 1_254, "2020-09-28", "2025-09-24", 272, 569, 0),
            ("SP500", 5_031, "1999-01-04", "2018-12-31", 1_090, 2_271, 0),
            ("NASDAQ", 5_031, "1999-01-04", "2018-12-31", 1_090, 2_271, 2),
        ];
        let all = all();
        assert_eq!(all.len(), facts.len());
        for (series, (name, len, first, last, gaps, missing, quiet)) in all.iter().zip(facts) {
            assert_eq!(series.pair().as_str(), name);
            assert_eq!(series.len(), len, "{name}");
            assert_eq!(series.candles()[0].open_time(), first.parse().unwrap(), "{name}");
            assert_eq!(series.candles()[len - 1].open_time(), last.parse().unwrap(), "{name}");
            assert_eq!(series.gaps().count(), gaps, "{name}");
            assert_eq!(series.gaps().map(|gap| gap.missing).sum::<u64>(), missing, "{name}");
            assert_eq!(series.iter().filter(|c| c.volume() == 0.0).count(), quiet, "{name}");
        }
    }

    #[test]
    fn sample_texts_are_under_five_megabytes() {
        let bytes: usize = NAMES.iter().map(|name| text(name).unwrap().0.len()).sum();
        assert!(bytes < 5_000_000, "{bytes}");
    }
}
