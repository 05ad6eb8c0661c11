//! Weights by penalised maximum likelihood, and their standard errors.
use crate::linear::solver::{cholesky, dot, log_loss, residual, sigmoid, solve};

/// Prior standard deviation of each weight, in units of ln p(UP)/p(DOWN).
const PRIOR_DEVIATION: f64 = 1.0;

/// Maximum number of Newton steps; a convex function of few weights needs about six.
const MAX_STEPS: usize = 50;

/// Squashed signals with their outcomes.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    /// Number of signals.
    pub(super) width: usize,
    /// Signals of each window, `[windows, width]`.
    pub(super) rows: Vec<f64>,
    /// Whether the label of each window is UP; otherwise it is DOWN.
    pub(super) rose: Vec<bool>,
    /// Index of the time block of each window, ascending.
    pub(super) block: Vec<i64>,
}

/// Fitted weights with their standard errors.
#[derive(Debug)]
pub(super) struct WeightEstimate {
    pub(super) weights: Vec<f64>,
    /// Standard error of each weight; `None` for fewer than 20 blocks.
    pub(super) errors: Option<Vec<f64>>,
    /// Number of time blocks.
    pub(super) blocks: usize,
}

/// Minimum number of blocks for standard errors.
const MIN_BLOCKS: usize = 20;

impl Outcomes {
    /// Iterates over the signals of each window and whether its label is UP.
    fn cases(&self) -> impl Iterator<Item = (&[f64], bool)> {
        self.rows.chunks_exact(self.width.max(1)).zip(self.rose.iter().copied())
    }

    /// Minimises `Σ ln(1 + exp(∓x·w)) + |w|² / 2σ²` by Newton's method with step halving.
    ///
    /// The function is convex and has one minimum. The sums have a fixed order, so the result is
    /// bit-reproducible.
    pub(super) fn fit(&self) -> WeightEstimate {
        let mut weights = vec![0.0; self.width];
        let mut cost = self.cost(&weights);
        for _ in 0..MAX_STEPS {
            let (gradient, curvature) = self.derivatives(&weights);
            let step = solve(&cholesky(&curvature, self.width, 0.0, 0), &gradient);
            let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            let mut size = 1.0;
            let next = loop {
                let candidate: Vec<f64> =
                    weights.iter().zip(&step).map(|(w, s)| w - size * s).collect();
                if self.cost(&candidate) <= cost - 1e-4 * size * slope {
                    break Some(candidate);
                }
                size /= 2.0;
                if size < 1e-6 {
                    break None;
                }
            };
            let Some(next) = next else { break };
            weights = next;
            cost = self.cost(&weights);
            if slope < 1e-12 {
                break;
            }
        }
        let (blocks, errors) = self.errors(&weights);
        WeightEstimate { weights, errors, blocks }
    }

    /// Computes the cost: log losses plus the penalty of the prior.
    fn cost(&self, weights: &[f64]) -> f64 {
        let prior = dot(weights, weights) / (2.0 * PRIOR_DEVIATION * PRIOR_DEVIATION);
        let losses = self.cases().map(|(row, rose)| log_loss(dot(row, weights), rose));
        losses.sum::<f64>() + prior
    }

    /// Computes the gradient and the Hessian (row by row) of the cost.
    fn derivatives(&self, weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = self.width;
        let mut gradient: Vec<f64> =
            weights.iter().map(|w| w / (PRIOR_DEVIATION * PRIOR_DEVIATION)).collect();
        let mut curvature = vec![0.0; n * n];
        for (row, rose) in self.cases() {
            let p = sigmoid(dot(row, weights));
            let (residual, spread) = (p - f64::from(u8::from(rose)), p * (1.0 - p));
            for i in 0..n {
                gradient[i] += residual * row[i];
                for j in 0..n {
                    curvature[i * n + j] += spread * row[i] * row[j];
                }
            }
        }
        (0..n).for_each(|i| curvature[i * n + i] += 1.0 / (PRIOR_DEVIATION * PRIOR_DEVIATION));
        (gradient, curvature)
    }

    /// Computes the number of blocks and the cluster-robust standard errors of the weights.
    fn errors(&self, weights: &[f64]) -> (usize, Option<Vec<f64>>) {
        let n = self.width;
        let mut blocks: Vec<Vec<f64>> = Vec::new();
        let mut last = None;
        for ((row, rose), block) in self.cases().zip(&self.block) {
            if last != Some(block) {
                blocks.push(vec![0.0; n]);
                last = Some(block);
            }
            let residual = residual(dot(row, weights), rose);
            let gradient = blocks.last_mut().expect("invariant: at least one block");
            gradient.iter_mut().zip(row).for_each(|(g, x)| *g += residual * x);
        }
        if blocks.len() < MIN_BLOCKS {
            return (blocks.len(), None);
        }
        let (_, curvature) = self.derivatives(weights);
        let factor = cholesky(&curvature, n, 0.0, 0);
        let mut variances = vec![0.0; n];
        for gradient in &blocks {
            let shift = solve(&factor, gradient);
            variances.iter_mut().zip(shift).for_each(|(v, s)| *v += s * s);
        }
        let b = blocks.len() as f64;
        let errors = variances.iter().map(|v| (v * b / (b - 1.0)).sqrt()).collect();
        (blocks.len(), Some(errors))
    }

