//! What the forward pass keeps for the backward pass.
use super::BiLstmShape;
use crate::{LstmCache, LstmStep, Real};

/// The activations of one forward pass, and working memory of the backward pass.
///
/// Make one and use it for all batches: buffers grow to the largest batch and stay.
#[derive(Debug, Clone, Default)]
pub struct BiLstmCache<R> {
    pub(super) shape: Option<BiLstmShape>,
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// The forward direction, then the reverse one.
    pub(super) directions: [LstmCache<R>; 2],
    /// `[T, B, 2H]`
    pub(super) hidden: Vec<R>,
    /// `[B, 2H]`
    pub(super) last_hidden: Vec<R>,
    /// `[B, 2H]`
    pub(super) last_cell: Vec<R>,
}

impl<R: Real> BiLstmCache<R> {
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

    /// The hidden states after reading each step `[T, B, 2H]`, forward part first.
    pub fn hidden(&self) -> &[R] {
        &self.hidden
    }

    /// The last hidden states `[B, 2H]`: the forward one after the last step, the reverse one
    /// after the first.
    pub fn last_hidden(&self) -> &[R] {
        &self.last_hidden
    }

    /// The cells that belong to [`last_hidden`](Self::last_hidden) `[B, 2H]`.
    pub fn last_cell(&self) -> &[R] {
        &self.last_cell
    }

    /// What happened at step `t` of sequence `b` in the last forward pass, forward direction first;
    /// `None` outside it. The reverse part of step t is what it did on reading step t.
    pub fn step(&self, t: usize, b: usize) -> Option<[LstmStep<'_, R>; 2]> {
        let [forward, reverse] = &self.directions;
        Some([forward.step(t, b)?, reverse.step(t, b)?])
    }
}
