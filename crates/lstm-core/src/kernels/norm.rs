//! Inference kernel of the layer normalisation.
use super::attention::tree_sum;
use super::vector::LANES;
use super::{Isa, Op};
use crate::Real;

/// Number of rows that are normalised together: the sums of a single row depend on each other, so
/// the processor would wait for them.
const ROWS: usize = 4;

/// Kernel of the layer normalisation of rows, without fused multiply-add.
///
/// Every sum has one order: partial sums of every sixteenth number, added pairwise.
pub(crate) struct NormRows<'a, R> {
    pub(crate) epsilon: f64,
    /// Factors w and addends b, `[2, N]`.
    pub(crate) weights: &'a [R],
    /// Rows x, `[B, N]`.
    pub(crate) xs: &'a [R],
    /// Output for the rows y, `[B, N]`.
    pub(crate) ys: &'a mut [R],
}

impl<R: Real> Op for NormRows<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { epsilon, weights, xs, ys } = self;
        let some = ROWS * weights.len() / 2;
        let mut first = 0;
        while first + some <= xs.len() {
            normalise::<R, ROWS>(epsilon, weights, &xs[first..], &mut ys[first..]);
            first += some;
        }
        while first < xs.len() {
            normalise::<R, 1>(epsilon, weights, &xs[first..], &mut ys[first..]);
            first += weights.len() / 2;
        }
    }
}

/// Normalises the first `COUNT` rows.
#[inline(always)]
fn normalise<R: Real, const COUNT: usize>(epsilon: f64, weights: &[R], xs: &[R], ys: &mut [R]) {
    let size = weights.len() / 2;
    let (w, b) = (&weights[..size], &weights[size..][..size]);
    let count = R::from_f64(size as f64);
    let mut means = [R::ZERO; COUNT];
    for row in 0..COUNT {
        means[row] = sum(&xs[row * size..][..size]) / count;
    }
    for row in 0..COUNT {
        let x = &xs[row * size..][..size];
        let y = &mut ys[row * size..][..size];
        for at in 0..size {
            y[at] = x[at] - means[row];
        }
        // The mean of the differences is the rounding error of the mean: with a small variance it
        // would not be small against the standard deviation.
        means[row] = sum(y) / count;
    }
    let mut factors = [R::ZERO; COUNT];
    for row in 0..COUNT {
        let y = &mut ys[row * size..][..size];
        for y in &mut *y {
            *y -= means[row];
        }
        let variance = sum_of_squares(y) / count;
        factors[row] = R::ONE / (variance + R::from_f64(epsilon)).sqrt();
    }
    for row in 0..COUNT {
        let y = &mut ys[row * size..][..size];
        for at in 0..size {
            y[at] = y[at] * factors[row] * w[at] + b[at];
        }
    }
}

#[inline(always)]
fn sum<R: Real>(values: &[R]) -> R {
    let mut sums = [R::ZERO; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += *value;
    }
    tree_sum(sums)
}

#[inline(always)]
fn sum_of_squares<R: Real>(values: &[R]) -> R {
    let mut sums = [R::ZERO; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane] * chunk[lane];
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += *value * *value;
    }
    tree_sum(sums)
}
