//! Kernels of the LSTM steps in training, each for a whole batch.
//!
//! A step is a product with the recurrent weights, followed by elementwise operations while the
//! sums are in registers: the activations and the new state in the forward pass, the derivatives
//! with respect to the gate sums in the backward pass. `P` is `H` rounded up to whole vectors.
//! Padded units have zero weights; their results stay in the padding and are never read.
use super::lstm::{fused, tanh};
use super::product::{Tile, add_rows, load};
use super::rows::{copy, rows_from};
use super::vector::{LANES, Vector};
use super::{Isa, Op, PANEL};
use crate::Real;

/// Rows of a batch that are `stride` numbers apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StridedRows<'a, R> {
    pub(crate) data: &'a [R],
    pub(crate) stride: usize,
}

/// Mutable rows of a batch that are `stride` numbers apart.
#[derive(Debug)]
pub(crate) struct StridedRowsMut<'a, R> {
    pub(crate) data: &'a mut [R],
    pub(crate) stride: usize,
}

/// Kernel of a forward step: gate sums b + W x + U h, their activations and the new state.
pub(crate) struct ForwardStep<'a, R> {
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    /// Bias per block of units `[blocks, 4, LANES]`.
    pub(crate) bias: &'a [R],
    /// Columns of W, then of U, per block of units `[blocks, I + H, 4, LANES]`.
    pub(crate) weights: &'a [R],
    /// Inputs of the step, `[B, I]`.
    pub(crate) x: &'a [R],
    /// Hidden state before the step, `[B, P]` like the next four fields.
    pub(crate) h_before: &'a [R],
    pub(crate) c_before: &'a [R],
    pub(crate) h_after: &'a mut [R],
    pub(crate) c_after: &'a mut [R],
    pub(crate) tanh_c: &'a mut [R],
    /// Output for the activated gates, `[B, 4, P]`.
    pub(crate) gates: &'a mut [R],
    /// Additional output for the new hidden states `[B, H]`.
    pub(crate) out: Option<StridedRowsMut<'a, R>>,
}

impl<R: Real> Op for ForwardStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match I::SUM_BYTES / size_of::<[R; LANES]>() {
            16.. => self.by::<I, 4, 4>(isa),
            8.. => self.by::<I, 2, 4>(isa),
            4.. => self.by::<I, 2, 2>(isa),
            2.. => self.by::<I, 1, 2>(isa),
            _ => self.by::<I, 1, 1>(isa),
        }
    }
}

