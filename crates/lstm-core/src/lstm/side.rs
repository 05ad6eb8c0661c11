//! How one direction of a layer reads windows, and where its numbers lie.
use crate::kernels::{Rows, RowsMut};

/// One direction of a layer.
///
/// States lie in the order of time whichever way it reads: `[T + 1, B, P]`, a direction that
/// reads from the front starts at state 0, one that reads from the back at state `T`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// The last step is read first.
    pub(crate) reversed: bool,
    /// Numbers per row of the layer's results.
    pub(crate) stride: usize,
    /// Where the direction's own begin in a row.
    pub(crate) offset: usize,
}

impl Side {
    /// The only direction of a layer of that many units.
    pub(super) fn only(hidden: usize) -> Self {
        Self { reversed: false, stride: hidden, offset: 0 }
    }

    /// The step that is read as number `read`.
    pub(super) fn step(self, read: usize, steps: usize) -> usize {
        if self.reversed { steps - 1 - read } else { read }
    }

    /// The state before reading step `t`.
    pub(super) fn before(self, t: usize) -> usize {
        t + usize::from(self.reversed)
    }

    /// The state before the first step that is read.
    pub(super) fn first(self, steps: usize) -> usize {
        if self.reversed { steps } else { 0 }
    }

    /// The state after the last step that is read.
    pub(crate) fn last(self, steps: usize) -> usize {
        steps - self.first(steps)
    }

    /// The states before and after reading step `t`, each `row` numbers.
    pub(super) fn around<R>(self, states: &mut [R], t: usize, row: usize) -> (&[R], &mut [R]) {
        let (low, high) = states[t * row..(t + 2) * row].split_at_mut(row);
        if self.reversed { (high, low) } else { (low, high) }
    }

    /// The direction's rows at step `t` of `[T, B, stride]`.
    pub(crate) fn rows<R>(self, data: &[R], t: usize, batch: usize) -> Rows<'_, R> {
        Rows { data: &data[t * batch * self.stride + self.offset..], stride: self.stride }
    }

    /// The direction's rows at step `t` of `[T, B, stride]`, to be written.
    pub(crate) fn rows_mut<R>(self, data: &mut [R], t: usize, batch: usize) -> RowsMut<'_, R> {
        RowsMut { data: &mut data[t * batch * self.stride + self.offset..], stride: self.stride }
    }
}

impl<R: crate::Real> Rows<'_, R> {
    /// Copies the first `width` numbers of each row into rows that are padded with zeros.
    pub(crate) fn pad_into(&self, width: usize, padded: usize, to: &mut [R]) {
        for (to, from) in to.chunks_exact_mut(padded).zip(self.data.chunks(self.stride)) {
            to[..width].copy_from_slice(&from[..width]);
            to[width..].fill(R::ZERO);
        }
    }
}

impl<R: crate::Real> RowsMut<'_, R> {
    /// Copies the first `width` numbers of each padded row.
    pub(crate) fn unpad_from(&mut self, width: usize, padded: usize, from: &[R]) {
        for (to, from) in self.data.chunks_mut(self.stride).zip(from.chunks_exact(padded)) {
            to[..width].copy_from_slice(&from[..width]);
        }
    }

    /// Adds the first `width` numbers of each padded row.
    pub(crate) fn add_from(&mut self, width: usize, padded: usize, from: &[R]) {
        for (to, from) in self.data.chunks_mut(self.stride).zip(from.chunks_exact(padded)) {
            to[..width].iter_mut().zip(from).for_each(|(to, from)| *to += *from);
        }
    }
}
