//! Drift and novelty guard: few suppressed predictions on the training market, most on others.
use crate::common;

use std::sync::Arc;

use common::{market, table};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Direction, Interval, Ohlcv, Timestamp};
use windvane_models::{
    DirectionModel, FittedModel, LoadError, ModelId, ModelSpec, NeutralReason, PredictError,
    Prediction, Predictor, Scratch, TrainError, TrainingProfile,
};
use windvane_signals::{LabelSpec, SampleSet, SignalSpec, Split, Window};

const FITTED: usize = 6_000;
const LATER: usize = 4_000;
const WINDOW_LEN: usize = 250;

/// A model that always predicts UP.
#[derive(Debug, Clone)]
pub(crate) struct Up {
    id: ModelId,
    spec: ModelSpec,
}

impl Up {
    pub(crate) fn new(lookback: usize) -> Self {
        let (signals, labels) = (SignalSpec::default(), LabelSpec::default());
        let spec = ModelSpec { signals, interval: Interval::HOUR, lookback, labels };
        Self { id: ModelId::new("up"), spec }
    }

    pub(crate) fn predictor(lookback: usize) -> Predictor {
        let builder = Predictor::builder(Self::new(lookback), Interval::HOUR);
        builder.pair("SIM".parse().unwrap()).build().unwrap()
    }
}

impl FittedModel for Up {}

impl DirectionModel for Up {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        Prediction::new([0.6, 0.4, 0.0], window.decided_at(), 1, &self.id)
    }
}

