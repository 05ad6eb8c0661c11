//! Beta of the own pair to a market, and the return that it leaves unexplained.
use super::moves::PairReturns;
use super::shared::SharedQuantity;
use crate::channels::catalog::{BuiltIn, ChannelArguments};
use crate::channels::ewm::Ewm;
use crate::channels::returns::{LogReturn, MIN_RETURNS};
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const MARKET_BETA: BuiltIn = BuiltIn::market(
    "market_beta",
    &[("half_life", 168.0)],
    "EWM(r·m; half_life, min 48) / EWM(m²; half_life, min 48)",
    |arguments| {
        let beta = BetaEstimate::new(arguments, "half_life")?;
        Ok(Box::new(MarketBeta { beta }))
    },
);

pub(crate) const RESIDUAL_RETURN: BuiltIn = BuiltIn::market(
    "residual_return",
    &[("beta_half_life", 168.0), ("half_life", 48.0)],
    "e / σ^e, e = r − beta·m",
    |arguments| {
        let beta = BetaEstimate::new(arguments, "beta_half_life")?;
        let squares = Ewm::new(arguments.period("half_life")?, MIN_RETURNS);
        Ok(Box::new(ResidualReturn { beta, squares }))
    },
);

/// Number of returns before the first beta.
const MIN_BETA: usize = 48;

/// Exponentially weighted regression of the own return r on the market's mean m, without intercept.
#[derive(Debug)]
struct BetaEstimate {
    own: LogReturn,
    market: SharedQuantity<PairReturns>,
    products: Ewm,
    squares: Ewm,
}

impl BetaEstimate {
    fn new(arguments: &ChannelArguments<'_>, half_life: &str) -> Result<Self, SignalError> {
        let half_life = arguments.period(half_life)?;
        Ok(Self {
            own: LogReturn::default(),
            market: arguments.market(|| Ok(PairReturns::new(arguments.pairs())))?,
            products: Ewm::new(half_life, MIN_BETA),
            squares: Ewm::new(half_life, MIN_BETA),
        })
    }

    /// Consumes a close and returns m.
    fn step(&mut self, close: &MarketClose<'_>) -> Option<f64> {
        let mean = self.market.step(close).and_then(PairReturns::mean);
        if let Some(mean) = mean {
            self.squares.push(mean * mean);
        }
        mean
    }

    /// Consumes a close with an own candle and returns r and m.
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<(f64, f64)> {
        let own = self.own.update(market);
        let both = own.zip(self.step(&market.close()));
        if let Some((own, mean)) = both {
            self.products.push(own * mean);
        }
        both
    }

    fn beta(&self) -> Option<f64> {
        let squares = self.squares.mean().filter(|squares| *squares > 0.0)?;
        Some(self.products.mean()? / squares)
    }

    fn clear(&mut self) {
        self.own.clear();
        self.market.clear();
        self.products.clear();
        self.squares.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.own.save(state);
        self.market.save(state);
        self.products.save(state);
        self.squares.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.own.restore(state)?;
        self.market.restore(state)?;
        self.products.restore(state)?;
        self.squares.restore(state)
    }
}

/// Beta of the own pair to the mean return of the declared pairs.
///
/// **Units** a ratio. **Formula** `EWM(r·m; half_life, min 48) / EWM(m²; half_life, min 48)`, r the
/// own log return, m the mean of the declared pairs' (at least 2). **Source** Sharpe 1964, without
/// intercept. **Warm-up** 48. It keeps its value at a candle without r. Undefined where m was
/// always 0. **Parameters** `half_life` = 168.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// let pairs = ["A".parse().unwrap(), "B".parse().unwrap()];
/// let spec = ChannelSpec::new("market_beta").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..60 {
///     let growth = if hour % 2 == 0 { 1.0_f64 } else { 1.01 };
///     let others = [0, 1].map(|k| (pairs[k].clone(), flat(hour, growth)));
///     let value = channel.update(&MarketSnapshot::new(&flat(hour, growth.powi(2)), &others));
///     assert_eq!(value.is_some(), hour >= 48);
///     assert!(value.is_none_or(|value| (value - 2.0).abs() < 1e-9)); // moves twice as much
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketBeta {
    beta: BetaEstimate,
}

impl Channel for MarketBeta {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.beta.update(market);
        self.beta.beta()
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.beta.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_BETA
    }

    fn reset(&mut self) {
        self.beta.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.beta.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.beta.restore(state)
    }
}

/// Return of the own pair that its beta to the market leaves unexplained, divided by its
/// volatility.
///
/// **Units** standard deviations of the residual. **Formula** `e_t / σ^e_t`, `e = r − beta·m` with
/// the beta of [`MarketBeta`] at the same candle, `σ^e = sqrt(EWM(e²; half_life, min 24))`.
/// **Source** residual momentum: Blitz, Huij and Martens 2011. **Warm-up** 71. Undefined without r,
/// m or beta, or where σ^e is 0. **Parameters** `beta_half_life` = 168, `half_life` = 48.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// let pairs = ["A".parse().unwrap(), "B".parse().unwrap()];
/// let spec = ChannelSpec::new("residual_return").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..80 {
///     let other = flat(hour, 1.0 + (hour % 3) as f64 / 100.0);
///     let others = [0, 1].map(|k| (pairs[k].clone(), other));
///     let own = flat(hour, 1.0 + (hour % 5) as f64 / 100.0);
///     let value = channel.update(&MarketSnapshot::new(&own, &others));
///     assert_eq!(value.is_some(), hour >= 71);
///     assert!(value.is_none_or(|value| value.abs() < 8.35));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct ResidualReturn {
    beta: BetaEstimate,
    squares: Ewm,
}

impl Channel for ResidualReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let both = self.beta.update(market);
        let (own, mean) = both?;
        let residual = own - self.beta.beta()? * mean;
        self.squares.push(residual * residual);
        Some(residual / self.squares.root()?)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.beta.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_BETA + MIN_RETURNS - 1
    }

    fn reset(&mut self) {
        self.beta.clear();
        self.squares.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.beta.save(state);
        self.squares.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.beta.restore(state)?;
        self.squares.restore(state)
    }
}
