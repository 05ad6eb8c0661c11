//! Elementwise kernels for training an attention.
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
        let vectors = self.vectors.chunks_exact(self.width).cycle();
        let rows = self.rows.chunks_exact(self.width).zip(vectors);
        for (dot, (row, vector)) in self.out.iter_mut().zip(rows) {
            *dot = product::<R, I>(isa, row, vector);
        }
    }
}

/// Computes a · b in one fixed order.
#[inline(always)]
fn product<R: Real, I: Isa>(isa: I, a: &[R], b: &[R]) -> R {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sum = R::Vector::<I>::splat(isa, R::ZERO);
    for (a, b) in a.iter().zip(b) {
        sum = R::Vector::<I>::load(isa, a).mul_add(R::Vector::<I>::load(isa, b), sum);
    }
    let mut lanes = [R::ZERO; LANES];
    sum.store(&mut lanes);
    for (lane, (&a, &b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane = fused::<R, I>(a, b, *lane);
    }
    // Pairwise, the upper half onto the lower half.
    let mut eight: [R; 8] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 8]);
    for half in [4, 2, 1] {
        for lane in 0..half {
            eight[lane] += eight[lane + half];
        }
    }
    eight[0]
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
        let rows = self.u.chunks_exact(units).zip(self.d_z.chunks_exact_mut(units));
        for (&d_score, (u, d_z)) in self.d_scores.iter().zip(rows) {
            for (d_z, (&u, &v)) in d_z.iter_mut().zip(u.iter().zip(self.v)) {
                *d_z = d_score * v * (R::ONE - u * u);
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
        let vectors = self.vectors.chunks_exact(self.width).cycle();
        let rows = self.rows.chunks_exact_mut(self.width).zip(vectors);
        for (&weight, (row, vector)) in self.weights.iter().zip(rows) {
            for (sum, &value) in row.iter_mut().zip(vector) {
                *sum = fused::<R, I>(weight, value, *sum);
            }
        }
    }
}
