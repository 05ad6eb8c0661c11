//! Gate between models of single regimes.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windvane_candles::{Candle, CandleSeries, Direction, Interval, Ohlcv, Timestamp};
use windvane_ensemble::{EnsembleError, RegimeLearner, RegimeModels, kinds};
use windvane_models::train::{Learner, Run, spec_of};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{
    DirectionModel, FittedModel, LoadError, ModelId, ModelSpec, PredictError, Prediction,
    Predictor, Scratch, TrainError,
};
use windvane_signals::channels::Regime;
use windvane_signals::{
    ChannelSpec, LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet,
    ValidationSet, Window,
};
use windvane_testing::saved::SavedParts;

use crate::common::with_other_future;

/// Market in which the last return reverses in calm weeks and continues in volatile ones.
fn market(candles: i64) -> CandleSeries {
    let (mut price, mut last, mut random) = (100.0_f64, 0.0_f64, 3_u64);
    let candles = (0..candles).map(|hour| {
        let mut bell = -6.0;
        for _ in 0..12 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bell += (random >> 11) as f64 / (1_u64 << 53) as f64;
        }
        let (sigma, phi) = if hour / 250 % 2 == 0 { (0.002, -0.6) } else { (0.012, 0.6) };
        let open = price;
        last = phi * last + sigma * bell;
        price *= last.exp();
        let (high, low) = (open.max(price), open.min(price));
        let values = Ohlcv { open, high, low, close: price, volume: 10.0 + bell };
        Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    });
    CandleSeries::new("SIM".parse().unwrap(), Interval::HOUR, candles.collect()).unwrap()
}

const TRAINED: usize = 6_000;

/// Samples with the channel `regime` if `channel` is given, and their split.
fn samples(series: &CandleSeries, channel: Option<ChannelSpec>) -> (SampleSet, Split) {
    let mut spec = SignalSpec::default();
    spec.channels.extend(channel);
    let tables = [SignalTable::build(&spec, &Registry::default(), series, &[]).unwrap()];
    let at = |row: usize| series.close_time(row).unwrap();
    let split = Split::builder().validate_from(at(TRAINED)).test_from(at(TRAINED + 1_500));
    (SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap(), split.build().unwrap())
}

fn regime_channel(series: &CandleSeries) -> ChannelSpec {
    let (plain, split) = samples(series, None);
    Regime::fit(&split.train(&plain).unwrap()).unwrap()
}

fn learner() -> RegimeLearner {
    let base = RegimeLearner::new(Arc::new(WeightedSignalsLearner::learned()));
    RegimeLearner { min_windows: 500, ..base }
}

fn fitted(series: &CandleSeries) -> RegimeModels {
    let (samples, split) = samples(series, Some(regime_channel(series)));
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    learner().fit_model(&train, &validation, &Run::new(1)).unwrap()
}

fn accuracy(model: &dyn FittedModel, test: &SampleSet) -> f64 {
    let mut scratch = model.scratch();
    let right = test.samples().iter().filter(|sample| {
        let prediction = model.predict(test.window(sample), &mut scratch).unwrap();
        prediction.direction == Direction::from_change(sample.outcome().change)
    });
    right.count() as f64 / test.len() as f64
}

/// Learner, and its model: the last direction continues, or reverses, whichever was more frequent.
#[derive(Debug, Clone)]
struct Frequent {
    id: ModelId,
    fitted: Option<(ModelSpec, bool)>,
}

impl Learner for Frequent {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let continued = train.samples().iter().filter(|sample| {
            let momentum = train.window(sample).row(19)[0];
            (momentum > 0.0) == (sample.outcome().change > 0.0)
        });
        let continues = 2 * continued.count() > train.len();
        let fitted = Some((spec_of(train, validation)?, continues));
        Ok(Box::new(Self { id: self.id.clone(), fitted }))
    }
}

impl FittedModel for Frequent {}

impl DirectionModel for Frequent {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.fitted.as_ref().unwrap().0
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        let continues = self.fitted.as_ref().unwrap().1;
        let up = if (window.row(19)[0] > 0.0) == continues { 0.6 } else { 0.4 };
        Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
    }
}

