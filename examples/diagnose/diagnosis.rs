//! What is found out about a candle and a model: one value that terminal and page show.
use windvane::ensemble::Ensemble;
use windvane::models::explain::{GradientNorm, LayerActivity, Trace};
use windvane::models::network::Network;
use windvane::models::train::EpochReport;
use windvane::models::{Occlusion, TrainingRecord, Vote};
use windvane::prelude::*;
use windvane::signals::{ChannelDrift, Outcome};

use super::subject::Subject;

type Error = Box<dyn std::error::Error>;

/// Windows that units and gates are counted on, and windows of the gradients.
const WINDOWS: usize = 512;

/// Everything there is to show.
pub(crate) struct Diagnosis {
    pub(crate) pair: String,
    pub(crate) interval: Interval,
    pub(crate) candle: CandleView,
    pub(crate) whole: WholeView,
}

/// One candle and what the model says of it.
pub(crate) struct CandleView {
    pub(crate) close: f64,
    pub(crate) prediction: Prediction,
    /// What the members of an ensemble say.
    pub(crate) votes: Vec<Vote>,
    pub(crate) channels: Vec<ChannelView>,
    /// `None` for a model that is no network.
    pub(crate) trace: Option<Trace>,
    /// What happened, and the class of it; `None` where that is not known yet.
    pub(crate) outcome: Option<(Direction, Outcome)>,
    pub(crate) stage: Stage,
}

/// One channel over the window, oldest row first.
pub(crate) struct ChannelView {
    pub(crate) raw: Vec<f64>,
    /// `None` for a model without one scaler.
    pub(crate) scaled: Option<Vec<f64>>,
    pub(crate) silenced: Occlusion,
}

/// Where a candle lies to what the model was made from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Learned,
    Chosen,
    Later,
    Unknown,
}

/// The model over many candles.
pub(crate) struct WholeView {
    pub(crate) record: Option<TrainingRecord>,
    pub(crate) epochs: Vec<EpochReport>,
    pub(crate) activity: Vec<LayerActivity>,
    /// Windows that units and gates were counted on.
    pub(crate) windows: usize,
    pub(crate) gradients: Vec<GradientNorm>,
    /// Windows the gradient is the mean over.
    pub(crate) gradient_windows: usize,
    /// Empty where this data has no candle before training ended or none after.
    pub(crate) drift: Vec<ChannelDrift>,
}

/// Looks at the decision at `row`.
pub(crate) fn diagnose(
    subject: Subject,
    samples: &SampleSet<'_>,
    row: usize,
) -> Result<Diagnosis, Error> {
    let table = samples.tables().first().ok_or("no candles")?;
    let model = &*subject.model;
    let candle = candle(model, table, row)?;
    let (pair, interval) = (table.pair().to_string(), table.interval());
    Ok(Diagnosis { pair, interval, candle, whole: whole(subject, samples)? })
}

/// The row of the decision: the last one at or before `at` with a whole window; without `at` the
/// last one whose outcome is known.
pub(crate) fn decision(samples: &SampleSet<'_>, at: Option<Timestamp>) -> Result<usize, String> {
    let table = samples.tables().first().ok_or("no candles")?;
    let lookback = samples.lookback();
    let decided = |row: usize| table.window(row, lookback).map(|window| window.decided_at());
    let rows = || (0..table.len()).filter(|row| decided(*row).is_some());
    let (Some(first), Some(last)) = (rows().next(), rows().next_back()) else {
        return Err(format!(
            "{} has {} candles, too few for a window of {lookback} rows; give more",
            table.pair(),
            table.len()
        ));
    };
    let Some(at) = at else { return Ok(samples.samples().last().map_or(last, |s| s.row)) };
    let outside = decided(first).is_none_or(|first| at < first)
        // The next candle would have closed by then.
        || decided(last).and_then(|last| last.plus(table.interval(), 1)).is_none_or(|end| at >= end);
    if outside {
        let [first, last] =
            [first, last].map(|row| decided(row).map_or(String::new(), |t| t.to_string()));
        return Err(format!(
            "--at {at} lies outside the data: the decisions of {} run from {first} to {last}; \
             choose a time between, or leave --at out for the last one",
            table.pair()
        ));
    }
    Ok(rows().rev().find(|row| decided(*row).is_some_and(|t| t <= at)).unwrap_or(first))
}

