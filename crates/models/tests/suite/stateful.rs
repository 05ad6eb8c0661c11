//! Stateful models: swapped in, restored, and trained on dependence beyond the window.
use crate::common;

use std::sync::Arc;

use common::{market, quick_stateful, quick_v32};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, Run};
use windvane_models::{
    Calibration, DirectionModel, FittedModel, Prediction, Predictor, TableReader,
};
use windvane_models::{v32, v32_stateful};
use windvane_signals::{
    ChannelSpec, GapPolicy, LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split,
};

type Shared = Arc<dyn FittedModel>;

/// A stateful model, another one, the first one with another calibration, and v3.2, all with the
/// same spec.
fn models() -> [Shared; 4] {
    let one = quick_stateful(&market(MarketModel::AR1, 900, 1));
    let other = quick_stateful(&market(MarketModel::AR1, 900, 2));
    let mut bolder = one.clone();
    bolder.set_calibration(Calibration::new(0.5, 0.0).unwrap()).unwrap();
    let windows = quick_v32(&market(MarketModel::AR1, 900, 1));
    [Arc::new(one), Arc::new(other), Arc::new(bolder), Arc::new(windows)]
}

fn predictor(model: &Shared, keep: usize) -> Predictor {
    Predictor::builder(Arc::clone(model), Interval::HOUR).history(keep).build().unwrap()
}

const CUT: usize = 230;

/// Predictions of `new` after [`CUT`]: swapped in for `old`, restored from its state, and run from
/// the start.
fn predictions_after_cut(old: &Shared, new: &Shared, keep: usize) -> [Vec<Prediction>; 3] {
    let series = market(MarketModel::REGIME, 300, 5);
    let (mut swapped, mut always) = (predictor(old, keep), predictor(new, keep));
    for candle in series.iter().take(CUT) {
        swapped.on_candle(candle).unwrap();
        always.on_candle(candle).unwrap();
    }
    let mut restored = predictor(new, keep);
    restored.restore(&swapped.save()).unwrap();
    swapped.swap(Arc::clone(new)).unwrap();
    [swapped, restored, always].map(|mut predictor| {
        let later = series.iter().skip(CUT);
        later
            .map(|candle| predictor.on_candle(candle).unwrap().into_prediction().unwrap())
            .collect()
    })
}

#[test]
fn stateful_swap_and_restore_equal_continuous_run() {
    let [one, other, bolder, windows] = models();
    for (old, new) in [(&one, &other), (&windows, &one), (&one, &windows), (&one, &bolder)] {
        let [swapped, restored, always] = predictions_after_cut(old, new, 1_000);
        assert_eq!(swapped, always, "{} to {}", old.id(), new.id());
        assert_eq!(restored, always, "{} to {}", old.id(), new.id());
    }
    // With the same weights no kept candles are needed.
    let [swapped, restored, always] = predictions_after_cut(&one, &bolder, 1);
    assert_eq!((&swapped, &restored), (&always, &always));
}

#[test]
fn stateful_swap_starts_at_oldest_kept_candle() {
    let [one, other, ..] = models();
    let differences = |keep| {
        let [swapped, restored, always] = predictions_after_cut(&one, &other, keep);
        assert_eq!(swapped, restored);
        let differences = swapped
            .iter()
            .zip(&always)
            .map(|(a, b)| (a.probabilities.margin() - b.probabilities.margin()).abs());
        differences.collect::<Vec<f32>>()
    };
    // The difference decays with the number of candles, faster with more kept candles.
    let (few, more) = (differences(1), differences(150));
    assert!(few[0] > 0.0 && few[69] < 1e-4, "{few:?}");
    assert!(more[0] < 1e-3 && more[69] < 1e-4, "{more:?}");
}

/// A market whose moves mostly have the sign of the move three hours before.
fn echo(candles: usize) -> CandleSeries {
    let mut state = 1_u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let mut ups: Vec<bool> = (0..3).map(|_| draw() < 0.5).collect();
    for hour in 3..candles {
        ups.push(ups[hour - 3] == (draw() < 0.8));
    }
    let mut close = 100.0;
    let candles = ups.into_iter().enumerate().map(|(hour, up)| {
        close *= if up { 1.01 } else { 1.0 / 1.01 };
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
        Candle::new(Timestamp::from_millis(hour as i64 * 3_600_000), values).unwrap()
    });
    CandleSeries::new("ECHO".parse().unwrap(), Interval::HOUR, candles.collect()).unwrap()
}

#[test]
fn stateful_v32_learns_dependence_outside_window() {
    let series = echo(9_000);
    let change = ChannelSpec::new("momentum").with("lag", 1.0);
    let signals = SignalSpec { channels: vec![change], gaps: GapPolicy::Reset };
    let tables = [SignalTable::build(&signals, &Registry::default(), &series, &[]).unwrap()];
    // The window has one row, which does not contain the move three hours before.
    let samples = SampleSet::collect(&tables, 1, LabelSpec::default()).unwrap();
    let at = |index| series.close_time(index).unwrap();
    let split =
        Split::builder().validate_from(at(6_000)).test_from(at(7_000)).embargo(0).build().unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let test = split.test(&samples);
    let accuracy = |learner: &dyn Learner| {
        let model = learner.fit(&train, &validation, &Run::new(1)).unwrap();
        let mut reader = TableReader::new(&*model, &tables);
        let correct = |sample: &&windvane_signals::Sample| {
            let margin = reader.predict_sample(sample).unwrap().probabilities.margin();
            (margin > 0.0) == (sample.outcome().change > 0.0)
        };
        test.samples().iter().filter(correct).count() as f64 / test.len() as f64
    };
    let window =
        accuracy(&NetworkLearner { config: v32::config().with_units(16), ..v32::learner() });
    assert!((window - 0.5).abs() < 0.06, "{window}");
    let stateful = accuracy(&NetworkLearner {
        config: v32_stateful::config().with_units(16),
        ..v32_stateful::learner()
    });
    assert!(stateful > 0.75, "{stateful}");
}
