//! JSON messages in the format of Binance: kline events, and requests for past candles.
use serde_json::{Value, json};
use windvane::prelude::*;

/// Maximum number of candles in an answer.
pub const MAX_ROWS: usize = 1_000;

/// Message of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A candle; the flag is true if it has closed.
    Kline(Candle, bool),
    /// Answer to the request that begins at this time.
    History(Timestamp, CandleSeries),
}

/// Returns the event of a candle, which has closed or is in an earlier state.
pub fn event(series: (&Pair, Interval), candle: &Candle, closed: bool) -> String {
    let (pair, interval) = (series.0.as_str(), series.1.to_string());
    let (v, open_time) = (candle.values(), candle.open_time().millis());
    let end = candle.close_time(series.1).millis();
    let kline = json!({
        "t": open_time, "T": end - 1, "s": pair, "i": interval, "x": closed,
        "o": v.open.to_string(), "h": v.high.to_string(), "l": v.low.to_string(),
        "c": v.close.to_string(), "v": v.volume.to_string(),
    });
    json!({ "e": "kline", "E": end, "s": pair, "k": kline }).to_string()
}

/// Returns the request for the closed candles between two open times, both included. Its id is the
/// first time.
pub fn request(from: Timestamp, to: Timestamp) -> String {
    let range = json!({ "startTime": from.millis(), "endTime": to.millis(), "limit": MAX_ROWS });
    json!({ "id": from.millis(), "method": "klines", "params": range }).to_string()
}

/// Returns the answer to a request; `None` for a text that is not a request.
pub fn answer(text: &str, closed: &[Candle]) -> Option<String> {
    let request: Value = serde_json::from_str(text).ok()?;
    let id = request["id"].as_i64()?;
    let range = request["params"]["startTime"].as_i64()?..=request["params"]["endTime"].as_i64()?;
    let asked = closed.iter().filter(|candle| range.contains(&candle.open_time().millis()));
    let rows: Vec<Value> = asked.take(MAX_ROWS).map(row).collect();
    Some(json!({ "id": id, "status": 200, "result": rows }).to_string())
}

fn row(candle: &Candle) -> Value {
    let v = candle.values();
    let numbers = [v.open, v.high, v.low, v.close, v.volume].map(|number| number.to_string());
    let [open, high, low, close, volume] = numbers;
    json!([candle.open_time().millis(), open, high, low, close, volume])
}

/// Parses a message; `None` if it is invalid or about another pair or interval.
pub fn parse(text: &str, pair: &Pair, interval: Interval) -> Option<Message> {
    let message: Value = serde_json::from_str(text).ok()?;
    if let Some(rows) = message["result"].as_array() {
        let candles = rows.iter().map(|row| candle(row, &[0, 1, 2, 3, 4, 5].map(Value::from)));
        let candles = candles.collect::<Option<_>>()?;
        let series = CandleSeries::new(pair.clone(), interval, candles).ok()?;
        return Some(Message::History(Timestamp::from_millis(message["id"].as_i64()?), series));
    }
    let kline = &message["k"];
    let ours = kline["s"] == pair.as_str() && kline["i"] == interval.to_string().as_str();
    let candle = candle(kline, &["t", "o", "h", "l", "c", "v"].map(Value::from))?;
    let on_grid = interval.is_aligned(candle.open_time());
    (ours && on_grid).then_some(Message::Kline(candle, kline["x"].as_bool()?))
}

/// Parses a candle from its open time and five numbers as text, at these places of a list or an
/// object.
fn candle(fields: &Value, places: &[Value; 6]) -> Option<Candle> {
    let mut values = places.iter().map(|place| match place {
        Value::String(name) => &fields[name.as_str()],
        place => &fields[usize::try_from(place.as_u64().unwrap_or(0)).unwrap_or(0)],
    });
    let open_time = Timestamp::from_millis(values.next()?.as_i64()?);
    let numbers = values.map(|value| value.as_str()?.parse().ok()).collect::<Option<Vec<f64>>>()?;
    let &[open, high, low, close, volume] = &numbers[..] else { return None };
    Candle::new(open_time, Ohlcv { open, high, low, close, volume }).ok()
}
