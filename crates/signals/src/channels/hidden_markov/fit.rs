//! Maximum-likelihood fit of the hidden Markov model by the EM algorithm.
use super::super::regime::training_returns;
use super::{HiddenMarkov, HiddenMarkovState, STAY};
use crate::{ChannelSpec, SignalError, TrainSet};

/// Maximum number of EM steps.
const MAX_STEPS: usize = 200;
/// The fit ends when a step raises the mean log likelihood of a return by less.
const MIN_GAIN: f64 = 1e-8;
/// Minimum number of returns.
const MIN_RETURNS: usize = 500;
/// Smallest standard deviation of a state relative to that of all returns.
const MIN_RATIO: f64 = 1e-3;

impl HiddenMarkovState {
    /// Fits the hidden Markov model to the log returns of the training candles and returns the spec
    /// of the channel with these parameters.
    ///
    /// **Formula** maximum likelihood by the EM algorithm of Baum and Welch, from a start that
    /// depends on the standard deviation of the returns only; at most 200 steps. Several pairs are
    /// pooled: their returns share the parameters. **Source** Baum, Petrie, Soules and Weiss 1970.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] for fewer than 500 training returns, or if they do not move.
    pub fn fit(train: &TrainSet) -> Result<ChannelSpec, SignalError> {
        let sequences = training_returns(train);
        let count: usize = sequences.iter().map(Vec::len).sum();
        let few = SignalError::EmptyPart {
            part: "the hidden Markov model",
            hint: "use 500 or more training candles of a market that moves",
        };
        let start = Start::new(&sequences).filter(|_| count >= MIN_RETURNS);
        let Start { mut model, mut high, min_deviation } = start.ok_or(few)?;
        let mut before = f64::NEG_INFINITY;
        for _ in 0..MAX_STEPS {
            let sums = Sums::collect(&model, high, &sequences);
            if sums.log_likelihood - before < MIN_GAIN * count as f64 {
                break;
            }
            before = sums.log_likelihood;
            (model, high) = sums.maximised(model, min_deviation);
        }
        // The state of lower volatility comes first.
        let [low, high] = if model.deviation[0] <= model.deviation[1] { [0, 1] } else { [1, 0] };
        let HiddenMarkov { mean, deviation, stay } = model;
        Ok(ChannelSpec::new("hmm_volatility_state")
            .with("mean_low", mean[low])
            .with("mean_high", mean[high])
            .with("deviation_low", deviation[low])
            .with("deviation_high", deviation[high])
            .with("stay_low", stay[low])
            .with("stay_high", stay[high]))
    }
}

/// First parameters of the fit.
struct Start {
    model: HiddenMarkov,
    /// Probability of state 1 at the first return of a sequence.
    high: f64,
    min_deviation: f64,
}

impl Start {
    /// `None` if the returns do not move.
    fn new(sequences: &[Vec<f64>]) -> Option<Self> {
        let count: usize = sequences.iter().map(Vec::len).sum();
        let mean = sequences.iter().flatten().sum::<f64>() / count as f64;
        let squares = sequences.iter().flatten().map(|change| (change - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count as f64).sqrt();
        let model = HiddenMarkov {
            mean: [mean; 2],
            deviation: [0.6 * deviation, 1.8 * deviation],
            stay: [0.95; 2],
        };
        (deviation > 1e-8).then_some(Self {
            model,
            high: 0.5,
            min_deviation: MIN_RATIO * deviation,
        })
    }
}

/// Expected sums over the returns, given the parameters.
#[derive(Debug, Default)]
struct Sums {
    log_likelihood: f64,
    /// Number of returns in each state.
    weight: [f64; 2],
    /// Sum of the returns in each state.
    change: [f64; 2],
    /// Sum of the squared returns in each state.
    square: [f64; 2],
    /// Number of transitions from each state to the same state, and of all from it.
    stayed: [f64; 2],
    left_from: [f64; 2],
    /// Number of sequences, and of those that begin in state 1.
    sequences: f64,
    begin_high: f64,
}

impl Sums {
    /// Expectation step: forward and backward recursion over every sequence.
    fn collect(model: &HiddenMarkov, high: f64, sequences: &[Vec<f64>]) -> Self {
        let mut sums = Self::default();
        let mut forward = Vec::new();
        for returns in sequences {
            sums.forward(model, high, returns, &mut forward);
            sums.backward(model, returns, &forward);
        }
        sums
    }

