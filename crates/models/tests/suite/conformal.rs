//! Coverage of conformal prediction sets on changing markets and with overconfident models.
use crate::common;

use common::{market, table};
use proptest::prelude::*;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Direction, Interval, Ohlcv};
use windvane_models::train::{Run, predictions};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{
    AdaptiveConformal, ConformalSettings, DirectionModel, DirectionSet, Predictor, Probabilities,
};
use windvane_signals::{LabelSpec, SampleSet, Split};

/// Number of test predictions on each market.
const TEST: usize = 10_000;
const TRAINING: usize = 6_000;

/// Prediction and outcome.
type Case = (Probabilities, Direction);

/// Joins two series; the prices of the second are scaled to continue those of the first.
fn joined(first: &CandleSeries, second: &CandleSeries, from_first: usize) -> CandleSeries {
    let mut candles: Vec<Candle> = first.iter().copied().take(from_first).collect();
    let later = &second.candles()[from_first..];
    let scale = candles[from_first - 1].close() / later[0].open();
    candles.extend(later.iter().map(|candle| {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let [open, high, low, close] = [open, high, low, close].map(|price| price * scale);
        Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume }).unwrap()
    }));
    CandleSeries::new(first.pair().clone(), Interval::HOUR, candles).unwrap()
}

/// Predictions and outcomes of the validation windows and of the last 10,000 windows.
fn cases(series: &CandleSeries) -> (Vec<Case>, Vec<Case>) {
    let tables = [table(series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |index: usize| series.close_time(index).unwrap();
    let split = Split::builder()
        .validate_from(at(TRAINING - 1_000))
        .test_from(at(series.len() - TEST - 2))
        .embargo(0)
        .build()
        .unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let learner = WeightedSignalsLearner::learned();
    let model = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
    let past = predictions(&model, &validation).unwrap();
    let past = past.into_iter().zip(validation.samples()).map(|(p, s)| (p, s.label())).collect();
    let mut scratch = model.scratch();
    let test = split.test(&samples);
    let tested = test.samples().iter().map(|sample| {
        let prediction = model.predict(test.window(sample), &mut scratch).unwrap();
        (prediction.probabilities, sample.label())
    });
    (past, tested.collect())
}

fn settings(coverage: f64) -> ConformalSettings {
    ConformalSettings { coverage, ..ConformalSettings::default() }
}

/// Coverage of the adaptive sets and share of sets with one direction.
fn adaptive(coverage: f64, past: &[Case], tested: &[Case]) -> (f64, f64) {
    let mut sets = AdaptiveConformal::new(settings(coverage)).unwrap();
    for (p, outcome) in past {
        sets.seed(p, *outcome);
    }
    let mut single = 0;
    for (p, outcome) in tested {
        let set = sets.prediction_set(p);
        single += usize::from(set.directions != DirectionSet::Both);
        sets.settle(&set, *outcome);
    }
    (sets.coverage().unwrap(), single as f64 / tested.len() as f64)
}

/// Coverage of split conformal prediction: sets from the validation scores, without adaptation.
fn fixed(coverage: f64, past: &[Case], tested: &[Case]) -> f64 {
    let wide = ConformalSettings { window: past.len(), ..settings(coverage) };
    let mut sets = AdaptiveConformal::new(wide).unwrap();
    for (p, outcome) in past {
        sets.seed(p, *outcome);
    }
    let holds =
        |(p, outcome): &&Case| sets.prediction_set(p).directions.holds(*outcome) == Some(true);
    tested.iter().filter(holds).count() as f64 / tested.len() as f64
}

#[test]
fn conformal_coverage_is_within_one_point_on_every_market() {
    for kind in MarketModel::ALL {
        let (past, tested) = cases(&market(kind, TRAINING + TEST + 100, 21));
        assert!(tested.len() >= TEST, "{}", tested.len());
        for target in [0.8, 0.9, 0.95] {
            let (got, single) = adaptive(target, &past, &tested);
            assert!((got - target).abs() < 0.01, "{} at {target}: {got}", kind.name());
            assert!(single > 0.02, "{} at {target}: {single} single", kind.name());
        }
    }
}

// The market changes from momentum to reversal in the middle of the test. The most confident
// predictions are then wrong.
#[test]
fn conformal_coverage_survives_market_reversal_unlike_fixed_threshold() {
    let reversal = MarketModel::Ar1 { phi: -0.25, sigma: 0.005 };
    let first = market(MarketModel::AR1, TRAINING + TEST + 100, 31);
    let second = market(reversal, TRAINING + TEST + 100, 32);
    let (past, tested) = cases(&joined(&first, &second, TRAINING + TEST / 2));
    for target in [0.8, 0.9] {
        let lost = fixed(target, &past, &tested);
        assert!(lost < target - 0.03, "fixed at {target}: {lost}");
        let (got, single) = adaptive(target, &past, &tested);
        assert!((got - target).abs() < 0.01, "{target}: {got}");
        assert!(single > 0.1, "{target}: {single} single");
    }
    // The coverage also holds in every quarter of the test, not only on average.
    let mut sets = AdaptiveConformal::new(settings(0.9)).unwrap();
    for (p, outcome) in &past {
        sets.seed(p, *outcome);
    }
    let held: Vec<bool> = tested
        .iter()
        .filter_map(|(p, outcome)| {
            let set = sets.prediction_set(p);
            sets.settle(&set, *outcome)
        })
        .collect();
    for part in held.chunks_exact(2_500) {
        let got = part.iter().filter(|held| **held).count() as f64 / part.len() as f64;
        assert!((got - 0.9).abs() < 0.025, "a quarter of the time: {got}");
    }
}

/// The cases with probabilities closer to 0 and 1.
fn overconfident(cases: &[Case]) -> Vec<Case> {
    let sharpen = |(p, outcome): &Case| {
        let [up, down, _] = p.classes().map(|p| p.powi(6));
        (Probabilities::new([up / (up + down), down / (up + down), 0.0]).unwrap(), *outcome)
    };
    cases.iter().map(sharpen).collect()
}

#[test]
fn conformal_corrects_overconfident_model() {
    let (past, tested) = cases(&market(MarketModel::AR1, TRAINING + TEST + 100, 41));
    let (got, _) = adaptive(0.9, &overconfident(&past), &overconfident(&tested));
    assert!((got - 0.9).abs() < 0.01, "{got}");
}

#[test]
fn conformal_low_target_returns_single_directions() {
    let p = Probabilities::new([0.7, 0.3, 0.0]).unwrap();
    let mut sets = AdaptiveConformal::new(settings(0.5)).unwrap();
    for candle in 0..5_000 {
        let outcome = if candle % 10 < 7 { Direction::Up } else { Direction::Down };
        let set = sets.prediction_set(&p);
        sets.settle(&set, outcome);
    }
    assert!(sets.level() <= 1.0);
    assert_eq!(sets.prediction_set(&p).directions, DirectionSet::Up);
    assert!((sets.coverage().unwrap() - 0.7).abs() < 0.02);
}

#[test]
fn conformal_ignores_neutral_outcomes_and_returns_both_for_ties() {
    let mut sets = AdaptiveConformal::new(settings(0.8)).unwrap();
    let before = sets.clone();
    let tie = Probabilities::new([0.0, 0.0, 1.0]).unwrap();
    let set = sets.prediction_set(&tie);
    assert_eq!(
        (set.directions, set.directions.direction()),
        (DirectionSet::Both, Direction::Neutral)
    );
    assert_eq!(sets.settle(&set, Direction::Neutral), None);
    sets.seed(&tie, Direction::Neutral);
    assert_eq!((&sets, sets.coverage()), (&before, None));
    assert_eq!(DirectionSet::Down.holds(Direction::Up), Some(false));
}

#[test]
fn conformal_rejects_invalid_settings_and_states() {
    for wrong in [
        settings(0.0),
        settings(1.0),
        settings(f64::NAN),
        ConformalSettings { step: 0.0, ..settings(0.9) },
        ConformalSettings { step: f64::NAN, ..settings(0.9) },
        ConformalSettings { window: 9, ..settings(0.9) },
        ConformalSettings { window: 1 << 40, ..settings(0.9) },
    ] {
        assert!(AdaptiveConformal::new(wrong).is_err(), "{wrong:?}");
    }
    let sets = AdaptiveConformal::new(settings(0.9)).unwrap();
    let text = serde_json::to_string(&sets).unwrap();
    assert!(serde_json::from_str::<AdaptiveConformal>(&text).is_ok());
    for (from, to) in [
        ("\"scores\":[]", "\"scores\":[1.5]"),
        ("\"settled\":0,\"held\":0", "\"settled\":0,\"held\":1"),
        ("\"window\":500", "\"window\":5"),
        ("\"scores\":[]", "\"scores\":[],\"more\":1"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert!(serde_json::from_str::<AdaptiveConformal>(&changed).is_err(), "{changed}");
    }
}

// As in a bot: a predictor, candle by candle. Nothing is allocated once the window is full.
#[test]
fn conformal_live_use_allocates_nothing() {
    let series = market(MarketModel::AR1, 1_500, 3);
    let mut predictor = Predictor::new(common::quick_v2(&series), Interval::HOUR).unwrap();
    let window = ConformalSettings { window: 200, ..settings(0.9) };
    let mut sets = AdaptiveConformal::new(window).unwrap();
    let (mut open, mut calls) = (None, 0);
    let mut last = None;
    let mut on_candle = |candle: &Candle| {
        let prediction = predictor.on_candle(candle).unwrap().into_prediction();
        if let (Some(set), Some(before)) = (open.take(), last) {
            sets.settle(&set, Direction::from_change(candle.close() - before));
        }
        last = Some(candle.close());
        open = prediction.map(|prediction| sets.prediction_set(&prediction.probabilities));
        calls += usize::from(open.is_some());
    };
    series.iter().take(500).for_each(&mut on_candle);
    let measured = allocation_counter::measure(|| {
        series.iter().skip(500).for_each(&mut on_candle);
    });
    assert_eq!(measured.count_total, 0);
    assert!(calls > 1_400 && sets.settled() > 1_400, "{calls}");
}

fn any_candle() -> impl Strategy<Value = (Probabilities, Direction)> {
    let p = prop_oneof![0.0..=1.0_f32, Just(0.5), Just(0.6)];
    let probabilities = p.prop_map(|up| Probabilities::new([up, 1.0 - up, 0.0]).unwrap());
    (probabilities, prop::sample::select(Direction::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn conformal_misses_stay_below_bound(
        candles in prop::collection::vec(any_candle(), 0..1_500),
        coverage in 0.05..0.99_f64,
        step in 0.001..0.5_f64,
    ) {
        let all = ConformalSettings { coverage, step, window: 50 };
        let mut sets = AdaptiveConformal::new(all).unwrap();
        let (mut misses, mut settled) = (0.0, 0.0);
        for (p, outcome) in &candles {
            let set = sets.prediction_set(p);
            if let Some(held) = sets.settle(&set, *outcome) {
                settled += 1.0;
                misses += f64::from(u8::from(!held));
            }
            let target = 1.0 - coverage;
            let max = target * settled + (target + step) / step;
            prop_assert!(misses <= max + 1e-6, "{} misses of {}, at most {}", misses, settled, max);
        }
    }

    #[test]
    fn conformal_saved_state_continues_with_same_bits(
        candles in prop::collection::vec(any_candle(), 1..300),
        cut in 0..300_usize,
    ) {
        let small = ConformalSettings { window: 30, ..settings(0.7) };
        let mut sets = AdaptiveConformal::new(small).unwrap();
        let mut other = None;
        for (index, (p, outcome)) in candles.iter().enumerate() {
            if index == cut {
                let text = serde_json::to_string(&sets).unwrap();
                other = Some(serde_json::from_str::<AdaptiveConformal>(&text).unwrap());
            }
            let set = sets.prediction_set(p);
            sets.settle(&set, *outcome);
            if let Some(other) = &mut other {
                let again = other.prediction_set(p);
                other.settle(&again, *outcome);
                prop_assert_eq!(&*other, &sets);
            }
        }
    }
}
