//! Coinbase Exchange. Source: "Coinbase Exchange API", `/products/{id}/candles` and the channel
//! `matches`. There is no stream of candles in every interval, so candles are built from trades.
use serde_json::{Value, json};
use windvane_candles::{Candle, Timestamp, Trade, TradeSide};

use super::json::Part;
use super::{Endpoints, Exchange, Update, interval_name};
use crate::{ExchangeError, Market};

const NAME: &str = "coinbase";
const INTERVALS: [(i64, &str); 6] =
    [(1, "60"), (5, "300"), (15, "900"), (60, "3600"), (360, "21600"), (1_440, "86400")];

/// Coinbase Exchange; pairs such as `BTC-USD`.
#[derive(Debug, Clone)]
pub struct Coinbase(
    /// Addresses.
    pub Endpoints,
);

impl Default for Coinbase {
    fn default() -> Self {
        let rest = "https://api.exchange.coinbase.com";
        Self(Endpoints::new(rest, "wss://ws-feed.exchange.coinbase.com"))
    }
}

impl Exchange for Coinbase {
    fn name(&self) -> &'static str {
        NAME
    }

    fn page_len(&self) -> u32 {
        300
    }

    fn history_url(
        &self,
        market: &Market,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<String, ExchangeError> {
        let granularity = interval_name(NAME, market.interval, &INTERVALS)?;
        // Both bounds are inclusive.
        let last = Timestamp::from_millis(to.millis() - market.millis());
        let Market { pair, .. } = market;
        Ok(format!(
            "{}/products/{pair}/candles?granularity={granularity}&start={from}&end={last}",
            self.0.rest
        ))
    }

    fn parse_history(&self, _: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError> {
        if let Some(problem) = answer["message"].as_str() {
            return Err(ExchangeError::Refused { exchange: NAME, problem: problem.to_string() });
        }
        // time, low, high, open, close, volume
        let candle = |row: Part<'_>| {
            row.candle(row.at(0).seconds()?, [3, 2, 1, 4, 5].map(|column| row.at(column)))
        };
        Part::new(NAME, answer).items()?.map(candle).collect()
    }

    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError> {
        interval_name(NAME, market.interval, &INTERVALS)?;
        let products = [market.pair.as_str()];
        let message =
            json!({ "type": "subscribe", "product_ids": products, "channels": ["matches"] });
        Ok((self.0.stream.clone(), Some(message)))
    }

    fn parse_message(&self, _: &Market, message: &Value) -> Result<Vec<Update>, ExchangeError> {
        match message["type"].as_str() {
            Some("error") => {
                let problem = message["message"].as_str().unwrap_or("no reason given").to_string();
                Err(ExchangeError::Refused { exchange: NAME, problem })
            }
            Some("match") => {
                let trade = Part::new(NAME, message);
                // `side` is that of the maker.
                let side = match trade.at("side").text()? {
                    "buy" => TradeSide::Sell,
                    _ => TradeSide::Buy,
                };
                Ok(vec![Update::Trade(Trade {
                    time: trade.at("time").time()?,
                    price: trade.at("price").number()?,
                    size: trade.at("size").number()?,
                    side: Some(side),
                })])
            }
            _ => Ok(Vec::new()),
        }
    }
}
