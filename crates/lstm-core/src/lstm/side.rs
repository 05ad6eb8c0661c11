//! Reading order and memory layout of one direction of a layer.
use crate::kernels::{StridedRows, StridedRowsMut};

/// One direction of a layer: its reading order, and its columns in the layer's results.
///
/// The states `[T + 1, B, P]` are stored in the order of time for both directions. The forward
/// direction starts at state 0, the reverse direction at state `T`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// Whether the last step is read first.
    pub(crate) reversed: bool,
    /// Length of a row of the layer's results.
    pub(crate) stride: usize,
    /// Offset of the direction's own numbers in a row.
    pub(crate) offset: usize,
}

impl Side {
    /// Creates the direction of a unidirectional layer of `hidden` units.
    pub(crate) fn only(hidden: usize) -> Self {
        Self { reversed: false, stride: hidden, offset: 0 }
    }

    /// Returns the time step at position `read` of the reading order.
    pub(crate) fn step(self, read: usize, steps: usize) -> usize {
        if self.reversed { steps - 1 - read } else { read }
    }

    /// Returns the index of the state before reading step `t`.
    pub(crate) fn before(self, t: usize) -> usize {
        t + usize::from(self.reversed)
    }

    /// Returns the index of the state before the first step read.
    pub(crate) fn first(self, steps: usize) -> usize {
        if self.reversed { steps } else { 0 }
    }

    /// Returns the index of the state after the last step read.
    pub(crate) fn last(self, steps: usize) -> usize {
        steps - self.first(steps)
    }

    /// Returns the states before and after reading step `t`, each `row` numbers.
    pub(crate) fn around<R>(self, states: &mut [R], t: usize, row: usize) -> (&[R], &mut [R]) {
        let (low, high) = states[t * row..(t + 2) * row].split_at_mut(row);
        if self.reversed { (high, low) } else { (low, high) }
    }

    /// Returns the direction's rows at step `t` of `[T, B, stride]`.
    pub(crate) fn rows<R>(self, data: &[R], t: usize, batch: usize) -> StridedRows<'_, R> {
        StridedRows { data: &data[t * batch * self.stride + self.offset..], stride: self.stride }
    }

    /// Returns the direction's rows at step `t` of `[T, B, stride]`, mutable.
    pub(crate) fn rows_mut<R>(
        self,
        data: &mut [R],
        t: usize,
        batch: usize,
    ) -> StridedRowsMut<'_, R> {
        StridedRowsMut {
            data: &mut data[t * batch * self.stride + self.offset..],
            stride: self.stride,
        }
    }
}

impl<R: crate::Real> StridedRows<'_, R> {
    /// Copies the first `width` numbers of each row into rows that are padded with zeros.
    pub(crate) fn pad_into(&self, width: usize, padded: usize, to: &mut [R]) {
        for (to, from) in to.chunks_exact_mut(padded).zip(self.data.chunks(self.stride)) {
            to[..width].copy_from_slice(&from[..width]);
            to[width..].fill(R::ZERO);
        }
    }

    /// Adds the first `width` numbers of each row to padded rows.
    pub(crate) fn add_into(&self, width: usize, padded: usize, to: &mut [R]) {
        for (to, from) in to.chunks_exact_mut(padded).zip(self.data.chunks(self.stride)) {
            to.iter_mut().zip(&from[..width]).for_each(|(to, from)| *to += *from);
        }
    }
}

impl<R: crate::Real> StridedRowsMut<'_, R> {
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