    /// Appends the filtered probabilities and scaled densities, and adds the log likelihood.
    fn forward(
        &mut self,
        model: &HiddenMarkov,
        high: f64,
        returns: &[f64],
        steps: &mut Vec<ForwardStep>,
    ) {
        steps.clear();
        let mut prior = [1.0 - high, high];
        for change in returns {
            let logs = [0, 1].map(|state| model.log_density(state, *change));
            let largest = logs[0].max(logs[1]);
            let density = logs.map(|log| (log - largest).exp());
            let joint = [prior[0] * density[0], prior[1] * density[1]];
            let total = joint[0] + joint[1];
            self.log_likelihood += total.ln() + largest - 0.5 * (std::f64::consts::TAU).ln();
            let filtered = joint.map(|joint| joint / total);
            steps.push(ForwardStep { filtered, density: density.map(|d| d / total) });
            let next = model.predicted(filtered[1]);
            prior = [1.0 - next, next];
        }
    }

    /// Adds the expected states and transitions.
    fn backward(&mut self, model: &HiddenMarkov, returns: &[f64], steps: &[ForwardStep]) {
        let mut later = [1.0, 1.0];
        for (k, (change, step)) in returns.iter().zip(steps).enumerate().rev() {
            let smoothed = [0, 1].map(|state| step.filtered[state] * later[state]);
            for state in 0..2 {
                self.weight[state] += smoothed[state];
                self.change[state] += smoothed[state] * change;
                self.square[state] += smoothed[state] * change * change;
            }
            let Some(before) = k.checked_sub(1) else {
                self.sequences += 1.0;
                self.begin_high += smoothed[1];
                continue;
            };
            let ahead = [0, 1].map(|state| step.density[state] * later[state]);
            for state in 0..2 {
                let (stay, from) = (model.stay[state], steps[before].filtered[state]);
                let (stayed, moved) = (stay * ahead[state], (1.0 - stay) * ahead[1 - state]);
                self.stayed[state] += from * stayed;
                self.left_from[state] += from * (stayed + moved);
                later[state] = stayed + moved;
            }
        }
    }

    /// Maximisation step: parameters of the largest expected log likelihood.
    fn maximised(&self, old: HiddenMarkov, min_deviation: f64) -> (HiddenMarkov, f64) {
        let mut model = old;
        for state in 0..2 {
            // A state without returns or transitions keeps its parameters.
            if self.weight[state] > 1e-6 {
                let mean = self.change[state] / self.weight[state];
                let variance = self.square[state] / self.weight[state] - mean * mean;
                model.mean[state] = mean;
                model.deviation[state] = variance.max(0.0).sqrt().max(min_deviation);
            }
            if self.left_from[state] > 1e-6 {
                let stay = self.stayed[state] / self.left_from[state];
                model.stay[state] = stay.clamp(*STAY.start(), *STAY.end());
            }
        }
        (model, (self.begin_high / self.sequences).clamp(1e-6, 1.0 - 1e-6))
    }
}

/// Forward recursion at one return.
#[derive(Debug, Clone, Copy)]
struct ForwardStep {
    /// Filtered probability of each state.
    filtered: [f64; 2],
    /// Density in each state, divided by the likelihood of the return.
    density: [f64; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Market whose state stays with the probabilities 0.98 and 0.95; also its true states.
    fn simulated(count: usize, seed: u64) -> (Vec<f64>, Vec<usize>) {
        let mut random = seed;
        let mut uniform = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut state, mut returns, mut states) = (0, Vec::new(), Vec::new());
        for _ in 0..count {
            if uniform() > [0.98, 0.95][state] {
                state = 1 - state;
            }
            let bell: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            returns.push([0.0005, -0.001][state] + [0.004, 0.015][state] * bell);
            states.push(state);
        }
        (returns, states)
    }

