//! A market without end: stretches of candles with a gap between any two.
use windvane::candles::simulate::MarketModel;
use windvane::prelude::*;

type Error = Box<dyn std::error::Error>;

/// Candles of a stretch.
const STRETCH: usize = 4_096;
/// A gap lacks up to so many candles.
const MAX_GAP: u64 = 5;

/// The stretches in their order, drawn anew each time: none is kept.
pub(crate) struct Feed {
    next: u64,
    /// When the next stretch begins.
    start: Timestamp,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { next: 0, start: Timestamp::from_millis(0) }
    }

    /// The next stretch of hourly candles, of at most that many.
    pub(crate) fn stretch(&mut self, most: u64) -> Result<CandleSeries, Error> {
        let length = usize::try_from(most)?.min(STRETCH);
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
