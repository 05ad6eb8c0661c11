//! Regime of the market: tercile of the volatility and sign of the trend.
use super::catalog::BuiltIn;
use super::clocked::ClockWindow;
use super::ewm::Ewm;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::{Channel, MarketSnapshot};
use crate::{ChannelSpec, GapPolicy, SignalError, StateReader, StateWriter, TrainSet};

/// Default lag of the trend, candles.
const LAG: usize = 24;
/// Default half-life of σ, candles.
const HALF_LIFE: usize = 48;
/// Allowed range of ln σ.
const LOG_VOLATILITY: std::ops::RangeInclusive<f64> = -100.0..=100.0;

pub(crate) const REGIME: BuiltIn = BuiltIn::own(
    "regime",
    &[("low", -5.0), ("high", -4.5), ("lag", LAG as f64), ("half_life", HALF_LIFE as f64)],
    "2 [ln σ > low] + 2 [ln σ > high] + [c > c[lag]]",
    |arguments| {
        let low = arguments.within("low", LOG_VOLATILITY)?;
        let high = arguments.within("high", LOG_VOLATILITY)?;
        if low >= high {
            let problem = format!("low is {low} and high {high}; give a smaller low");
            return Err(SignalError::channel(arguments.name(), problem));
        }
        let (lag, half_life) = (arguments.period("lag")?, arguments.period("half_life")?);
        let (sigma, closes) = (ReturnVolatility::new(half_life), ClockWindow::new(lag));
        Ok(Box::new(Regime { low, high, lag, sigma, closes }))
    },
);

/// Regime of the market, 0 to 5: 2 × the tercile of the volatility (0 low, 1 medium, 2 high), plus
/// 1 if the trend is up.
///
/// The terciles are fixed numbers, which [`fit`](Self::fit) measures on training data.
///
/// **Units** none. **Formula** `2 [ln σ > low] + 2 [ln σ > high] + [c > c[lag]]`, a bracket is 1 if
/// its condition is true, else 0; σ as in [`LogVolatility`](super::LogVolatility). **Source**
/// volatility states as in Moskowitz, Ooi and Pedersen 2012, with training quantiles. **Warm-up**
/// the larger of `lag` and 24. Undefined where σ is 0 and where the candle `lag` intervals earlier
/// is missing. **Parameters** `low` = −5 and `high` = −4.5 (terciles of ten hourly USDT pairs
/// from 2020 to 2024-04), `lag` = 24, `half_life` = 48.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// let spec = ChannelSpec::new("regime").with("low", -6.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut last = None;
/// for hour in 0..30 {
///     let close = 100.0 * 1.005_f64.powi(hour as i32); // ln σ = −5.3
///     last = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(last.is_some(), hour >= 24);
/// }
/// assert_eq!(last, Some(3.0)); // medium volatility, trend up
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Regime {
    low: f64,
    high: f64,
    lag: usize,
    sigma: ReturnVolatility,
    /// Closes of the last candles.
    closes: ClockWindow,
}

impl Regime {
    /// Measures the terciles of ln σ over the training candles and returns the spec of the channel
    /// with these parameters.
    ///
    /// Several pairs are pooled, so the terciles of a calm and of a volatile pair separate the
    /// pairs as well.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] for fewer than 100 training candles with a volatility, or if it
    /// is the same at most of them.
    ///
    /// # Examples
    /// ```
    /// # use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
    /// # fn candle(hour: i64) -> Candle {
    /// #     let close = 100.0 + (hour % 7) as f64 * (hour % 50) as f64 / 50.0;
    /// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 10.0 };
    /// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    /// # }
    /// use windvane_signals::channels::Regime;
    /// use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};
    ///
    /// let series = CandleSeries::new("BTCUSDT".parse()?, Interval::HOUR, (0..900).map(candle).collect())?;
    /// let mut spec = SignalSpec::default();
    /// let tables = [SignalTable::build(&spec, &Registry::default(), &series, &[])?];
    /// let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    /// let train = Split::for_live(&samples, 0.2)?.train(&samples)?;
    /// spec.channels.push(Regime::fit(&train)?); // now build the tables of the model
    /// assert!(spec.channels[6].to_string().starts_with("regime(high="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(train: &TrainSet) -> Result<ChannelSpec, SignalError> {
        let mut values = Vec::new();
        for returns in training_returns(train) {
            let mut squares = Ewm::new(HALF_LIFE, MIN_RETURNS);
            for change in returns {
                squares.push(change * change);
                values.extend(squares.root().map(f64::ln));
            }
        }
        values.sort_by(f64::total_cmp);
        let few = SignalError::EmptyPart {
            part: "the regimes",
            hint: "use 100 or more training candles of a market that moves",
        };
        if values.len() < 100 {
            return Err(few);
        }
        let [low, high] = [1, 2].map(|third| values[values.len() * third / 3]);
        if low >= high {
            return Err(few);
        }
        Ok(ChannelSpec::new("regime").with("low", low).with("high", high))
    }
}

impl Channel for Regime {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.sigma.update(market);
        let now = market.own().close();
        self.closes.push(market.missing(), Some(now));
        let before = self.closes.before(self.lag)?;
        let level = self.sigma.sigma()?.ln();
        let tercile = u8::from(level > self.low) + u8::from(level > self.high);
        Some(f64::from(2 * tercile + u8::from(now > before)))
    }

    fn warm_up(&self) -> usize {
        self.lag.max(MIN_RETURNS)
    }

    fn reset(&mut self) {
        self.sigma.clear();
        self.closes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.sigma.save(state);
        self.closes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.sigma.restore(state)?;
        self.closes.restore(state)
    }
}

/// Log returns of the closes in the training period, one list for each period without a break in
/// the training. A return over missing candles is left out, except under the policy `Sessions`.
pub(super) fn training_returns(train: &TrainSet) -> Vec<Vec<f64>> {
    let mut sequences = Vec::new();
    for table in train.used_tables().into_iter().flatten() {
        let sessions = matches!(table.spec().gaps, GapPolicy::Sessions { .. });
        let (mut returns, mut last) = (Vec::new(), None);
        for row in 0..table.len() {
            let (Some(at), Some(close)) = (table.open_time(row), table.close(row)) else {
                continue;
            };
            if !table.close_time(row).is_some_and(|at| train.covers(at)) {
                last = None;
                sequences.push(std::mem::take(&mut returns));
                continue;
            }
            if let Some((before_at, before)) = last.replace((at, close))
                && (sessions || table.interval().missing_between(before_at, at) == 0)
            {
                let change: f64 = close / before;
                returns.push(change.ln());
            }
        }
        sequences.push(returns);
    }
    sequences.retain(|returns| !returns.is_empty());
    sequences
}
