//! Activations cached by the forward pass for the backward pass.
use super::GruShape;
use super::arranged::{ArrangedWeights, WeightSums};
use crate::Real;
use crate::kernels::LANES;

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct GruCache<R> {
    pub(super) shape: Option<GruShape>,
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// Caches of the forward direction, then of the reverse one.
    pub(super) directions: [DirectionCache<R>; 2],
    /// Hidden states `[T, B, dirs * H]`.
    pub(super) hidden: Vec<R>,
    /// Last hidden states `[B, dirs * H]`.
    pub(super) last_hidden: Vec<R>,
}

impl<R: Real> GruCache<R> {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of time steps `T` of the last forward pass.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Returns the hidden states after each step, `[T, B, H]` or, for a bidirectional layer,
    /// `[T, B, 2H]` with the forward part first.
    pub fn hidden(&self) -> &[R] {
        &self.hidden
    }

    /// Returns the last hidden states, `[B, H]` or `[B, 2H]`: the forward one after the last step,
    /// the reverse one after the first.
    pub fn last_hidden(&self) -> &[R] {
        &self.last_hidden
    }
}

/// Activations of one direction; rows are padded from `H` to `P` numbers, a multiple of the
/// kernels' vector length.
#[derive(Debug, Clone, Default)]
pub(super) struct DirectionCache<R> {
    /// Activated gates r, z, n `[T, B, 3, P]`.
    pub(super) gates: Vec<R>,
    /// Sums `b_hh + U h` `[T, B, 3, P]`.
    pub(super) recurrent: Vec<R>,
    /// Hidden states `[T + 1, B, P]`, in the order of time.
    pub(super) h: Vec<R>,
    /// Gradients with respect to `b_ih + W x` `[T, B, 3, P]`.
    pub(super) d_gates: Vec<R>,
    /// Gradients with respect to `recurrent`.
    pub(super) d_recurrent: Vec<R>,
    /// Gradient with respect to a hidden state `[B, P]`.
    pub(super) d_h: Vec<R>,
    pub(super) weights: ArrangedWeights<R>,
    pub(super) sums: WeightSums<R>,
}

impl<R: Real> DirectionCache<R> {
    /// Resizes the buffers; the passes overwrite their contents.
    pub(super) fn resize(&mut self, shape: GruShape, batch: usize, steps: usize) {
        let row = batch * shape.hidden_size().next_multiple_of(LANES);
        let gates = [&mut self.gates, &mut self.recurrent, &mut self.d_gates];
        for buffer in gates.into_iter().chain([&mut self.d_recurrent]) {
            buffer.resize(steps * 3 * row, R::ZERO);
        }
        self.h.resize((steps + 1) * row, R::ZERO);
        self.d_h.resize(row, R::ZERO);
    }
}
