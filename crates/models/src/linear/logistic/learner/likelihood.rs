//! Penalised maximum-likelihood logistic regression over a large number of windows.
use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_signals::{Sample, SampleSet};

use super::windows::ScaledWindows;
use crate::linear::solver::{log_loss, long_dot, residual, solve};

/// Number of windows in a chunk, which one thread sums.
///
/// The sums of the chunks are added in order, so the rounding depends on this number and not on the
/// number of threads.
const CHUNK: usize = 4_096;

/// Maximum number of steps; on market data, whose directions are nearly random, four or five are
/// enough.
const MAX_STEPS: usize = 200;

/// Windows labelled UP or DOWN.
pub(super) struct UpDownWindows<'a> {
    windows: &'a ScaledWindows,
    samples: &'a [Sample],
    /// Positions of the windows among the samples.
    positions: Vec<u32>,
}

/// Cost and its gradient at some weights.
struct CostGradient {
    cost: f64,
    gradient: Vec<f64>,
}

impl<'a> UpDownWindows<'a> {
    /// Selects the samples labelled UP or DOWN: NEUTRAL has no information on UP against DOWN.
    ///
    /// # Panics
    /// With 2^32 samples.
    pub(super) fn new(samples: &'a SampleSet, windows: &'a ScaledWindows) -> Self {
        let samples = samples.samples();
        let count = u32::try_from(samples.len());
        let positions = 0..count.expect("invariant: a set has fewer than 2^32 samples");
        let labelled = positions.zip(samples).filter(|(_, one)| one.label() != Direction::Neutral);
        Self { windows, samples, positions: labelled.map(|(position, _)| position).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Samples of some of the windows.
    fn samples_at(&self, positions: &[u32]) -> Vec<Sample> {
        positions.iter().map(|position| self.samples[*position as usize]).collect()
    }

    /// Returns the number of weights: one per input, followed by the intercept.
    pub(super) fn weight_count(&self) -> usize {
        self.windows.inputs() + 1
    }

    /// Computes the mean log loss −ln p(outcome) in nats; `None` if there are no windows.
    pub(super) fn loss(&self, weights: &[f64]) -> Option<f64> {
        let sum = self.sum(|chunk| vec![self.cost_gradient(chunk, weights).cost])?;
        Some(sum[0] / self.len() as f64)
    }

    /// Computes Σ x xᵀ / 4, an upper bound of the Hessian of the cost, because p (1 − p) ≤ 1/4.
    ///
    /// Only the lower triangle is filled, row by row. `None` if there are no windows.
    pub(super) fn bound(&self) -> Option<Vec<f64>> {
        let mut bound = self.sum(|chunk| self.squares(chunk))?;
        for sum in &mut bound {
            *sum /= 4.0;
        }
        Some(bound)
    }

    /// Minimises `Σ ln(1 + exp(∓(x·w + b))) + λ |w|² / 2`, starting from the given weights.
    ///
    /// `factor` is the Cholesky factor of the bound plus λ. Every step lowers the cost, so no line
    /// search is needed. If most probabilities are near 1/2, the bound is close to the Hessian and
    /// the steps are close to those of Newton's method.
    pub(super) fn minimise(&self, weights: &mut [f64], penalty: f64, factor: &[f64]) {
        let inputs = self.weight_count() - 1;
        for _ in 0..MAX_STEPS {
            let Some(mut gradient) = self.sum(|chunk| self.cost_gradient(chunk, weights).gradient)
            else {
                return;
            };
            (0..inputs).for_each(|i| gradient[i] += penalty * weights[i]);
            let step = solve(factor, &gradient);
            weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight -= step);
            // About twice the remaining decrease of the cost, in nats.
            let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            if gain < 1e-12 * self.len() as f64 {
                return;
            }
        }
    }

    /// Adds up lists of numbers over all chunks, in order; `None` if there are no windows.
    fn sum(&self, of: impl Fn(&[Sample]) -> Vec<f64> + Sync + Send) -> Option<Vec<f64>> {
        let chunks = self.positions.par_chunks(CHUNK).map(|chunk| of(&self.samples_at(chunk)));
        let parts: Vec<Vec<f64>> = chunks.collect();
        parts.into_iter().reduce(|mut sum, part| {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            sum
        })
    }

    /// Computes cost and gradient of some windows, without the penalty.
    fn cost_gradient(&self, samples: &[Sample], weights: &[f64]) -> CostGradient {
        let (intercept, of_inputs) = weights.split_last().expect("invariant: an intercept");
        let mut total = CostGradient { cost: 0.0, gradient: vec![0.0; weights.len()] };
        let mut buffer = Vec::new();
        for sample in samples {
            let window = self.windows.window(sample, &mut buffer);
            let logit = intercept + long_dot(window, of_inputs);
            let rose = sample.label() == Direction::Up;
            total.cost += log_loss(logit, rose);
            let residual = residual(logit, rose);
            let (last, of_inputs) =
                total.gradient.split_last_mut().expect("invariant: as long as the weights");
            *last += residual;
            of_inputs.iter_mut().zip(window).for_each(|(g, x)| *g += residual * f64::from(*x));
        }
        total
    }

    /// Computes the lower triangle of Σ x xᵀ of some windows.
    ///
    /// Four windows are added at a time, so that each sum is read and written once per four
    /// windows.
    fn squares(&self, samples: &[Sample]) -> Vec<f64> {
        let n = self.weight_count();
        let mut sums = vec![0.0; n * n];
        let mut four = vec![0.0; 4 * n];
        let mut buffer = Vec::new();
        for samples in samples.chunks(4) {
            four.fill(0.0);
            for (sample, x) in samples.iter().zip(four.chunks_exact_mut(n)) {
                let window = self.windows.window(sample, &mut buffer);
                x.iter_mut().zip(window).for_each(|(x, value)| *x = f64::from(*value));
                x[n - 1] = 1.0;
            }
            let (a, rest) = four.split_at(n);
            let (b, rest) = rest.split_at(n);
            let (c, d) = rest.split_at(n);
            for i in 0..n {
                let row = &mut sums[i * n..=i * n + i];
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum += a[i] * a[j] + b[i] * b[j] + c[i] * c[j] + d[i] * d[j];
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_candles::{Interval, Pair};
    use windvane_signals::{LabelSpec, Registry, Scaler, SignalSpec, SignalTable, Split};

    use super::*;
    use crate::linear::solver::{cholesky, sigmoid};

    /// Runs a check on scaled windows of three rows of a market with autocorrelated returns.
    fn with_windows(n: usize, check: impl Fn(&UpDownWindows<'_>)) {
        let series =
            MarketModel::AR1.candles(Pair::new("SIM").unwrap(), Interval::HOUR, n, 5).unwrap();
        let spec = SignalSpec::default();
        let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap()];
        let pool = SampleSet::collect(&tables, 3, LabelSpec::default()).unwrap();
        let train = Split::for_live(&pool, 0.1).unwrap().train(&pool).unwrap();
        let scaler = Scaler::fit(&train).unwrap();
        let windows = ScaledWindows::new(&train, &scaler, None).unwrap();
        check(&UpDownWindows::new(&train, &windows));
    }

    fn minimum(windows: &UpDownWindows<'_>, penalty: f64) -> Vec<f64> {
        let (bound, count) = (windows.bound().unwrap(), windows.weight_count());
        let mut weights = vec![0.0; count];
        let factor = cholesky(&bound, count, penalty, count - 1);
        windows.minimise(&mut weights, penalty, &factor);
        weights
    }

    #[test]
    fn logistic_gradient_at_minimum_is_zero_and_intercept_is_not_penalised() {
        with_windows(2_000, |windows| {
            let samples = windows.samples_at(&windows.positions);
            for penalty in [1.0, 500.0] {
                let weights = minimum(windows, penalty);
                let mut gradient = windows.cost_gradient(&samples, &weights).gradient;
                (0..18).for_each(|i| gradient[i] += penalty * weights[i]);
                assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{penalty}: {gradient:?}");
            }
            // A huge penalty leaves the intercept only.
            let intercept = minimum(windows, 1e12)[18];
            let ups = samples.iter().filter(|s| s.label() == Direction::Up).count() as f64;
            let share = sigmoid(intercept);
            assert!((share - ups / windows.len() as f64).abs() < 1e-6, "{share}");
        });
    }

    #[test]
    fn logistic_bound_is_a_quarter_of_the_products() {
        with_windows(1_003, |windows| {
            let samples = windows.samples_at(&windows.positions);
            let bound = windows.bound().unwrap();
            let n = windows.weight_count();
            for (i, j) in [(0, 0), (7, 3), (17, 17), (18, 5), (18, 18)] {
                let at = |sample: &Sample, i: usize| {
                    let mut buffer = Vec::new();
                    let window = windows.windows.window(sample, &mut buffer);
                    window.get(i).map_or(1.0, |x| f64::from(*x))
                };
                let sum: f64 = samples.iter().map(|s| at(s, i) * at(s, j)).sum();
                assert!((bound[i * n + j] - sum / 4.0).abs() < 1e-9 * sum.abs().max(1.0));
            }
        });
    }
}