impl<R: Real> ForwardStep<'_, R> {
    /// Computes the step in tiles of `ROWS` rows and `GATES` gates of a block.
    #[inline(always)]
    fn by<I: Isa, const ROWS: usize, const GATES: usize>(mut self, isa: I) {
        let depth = self.inputs + self.hidden;
        let batch = self.x.len() / self.inputs;
        for (block, weights) in self.weights.chunks_exact(depth * PANEL).enumerate() {
            let mut row = 0;
            while row + ROWS <= batch {
                self.tile::<I, ROWS, GATES>(isa, weights, block, row);
                row += ROWS;
            }
            while row < batch {
                self.tile::<I, 1, GATES>(isa, weights, block, row);
                row += 1;
            }
        }
    }

    /// Computes a block of units for `ROWS` rows.
    #[inline(always)]
    fn tile<I: Isa, const ROWS: usize, const GATES: usize>(
        &mut self,
        isa: I,
        weights: &[R],
        block: usize,
        row: usize,
    ) {
        let (inputs, hidden) = (self.inputs, self.hidden);
        let padded = hidden.next_multiple_of(LANES);
        let x = rows_from::<R, ROWS>(self.x, row, inputs, inputs);
        let h = rows_from::<R, ROWS>(self.h_before, row, padded, hidden);
        let (of_x, of_h) = weights.split_at(inputs * PANEL);
        let (bias, _) = self.bias[block * PANEL..][..PANEL].as_chunks::<LANES>();
        let mut sums = [[[R::ZERO; LANES]; 4]; ROWS];
        for first in (0..4).step_by(GATES) {
            let from: Tile<R, I, ROWS, GATES> = [load::<R, I, GATES>(isa, &bias[first..]); ROWS];
            let tile = add_rows::<R, I, ROWS, GATES>(isa, from, x, &of_x[first * LANES..], PANEL);
            let tile = add_rows::<R, I, ROWS, GATES>(isa, tile, h, &of_h[first * LANES..], PANEL);
            for r in 0..ROWS {
                for gate in 0..GATES {
                    tile[r][gate].store(&mut sums[r][first + gate]);
                }
            }
        }
        for r in 0..ROWS {
            self.activate::<I>(sums[r], block * LANES, row + r);
        }
    }

    /// Activates the gates: i, f, o = sigmoid, g = tanh, c' = f c + i g, h' = o tanh(c').
    #[inline(always)]
    fn activate<I: Isa>(&mut self, mut gates: [[R; LANES]; 4], unit: usize, row: usize) {
        let padded = self.hidden.next_multiple_of(LANES);
        let at = row * padded + unit;
        let c_before = lanes(self.c_before, at);
        let mut new = [[R::ZERO; LANES]; 3];
        for u in 0..LANES {
            let i = sigmoid::<R, I>(gates[0][u]);
            let f = sigmoid::<R, I>(gates[1][u]);
            let g = tanh::<R, I>(gates[2][u]);
            let o = sigmoid::<R, I>(gates[3][u]);
            let c = fused::<R, I>(f, c_before[u], i * g);
            let tanh_c = tanh::<R, I>(c);
            (gates[0][u], gates[1][u], gates[2][u], gates[3][u]) = (i, f, g, o);
            (new[0][u], new[1][u], new[2][u]) = (c, tanh_c, o * tanh_c);
        }
        for (gate, values) in gates.iter().enumerate() {
            *lanes_mut(self.gates, (4 * row + gate) * padded + unit) = *values;
        }
        *lanes_mut(self.c_after, at) = new[0];
        *lanes_mut(self.tanh_c, at) = new[1];
        *lanes_mut(self.h_after, at) = new[2];
        if let Some(out) = &mut self.out {
            let out = &mut out.data[row * out.stride + unit..];
            match out.first_chunk_mut::<LANES>() {
                Some(out) if unit + LANES <= self.hidden => *out = new[2],
                _ => {
                    let here = self.hidden - unit;
                    copy(&new[2][..here], out);
                }
            }
        }
    }
}

/// Computes the logistic function as tanh(x / 2) / 2 + 1/2.
///
/// Near 1/2 this is more accurate than 1 / (1 + e^-x), which matters for gradients that are small
/// differences of large numbers.
#[inline(always)]
pub(super) fn sigmoid<R: Real, I: Isa>(x: R) -> R {
    let half = R::from_f64(0.5);
    fused::<R, I>(half, tanh::<R, I>(half * x), half)
}

/// Kernel of a backward step: gradients with respect to the gate sums and the cell.
pub(crate) struct BackwardStep<'a, R> {
    pub(crate) hidden: usize,
    /// Recurrent weights U in panels `[4, P, P]`.
    pub(crate) u: &'a [R],
    /// Gradients with respect to the gate sums of the step read after this one `[B, 4, P]`.
    pub(crate) d_after: Option<&'a [R]>,
    /// Other gradients with respect to the hidden states after the step, `[B, H]` each.
    pub(crate) d_hidden: [Option<StridedRows<'a, R>>; 2],
    /// Activated gates `[B, 4, P]`.
    pub(crate) gates: &'a [R],
    /// Cell before the step, `[B, P]`.
    pub(crate) c_before: &'a [R],
    /// Activation tanh(c') of the new cell, `[B, P]`.
    pub(crate) tanh_c: &'a [R],
    /// Gradient with respect to the cell after the step, overwritten with that before it, `[B, P]`.
    pub(crate) d_c: &'a mut [R],
    /// Output for the gradients with respect to the gate sums, `[B, 4, P]`.
    pub(crate) d_gates: &'a mut [R],
}

