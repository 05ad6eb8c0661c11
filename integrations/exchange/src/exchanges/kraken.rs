//! Kraken, spot market. Source: "Kraken API documentation", `/0/public/OHLC` and the channel `ohlc`
//! of the WebSocket API v2. The history has only the last 720 candles.
use serde_json::{Value, json};
use windvane_candles::{Candle, Timestamp};

use super::json::Part;
use super::{Endpoints, Exchange, Update, interval_name};
use crate::{ExchangeError, Market};

const NAME: &str = "kraken";
const INTERVALS: [(i64, &str); 8] = [
    (1, "1"),
    (5, "5"),
    (15, "15"),
    (30, "30"),
    (60, "60"),
    (240, "240"),
    (1_440, "1440"),
    (10_080, "10080"),
];

/// Kraken, spot market; pairs such as `BTC/USD`.
#[derive(Debug, Clone)]
pub struct Kraken(
    /// Addresses.
    pub Endpoints,
);

impl Default for Kraken {
    fn default() -> Self {
        Self(Endpoints::new("https://api.kraken.com", "wss://ws.kraken.com"))
    }
}

impl Exchange for Kraken {
    fn name(&self) -> &'static str {
        NAME
    }

    fn page_len(&self) -> u32 {
        720
    }

    fn kept_candles(&self) -> Option<u32> {
        Some(719)
    }

    fn history_url(
        &self,
        market: &Market,
        from: Timestamp,
        _: Timestamp,
    ) -> Result<String, ExchangeError> {
        let interval = interval_name(NAME, market.interval, &INTERVALS)?;
        let pair = market.pair.as_str().replace('/', "");
        let since = from.millis() / 1_000 - 1;
        Ok(format!("{}/0/public/OHLC?pair={pair}&interval={interval}&since={since}", self.0.rest))
    }

    fn parse_history(&self, _: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
        let answer = Part::new(NAME, answer);
        let mut errors = answer.at("error").items()?;
        if let Some(error) = errors.next() {
            let problem = error.text()?.to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        // The rows are under Kraken's own name of the pair, beside `last`.
        let result = answer.at("result").value.as_object();
        let rows = result.and_then(|result| result.values().find(|value| value.is_array()));
        let rows = rows.ok_or_else(|| ExchangeError::message(NAME, "no list of candles"))?;
        // time, open, high, low, close, volume-weighted price, volume, number of trades
        let candle = |row: Part<'_>| {
            row.candle(row.at(0).seconds()?, [1, 2, 3, 4, 6].map(|column| row.at(column)))
        };
        Part::new(NAME, rows).items()?.map(candle).collect()
    }

    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError> {
        let interval = interval_name(NAME, market.interval, &INTERVALS)?;
        if !market.pair.as_str().contains('/') {
            let (symbol, example) = (market.pair.to_string(), "BTC/USD");
            return Err(ExchangeError::Symbol { exchange: NAME, symbol, example });
        }
        let minutes: i64 = interval.parse().unwrap_or_default();
        let parameters = json!({
            "channel": "ohlc", "symbol": [market.pair.as_str()], "interval": minutes,
            "snapshot": false,
        });
        let message = json!({ "method": "subscribe", "params": parameters });
        Ok((format!("{}/v2", self.0.stream), Some(message)))
    }

    fn parse_message(&self, _: &Market, message: &Value) -> Result<Vec<Update>, ExchangeError> {
        if message["success"] == false {
            let problem = message["error"].as_str().unwrap_or("no reason given").to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        if message["channel"] != "ohlc" {
            return Ok(Vec::new());
        }
        let update = |row: Part<'_>| {
            let values = ["open", "high", "low", "close", "volume"].map(|key| row.at(key));
            let candle = row.candle(row.at("interval_begin").time()?, values)?;
            Ok(Update::Candle { candle, closed: None })
        };
        Part::new(NAME, message).at("data").items()?.map(update).collect()
    }
}
