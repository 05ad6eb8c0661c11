//! Recurrent state of an LSTM, and working memory.
use crate::error::check_len;
use crate::kernels::{TILE, WeightColumn, padded};
use crate::{LstmError, Real};

/// Hidden state `h` and cell `c` of one LSTM layer.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::LstmState;
///
/// let mut state = LstmState::<f32>::zeros(32);
/// state.h_mut()[0] = 0.5;
/// state.reset();
/// assert_eq!(state.h(), [0.0; 32]);
/// ```
#[derive(Debug, Clone)]
pub struct LstmState<R> {
    hidden_size: usize,
    /// Hidden state, padded to whole blocks of units; results never depend on the padding.
    h: Vec<R>,
    /// Cell, padded like `h`.
    c: Vec<R>,
}

impl<R: Real> LstmState<R> {
    /// Creates the state before the first step, all zeros.
    pub fn zeros(hidden_size: usize) -> Self {
        let len = padded(hidden_size);
        Self { hidden_size, h: vec![R::ZERO; len], c: vec![R::ZERO; len] }
    }

    /// Resets the state to zeros.
    pub fn reset(&mut self) {
        self.h.fill(R::ZERO);
        self.c.fill(R::ZERO);
    }

    /// Returns the hidden state `[H]`.
    pub fn h(&self) -> &[R] {
        &self.h[..self.hidden_size]
    }

    /// Returns the cell `[H]`.
    pub fn c(&self) -> &[R] {
        &self.c[..self.hidden_size]
    }

    /// Returns the hidden state `[H]`, mutable.
    pub fn h_mut(&mut self) -> &mut [R] {
        &mut self.h[..self.hidden_size]
    }

    /// Returns the cell `[H]`, mutable.
    pub fn c_mut(&mut self) -> &mut [R] {
        &mut self.c[..self.hidden_size]
    }

    /// Returns hidden state and cell with their padding.
    pub(crate) fn padded_mut(&mut self) -> (&mut Vec<R>, &mut Vec<R>) {
        (&mut self.h, &mut self.c)
    }

    pub(crate) fn check(&self, hidden_size: usize) -> Result<(), LstmError> {
        check_len("state", hidden_size, self.hidden_size)
    }
}

/// Working memory of [`PackedLstm`](crate::PackedLstm), created by
/// [`PackedLstm::scratch`](crate::PackedLstm::scratch).
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct LstmScratch<R> {
    pub(crate) state: LstmState<R>,
    pub(crate) next: Vec<R>,
}

impl<R: Real> LstmScratch<R> {
    pub(crate) fn new(hidden_size: usize) -> Self {
        Self { state: LstmState::zeros(hidden_size), next: vec![R::ZERO; padded(hidden_size)] }
    }

    pub(crate) fn check(&self, hidden_size: usize) -> Result<(), LstmError> {
        check_len("scratch", hidden_size, self.state.hidden_size)
    }
}

/// Working memory of the batch calls of [`PackedLstm`](crate::PackedLstm),
/// [`PackedBiLstm`](crate::PackedBiLstm) and [`PackedGru`](crate::PackedGru), created by their
/// `batch_scratch`.
///
/// It holds the states of a fixed number of windows and carries no state from one call to the next.
#[derive(Debug, Clone)]
pub struct LstmBatchScratch<R> {
    hidden_size: usize,
    /// Hidden states `[TILE, padded]`.
    pub(crate) h: Vec<R>,
    /// Cells `[TILE, padded]`.
    pub(crate) c: Vec<R>,
    /// New hidden states `[TILE, padded]`.
    pub(crate) next: Vec<R>,
    /// Gate sums of a block of units, `[TILE]`.
    pub(crate) sums: Vec<WeightColumn<R>>,
}

impl<R: Real> LstmBatchScratch<R> {
    pub(crate) fn new(hidden_size: usize) -> Self {
        let zeros = vec![R::ZERO; TILE * padded(hidden_size)];
        let sums = vec![WeightColumn::ZERO; TILE];
        Self { hidden_size, h: zeros.clone(), c: zeros.clone(), next: zeros, sums }
    }

    pub(crate) fn check(&self, hidden_size: usize) -> Result<(), LstmError> {
        check_len("scratch", hidden_size, self.hidden_size)
    }
}
