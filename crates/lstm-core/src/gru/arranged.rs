//! Memory layout of weights and gradients in training.
//!
//! `P` is `H` rounded up to whole vectors of [`LANES`]; the padding is zero.
use super::GruShape;
use super::shape::GruParams;
use crate::Real;
use crate::kernels::LANES;

/// Weights in the layouts that the matrix products read without rearrangement.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrangedWeights<R> {
    /// Biases `b_ih` and `b_hh` `[3, P]`.
    pub(super) b_ih: Vec<R>,
    pub(super) b_hh: Vec<R>,
    /// Transposed weights W `[I, 3, P]` and U `[P, 3, P]`, for the forward pass.
    pub(super) w_columns: Vec<R>,
    pub(super) u_columns: Vec<R>,
    /// Weights W `[3, P, I]` and U `[3, P, P]`, for the backward pass.
    pub(super) w: Vec<R>,
    pub(super) u: Vec<R>,
}

impl<R: Real> ArrangedWeights<R> {
    /// Arranges the weights that the forward pass reads.
    pub(super) fn for_forward(&mut self, shape: GruShape, params: GruParams<'_, R>) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let width = 3 * hidden.next_multiple_of(LANES);
        zeros(&mut self.b_ih, width);
        zeros(&mut self.b_hh, width);
        zeros(&mut self.w_columns, inputs * width);
        zeros(&mut self.u_columns, width / 3 * width);
        for row in 0..3 * hidden {
            let at = padded_row(row, hidden);
            (self.b_ih[at], self.b_hh[at]) = (params.b_ih[row], params.b_hh[row]);
            let column = self.w_columns[at..].iter_mut().step_by(width);
            let weights = &params.w_ih[row * inputs..][..inputs];
            column.zip(weights).for_each(|(target, weight)| *target = *weight);
            let column = self.u_columns[at..].iter_mut().step_by(width);
            let weights = &params.w_hh[row * hidden..][..hidden];
            column.zip(weights).for_each(|(target, weight)| *target = *weight);
        }
    }

    /// Arranges the weights that the backward pass reads.
    pub(super) fn for_backward(&mut self, shape: GruShape, params: GruParams<'_, R>) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let padded = hidden.next_multiple_of(LANES);
        zeros(&mut self.w, 3 * padded * inputs);
        zeros(&mut self.u, 3 * padded * padded);
        for row in 0..3 * hidden {
            let at = padded_row(row, hidden);
            self.w[at * inputs..][..inputs].copy_from_slice(&params.w_ih[row * inputs..][..inputs]);
            self.u[at * padded..][..hidden].copy_from_slice(&params.w_hh[row * hidden..][..hidden]);
        }
    }
}

/// Gradients with respect to the weights of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct WeightSums<R> {
    /// Gradients with respect to W, transposed `[I, 3, P]`.
    pub(super) w: Vec<R>,
    /// Gradients with respect to U `[3, P, P]`.
    pub(super) u: Vec<R>,
    /// Gradients with respect to `b_ih` and `b_hh` `[3, P]`.
    pub(super) b_ih: Vec<R>,
    pub(super) b_hh: Vec<R>,
}

impl<R: Real> WeightSums<R> {
    /// Resets the sums to zero for a layer of this shape.
    pub(super) fn clear(&mut self, shape: GruShape) {
        let padded = shape.hidden_size().next_multiple_of(LANES);
        zeros(&mut self.w, shape.input_size() * 3 * padded);
        zeros(&mut self.u, 3 * padded * padded);
        zeros(&mut self.b_ih, 3 * padded);
        zeros(&mut self.b_hh, 3 * padded);
    }

    /// Adds the sums to the gradients with respect to the parameters of one direction.
    pub(super) fn add_to(&self, shape: GruShape, d_params: &mut [R]) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let padded = hidden.next_multiple_of(LANES);
        let (d_w, rest) = d_params.split_at_mut(3 * hidden * inputs);
        let (d_u, rest) = rest.split_at_mut(3 * hidden * hidden);
        let (d_b_ih, d_b_hh) = rest.split_at_mut(3 * hidden);
        let rows = d_w.chunks_exact_mut(inputs).zip(d_u.chunks_exact_mut(hidden));
        let rows = rows.zip(d_b_ih.iter_mut().zip(d_b_hh));
        for (row, ((d_w, d_u), (d_b_ih, d_b_hh))) in rows.enumerate() {
            let from = padded_row(row, hidden);
            let column = self.w[from..].iter().step_by(3 * padded);
            d_w.iter_mut().zip(column).for_each(|(d, sum)| *d += *sum);
            let sums = &self.u[from * padded..][..hidden];
            d_u.iter_mut().zip(sums).for_each(|(d, sum)| *d += *sum);
            *d_b_ih += self.b_ih[from];
            *d_b_hh += self.b_hh[from];
        }
    }
}

/// Returns the index of row `row` of `[3H, ..]` in the padded layout `[3, P, ..]`.
fn padded_row(row: usize, hidden: usize) -> usize {
    row / hidden * hidden.next_multiple_of(LANES) + row % hidden
}

/// Fills a buffer with `len` zeros.
fn zeros<R: Real>(buffer: &mut Vec<R>, len: usize) {
    buffer.clear();
    buffer.resize(len, R::ZERO);
}
