//! Channels computed on the candles of other pairs: of a leader, and as the mean over a market.
use windvane_candles::Pair;

use super::shared::{MarketQuantity, SharedQuantity};
use crate::channels::catalog::{BuiltIn, ChannelArguments};
use crate::channels::normalized_momentum::NormalizedMomentum;
use crate::channels::normalized_return::NormalizedReturn;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const LEADER_RETURN: BuiltIn =
    BuiltIn::leader("leader_return", &[("half_life", 48.0)], "r / σ of the leader", |arguments| {
        let channel = NormalizedReturn::new(arguments.period("half_life")?);
        LeaderChannel::build(arguments, Box::new(channel))
    });

pub(crate) const LEADER_MOMENTUM: BuiltIn = BuiltIn::leader(
    "leader_momentum",
    &[("lag", 4.0), ("half_life", 48.0)],
    "(ln c − ln c[lag]) / (σ √lag) of the leader",
    |arguments| {
        let (lag, half_life) = (arguments.period("lag")?, arguments.period("half_life")?);
        LeaderChannel::build(arguments, Box::new(NormalizedMomentum::new(lag, half_life)))
    },
);

pub(crate) const MARKET_MEAN: BuiltIn = BuiltIn::market(
    "market_mean",
    &[],
    "mean of the inner channel over the pairs that have a value",
    |arguments| {
        let inner = || arguments.inner(arguments.interval());
        let warm_up = inner()?.warm_up();
        let market = arguments.market(|| PairFeeds::new(arguments.pairs(), inner))?;
        Ok(Box::new(MarketMean { market, warm_up }))
    },
)
.with_channel();

/// Another pair's candles, and a channel that consumes them at every close of the market.
///
/// The channel belongs to that pair: it advances whatever candles the own pair misses, and lags go
/// by the clock of the market's closes.
#[derive(Debug)]
pub(super) struct PairFeed {
    pair: Pair,
    /// Probable place among the candles of a close.
    place: usize,
    /// True once the pair had a candle.
    started: bool,
    /// Intervals without a candle since its last one.
    absent: u64,
    channel: Box<dyn Channel>,
    /// Value of the channel at the last close; `None` if the pair has no candle or no value.
    value: Option<f64>,
}

impl PairFeed {
    pub(super) fn new(pair: &Pair, place: usize, channel: Box<dyn Channel>) -> Self {
        Self { pair: pair.clone(), place, started: false, absent: 0, channel, value: None }
    }

    /// Returns the next value of the channel; `None` without a candle.
    fn next(&mut self, close: &MarketClose<'_>) -> Option<f64> {
        let Some((candle, logs)) = close.candle_at(self.place, &self.pair) else {
            self.absent = self.absent.saturating_add(close.elapsed());
            return None;
        };
        let missing = self.absent.saturating_add(close.elapsed() - 1);
        let missing = if self.started { missing } else { 0 };
        (self.started, self.absent) = (true, 0);
        let market = MarketSnapshot::from(candle).after_gap(missing, 1);
        let market = logs.map_or(market, |logs| market.with_logs(logs));
        self.channel.update(&market).filter(|value| value.is_finite())
    }
}

impl MarketQuantity for PairFeed {
    fn step(&mut self, close: &MarketClose<'_>) {
        self.value = self.next(close);
    }

    fn clear(&mut self) {
        (self.started, self.absent, self.value) = (false, 0, None);
        self.channel.reset();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(usize::from(self.started));
        state.int(self.absent.cast_signed());
        self.channel.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.started = state.count()? != 0;
        self.absent = state.int()?.cast_unsigned();
        self.value = None;
        self.channel.restore(state)
    }
}

/// A channel on the candles of each pair of a market.
#[derive(Debug)]
pub(super) struct PairFeeds {
    feeds: Box<[PairFeed]>,
    /// Mean of the values at the last close.
    mean: Option<f64>,
}

impl PairFeeds {
    pub(super) fn new(
        pairs: &[Pair],
        channel: impl Fn() -> Result<Box<dyn Channel>, SignalError>,
    ) -> Result<Self, SignalError> {
        let feeds = pairs.iter().enumerate();
        let feeds = feeds.map(|(place, pair)| Ok(PairFeed::new(pair, place, channel()?)));
        Ok(Self { feeds: feeds.collect::<Result<_, _>>()?, mean: None })
    }

