//! Functions for maximum-likelihood fits that the linear models share.
//!
//! The learned v2 has about six weights and is fitted with Newton's method. The logistic regression
//! on whole windows has hundreds of weights and is fitted with a fixed upper bound of the Hessian,
//! which is factored once. Each model has its own iteration; everything that both use is here.

/// Computes x·w, adding the terms in order.
pub(super) fn dot(x: &[f64], weights: &[f64]) -> f64 {
    x.iter().zip(weights).map(|(x, w)| x * w).sum()
}

/// Computes x·w in eight independent sums, which is faster for long x.
pub(super) fn long_dot<T: Copy + Into<f64>>(x: &[T], weights: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x, weights) = (x.chunks_exact(8), weights.chunks_exact(8));
    let rest = x.remainder().iter().zip(weights.remainder());
    let rest: f64 = rest.map(|(x, w)| (*x).into() * w).sum();
    for (x, w) in x.zip(weights) {
        for lane in 0..8 {
            sums[lane] += x[lane].into() * w[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Computes the logistic function 1 / (1 + exp(−x)).
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Computes −ln p(outcome) from the logit of UP: `ln(1 + exp(∓x))` without overflow.
pub(super) fn log_loss(logit: f64, rose: bool) -> f64 {
    let margin = if rose { logit } else { -logit };
    (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
}

/// Computes p(UP) minus the outcome (1 or 0), the derivative of [`log_loss`].
pub(super) fn residual(logit: f64, rose: bool) -> f64 {
    sigmoid(logit) - f64::from(u8::from(rose))
}

/// Computes the Cholesky factor L of a symmetric matrix.
///
/// `penalty` is added to the first `penalised` entries of the diagonal. Only the lower triangle of
/// the matrix is read.
pub(super) fn cholesky(matrix: &[f64], n: usize, penalty: f64, penalised: usize) -> Vec<f64> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let added = if i == j && i < penalised { penalty } else { 0.0 };
            let rest = matrix[i * n + j] + added - sum;
            // The penalty makes the diagonal positive, except for rounding errors.
            l[i * n + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / l[j * n + j] };
        }
    }
    l
}

/// Solves L Lᵀ x = b for x.
pub(super) fn solve(l: &[f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut x = b.to_vec();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_factor_solves_a_linear_system() {
        let a = [4.0, 1.0, 0.5, 1.0, 3.0, -0.25, 0.5, -0.25, 2.0];
        let x = solve(&cholesky(&a, 3, 0.0, 0), &[1.0, -2.0, 0.5]);
        let back: Vec<f64> = a.chunks_exact(3).map(|row| dot(row, &x)).collect();
        for (got, want) in back.iter().zip([1.0, -2.0, 0.5]) {
            assert!((got - want).abs() < 1e-12, "{back:?}");
        }
    }

    #[test]
    fn cholesky_factor_with_penalty_solves_a_linear_system() {
        let a = [4.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.5, -0.25, 2.0];
        let x = solve(&cholesky(&a, 3, 1.5, 2), &[1.0, -2.0, 0.5]);
        let whole = [[5.5, 1.0, 0.5], [1.0, 4.5, -0.25], [0.5, -0.25, 2.0]];
        for (row, want) in whole.iter().zip([1.0, -2.0, 0.5]) {
            assert!((dot(row, &x) - want).abs() < 1e-12, "{x:?}");
        }
    }
}
