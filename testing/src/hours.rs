//! Generated hourly candles for tests of file readers.

use windvane_candles::{CandleSeries, Interval, Ohlcv};

/// Returns open times in seconds and values of `n` hourly candles from 2024-01-30 22:00 UTC on,
/// whose open, high, low and close differ.
pub fn hours(n: i64) -> Vec<(i64, Ohlcv)> {
    let mut close = 100.0;
    let steps = [1.5, -0.75, 0.25, -1.25].into_iter().cycle();
    let walk = (0..n).zip(steps).map(|(i, step)| {
        let open = close;
        close = open + step;
        let (high, low) = (f64::max(open, close) + 0.5, f64::min(open, close) - 0.25);
        let volume = 1000.0 + 7.5 * i as f64;
        (1_706_652_000 + 3600 * i, Ohlcv { open, high, low, close, volume })
    });
    walk.collect()
}

/// Asserts that a series contains exactly the candles of [`hours`].
///
/// # Panics
/// If the candles differ.
pub fn assert_hours(series: &CandleSeries, n: i64) {
    let expected = hours(n);
    assert_eq!(series.len(), expected.len());
    assert_eq!(series.interval(), Interval::HOUR);
    for (candle, (time, values)) in series.iter().zip(expected) {
        assert_eq!(candle.open_time().millis(), time * 1000);
        assert_eq!(candle.values(), values);
    }
}
