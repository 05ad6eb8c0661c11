//! Maximum a posteriori logistic regression with few inputs.

/// Maximum number of Newton steps; about six are enough.
const MAX_STEPS: usize = 50;

/// Normal prior of a weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prior {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

/// Returns the weights w that minimise `Σ ln(1 + exp(∓ x·w)) + Σ (w − mean)² / 2 deviation²`.
///
/// `rows` `[N, K]` are the inputs, `rose` whether each outcome was UP. The cost is strictly convex;
/// Newton's method with halved steps finds its minimum. All sums are in the order of the rows.
pub(crate) fn weights(rows: &[f64], rose: &[bool], priors: &[Prior]) -> Vec<f64> {
    let mut weights: Vec<f64> = priors.iter().map(|prior| prior.mean).collect();
    let mut cost = cost_of(rows, rose, priors, &weights);
    for _ in 0..MAX_STEPS {
        let (gradient, hessian) = derivatives(rows, rose, priors, &weights);
        let step = solve(hessian, &gradient);
        let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let mut length = 1.0;
        let lower = loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - length * s).collect();
            let at = cost_of(rows, rose, priors, &next);
            if at < cost {
                break Some((next, at));
            }
            length /= 2.0;
            if length < 1e-6 {
                break None;
            }
        };
        let Some((next, at)) = lower else { break };
        (weights, cost) = (next, at);
        if gain < 1e-10 {
            break;
        }
    }
    weights
}

/// Computes x·w.
pub(crate) fn dot(x: &[f64], weights: &[f64]) -> f64 {
    x.iter().zip(weights).map(|(x, w)| x * w).sum()
}

/// Computes the logistic function 1 / (1 + exp(−x)).
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn cost_of(rows: &[f64], rose: &[bool], priors: &[Prior], weights: &[f64]) -> f64 {
    let losses = rows.chunks_exact(weights.len()).zip(rose).map(|(x, rose)| {
        let logit = dot(x, weights);
        let margin = if *rose { logit } else { -logit };
        (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
    });
    let penalties = weights.iter().zip(priors);
    let penalties = penalties.map(|(w, prior)| ((w - prior.mean) / prior.deviation).powi(2) / 2.0);
    losses.sum::<f64>() + penalties.sum::<f64>()
}

/// Computes gradient `[K]` and Hessian `[K, K]` of the cost.
fn derivatives(
    rows: &[f64],
    rose: &[bool],
    priors: &[Prior],
    weights: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let n = weights.len();
    let (mut gradient, mut hessian) = (vec![0.0; n], vec![0.0; n * n]);
    for (i, prior) in priors.iter().enumerate() {
        let precision = prior.deviation.powi(-2);
        gradient[i] = (weights[i] - prior.mean) * precision;
        hessian[i * n + i] = precision;
    }
    for (x, rose) in rows.chunks_exact(n).zip(rose) {
        let p = sigmoid(dot(x, weights));
        let (residual, curvature) = (p - f64::from(u8::from(*rose)), p * (1.0 - p));
        for i in 0..n {
            gradient[i] += residual * x[i];
            for j in 0..=i {
                hessian[i * n + j] += curvature * x[i] * x[j];
            }
        }
    }
    (gradient, hessian)
}

/// Solves A x = b by the Cholesky factor of A, of which only the lower triangle is read.
fn solve(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    let (n, mut x) = (b.len(), b.to_vec());
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - sum;
            // The priors make the diagonal positive, except for rounding errors.
            a[i * n + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / a[j * n + j] };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i * n + k] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: Prior = Prior { mean: 0.3, deviation: 0.5 };

    #[test]
    fn map_without_rows_is_the_prior_mean() {
        assert_eq!(weights(&[], &[], &[PRIOR; 2]), [0.3, 0.3]);
    }

    #[test]
    fn map_recovers_the_weights_that_drew_the_outcomes() {
        let (mut rows, mut rose) = (Vec::new(), Vec::new());
        for i in 0..40_000_u32 {
            let uniform = |step: f64| (f64::from(i) * step).fract();
            let x = [4.0 * uniform(0.618_034) - 2.0, 4.0 * uniform(0.324_718) - 2.0];
            rows.extend(x);
            rose.push(uniform(0.754_878) < sigmoid(1.2 * x[0] - 0.7 * x[1]));
        }
        let got = weights(&rows, &rose, &[PRIOR; 2]);
        assert!((got[0] - 1.2).abs() < 0.03 && (got[1] + 0.7).abs() < 0.03, "{got:?}");
        let (gradient, _) = derivatives(&rows, &rose, &[PRIOR; 2], &got);
        assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{gradient:?}");
    }

    #[test]
    fn map_of_separable_outcomes_is_finite() {
        let rows: Vec<f64> = (0..100).map(|i| f64::from(i) - 49.5).collect();
        let rose: Vec<bool> = rows.iter().map(|x| *x > 0.0).collect();
        let got = weights(&rows, &rose, &[PRIOR]);
        assert!(got[0] > 0.3 && got[0].is_finite(), "{got:?}");
    }
}
