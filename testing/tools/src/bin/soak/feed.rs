//! Endless simulated market: segments of candles with gaps between them.
use windvane::candles::simulate::MarketModel;
use windvane::prelude::*;

type Error = Box<dyn std::error::Error>;

/// Number of candles of a segment.
const SEGMENT: usize = 4_096;
/// Maximum number of missing candles of a gap.
const MAX_GAP: u64 = 5;

/// Endless feed of segments; each is simulated when it is requested and not stored.
pub(crate) struct EndlessFeed {
    next: u64,
    /// Beginning of the next segment.
    start: Timestamp,
}

impl EndlessFeed {
    pub(crate) fn new() -> Self {
        Self { next: 0, start: Timestamp::from_millis(0) }
    }

    /// Returns the next segment of hourly candles, of at most `limit` candles.
    pub(crate) fn next_segment(&mut self, limit: u64) -> Result<CandleSeries, Error> {
        let length = usize::try_from(limit)?.min(SEGMENT);
        let market = MarketModel::ALL[usize::try_from(self.next)? % MarketModel::ALL.len()];
        let drawn = market.candles("SIM".parse()?, Interval::HOUR, length, self.next)?;
        let at = |index: i64| self.start.plus(Interval::HOUR, index).ok_or("the end of time");
        let moved = (0..).zip(drawn.iter()).map(|(index, candle)| -> Result<Candle, Error> {
            Ok(Candle::new(at(index)?, candle.values())?)
        });
        let series =
            CandleSeries::new("SIM".parse()?, Interval::HOUR, moved.collect::<Result<_, _>>()?)?;
        let missing = 1 + self.next % MAX_GAP;
        self.start = at(i64::try_from(length as u64 + missing)?)?;
        self.next += 1;
        Ok(series)
    }
}
