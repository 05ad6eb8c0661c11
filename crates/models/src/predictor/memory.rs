//! What a model carries from row to row beside the window.
use windvane_signals::{Rows, StateReader, StateWriter};
use xxhash_rust::xxh3::xxh3_64;

use super::Predictor;
use super::rows::RowRing;
use crate::{DirectionModel, ModelError, Scratch};

/// Takes the rows of one candle; a reset and an undefined row leave zeros.
#[inline]
pub(super) fn take(
    model: &dyn DirectionModel,
    rows: Rows<'_>,
    restarted: bool,
    memory: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), ModelError> {
    if memory.is_empty() {
        return Ok(());
    }
    if restarted {
        memory.fill(0.0);
    }
    for index in 0..rows.len() {
        match rows.get(index) {
            Some(row) => model.remember(row, memory, scratch)?,
            None => memory.fill(0.0),
        }
    }
    Ok(())
}

/// A memory in a saved state, and what it was the memory of.
pub(super) struct SavedMemory {
    fingerprint: u64,
    numbers: Vec<f32>,
}

impl SavedMemory {
    /// Reads what [`Predictor::save_memory`] wrote: the last words of a state, or nothing.
    pub(super) fn read(state: &mut StateReader<'_>) -> Result<Option<Self>, ModelError> {
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
        Err(ModelError::State { problem: "a number of the memory is out of range" })
    }
}

impl Predictor {
    /// Writes the memory, if the model has one, at the end of the state.
    pub(super) fn save_memory(&self, state: &mut StateWriter) {
        if !self.memory.is_empty() {
            state.int(fingerprint(&*self.model).unwrap_or(0).cast_signed());
            state.floats(self.memory.iter().copied().map(f64::from));
        }
    }

    /// The memory that a saved state has of this model; made again from the kept candles where
    /// it is of another one.
    pub(super) fn restored_memory(
        &self,
        saved: Option<SavedMemory>,
        rows: &RowRing,
    ) -> Result<Vec<f32>, ModelError> {
        match saved {
            Some(SavedMemory { fingerprint: of, numbers })
                if numbers.len() == self.memory.len() && Some(of) == fingerprint(&*self.model) =>
            {
                Ok(numbers)
            }
            _ => self.remade_memory(&*self.model, rows),
        }
    }

    /// The memory with which another model goes on after `rows`.
    pub(super) fn carried_memory(
        &self,
        new: &dyn DirectionModel,
        rows: &RowRing,
    ) -> Result<Vec<f32>, ModelError> {
        let old = &*self.model;
        let alike = (old.memory(), &old.spec().signals) == (new.memory(), &new.spec().signals);
        if alike && fingerprint(old).is_some_and(|of| Some(of) == fingerprint(new)) {
            return Ok(self.memory.clone());
        }
        self.remade_memory(new, rows)
    }

    /// A memory of the kept candles or of the rows, whichever are more.
    fn remade_memory(
        &self,
        model: &dyn DirectionModel,
        rows: &RowRing,
    ) -> Result<Vec<f32>, ModelError> {
        let (mut memory, mut scratch) = (vec![0.0; model.memory()], model.scratch());
        if memory.is_empty() {
            return Ok(memory);
        }
        let spec = model.spec();
        let mut replayed = 0;
        // Kept candles are those of the own pair.
        if spec.signals.pairs().is_empty() {
            let taken = self.replay(&spec.signals, spec.lookback, |rows, restarted| {
                take(model, rows, restarted, &mut memory, &mut scratch)
            })?;
            replayed = taken.rows.run();
        }
        if replayed < rows.run() {
            memory.fill(0.0);
            for row in rows.complete().chunks_exact(rows.width()) {
                model.remember(row, &mut memory, &mut scratch)?;
            }
        }
        Ok(memory)
    }
}

/// A hash of what two rows leave in the memory: another one for other weights of what remembers.
fn fingerprint(model: &dyn DirectionModel) -> Option<u64> {
    let (mut memory, mut scratch) = (vec![0.0; model.memory()], model.scratch());
    // The second row meets what the first has left.
    for value in [0.3, -0.7] {
        let row = vec![value; model.spec().signals.width()];
        model.remember(&row, &mut memory, &mut scratch).ok()?;
    }
    let bytes: Vec<u8> = memory.iter().flat_map(|number| number.to_le_bytes()).collect();
    Some(xxh3_64(&bytes))
}
