//! Closed candles of a real exchange as JSON lines, from the program `windvane-live`.
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Command, Stdio};

use serde_json::Value;
use windvane::prelude::*;

use crate::Error;

/// Starts `windvane-live` and returns its lines, with `history` candles before the first live one.
pub fn open(
    exchange: &str,
    (pair, interval): (&Pair, Interval),
    history: usize,
) -> Result<impl BufRead, Error> {
    let mut command = Command::new("windvane-live");
    command.args(["--exchange", exchange, "--pair", pair.as_str()]);
    command.args(["--interval", &interval.to_string(), "--history", &history.to_string()]);
    let started = command.stdout(Stdio::piped()).spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => "windvane-live is not installed: cargo install --path \
                                integrations/exchange"
            .to_string(),
        _ => format!("windvane-live: {error}"),
    })?;
    Ok(BufReader::new(started.stdout.ok_or("windvane-live has no output")?))
}

/// Parses the candle of a line.
pub fn parse(line: &str, pair: &Pair) -> Result<Candle, Error> {
    let object: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
    let number = |key: &str| object[key].as_f64().ok_or_else(|| format!("{line}: no {key}"));
    if object["pair"] != pair.as_str() {
        return Err(format!("{line}: expected a candle of {pair}").into());
    }
    let time = object["open_time"].as_str().ok_or_else(|| format!("{line}: no open_time"))?;
    let (open, high, low) = (number("open")?, number("high")?, number("low")?);
    let values = Ohlcv { open, high, low, close: number("close")?, volume: number("volume")? };
    Ok(Candle::new(time.parse()?, values)?)
}
