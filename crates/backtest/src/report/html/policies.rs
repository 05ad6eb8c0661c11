//! Plots of policies: equity by month, with the benchmark.
use windvane_candles::{Interval, Timestamp};

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::plot::{Mark, ReportPlot};
use crate::report::Report;
use crate::score::{Economics, PolicyResult, ResultRow};

/// Milliseconds of a month of 30 days, the length of the last month of a plot.
const MONTH: f64 = 30.0 * 86_400_000.0;

impl Report {
    /// Equity of the policies by month, one plot per model.
    pub(crate) fn policy_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows = self.valued().filter(|(row, _)| row.interval == Some(candles));
        rows.map(|(row, value)| policy_plot(row, value, candles)).collect()
    }

    /// Equity of the benchmark of an interval by month, logarithmic; `None` without results.
    pub(crate) fn benchmark_curve(&self, candles: Interval) -> Option<Mark> {
        let (_, value) = self.valued().find(|(row, _)| row.interval == Some(candles))?;
        Some(Mark::Line(PlotColour::Rule, curve(&value.benchmark)))
    }
}

fn policy_plot(row: &ResultRow, value: &Economics, candles: Interval) -> ReportPlot {
    let lines = value.policies.iter().enumerate();
    let mut marks = vec![Mark::Line(PlotColour::Rule, curve(&value.benchmark))];
    let mut legend = vec![(PlotColour::Rule, value.benchmark.name.clone())];
    for (index, policy) in lines {
        marks.push(Mark::Line(PlotColour::Series(index), curve(policy)));
        legend.push((PlotColour::Series(index), policy.name.clone()));
    }
    ReportPlot {
        title: format!(
            "{}: equity of the policies, {candles} candles, {} bp",
            row.model,
            value.cost()
        ),
        caption: String::new(),
        size: ReportPlot::SIZE,
        x: PlotAxis { grid: false, ..PlotAxis::times(marks.iter().flat_map(Mark::places), 5) },
        y: PlotAxis::ratios("Equity, start = 1", marks.iter().flat_map(Mark::heights), 5),
        marks,
        legend,
    }
}

/// Logarithm of the equity at the end of each month.
fn curve(policy: &PolicyResult) -> Vec<(f64, f64)> {
    let starts: Vec<f64> = policy.months.iter().map(|month| start(&month.period)).collect();
    let mut points: Vec<(f64, f64)> =
        starts.first().map(|first| (*first, 0.0)).into_iter().collect();
    let mut equity = 1.0;
    for (index, month) in policy.months.iter().enumerate() {
        // An equity of 0 has no logarithm.
        equity *= 1.0 + month.total.unwrap_or(0.0);
        let end = starts.get(index + 1).copied().unwrap_or(starts[index] + MONTH);
        points.push((end, f64::max(equity, 1e-12).log10()));
    }
    points
}

/// Start of a month such as `2024-10`, milliseconds.
fn start(month: &str) -> f64 {
    let time = format!("{month}-01").parse();
    time.map_or(0.0, |time: Timestamp| time.millis() as f64)
}
