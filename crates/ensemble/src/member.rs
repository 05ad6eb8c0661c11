//! Member of an ensemble: a model, and the part of the ensemble's rows and state that it reads.
use std::ops::Range;

use windvane_models::{
    FittedModel, ModelSpec, PredictError, Prediction, Scratch, StatefulModel, TrainingRecord,
};
use windvane_signals::Window;

use crate::EnsembleError;

/// Model with its weight in the vote.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) model: Box<dyn FittedModel>,
    /// Weight in the vote; the weights of an ensemble sum to 1.
    pub(crate) weight: f32,
    /// Columns of its channels in the ensemble's rows; `None` if it reads the ensemble's window.
    columns: Option<Vec<usize>>,
    /// Range of its recurrent state in the ensemble's state; empty for a stateless member.
    state: Range<usize>,
}

impl Member {
    /// Creates a member. `spec` is the ensemble's spec from [`joined`]; `before` is the total
    /// length of the states of the members before this one.
    pub(crate) fn new(
        model: Box<dyn FittedModel>,
        weight: f32,
        spec: &ModelSpec,
        before: usize,
    ) -> Self {
        let own = model.spec();
        let whole = own.signals == spec.signals && own.lookback == spec.lookback;
        let columns = if whole { None } else { spec.signals.columns_of(&own.signals) };
        let state = before..before + model.stateful().map_or(0, StatefulModel::state_len);
        Self { model, weight, columns, state }
    }

    /// Returns the end of its state, where the next member's state begins.
    pub(crate) fn state_end(&self) -> usize {
        self.state.end
    }

    /// Updates its part of the state with the ensemble's row; `rows` is working memory.
    pub(crate) fn update_state(
        &self,
        row: &[f64],
        state: &mut [f32],
        rows: &mut Vec<f64>,
        scratch: &mut Scratch,
    ) -> Result<(), PredictError> {
        let Some(model) = self.model.stateful() else { return Ok(()) };
        let state = state.get_mut(self.state.clone()).ok_or(PredictError::ForeignScratch)?;
        let Some(columns) = &self.columns else {
            return model.update_state(row, state, scratch);
        };
        rows.clear();
        rows.extend(columns.iter().map(|&column| row[column]));
        model.update_state(rows, state, scratch)
    }

    /// Predicts from the ensemble's window, and from its part of the state if there is one; `rows`
    /// is working memory.
    pub(crate) fn predict(
        &self,
        window: Window<'_>,
        state: Option<&[f32]>,
        rows: &mut Vec<f64>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        let Some(columns) = &self.columns else {
            return self.predict_own(window, state, scratch);
        };
        rows.clear();
        for step in window.steps() - self.model.spec().lookback..window.steps() {
            let row = window.row(step);
            rows.extend(columns.iter().map(|&column| row[column]));
        }
        let expected = columns.len();
        let narrow = Window::new(rows, expected, window.decided_at());
        let none = PredictError::WindowShape { what: "channels", expected, got: rows.len() };
        self.predict_own(narrow.ok_or(none)?, state, scratch)
    }

    /// Predicts from a window of its own channels.
    fn predict_own(
        &self,
        window: Window<'_>,
        state: Option<&[f32]>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        match (self.model.stateful(), state) {
            (Some(model), Some(state)) => {
                let own = state.get(self.state.clone()).ok_or(PredictError::ForeignScratch)?;
                model.predict_with_state(window, own, scratch)
            }
            _ => self.model.predict(window, scratch),
        }
    }

    /// Returns the number of values of a window in working memory.
    pub(crate) fn rows(&self) -> usize {
        self.columns.as_ref().map_or(0, |columns| columns.len() * self.model.spec().lookback)
    }
}

/// Record of an ensemble with its own record and those of its members: the candles that any of them
/// was fitted on, and the members without a record. `None` if no record is known.
pub(crate) fn whole_record<'a>(
    own: Option<&'a TrainingRecord>,
    members: impl Iterator<Item = &'a dyn FittedModel> + Clone,
) -> Option<TrainingRecord> {
    let unknown = members.clone().filter(|model| model.record().is_none());
    let unknown: Vec<String> = unknown.map(|model| model.id().to_string()).collect();
    let records = own.into_iter().chain(members.filter_map(FittedModel::record));
    let mut records = records.cloned();
    let mut whole = records.next()?;
    whole.unrecorded.extend(unknown);
    for other in records {
        whole.from = whole.from.min(other.from);
        whole.until = whole.until.max(other.until);
        whole.validated_until = whole.validated_until.max(other.validated_until);
        whole.pairs.extend(other.pairs);
        whole.unrecorded.extend(other.unrecorded);
    }
    whole.unrecorded.sort();
    whole.unrecorded.dedup();
    whole.pairs.sort();
    whole.pairs.dedup();
    Some(whole)
}

/// First setting that must be the same in two members and differs, with both values.
fn mismatch(spec: &ModelSpec, other: &ModelSpec) -> Option<(&'static str, String, String)> {
    if other.interval != spec.interval {
        return Some(("interval", spec.interval.to_string(), other.interval.to_string()));
    }
    if other.labels != spec.labels {
        let (expected, got) = (format!("{:?}", spec.labels), format!("{:?}", other.labels));
        return Some(("horizon and band of the labels", expected, got));
    }
    let (expected, got) = (spec.signals.gaps, other.signals.gaps);
    (got != expected).then(|| ("gap policy", format!("{expected:?}"), format!("{got:?}")))
}

/// Joins the specs of all models: all channels and the longest lookback.
pub(crate) fn joined(models: &[Box<dyn FittedModel>]) -> Result<ModelSpec, EnsembleError> {
    let Some((first, rest)) = models.split_first() else { return Err(EnsembleError::Empty) };
    let mut spec = first.spec().clone();
    for model in rest {
        let other = model.spec();
        if let Some((what, expected, got)) = mismatch(&spec, other) {
            let (first, member) = (first.id().to_string(), model.id().to_string());
            return Err(EnsembleError::Mismatch { what, first, member, expected, got });
        }
        spec.lookback = spec.lookback.max(other.lookback);
        for channel in &other.signals.channels {
            if !spec.signals.channels.contains(channel) {
                spec.signals.channels.push(channel.clone());
            }
        }
    }
    Ok(spec)
}
