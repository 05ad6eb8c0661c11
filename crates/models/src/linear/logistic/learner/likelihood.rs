//! Maximum-likelihood logistic regression over very many windows.
use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_signals::{Sample, SampleSet};

use super::windows::ScaledWindows;
use crate::linear::solver::{log_loss, long_dot, residual, solve};

/// Windows that one thread sums up. Sums of chunks are added in order, so the bits hang on this
/// number and not on that of the threads.
const CHUNK: usize = 4_096;

/// Steps at most; on markets, which are nearly coins, four or five are enough.
const STEPS: usize = 200;

/// Windows whose close moved, with their outcomes.
pub(super) struct Cases<'a> {
    windows: &'a ScaledWindows,
    samples: Vec<Sample>,
}

/// Cost and first derivative at some weights.
#[derive(Clone)]
struct Slope {
    cost: f64,
    gradient: Vec<f64>,
}

impl<'a> Cases<'a> {
    /// The samples that moved; the others say nothing about UP against DOWN.
    pub(super) fn of(samples: &SampleSet, windows: &'a ScaledWindows) -> Self {
        let samples = samples.samples().iter().copied();
        let samples = samples.filter(|sample| sample.label != Direction::Neutral).collect();
        Self { windows, samples }
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Number of weights: the inputs and, last, the constant.
    pub(super) fn weights(&self) -> usize {
        self.windows.inputs() + 1
    }

    /// Mean −ln p of what came, nats; `None` without any case.
    pub(super) fn loss(&self, weights: &[f64]) -> Option<f64> {
        let sum = self.sum(|chunk| vec![self.slope(chunk, weights).cost])?;
        Some(sum[0] / self.len() as f64)
    }

    /// A quarter of Σ x xᵀ, row by row, of which the part up to the diagonal is filled: an upper
    /// bound of the cost's second derivative, since p (1 − p) is at most a quarter.
    pub(super) fn bound(&self) -> Option<Vec<f64>> {
        let mut bound = self.sum(|chunk| self.squares(chunk))?;
        for sum in &mut bound {
            *sum /= 4.0;
        }
        Some(bound)
    }

    /// Minimises `Σ ln(1 + exp(∓(x·w + b))) + λ |w|² / 2` from the given weights on, with steps
    /// through `factor`, the Cholesky factor of the bound plus λ. Every step lowers the cost, so
    /// none has to be tried; where nobody knows much p is nearly a half, the bound nearly the
    /// second derivative, and the steps nearly Newton's.
    pub(super) fn minimise(&self, weights: &mut [f64], penalty: f64, factor: &[f64]) {
        let inputs = self.weights() - 1;
        for _ in 0..STEPS {
            let Some(mut gradient) = self.sum(|chunk| self.slope(chunk, weights).gradient) else {
                return;
            };
            (0..inputs).for_each(|i| gradient[i] += penalty * weights[i]);
            let step = solve(factor, &gradient);
            weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight -= step);
            // About twice what is left to gain, in nats.
            let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            if gain < 1e-12 * self.len() as f64 {
                return;
            }
        }
    }

    /// Sums a list of numbers over all cases, chunk after chunk; `None` without any case.
    fn sum(&self, of: impl Fn(&[Sample]) -> Vec<f64> + Sync + Send) -> Option<Vec<f64>> {
        let parts: Vec<Vec<f64>> = self.samples.par_chunks(CHUNK).map(of).collect();
        parts.into_iter().reduce(|mut sum, part| {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            sum
        })
    }

    fn slope(&self, samples: &[Sample], weights: &[f64]) -> Slope {
        let (constant, of_inputs) = weights.split_last().expect("invariant: a constant");
        let mut slope = Slope { cost: 0.0, gradient: vec![0.0; weights.len()] };
        for sample in samples {
            let window = self.windows.window(sample);
            let logit = constant + long_dot(window, of_inputs);
            let rose = sample.label == Direction::Up;
            slope.cost += log_loss(logit, rose);
            let residual = residual(logit, rose);
            let (last, of_inputs) = slope.gradient.split_last_mut().expect("as the weights");
            *last += residual;
            of_inputs.iter_mut().zip(window).for_each(|(g, x)| *g += residual * f64::from(*x));
        }
        slope
    }

    /// Σ x xᵀ up to the diagonal, four windows at a time: each sum is read and written once for
    /// the four.
    fn squares(&self, samples: &[Sample]) -> Vec<f64> {
        let n = self.weights();
        let mut sums = vec![0.0; n * n];
        let mut four = vec![0.0; 4 * n];
        for samples in samples.chunks(4) {
            four.fill(0.0);
            for (sample, x) in samples.iter().zip(four.chunks_exact_mut(n)) {
                let window = self.windows.window(sample);
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

    /// Windows of three rows of a market with a trend, scaled.
    fn with_cases(n: usize, check: impl Fn(&Cases<'_>)) {
        let series =
            MarketModel::AR1.candles(Pair::new("SIM").unwrap(), Interval::HOUR, n, 5).unwrap();
        let spec = SignalSpec::default();
        let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap()];
        let pool = SampleSet::collect(&tables, 3, LabelSpec::default()).unwrap();
        let train = Split::for_live(&pool, 0.1).unwrap().train(&pool).unwrap();
        let windows = ScaledWindows::of(&train, &Scaler::fit(&train).unwrap()).unwrap();
        check(&Cases::of(&train, &windows));
    }

    fn minimum(cases: &Cases<'_>, penalty: f64) -> Vec<f64> {
        let bound = cases.bound().unwrap();
        let mut weights = vec![0.0; cases.weights()];
        let factor = cholesky(&bound, cases.weights(), penalty, cases.weights() - 1);
        cases.minimise(&mut weights, penalty, &factor);
        weights
    }

    #[test]
    fn the_minimum_is_one_and_the_penalty_is_on_all_but_the_constant() {
        with_cases(2_000, |cases| {
            for penalty in [1.0, 500.0] {
                let weights = minimum(cases, penalty);
                let mut gradient = cases.slope(&cases.samples, &weights).gradient;
                (0..18).for_each(|i| gradient[i] += penalty * weights[i]);
                assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{penalty}: {gradient:?}");
            }
            let constant_alone = minimum(cases, 1e12);
            let rose = cases.samples.iter().filter(|s| s.label == Direction::Up).count() as f64;
            let share = sigmoid(constant_alone[18]);
            assert!((share - rose / cases.len() as f64).abs() < 1e-6, "{share}");
        });
    }

    #[test]
    fn the_bound_is_a_quarter_of_the_products() {
        with_cases(1_003, |cases| {
            let bound = cases.bound().unwrap();
            let n = cases.weights();
            for (i, j) in [(0, 0), (7, 3), (17, 17), (18, 5), (18, 18)] {
                let at = |sample: &Sample, i: usize| {
                    cases.windows.window(sample).get(i).map_or(1.0, |x| f64::from(*x))
                };
                let sum: f64 = cases.samples.iter().map(|s| at(s, i) * at(s, j)).sum();
                assert!((bound[i * n + j] - sum / 4.0).abs() < 1e-9 * sum.abs().max(1.0));
            }
        });
    }
}
