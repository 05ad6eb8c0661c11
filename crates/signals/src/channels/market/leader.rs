//! Return and momentum of a leading pair.
use super::feed::PairFeed;
use crate::channels::catalog::{BuiltIn, ChannelArguments};
use crate::channels::normalized_momentum::NormalizedMomentum;
use crate::channels::normalized_return::NormalizedReturn;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const LEADER_RETURN: BuiltIn =
    BuiltIn::leader("leader_return", &[("half_life", 48.0)], "r / σ of the leader", |arguments| {
        let channel = NormalizedReturn::new(arguments.period("half_life")?);
        Ok(LeaderChannel::build(arguments, Box::new(channel)))
    });

pub(crate) const LEADER_MOMENTUM: BuiltIn = BuiltIn::leader(
    "leader_momentum",
    &[("lag", 4.0), ("half_life", 48.0)],
    "(ln c − ln c[lag]) / (σ √lag) of the leader",
    |arguments| {
        let (lag, half_life) = (arguments.period("lag")?, arguments.period("half_life")?);
        Ok(LeaderChannel::build(arguments, Box::new(NormalizedMomentum::new(lag, half_life))))
    },
);

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
    feed: PairFeed,
}

impl LeaderChannel {
    fn build(arguments: &ChannelArguments<'_>, channel: Box<dyn Channel>) -> Box<dyn Channel> {
        Box::new(Self { feed: PairFeed::new(&arguments.pairs()[0], 0, channel) })
    }
}

impl Channel for LeaderChannel {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.feed.step(&market.close())
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.feed.step(close);
    }

    fn warm_up(&self) -> usize {
        self.feed.warm_up()
    }

    fn reset(&mut self) {
        self.feed.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.feed.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.feed.restore(state)
    }
}
