//! Recurrent state of a stateful model in a predictor.
use windvane_signals::{SignalRows, StateReader, StateWriter};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::rows::RowRing;
use crate::{FittedModel, PredictError, Scratch, StatefulModel};

/// Length of a model's recurrent state; 0 for a model without one.
pub(super) fn state_len(model: &dyn FittedModel) -> usize {
    model.stateful().map_or(0, StatefulModel::state_len)
}

/// Updates the recurrent state with the rows of one candle. A reset and an undefined row set it to
/// zero.
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

/// Recurrent state in a saved predictor, with the fingerprint of the model that computed it.
pub(super) struct SavedState {
    fingerprint: u64,
    numbers: Vec<f32>,
}

impl SavedState {
    /// Reads the output of [`Predictor::save_recurrent`]; `None` if the saved state ends before it.
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
        Err(PredictError::State { problem: "a value of the recurrent state is not finite" })
    }

    /// Returns the state if `model` computed it.
    pub(super) fn numbers_for(self, model: &dyn FittedModel) -> Option<Vec<f32>> {
        let fits = self.numbers.len() == state_len(model);
        (fits && Some(self.fingerprint) == fingerprint(model)).then_some(self.numbers)
    }
}

/// Writes the recurrent state of a model, if it has one.
pub(super) fn save(model: &dyn FittedModel, numbers: &[f32], state: &mut StateWriter) {
    if !numbers.is_empty() {
        state.int(fingerprint(model).unwrap_or(0).cast_signed());
        state.floats(numbers.iter().copied().map(f64::from));
    }
}

/// Computes the recurrent state of a model from the rows of the window.
pub(super) fn from_rows(
    fitted: &dyn FittedModel,
    rows: &RowRing,
) -> Result<Vec<f32>, PredictError> {
    let (mut state, mut scratch) = (vec![0.0; state_len(fitted)], fitted.scratch());
    if let Some(model) = fitted.stateful() {
        for row in rows.complete().chunks_exact(rows.width()) {
            model.update_state(row, &mut state, &mut scratch)?;
        }
    }
    Ok(state)
}

impl Predictor {
    /// Writes the recurrent state, if the model has one, to the end of the saved state.
    pub(super) fn save_recurrent(&self, state: &mut StateWriter) {
        save(&*self.model, &self.state, state);
    }

    /// Returns the saved recurrent state, or recomputes it from the kept candles if another model
    /// computed it.
    pub(super) fn restored_state(
        &self,
        saved: Option<SavedState>,
        rows: &RowRing,
    ) -> Result<Vec<f32>, PredictError> {
        match saved.and_then(|saved| saved.numbers_for(&*self.model)) {
            Some(numbers) => Ok(numbers),
            None => self.replayed_state(&*self.model, rows),
        }
    }

    /// Returns the recurrent state after `rows` for another model.
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

    /// Computes the recurrent state from the kept candles or from the rows, whichever reach further
    /// back.
    fn replayed_state(
        &self,
        fitted: &dyn FittedModel,
        rows: &RowRing,
    ) -> Result<Vec<f32>, PredictError> {
        let (mut state, mut scratch) = (vec![0.0; state_len(fitted)], fitted.scratch());
        let Some(model) = fitted.stateful() else { return Ok(state) };
        let spec = model.spec();
        let mut replayed = 0;
        // The kept candles are only those of the own pair.
        if spec.signals.pairs().is_empty() {
            let taken = self.replay(&spec.signals, spec.lookback, |rows, restarted| {
                take(fitted, rows, restarted, &mut state, &mut scratch)
            })?;
            replayed = taken.rows.run();
        }
        if replayed < rows.run() {
            return from_rows(fitted, rows);
        }
        Ok(state)
    }
}

/// Hash of the recurrent state after two fixed rows, which identifies the recurrent weights; `None`
/// for a model without a state.
fn fingerprint(model: &dyn FittedModel) -> Option<u64> {
    let (model, mut scratch) = (model.stateful()?, model.scratch());
    let mut state = vec![0.0; model.state_len()];
    // The second row starts from a non-zero state, so the recurrent weights count.
    for value in [0.3, -0.7] {
        let row = vec![value; model.spec().signals.width()];
        model.update_state(&row, &mut state, &mut scratch).ok()?;
    }
    let bytes: Vec<u8> = state.iter().flat_map(|number| number.to_le_bytes()).collect();
    Some(xxh3_64(&bytes))
}
