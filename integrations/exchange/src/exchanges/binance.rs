//! Binance, spot market. Source: "Binance Spot API Docs", REST API (`/api/v3/klines`) and
//! WebSocket streams (`<symbol>@kline_<interval>`).
use serde_json::Value;
use windvane_candles::{Candle, Timestamp};

use super::json::Part;
use super::{Endpoints, Exchange, Update, interval_name};
use crate::{ExchangeError, Market};

const NAME: &str = "binance";
const INTERVALS: [(i64, &str); 14] = [
    (1, "1m"),
    (3, "3m"),
    (5, "5m"),
    (15, "15m"),
    (30, "30m"),
    (60, "1h"),
    (120, "2h"),
    (240, "4h"),
    (360, "6h"),
    (480, "8h"),
    (720, "12h"),
    (1_440, "1d"),
    (4_320, "3d"),
    (10_080, "1w"),
];

/// Binance, spot market; pairs such as `BTCUSDT`.
#[derive(Debug, Clone)]
pub struct Binance(
    /// Addresses.
    pub Endpoints,
);

impl Default for Binance {
    fn default() -> Self {
        Self(Endpoints::new("https://api.binance.com", "wss://stream.binance.com:9443"))
    }
}

impl Exchange for Binance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn page_len(&self) -> u32 {
        1_000
    }

    fn history_url(
        &self,
        market: &Market,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<String, ExchangeError> {
        let interval = interval_name(NAME, market.interval, &INTERVALS)?;
        let (from, last) = (from.millis(), to.millis() - 1);
        let Market { pair, .. } = market;
        Ok(format!(
            "{}/api/v3/klines?symbol={pair}&interval={interval}&startTime={from}&endTime={last}&limit=1000",
            self.0.rest
        ))
    }

    fn parse_history(&self, _: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
        Part::new(NAME, answer).items()?.map(Part::row).collect()
    }

    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError> {
        let interval = interval_name(NAME, market.interval, &INTERVALS)?;
        let symbol = market.pair.as_str().to_lowercase();
        Ok((format!("{}/ws/{symbol}@kline_{interval}", self.0.stream), None))
    }

    fn parse_message(&self, _: &Market, message: &Value) -> Result<Vec<Update>, ExchangeError> {
        if message["e"] != "kline" {
            return Ok(Vec::new());
        }
        let kline = Part::new(NAME, message).at("k");
        let values = ["o", "h", "l", "c", "v"].map(|key| kline.at(key));
        let candle = kline.candle(kline.at("t").millis()?, values)?;
        Ok(vec![Update::Candle { candle, closed: kline.at("x").value.as_bool() }])
    }
}