fn candle(
    model: &dyn FittedModel,
    table: &SignalTable,
    row: usize,
) -> Result<CandleView, Error> {
    let spec = model.spec();
    let window = table.window(row, spec.lookback).ok_or("the candle has no window")?;
    let mut scratch = model.scratch();
    let prediction = model.predict(window, &mut scratch)?;
    let votes = model.downcast_ref::<Ensemble>().map_or(&[][..], |e| e.votes(&scratch)).to_vec();
    let network = model.downcast_ref::<Network>();
    let trace = network.map(|network| network.trace(window)).transpose()?;
    let view = |(channel, silenced): (usize, Occlusion)| {
        let raw: Vec<f64> = (0..window.steps()).map(|t| window.row(t)[channel]).collect();
        let scale = |scaler: &windvane::signals::Scaler| {
            raw.iter().map(|value| scaler.apply(channel, *value)).collect()
        };
        ChannelView { scaled: model.scaler().map(scale), raw, silenced }
    };
    let channels = Occlusion::of(model, window)?.into_iter().enumerate().map(view).collect();
    let close = table.close(row).ok_or("the candle has no close")?;
    let outcome = spec.labels.label(table, row);
    let stage = stage(model.record(), prediction.decided_at);
    Ok(CandleView { close, prediction, votes, channels, trace, outcome, stage })
}

fn stage(record: Option<&TrainingRecord>, at: Timestamp) -> Stage {
    match record {
        None => Stage::Unknown,
        Some(record) if at < record.until => Stage::Learned,
        Some(record) if at < record.validated_until => Stage::Chosen,
        Some(_) => Stage::Later,
    }
}

fn whole(subject: Subject, samples: &SampleSet<'_>) -> Result<WholeView, Error> {
    let Subject { model, epochs } = subject;
    let record = model.record().cloned();
    let learned = samples.filtered(|sample| {
        record.as_ref().is_some_and(|record| sample.outcome.settled_at <= record.until)
    });
    let later =
        samples.filtered(|sample| stage(record.as_ref(), sample.decided_at) == Stage::Later);
    let drift = if learned.is_empty() || later.is_empty() {
        Vec::new()
    } else {
        ChannelDrift::between(&learned, &later)?
    };
    // A model of other candles has neither here: then all of these serve.
    let [counted, descended] =
        [later, learned].map(|part| spread(if part.len() < 2 { samples } else { &part }));
    let (activity, gradients) = match (*model).downcast_ref::<Network>() {
        Some(network) => looked_into(network, &counted, &descended)?,
        None => (Vec::new(), Vec::new()),
    };
    let (windows, gradient_windows) = (counted.len(), descended.len());
    Ok(WholeView { record, epochs, activity, windows, gradients, gradient_windows, drift })
}

fn looked_into(
    network: &Network,
    counted: &SampleSet<'_>,
    descended: &SampleSet<'_>,
) -> Result<(Vec<LayerActivity>, Vec<GradientNorm>), Error> {
    Ok((LayerActivity::of(network, counted)?, network.gradient_norms(descended)?))
}

/// At most [`WINDOWS`] of them, evenly spread.
fn spread<'a>(samples: &SampleSet<'a>) -> SampleSet<'a> {
    let step = samples.len().div_ceil(WINDOWS).max(1);
    let kept: Vec<usize> = samples.samples().iter().step_by(step).map(|s| s.row).collect();
    samples.filtered(|sample| kept.binary_search(&sample.row).is_ok())
}
