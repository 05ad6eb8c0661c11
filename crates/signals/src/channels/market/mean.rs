//! Mean of a channel over the pairs of a market.
use super::feed::{PairFeed, mean_of};
use crate::channels::catalog::BuiltIn;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const MARKET_MEAN: BuiltIn = BuiltIn::market(
    "market_mean",
    &[],
    "mean of the inner channel over the pairs that have a value",
    |arguments| {
        let mut feeds = Vec::with_capacity(arguments.pairs().len());
        for (place, pair) in arguments.pairs().iter().enumerate() {
            feeds.push(PairFeed::new(pair, place, arguments.inner(arguments.interval())?));
        }
        Ok(Box::new(MarketMean { feeds }))
    },
)
.with_channel();

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
    feeds: Vec<PairFeed>,
}

impl Channel for MarketMean {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        mean_of(&mut self.feeds, &market.close())
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        mean_of(&mut self.feeds, close);
    }

    fn warm_up(&self) -> usize {
        self.feeds.iter().map(PairFeed::warm_up).max().unwrap_or(0)
    }

    fn reset(&mut self) {
        for feed in &mut self.feeds {
            feed.clear();
        }
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.feeds.len());
        for feed in &self.feeds {
            feed.save(state);
        }
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.feeds.len())?;
        for feed in &mut self.feeds {
            feed.restore(state)?;
        }
        Ok(())
    }
}
