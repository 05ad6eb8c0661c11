//! Regimes that are fitted on training candles, as channels.
use crate::common;

use common::{flat, series};
use windvane_candles::{CandleSeries, Interval};
use windvane_signals::channels::{HiddenMarkovState, Regime};
use windvane_signals::{
    ChannelSpec, LabelSpec, Registry, SampleSet, SignalError, SignalPipeline, SignalSpec,
    SignalTable, Split, StateReader, StateWriter, TrainSet,
};

/// Candles whose volatility alternates between 0.3 % and 1.5 % every 100 hours; from `changed` on
/// the moves are five times as large.
fn two_states(hours: i64, changed: i64) -> CandleSeries {
    let (mut price, mut random) = (100.0_f64, 9_u64);
    let candles = (0..hours).map(|hour| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let uniform = (random >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        let size = if hour / 100 % 2 == 0 { 0.003 } else { 0.015 };
        let factor = if hour < changed { 1.0 } else { 5.0 };
        price *= (factor * size * 3.5 * uniform).exp();
        flat(hour, price)
    });
    series("OWN", candles.collect())
}

fn train(series: &CandleSeries, hours: usize) -> TrainSet {
    let table =
        [SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]).unwrap()];
    let samples = SampleSet::collect(&table, 20, LabelSpec::default()).unwrap();
    let at = |hour: usize| series.close_time(hour).unwrap();
    let split = Split::builder().validate_from(at(hours)).test_from(at(hours + 100));
    split.build().unwrap().train(&samples).unwrap()
}

/// Values of a channel, by candle.
fn values(spec: &ChannelSpec, series: &CandleSeries) -> Vec<Option<f64>> {
    let channels = vec![spec.clone()];
    let spec = SignalSpec { channels, ..SignalSpec::default() };
    let table = SignalTable::build(&spec, &Registry::default(), series, &[]).unwrap();
    (0..table.len()).map(|row| table.row(row).map(|row| row[0])).collect()
}

#[test]
fn regimes_fitted_on_training_ignore_later_candles() {
    let (same, changed) = (two_states(3_000, 9_999), two_states(3_000, 2_001));
    for fit in [Regime::fit, HiddenMarkovState::fit] {
        let spec = fit(&train(&same, 2_000)).unwrap();
        assert_eq!(spec, fit(&train(&changed, 2_000)).unwrap());
        let (same, changed) = (values(&spec, &same), values(&spec, &changed));
        assert_eq!(same[..2_001], changed[..2_001]);
        assert_ne!(same[2_001..], changed[2_001..]);
    }
}

#[test]
fn regimes_have_terciles_of_training_and_separate_states() {
    let series = two_states(3_000, 9_999);
    let spec = Regime::fit(&train(&series, 2_000)).unwrap();
    let mut counts = [0; 3];
    for value in values(&spec, &series)[100..2_000].iter().flatten() {
        assert!(value.fract() == 0.0 && (0.0..=5.0).contains(value), "{value}");
        counts[(value / 2.0) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (560..=710).contains(count)), "{counts:?}");

    let spec = HiddenMarkovState::fit(&train(&series, 2_000)).unwrap();
    let parameter = |name| spec.parameter(name, f64::NAN);
    assert!((parameter("deviation_low") - 0.00303).abs() < 0.0003, "{spec}");
    assert!((parameter("deviation_high") - 0.01516).abs() < 0.0010, "{spec}");
    let states = values(&spec, &series);
    let right = (2_100..3_000)
        .filter(|&hour| states[hour].is_some_and(|high| (high > 0.5) == (hour / 100 % 2 == 1)));
    let right = right.count();
    assert!(right > 850, "{right} of 900");
    // Text form of the spec, as in a settings file.
    assert_eq!(spec.to_string().parse::<ChannelSpec>().unwrap(), spec);
}

#[test]
fn regimes_continue_after_restart() {
    let series = two_states(300, 9_999);
    let channels = vec![ChannelSpec::new("regime"), ChannelSpec::new("hmm_volatility_state")];
    let spec = SignalSpec { channels, ..SignalSpec::default() };
    let build = || SignalPipeline::new(&spec, Interval::HOUR, &Registry::default()).unwrap();
    let (mut whole, mut again) = (build(), build());
    for candle in &series.candles()[..150] {
        whole.update(candle).unwrap();
    }
    let mut state = StateWriter::default();
    whole.save(&mut state);
    let words = state.into_words();
    again.restore(&mut StateReader::new(&words)).unwrap();
    for candle in &series.candles()[150..] {
        let expected = whole.update(candle).unwrap().last().map(<[f64]>::to_vec);
        assert_eq!(again.update(candle).unwrap().last().map(<[f64]>::to_vec), expected);
    }
}

#[test]
fn regimes_of_few_or_resting_candles_are_refused() {
    let few = train(&two_states(400, 9_999), 250);
    assert!(matches!(HiddenMarkovState::fit(&few), Err(SignalError::EmptyPart { .. })));
    let resting = series("OWN", (0..1_000).map(|hour| flat(hour, 5.0)).collect());
    let resting = train(&resting, 800);
    for fit in [Regime::fit, HiddenMarkovState::fit] {
        assert!(matches!(fit(&resting), Err(SignalError::EmptyPart { .. })));
    }
}
