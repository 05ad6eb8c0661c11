//! Candles and specs for tests.
use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_signals::channels::CandlePattern;
use windvane_signals::{ChannelSpec, GapPolicy, SignalSpec};

pub(crate) const HOUR: i64 = 3_600_000;

/// Spec of the property tests beside the default: every built-in channel of the own pair, and those
/// with parameters also with other values than the default. A new channel must be added here.
pub(crate) fn wide() -> SignalSpec {
    let named = |name: &str, parameters: &[(&str, f64)]| {
        parameters
            .iter()
            .fold(ChannelSpec::new(name), |spec, (name, value)| spec.with(*name, *value))
    };
    let mut spec = SignalSpec::default();
    spec.channels.extend([
        named("momentum", &[("lag", 3.0)]),
        named("trend", &[("lag", 7.0)]),
        named("rsi", &[("period", 5.0)]),
        named("log_volatility", &[]),
        named("normalized_return", &[]),
        named("normalized_return", &[("half_life", 10.0)]),
        named("normalized_momentum", &[("lag", 4.0)]),
        named("normalized_momentum", &[("lag", 30.0), ("half_life", 7.0)]),
        named("close_location", &[]),
        named("upper_wick", &[]),
        named("lower_wick", &[]),
        named("normalized_range", &[]),
        named("mean_range", &[("period", 5.0)]),
        named("donchian_position", &[("period", 5.0)]),
        named("volume_level", &[("period", 6.0)]),
        named("volume_trend", &[("fast", 3.0), ("slow", 7.0)]),
        named("volume_season", &[("cycle", 3.0), ("cycles", 2.0)]),
        named("same_hour_return", &[("cycle", 3.0), ("cycles", 2.0)]),
        named("signed_volume", &[("period", 5.0)]),
        named("obv_change", &[("period", 5.0)]),
        named("volatility_ratio", &[]),
        named("volatility_ratio", &[("fast", 3.0), ("slow", 9.0), ("min_slow", 12.0)]),
        named("mean_absolute_return", &[]),
        named("regime", &[]),
        named("regime", &[("low", -6.0), ("high", -5.0), ("lag", 5.0), ("half_life", 7.0)]),
        named("hmm_volatility_state", &[]),
        named("hmm_volatility_state", &[("mean_high", -0.001), ("deviation_high", 0.02)]),
        named("hour", &[]),
        named("hour_sin", &[]),
        named("hour_cos", &[]),
        named("weekday", &[]),
        named("weekday_sin", &[]),
        named("weekday_cos", &[]),
        named("sma", &[("period", 5.0)]),
        named("ema", &[("period", 5.0)]),
        named("atr", &[("period", 5.0)]),
        named("bollinger_percent_b", &[("period", 5.0), ("deviations", 1.5)]),
        named("adx", &[("period", 5.0)]),
        named("plus_di", &[("period", 5.0)]),
        named("minus_di", &[]),
        named("stochastic_k", &[("fast_k", 5.0)]),
        named("stochastic_d", &[("slow_k", 2.0), ("slow_d", 4.0)]),
        named("williams_r", &[("period", 5.0)]),
        named("cci", &[("period", 5.0)]),
        named("mfi", &[("period", 5.0)]),
        named("macd_signal", &[]),
        named("macd_histogram", &[("fast", 3.0), ("slow", 7.0), ("signal", 4.0)]),
        named("roc", &[("lag", 5.0)]),
        named("volume_profile_poc_distance", &[("period", 10.0), ("bins", 5.0)]),
        named("volume_profile_value_area_position", &[("period", 10.0), ("bins", 5.0)]),
        ChannelSpec::on(Interval::FOUR_HOURS, named("close_location", &[])),
        ChannelSpec::on(Interval::FOUR_HOURS, named("rsi", &[("period", 3.0)])),
        ChannelSpec::on(Interval::DAY, named("momentum", &[])),
        ChannelSpec::on(Interval::HOUR, named("normalized_momentum", &[("lag", 2.0)])),
    ]);
    spec.channels.extend(CandlePattern::names().map(ChannelSpec::pattern));
    spec
}

/// Every built-in channel that reads other pairs; [`others`] has their candles.
pub(crate) fn wide_market() -> SignalSpec {
    let leader = |name: &str| ChannelSpec::new(name).reading(pair("X"));
    let market = |name: &str| ChannelSpec::new(name).reading_all(&["X", "Y", "OWN"].map(pair));
    let outside = |name: &str| ChannelSpec::new(name).reading_all(&["Y", "X"].map(pair));
    let mean = |of: &str| {
        ChannelSpec::market_mean(ChannelSpec::new(of)).reading_all(&["Y", "OWN", "X"].map(pair))
    };
    let channels = vec![
        leader("leader_return"),
        leader("leader_momentum"),
        market("market_return"),
        market("market_momentum").with("lag", 3.0),
        market("market_volatility"),
        market("market_dispersion"),
        market("market_breadth"),
        mean("close_location"),
        mean("normalized_return"),
        market("market_beta").with("half_life", 20.0),
        outside("market_beta"),
        market("relative_return"),
        outside("relative_return"),
        market("relative_momentum").with("lag", 3.0),
        market("residual_return"),
        market("return_rank").with("lag", 2.0),
        outside("return_rank").with("lag", 5.0),
        market("relative_volatility"),
        outside("relative_volatility"),
    ];
    SignalSpec { channels, gaps: GapPolicy::ByClock }
}

/// One spec per channel, so that an undefined value of one hides no value of another.
pub(crate) fn single(spec: &SignalSpec) -> Vec<SignalSpec> {
    let channels = spec.channels.iter();
    channels.map(|c| SignalSpec { channels: vec![c.clone()], gaps: spec.gaps }).collect()
}

/// Two other pairs: X lacks candles, Y begins later than X.
pub(crate) fn others(last_hour: i64) -> Vec<CandleSeries> {
    let kept = |c: &&Candle| c.open_time().millis() / HOUR % 11 > 1;
    let x = walk("X", -20..last_hour + 1, 11).iter().filter(kept).copied().collect();
    vec![series("X", x), walk("Y", 5..last_hour + 2, 12)]
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
            series("OWN", candles)
        })
}
