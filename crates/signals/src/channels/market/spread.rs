//! State of a market at one close: dispersion and breadth of its returns.
use windvane_candles::Pair;

use super::moves::PairReturns;
use super::shared::{MarketQuantity, SharedQuantity};
use crate::channels::catalog::BuiltIn;
use crate::channels::ewm::Ewm;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const MARKET_DISPERSION: BuiltIn = BuiltIn::market(
    "market_dispersion",
    &[("half_life", 168.0)],
    "s / EWM(s; half_life, min 24), s = standard deviation of r over the market",
    |arguments| {
        let half_life = arguments.period("half_life")?;
        let market = arguments.market(|| Ok(Dispersion::new(arguments.pairs(), half_life)))?;
        Ok(Box::new(MarketDispersion { market }))
    },
);

pub(crate) const MARKET_BREADTH: BuiltIn =
    BuiltIn::market("market_breadth", &[], "share of the market's pairs with r > 0", |arguments| {
        let returns = arguments.market(|| Ok(PairReturns::new(arguments.pairs())))?;
        Ok(Box::new(MarketBreadth { returns }))
    });

/// Number of dispersions before the first average.
const MIN_DISPERSIONS: usize = 24;

/// Standard deviation s of the returns of a market at one close, and its average.
#[derive(Debug)]
struct Dispersion {
    returns: PairReturns,
    mean: Ewm,
    /// s of the last close relative to the average.
    relative: Option<f64>,
}

impl Dispersion {
    fn new(pairs: &[Pair], half_life: usize) -> Self {
        let mean = Ewm::new(half_life, MIN_DISPERSIONS);
        Self { returns: PairReturns::new(pairs), mean, relative: None }
    }
}

impl MarketQuantity for Dispersion {
    fn step(&mut self, close: &MarketClose<'_>) {
        self.returns.step(close);
        let deviation = self.returns.mean().map(|mean| {
            let squares = self.returns.values().map(|value| (value - mean) * (value - mean));
            (squares.sum::<f64>() / (self.returns.count() as f64 - 1.0)).sqrt()
        });
        if let Some(deviation) = deviation {
            self.mean.push(deviation);
        }
        let mean = self.mean.mean().filter(|mean| *mean > 0.0);
        self.relative = deviation.zip(mean).map(|(deviation, mean)| deviation / mean);
    }

    fn clear(&mut self) {
        self.returns.clear();
        self.mean.clear();
        self.relative = None;
    }

    fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
        self.mean.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.relative = None;
        self.returns.restore(state)?;
        self.mean.restore(state)
    }
}

/// Dispersion of the returns of the declared pairs, relative to its average.
///
/// **Units** a ratio; above 1 when the pairs move more differently than usual. **Formula** `s_t /
/// EWM(s; half_life, min 24)`, s the sample standard deviation (n − 1) of the log returns.
/// **Source** cross-sectional dispersion: Christie and Huang 1995. **Warm-up** 24. Undefined where
/// fewer than 2 pairs have a return, or s was always 0. **Parameters** `half_life` = 168.
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
/// let spec = ChannelSpec::new("market_dispersion").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let moving = flat(hour, if hour % 2 == 0 { 100.0 } else { 101.0 });
///     let others = [(pairs[0].clone(), flat(hour, 5.0)), (pairs[1].clone(), moving)];
///     let value = channel.update(&MarketSnapshot::new(&moving, &others));
///     assert_eq!(value.is_some(), hour >= 24);
///     assert!(value.is_none_or(|value| (value - 1.0).abs() < 1e-12)); // always the same
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketDispersion {
    market: SharedQuantity<Dispersion>,
}

impl Channel for MarketDispersion {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.market.step(&market.close())?.relative
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        MIN_DISPERSIONS
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

/// Share of the declared pairs whose price rose.
///
/// **Units** 0 to 1. **Formula** number of pairs with r > 0 / number of pairs with a return.
/// **Source** the advance/decline ratio. **Warm-up** 1. Undefined where no pair has a return.
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
/// let spec = ChannelSpec::new("market_breadth").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut breadth = |hour, a, b| {
///     let others = [(pairs[0].clone(), flat(hour, a)), (pairs[1].clone(), flat(hour, b))];
///     channel.update(&MarketSnapshot::new(&flat(hour, 7.0), &others))
/// };
/// assert_eq!(breadth(0, 1.0, 1.0), None);
/// assert_eq!(breadth(1, 1.1, 1.0), Some(0.5));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketBreadth {
    returns: SharedQuantity<PairReturns>,
}

impl Channel for MarketBreadth {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let returns = self.returns.step(&market.close())?;
        let (count, rising) = (returns.count(), returns.rising());
        (count > 0).then(|| rising as f64 / count as f64)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.returns.step(close);
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        self.returns.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.returns.restore(state)
    }
}
