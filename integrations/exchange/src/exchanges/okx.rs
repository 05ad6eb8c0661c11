//! OKX, spot market. Source: "OKX API guide", `/api/v5/market/history-candles` and the business
//! channel `candle{bar}`. Days and weeks are those of UTC (`1Dutc`, `1Wutc`).
use serde_json::{Value, json};
use windvane_candles::{Candle, Timestamp};

use super::json::Part;
use super::{Endpoints, Exchange, Update, interval_name};
use crate::{ExchangeError, Market};

const NAME: &str = "okx";
const INTERVALS: [(i64, &str); 12] = [
    (1, "1m"),
    (3, "3m"),
    (5, "5m"),
    (15, "15m"),
    (30, "30m"),
    (60, "1H"),
    (120, "2H"),
    (240, "4H"),
    (360, "6Hutc"),
    (720, "12Hutc"),
    (1_440, "1Dutc"),
    (10_080, "1Wutc"),
];

/// OKX, spot market; pairs such as `BTC-USDT`.
#[derive(Debug, Clone)]
pub struct Okx(
    /// Addresses.
    pub Endpoints,
);

impl Default for Okx {
    fn default() -> Self {
        Self(Endpoints::new("https://www.okx.com", "wss://ws.okx.com:8443"))
    }
}

impl Exchange for Okx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn page_len(&self) -> u32 {
        100
    }

    fn history_url(
        &self,
        market: &Market,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<String, ExchangeError> {
        let bar = interval_name(NAME, market.interval, &INTERVALS)?;
        // Both bounds are exclusive: `after` is the later one.
        let (before, after) = (from.millis() - 1, to.millis());
        let Market { pair, .. } = market;
        Ok(format!(
            "{}/api/v5/market/history-candles?instId={pair}&bar={bar}&before={before}&after={after}&limit=100",
            self.0.rest
        ))
    }

    fn parse_history(&self, _: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
        let answer = Part::new(NAME, answer);
        if answer.at("code").text()? != "0" {
            let problem = answer.at("msg").text()?.to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        answer.at("data").items()?.map(Part::row).collect()
    }

    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError> {
        let bar = interval_name(NAME, market.interval, &INTERVALS)?;
        let argument = json!({ "channel": format!("candle{bar}"), "instId": market.pair.as_str() });
        let message = json!({ "op": "subscribe", "args": [argument] });
        Ok((format!("{}/ws/v5/business", self.0.stream), Some(message)))
    }

    fn parse_message(&self, _: &Market, message: &Value) -> Result<Vec<Update>, ExchangeError> {
        if message["event"] == "error" {
            let problem = message["msg"].as_str().unwrap_or("no reason given").to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        if message.get("data").is_none() {
            return Ok(Vec::new());
        }
        let update = |row: Part<'_>| {
            let closed = Some(row.at(8).text()? == "1");
            Ok(Update::Candle { candle: row.row()?, closed })
        };
        Part::new(NAME, message).at("data").items()?.map(update).collect()
    }
}
