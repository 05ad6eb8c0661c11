//! A model inside an ensemble, and the part of the ensemble's rows that it reads.
use std::ops::Range;

use windvane_models::{FittedModel, ModelSpec, PredictError, Prediction, Scratch, StatefulModel};
use windvane_signals::Window;

use crate::EnsembleError;

/// A model with its share in the vote.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) model: Box<dyn FittedModel>,
    /// All of an ensemble's weights sum to 1.
    pub(crate) weight: f32,
    /// Columns of its channels in the ensemble's rows; `None` if it reads whole rows.
    columns: Option<Vec<usize>>,
    /// Its part of the ensemble's recurrent state; empty for a member without one.
    state: Range<usize>,
}

impl Member {
    /// `spec` is the ensemble's, from [`joined`]; members before this one have states of
    /// `before` numbers.
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

    /// End of its part of the state, where the next member's begins.
    pub(crate) fn state_end(&self) -> usize {
        self.state.end
    }

    /// Reads the ensemble's row into its part of the state; `rows` is working memory.
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

    /// Predicts from the ensemble's window, and from its part of the state where one is given;
    /// `rows` is working memory.
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

    /// Predicts from its own window.
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

    /// Numbers of working memory its windows take.
    pub(crate) fn rows(&self) -> usize {
        self.columns.as_ref().map_or(0, |columns| columns.len() * self.model.spec().lookback)
    }
}

/// First setting that two members must share and do not, with both values.
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

/// The spec that serves all models: every channel of any, the longest lookback.
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
