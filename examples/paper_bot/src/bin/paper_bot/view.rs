//! What the terminal shows: redrawn in place on a terminal, else a line per close.
#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use windvane::prelude::*;

use super::feed::Feed;
use super::trader::{Decision, Trader};

/// Closed candles in sight.
const ROWS: usize = 8;
/// Between two drawings.
const PAUSE: Duration = Duration::from_millis(100);
/// Wider lines would wrap and break the drawing.
const WIDTH: usize = 79;

#[derive(Debug)]
pub(crate) struct View {
    in_place: bool,
    /// Lines of the last drawing.
    drawn: usize,
    last: Option<Instant>,
}

impl View {
    pub(crate) fn new() -> Self {
        Self { in_place: std::io::stdout().is_terminal(), drawn: 0, last: None }
    }

    /// Tells of a streamed candle that closed.
    pub(crate) fn closed(&self, trader: &Trader) {
        if !self.in_place
            && let Some(row) = trader.candles.len().checked_sub(1)
        {
            println!("{}", line(trader, row));
        }
    }

    /// Draws everything, not too often unless it is the last time.
    pub(crate) fn draw(&mut self, trader: &Trader, feed: &Feed, state: &str, last: bool) {
        let soon = self.last.is_some_and(|last| last.elapsed() < PAUSE);
        if (soon || !self.in_place) && !last {
            return;
        }
        // Writing to a String cannot fail.
        let text = screen(trader, feed, state).unwrap_or_default();
        let text: Vec<String> =
            text.lines().map(|line| line.chars().take(WIDTH).collect()).collect();
        if self.in_place && self.drawn > 0 {
            // Up to where the last drawing began, and clear from there.
            print!("\x1b[{}A\x1b[J", self.drawn);
        }
        println!("{}", text.join("\n"));
        self.drawn = text.len();
        self.last = Some(Instant::now());
    }
}

fn screen(trader: &Trader, feed: &Feed, state: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let spec = trader.model.spec();
    writeln!(text, "model {}, candles of {}, {state}", trader.model.id(), spec.interval)?;
    let end = trader.candles.len();
    let first = trader.live_from.unwrap_or(end).max(end.saturating_sub(ROWS));
    for row in first..end {
        writeln!(text, "  {}", line(trader, row))?;
    }
    if let Some(candle) = feed.unfinished {
        writeln!(text, "  {}  {:>11.2}  not closed", candle.open_time(), candle.close())?;
    }
    signals(&mut text, trader)?;
    score(&mut text, trader)?;
    let ledger = feed.ledger;
    writeln!(
        text,
        "stream      {} breaks, {} repeated, {} fetched, {} missing, {} updates",
        ledger.disconnections, ledger.repeated, ledger.fetched, ledger.missing, ledger.updates
    )?;
    Ok(text)
}

fn signals(text: &mut String, trader: &Trader) -> std::fmt::Result {
    let channels = &trader.model.spec().signals.channels;
    if trader.last_signals.is_empty() {
        return writeln!(text, "signals     {} candles to warm up", trader.candles_needed());
    }
    let both: Vec<String> = channels
        .iter()
        .zip(&trader.last_signals)
        .map(|(channel, value)| format!("{channel} {value:+.5}"))
        .collect();
    for (index, three) in both.chunks(3).enumerate() {
        let title = if index == 0 { "signals" } else { "" };
        writeln!(text, "{title:<11} {}", three.join("  "))?;
    }
    Ok(())
}

fn score(text: &mut String, trader: &Trader) -> std::fmt::Result {
    let newest = trader.decisions.last().filter(|last| last.row + 1 == trader.candles.len());
    if let Some(Decision { prediction, .. }) = newest {
        let [up, down, neutral] = prediction.probabilities.classes().map(|p| 100.0 * p);
        writeln!(
            text,
            "call        {} with {:.1} %  (up {up:.1}, down {down:.1}, neutral {neutral:.1})",
            prediction.direction,
            100.0 * prediction.confidence
        )?;
    }
    let (accuracy, bounds) = trader.accuracy();
    if let (Some(share), Some(bounds)) = (accuracy.accuracy, bounds) {
        writeln!(
            text,
            "accuracy    {:.1} % of {}, 95 % interval {:.1} to {:.1} % (Wilson)",
            100.0 * share,
            accuracy.scored,
            100.0 * bounds.low,
            100.0 * bounds.high
        )?;
    }
    if let Some(best) = trader.best_baseline()
        && let Some(share) = best.score.accuracy
    {
        writeln!(text, "baseline    {}, {:.1} % (with hindsight)", best.rule, 100.0 * share)?;
    }
    let (net, gross) = trader.equity();
    writeln!(text, "equity      {net:.4} after {} bp, {gross:.4} before costs", trader.cost)?;
    let times = &trader.latency;
    if !times.is_empty() {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let (p50, p99) = (times.value_at_quantile(0.5), times.value_at_quantile(0.99));
        writeln!(
            text,
            "latency     p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs, candle in to prediction out",
            micros(p50),
            micros(p99),
            micros(times.max())
        )?;
    }
    Ok(())
}

/// A closed candle with what was called at its close.
fn line(trader: &Trader, row: usize) -> String {
    let candle = &trader.candles[row];
    let moved = row
        .checked_sub(1)
        .map_or(0.0, |before| 100.0 * (candle.close() / trader.candles[before].close() - 1.0));
    let mut text = format!("{}  {:>11.2} {moved:>+7.2} %", candle.open_time(), candle.close());
    let decision = trader.decisions.iter().rev().find(|decision| decision.row <= row);
    let call = match decision.filter(|decision| decision.row == row) {
        None => "  warming up".to_string(),
        Some(Decision { prediction, hit, .. }) => {
            let came = match hit {
                Some(true) => "right",
                Some(false) => "wrong",
                None => "",
            };
            let direction: Direction = prediction.direction;
            format!("  {direction:<7} {:.1} %  {came}", 100.0 * prediction.confidence)
        }
    };
    text.push_str(&call);
    text.trim_end().to_string()
}