fn profile(series: &CandleSeries) -> Arc<TrainingProfile> {
    let tables = [table(series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = Split::for_live(&samples, 0.05).unwrap();
    Arc::new(TrainingProfile::fit(&split.train(&samples).unwrap(), WINDOW_LEN).unwrap())
}

fn part(series: &CandleSeries, candles: std::ops::Range<usize>) -> CandleSeries {
    let candles = series.candles()[candles].to_vec();
    CandleSeries::new(series.pair().clone(), series.interval(), candles).unwrap()
}

/// Shares of predictions suppressed for novelty, for drift and for either, once both are active.
fn suppressed(profile: &Arc<TrainingProfile>, later: &[Candle]) -> (f64, f64, f64) {
    let mut predictor = Up::predictor(20);
    predictor.set_guard(Arc::clone(profile)).unwrap();
    let (mut predictions, mut novel, mut drifted) = (0, 0, 0);
    for (index, candle) in later.iter().enumerate() {
        let outcome = predictor.on_candle(candle).unwrap();
        let Some(prediction) = outcome.into_prediction() else { continue };
        if index < WINDOW_LEN + 45 {
            continue;
        }
        predictions += 1;
        match prediction.neutral {
            Some(NeutralReason::Novelty) => novel += 1,
            Some(NeutralReason::Drift) => drifted += 1,
            _ => assert_eq!(prediction.direction, Direction::Up),
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(predictions);
    (share(novel), share(drifted), share(novel + drifted))
}

/// Candles with all moves scaled by `factor`.
fn moved(candles: &[Candle], factor: f64) -> Vec<Candle> {
    let first = candles[0].open();
    let scale = |candle: &Candle| {
        let at = |price: f64| first * (price / first).powf(factor);
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let values =
            Ohlcv { open: at(open), high: at(high), low: at(low), close: at(close), volume };
        Candle::new(candle.open_time(), values).unwrap()
    };
    candles.iter().map(scale).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[test]
fn guard_suppresses_few_predictions_on_same_market_and_most_on_others() {
    for kind in MarketModel::ALL {
        let rounds = (101..109).map(|seed| {
            let series = market(kind, FITTED + LATER, seed);
            let profile = profile(&part(&series, 0..FITTED));
            let later = &series.candles()[FITTED..];
            [1.0, 4.0, 2.0, 0.25].map(|factor| suppressed(&profile, &moved(later, factor)))
        });
        let rounds: Vec<_> = rounds.collect();
        let all = |which: usize| mean(rounds.iter().map(|round| round[which].2));
        let name = kind.name();
        assert!(all(0) <= 0.01, "{name}: {} on the same market", all(0));
        for which in [1, 2, 3] {
            assert!(all(which) >= 0.9, "{name}: {} on market {which}", all(which));
        }
        // Novelty alone detects moves scaled by 4; drift alone detects moves scaled by 2 in the
        // windows that are not novel.
        let novel = mean(rounds.iter().map(|round| round[1].0));
        let drifted = mean(rounds.iter().map(|round| round[2].1 / (1.0 - round[2].0)));
        assert!(novel >= 0.9 && drifted >= 0.9, "{name}: {novel} {drifted}");
    }
}

#[test]
fn guard_allocates_nothing_and_survives_restart_and_warm_up() {
    let series = market(MarketModel::AR1, 3_000, 5);
    let profile = profile(&part(&series, 0..2_000));
    let guarded = || {
        let mut predictor = Up::predictor(20);
        predictor.set_guard(Arc::clone(&profile)).unwrap();
        predictor
    };
    // The market drifts after the restart, so the restored ring buffer has to be the same.
    let calm = moved(&series.candles()[2_000..2_500], 1.0);
    let wild = moved(&series.candles()[2_500..], 2.0);
    let history = CandleSeries::new(series.pair().clone(), Interval::HOUR, calm.clone()).unwrap();
    let (mut whole, mut warm, mut again) = (guarded(), guarded(), guarded());
    for candle in &calm {
        whole.on_candle(candle).unwrap();
    }
    warm.warm_up(&history).unwrap();
    again.restore(&whole.save()).unwrap();
    assert_eq!(warm.save(), whole.save());
    let (mut drifted, mut allocations) = (0, 0);
    for candle in &wild {
        let mut expected = None;
        let counted =
            allocation_counter::measure(|| expected = Some(whole.on_candle(candle).unwrap()));
        allocations += counted.count_total;
        let expected = expected.unwrap();
        assert_eq!(warm.on_candle(candle).unwrap(), expected);
        assert_eq!(again.on_candle(candle).unwrap(), expected);
        let prediction = expected.into_prediction().unwrap();
        let reason = prediction.neutral;
        assert_eq!(prediction.confidence, 0.6, "the confidence of the model");
        drifted += u32::from(reason == Some(NeutralReason::Drift));
    }
    assert!(drifted > 10, "{drifted}");
    assert_eq!((again.save(), allocations), (whole.save(), 0));
    // A state with a guard needs a predictor with the same guard, and one without needs none.
    let before = Up::predictor(20).save();
    assert!(matches!(guarded().restore(&before), Err(PredictError::State { .. })));
    let mut plain = Up::predictor(20);
    assert!(matches!(plain.restore(&whole.save()), Err(PredictError::State { .. })));
    assert_eq!(plain.save(), before);
}

#[test]
fn profile_is_saved_and_rejected_by_other_model() {
    let series = market(MarketModel::AR1, 1_500, 5);
    let profile = profile(&series);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("up.profile.json");
    profile.save(&path).unwrap();
    assert_eq!(TrainingProfile::load(&path).unwrap(), *profile);
    let text = std::fs::read_to_string(&path).unwrap();
    for (right, wrong) in [
        ("\"stretch\":250", "\"stretch\":4000000000"),
        ("\"lookback\":20", "\"lookback\":0"),
        ("\"most_psi\":", "\"most_psi\":1e999,\"old\":"),
        ("\"cuts\":[", "\"cuts\":[1e300,"),
        ("\"channels\":[{\"name\":\"momentum\"},", "\"channels\":["),
    ] {
        assert!(text.contains(right), "{right}");
        std::fs::write(&path, text.replacen(right, wrong, 1)).unwrap();
        let error = TrainingProfile::load(&path).unwrap_err();
        assert!(matches!(error, LoadError::Damaged { .. }), "{wrong}: {error}");
    }
    let error = Up::predictor(19).set_guard(profile).unwrap_err();
    assert!(matches!(error, PredictError::OtherProfile { what: "lookback", .. }), "{error}");
}

#[test]
fn profile_of_another_interval_is_rejected_and_one_without_an_interval_fits() {
    let hourly = market(MarketModel::AR1, 2_000, 3);
    let daily = hourly.iter().map(|candle| {
        let open_time = Timestamp::from_millis(24 * candle.open_time().millis());
        Candle::new(open_time, candle.values()).unwrap()
    });
    let daily = CandleSeries::new(hourly.pair().clone(), Interval::DAY, daily.collect()).unwrap();
    let profile = profile(&daily);
    assert_eq!(profile.interval(), Some(Interval::DAY));
    let error = Up::predictor(20).set_guard(Arc::clone(&profile)).unwrap_err();
    assert!(matches!(error, PredictError::OtherProfile { what: "interval", .. }), "{error}");
    assert!(error.to_string().contains("reads the interval 1h, the training profile has 1d"));

    // Files of earlier versions have no interval.
    let mut json = serde_json::to_value(&*profile).unwrap();
    json.as_object_mut().unwrap().remove("interval").unwrap();
    let old: TrainingProfile = serde_json::from_value(json).unwrap();
    assert_eq!(old.interval(), None);
    assert!(!serde_json::to_string(&old).unwrap().contains("interval"));
    Up::predictor(20).set_guard(Arc::new(old)).unwrap();
}

#[test]
fn profile_rejects_few_windows_and_invalid_window_len() {
    let series = market(MarketModel::AR1, 1_000, 5);
    let tables = [table(&series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let train = Split::for_live(&samples, 0.1).unwrap().train(&samples).unwrap();
    let few = TrainingProfile::fit(&train, 250).unwrap_err();
    assert!(matches!(few, TrainError::TooFewWindows { expected: 1_000, .. }), "{few}");
    for window_len in [0, 49, 10_001] {
        let error = TrainingProfile::fit(&train, window_len).unwrap_err();
        assert!(matches!(error, TrainError::Setting { .. }), "{error}");
    }
}
