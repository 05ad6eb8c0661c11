//! Candles of a period, page by page.
use windvane_candles::{Candle, Timestamp};

use crate::{Client, Exchange, ExchangeError, Market};

/// Download of the closed candles of a period.
///
/// Each page is a period of as many candles as the exchange returns at once, so a page can be
/// empty: before the listing, or in an outage.
#[derive(Debug)]
pub struct History<'a> {
    exchange: &'a dyn Exchange,
    client: &'a Client,
    market: &'a Market,
    /// First open time of the next page.
    next: Timestamp,
    /// The candles open before this time.
    until: Timestamp,
}

impl<'a> History<'a> {
    /// Creates the download of the candles that open from `from` on and have closed at `now`.
    ///
    /// # Errors
    /// [`ExchangeError::TooOld`] if the exchange does not keep candles that are this old.
    pub fn new(
        exchange: &'a dyn Exchange,
        client: &'a Client,
        market: &'a Market,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Self, ExchangeError> {
        let aligned = market.interval.floor(from);
        let next = if aligned < from { later(aligned, market.millis()) } else { aligned };
        let until = market.interval.floor(now);
        if let Some(kept) = exchange.kept_candles() {
            let oldest = later(until, -(kept as i64) * market.millis());
            if next < oldest {
                return Err(ExchangeError::TooOld { exchange: exchange.name(), oldest });
            }
        }
        Ok(Self { exchange, client, market, next, until })
    }

    /// Requests the next page: its candles, oldest first; `None` at the end.
    ///
    /// # Errors
    /// [`ExchangeError`] of the request and of its answer. The next call repeats the page.
    pub fn next_page(&mut self) -> Result<Option<Vec<Candle>>, ExchangeError> {
        if self.next >= self.until {
            return Ok(None);
        }
        let count = self.exchange.page_len() as i64;
        let to = later(self.next, count * self.market.millis()).min(self.until);
        let url = self.exchange.history_url(self.market, self.next, to)?;
        let answer = self.client.get(&url)?;
        let mut candles = self.exchange.parse_history(self.market, &answer)?;
        candles.retain(|candle| (self.next..to).contains(&candle.open_time()));
        candles.sort_by_key(Candle::open_time);
        candles.dedup_by_key(|candle| candle.open_time());
        self.next = to;
        Ok(Some(candles))
    }

    /// Returns the first open time that has not been requested.
    pub fn position(&self) -> Timestamp {
        self.next
    }
}

/// Time `millis` after another one.
pub(crate) fn later(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(millis))
}
