//! Best possible predictions of a simulated market.
use super::{LeaderMarket, MarketModel, normal_cdf};
use crate::{Candle, CandleSeries};

impl MarketModel {
    /// Returns the probability that the next close is higher, for each candle of a market simulated
    /// with these parameters: that of a forecaster who knows the parameters and the candles so far,
    /// but no hidden state.
    ///
    /// The share of candles whose next direction has the larger probability is the attainable
    /// accuracy on these candles. [`best_accuracy`](Self::best_accuracy) is its mean over all
    /// possible candles.
    ///
    /// # Formula
    /// - Martingale: 1/2.
    /// - Autoregression: Φ(phi r / sigma).
    /// - Volume lead: Φ(kappa sign r) after a jump, otherwise 1/2.
    /// - Regimes: q Φ(mu) + (1 - q) Φ(-mu), mu in units of sigma. With p the probability of the up
    ///   regime so far and q = stay p + (1 - stay) (1 - p), the next return r gives
    ///   p / (1 - p) = q / (1 - q) · exp(2 mu r / sigma); p is 1/2 at first. **Source** Hamilton 1989.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Interval, Pair, simulate::MarketModel};
    ///
    /// let market = MarketModel::REGIME;
    /// let series = market.candles(Pair::new("SIM")?, Interval::HOUR, 10_000, 7)?;
    /// let closes = series.candles().windows(2);
    /// let best = market.best_probabilities(series.candles());
    /// let right = closes.zip(best).filter(|(two, p)| (two[1].close() > two[0].close()) == (*p > 0.5));
    /// let share = right.count() as f64 / 9_999.0;
    /// assert!((share - market.best_accuracy().unwrap()).abs() < 0.02, "{share}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn best_probabilities(&self, candles: &[Candle]) -> Vec<f64> {
        let mut before = None;
        let mut up_regime = 0.5;
        let probabilities = candles.iter().map(|candle| {
            let change = log_return(candle);
            match *self {
                Self::MartingaleGarch { .. } => 0.5,
                Self::Ar1 { phi, sigma } => normal_cdf(phi * change / sigma),
                Self::Regime { mu_over_sigma, sigma, stay } => {
                    // In log odds, which do not overflow.
                    let prior = moved(up_regime, stay);
                    let odds = (prior / (1.0 - prior)).ln() + 2.0 * mu_over_sigma * change / sigma;
                    up_regime = 1.0 / (1.0 + (-odds).exp());
                    let next = moved(up_regime, stay);
                    next * normal_cdf(mu_over_sigma) + (1.0 - next) * normal_cdf(-mu_over_sigma)
                }
                Self::VolumeLead { theta, kappa, .. } => {
                    let last = before.replace(candle.volume());
                    let jump = last.is_some_and(|last| candle.volume() / last - 1.0 > theta);
                    if jump { normal_cdf(kappa * change.signum()) } else { 0.5 }
                }
            }
        });
        probabilities.collect()
    }
}

impl LeaderMarket {
    /// Returns the probability that the next close is higher, for each candle of each pair of a panel
    /// simulated with these parameters; the first series is the leader.
    ///
    /// # Formula
    /// Φ(beta r₀ / sigma) for a follower, r₀ the last return of the leader; 1/2 for the leader.
    pub fn best_probabilities(&self, series: &[CandleSeries]) -> Vec<Vec<f64>> {
        let followers = series.iter().skip(1);
        let leader = series.iter().take(1).map(|leader| vec![0.5; leader.len()]);
        let of_leader = |candle: &Candle| normal_cdf(self.beta * log_return(candle) / self.sigma);
        let followers = followers.map(|_| series[0].iter().map(of_leader).collect());
        leader.chain(followers).collect()
    }
}

/// Log return of a candle, which opens at the previous close.
fn log_return(candle: &Candle) -> f64 {
    (candle.close() / candle.open()).ln()
}

/// Probability of the up regime one candle later.
fn moved(up_regime: f64, stay: f64) -> f64 {
    stay * up_regime + (1.0 - stay) * (1.0 - up_regime)
}
