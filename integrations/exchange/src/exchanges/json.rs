//! Values of JSON messages: numbers as texts or numbers, times in milliseconds or seconds.
use serde_json::Value;
use windvane_candles::{Candle, Ohlcv, Timestamp};

use crate::ExchangeError;

/// Part of a message of an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) exchange: &'static str,
    pub(super) value: &'a Value,
}

impl<'a> Part<'a> {
    pub(super) fn new(exchange: &'static str, value: &'a Value) -> Self {
        Self { exchange, value }
    }

    /// Entry of an object or list.
    pub(super) fn at(self, index: impl serde_json::value::Index) -> Self {
        Self { value: self.value.get(index).unwrap_or(&Value::Null), ..self }
    }

    /// Items of a list.
    pub(super) fn items(self) -> Result<impl Iterator<Item = Self>, ExchangeError> {
        let items = self.value.as_array().ok_or_else(|| self.unexpected("a list"))?;
        Ok(items.iter().map(move |value| Self { value, ..self }))
    }

    pub(super) fn text(self) -> Result<&'a str, ExchangeError> {
        self.value.as_str().ok_or_else(|| self.unexpected("a text"))
    }

    /// A number, or a text of a number.
    pub(super) fn number(self) -> Result<f64, ExchangeError> {
        let number = match self.value {
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        number.ok_or_else(|| self.unexpected("a number"))
    }

    /// A whole number, or a text of one.
    pub(super) fn whole(self) -> Result<i64, ExchangeError> {
        let number = match self.value {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        number.ok_or_else(|| self.unexpected("a whole number"))
    }

    /// A time in milliseconds.
    pub(super) fn millis(self) -> Result<Timestamp, ExchangeError> {
        self.whole().map(Timestamp::from_millis)
    }

    /// A time in seconds.
    pub(super) fn seconds(self) -> Result<Timestamp, ExchangeError> {
        self.whole().map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)))
    }

    /// A time as a text; microseconds and nanoseconds are cut to milliseconds.
    pub(super) fn time(self) -> Result<Timestamp, ExchangeError> {
        let text = self.text()?;
        let millis = text.split_once('.').and_then(|(seconds, rest)| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            Some(format!("{seconds}.{}{}", rest.get(..digits.min(3))?, &rest[digits..]))
        });
        let text = millis.as_deref().unwrap_or(text);
        text.parse().map_err(|_| self.unexpected("a time"))
    }

    /// The candle of a row: open time in milliseconds, open, high, low, close, volume, …
    pub(super) fn row(self) -> Result<Candle, ExchangeError> {
        self.candle(self.at(0).millis()?, [1, 2, 3, 4, 5].map(|column| self.at(column)))
    }

    /// The candle of an open time whose values are these parts: open, high, low, close, volume.
    pub(super) fn candle(
        self,
        open_time: Timestamp,
        values: [Self; 5],
    ) -> Result<Candle, ExchangeError> {
        let [open, high, low, close, volume] = values;
        let values = Ohlcv {
            open: open.number()?,
            high: high.number()?,
            low: low.number()?,
            close: close.number()?,
            volume: volume.number()?,
        };
        Candle::new(open_time, values)
            .map_err(|error| ExchangeError::message(self.exchange, error.to_string()))
    }

    fn unexpected(self, expected: &str) -> ExchangeError {
        let got: String = self.value.to_string().chars().take(100).collect();
        ExchangeError::message(self.exchange, format!("expected {expected}, got {got}"))
    }
}