    /// Mean of the values that the pairs have at the last close; `None` if none has one.
    pub(super) fn mean(&self) -> Option<f64> {
        self.mean
    }

    fn mean_of_values(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_u32);
        for value in self.feeds.iter().filter_map(|feed| feed.value) {
            sum += value;
            count += 1;
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}

impl MarketQuantity for PairFeeds {
    fn step(&mut self, close: &MarketClose<'_>) {
        self.feeds.iter_mut().for_each(|feed| feed.step(close));
        self.mean = self.mean_of_values();
    }

    fn clear(&mut self) {
        self.feeds.iter_mut().for_each(PairFeed::clear);
        self.mean = None;
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.feeds.len());
        self.feeds.iter().for_each(|feed| feed.save(state));
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.feeds.len())?;
        self.mean = None;
        self.feeds.iter_mut().try_for_each(|feed| feed.restore(state))
    }
}

/// Normalised return or momentum of the leading pair: `leader_return` and `leader_momentum`.
///
/// **Units** standard deviations of the leader. **Formula** the leader's
/// [`NormalizedReturn`](crate::channels::NormalizedReturn) and
/// [`NormalizedMomentum`](crate::channels::NormalizedMomentum), with the leader's own σ. **Source**
/// lead-lag effects: Lo and `MacKinlay` 1990. **Warm-up** 24, or `lag` if it is larger. Undefined
/// where the leader has no candle. **Parameters** `half_life` = 48; of `leader_momentum` also `lag`
/// = 4.
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
/// let leader = "BTCUSDT".parse().unwrap();
/// let spec = ChannelSpec::new("leader_return").reading(leader);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     let others = [("BTCUSDT".parse().unwrap(), flat(hour, close))];
///     let value = channel.update(&MarketSnapshot::new(&flat(hour, 7.0), &others));
///     assert!(value.is_none_or(|value| (value.abs() - 1.0).abs() < 1e-12));
///     assert_eq!(value.is_some(), hour >= 24);
/// }
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(30, 7.0))), None); // no leader
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct LeaderChannel {
    leader: SharedQuantity<PairFeed>,
    warm_up: usize,
}

impl LeaderChannel {
    fn build(
        arguments: &ChannelArguments<'_>,
        channel: Box<dyn Channel>,
    ) -> Result<Box<dyn Channel>, SignalError> {
        let warm_up = channel.warm_up();
        let leader = arguments.market(|| Ok(PairFeed::new(&arguments.pairs()[0], 0, channel)))?;
        Ok(Box::new(Self { leader, warm_up }))
    }
}

impl Channel for LeaderChannel {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.leader.step(&market.close())?.value
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.leader.step(close);
    }

    fn warm_up(&self) -> usize {
        self.warm_up
    }

    fn reset(&mut self) {
        self.leader.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.leader.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.leader.restore(state)
    }
}

/// Mean of a channel over the declared pairs: the channel `market_mean`.
///
/// **Units** those of the inner channel. **Formula** mean over the pairs that have a candle and a
/// value. **Source** a cross-sectional mean. **Warm-up** that of the inner channel. Undefined if no
/// pair has a value. **Errors** [`SignalError::ChannelSetting`] if the inner channel reads other
/// pairs.
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
/// let spec = ChannelSpec::market_mean(ChannelSpec::new("close_location")).reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let [high, middle] = [2.0, 1.0].map(|close| candle(0, [1.0, 2.0, 0.5, close, 1.0]));
/// let others = [(pairs[0].clone(), high), (pairs[1].clone(), middle)];
/// let mean = channel.update(&MarketSnapshot::new(&high, &others)).unwrap();
/// assert!((mean - (1.0 - 1.0 / 3.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct MarketMean {
    market: SharedQuantity<PairFeeds>,
    warm_up: usize,
}

impl Channel for MarketMean {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.market.step(&market.close())?.mean()
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        self.warm_up
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
