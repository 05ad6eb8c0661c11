//! Drift of channels between two periods.
use crate::common;

use common::{candle, series, walk};
use windvane_candles::{Candle, CandleSeries};
use windvane_signals::{
    ChannelDrift, ChannelSpec, LabelSpec, Registry, SampleSet, SignalError, SignalSpec, SignalTable,
};

fn table(spec: &SignalSpec, series: &CandleSeries) -> SignalTable {
    SignalTable::build(spec, &Registry::default(), series, &[]).unwrap()
}

fn compare(
    earlier: &[SignalTable],
    later: &[SignalTable],
) -> Result<Vec<ChannelDrift>, SignalError> {
    let samples = |tables| SampleSet::collect(tables, 20, LabelSpec::default()).unwrap();
    ChannelDrift::between(&samples(earlier), &samples(later))
}

/// The same series with every log return `factor` times as large, at `price` times the price level.
fn amplified(of: &CandleSeries, factor: f64, price: f64) -> CandleSeries {
    let amplify = |c: &Candle| {
        let at = |value: f64| price * 100.0 * (value / 100.0).powf(factor);
        let hour = c.open_time().millis() / common::HOUR;
        candle(hour, [at(c.open()), at(c.high()), at(c.low()), at(c.close()), c.volume()])
    };
    series("SIM", of.iter().map(amplify).collect())
}

#[test]
fn drift_detects_larger_moves_but_not_another_price_level() {
    let spec = SignalSpec::default();
    let walk = walk("SIM", 0..3_000, 3);
    let earlier = [table(&spec, &walk)];
    let drift =
        |factor, price| compare(&earlier, &[table(&spec, &amplified(&walk, factor, price))]);
    let named = |all: &[ChannelDrift], name: &str| {
        all.iter().find(|drift| drift.channel.starts_with(name)).unwrap().clone()
    };
    for channel in drift(1.0, 7.0).unwrap() {
        assert!(channel.psi.unwrap() < 1e-3, "{channel:?}");
        assert!(channel.shift.unwrap().abs() < 1e-3, "{channel:?}");
    }
    let wide = drift(2.0, 1.0).unwrap();
    let volatility = named(&wide, "volatility");
    assert!(volatility.psi.unwrap() > 1.0 && volatility.shift.unwrap() > 1.0, "{volatility:?}");
    assert!((volatility.later / volatility.earlier - 2.0).abs() < 0.1, "{volatility:?}");
    assert!(named(&wide, "rsi").psi.unwrap() < 0.05, "{wide:?}");
}

#[test]
fn drift_rejects_empty_set_and_different_channels() {
    let tables = [table(&SignalSpec::default(), &walk("SIM", 0..200, 1))];
    let few = [table(&SignalSpec::default(), &walk("SIM", 0..30, 1))];
    let empty = compare(&tables, &few).unwrap_err();
    assert!(matches!(empty, SignalError::EmptyPart { .. }), "{empty}");
    let channels = vec![ChannelSpec::new("rsi")];
    let spec = SignalSpec { channels, ..SignalSpec::default() };
    let other = [table(&spec, &walk("SIM", 0..200, 1))];
    let differ = compare(&tables, &other).unwrap_err();
    assert!(differ.to_string().contains("rsi"), "{differ}");
}
