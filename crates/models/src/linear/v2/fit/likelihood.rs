//! Maximum-likelihood weights and their standard errors.
use crate::linear::solver::{cholesky, dot, log_loss, residual, sigmoid, solve};

/// Spread of every weight before any candle is seen, in units of ln p(UP)/p(DOWN).
const PRIOR: f64 = 1.0;

/// Newton's steps at most; a convex function of few weights needs about six.
const STEPS: usize = 50;

/// Squashed signals with what came: rows of `width` numbers, and whether the close rose.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    pub(super) width: usize,
    pub(super) rows: Vec<f64>,
    pub(super) rose: Vec<bool>,
    /// Number of each window's block of time, ascending.
    pub(super) block: Vec<i64>,
}

/// Weights with their covariance.
#[derive(Debug)]
pub(super) struct Maximum {
    pub(super) weights: Vec<f64>,
    /// Standard error of each; `None` for fewer than 20 blocks.
    pub(super) errors: Option<Vec<f64>>,
    pub(super) blocks: usize,
}

/// Fewest blocks that tell the spread.
const MIN_BLOCKS: usize = 20;

impl Outcomes {
    fn cases(&self) -> impl Iterator<Item = (&[f64], bool)> {
        self.rows.chunks_exact(self.width.max(1)).zip(self.rose.iter().copied())
    }

    /// Minimises `Σ ln(1 + exp(∓x·w)) + |w|² / 2σ²` by Newton's method with halved steps. It is
    /// convex, so there is one minimum; sums run in order, so it is the same bits always.
    pub(super) fn maximum(&self) -> Maximum {
        let mut weights = vec![0.0; self.width];
        let mut cost = self.cost(&weights);
        for _ in 0..STEPS {
            let (gradient, curvature) = self.derivatives(&weights);
            let step = solve(&cholesky(&curvature, self.width, 0.0, 0), &gradient);
            let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            let mut size = 1.0;
            let moved = loop {
                let moved: Vec<f64> =
                    weights.iter().zip(&step).map(|(w, s)| w - size * s).collect();
                if self.cost(&moved) <= cost - 1e-4 * size * slope {
                    break Some(moved);
                }
                size /= 2.0;
                if size < 1e-6 {
                    break None;
                }
            };
            let Some(moved) = moved else { break };
            weights = moved;
            cost = self.cost(&weights);
            if slope < 1e-12 {
                break;
            }
        }
        let (blocks, errors) = self.errors(&weights);
        Maximum { weights, errors, blocks }
    }

    fn cost(&self, weights: &[f64]) -> f64 {
        let prior = dot(weights, weights) / (2.0 * PRIOR * PRIOR);
        let losses = self.cases().map(|(row, rose)| log_loss(dot(row, weights), rose));
        losses.sum::<f64>() + prior
    }

    /// First and second derivative of the cost, the second row by row.
    fn derivatives(&self, weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = self.width;
        let mut gradient: Vec<f64> = weights.iter().map(|w| w / (PRIOR * PRIOR)).collect();
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
        (0..n).for_each(|i| curvature[i * n + i] += 1.0 / (PRIOR * PRIOR));
        (gradient, curvature)
    }

    /// Number of blocks, and the standard errors by them.
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
            let gradient = blocks.last_mut().expect("invariant: a block was begun");
            gradient.iter_mut().zip(row).for_each(|(g, x)| *g += residual * x);
        }
        if blocks.len() < MIN_BLOCKS {
            return (blocks.len(), None);
        }
        let (_, curvature) = self.derivatives(weights);
        let factor = cholesky(&curvature, n, 0.0, 0);
        let mut variances = vec![0.0; n];
        for gradient in &blocks {
            let moved = solve(&factor, gradient);
            variances.iter_mut().zip(moved).for_each(|(v, m)| *v += m * m);
        }
        let b = blocks.len() as f64;
        let errors = variances.iter().map(|v| (v * b / (b - 1.0)).sqrt()).collect();
        (blocks.len(), Some(errors))
    }

    /// Standard deviation of each column.
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

    /// The logit ν of NEUTRAL beside ± x/2 under which so many candles beyond those here are
    /// NEUTRAL: the ν with `Σ_t e^ν / (e^(x/2) + e^(−x/2) + e^ν)` = that count and a half, over as
    /// many candles as there are together.
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

    /// Mean probability of NEUTRAL under its logit.
    fn neutral_share(&self, weights: &[f64], logit: f64) -> f64 {
        let weight = logit.exp();
        let rows = self.cases().map(|(row, _)| row);
        let sum: f64 =
            rows.map(|row| weight / (weight + 2.0 * (dot(row, weights) / 2.0).cosh())).sum();
        sum / self.rose.len() as f64
    }
}

/// Student's 97.5 % quantile for v ≥ 19 degrees of freedom, within 1e-5.
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

    /// Evenly spread without a generator: multiples of the golden ratio.
    fn even(i: u32, step: f64) -> f64 {
        (f64::from(i) * step).fract()
    }

    /// A coin with ln p/(1 − p) = x·w, drawn without a generator: the golden ratio's multiples.
    fn coins(n: u32, weights: &[f64]) -> Outcomes {
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
    fn the_maximum_is_where_the_coins_came_from() {
        let truth = [1.5, -0.7, 0.0];
        let Maximum { weights, .. } = coins(100_000, &truth).maximum();
        for (got, want) in weights.iter().zip(truth) {
            assert!((got - want).abs() < 0.05, "{weights:?}");
        }
    }

    #[test]
    fn nothing_improves_on_the_maximum() {
        let outcomes = coins(300, &[1.0, -2.0]);
        let Maximum { weights, .. } = outcomes.maximum();
        let (gradient, _) = outcomes.derivatives(&weights);
        assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
        for direction in [[1e-3, 0.0], [-1e-3, 0.0], [0.0, 1e-3], [0.0, -1e-3]] {
            let moved: Vec<f64> = weights.iter().zip(direction).map(|(w, d)| w + d).collect();
            assert!(outcomes.cost(&moved) > outcomes.cost(&weights));
        }
    }

    #[test]
    fn signals_that_never_err_leave_the_weights_finite() {
        let mut outcomes = Outcomes { width: 1, ..Outcomes::default() };
        for i in 0..1_000 {
            outcomes.rows.push(if i % 2 == 0 { 1.0 } else { -1.0 });
            outcomes.rose.push(i % 2 == 0);
            outcomes.block.push(i);
        }
        let Maximum { weights, .. } = outcomes.maximum();
        assert!(weights[0] > 3.0 && weights[0] < 10.0, "{weights:?}");
    }

    #[test]
    fn neutral_gets_its_share() {
        let outcomes = coins(900, &[0.5]);
        let weights = [0.5];
        let logit = outcomes.neutral_logit(&weights, 100);
        let p = |x: f64| logit.exp() / (logit.exp() + 2.0 * (x / 2.0).cosh());
        let mean = outcomes.cases().map(|(row, _)| p(dot(row, &weights))).sum::<f64>() / 900.0;
        assert!((mean - 100.5 / 1_001.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn the_quantile_is_students() {
        for (freedom, want) in [(19.0, 2.093_024_05), (60.0, 2.000_297_8), (1e9, 1.959_963_98)] {
            assert!((student_975(freedom) - want).abs() < 1e-5, "{freedom}");
        }
    }
}
