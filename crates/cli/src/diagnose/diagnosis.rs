//! Diagnosis of a prediction and its model, which terminal and page show.
use windvane::ensemble::Ensemble;
use windvane::models::explain::{GradientNorm, LayerActivity, Trace};
use windvane::models::network::Network;
use windvane::models::train::EpochReport;
use windvane::models::{Occlusion, TrainingRecord, Vote};
use windvane::prelude::*;
use windvane::signals::{ChannelDrift, Outcome, Sample};

use super::model::DiagnosedModel;
use crate::{Error, models};

/// Maximum number of windows for unit activity and for gradients.
const WINDOWS: usize = 512;

/// Diagnosis of one prediction and its model.
pub(super) struct Diagnosis {
    pub(super) pair: String,
    pub(super) interval: Interval,
    /// Label and method of the model, such as `v3.2 (LSTM, 32 units)`; `None` if unknown.
    pub(super) method: Option<String>,
    pub(super) candle: CandleView,
    pub(super) model: ModelView,
}

/// Prediction for one candle.
pub(super) struct CandleView {
    pub(super) close: f64,
    pub(super) prediction: Prediction,
    /// Votes of the members of an ensemble.
    pub(super) votes: Vec<Vote>,
    pub(super) channels: Vec<ChannelView>,
    /// Activations of the layers; `None` for a model that is not a network.
    pub(super) trace: Option<Trace>,
    /// Class and outcome; `None` if the outcome is not known yet.
    pub(super) outcome: Option<(Direction, Outcome)>,
    pub(super) period: CandlePeriod,
}

/// One channel over the window, oldest row first.
pub(super) struct ChannelView {
    pub(super) raw: Vec<f64>,
    /// Scaled values; `None` for a model without a scaler.
    pub(super) scaled: Option<Vec<f64>>,
    pub(super) occlusion: Occlusion,
}

/// Period of a candle with respect to the training of the model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CandlePeriod {
    Training,
    Validation,
    Later,
    Unknown,
}

/// State of the model over many candles.
pub(super) struct ModelView {
    pub(super) record: Option<TrainingRecord>,
    pub(super) epochs: Vec<EpochReport>,
    pub(super) activity: Vec<LayerActivity>,
    /// Number of windows for the activity.
    pub(super) windows: usize,
    pub(super) gradients: Vec<GradientNorm>,
    /// Number of windows for the gradients.
    pub(super) gradient_windows: usize,
    /// Drift of the channels; empty if the data has no candles before or none after the end of
    /// training.
    pub(super) drift: Vec<ChannelDrift>,
}

/// Diagnoses the prediction at `row`.
pub(super) fn diagnose(
    diagnosed: DiagnosedModel,
    samples: &SampleSet,
    row: usize,
) -> Result<Diagnosis, Error> {
    let table = samples.tables().first().ok_or("no candles")?;
    let fitted = &*diagnosed.model;
    let (method, candle) = (models::method_of(fitted), candle(fitted, table, row)?);
    let (pair, interval) = (table.pair().to_string(), table.interval());
    let model = model(diagnosed, samples)?;
    Ok(Diagnosis { pair, interval, method, candle, model })
}

/// Returns the row of the prediction: the last one with a complete window that closed at or before
/// `at`; without `at` the last one whose outcome is known.
pub(super) fn decision(samples: &SampleSet, at: Option<Timestamp>) -> Result<usize, String> {
    let table = samples.tables().first().ok_or("no candles")?;
    let lookback = samples.lookback();
    let decided = |row: usize| table.window(row, lookback).map(|window| window.decided_at());
    let rows = || (0..table.len()).filter(|row| decided(*row).is_some());
    let (Some(first), Some(last)) = (rows().next(), rows().next_back()) else {
        return Err(format!(
            "{} has {} candles, too few for a window of {lookback} rows; pass more candles",
            table.pair(),
            table.len()
        ));
    };
    let Some(at) = at else { return Ok(samples.samples().last().map_or(last, Sample::row)) };
    let outside = decided(first).is_none_or(|first| at < first)
        // The candle after the last one would have closed by then.
        || decided(last).and_then(|last| last.plus(table.interval(), 1)).is_none_or(|end| at >= end);
    if outside {
        let [first, last] =
            [first, last].map(|row| decided(row).map_or(String::new(), |t| t.to_string()));
        return Err(format!(
            "--at {at} is outside the data: {} has predictions from {first} to {last}; choose a \
             time between them, or omit --at for the last one",
            table.pair()
        ));
    }
    Ok(rows().rev().find(|row| decided(*row).is_some_and(|t| t <= at)).unwrap_or(first))
}