impl<R: Real> Op for BackwardStep<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match I::SUM_BYTES / size_of::<[R; LANES]>() {
            16.. => self.by::<I, 4, 4, 8>(isa),
            8.. => self.by::<I, 4, 2, 4>(isa),
            4.. => self.by::<I, 4, 1, 4>(isa),
            2.. => self.by::<I, 2, 1, 2>(isa),
            _ => self.by::<I, 1, 1, 1>(isa),
        }
    }
}

impl<R: Real> BackwardStep<'_, R> {
    /// Computes the step in tiles of `ROWS` rows and `VECS` vectors.
    ///
    /// If fewer than `VECS` vectors are left, tiles have `NARROW` rows, because with fewer sums
    /// the multipliers would be idle.
    #[inline(always)]
    fn by<I: Isa, const ROWS: usize, const VECS: usize, const NARROW: usize>(mut self, isa: I) {
        let padded = self.hidden.next_multiple_of(LANES);
        let mut unit = 0;
        while unit < padded {
            let left = (padded - unit).min(PANEL - unit % PANEL) / LANES;
            if left >= VECS {
                self.strip::<I, ROWS, VECS>(isa, unit);
                unit += VECS * LANES;
            } else if left >= 2 && VECS > 2 {
                self.strip::<I, NARROW, 2>(isa, unit);
                unit += 2 * LANES;
            } else {
                self.strip::<I, NARROW, 1>(isa, unit);
                unit += LANES;
            }
        }
    }

    /// Computes `VECS` vectors of units for all rows.
    #[inline(always)]
    fn strip<I: Isa, const ROWS: usize, const VECS: usize>(&mut self, isa: I, unit: usize) {
        let padded = self.hidden.next_multiple_of(LANES);
        let batch = self.d_c.len() / padded;
        let panel = unit / PANEL * PANEL;
        let width = PANEL.min(padded - panel);
        let u = &self.u[panel * 4 * padded..][..4 * padded * width][unit - panel..];
        let mut row = 0;
        while row + ROWS <= batch {
            self.tile::<I, ROWS, VECS>(isa, u, width, unit, row);
            row += ROWS;
        }
        while row < batch {
            self.tile::<I, 1, VECS>(isa, u, width, unit, row);
            row += 1;
        }
    }

    /// Computes `d_h = U^T d a` of the step read after this one, then the gradients of this step.
    #[inline(always)]
    fn tile<I: Isa, const ROWS: usize, const VECS: usize>(
        &mut self,
        isa: I,
        u: &[R],
        width: usize,
        unit: usize,
        row: usize,
    ) {
        let gates = 4 * self.hidden.next_multiple_of(LANES);
        let mut d_h = [[R::Vector::<I>::splat(isa, R::ZERO); VECS]; ROWS];
        if let Some(d_after) = self.d_after {
            let rows = rows_from(d_after, row, gates, gates);
            d_h = add_rows::<R, I, ROWS, VECS>(isa, d_h, rows, u, width);
        }
        for r in 0..ROWS {
            for vec in 0..VECS {
                self.differentiate::<I>(isa, d_h[r][vec], unit + vec * LANES, row + r);
            }
        }
    }

    /// Computes the gradients of the step from `d_h`:
    ///
    /// ```text
    /// d_o = d_h tanh(c')             d_c' = d_c + d_h o (1 - tanh(c')^2)
    /// d_i = d_c' g    d_f = d_c' c   d_g = d_c' i    d_c = d_c' f
    /// gate sums: d a = d_s s (1 - s) for s = i, f, o;  d a = d_g (1 - g^2)
    /// ```
    #[inline(always)]
    fn differentiate<I: Isa>(&mut self, isa: I, mut d_h: R::Vector<I>, unit: usize, row: usize) {
        let padded = self.hidden.next_multiple_of(LANES);
        let at = row * padded + unit;
        let of_gate = |gate: usize| (4 * row + gate) * padded + unit;
        for from in self.d_hidden.iter().flatten() {
            d_h = d_h.add(upstream::<R, I>(isa, from, self.hidden, unit, row));
        }
        let one = R::Vector::<I>::splat(isa, R::ONE);
        let i = R::Vector::<I>::load(isa, lanes(self.gates, of_gate(0)));
        let f = R::Vector::<I>::load(isa, lanes(self.gates, of_gate(1)));
        let g = R::Vector::<I>::load(isa, lanes(self.gates, of_gate(2)));
        let o = R::Vector::<I>::load(isa, lanes(self.gates, of_gate(3)));
        let c_before = R::Vector::<I>::load(isa, lanes(self.c_before, at));
        let tanh_c = R::Vector::<I>::load(isa, lanes(self.tanh_c, at));
        let d_c = R::Vector::<I>::load(isa, lanes(self.d_c, at));
        let d_c = d_h.mul(o).mul_add(tanh_c.square_from(one), d_c);
        let d_i = d_c.mul(g).mul(i.square_from(i));
        let d_f = d_c.mul(c_before).mul(f.square_from(f));
        let d_g = d_c.mul(i).mul(g.square_from(one));
        let d_o = d_h.mul(tanh_c).mul(o.square_from(o));
        d_i.store(lanes_mut(self.d_gates, of_gate(0)));
        d_f.store(lanes_mut(self.d_gates, of_gate(1)));
        d_g.store(lanes_mut(self.d_gates, of_gate(2)));
        d_o.store(lanes_mut(self.d_gates, of_gate(3)));
        d_c.mul(f).store(lanes_mut(self.d_c, at));
    }
}

