//! Candles on the wire, in the JSON of Binance: kline events of a stream, and the request and answer
//! of its method `klines`, which tells of the past.
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windvane::prelude::*;

/// Rows of one answer at most.
pub(crate) const MOST_ROWS: usize = 1_000;

/// `{"e":"kline","E":…,"s":"BTCUSDT","k":{…}}`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KlineEvent {
    #[serde(rename = "e")]
    kind: String,
    /// When the exchange sent it, milliseconds.
    #[serde(rename = "E")]
    sent_at: i64,
    #[serde(rename = "s")]
    pub(crate) symbol: String,
    #[serde(rename = "k")]
    kline: Kline,
}

/// Numbers are text, so that no reader rounds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kline {
    #[serde(rename = "t")]
    open_time: i64,
    /// The last millisecond of the candle.
    #[serde(rename = "T")]
    last_time: i64,
    #[serde(rename = "s")]
    symbol: String,
    #[serde(rename = "i")]
    interval: String,
    #[serde(rename = "o")]
    open: String,
    #[serde(rename = "c")]
    close: String,
    #[serde(rename = "h")]
    high: String,
    #[serde(rename = "l")]
    low: String,
    #[serde(rename = "v")]
    volume: String,
    #[serde(rename = "x")]
    closed: bool,
}

impl KlineEvent {
    /// The event of a candle that has closed, or of what there is of it.
    pub(crate) fn new(pair: &Pair, interval: Interval, candle: &Candle, closed: bool) -> Self {
        let (symbol, v) = (pair.to_string(), candle.values());
        let last_time = candle.close_time(interval).millis() - 1;
        let kline = Kline {
            open_time: candle.open_time().millis(),
            last_time,
            symbol: symbol.clone(),
            interval: interval.to_string(),
            open: v.open.to_string(),
            close: v.close.to_string(),
            high: v.high.to_string(),
            low: v.low.to_string(),
            volume: v.volume.to_string(),
            closed,
        };
        Self { kind: "kline".to_string(), sent_at: last_time + 1, symbol, kline }
    }

    /// Whether the candle has closed: only then is it known.
    pub(crate) fn closed(&self) -> bool {
        self.kline.closed
    }

    pub(crate) fn interval(&self) -> &str {
        &self.kline.interval
    }

    pub(crate) fn candle(&self) -> Result<Candle, String> {
        let Kline { open_time, open, high, low, close, volume, .. } = &self.kline;
        candle(*open_time, [open, high, low, close, volume])
    }
}

/// `{"id":1,"method":"klines","params":{…}}`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HistoryRequest {
    pub(crate) id: u64,
    method: String,
    pub(crate) params: HistoryRange,
}

/// The open times asked for, both included, milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryRange {
    symbol: String,
    interval: String,
    pub(crate) start_time: i64,
    pub(crate) end_time: i64,
    limit: usize,
}

impl HistoryRequest {
    pub(crate) fn new(id: u64, symbol: &str, interval: Interval, from: i64, to: i64) -> Self {
        let (symbol, interval) = (symbol.to_string(), interval.to_string());
        let (start_time, end_time, limit) = (from, to, MOST_ROWS);
        let params = HistoryRange { symbol, interval, start_time, end_time, limit };
        Self { id, method: "klines".to_string(), params }
    }
}

/// `{"id":1,"status":200,"result":[[open time, "open", "high", "low", "close", "volume", …], …]}`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HistoryAnswer {
    pub(crate) id: u64,
    status: u16,
    result: Vec<Vec<Value>>,
}

impl HistoryAnswer {
    pub(crate) fn new<'a>(
        id: u64,
        interval: Interval,
        candles: impl Iterator<Item = &'a Candle>,
    ) -> Self {
        let row = |candle: &Candle| {
            let v = candle.values();
            let numbers = [v.open, v.high, v.low, v.close, v.volume];
            let mut row = vec![json!(candle.open_time().millis())];
            row.extend(numbers.map(|number| json!(number.to_string())));
            row.push(json!(candle.close_time(interval).millis() - 1));
            row
        };
        Self { id, status: 200, result: candles.take(MOST_ROWS).map(row).collect() }
    }

    /// The candles, oldest first as exchanges send them.
    pub(crate) fn candles(&self) -> Result<Vec<Candle>, String> {
        if self.status != 200 {
            return Err(format!("the exchange answered with status {}", self.status));
        }
        let row = |row: &Vec<Value>| {
            let text = |index: usize| row.get(index).and_then(Value::as_str);
            let numbers = [text(1), text(2), text(3), text(4), text(5)];
            let open_time = row.first().and_then(Value::as_i64);
            match (open_time, numbers) {
                (Some(time), [Some(o), Some(h), Some(l), Some(c), Some(v)]) => {
                    candle(time, [o, h, l, c, v])
                }
                _ => Err(format!("no row of a kline answer: {row:?}")),
            }
        };
        self.result.iter().map(row).collect()
    }
}

/// What an exchange sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Message {
    Kline(Box<KlineEvent>),
    History(HistoryAnswer),
}

/// Open, high, low, close, volume as text.
fn candle(open_time: i64, numbers: [&str; 5]) -> Result<Candle, String> {
    let mut values = [0.0; 5];
    for (value, text) in values.iter_mut().zip(numbers) {
        *value = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    }
    let [open, high, low, close, volume] = values;
    let values = Ohlcv { open, high, low, close, volume };
    Candle::new(Timestamp::from_millis(open_time), values).map_err(|error| error.to_string())
}
