//! Return and momentum of the own pair relative to the market.
use super::moves::PairReturns;
use super::shared::SharedQuantity;
use crate::channels::catalog::{BuiltIn, ChannelArguments};
use crate::channels::clocked::ClockWindow;
use crate::channels::ewm::Ewm;
use crate::channels::returns::{LogReturn, MIN_RETURNS};
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const RELATIVE_RETURN: BuiltIn = BuiltIn::market(
    "relative_return",
    &[("half_life", 48.0)],
    "d / σ^d, d = r − mean of r over the market",
    |arguments| {
        let excess = ExcessReturn::new(arguments)?;
        Ok(Box::new(RelativeReturn { excess }))
    },
);

pub(crate) const RELATIVE_MOMENTUM: BuiltIn = BuiltIn::market(
    "relative_momentum",
    &[("lag", 24.0), ("half_life", 48.0)],
    "(d + … + d[lag − 1]) / (σ^d √lag)",
    |arguments| {
        let lag = arguments.period("lag")?;
        let excess = ExcessReturn::new(arguments)?;
        Ok(Box::new(RelativeMomentum { lag, excess, moves: ClockWindow::new(lag) }))
    },
);

/// Excess d of the own return over the mean of the market, and its volatility σ^d.
#[derive(Debug)]
struct ExcessReturn {
    own: LogReturn,
    market: SharedQuantity<PairReturns>,
    squares: Ewm,
}

impl ExcessReturn {
    fn new(arguments: &ChannelArguments<'_>) -> Result<Self, SignalError> {
        Ok(Self {
            own: LogReturn::default(),
            market: arguments.market(|| Ok(PairReturns::new(arguments.pairs())))?,
            squares: Ewm::new(arguments.period("half_life")?, MIN_RETURNS),
        })
    }

    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let own = self.own.update(market);
        let mean = self.market.step(&market.close()).and_then(PairReturns::mean);
        let excess = own? - mean?;
        self.squares.push(excess * excess);
        Some(excess)
    }

    fn clear(&mut self) {
        self.own.clear();
        self.market.clear();
        self.squares.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.own.save(state);
        self.market.save(state);
        self.squares.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.own.restore(state)?;
        self.market.restore(state)?;
        self.squares.restore(state)
    }
}

/// Return of the own pair in excess of the market's mean, divided by its volatility.
///
/// **Units** standard deviations of the excess. **Formula** `d_t / σ^d_t`, `d = r − m`, m the mean
/// log return of the declared pairs that have one (at least 2), `σ^d = sqrt(EWM(d²; half_life, min
/// 24))`. **Source** market-adjusted returns: Brown and Warner 1985. **Warm-up** 24. Undefined
/// without r, without m, or where σ^d is 0. **Parameters** `half_life` = 48.
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
/// let spec = ChannelSpec::new("relative_return").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let own = flat(hour, if hour % 2 == 0 { 100.0 } else { 101.0 });
///     let others = [(pairs[0].clone(), flat(hour, 5.0)), (pairs[1].clone(), flat(hour, 6.0))];
///     let value = channel.update(&MarketSnapshot::new(&own, &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value.abs() - 1.0).abs() < 1e-12)); // the market rests
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct RelativeReturn {
    excess: ExcessReturn,
}

impl Channel for RelativeReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let excess = self.excess.update(market);
        Some(excess? / self.excess.squares.root()?)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.excess.market.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS
    }

    fn reset(&mut self) {
        self.excess.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.excess.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.excess.restore(state)
    }
}

/// Sum of the last excess returns over the market, in units of their volatility.
///
/// **Units** standard deviations of the excess. **Formula** `(d_t + … + d_{t−lag+1}) / (σ^d_t
/// √lag)`, d and σ^d as in [`RelativeReturn`]; a missing d counts as 0. **Source** cross-sectional
/// momentum: Jegadeesh and Titman 1993. **Warm-up** the larger of `lag` and 24. Undefined where σ^d
/// is 0. **Parameters** `lag` = 24, `half_life` = 48.
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
/// let spec = ChannelSpec::new("relative_momentum").with("lag", 4.0).reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let own = flat(hour, 1.01_f64.powi(hour as i32));
///     let others = [(pairs[0].clone(), flat(hour, 5.0)), (pairs[1].clone(), flat(hour, 6.0))];
///     let value = channel.update(&MarketSnapshot::new(&own, &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value - 2.0).abs() < 1e-9)); // 4 equal moves
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct RelativeMomentum {
    lag: usize,
    excess: ExcessReturn,
    /// Excess returns d.
    moves: ClockWindow,
}

impl Channel for RelativeMomentum {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let excess = self.excess.update(market);
        self.moves.push(market.missing(), excess);
        let sum = self.moves.sum(self.lag)?;
        Some(sum / (self.excess.squares.root()? * (self.lag as f64).sqrt()))
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.excess.market.step(close);
    }

    fn warm_up(&self) -> usize {
        self.lag.max(MIN_RETURNS)
    }

    fn reset(&mut self) {
        self.excess.clear();
        self.moves.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.excess.save(state);
        self.moves.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.excess.restore(state)?;
        self.moves.restore(state)
    }
}
