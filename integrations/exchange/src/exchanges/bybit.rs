//! Bybit, spot market. Source: "Bybit V5 API", `/v5/market/kline` and the public topic
//! `kline.{interval}.{symbol}`.
use serde_json::{Value, json};
use windvane_candles::{Candle, Timestamp};

use super::json::Part;
use super::{Endpoints, Exchange, Update, interval_name};
use crate::{ExchangeError, Market};

const NAME: &str = "bybit";
const INTERVALS: [(i64, &str); 12] = [
    (1, "1"),
    (3, "3"),
    (5, "5"),
    (15, "15"),
    (30, "30"),
    (60, "60"),
    (120, "120"),
    (240, "240"),
    (360, "360"),
    (720, "720"),
    (1_440, "D"),
    (10_080, "W"),
];

/// Bybit, spot market; pairs such as `BTCUSDT`.
#[derive(Debug, Clone)]
pub struct Bybit(
    /// Addresses.
    pub Endpoints,
);

impl Default for Bybit {
    fn default() -> Self {
        Self(Endpoints::new("https://api.bybit.com", "wss://stream.bybit.com"))
    }
}

impl Exchange for Bybit {
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
            "{}/v5/market/kline?category=spot&symbol={pair}&interval={interval}&start={from}&end={last}&limit=1000",
            self.0.rest
        ))
    }

    fn parse_history(&self, _: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
        let answer = Part::new(NAME, answer);
        if answer.at("retCode").whole()? != 0 {
            let problem = answer.at("retMsg").text()?.to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        answer.at("result").at("list").items()?.map(Part::row).collect()
    }

    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError> {
        let interval = interval_name(NAME, market.interval, &INTERVALS)?;
        let topic = format!("kline.{interval}.{}", market.pair);
        let message = json!({ "op": "subscribe", "args": [topic] });
        Ok((format!("{}/v5/public/spot", self.0.stream), Some(message)))
    }

    fn parse_message(&self, _: &Market, message: &Value) -> Result<Vec<Update>, ExchangeError> {
        if message["success"] == false {
            let problem = message["ret_msg"].as_str().unwrap_or("no reason given").to_string();
            return Err(ExchangeError::Refused { exchange: NAME, problem });
        }
        if !message["topic"].as_str().is_some_and(|topic| topic.starts_with("kline.")) {
            return Ok(Vec::new());
        }
        let update = |kline: Part<'_>| {
            let values = ["open", "high", "low", "close", "volume"].map(|key| kline.at(key));
            let candle = kline.candle(kline.at("start").millis()?, values)?;
            Ok(Update::Candle { candle, closed: kline.at("confirm").value.as_bool() })
        };
        Part::new(NAME, message).at("data").items()?.map(update).collect()
    }
}
