//! Return, momentum and volatility of a market.
use windvane_candles::Pair;

use super::moves::MarketMove;
use super::shared::{MarketQuantity, SharedQuantity};
use crate::channels::catalog::{BuiltIn, ChannelArguments};
use crate::channels::clocked::ClockWindow;
use crate::channels::returns::MIN_RETURNS;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const MARKET_RETURN: BuiltIn = BuiltIn::market(
    "market_return",
    &[("half_life", 48.0)],
    "m / σ^m, m = mean of r over the market",
    |arguments| Ok(Box::new(MarketReturn { market: market_move(arguments)? })),
);

pub(crate) const MARKET_MOMENTUM: BuiltIn = BuiltIn::market(
    "market_momentum",
    &[("lag", 24.0), ("half_life", 48.0)],
    "(m + … + m[lag − 1]) / (σ^m √lag)",
    |arguments| {
        let (lag, half_life) = (arguments.period("lag")?, arguments.period("half_life")?);
        let market = arguments.market(|| Ok(MoveSum::new(arguments.pairs(), lag, half_life)))?;
        Ok(Box::new(MarketMomentum { lag, market }))
    },
);

pub(crate) const MARKET_VOLATILITY: BuiltIn =
    BuiltIn::market("market_volatility", &[("half_life", 48.0)], "ln σ^m", |arguments| {
        Ok(Box::new(MarketVolatility { market: market_move(arguments)? }))
    });

fn market_move(
    arguments: &ChannelArguments<'_>,
) -> Result<SharedQuantity<MarketMove>, SignalError> {
    let half_life = arguments.period("half_life")?;
    arguments.market(|| Ok(MarketMove::new(arguments.pairs(), half_life)))
}

/// Moves m of a market over the last closes.
#[derive(Debug)]
struct MoveSum {
    lag: usize,
    market: MarketMove,
    /// Mean returns m.
    moves: ClockWindow,
    /// Sum of the moves after the last close in units of their volatility.
    normalized: Option<f64>,
}

impl MoveSum {
    fn new(pairs: &[Pair], lag: usize, half_life: usize) -> Self {
        let moves = ClockWindow::new(lag);
        let market = MarketMove::new(pairs, half_life);
        Self { lag, market, moves, normalized: None }
    }

    /// Sum of the moves in units of their volatility.
    fn normalized_sum(&self) -> Option<f64> {
        let sum = self.moves.sum(self.lag)?;
        Some(sum / (self.market.sigma()? * (self.lag as f64).sqrt()))
    }
}

impl MarketQuantity for MoveSum {
    fn step(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
        if self.market.returns.has_started() {
            self.moves.push(close.elapsed() - 1, self.market.mean());
        }
        self.normalized = self.normalized_sum();
    }

    fn clear(&mut self) {
        self.market.clear();
        self.moves.clear();
        self.normalized = None;
    }

    fn save(&self, state: &mut StateWriter) {
        self.market.save(state);
        self.moves.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.market.restore(state)?;
        self.moves.restore(state)?;
        self.normalized = None;
        Ok(())
    }
}

/// Mean return of the declared pairs, divided by its volatility.
///
/// **Units** standard deviations of the market. **Formula** `m_t / σ^m_t`, m the mean log return of
/// the pairs that have one (at least 2), `σ^m = sqrt(EWM(m²; half_life, min 24))`. **Source** an
/// equally weighted market index. **Warm-up** 24. Undefined where fewer than 2 pairs have a return
/// or σ^m is 0. **Parameters** `half_life` = 48.
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
/// let spec = ChannelSpec::new("market_return").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let other = flat(hour, if hour % 2 == 0 { 100.0 } else { 101.0 });
///     let others = [(pairs[0].clone(), other), (pairs[1].clone(), other)];
///     let value = channel.update(&MarketSnapshot::new(&flat(hour, 7.0), &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value.abs() - 1.0).abs() < 1e-12));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketReturn {
    market: SharedQuantity<MarketMove>,
}

impl Channel for MarketReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let market = self.market.step(&market.close())?;
        Some(market.mean()? / market.sigma()?)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS
    }

    fn reset(&mut self) {
        self.market.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.market.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.market.restore(state)
    }
}

/// Sum of the last mean returns of the declared pairs, in units of its volatility.
///
/// **Units** standard deviations of the market. **Formula** `(m_t + … + m_{t−lag+1}) / (σ^m_t
/// √lag)`, m and σ^m as in [`MarketReturn`]; a missing m counts as 0. **Source** time-series
/// momentum of an index. **Warm-up** the larger of `lag` and 24. Undefined where σ^m is 0.
/// **Parameters** `lag` = 24, `half_life` = 48.
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
/// let spec = ChannelSpec::new("market_momentum").with("lag", 4.0).reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let other = flat(hour, 1.01_f64.powi(hour as i32));
///     let others = [(pairs[0].clone(), other), (pairs[1].clone(), other)];
///     let value = channel.update(&MarketSnapshot::new(&flat(hour, 7.0), &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value - 2.0).abs() < 1e-9)); // 4 equal moves
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketMomentum {
    lag: usize,
    market: SharedQuantity<MoveSum>,
}

impl Channel for MarketMomentum {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.market.step(&market.close())?.normalized
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        self.lag.max(MIN_RETURNS)
    }

    fn reset(&mut self) {
        self.market.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.market.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.market.restore(state)
    }
}

/// Logarithm of the volatility of the mean return of the declared pairs.
///
/// **Units** natural logarithm of a fraction per candle. **Formula** `ln σ^m_t`, σ^m as in
/// [`MarketReturn`]; it keeps its value at a close without m. **Source** `RiskMetrics` 1996, with a
/// half-life. **Warm-up** 24. Undefined where σ^m is 0. **Parameters** `half_life` = 48.
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
/// let spec = ChannelSpec::new("market_volatility").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let other = flat(hour, if hour % 2 == 0 { 100.0 } else { 101.0 });
///     let others = [(pairs[0].clone(), other), (pairs[1].clone(), other)];
///     let value = channel.update(&MarketSnapshot::new(&flat(hour, 7.0), &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value - 1.01_f64.ln().ln()).abs() < 1e-12));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketVolatility {
    market: SharedQuantity<MarketMove>,
}

impl Channel for MarketVolatility {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.market.step(&market.close())?.sigma().map(f64::ln)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS
    }

    fn reset(&mut self) {
        self.market.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.market.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.market.restore(state)
    }
}
