//! Volatility state of a hidden Markov model with two states.
mod fit;

use super::catalog::{BuiltIn, ChannelArguments};
use super::returns::LogReturn;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Maximum number of missing candles over which the state moves; far beyond it is stationary.
const MAX_MISSING: u64 = 10_000;
/// Allowed range of a mean return.
const MEAN: std::ops::RangeInclusive<f64> = -10.0..=10.0;
/// Allowed range of a standard deviation.
const DEVIATION: std::ops::RangeInclusive<f64> = 1e-9..=10.0;
/// Allowed range of the probability to stay in a state.
const STAY: std::ops::RangeInclusive<f64> = 1e-6..=1.0 - 1e-6;

pub(crate) const HMM_VOLATILITY_STATE: BuiltIn = BuiltIn::own(
    "hmm_volatility_state",
    &[
        ("mean_low", 0.0),
        ("mean_high", 0.0),
        ("deviation_low", 0.003),
        ("deviation_high", 0.013),
        ("stay_low", 0.93),
        ("stay_high", 0.81),
    ],
    "P(state of high volatility | r, r[1], …) of a 2-state Gaussian hidden Markov model",
    |arguments| Ok(Box::new(HiddenMarkovState::new(hidden_markov(arguments)?))),
);

fn hidden_markov(arguments: &ChannelArguments<'_>) -> Result<HiddenMarkov, SignalError> {
    let model = HiddenMarkov {
        mean: [arguments.within("mean_low", MEAN)?, arguments.within("mean_high", MEAN)?],
        deviation: [
            arguments.within("deviation_low", DEVIATION)?,
            arguments.within("deviation_high", DEVIATION)?,
        ],
        stay: [arguments.within("stay_low", STAY)?, arguments.within("stay_high", STAY)?],
    };
    let [low, high] = model.deviation;
    if low >= high {
        let problem = format!("deviation_low is {low} and deviation_high {high}; swap the states");
        return Err(SignalError::channel(arguments.name(), problem));
    }
    Ok(model)
}

/// Hidden Markov model of log returns: two states with normally distributed returns; state 0 has
/// the lower volatility.
#[derive(Debug, Clone, Copy, PartialEq)]
struct HiddenMarkov {
    mean: [f64; 2],
    deviation: [f64; 2],
    /// Probability that the next candle has the same state.
    stay: [f64; 2],
}

impl HiddenMarkov {
    /// Stationary probability of state 1.
    fn stationary(&self) -> f64 {
        let [low, high] = self.stay;
        (1.0 - low) / ((1.0 - low) + (1.0 - high))
    }

    /// Probability of state 1 at the next candle.
    fn predicted(&self, high: f64) -> f64 {
        (1.0 - high) * (1.0 - self.stay[0]) + high * self.stay[1]
    }

    /// Probability of state 1 after a return, by Bayes' theorem in log odds, which do not
    /// underflow.
    fn filtered(&self, predicted: f64, change: f64) -> f64 {
        let odds = (predicted / (1.0 - predicted)).ln();
        let ratio = self.log_density(1, change) - self.log_density(0, change);
        1.0 / (1.0 + (-(odds + ratio)).exp())
    }

    /// Logarithm of the density of a return in a state, without ln √(2π).
    fn log_density(&self, state: usize, change: f64) -> f64 {
        let z = (change - self.mean[state]) / self.deviation[state];
        -0.5 * z * z - self.deviation[state].ln()
    }
}

/// Filtered probability of the state of high volatility in a hidden Markov model of the log returns
/// with two states.
///
/// The parameters are fixed numbers, which [`fit`](Self::fit) estimates on training data. The value
/// is the filtered probability: it depends on returns up to this candle only, unlike smoothed
/// probabilities, which look ahead.
///
/// **Units** a probability. **Formula** forward recursion: with p the probability of the state
/// before, `a = (1 − p)(1 − stay_low) + p · stay_high`, and f the normal density of the return r in
/// each state, `p = a f_high / (a f_high + (1 − a) f_low)`. It begins with the stationary
/// probability. At a missing return only the first step is done. **Source** Hamilton 1989.
/// **Warm-up** 1. The influence of the candles before decreases at least with
/// `(stay_low + stay_high − 1)^n`; at the defaults it is below 1e-6 after 46 candles without
/// returns, and much earlier with them. **Parameters** `mean_low` = `mean_high` = 0,
/// `deviation_low` = 0.003, `deviation_high` = 0.013, `stay_low` = 0.93, `stay_high` = 0.81
/// (rounded fit on hourly BTCUSDT candles from 2020 to 2024-04).
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// let mut channel = Registry::default().build(&ChannelSpec::new("hmm_volatility_state"), Interval::HOUR)?;
/// let mut state = |hour, close| channel.update(&MarketSnapshot::from(&flat(hour, close)));
/// assert_eq!(state(0, 100.0), None);
/// assert!(state(1, 100.1).unwrap() < 0.2); // a return of 0.1 %
/// assert!(state(2, 103.0).unwrap() > 0.99); // 3 %
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HiddenMarkovState {
    model: HiddenMarkov,
    returns: LogReturn,
    /// Filtered probability of state 1.
    high: f64,
}

impl HiddenMarkovState {
    fn new(model: HiddenMarkov) -> Self {
        Self { model, returns: LogReturn::default(), high: model.stationary() }
    }
}

impl Channel for HiddenMarkovState {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let first = self.returns.is_empty();
        let change = self.returns.update(market);
        if first {
            return None;
        }
        for _ in 0..=market.missing().min(MAX_MISSING) {
            self.high = self.model.predicted(self.high);
        }
        if let Some(change) = change {
            self.high = self.model.filtered(self.high, change);
        }
        Some(self.high)
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        self.returns.clear();
        self.high = self.model.stationary();
    }

    fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
        state.float(self.high);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.returns.restore(state)?;
        self.high = state.float()?;
        if !(0.0..=1.0).contains(&self.high) {
            return Err(SignalError::State { what: "a probability is not between 0 and 1" });
        }
        Ok(())
    }
}
