//! Elementwise kernels for training an attention.
use super::attention::tree_sum;
use super::lstm::{fused, tanh};
use super::vector::{LANES, Vector};
use super::{Isa, Op};
use crate::Real;

/// Kernel that replaces every entry with its tanh.
pub(crate) struct Tanh<'a, R> {
    pub(crate) values: &'a mut [R],
}

impl<R: Real> Op for Tanh<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        for value in self.values {
            *value = tanh::<R, I>(*value);
        }
    }
}

/// Kernel of the scalar products of each row with the vector of its sequence.
pub(crate) struct Dots<'a, R> {
    /// Rows of all sequences, `[T, B, width]`.
    pub(crate) rows: &'a [R],
    /// One vector per sequence `[B, width]`, or a single one for all sequences.
    pub(crate) vectors: &'a [R],
    pub(crate) width: usize,
    /// Output for the products, `[T, B]`.
    pub(crate) out: &'a mut [R],
}

impl<R: Real> Op for Dots<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self { rows, vectors, width, out } = self;
        let count = vectors.len() / width;
        for (step, dots) in out.chunks_mut(count).enumerate() {
            for (sequence, dot) in dots.iter_mut().enumerate() {
                let row = &rows[(step * count + sequence) * width..][..width];
                *dot = product::<R, I>(isa, row, &vectors[sequence * width..][..width]);
            }
        }
    }
}

/// Computes a · b in one fixed order.
#[inline(always)]
fn product<R: Real, I: Isa>(isa: I, a: &[R], b: &[R]) -> R {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sum = R::Vector::<I>::splat(isa, R::ZERO);
    let (b, b_rest) = (&b[..a.len()], &b_rest[..a_rest.len()]);
    for at in 0..a.len() {
        let factor = R::Vector::<I>::load(isa, &b[at]);
        sum = R::Vector::<I>::load(isa, &a[at]).mul_add(factor, sum);
    }
    let mut lanes = [R::ZERO; LANES];
    sum.store(&mut lanes);
    for lane in 0..a_rest.len() {
        lanes[lane] = fused::<R, I>(a_rest[lane], b_rest[lane], lanes[lane]);
    }
    tree_sum(lanes)
}

/// Kernel of the gradient `d_z = d_score v (1 - u^2)` with u = tanh z, row by row.
pub(crate) struct TanhBackward<'a, R> {
    /// Gradients with respect to the scores, `[rows]`.
    pub(crate) d_scores: &'a [R],
    /// Score weights, `[A]`.
    pub(crate) v: &'a [R],
    /// Activations tanh z, `[rows, A]`.
    pub(crate) u: &'a [R],
    /// Output for the gradients with respect to z, `[rows, A]`.
    pub(crate) d_z: &'a mut [R],
}

impl<R: Real> Op for TanhBackward<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let units = self.v.len();
        for (row, &d_score) in self.d_scores.iter().enumerate() {
            let u = &self.u[row * units..][..units];
            let d_z = &mut self.d_z[row * units..][..units];
            for unit in 0..units {
                d_z[unit] = d_score * self.v[unit] * (R::ONE - u[unit] * u[unit]);
            }
        }
    }
}

/// Kernel that adds `weight_t` times the vector of its sequence to each row.
pub(crate) struct AddWeighted<'a, R> {
    /// Weights of the rows, `[T, B]`.
    pub(crate) weights: &'a [R],
    /// Vectors of the sequences, `[B, width]`.
    pub(crate) vectors: &'a [R],
    pub(crate) width: usize,
    /// Rows that are added to, `[T, B, width]`.
    pub(crate) rows: &'a mut [R],
}

impl<R: Real> Op for AddWeighted<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { weights, vectors, width, rows } = self;
        let batch = vectors.len() / width;
        for (step, weights) in weights.chunks(batch).enumerate() {
            for (sequence, &weight) in weights.iter().enumerate() {
                let vector = &vectors[sequence * width..][..width];
                let row = &mut rows[(step * batch + sequence) * width..][..width];
                for at in 0..width {
                    row[at] = fused::<R, I>(weight, vector[at], row[at]);
                }
            }
        }
    }
}
