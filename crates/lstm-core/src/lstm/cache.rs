//! Activations cached by the forward pass for the backward pass.
use super::arranged::{ArrangedWeights, WeightSums};
use super::{LstmShape, Side};
use crate::Real;
use crate::kernels::LANES;

/// Number of rows whose weight gradients are summed together: large enough to amortise the pass
/// over the sums, small enough for the rows to stay in the caches.
const ROWS_TOGETHER: usize = 128;

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
///
/// Rows are padded from `H` to `P` numbers, a multiple of the kernels' vector length.
#[derive(Debug, Clone, Default)]
pub struct LstmCache<R> {
    pub(super) shape: Option<LstmShape>,
    /// Whether the last step was read first.
    pub(super) reversed: bool,
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// Activated gates `[T, B, 4, P]`.
    pub(super) gates: Vec<R>,
    /// Cells `[T + 1, B, P]`, in the order of time.
    pub(super) c: Vec<R>,
    /// Activations tanh(c') of each step's new cell `[T, B, P]`.
    pub(super) tanh_c: Vec<R>,
    /// Hidden states `[T + 1, B, P]`, in the order of time.
    pub(super) h: Vec<R>,
    /// Hidden states without padding `[T, B, H]`, if there is padding.
    pub(super) hidden: Vec<R>,
    /// Last cells `[B, H]`.
    pub(super) last_cell: Vec<R>,
    /// Gradients with respect to the gate sums of the steps of a group `[G, B, 4, P]`.
    pub(super) d_gates: Vec<R>,
    /// Gradient with respect to the initial hidden state `[B, P]`.
    pub(super) d_h: Vec<R>,
    /// Gradient with respect to the cell that enters a step `[B, P]`.
    pub(super) d_c: Vec<R>,
    pub(super) weights: ArrangedWeights<R>,
    pub(super) sums: WeightSums<R>,
}

/// Activations of one step of one sequence; every slice is `[H]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LstmStep<'a, R> {
    /// Activated gates in the order i, f, g, o.
    pub gates: [&'a [R]; 4],
    /// Cell after the step.
    pub cell: &'a [R],
    /// Hidden state after the step.
    pub hidden: &'a [R],
}

impl<R: Real> LstmCache<R> {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of time steps `T` of the last forward pass.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Returns the hidden states after each step `[T, B, H]`.
    pub fn hidden(&self) -> &[R] {
        if self.is_padded() { &self.hidden } else { &self.h[self.row()..] }
    }

    /// Returns the hidden states after the last step `[B, H]`.
    pub fn last_hidden(&self) -> &[R] {
        let row = self.batch * self.units();
        &self.hidden()[self.steps.saturating_sub(1) * row..]
    }

    /// Returns the cells after the last step `[B, H]`.
    pub fn last_cell(&self) -> &[R] {
        &self.last_cell
    }

    /// Returns the activations at step `t` of sequence `b` in the last forward pass; `None` if `t`
    /// or `b` is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use windvane_lstm_core::{Biases, LstmCache, LstmShape, lstm_forward};
    ///
    /// let shape = LstmShape::new(1, 2, Biases::One)?;
    /// let weights = vec![0.3_f64; shape.len()];
    /// let mut cache = LstmCache::new();
    /// lstm_forward(shape, shape.params(&weights)?, &[0.5, -1.0], 1, None, &mut cache)?;
    /// let (first, second) = (cache.step(0, 0).unwrap(), cache.step(1, 0).unwrap());
    /// let [i, f, g, o] = second.gates.map(|gate| gate[1]);
    /// assert!((second.cell[1] - (f * first.cell[1] + i * g)).abs() < 1e-12);
    /// assert!((second.hidden[1] - o * second.cell[1].tanh()).abs() < 1e-12);
    /// assert_eq!(cache.step(2, 0), None);
    /// # Ok::<(), windvane_lstm_core::LstmError>(())
    /// ```
    pub fn step(&self, t: usize, b: usize) -> Option<LstmStep<'_, R>> {
        if t >= self.steps || b >= self.batch {
            return None;
        }
        let (units, row) = (self.units(), self.row());
        let padded = row / self.batch;
        let after = (t + usize::from(!self.reversed)) * row + b * padded;
        let gate = |gate| &self.gates[t * 4 * row + (4 * b + gate) * padded..][..units];
        Some(LstmStep {
            gates: [gate(0), gate(1), gate(2), gate(3)],
            cell: &self.c[after..][..units],
            hidden: &self.h[after..][..units],
        })
    }

    /// Returns whether rows have more numbers than the layer has units.
    pub(super) fn is_padded(&self) -> bool {
        !self.units().is_multiple_of(LANES)
    }

    fn units(&self) -> usize {
        self.shape.map_or(0, |shape| shape.hidden_size())
    }

    /// Returns the length of `[B, P]`.
    pub(super) fn row(&self) -> usize {
        self.batch * self.units().next_multiple_of(LANES)
    }

    /// Returns the number of steps whose weight gradients are summed together: at least two,
    /// because a step also reads the gradients of the step after it.
    pub(super) fn group(&self) -> usize {
        (ROWS_TOGETHER / self.batch.max(1)).max(2)
    }

    /// Returns the states after the last step read: hidden states and cells `[B, P]`.
    pub(crate) fn last(&self, side: Side) -> [&[R]; 2] {
        let row = self.row();
        [&self.h, &self.c].map(|states| &states[side.last(self.steps) * row..][..row])
    }

    /// Resizes the buffers; the passes overwrite their contents.
    pub(super) fn resize(&mut self, shape: LstmShape, batch: usize, steps: usize) {
        self.shape = Some(shape);
        (self.batch, self.steps) = (batch, steps);
        let row = self.row();
        self.gates.resize(steps * 4 * row, R::ZERO);
        self.d_gates.resize(self.group() * 4 * row, R::ZERO);
        self.tanh_c.resize(steps * row, R::ZERO);
        self.c.resize((steps + 1) * row, R::ZERO);
        self.h.resize((steps + 1) * row, R::ZERO);
        self.d_h.resize(row, R::ZERO);
        self.d_c.resize(row, R::ZERO);
    }
}
