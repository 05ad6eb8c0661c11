//! Volatility of a pair from its closes alone, for the size of positions and expected moves.
use windvane_candles::{Interval, Timestamp};

use super::ewm::Ewm;
use super::returns::MIN_RETURNS;

/// Half-life of the volatility, candles.
const HALF_LIFE: usize = 48;

/// Volatility σ of log returns, from the closes of one pair.
///
/// **Formula** `σ_t = sqrt(EWM(r²; half-life 48, min 24))`, `r_t = ln c_t − ln c_{t−1}`; `σ_t`
/// contains `r_t`. A candle after a missing one has no return, and σ keeps its value there.
/// **Units** natural logarithm per candle. **Warm-up** 24 returns. `ln σ` equals the channel
/// `log_volatility` of a pipeline without resets. **Source** `RiskMetrics` 1996, with a half-life
/// and normalised weights.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Timestamp};
/// use windvane_signals::CloseVolatility;
///
/// let mut volatility = CloseVolatility::new(Interval::HOUR);
/// let mut sigma = None;
/// for hour in 0..25 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     assert_eq!(sigma, None);
///     sigma = volatility.update(Timestamp::from_millis(hour * 3_600_000), close);
/// }
/// assert!((sigma.unwrap() - 1.01_f64.ln()).abs() < 1e-12);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CloseVolatility {
    interval: Interval,
    /// Open time and ln c of the last candle.
    last: Option<(Timestamp, f64)>,
    squares: Ewm,
}

impl CloseVolatility {
    /// Creates a volatility of candles of an interval, before the first candle.
    pub fn new(interval: Interval) -> Self {
        Self { interval, last: None, squares: Ewm::new(HALF_LIFE, MIN_RETURNS) }
    }

    /// Takes the close of the candle with an open time and returns σ. A candle that is not later
    /// than the last one is ignored.
    pub fn update(&mut self, open_time: Timestamp, close: f64) -> Option<f64> {
        let now = close.ln();
        match self.last {
            Some((last, _)) if open_time <= last => return self.sigma(),
            Some((last, before)) if self.interval.missing_between(last, open_time) == 0 => {
                self.squares.push((now - before) * (now - before));
            }
            _ => {}
        }
        self.last = Some((open_time, now));
        self.sigma()
    }

    /// Returns σ after the last candle; `None` while warming up and where it is 0.
    pub fn sigma(&self) -> Option<f64> {
        self.squares.root()
    }

    /// Returns the interval of the candles.
    pub fn interval(&self) -> Interval {
        self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_millis(hour * 3_600_000)
    }

    // Calculated by hand: 24 equal returns, then a return of 0 with the weight 1.
    #[test]
    fn close_volatility_equals_a_calculation_by_hand() {
        let mut volatility = CloseVolatility::new(Interval::HOUR);
        for t in 0..=24 {
            volatility.update(hour(t), 0.01_f64.mul_add(t as f64, 0.0).exp());
        }
        assert!((volatility.sigma().unwrap() - 0.01).abs() < 1e-12);
        let decay = 0.5_f64.powf(1.0 / 48.0);
        let before: f64 = (0..24).map(|k| decay.powi(k)).sum();
        let got = volatility.update(hour(25), 0.24_f64.exp()).unwrap();
        let want = 0.01 * (decay * before / (decay * before + 1.0)).sqrt();
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    #[test]
    fn close_volatility_ignores_late_candles_and_the_return_over_a_gap() {
        let mut volatility = CloseVolatility::new(Interval::HOUR);
        for t in 0..40 {
            volatility.update(hour(t), 100.0 + (t % 3) as f64);
        }
        let before = volatility.clone();
        assert_eq!(volatility.update(hour(39), 500.0), before.sigma());
        assert_eq!(volatility, before);
        assert_eq!(volatility.update(hour(41), 500.0), before.sigma());
        assert!(volatility.update(hour(42), 501.0) != before.sigma());
    }
}
