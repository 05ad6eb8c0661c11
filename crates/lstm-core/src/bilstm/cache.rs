//! Activations cached by the forward pass for the backward pass.
use super::BiLstmShape;
use crate::{LstmCache, LstmStep, Real};

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct BiLstmCache<R> {
    pub(super) shape: Option<BiLstmShape>,
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// Caches of the forward direction, then of the reverse one.
    pub(super) directions: [LstmCache<R>; 2],
    /// Hidden states `[T, B, 2H]`.
    pub(super) hidden: Vec<R>,
    /// Last hidden states `[B, 2H]`.
    pub(super) last_hidden: Vec<R>,
    /// Last cells `[B, 2H]`.
    pub(super) last_cell: Vec<R>,
}

impl<R: Real> BiLstmCache<R> {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the batch size `B` of the last forward pass.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Returns the number of time steps `T` of the last forward pass.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Returns the hidden states after each step `[T, B, 2H]`, forward part first.
    pub fn hidden(&self) -> &[R] {
        &self.hidden
    }

    /// Returns the last hidden states `[B, 2H]`: the forward one after the last step, the reverse
    /// one after the first.
    pub fn last_hidden(&self) -> &[R] {
        &self.last_hidden
    }

    /// Returns the last cells `[B, 2H]`, at the same steps as [`last_hidden`](Self::last_hidden).
    pub fn last_cell(&self) -> &[R] {
        &self.last_cell
    }

    /// Returns the activations of both directions at step `t` of sequence `b` in the last forward
    /// pass, forward direction first; `None` if `t` or `b` is out of range.
    pub fn step(&self, t: usize, b: usize) -> Option<[LstmStep<'_, R>; 2]> {
        let [forward, reverse] = &self.directions;
        Some([forward.step(t, b)?, reverse.step(t, b)?])
    }
}
