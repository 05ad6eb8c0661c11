//! Closed candles as JSON lines, the input of `windvane predict --follow` and of the paper bot.
use std::io::Write;

use serde_json::json;
use windvane_candles::{Candle, Ohlcv, Pair};

use crate::{ExchangeError, LiveCandles};

/// Returns the line of a candle, without a line break.
pub fn json_line(pair: &Pair, candle: &Candle) -> String {
    let Ohlcv { open, high, low, close, volume } = candle.values();
    let open_time = candle.open_time().to_string();
    json!({
        "pair": pair.as_str(), "open_time": open_time,
        "open": open, "high": high, "low": low, "close": close, "volume": volume,
    })
    .to_string()
}

impl LiveCandles<'_> {
    /// Writes a line per closed candle, the missed ones included, and flushes after each wait. Ends
    /// when `out` is closed.
    ///
    /// # Errors
    /// Those of [`next_candle`](Self::next_candle).
    pub fn write_lines(&mut self, mut out: impl Write) -> Result<(), ExchangeError> {
        loop {
            let next = self.next_candle()?;
            let mut text = String::new();
            for candle in next.missed.iter().chain([&next.candle]) {
                text.push_str(&json_line(next.missed.pair(), candle));
                text.push('\n');
            }
            // The reader has ended.
            if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
    }
}
