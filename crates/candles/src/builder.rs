//! Candles from the trades of an exchange.

use crate::candle::{MAX_VALUE, MIN_PRICE};
use crate::error::FeedError;
use crate::{Candle, Interval, Ohlcv, Timestamp};

/// Side of the order that caused a trade (the taker).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum TradeSide {
    /// The taker bought.
    Buy,
    /// The taker sold.
    Sell,
}

/// Trade of an exchange, not validated.
///
/// # Units
/// Price in the quote currency, size in the base currency (shares for stocks).
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Trade {
    /// Time of the trade at the exchange.
    pub time: Timestamp,
    /// Price of the trade.
    pub price: f64,
    /// Amount traded, above 0.
    pub size: f64,
    /// Side of the taker; `None` if the feed does not send it.
    pub side: Option<TradeSide>,
}

/// Closed candle with the statistics of its trades.
#[derive(Copy, Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct TradeCandle {
    /// Prices and volume of the trades.
    pub candle: Candle,
    /// Number of trades, at least 1.
    pub trades: u64,
    /// Volume of the trades whose taker bought.
    pub buy_volume: f64,
    /// Volume of the trades whose taker sold.
    pub sell_volume: f64,
}

/// Builder of candles from a live stream of trades.
///
/// A candle closes with the first trade at or after its close time, or with
/// [`advance`](Self::advance) if no trade follows. An interval without a trade has no candle, and
/// no candle is invented for it: the next candle then follows a gap.
///
/// The trades of the running candle may arrive in any order. Its open is the price of the trade
/// with the earliest time and its close that of the latest; of trades with equal times, the one
/// that arrived first or last. A trade of a closed candle is ignored and counted as late.
///
/// The stream begins within a candle. That first candle is incomplete and is not returned; fetch it
/// from the exchange's history ([`Feed`](crate::Feed) requests it). If you know a time from which on
/// all trades arrive, use [`complete_from`](Self::complete_from).
///
/// An interval with an offset works like any other; one by session is an error, because a trade does
/// not tell when the session opens.
///
/// The candles equal those of [`resample`](crate::CandleSeries::resample) over candles of a shorter
/// interval of the same trades, up to the rounding of the volumes' sum.
///
/// # Examples
/// ```
/// use windvane_candles::{CandleBuilder, Interval, Trade};
///
/// let trade = |time: &str, price: f64| Trade {
///     time: time.parse().unwrap(),
///     price,
///     size: 0.5,
///     side: None,
/// };
/// let mut builder = CandleBuilder::complete_from(Interval::HOUR, "2024-01-01 00:00".parse()?);
/// assert_eq!(builder.on_trade(&trade("2024-01-01 00:10", 100.0))?, None);
/// assert_eq!(builder.on_trade(&trade("2024-01-01 00:50", 102.0))?, None);
/// // The first trade of the next hour closes the candle.
/// let closed = builder.on_trade(&trade("2024-01-01 01:00", 103.0))?.unwrap();
/// assert_eq!((closed.candle.close(), closed.candle.volume(), closed.trades), (102.0, 1.0, 2));
/// // The clock closes a candle after which there is no trade.
/// let closed = builder.advance("2024-01-01 02:00".parse()?)?.unwrap();
/// assert_eq!(closed.candle.open_time(), "2024-01-01 01:00".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CandleBuilder {
    interval: Interval,
    /// Open time of the first complete candle.
    first: Option<Timestamp>,
    /// Earliest open time of a candle that has not closed; that of the running candle if there is
    /// one.
    next: Option<Timestamp>,
    running: Option<UnclosedCandle>,
    late: u64,
}

/// Candle that has not closed.
#[derive(Copy, Clone, Debug)]
struct UnclosedCandle {
    open_time: Timestamp,
    values: Ohlcv,
    /// Time of the trade whose price is the open.
    first_trade: Timestamp,
    /// Time of the trade whose price is the close.
    last_trade: Timestamp,
    trades: u64,
    buy_volume: f64,
    sell_volume: f64,
}

impl CandleBuilder {
    /// Creates a builder for a stream that begins at an unknown time: the candle of the first trade
    /// is incomplete and is not returned.
    pub fn new(interval: Interval) -> Self {
        Self { interval, first: None, next: None, running: None, late: 0 }
    }

    /// Creates a builder that receives all trades from `time` on, for example the time at which the
    /// subscription was confirmed. Its first candle opens at `time`, or at the next open time.
    pub fn complete_from(interval: Interval, time: Timestamp) -> Self {
        let floor = interval.floor(time);
        let first = if floor == time { Some(time) } else { floor.plus(interval, 1) };
        Self { first, next: first, ..Self::new(interval) }
    }

