//! Candles and specs for tests.
use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_signals::{ChannelSpec, SignalSpec};

pub(crate) const HOUR: i64 = 3_600_000;

/// Spec of the property tests beside the default: every built-in channel, and those with parameters
/// also with other values than the default. A new channel must be added here.
pub(crate) fn wide() -> SignalSpec {
    let mut spec = SignalSpec::default();
    spec.channels.extend([
        ChannelSpec::new("momentum").with("lag", 3.0),
        ChannelSpec::new("trend").with("lag", 7.0),
        ChannelSpec::new("rsi").with("period", 5.0),
    ]);
    spec
}

pub(crate) fn pair(name: &str) -> Pair {
    name.parse().unwrap()
}

pub(crate) fn candle(hour: i64, values: [f64; 5]) -> Candle {
    let [open, high, low, close, volume] = values;
    let open_time = Timestamp::from_millis(hour * HOUR);
    Candle::new(open_time, Ohlcv { open, high, low, close, volume }).unwrap()
}

pub(crate) fn flat(hour: i64, close: f64) -> Candle {
    candle(hour, [close, close, close, close, 10.0])
}

pub(crate) fn series(name: &str, candles: Vec<Candle>) -> CandleSeries {
    CandleSeries::new(pair(name), Interval::HOUR, candles).unwrap()
}

/// Random walk that depends only on the seed.
pub(crate) fn walk(name: &str, hours: std::ops::Range<i64>, seed: u64) -> CandleSeries {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut price = 100.0;
    let candles = hours
        .map(|hour| {
            let open = price;
            price *= 1.0 + 0.02 * random();
            let (high, low) = (open.max(price) * 1.001, open.min(price) * 0.999);
            candle(hour, [open, high, low, price, 100.0 * (1.0 + random())])
        })
        .collect();
    series(name, candles)
}

/// Strategy for the values of a candle, with tiny and huge prices and zero volume.
pub(crate) fn any_values() -> impl Strategy<Value = [f64; 5]> {
    let price = prop_oneof![4 => 90.0..110.0_f64, 1 => 1e-8..1e8_f64];
    let volume = prop_oneof![3 => 0.0..1e6_f64, 1 => Just(0.0)];
    (price.clone(), price, 0.0..0.1_f64, 0.0..0.1_f64, volume).prop_map(
        |(open, close, up, down, v)| {
            let (high, low) = (open.max(close) * (1.0 + up), open.min(close) * (1.0 - down));
            [open, high, low, close, v]
        },
    )
}

pub(crate) fn any_series(len: std::ops::Range<usize>) -> impl Strategy<Value = CandleSeries> {
    prop::collection::vec((any_values(), prop_oneof![9 => Just(1_i64), 1 => 2..30_i64]), len)
        .prop_map(|rows| {
            let mut hour = 0;
            let candles = rows
                .into_iter()
                .map(|(values, step)| {
                    hour += step;
                    candle(hour, values)
                })
                .collect();
            series("ANY", candles)
        })
}
