//! Simulated markets, and members whose predictions a test knows.
use std::sync::Arc;

use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_models::train::{Learner, Run, spec_of};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, TrainError,
};
use windvane_signals::{
    LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet, ValidationSet, Window,
};

/// Rule that predicts P(UP) from a window of the six default signals.
pub(crate) type Rule = fn(&Window<'_>) -> f32;

/// Model of a rule, and its learner.
#[derive(Debug, Clone)]
pub(crate) struct RuleModel {
    id: ModelId,
    spec: ModelSpec,
    rule: Rule,
    neutral: f32,
}

impl RuleModel {
    pub(crate) fn new(id: &str, rule: Rule) -> Self {
        let (signals, labels) = (SignalSpec::default(), LabelSpec::default());
        let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 20, labels };
        Self { id: ModelId::new(id), spec, rule, neutral: 0.0 }
    }

    pub(crate) fn member(id: &str, rule: Rule) -> Arc<dyn Learner> {
        Arc::new(Self::new(id, rule))
    }

    /// Gives a constant probability to NEUTRAL.
    pub(crate) fn with_neutral(self, neutral: f32) -> Self {
        Self { neutral, ..self }
    }
}

impl FittedModel for RuleModel {}

impl DirectionModel for RuleModel {
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
        self.spec.check(&window)?;
        let (up, changes) = ((self.rule)(&window), 1.0 - self.neutral);
        let classes = [changes * up, changes * (1.0 - up), self.neutral];
        Prediction::new(classes, window.decided_at(), 1, &self.id)
    }
}

impl Learner for RuleModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(Self { spec: spec_of(train, validation)?, ..self.clone() }))
    }
}

/// Follows the last change: right on the market `AR1` with 58 %.
pub(crate) fn follow(window: &Window<'_>) -> f32 {
    if window.row(window.steps() - 1)[0] > 0.0 { 0.58 } else { 0.42 }
}

/// Bets against the last change: wrong on the market `AR1`.
pub(crate) fn reverse(window: &Window<'_>) -> f32 {
    1.0 - follow(window)
}

/// Digits of the volume change: no information.
pub(crate) fn noise(window: &Window<'_>) -> f32 {
    let digits = (window.row(window.steps() - 1)[5].abs() * 1e4).fract();
    0.4 + 0.2 * digits as f32
}

/// Follows the last change in the first half of a day; has no information in the second half.
pub(crate) fn follow_mornings(window: &Window<'_>) -> f32 {
    let hour = window.decided_at().millis().rem_euclid(86_400_000) / 3_600_000;
    if hour < 12 {
        follow(window)
    } else if noise(window) > 0.5 {
        0.58
    } else {
        0.42
    }
}

pub(crate) fn market(candles: usize, seed: u64) -> CandleSeries {
    MarketModel::AR1.candles("SIM".parse().unwrap(), Interval::HOUR, candles, seed).unwrap()
}

/// Training until 60 %, validation until 75 % of the candles, then the test.
pub(crate) fn with_parts<T>(
    series: &CandleSeries,
    run: impl FnOnce(&TrainSet, &ValidationSet, &SampleSet) -> T,
) -> T {
    let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]);
    let samples = SampleSet::collect(&[table.unwrap()], 20, LabelSpec::default()).unwrap();
    let at = |percent: usize| series.close_time(series.len() * percent / 100).unwrap();
    let split = Split::builder().validate_from(at(60)).test_from(at(75)).embargo(0).build();
    let split = split.unwrap();
    let (train, validation) = (split.train(&samples), split.validation(&samples));
    run(&train.unwrap(), &validation.unwrap(), &split.test(&samples))
}

/// Predictions of the test windows, each from its window alone.
pub(crate) fn predictions(model: &dyn FittedModel, test: &SampleSet) -> Vec<Prediction> {
    let mut scratch = model.scratch();
    let predict = |sample| model.predict(test.window(sample), &mut scratch).unwrap();
    test.samples().iter().map(predict).collect()
}

/// Bits of all probabilities.
pub(crate) fn bits(predictions: &[Prediction]) -> Vec<[u32; 3]> {
    predictions.iter().map(|p| p.probabilities.classes().map(f32::to_bits)).collect()
}

/// Log losses −ln p(label) of the test windows.
pub(crate) fn losses(predictions: &[Prediction], test: &SampleSet) -> Vec<f64> {
    let outcomes = predictions.iter().zip(test.samples());
    outcomes
        .map(|(p, sample)| -f64::from(p.probabilities.of(sample.label()).max(1e-6)).ln())
        .collect()
}

/// Mean of a list and its standard error.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / n / n).sqrt())
}

/// The series with other candles from an index on.
pub(crate) fn with_other_future(series: &CandleSeries, from: usize) -> CandleSeries {
    use windvane_candles::{Candle, Ohlcv};
    let mut candles = series.candles().to_vec();
    for (index, candle) in candles.iter_mut().enumerate().skip(from) {
        let close = if index % 2 == 0 { 2.0 } else { 3.0 };
        let ohlcv = Ohlcv { open: 2.5, high: 9.0, low: 1.0, close, volume: 5.0 + index as f64 };
        *candle = Candle::new(candle.open_time(), ohlcv).unwrap();
    }
    CandleSeries::new(series.pair().clone(), Interval::HOUR, candles).unwrap()
}
