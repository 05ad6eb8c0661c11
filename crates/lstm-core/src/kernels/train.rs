//! The elementwise loops of training.
use super::lstm::{fused, sigmoid, tanh};
use super::{Isa, Op};
use crate::Real;

/// Splits rows of `[.., 4 * hidden]` into the four gates.
#[inline(always)]
fn gates_of<R>(row: &[R], hidden: usize) -> [&[R]; 4] {
    let (i, rest) = row.split_at(hidden);
    let (f, rest) = rest.split_at(hidden);
    let (g, o) = rest.split_at(hidden);
    [i, f, g, &o[..hidden]]
}

#[inline(always)]
fn gates_of_mut<R>(row: &mut [R], hidden: usize) -> [&mut [R]; 4] {
    let (i, rest) = row.split_at_mut(hidden);
    let (f, rest) = rest.split_at_mut(hidden);
    let (g, o) = rest.split_at_mut(hidden);
    [i, f, g, &mut o[..hidden]]
}

/// One step of the forward pass from its gate sums, for a batch.
pub(crate) struct Activate<'a, R> {
    pub(crate) hidden: usize,
    /// Gate sums in, activated gates out `[B, 4H]`.
    pub(crate) gates: &'a mut [R],
    /// `[B, H]`, like the rest.
    pub(crate) c_before: &'a [R],
    pub(crate) c_after: &'a mut [R],
    pub(crate) tanh_c: &'a mut [R],
    pub(crate) h_after: &'a mut [R],
}

impl<R: Real> Op for Activate<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let hidden = self.hidden;
        for (b, row) in self.gates.chunks_exact_mut(4 * hidden).enumerate() {
            let at = b * hidden..(b + 1) * hidden;
            let [i, f, g, o] = gates_of_mut(row, hidden);
            let c_before = &self.c_before[at.clone()];
            let c_after = &mut self.c_after[at.clone()];
            each::<R>(i, sigmoid::<R, I>);
            each::<R>(f, sigmoid::<R, I>);
            each::<R>(g, tanh::<R, I>);
            each::<R>(o, sigmoid::<R, I>);
            new_cell::<R, I>([i, f, g], c_before, c_after);
            new_hidden::<R, I>(o, c_after, &mut self.tanh_c[at.clone()], &mut self.h_after[at]);
        }
    }
}

#[inline(always)]
fn each<R: Real>(values: &mut [R], function: impl Fn(R) -> R) {
    for value in values {
        *value = function(*value);
    }
}

/// c' = f c + i g
#[inline(always)]
fn new_cell<R: Real, I: Isa>(gates: [&mut [R]; 3], c_before: &[R], c_after: &mut [R]) {
    let [i, f, g] = gates;
    let n = c_after.len();
    let (i, f, g, c_before) = (&i[..n], &f[..n], &g[..n], &c_before[..n]);
    for u in 0..n {
        c_after[u] = fused::<R, I>(f[u], c_before[u], i[u] * g[u]);
    }
}

/// h' = o tanh(c')
#[inline(always)]
fn new_hidden<R: Real, I: Isa>(o: &[R], c: &[R], tanh_c: &mut [R], h: &mut [R]) {
    let n = h.len();
    let (o, c, tanh_c) = (&o[..n], &c[..n], &mut tanh_c[..n]);
    for u in 0..n {
        let value = tanh::<R, I>(c[u]);
        tanh_c[u] = value;
        h[u] = o[u] * value;
    }
}

/// One step of the backward pass down to the gate sums, for a batch.
pub(crate) struct Differentiate<'a, R> {
    pub(crate) hidden: usize,
    /// Activated gates `[B, 4H]`.
    pub(crate) gates: &'a [R],
    /// `[B, H]`.
    pub(crate) c_before: &'a [R],
    /// `[B, H]`.
    pub(crate) tanh_c: &'a [R],
    /// By the hidden state after the step `[B, H]`.
    pub(crate) d_h: &'a [R],
    /// By the cell after the step in, by the cell before it out `[B, H]`.
    pub(crate) d_c: &'a mut [R],
    /// By the gate sums, written `[B, 4H]`.
    pub(crate) d_gates: &'a mut [R],
}

impl<R: Real> Op for Differentiate<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let hidden = self.hidden;
        let rows = self.gates.chunks_exact(4 * hidden);
        for (b, (row, d_row)) in rows.zip(self.d_gates.chunks_exact_mut(4 * hidden)).enumerate() {
            let at = b * hidden..(b + 1) * hidden;
            let [i, f, g, o] = gates_of(row, hidden);
            let [d_i, d_f, d_g, d_o] = gates_of_mut(d_row, hidden);
            let tanh_c = &self.tanh_c[at.clone()];
            let d_c = &mut self.d_c[at.clone()];
            through_hidden(o, tanh_c, &self.d_h[at.clone()], d_c, d_o);
            through_cell([i, f, g], &self.c_before[at], d_c, [d_i, d_f, d_g]);
        }
    }
}

/// `d_o = d_h tanh(c')`, `d_c' = d_c + d_h o (1 - tanh(c')^2)`
#[inline(always)]
fn through_hidden<R: Real>(o: &[R], tanh_c: &[R], d_h: &[R], d_c: &mut [R], d_o: &mut [R]) {
    let n = d_c.len();
    let (o, tanh_c, d_h, d_o) = (&o[..n], &tanh_c[..n], &d_h[..n], &mut d_o[..n]);
    for u in 0..n {
        d_o[u] = d_h[u] * tanh_c[u] * (o[u] * (R::ONE - o[u]));
        d_c[u] += d_h[u] * o[u] * (R::ONE - tanh_c[u] * tanh_c[u]);
    }
}

/// `d_i = d_c' g`, `d_f = d_c' c`, `d_g = d_c' i`, `d_c = d_c' f`
#[inline(always)]
fn through_cell<R: Real>(gates: [&[R]; 3], c_before: &[R], d_c: &mut [R], d_gates: [&mut [R]; 3]) {
    let n = d_c.len();
    let [i, f, g] = gates.map(|gate| &gate[..n]);
    let [d_i, d_f, d_g] = d_gates;
    let (d_i, d_f, d_g) = (&mut d_i[..n], &mut d_f[..n], &mut d_g[..n]);
    let c_before = &c_before[..n];
    for u in 0..n {
        let d = d_c[u];
        d_i[u] = d * g[u] * (i[u] * (R::ONE - i[u]));
        d_f[u] = d * c_before[u] * (f[u] * (R::ONE - f[u]));
        d_g[u] = d * i[u] * (R::ONE - g[u] * g[u]);
        d_c[u] = d * f[u];
    }
}

/// Adds every row to a sum.
pub(crate) struct AddRows<'a, R> {
    /// `[rows, width]`
    pub(crate) rows: &'a [R],
    /// `[width]`
    pub(crate) sum: &'a mut [R],
}

impl<R: Real> Op for AddRows<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for row in self.rows.chunks_exact(self.sum.len()) {
            add_row(self.sum, row);
        }
    }
}

#[inline(always)]
fn add_row<R: Real>(sum: &mut [R], row: &[R]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += *value;
    }
}
