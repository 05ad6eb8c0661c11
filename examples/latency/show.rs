//! The times as a table with histograms, or as JSON.
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use super::measure::Latency;

type Error = Box<dyn std::error::Error>;

/// Where the histogram's bars begin within a power of ten: each a fifth above the one before.
const STEPS: [u64; 12] = [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82];
/// Length of the longest bar.
const BAR: u64 = 50;

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// One JSON object per model, times in nanoseconds.
pub(crate) fn json(measured: &[Latency]) -> Result<String, Error> {
    let models = measured.iter().map(|Latency { model, times }| {
        let bars: Vec<_> = bars(times)
            .map(|(from, to, count)| json!({ "from_ns": from, "to_ns": to, "count": count }))
            .collect();
        json!({
            "model": model,
            "calls": times.len(),
            "p50_ns": times.value_at_quantile(0.5),
            "p99_ns": times.value_at_quantile(0.99),
            "p99_9_ns": times.value_at_quantile(0.999),
            "max_ns": times.max(),
            "histogram": bars,
        })
    });
    Ok(serde_json::to_string_pretty(&models.collect::<Vec<_>>())?)
}

/// A table of quantiles, then a histogram for each model.
pub(crate) fn text(measured: &[Latency]) -> Result<String, Error> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let quantiles = QUANTILES.map(|(name, _)| format!("{name}, µs"));
    table.set_header(
        [&["model".into(), "calls".into()], &quantiles[..], &["max, µs".into()]].concat(),
    );
    for Latency { model, times } in measured {
        let mut row = vec![(*model).to_string(), times.len().to_string()];
        row.extend(QUANTILES.map(|(_, quantile)| micros(times.value_at_quantile(quantile))));
        row.push(micros(times.max()));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!(
        "From a closed candle in to a prediction out, one thread; each time includes reading the \
         clock twice.\n{table}\n\nHistograms: where a step of 20 % begins, and how many times fell into it.\n"
    );
    for Latency { model, times } in measured {
        writeln!(text, "\n{model}, µs")?;
        let most = bars(times).map(|(.., count)| count).max().unwrap_or(1).max(1);
        for (from, _, count) in bars(times) {
            // The smallest count still shows.
            let bar = "█".repeat(usize::try_from((BAR * count).div_ceil(most))?);
            writeln!(text, "{:>9} {bar} {count}", micros(from))?;
        }
    }
    Ok(text)
}

/// Microseconds, to three digits or so.
fn micros(nanos: u64) -> String {
    format!("{:.2}", nanos as f64 / 1e3)
}

/// From, to (exclusive) and count of the steps of a logarithmic scale that hold a time.
fn bars(times: &hdrhistogram::Histogram<u64>) -> impl Iterator<Item = (u64, u64, u64)> {
    let edges: Vec<u64> = (0..10)
        .flat_map(|power| STEPS.map(|step| step * 10_u64.pow(power)))
        .filter(|edge| *edge <= 10 * times.max().max(1))
        .collect();
    let bar = |two: &[u64]| (two[0], two[1], times.count_between(two[0], two[1] - 1));
    let bars: Vec<_> = edges.windows(2).map(bar).filter(|(.., count)| *count > 0).collect();
    bars.into_iter()
}