    /// Takes a trade. Returns the candle that it closes: the one before the candle of the trade.
    ///
    /// # Errors
    /// [`FeedError::Price`] and [`FeedError::Size`] for invalid values, [`FeedError::Volume`] if
    /// the candle's volume would exceed 1e100, [`FeedError::Year`] and [`FeedError::Ahead`] for an
    /// implausible time, [`FeedError::BySession`] for an [interval by session](Interval::by_session).
    /// The state is unchanged.
    pub fn on_trade(&mut self, trade: &Trade) -> Result<Option<TradeCandle>, FeedError> {
        let &Trade { time, price, size, .. } = trade;
        if !(MIN_PRICE..=MAX_VALUE).contains(&price) {
            return Err(FeedError::Price { time, value: price });
        }
        if !(f64::MIN_POSITIVE..=MAX_VALUE).contains(&size) {
            return Err(FeedError::Size { time, value: size });
        }
        let open_time = self.floor(time)?;
        let Some(next) = self.next else {
            self.first = open_time.plus(self.interval, 1);
            self.next = self.first;
            return Ok(None);
        };
        if open_time < next {
            self.late += u64::from(self.first.is_some_and(|first| time >= first));
            return Ok(None);
        }
        match &mut self.running {
            Some(running) if running.open_time == open_time => {
                running.add(trade)?;
                Ok(None)
            }
            _ => {
                self.next = Some(open_time);
                let closed = self.running.replace(UnclosedCandle::new(open_time, trade));
                Ok(closed.map(UnclosedCandle::close))
            }
        }
    }

    /// Closes the running candle if its close time is not after `now`, and returns it. All earlier
    /// intervals count as closed: later trades of them are late.
    ///
    /// Call it with the time of your clock at every close, or some seconds less if the trades of
    /// your feed arrive late.
    ///
    /// # Errors
    /// [`FeedError::Year`], [`FeedError::Ahead`] and [`FeedError::BySession`] as in
    /// [`on_trade`](Self::on_trade). The state is unchanged.
    pub fn advance(&mut self, now: Timestamp) -> Result<Option<TradeCandle>, FeedError> {
        let open_time = self.floor(now)?;
        if self.next.is_none_or(|next| open_time <= next) {
            return Ok(None);
        }
        self.next = Some(open_time);
        Ok(self.running.take().map(UnclosedCandle::close))
    }

    /// Open time of the candle that contains a plausible time.
    fn floor(&self, time: Timestamp) -> Result<Timestamp, FeedError> {
        let interval = self.interval;
        if interval.is_by_session() {
            return Err(FeedError::BySession { interval });
        }
        FeedError::check_time(time, self.next, interval)?;
        Ok(interval.floor(time))
    }

    /// Number of trades that were ignored because their candle had closed.
    pub fn late_trades(&self) -> u64 {
        self.late
    }
}

impl UnclosedCandle {
    /// Creates the candle of its first trade.
    fn new(open_time: Timestamp, trade: &Trade) -> Self {
        let &Trade { time, price, size, .. } = trade;
        let values = Ohlcv { open: price, high: price, low: price, close: price, volume: size };
        let mut candle = Self {
            open_time,
            values,
            first_trade: time,
            last_trade: time,
            trades: 1,
            buy_volume: 0.0,
            sell_volume: 0.0,
        };
        candle.add_side(trade);
        candle
    }

    /// Adds a later trade.
    fn add(&mut self, trade: &Trade) -> Result<(), FeedError> {
        let &Trade { time, price, size, .. } = trade;
        let volume = self.values.volume + size;
        if volume > MAX_VALUE {
            return Err(FeedError::Volume { open_time: self.open_time });
        }
        self.values.volume = volume;
        self.values.high = self.values.high.max(price);
        self.values.low = self.values.low.min(price);
        if time < self.first_trade {
            (self.first_trade, self.values.open) = (time, price);
        }
        if time >= self.last_trade {
            (self.last_trade, self.values.close) = (time, price);
        }
        self.trades += 1;
        self.add_side(trade);
        Ok(())
    }

    fn add_side(&mut self, trade: &Trade) {
        match trade.side {
            Some(TradeSide::Buy) => self.buy_volume += trade.size,
            Some(TradeSide::Sell) => self.sell_volume += trade.size,
            None => {}
        }
    }

