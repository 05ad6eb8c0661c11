//! Plots of policies: equity by month and net result by quarter, with the benchmark.
use windvane_candles::{Interval, Timestamp};

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::plot::{Mark, ReportPlot, spread};
use crate::report::Report;
use crate::report::format::{a_day, point_bounds, points, scaled};
use crate::score::{Economics, PolicyPeriod, PolicyResult, ResultRow};

/// Milliseconds of a month of 30 days, the length of the last month of a span.
const MONTH: f64 = 30.0 * 86_400_000.0;
/// Maximum distance between the starts of two consecutive months, milliseconds.
const MAX_MONTH: f64 = 31.5 * 86_400_000.0;
/// Maximum number of quarters of a plot, the last ones; the table lists all.
const MAX_QUARTERS: usize = 12;
const BASIS_POINTS: f64 = 1e4;

impl Report {
    /// Equity of the policies by month beside their results by quarter, one row per model.
    pub(crate) fn policy_plots(&self, candles: Interval) -> Vec<Vec<ReportPlot>> {
        let rows = self.valued().filter(|(row, _)| row.interval == Some(candles));
        rows.map(|(row, value)| {
            vec![equity_plot(row, value, candles), quarter_plot(row, value, candles)]
        })
        .collect()
    }
}

/// Colours of the policies and of the benchmark.
fn legend(value: &Economics) -> Vec<(PlotColour, String)> {
    let policies = value.policies.iter().enumerate();
    let policies = policies.map(|(index, one)| (PlotColour::Series(index), one.name.clone()));
    policies.chain([(PlotColour::Rule, value.benchmark.name.clone())]).collect()
}

/// Policies with their colours, the benchmark first.
fn coloured(value: &Economics) -> impl Iterator<Item = (PlotColour, &PolicyResult)> {
    let policies = value.policies.iter().enumerate();
    let policies = policies.map(|(index, one)| (PlotColour::Series(index), one));
    [(PlotColour::Rule, &value.benchmark)].into_iter().chain(policies)
}

fn equity_plot(row: &ResultRow, value: &Economics, candles: Interval) -> ReportPlot {
    let starts = segment_starts(row);
    let mut marks = Vec::new();
    for (colour, policy) in coloured(value) {
        let curves = curves(policy, &starts).into_iter();
        marks.extend(curves.map(|curve| Mark::Line(colour, curve)));
    }
    let (x, y) = (marks.iter().flat_map(Mark::places), marks.iter().flat_map(Mark::heights));
    let (x, y) = (PlotAxis::times(x, 5), PlotAxis::ratios("Equity, start = 1", y, 5));
    let months = value.benchmark.months.iter().enumerate().map(|(index, month)| {
        let totals = coloured(value).map(|(_, policy)| {
            let total = policy.months.get(index).and_then(|month| month.total);
            format!("{}: {} %", policy.name, crate::report::format::percent(total))
        });
        let text = totals.collect::<Vec<_>>().join("\n");
        (start(&month.period) + MONTH / 2.0, format!("{}\n{text}", month.period))
    });
    marks.extend(Mark::strips(&months.collect::<Vec<_>>()));
    ReportPlot {
        title: format!("{}: equity, {candles} candles, {} bp", row.model, value.cost()),
        caption: String::new(),
        height: ReportPlot::HEIGHT,
        x: PlotAxis { grid: false, ..x },
        y,
        marks,
        legend: legend(value),
    }
}

/// Net result of each quarter with its interval, the benchmark as a grey line.
fn quarter_plot(row: &ResultRow, value: &Economics, candles: Interval) -> ReportPlot {
    let names: Vec<&str> = value.benchmark.quarters.iter().map(|q| q.period.as_str()).collect();
    let names = &names[names.len().saturating_sub(MAX_QUARTERS)..];
    let policies = value.policies.len();
    let mut marks = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let quarter = |policy: &PolicyResult| -> Option<PolicyPeriod> {
            policy.quarters.iter().find(|quarter| quarter.period == *name).cloned()
        };
        let mean = |policy: &PolicyResult, quarter: &PolicyPeriod| {
            a_day(policy, quarter.net[value.middle_cost])
        };
        let long = quarter(&value.benchmark).and_then(|q| mean(&value.benchmark, &q));
        let x = place as f64;
        marks.extend(long.map(|long| {
            let long = BASIS_POINTS * long;
            Mark::Line(PlotColour::Rule, vec![(x - 0.4, long), (x + 0.4, long)])
        }));
        for (index, policy) in value.policies.iter().enumerate() {
            let Some(own) = quarter(policy) else { continue };
            let Some(net) = mean(policy, &own) else { continue };
            let bounds = own.interval_95.map(|bounds| scaled(policy, bounds));
            let at = x + spread(index, policies);
            let ends = bounds.map(|b| [(at, BASIS_POINTS * b.low), (at, BASIS_POINTS * b.high)]);
            let text = format!(
                "{name}, {}: {} bp a day {}, {} trades; always long {} bp",
                policy.name,
                points(Some(net)),
                point_bounds(bounds),
                own.trades,
                points(long),
            );
            let dot = (at, BASIS_POINTS * net);
            marks.push(Mark::Dot(PlotColour::Series(index), dot, ends, text));
        }
    }
    let x = PlotAxis::names("", names.iter().map(|name| (*name).to_string())).thinned(4);
    let y =
        PlotAxis::numbers("Net, bp a day", marks.iter().flat_map(Mark::heights).chain([0.0]), 5);
    marks.insert(0, Mark::Line(PlotColour::Grid, vec![(x.from, 0.0), (x.to, 0.0)]));
    ReportPlot {
        title: format!(
            "{}: net result by quarter, {candles} candles, {} bp",
            row.model,
            value.cost()
        ),
        caption: String::new(),
        height: ReportPlot::HEIGHT,
        x,
        y,
        marks,
        legend: legend(value),
    }
}

/// Starts of the segments of the tested time after the first one, milliseconds.
fn segment_starts(row: &ResultRow) -> Vec<f64> {
    let curve = row.trading.as_ref().map_or(&[][..], |trading| &trading.equity);
    let starts = curve.windows(2).filter(|two| two[0].segment != two[1].segment);
    starts.map(|two| two[1].time.millis() as f64).collect()
}

/// Logarithm of the equity at the end of each month, one curve for each span of time without a gap,
/// which starts at an equity of 1.
fn curves(policy: &PolicyResult, segment_starts: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let begins_span = |a: &PolicyPeriod, b: &PolicyPeriod| {
        let (a, b) = (start(&a.period), start(&b.period));
        let in_month = |at: &f64| (b..b + MAX_MONTH).contains(at);
        b - a > MAX_MONTH || segment_starts.iter().any(in_month)
    };
    let spans = policy.months.chunk_by(|a, b| !begins_span(a, b));
    spans.map(curve).collect()
}

fn curve(months: &[PolicyPeriod]) -> Vec<(f64, f64)> {
    let starts: Vec<f64> = months.iter().map(|month| start(&month.period)).collect();
    let mut points: Vec<(f64, f64)> =
        starts.first().map(|first| (*first, 0.0)).into_iter().collect();
    let mut equity = 1.0;
    for (index, month) in months.iter().enumerate() {
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
