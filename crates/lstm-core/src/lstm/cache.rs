//! What the forward pass keeps for the backward pass.
use super::LstmShape;
use crate::Real;

/// The activations of one forward pass, and working memory of the backward pass.
///
/// Make one and use it for all batches: buffers grow to the largest batch and stay.
#[derive(Debug, Clone, Default)]
pub struct LstmCache<R> {
    pub(super) shape: Option<LstmShape>,
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// Activated gates `[T, B, 4H]`.
    pub(super) gates: Vec<R>,
    /// Cells `[T + 1, B, H]`, the start first.
    pub(super) c: Vec<R>,
    /// tanh of each step's new cell `[T, B, H]`.
    pub(super) tanh_c: Vec<R>,
    /// Hidden states `[T + 1, B, H]`, the start first.
    pub(super) h: Vec<R>,
    /// Gradients of the gate sums `[T, B, 4H]`.
    pub(super) d_gates: Vec<R>,
    /// Gradient of the hidden state that enters a step `[B, H]`.
    pub(super) d_h: Vec<R>,
    /// Gradient of the cell that enters a step `[B, H]`.
    pub(super) d_c: Vec<R>,
}

impl<R: Real> LstmCache<R> {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// `B` of the last forward pass.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// `T` of the last forward pass.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The hidden states after each step `[T, B, H]`.
    pub fn hidden(&self) -> &[R] {
        &self.h[self.row()..]
    }

    /// The hidden states after the last step `[B, H]`.
    pub fn last_hidden(&self) -> &[R] {
        &self.h[self.steps * self.row()..]
    }

    /// The cells after the last step `[B, H]`.
    pub fn last_cell(&self) -> &[R] {
        &self.c[self.steps * self.row()..]
    }

    /// The length of `[B, H]`.
    pub(super) fn row(&self) -> usize {
        self.batch * self.shape.map_or(0, |shape| shape.hidden_size())
    }

    /// Makes room; what lies in the buffers is overwritten by the passes.
    pub(super) fn resize(&mut self, shape: LstmShape, batch: usize, steps: usize) {
        self.shape = Some(shape);
        (self.batch, self.steps) = (batch, steps);
        let row = self.row();
        self.gates.resize(steps * 4 * row, R::ZERO);
        self.d_gates.resize(steps * 4 * row, R::ZERO);
        self.tanh_c.resize(steps * row, R::ZERO);
        self.c.resize((steps + 1) * row, R::ZERO);
        self.h.resize((steps + 1) * row, R::ZERO);
        self.d_h.resize(row, R::ZERO);
        self.d_c.resize(row, R::ZERO);
    }
}