/// Loads a vector of units of a row of `hidden` numbers, with zeros after the end of the row.
#[inline(always)]
fn upstream<R: Real, I: Isa>(
    isa: I,
    from: &StridedRows<'_, R>,
    hidden: usize,
    unit: usize,
    row: usize,
) -> R::Vector<I> {
    let from = &from.data[row * from.stride + unit..];
    match from.first_chunk::<LANES>() {
        Some(from) if unit + LANES <= hidden => R::Vector::<I>::load(isa, from),
        _ => {
            let mut padded = [R::ZERO; LANES];
            let here = hidden - unit;
            copy(&from[..here], &mut padded);
            R::Vector::<I>::load(isa, &padded)
        }
    }
}

#[inline(always)]
fn lanes<R>(from: &[R], at: usize) -> &[R; LANES] {
    from[at..].first_chunk().expect("invariant: rows have whole vectors")
}

#[inline(always)]
fn lanes_mut<R>(from: &mut [R], at: usize) -> &mut [R; LANES] {
    from[at..].first_chunk_mut().expect("invariant: rows have whole vectors")
}

/// Kernel that adds every row to a sum.
pub(crate) struct AddRows<'a, R> {
    /// Rows `[rows, width]`.
    pub(crate) rows: &'a [R],
    /// Sum that the rows are added to, `[width]`.
    pub(crate) sum: &'a mut [R],
}

impl<R: Real> Op for AddRows<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let width = self.sum.len();
        let mut at = 0;
        while at + PANEL <= width {
            add_rows_at::<R, I, 4>(isa, self.rows, at, self.sum);
            at += PANEL;
        }
        while at + LANES <= width {
            add_rows_at::<R, I, 1>(isa, self.rows, at, self.sum);
            at += LANES;
        }
        for row in self.rows.chunks_exact(width) {
            for at in at..width {
                self.sum[at] += row[at];
            }
        }
    }
}

/// Adds every row to `VECS` vectors of the sum, which stay in registers.
#[inline(always)]
fn add_rows_at<R: Real, I: Isa, const VECS: usize>(isa: I, rows: &[R], at: usize, sum: &mut [R]) {
    let width = sum.len();
    let (sums, _) = sum[at..].as_chunks_mut::<LANES>();
    let mut vectors = load::<R, I, VECS>(isa, sums);
    for row in rows.chunks_exact(width) {
        let (row, _) = row[at..].as_chunks::<LANES>();
        let row = load::<R, I, VECS>(isa, row);
        for vec in 0..VECS {
            vectors[vec] = vectors[vec].add(row[vec]);
        }
    }
    for vec in 0..VECS {
        vectors[vec].store(&mut sums[vec]);
    }
}
