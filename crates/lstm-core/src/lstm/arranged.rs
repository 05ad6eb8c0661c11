//! Memory layout of weights and gradients in the training kernels.
//!
//! `P` is `H` rounded up to whole vectors of `LANES`; the padding is zero.
use super::{LstmParams, LstmParamsMut, LstmShape};
use crate::Real;
use crate::kernels::{LANES, PANEL};

/// Weights in the order in which the steps read them; rearranged for every batch, because the
/// optimiser changes the weights.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrangedWeights<R> {
    /// Bias per block of units `[P / LANES, 4, LANES]`.
    pub(super) bias: Vec<R>,
    /// Columns of W, then of U, per block of units `[P / LANES, I + H, 4, LANES]`.
    pub(super) columns: Vec<R>,
    /// Recurrent weights U in panels of [`PANEL`] columns `[4, P, P]`.
    pub(super) u: Vec<R>,
    /// Input weights W `[4, P, I]`.
    pub(super) w: Vec<R>,
}

impl<R: Real> ArrangedWeights<R> {
    /// Arranges the weights that the forward pass reads.
    pub(super) fn for_forward(&mut self, shape: LstmShape, params: LstmParams<'_, R>) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let (depth, blocks) = (inputs + hidden, hidden.div_ceil(LANES));
        zeros(&mut self.bias, blocks * PANEL);
        zeros(&mut self.columns, blocks * depth * PANEL);
        for row in 0..4 * hidden {
            let (gate, unit) = (row / hidden, row % hidden);
            let (block, lane) = (unit / LANES, unit % LANES);
            let at = gate * LANES + lane;
            self.bias[block * PANEL + at] = params.bias(row);
            let targets = &mut self.columns[block * depth * PANEL..][..depth * PANEL];
            let targets = targets[at..].iter_mut().step_by(PANEL);
            let numbers = params.w_ih[row * inputs..][..inputs]
                .iter()
                .chain(&params.w_hh[row * hidden..][..hidden]);
            targets.zip(numbers).for_each(|(target, number)| *target = *number);
        }
    }

    /// Arranges the weights that the backward pass reads; W only if gradients with respect to the
    /// inputs are requested.
    pub(super) fn for_backward(
        &mut self,
        shape: LstmShape,
        params: LstmParams<'_, R>,
        by_inputs: bool,
    ) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let padded = hidden.next_multiple_of(LANES);
        zeros(&mut self.u, 4 * padded * padded);
        for panel in (0..hidden).step_by(PANEL) {
            let (width, here) = (PANEL.min(padded - panel), PANEL.min(hidden - panel));
            for row in 0..4 * hidden {
                let target = panel * 4 * padded + padded_row(row, hidden) * width;
                self.u[target..][..here]
                    .copy_from_slice(&params.w_hh[row * hidden + panel..][..here]);
            }
        }
        if by_inputs {
            zeros(&mut self.w, 4 * padded * inputs);
            for (row, numbers) in params.w_ih.chunks_exact(inputs).enumerate() {
                self.w[padded_row(row, hidden) * inputs..][..inputs].copy_from_slice(numbers);
            }
        }
    }
}

/// Sums of weight gradients over the steps of a batch.
#[derive(Debug, Clone, Default)]
pub(super) struct WeightSums<R> {
    /// Gradients with respect to W, transposed `[I, 4, P]`.
    pub(super) w: Vec<R>,
    /// Gradients with respect to U `[4, P, P]`.
    pub(super) u: Vec<R>,
    /// Gradients with respect to b `[4, P]`.
    pub(super) b: Vec<R>,
}

impl<R: Real> WeightSums<R> {
    /// Resets the sums to zero for a layer of this shape.
    pub(super) fn clear(&mut self, shape: LstmShape) {
        let padded = shape.hidden_size().next_multiple_of(LANES);
        zeros(&mut self.w, shape.input_size() * 4 * padded);
        zeros(&mut self.u, 4 * padded * padded);
        zeros(&mut self.b, 4 * padded);
    }

    /// Adds the sums to the gradients with respect to the parameters.
    pub(super) fn add_to(&self, shape: LstmShape, d_params: LstmParamsMut<'_, R>) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let padded = hidden.next_multiple_of(LANES);
        let LstmParamsMut { w_ih, w_hh, b_ih, mut b_hh } = d_params;
        let rows = w_ih.chunks_exact_mut(inputs).zip(w_hh.chunks_exact_mut(hidden)).zip(b_ih);
        for (row, ((d_w, d_u), d_b)) in rows.enumerate() {
            let from = padded_row(row, hidden);
            let column = self.w[from..].iter().step_by(4 * padded);
            d_w.iter_mut().zip(column).for_each(|(d, sum)| *d += *sum);
            let sums = &self.u[from * padded..][..hidden];
            d_u.iter_mut().zip(sums).for_each(|(d, sum)| *d += *sum);
            *d_b += self.b[from];
            if let Some(b_hh) = &mut b_hh {
                b_hh[row] += self.b[from];
            }
        }
    }
}

/// Returns the index of row `row` of `[4H, ..]` in the padded layout `[4, P, ..]`.
fn padded_row(row: usize, hidden: usize) -> usize {
    row / hidden * hidden.next_multiple_of(LANES) + row % hidden
}

/// Fills a buffer with `len` zeros.
fn zeros<R: Real>(buffer: &mut Vec<R>, len: usize) {
    buffer.clear();
    buffer.resize(len, R::ZERO);
}