    /// Computes the standard deviation of each signal.
    pub(super) fn deviations(&self) -> Vec<f64> {
        (0..self.width).map(|column| self.deviation(column)).collect()
    }

    fn deviation(&self, column: usize) -> f64 {
        let n = self.rose.len() as f64;
        let mean = self.column(column).sum::<f64>() / n;
        (self.column(column).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    fn column(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.cases().map(move |(row, _)| row[column])
    }

    /// Finds the logit ν of NEUTRAL for which its mean probability equals its share of the labels.
    ///
    /// The mean of `e^ν / (e^(x/2) + e^(−x/2) + e^ν)` is over these windows, all labelled UP or
    /// DOWN, with x = x·w. The share is (`neutral` + 1/2) / (number of windows + `neutral` + 1),
    /// with `neutral` further windows labelled NEUTRAL.
    pub(super) fn neutral_logit(&self, weights: &[f64], neutral: usize) -> f64 {
        let moved = self.rose.len() as f64;
        let share = (neutral as f64 + 0.5) / (moved + neutral as f64 + 1.0);
        let (mut low, mut high) = (-20.0, 20.0);
        while high - low > 1e-9 {
            let middle = f64::midpoint(low, high);
            if self.neutral_share(weights, middle) < share { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }

    /// Computes the mean probability of NEUTRAL for its logit.
    fn neutral_share(&self, weights: &[f64], logit: f64) -> f64 {
        let weight = logit.exp();
        let rows = self.cases().map(|(row, _)| row);
        let sum: f64 =
            rows.map(|row| weight / (weight + 2.0 * (dot(row, weights) / 2.0).cosh())).sum();
        sum / self.rose.len() as f64
    }
}

/// Computes the 97.5 % quantile of Student's t distribution for at least 19 degrees of freedom.
///
/// The absolute error is at most 1e-5.
///
/// **Source** Abramowitz and Stegun 26.7.5.
pub(super) fn student_975(freedom: f64) -> f64 {
    1.959_963_985
        + (2.372_271_2 + (2.822_498_6 + (2.555_849_5 + 1.589_534_0 / freedom) / freedom) / freedom)
            / freedom
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the `i`-th number of an evenly distributed sequence in [0, 1), without a generator.
    fn even(i: u32, step: f64) -> f64 {
        (f64::from(i) * step).fract()
    }

    /// Simulates outcomes with ln p/(1 − p) = x·w from evenly distributed sequences.
    fn simulated(n: u32, weights: &[f64]) -> Outcomes {
        let steps = [0.754_877_666_246_692_8, 0.569_840_290_998_053_3, 0.324_717_957_244_746];
        let mut outcomes = Outcomes { width: weights.len(), ..Outcomes::default() };
        for i in 1..=n {
            let row: Vec<f64> =
                steps[..weights.len()].iter().map(|step| 2.0 * even(i, *step) - 1.0).collect();
            let p = sigmoid(dot(&row, weights));
            outcomes.rows.extend(&row);
            outcomes.rose.push(even(i, 0.618_033_988_749_894_9) < p);
            outcomes.block.push(i64::from(i) / 20);
        }
        outcomes
    }

    #[test]
    fn v2_fit_recovers_the_true_weights() {
        let truth = [1.5, -0.7, 0.0];
        let WeightEstimate { weights, .. } = simulated(100_000, &truth).fit();
        for (got, want) in weights.iter().zip(truth) {
            assert!((got - want).abs() < 0.05, "{weights:?}");
        }
    }

    #[test]
    fn v2_fit_minimises_the_cost() {
        let outcomes = simulated(300, &[1.0, -2.0]);
        let WeightEstimate { weights, .. } = outcomes.fit();
        let (gradient, _) = outcomes.derivatives(&weights);
        assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
        for direction in [[1e-3, 0.0], [-1e-3, 0.0], [0.0, 1e-3], [0.0, -1e-3]] {
            let moved: Vec<f64> = weights.iter().zip(direction).map(|(w, d)| w + d).collect();
            assert!(outcomes.cost(&moved) > outcomes.cost(&weights));
        }
    }

    #[test]
    fn v2_fit_of_perfect_signals_has_finite_weights() {
        let mut outcomes = Outcomes { width: 1, ..Outcomes::default() };
        for i in 0..1_000 {
            outcomes.rows.push(if i % 2 == 0 { 1.0 } else { -1.0 });
            outcomes.rose.push(i % 2 == 0);
            outcomes.block.push(i);
        }
        let WeightEstimate { weights, .. } = outcomes.fit();
        assert!(weights[0] > 3.0 && weights[0] < 10.0, "{weights:?}");
    }

    #[test]
    fn v2_neutral_logit_gives_the_share_of_neutral() {
        let outcomes = simulated(900, &[0.5]);
        let weights = [0.5];
        let logit = outcomes.neutral_logit(&weights, 100);
        let p = |x: f64| logit.exp() / (logit.exp() + 2.0 * (x / 2.0).cosh());
        let mean = outcomes.cases().map(|(row, _)| p(dot(row, &weights))).sum::<f64>() / 900.0;
        assert!((mean - 100.5 / 1_001.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn v2_student_quantile_matches_the_table() {
        for (freedom, want) in [(19.0, 2.093_024_05), (60.0, 2.000_297_8), (1e9, 1.959_963_98)] {
            assert!((student_975(freedom) - want).abs() < 1e-5, "{freedom}");
        }
    }
}