#[test]
fn regimes_gate_beats_pooled_model_where_regimes_differ() {
    let series = market(9_500);
    let (samples, split) = samples(&series, Some(regime_channel(&series)));
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let learner = RegimeLearner::new(Arc::new(Frequent { id: ModelId::new("own"), fitted: None }));
    let learner = RegimeLearner { min_windows: 500, ..learner };
    let gate = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
    let test = split.test(&samples);
    let (gated, pooled) = (accuracy(&gate, &test), accuracy(gate.pooled(), &test));
    assert!(gated > 0.6 && gated > pooled + 0.05, "{gated} {pooled}");
    // The last direction reverses in calm regimes and continues in volatile ones.
    let up = |regime: usize| {
        let model = gate.model_of(regime).downcast_ref::<Frequent>().unwrap();
        model.fitted.as_ref().unwrap().1
    };
    assert_eq!([0, 1, 4, 5].map(up), [false, false, true, true]);
}

#[test]
fn regimes_with_few_windows_use_pooled_model() {
    let series = market(9_500);
    let (samples, split) = samples(&series, Some(regime_channel(&series)));
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let learner = RegimeLearner { min_windows: 100_000, ..learner() };
    let gate = learner.fit_model(&train, &validation, &Run::new(1)).unwrap();
    let test = split.test(&samples);
    let (mut one, mut other) = (gate.scratch(), gate.pooled().scratch());
    for sample in test.samples().iter().take(50) {
        let window = test.window(sample);
        let gated = gate.predict(window, &mut one).unwrap();
        let pooled = gate.pooled().predict(window, &mut other).unwrap();
        assert_eq!(gated.probabilities, pooled.probabilities);
        assert_eq!((gated.model.as_str(), gate.record().is_some()), ("v2-learned@regimes", true));
    }
}

#[test]
fn regimes_gate_is_saved_streams_and_rejects_damage() {
    let series = market(9_500);
    let gate = fitted(&series);
    let bytes = gate.to_bytes().unwrap();
    let loaded = kinds().from_bytes(&bytes).unwrap();
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
    let artifact = windvane_models::Artifact::from_bytes(&bytes).unwrap();
    let error = windvane_models::Kinds::default().model(&artifact).unwrap_err();
    assert!(matches!(error, LoadError::MissingFeature { feature: "ensemble", .. }), "{error}");

    let spec = gate.spec().clone();
    let table = SignalTable::build(&spec.signals, &Registry::default(), &series, &[]).unwrap();
    let mut scratch = gate.scratch();
    let mut live = Predictor::new(loaded, Interval::HOUR).unwrap();
    for (row, candle) in series.iter().enumerate().take(400) {
        let streamed = live.on_candle(candle).unwrap().into_prediction();
        let window = table.window(row, spec.lookback);
        let expected = window.map(|window| gate.predict(window, &mut scratch).unwrap());
        assert_eq!(streamed, expected, "{row}");
    }
}

