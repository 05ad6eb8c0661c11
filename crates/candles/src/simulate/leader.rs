//! Panel of pairs in which a leader moves first.
use std::f64::consts::PI;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::paths::{SimulatedStep, normal, with_uninformative_volume};
use super::{MAX_CANDLES, SCALE, SimulateError, check_ranges, draw, in_series};
use crate::{CandleSeries, Interval, Pair};

/// Simulated panel of pairs: the return of the leader moves its followers one candle later.
///
/// With independent standard normal `e`:
///
/// ```text
/// leader    r₀[t+1] = sigma e₀
/// follower  rᵢ[t+1] = beta r₀[t] + sigma eᵢ      i = 1, …, pairs − 1
/// ```
///
/// The leader is a martingale. The returns of each follower are independent of each other, so its
/// own past does not predict it. Only channels that read the leader do.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::LeaderMarket};
///
/// let market = LeaderMarket::DEFAULT;
/// let series = market.candles(Interval::HOUR, 500, 7)?;
/// assert_eq!((series.len(), series[0].pair().as_str()), (8, "LEADER"));
/// assert_eq!(series[0].close_time(499), series[7].close_time(499));
///
/// let best = market.best_accuracy().unwrap();
/// assert!((best - 0.5812).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct LeaderMarket {
    /// Number of pairs with the leader, 2 to 100.
    pub pairs: usize,
    /// Weight of the leader's last return in the return of a follower.
    pub beta: f64,
    /// Standard deviation of the innovations.
    pub sigma: f64,
}

impl LeaderMarket {
    /// Eight pairs with `beta` 0.3 and `sigma` 0.005.
    pub const DEFAULT: Self = Self { pairs: 8, beta: 0.3, sigma: 0.005 };

    /// Returns the accuracy of the best possible prediction of a follower's next direction, the
    /// sign of `beta r₀[t]`, as a fraction; `None` if a parameter is out of its range.
    ///
    /// # Formula
    /// 1/2 + arctan|beta| / π: the probability that a normal variable with standard deviation
    /// |beta| does not have the opposite sign of its sum with a standard normal variable.
    pub fn best_follower_accuracy(&self) -> Option<f64> {
        self.validate().ok()?;
        Some(0.5 + self.beta.abs().atan() / PI)
    }

    /// Returns the accuracy of the best possible predictions over all pairs, as a fraction; `None`
    /// if a parameter is out of its range.
    ///
    /// # Formula
    /// 1/2 + (pairs − 1) / pairs · arctan|beta| / π, since the leader itself is unpredictable.
    pub fn best_accuracy(&self) -> Option<f64> {
        let followers = (self.pairs as f64 - 1.0) / self.pairs as f64;
        Some(0.5 + followers * (self.best_follower_accuracy()? - 0.5))
    }

    /// Simulates `count` candles of every pair; the same seed gives the same candles.
    ///
    /// The first series is the leader, `LEADER`; the others are `FOLLOWER1`, `FOLLOWER2` and so on.
    /// Open times, prices and volumes are those of
    /// [`MarketModel::candles`](super::MarketModel::candles).
    ///
    /// # Errors
    /// [`SimulateError`] if a parameter is out of its range, if the standard deviation of a
    /// follower's returns is outside 0.0001 to 0.1, for more than 10,000,000 candles in all, or if
    /// a long trend leads to prices outside the range of a candle.
    pub fn candles(
        &self,
        interval: Interval,
        count: usize,
        seed: u64,
    ) -> Result<Vec<CandleSeries>, SimulateError> {
        self.validate()?;
        let all = count.saturating_mul(self.pairs);
        if all > MAX_CANDLES {
            return Err(SimulateError::TooMany { expected: MAX_CANDLES, got: all });
        }
        let leader = self.leader_steps(count, &mut random(seed, 0));
        (0..self.pairs)
            .map(|index| {
                let mut random = random(seed, index as u64);
                let (steps, s) = if index == 0 {
                    // The wicks continue the draws of the returns.
                    (self.leader_steps(count, &mut random), self.sigma)
                } else {
                    (self.follower_steps(&leader, &mut random), self.follower_deviation())
                };
                let candles = draw(&steps, s, interval, &mut random)?;
                Ok(in_series(pair(index), interval, candles))
            })
            .collect()
    }

    fn leader_steps(&self, count: usize, random: &mut ChaCha8Rng) -> Vec<SimulatedStep> {
        with_uninformative_volume(count, self.sigma, random, |random| self.sigma * normal(random))
    }

    fn follower_steps(
        &self,
        leader: &[SimulatedStep],
        random: &mut ChaCha8Rng,
    ) -> Vec<SimulatedStep> {
        let mut led = leader.iter();
        let mut pull = 0.0;
        with_uninformative_volume(leader.len(), self.follower_deviation(), random, |random| {
            let log_return = pull + self.sigma * normal(random);
            pull = led.next().map_or(0.0, |step| self.beta * step.log_return);
            log_return
        })
    }

    /// Standard deviation of a follower's return.
    fn follower_deviation(&self) -> f64 {
        self.sigma * (1.0 + self.beta * self.beta).sqrt()
    }

    fn validate(&self) -> Result<(), SimulateError> {
        let (s, pairs) = (self.follower_deviation(), self.pairs as f64);
        check_ranges(&[
            ("pairs", pairs, (2..=100).contains(&self.pairs), "2 to 100"),
            ("beta", self.beta, self.beta.is_finite(), "a finite number"),
            ("sigma", self.sigma, self.sigma > 0.0, "a number above 0"),
            ("standard deviation", s, SCALE.contains(&s), "0.0001 to 0.1"),
        ])
    }
}

/// Random numbers of a pair.
fn random(seed: u64, index: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(index);
    random
}

fn pair(index: usize) -> Pair {
    let name = if index == 0 { "LEADER".to_string() } else { format!("FOLLOWER{index}") };
    Pair::new(&name).expect("invariant: letters and digits")
}
