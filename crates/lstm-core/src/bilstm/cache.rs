//! What the forward pass keeps for the backward pass.
use super::BiLstmShape;
use crate::{LstmCache, Real};

/// The activations of one forward pass, and working memory of the backward pass.
///
/// Make one and use it for all batches: buffers grow to the largest batch and stay.
#[derive(Debug, Clone, Default)]
pub struct BiLstmCache<R> {
    pub(super) shape: Option<BiLstmShape>,
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) forward: LstmCache<R>,
    /// In its own order of reading: the last step first.
    pub(super) reverse: LstmCache<R>,
    /// The inputs, last step first `[T, B, I]`.
    pub(super) x_reverse: Vec<R>,
    /// `[T, B, 2H]`
    pub(super) hidden: Vec<R>,
    /// `[B, 2H]`
    pub(super) last_hidden: Vec<R>,
    /// `[B, 2H]`
    pub(super) last_cell: Vec<R>,
    /// Gradient by the inputs, last step first `[T, B, I]`.
    pub(super) d_x_reverse: Vec<R>,
    /// Gradients by every hidden state, the last hidden states and the last cells.
    pub(super) upstream: [Halves<R>; 3],
    /// Hidden states and cells at the start, or the gradients by them.
    pub(super) start: [Halves<R>; 2],
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
}

/// The two halves of rows that have both directions side by side.
#[derive(Debug, Clone, Default)]
pub(super) struct Halves<R> {
    pub(super) forward: Vec<R>,
    pub(super) reverse: Vec<R>,
}

impl<R: Real> Halves<R> {
    /// Zeros for `rows` rows of `width` numbers in each half.
    pub(super) fn zero(&mut self, rows: usize, width: usize) {
        for half in [&mut self.forward, &mut self.reverse] {
            half.clear();
            half.resize(rows * width, R::ZERO);
        }
    }

    /// The halves of `both` `[T, B, 2H]`, the steps of the reverse one last first.
    pub(super) fn split(&mut self, both: &[R], batch: usize, width: usize) {
        self.zero(both.len() / (2 * width), width);
        let step = batch * width;
        let forward = self.forward.chunks_exact_mut(step);
        let reverse = self.reverse.chunks_exact_mut(step).rev();
        for (rows, (forward, reverse)) in both.chunks_exact(2 * step).zip(forward.zip(reverse)) {
            let halves = forward.chunks_exact_mut(width).zip(reverse.chunks_exact_mut(width));
            for (row, (forward, reverse)) in rows.chunks_exact(2 * width).zip(halves) {
                forward.copy_from_slice(&row[..width]);
                reverse.copy_from_slice(&row[width..]);
            }
        }
    }

    /// Adds the halves `[B, H]` to `both` `[B, 2H]`.
    pub(super) fn add_to(&self, both: &mut [R], width: usize) {
        let halves = self.forward.chunks_exact(width).zip(self.reverse.chunks_exact(width));
        for (row, (forward, reverse)) in both.chunks_exact_mut(2 * width).zip(halves) {
            add(&mut row[..width], forward);
            add(&mut row[width..], reverse);
        }
    }
}

pub(super) fn add<R: Real>(to: &mut [R], what: &[R]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += *what;
    }
}

/// Puts halves side by side: `forward` and `reverse` `[T, B, H]`, the latter last step first, as
/// `[T, B, 2H]`.
pub(super) fn join<R: Real>(
    [forward, reverse]: [&[R]; 2],
    batch: usize,
    width: usize,
    both: &mut Vec<R>,
) {
    both.clear();
    let steps = forward.chunks_exact(batch * width).zip(reverse.chunks_exact(batch * width).rev());
    for (forward, reverse) in steps {
        for (forward, reverse) in forward.chunks_exact(width).zip(reverse.chunks_exact(width)) {
            both.extend_from_slice(forward);
            both.extend_from_slice(reverse);
        }
    }
}
