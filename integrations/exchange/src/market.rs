//! Pair and interval at an exchange.
use windvane_candles::{Interval, Pair};

/// Pair at an exchange and the interval of its candles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// Pair, in the notation of the exchange: `BTCUSDT` at Binance and Bybit, `BTC-USDT` at OKX and
    /// Coinbase, `BTC/USD` at Kraken.
    pub pair: Pair,
    /// Interval of the candles.
    pub interval: Interval,
}

impl Market {
    /// Creates a market.
    pub fn new(pair: Pair, interval: Interval) -> Self {
        Self { pair, interval }
    }

    /// Returns the milliseconds of the interval.
    pub(crate) fn millis(&self) -> i64 {
        self.interval.millis()
    }
}
