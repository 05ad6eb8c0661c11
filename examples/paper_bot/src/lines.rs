//! Closed candles of a real exchange as JSON lines, from the program `windvane-live`.
use std::io::{BufReader, ErrorKind};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use windvane::prelude::*;

use crate::Error;

/// Running `windvane-live`.
#[derive(Debug)]
pub struct LiveFeed(Child);

impl LiveFeed {
    /// Starts the program, usually `windvane-live`, with `history` candles before the first live one.
    pub fn start(
        program: &str,
        exchange: &str,
        (pair, interval): (&Pair, Interval),
        history: usize,
    ) -> Result<(Self, BufReader<ChildStdout>), Error> {
        let mut command = Command::new(program);
        command.args(["--exchange", exchange, "--pair", pair.as_str()]);
        command.args(["--interval", &interval.to_string(), "--history", &history.to_string()]);
        let started = command.stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                format!("{program} is not installed: cargo install --path integrations/exchange")
            }
            _ => format!("{program}: {error}"),
        })?;
        let lines = child.stdout.take().ok_or("the feed has no output")?;
        Ok((Self(child), BufReader::new(lines)))
    }

    /// Waits for the end of a feed whose lines have ended; a failure is an error.
    pub fn finish(mut self) -> Result<(), Error> {
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the feed failed: {status}").into()) }
    }
}

impl Drop for LiveFeed {
    /// Ends a feed that still runs.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