    const MODEL: HiddenMarkov =
        HiddenMarkov { mean: [0.001, -0.002], deviation: [0.005, 0.02], stay: [0.9, 0.7] };

    #[test]
    fn hidden_markov_forward_pass_equals_sum_over_all_paths() {
        let returns = [0.004, -0.03, 0.0, 0.012, -0.001, 0.002];
        let density = |state: usize, x: f64| MODEL.log_density(state, x).exp();
        let mut high = MODEL.stationary();
        let stationary = [1.0 - high, high];
        let mut sums = Sums::default();
        for end in 1..=returns.len() {
            // Joint probability of each path of hidden states and the returns so far.
            let mut ends_in = [0.0; 2];
            for path in 0..1_usize << end {
                let state = |k: usize| path >> k & 1;
                let mut joint = stationary[state(0)] * density(state(0), returns[0]);
                for k in 1..end {
                    let stay = MODEL.stay[state(k - 1)];
                    joint *= if state(k) == state(k - 1) { stay } else { 1.0 - stay };
                    joint *= density(state(k), returns[k]);
                }
                ends_in[state(end - 1)] += joint;
            }
            // The stationary distribution is its own prediction.
            high = MODEL.filtered(MODEL.predicted(high), returns[end - 1]);
            let expected = ends_in[1] / (ends_in[0] + ends_in[1]);
            assert!((high - expected).abs() < 1e-12, "{end}: {high} {expected}");
            sums = Sums::collect(&MODEL, stationary[1], &[returns[..end].to_vec()]);
            let normal = 0.5 * end as f64 * std::f64::consts::TAU.ln();
            let log_likelihood = (ends_in[0] + ends_in[1]).ln() - normal;
            assert!((sums.log_likelihood - log_likelihood).abs() < 1e-9);
        }
        assert!((sums.weight[0] + sums.weight[1] - 6.0).abs() < 1e-9);
        assert!((sums.left_from[0] + sums.left_from[1] - 5.0).abs() < 1e-9);
    }

    #[test]
    fn hidden_markov_em_raises_likelihood_at_every_step_and_recovers_parameters() {
        let (returns, states) = simulated(20_000, 7);
        let sequences = [returns[..8_000].to_vec(), returns[8_000..].to_vec()];
        let Start { mut model, mut high, min_deviation } = Start::new(&sequences).unwrap();
        let mut before = f64::NEG_INFINITY;
        for step in 0..60 {
            let sums = Sums::collect(&model, high, &sequences);
            assert!(sums.log_likelihood >= before - 1e-6, "step {step}");
            before = sums.log_likelihood;
            (model, high) = sums.maximised(model, min_deviation);
        }
        for (got, expected, tolerance) in [
            (model.deviation[0], 0.004, 0.0002),
            (model.deviation[1], 0.015, 0.0006),
            (model.stay[0], 0.98, 0.005),
            (model.stay[1], 0.95, 0.012),
            (model.mean[0], 0.0005, 0.0002),
            (model.mean[1], -0.001, 0.0008),
        ] {
            assert!((got - expected).abs() < tolerance, "{got} {expected}");
        }
        let (mut state, mut right) = (model.stationary(), 0);
        for (change, truth) in returns.iter().zip(&states) {
            state = model.filtered(model.predicted(state), *change);
            right += usize::from(usize::from(state > 0.5) == *truth);
        }
        assert!(right > 18_000, "{right}");
    }

    #[test]
    fn hidden_markov_filter_survives_extreme_returns() {
        let mut high = MODEL.stationary();
        for change in [1e3, 0.0, -300.0, 0.0, 1e-300, 0.0] {
            high = MODEL.filtered(MODEL.predicted(high), change);
            assert!((0.0..=1.0).contains(&high), "{change}: {high}");
        }
        assert!(Start::new(&[vec![0.0; 600]]).is_none());
    }
}
