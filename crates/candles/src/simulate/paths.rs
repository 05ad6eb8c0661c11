//! Random returns and volumes of a simulated market.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::MarketModel;

/// Return and volume of one simulated candle.
#[derive(Copy, Clone, Debug)]
pub(super) struct SimulatedStep {
    pub(super) log_return: f64,
    pub(super) volume: f64,
}

/// Mean logarithm of the volume.
const LOG_VOLUME: f64 = 9.0;

pub(super) fn normal(random: &mut ChaCha8Rng) -> f64 {
    random.sample(StandardNormal)
}

impl MarketModel {
    /// Draws the returns and volumes of `count` candles; the parameters must be valid.
    pub(super) fn steps(&self, count: usize, random: &mut ChaCha8Rng) -> Vec<SimulatedStep> {
        let s = self.standard_deviation();
        match *self {
            Self::MartingaleGarch { omega, alpha, beta } => {
                let mut variance = s * s;
                with_uninformative_volume(count, s, random, move |random| {
                    let r = variance.sqrt() * normal(random);
                    variance = omega + alpha * r * r + beta * variance;
                    r
                })
            }
            Self::Ar1 { phi, sigma } => {
                let mut r = s * normal(random);
                with_uninformative_volume(count, s, random, move |random| {
                    r = phi * r + sigma * normal(random);
                    r
                })
            }
            Self::Regime { mu_over_sigma, sigma, stay } => {
                let mut m = if random.random_bool(0.5) { 1.0 } else { -1.0 };
                with_uninformative_volume(count, s, random, move |random| {
                    if !random.random_bool(stay) {
                        m = -m;
                    }
                    sigma * (m * mu_over_sigma + normal(random))
                })
            }
            Self::VolumeLead { sigma, spread, theta, kappa } => {
                let mut drift = 0.0;
                let mut before: Option<f64> = None;
                let steps = (0..count).map(|_| {
                    let log_return: f64 = sigma * (drift + normal(random));
                    let volume = (LOG_VOLUME + spread * normal(random)).exp().round().max(1.0);
                    let jump = before.is_some_and(|before| volume / before - 1.0 > theta);
                    drift = if jump { kappa * log_return.signum() } else { 0.0 };
                    before = Some(volume);
                    SimulatedStep { log_return, volume }
                });
                steps.collect()
            }
        }
    }
}

/// Adds volumes that are uninformative about the sign of the next return.
pub(super) fn with_uninformative_volume(
    count: usize,
    s: f64,
    random: &mut ChaCha8Rng,
    mut next_return: impl FnMut(&mut ChaCha8Rng) -> f64,
) -> Vec<SimulatedStep> {
    let mut x = 0.0;
    let steps = (0..count).map(|_| {
        let log_return = next_return(random);
        x = 0.7 * x + 0.25 * normal(random);
        let volume = (LOG_VOLUME + x + 0.3 * log_return.abs() / s).exp().round();
        SimulatedStep { log_return, volume }
    });
    steps.collect()
}