fn candle(model: &dyn FittedModel, table: &SignalTable, row: usize) -> Result<CandleView, Error> {
    let spec = model.spec();
    let window = table.window(row, spec.lookback).ok_or("the candle has no window")?;
    let mut scratch = model.scratch();
    let prediction = model.predict(window, &mut scratch)?;
    let ensemble = model.downcast_ref::<Ensemble>();
    let votes = ensemble.map_or(Vec::new(), |ensemble| ensemble.votes(&scratch).to_vec());
    let network = model.downcast_ref::<Network>();
    let trace = network.map(|network| network.trace(window)).transpose()?;
    let effects = Occlusion::measure(model, window)?.into_iter().enumerate();
    let channels = effects.map(|(channel, occlusion)| {
        let raw: Vec<f64> = (0..window.steps()).map(|t| window.row(t)[channel]).collect();
        let scaled = model
            .scaler()
            .map(|scaler| raw.iter().map(|value| scaler.apply(channel, *value)).collect());
        ChannelView { raw, scaled, occlusion }
    });
    let channels = channels.collect();
    let close = table.close(row).ok_or("the candle has no close")?;
    let outcome = spec.labels.label(table, row);
    let period = period(model.record(), prediction.decided_at);
    Ok(CandleView { close, prediction, votes, channels, trace, outcome, period })
}

fn period(record: Option<&TrainingRecord>, at: Timestamp) -> CandlePeriod {
    match record {
        None => CandlePeriod::Unknown,
        Some(record) if at < record.until => CandlePeriod::Training,
        Some(record) if at < record.validated_until => CandlePeriod::Validation,
        Some(_) => CandlePeriod::Later,
    }
}

fn model(diagnosed: DiagnosedModel, samples: &SampleSet) -> Result<ModelView, Error> {
    let DiagnosedModel { model, epochs } = diagnosed;
    let record = model.record().cloned();
    let training = samples.filtered(|sample| {
        record.as_ref().is_some_and(|record| sample.settled_at() <= record.until)
    });
    let later = samples
        .filtered(|sample| period(record.as_ref(), sample.decided_at) == CandlePeriod::Later);
    let drift = if training.is_empty() || later.is_empty() {
        Vec::new()
    } else {
        ChannelDrift::between(&training, &later)?
    };
    // For a model of other candles both parts may be empty: then all samples are used.
    let [later, training] =
        [later, training].map(|part| subsample(if part.len() < 2 { samples } else { &part }));
    let (mut activity, mut gradients) = (Vec::new(), Vec::new());
    if let Some(network) = (*model).downcast_ref::<Network>() {
        activity = LayerActivity::measure(network, &later)?;
        gradients = network.gradient_norms(&training)?;
    }
    let (windows, gradient_windows) = (later.len(), training.len());
    Ok(ModelView { record, epochs, activity, windows, gradients, gradient_windows, drift })
}

/// Returns at most [`WINDOWS`] samples, evenly spaced.
fn subsample(samples: &SampleSet) -> SampleSet {
    let step = samples.len().div_ceil(WINDOWS).max(1);
    let kept: Vec<usize> = samples.samples().iter().step_by(step).map(Sample::row).collect();
    samples.filtered(|sample| kept.binary_search(&sample.row()).is_ok())
}