#[test]
fn regimes_gate_measures_terciles_without_the_channel() {
    let series = market(9_500);
    let fit_with = |learner: RegimeLearner, series: &CandleSeries| {
        let (samples, split) = samples(series, None);
        let (train, validation) =
            (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
        learner.fit_model(&train, &validation, &Run::new(1)).unwrap()
    };
    let fit = |series: &CandleSeries| fit_with(learner(), series);
    let (samples, split) = samples(&series, None);
    let test = split.test(&samples);
    let base = RegimeLearner::new(Arc::new(Frequent { id: ModelId::new("own"), fitted: None }));
    let frequent = fit_with(RegimeLearner { min_windows: 500, ..base }, &series);
    let (gated, pooled) = (accuracy(&frequent, &test), accuracy(frequent.pooled(), &test));
    assert!(gated > 0.6 && gated > pooled + 0.05, "{gated} {pooled}");

    let gate = fit(&series);
    // Most regimes have a model of their own.
    let ids: Vec<*const ()> =
        (0..6).map(|regime| std::ptr::from_ref(gate.model_of(regime)).cast()).collect();
    assert!(ids.iter().collect::<std::collections::BTreeSet<_>>().len() >= 4, "{ids:?}");

    let bytes = gate.to_bytes().unwrap();
    let loaded = kinds().from_bytes(&bytes).unwrap();
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
    let (mut one, mut other) = (gate.scratch(), loaded.scratch());
    for sample in test.samples().iter().take(200) {
        let window = test.window(sample);
        let expected = gate.predict(window, &mut one).unwrap();
        assert_eq!(loaded.predict(window, &mut other).unwrap(), expected);
    }
    // The terciles are those of the training windows, whatever follows.
    let later = with_other_future(&series, TRAINED + 1_501);
    assert_eq!(fit(&later).to_bytes().unwrap(), bytes);
    let terciles = |model: &RegimeModels| {
        let card = SavedParts::parse(&model.to_bytes().unwrap()).card;
        card["config"]["terciles"].clone()
    };
    let validation = fit(&with_other_future(&series, TRAINED + 1));
    assert_eq!(terciles(&validation), terciles(&gate));
    assert!(terciles(&gate)["low"].as_f64().unwrap() > 0.0, "{}", terciles(&gate));
}

#[test]
fn regimes_with_damaged_terciles_are_rejected() {
    let (samples, split) = samples(&market(9_500), None);
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let gate = learner().fit_model(&train, &validation, &Run::new(1)).unwrap();
    for (key, value) in [("low", serde_json::json!(9.0)), ("high", serde_json::Value::Null)] {
        let mut parts = SavedParts::parse(&gate.to_bytes().unwrap());
        parts.card["config"]["terciles"][key] = value;
        assert!(kinds().from_bytes(&parts.bytes()).is_err(), "{key}");
    }
    // Without terciles the channel is missing.
    let mut parts = SavedParts::parse(&gate.to_bytes().unwrap());
    parts.card["config"].as_object_mut().unwrap().remove("terciles");
    let error = kinds().from_bytes(&parts.bytes()).unwrap_err().to_string();
    assert!(error.contains("channel regime once"), "{error}");
}

#[test]
fn regimes_gate_rejects_spec_without_channel_and_wrong_index() {
    let mut spec = SignalSpec::default();
    spec.channels.retain(|channel| channel.name() != "volatility");
    let table = SignalTable::build(&spec, &Registry::default(), &market(9_500), &[]).unwrap();
    let samples = SampleSet::collect(&[table], 20, LabelSpec::default()).unwrap();
    let split = Split::for_live(&samples, 0.3).unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let error = learner().fit_model(&train, &validation, &Run::new(1)).unwrap_err();
    assert!(matches!(&error, TrainError::Other(_)), "{error}");
    assert!(error.to_string().contains("see Regime::fit"), "{error}");
    let model = WeightedSignalsLearner::learned().fit(&train, &validation, &Run::new(1)).unwrap();
    let error = RegimeModels::new(ModelId::new("gate"), vec![model], [0; 6]).unwrap_err();
    assert_eq!(error, EnsembleError::RegimeChannel { got: 0 });
    let error = RegimeModels::new(ModelId::new("gate"), Vec::new(), [0; 6]).unwrap_err();
    assert_eq!(error, EnsembleError::Empty);
}

/// First files of models of single regimes, with the channel and with terciles.
fn first_files() -> [(&'static str, PathBuf, PathBuf); 2] {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    ["regimes", "regimes-terciles"].map(|name| {
        let file = |ending| data.join(format!("{name}.format1.{ending}"));
        (name, file("safetensors"), file("txt"))
    })
}

/// Probabilities of the 20th of the windows of 300 candles, one line per window.
fn first_predictions(model: &dyn FittedModel) -> Vec<[f32; 3]> {
    let series = market(300);
    let table = SignalTable::build(&model.spec().signals, &Registry::default(), &series, &[]);
    let table = table.unwrap();
    let mut scratch = model.scratch();
    let windows = (0..300).step_by(20).filter_map(|row| table.window(row, 20));
    windows.map(|w| model.predict(w, &mut scratch).unwrap().probabilities.classes()).collect()
}

/// Created `tests/data` once, for the first format; the files must not be created again.
#[test]
#[ignore = "the files exist and must not change"]
fn create_first_files_of_regimes() {
    let series = market(9_500);
    for (name, file, text) in first_files() {
        let channel = (name == "regimes").then(|| regime_channel(&series));
        let (samples, split) = samples(&series, channel);
        let (train, validation) =
            (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
        let learner = RegimeLearner { id: ModelId::new(name), ..learner() };
        let model = learner.fit_model(&train, &validation, &Run::new(7)).unwrap();
        model.save(&file).unwrap();
        let lines = first_predictions(&model);
        let lines = lines.iter().map(|[up, down, neutral]| format!("{up} {down} {neutral}\n"));
        std::fs::write(text, lines.collect::<String>()).unwrap();
    }
}

#[test]
fn first_files_of_regimes_load() {
    for (name, file, text) in first_files() {
        let model = kinds().load(file).unwrap();
        assert_eq!(model.id().as_str(), name);
        let then = std::fs::read_to_string(text).unwrap();
        let now = first_predictions(&model);
        assert_eq!(then.lines().count(), now.len());
        for (line, now) in then.lines().zip(now) {
            let then = line.split_whitespace().map(|p| p.parse::<f32>().unwrap());
            assert!(
                now.into_iter().zip(then).all(|(now, then)| (now - then).abs() < 1e-6),
                "{name}"
            );
        }
    }
}
