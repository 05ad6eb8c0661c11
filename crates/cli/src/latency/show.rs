//! Latencies as a table with histograms, or as JSON.
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::Error;
use super::measure::Latency;

/// Lower edges of the histogram's bins within a power of ten, about 20 % apart.
const EDGES: [u64; 12] = [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82];
/// Length of the longest bar, characters.
const BAR: u64 = 50;

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Formats the latencies as JSON, one object per model, in nanoseconds.
pub(super) fn json(measured: &[Latency]) -> Result<String, Error> {
    let models: Vec<Value> = measured.iter().map(model_json).collect();
    Ok(serde_json::to_string_pretty(&models)?)
}

fn model_json(latency: &Latency) -> Value {
    let bars = bars(&latency.times).into_iter();
    let bars: Vec<Value> = bars
        .map(|(from, to, count)| json!({ "from_ns": from, "to_ns": to, "count": count }))
        .collect();
    json!({
        "model": latency.model,
        "method": latency.method,
        "predictions": latency.times.len(),
        "p50_ns": latency.quantile(0.5),
        "p99_ns": latency.quantile(0.99),
        "p99_9_ns": latency.quantile(0.999),
        "max_ns": latency.max(),
        "histogram": bars,
    })
}

/// Formats a table of quantiles, followed by a histogram per model.
pub(super) fn text(measured: &[Latency]) -> Result<String, Error> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let quantiles = QUANTILES.map(|(name, _)| format!("{name}, µs"));
    table.set_header(
        [
            &["model".into(), "method".into(), "predictions".into()],
            &quantiles[..],
            &["max, µs".into()],
        ]
        .concat(),
    );
    for latency in measured {
        let mut row =
            vec![latency.model.clone(), latency.method.clone(), latency.times.len().to_string()];
        row.extend(QUANTILES.map(|(_, quantile)| micros(latency.quantile(quantile))));
        row.push(micros(latency.max()));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!(
        "Time from a closed candle to its prediction on one thread, including two readings of the \
         clock.\n{table}\n\nHistograms: lower edge of a bin of about 20 %, and the number of \
         predictions in it.\n"
    );
    for Latency { model, times, .. } in measured {
        writeln!(text, "\n{model}, µs")?;
        let bars = bars(times);
        let largest = bars.iter().map(|(.., count)| *count).max().unwrap_or(1).max(1);
        for (from, _, count) in bars {
            // Rounding up keeps the smallest count visible.
            let bar = "█".repeat(usize::try_from((BAR * count).div_ceil(largest))?);
            writeln!(text, "{:>9} {bar} {count}", micros(from))?;
        }
    }
    Ok(text)
}

/// Formats nanoseconds as microseconds with two decimals.
fn micros(nanos: u64) -> String {
    format!("{:.2}", nanos as f64 / 1e3)
}

/// Lower edge, upper edge (exclusive) and count of the non-empty bins of a logarithmic histogram.
fn bars(times: &[u64]) -> Vec<(u64, u64, u64)> {
    let longest = times.last().copied().unwrap_or(1).max(1);
    let edges: Vec<u64> = (0..10)
        .flat_map(|power| EDGES.map(|step| step * 10_u64.pow(power)))
        .filter(|edge| *edge <= 10 * longest)
        .collect();
    let steps = edges.windows(2).map(|two| (two[0], two[1], count(times, two[0], two[1])));
    steps.filter(|(.., count)| *count > 0).collect()
}

/// Number of the ascending times from `from` to `to` (exclusive).
fn count(times: &[u64], from: u64, to: u64) -> u64 {
    let before = times.partition_point(|time| *time < from);
    (times.partition_point(|time| *time < to) - before) as u64
}