    fn close(self) -> TradeCandle {
        let Ok(candle) = Candle::new(self.open_time, self.values) else {
            unreachable!("invariant: every trade is valid, and so is the sum of the sizes");
        };
        let Self { trades, buy_volume, sell_volume, .. } = self;
        TradeCandle { candle, trades, buy_volume, sell_volume }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{CandleSeries, Pair};

    /// Time of a second since the epoch.
    fn second(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn trade(at: i64, price: f64) -> Trade {
        Trade { time: second(at), price, size: 1.0, side: None }
    }

    /// Builder of minutes that receives all trades from the epoch on.
    fn minutes() -> CandleBuilder {
        CandleBuilder::complete_from(Interval::MINUTE, second(0))
    }

    #[test]
    fn builder_drops_the_first_candle_unless_it_is_complete() {
        for (mut builder, first) in [
            (CandleBuilder::new(Interval::MINUTE), 60),
            (minutes(), 0),
            (CandleBuilder::complete_from(Interval::MINUTE, second(1)), 60),
            (CandleBuilder::complete_from(Interval::MINUTE, second(60)), 60),
        ] {
            let closed = [10, 70, 130].map(|at| builder.on_trade(&trade(at, 5.0)).unwrap());
            let mut times = closed.iter().flatten().map(|closed| closed.candle.open_time());
            assert_eq!(times.next(), Some(second(first)));
            assert_eq!(builder.late_trades(), 0);
        }
    }

    #[test]
    fn builder_orders_trades_of_the_running_candle_by_time_and_ties_by_arrival() {
        let mut builder = minutes();
        for (at, price) in
            [(20, 2.0), (20, 3.0), (10, 1.0), (10, 9.0), (40, 4.0), (40, 5.0), (30, 6.0)]
        {
            assert_eq!(builder.on_trade(&trade(at, price)).unwrap(), None);
        }
        let closed = builder.advance(second(60)).unwrap().unwrap();
        let values = Ohlcv { open: 1.0, high: 9.0, low: 1.0, close: 5.0, volume: 7.0 };
        assert_eq!((closed.candle.values(), closed.trades), (values, 7));
    }

    #[test]
    fn builder_closes_by_trade_or_clock_and_leaves_gaps() {
        let mut builder = minutes();
        assert_eq!(builder.on_trade(&trade(5, 1.0)).unwrap(), None);
        // Two minutes without a trade: no candle is invented.
        let closed = builder.on_trade(&trade(180, 2.0)).unwrap().unwrap();
        assert_eq!(closed.candle.open_time(), second(0));
        assert_eq!(builder.advance(second(239)).unwrap(), None);
        let closed = builder.advance(second(240)).unwrap().unwrap();
        assert_eq!(closed.candle.open_time(), second(180));
        assert_eq!(builder.advance(second(500)).unwrap(), None);
        // Late: of the closed candle, and of an interval that has passed without a trade.
        for at in [239, 479] {
            assert_eq!(builder.on_trade(&trade(at, 3.0)).unwrap(), None);
        }
        assert_eq!(builder.late_trades(), 2);
        assert_eq!(builder.on_trade(&trade(480, 4.0)).unwrap(), None);
        // A clock that is set back changes nothing.
        assert_eq!(builder.advance(second(100)).unwrap(), None);
        let closed = builder.advance(second(540)).unwrap().unwrap();
        assert_eq!((closed.candle.open(), closed.trades), (4.0, 1));
    }

    #[test]
    fn builder_sums_volumes_by_side() {
        let mut builder = minutes();
        let sides = [Some(TradeSide::Buy), Some(TradeSide::Sell), None, Some(TradeSide::Buy)];
        for (side, size) in sides.into_iter().zip([1.0, 2.0, 4.0, 8.0]) {
            builder.on_trade(&Trade { size, side, ..trade(1, 1.0) }).unwrap();
        }
        let closed = builder.advance(second(60)).unwrap().unwrap();
        let volumes = (closed.candle.volume(), closed.buy_volume, closed.sell_volume);
        assert_eq!(volumes, (15.0, 9.0, 2.0));
    }

    #[test]
    fn builder_rejects_invalid_trades_without_a_change() {
        let mut builder = minutes();
        builder.on_trade(&trade(1, 7.0)).unwrap();
        let good = trade(2, 1.0);
        let microseconds = Timestamp::from_millis(1_704_067_200_000_000);
        let cases = [
            (
                Trade { price: f64::NAN, ..good },
                "price of the trade at 1970-01-01T00:00:02Z is NaN",
            ),
            (Trade { price: 0.0, ..good }, "is 0.0, expected a price from 1e-100 to 1e100"),
            (Trade { price: f64::INFINITY, ..good }, "is inf, expected a price"),
            (Trade { size: 0.0, ..good }, "size of the trade at 1970-01-01T00:00:02Z is 0.0"),
            (Trade { size: -1.0, ..good }, "is -1.0, expected a size above 0"),
            (Trade { size: f64::NAN, ..good }, "is NaN, expected a size above 0"),
            (Trade { time: microseconds, ..good }, "is outside the years 1 to 9999"),
            (trade(60 * 10_001, 1.0), "is more than 10,000 1m candles after 1970-01-01T00:00:00Z"),
        ];
        for (trade, message) in cases {
            let error = builder.on_trade(&trade).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(builder.advance(microseconds).is_err());
        assert!(builder.advance(second(60 * 10_001)).is_err());
        let closed = builder.advance(second(60)).unwrap().unwrap();
        assert_eq!((closed.candle.high(), closed.candle.volume(), closed.trades), (7.0, 1.0, 1));
        // Two sizes that are valid alone, but not their sum.
        let large = Trade { size: 1e100, ..trade(61, 1.0) };
        builder.on_trade(&large).unwrap();
        assert_eq!(builder.on_trade(&large), Err(FeedError::Volume { open_time: second(60) }));
        assert_eq!(builder.advance(second(120)).unwrap().unwrap().trades, 1);
        // A pause of that length is accepted step by step.
        assert_eq!(builder.advance(second(60 * 10_001)).unwrap(), None);
        assert_eq!(builder.on_trade(&trade(60 * 20_001, 1.0)).unwrap(), None);
    }

    #[test]
    fn builder_uses_the_offset_of_the_interval_and_rejects_sessions() {
        let interval = Interval::HOUR.with_offset(30 * 60_000).unwrap();
        let mut builder = CandleBuilder::complete_from(interval, second(0));
        assert_eq!(builder.on_trade(&trade(1_799, 1.0)).unwrap(), None);
        assert_eq!(builder.on_trade(&trade(1_800, 2.0)).unwrap(), None);
        let closed = builder.advance(second(5_400)).unwrap().unwrap();
        assert_eq!((closed.candle.open_time(), closed.candle.open()), (second(1_800), 2.0));

        let interval = Interval::HOUR.by_session();
        let mut builder = CandleBuilder::new(interval);
        let error = FeedError::BySession { interval };
        assert_eq!(builder.on_trade(&trade(0, 1.0)), Err(error.clone()));
        assert_eq!(builder.advance(second(0)), Err(error));
    }

    /// Candle of a minute with its trades: open, high and low in any order, close.
    fn minute(minute: i64, [open, close, up, down]: [f64; 4]) -> (Candle, [Trade; 4]) {
        let (high, low) = (open.max(close) + up, open.min(close) / (1.0 + down));
        let values = Ohlcv { open, high, low, close, volume: 4.0 };
        let start = minute * 60;
        let trades = [(0, open), (7, high), (7, low), (59, close)]
            .map(|(at, price)| trade(start + at, price));
        (Candle::new(second(start), values).unwrap(), trades)
    }

    proptest! {
        #[test]
        fn builder_over_trades_equals_resample(
            prices in prop::collection::vec((prop::array::uniform4(1.0..9.0f64), 1i64..4), 1..150),
            start in 0i64..20,
            length in prop_oneof![Just(1i64), Just(5), Just(15)],
            swaps in prop::collection::vec(0usize..3, 150),
        ) {
            let mut at = start;
            let parts: Vec<(Candle, [Trade; 4])> = prices.iter().map(|&(values, step)| {
                at += step;
                minute(at, values)
            }).collect();
            let fine: Vec<Candle> = parts.iter().map(|(candle, _)| *candle).collect();
            let fine = CandleSeries::new(Pair::new("X").unwrap(), Interval::MINUTE, fine).unwrap();
            let interval = Interval::from_millis(length * 60_000).unwrap();
            let expected = fine.resample(interval).unwrap().series;

            let mut builder = CandleBuilder::complete_from(interval, fine.candles()[0].open_time());
            let mut built = Vec::new();
            for ((_, mut trades), swap) in parts.into_iter().zip(swaps) {
                // Trades of one minute arrive in another order, those of equal times in theirs.
                match swap {
                    0 => {}
                    1 => trades.rotate_left(1),
                    _ => trades.rotate_right(1),
                }
                for trade in trades {
                    built.extend(builder.on_trade(&trade).unwrap());
                }
            }
            built.extend(builder.advance(fine.close_time(fine.len() - 1).unwrap()).unwrap());
            let built: Vec<Candle> = built.into_iter().map(|closed| closed.candle).collect();
            prop_assert_eq!(&built[..], expected.candles());
            prop_assert_eq!(builder.late_trades(), 0);
        }
    }
}
