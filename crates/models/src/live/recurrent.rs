//! The recurrent state of a stateful model in a predictor.
use windvane_signals::{SignalRows, StateReader, StateWriter};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::rows::RowRing;
use crate::{FittedModel, PredictError, Scratch, StatefulModel};

/// Numbers in the recurrent state of a model; 0 for one that reads windows alone.
pub(super) fn state_len(model: &dyn FittedModel) -> usize {
    model.stateful().map_or(0, StatefulModel::state_len)
}

/// Reads the rows of one candle; a reset and an undefined row leave zeros.
#[inline]
pub(super) fn take(
    model: &dyn FittedModel,
    rows: SignalRows<'_>,
    restarted: bool,
    state: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), PredictError> {
    if state.is_empty() {
        return Ok(());
    }
    let Some(model) = model.stateful() else { return Ok(()) };
    if restarted {
        state.fill(0.0);
    }
    for index in 0..rows.len() {
        match rows.get(index) {
            Some(row) => model.update_state(row, state, scratch)?,
            None => state.fill(0.0),
        }
    }
    Ok(())
}

/// A recurrent state in a saved predictor, with the fingerprint of the model that made it.
pub(super) struct SavedState {
    fingerprint: u64,
    numbers: Vec<f32>,
}

impl SavedState {
    /// Reads what [`Predictor::save_recurrent`] wrote: the last words of a state, or nothing.
    pub(super) fn read(state: &mut StateReader<'_>) -> Result<Option<Self>, PredictError> {
        if state.clone().finish().is_ok() {
            return Ok(None);
        }
        let fingerprint = state.int()?.cast_unsigned();
        #[expect(clippy::cast_possible_truncation, reason = "f32 before they were saved")]
        let numbers: Vec<f32> =
            state.floats(usize::MAX)?.into_iter().map(|number| number as f32).collect();
        if numbers.iter().all(|number| number.is_finite()) {
            return Ok(Some(Self { fingerprint, numbers }));
        }
        Err(PredictError::State { problem: "a number of the recurrent state is out of range" })
    }
}

impl Predictor {
    /// Writes the recurrent state, if the model has one, at the end of the saved state.
    pub(super) fn save_recurrent(&self, state: &mut StateWriter) {
        if !self.state.is_empty() {
            state.int(fingerprint(&*self.model).unwrap_or(0).cast_signed());
            state.floats(self.state.iter().copied().map(f64::from));
        }
    }

    /// The recurrent state in a saved predictor; computed again from the kept candles where
    /// another model made it.
    pub(super) fn restored_state(
        &self,
        saved: Option<SavedState>,
        rows: &RowRing,
    ) -> Result<Vec<f32>, PredictError> {
        match saved {
            Some(SavedState { fingerprint: of, numbers })
                if numbers.len() == self.state.len() && Some(of) == fingerprint(&*self.model) =>
            {
                Ok(numbers)
            }
            _ => self.replayed_state(&*self.model, rows),
        }
    }

    /// The recurrent state with which another model goes on after `rows`.
    pub(super) fn carried_state(
        &self,
        new: &dyn FittedModel,
        rows: &RowRing,
    ) -> Result<Vec<f32>, PredictError> {
        let old = &*self.model;
        let alike = state_len(old) == state_len(new) && old.spec().signals == new.spec().signals;
        if alike && fingerprint(old).is_some_and(|of| Some(of) == fingerprint(new)) {
            return Ok(self.state.clone());
        }
        self.replayed_state(new, rows)
    }

    /// The recurrent state after the kept candles or the rows, whichever are more.
    fn replayed_state(
        &self,
        fitted: &dyn FittedModel,
        rows: &RowRing,
    ) -> Result<Vec<f32>, PredictError> {
        let (mut state, mut scratch) = (vec![0.0; state_len(fitted)], fitted.scratch());
        let Some(model) = fitted.stateful() else { return Ok(state) };
        let spec = model.spec();
        let mut replayed = 0;
        // Kept candles are those of the own pair.
        if spec.signals.pairs().is_empty() {
            let taken = self.replay(&spec.signals, spec.lookback, |rows, restarted| {
                take(fitted, rows, restarted, &mut state, &mut scratch)
            })?;
            replayed = taken.rows.run();
        }
        if replayed < rows.run() {
            state.fill(0.0);
            for row in rows.complete().chunks_exact(rows.width()) {
                model.update_state(row, &mut state, &mut scratch)?;
            }
        }
        Ok(state)
    }
}

/// Hash of the recurrent state after two rows: another one for other recurrent weights; `None` for
/// a model without state.
fn fingerprint(model: &dyn FittedModel) -> Option<u64> {
    let (model, mut scratch) = (model.stateful()?, model.scratch());
    let mut state = vec![0.0; model.state_len()];
    // The second row meets the state that the first has left.
    for value in [0.3, -0.7] {
        let row = vec![value; model.spec().signals.width()];
        model.update_state(&row, &mut state, &mut scratch).ok()?;
    }
    let bytes: Vec<u8> = state.iter().flat_map(|number| number.to_le_bytes()).collect();
    Some(xxh3_64(&bytes))
}
