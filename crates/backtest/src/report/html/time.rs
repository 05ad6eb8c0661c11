//! Plots over calendar time: accuracy by period, equity after costs, drawdown.
use windvane_candles::{Interval, Timestamp};

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot, spread};
use crate::report::Report;
use crate::report::format::interval;
use crate::score::{EquityPoint, PeriodScore, ResultRow, Trading};

impl Report {
    /// Accuracy by period, one plot per model.
    pub(crate) fn over_time_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows = self.pooled_over(candles).filter(|row| !row.over_time.is_empty());
        rows.map(|row| self.over_time_plot(row)).collect()
    }

    fn over_time_plot(&self, row: &ResultRow) -> ReportPlot {
        let same = self.pooled().filter(|other| other.interval == row.interval);
        let values = same.flat_map(|row| &row.over_time).flat_map(|period| {
            let baseline = period.best_baseline.and_then(|best| best.score.accuracy);
            let ends = period.interval_95.map(|b| [b.low, b.high]);
            [period.score.accuracy, baseline]
                .into_iter()
                .flatten()
                .chain(ends.into_iter().flatten())
        });
        let y = PlotAxis::numbers("Accuracy, %", values.map(percent), 4);
        let colour = self.model_colour(&row.model);
        let mut marks = Vec::new();
        // Lines are interrupted where nothing was tested.
        for run in row.over_time.chunk_by(|one, next| one.until == next.from) {
            let baseline = run.iter().filter_map(|one| {
                let accuracy = percent(one.best_baseline?.score.accuracy?);
                Some([(millis(one.from), accuracy), (millis(one.until), accuracy)])
            });
            let own =
                run.iter().filter_map(|one| Some((middle(one), percent(one.score.accuracy?))));
            marks.push(Mark::Line(PlotColour::Rule, baseline.flatten().collect()));
            marks.push(Mark::Line(colour, own.collect()));
        }
        for one in &row.over_time {
            let x = middle(one);
            let ends = one.interval_95.map(|b| [(x, percent(b.low)), (x, percent(b.high))]);
            let dot = one.score.accuracy.map(|accuracy| (x, percent(accuracy)));
            marks.extend(dot.map(|at| Mark::Dot(colour, at, ends)));
        }
        let ends = row.over_time.iter().flat_map(|one| [millis(one.from), millis(one.until)]);
        ReportPlot {
            title: format!("{}, {} candles", row.model, interval(row)),
            caption: String::new(),
            size: ReportPlot::SMALL,
            x: PlotAxis { grid: false, ..PlotAxis::times(ends, 4) },
            y,
            marks,
            legend: Vec::new(),
        }
    }

    /// Equity, drawdown and net result of trading every prediction.
    pub(crate) fn trading_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows: Vec<(&str, &Trading)> = self
            .pooled_over(candles)
            .filter_map(|row| Some((row.model.as_str(), row.trading.as_ref()?)))
            .collect();
        let Some((_, any)) = rows.first() else { return Vec::new() };
        // The curves have the middle one of the costs.
        let middle = any.net.len() / 2;
        let Some(net) = any.net.get(middle) else { return Vec::new() };
        let given = format!("{candles} candles, {} bp", net.cost);
        // An equity of 0 has no logarithm.
        let mut equity =
            self.curves(&rows, |point| value_at(&point.net, middle).max(1e-12).log10());
        equity.extend(self.benchmark_curve(candles));
        let drawdown = self.curves(&rows, |point| percent(value_at(&point.drawdown, middle)));
        vec![
            self.curve_plot(
                format!("Equity after costs, {given}"),
                "Equity of a capital of 1 if every prediction is traded, after this cost per unit \
                 of turnover, on a logarithmic scale. Grey is always long, the benchmark.",
                PlotAxis::ratios("Equity, start = 1", equity.iter().flat_map(Mark::heights), 5),
                equity,
            ),
            self.curve_plot(
                format!("Drawdown, {given}"),
                "Distance of the equity below its previous maximum.",
                PlotAxis::numbers("Drawdown, %", drawdown.iter().flat_map(Mark::heights), 5),
                drawdown,
            ),
            self.net_plot(candles, &rows),
        ]
    }

    /// Lines through a value at the points of the equity curves, one per model.
    fn curves(&self, rows: &[(&str, &Trading)], value: impl Fn(&EquityPoint) -> f64) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (model, trading) in rows {
            let points = trading.equity.iter().map(|point| (millis(point.time), value(point)));
            marks.push(Mark::Line(self.model_colour(model), points.collect()));
        }
        marks
    }

    fn curve_plot(
        &self,
        title: String,
        caption: &str,
        y: PlotAxis,
        marks: Vec<Mark>,
    ) -> ReportPlot {
        ReportPlot {
            title,
            caption: caption.to_string(),
            size: ReportPlot::SIZE,
            x: PlotAxis { grid: false, ..PlotAxis::times(marks.iter().flat_map(Mark::places), 5) },
            y,
            marks,
            legend: self.legend(),
        }
    }

    /// Mean returns after each cost with intervals, and those of the best baseline.
    fn net_plot(&self, candles: Interval, rows: &[(&str, &Trading)]) -> ReportPlot {
        const BASIS_POINTS: f64 = 1e4;
        let models = self.run.models.len();
        let mut marks = Vec::new();
        for (model, trading) in rows {
            let place = self.run.models.iter().position(|name| name == model).unwrap_or(0);
            for (index, net) in trading.net.iter().enumerate() {
                let y = index as f64 + spread(place, models);
                let ends = net
                    .interval_95
                    .map(|b| [(BASIS_POINTS * b.low, y), (BASIS_POINTS * b.high, y)]);
                marks.push(Mark::Dot(self.model_colour(model), (BASIS_POINTS * net.mean, y), ends));
                if let Some(baseline) = net.best_baseline {
                    marks.push(Mark::upright((BASIS_POINTS * baseline.mean, y), models));
                }
            }
        }
        let costs = rows.first().map_or(&[][..], |(_, trading)| &trading.net);
        let y = PlotAxis::names("", costs.iter().map(|net| format!("{} bp", net.cost))).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = PlotAxis::numbers("Mean net return per candle, bp", values, 5);
        marks.insert(0, Mark::Line(PlotColour::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        let mut legend = self.legend();
        legend.push((PlotColour::Rule, "best baseline, traded in the same way".to_string()));
        let height = 60.0 + costs.len() as f64 * (models as f64 * 11.0 + 12.0);
        ReportPlot {
            title: format!("Net result by cost, {candles} candles"),
            caption: "Mean net return per candle after each cost, with 95 % intervals. Good: an \
                 interval entirely to the right of 0."
                .to_string(),
            size: ReportPlot::tall(height),
            x,
            y,
            marks,
            legend,
        }
    }
}

/// Value at an index; NaN without one.
fn value_at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(f64::NAN)
}

fn middle(period: &PeriodScore) -> f64 {
    f64::midpoint(millis(period.from), millis(period.until))
}

fn millis(time: Timestamp) -> f64 {
    time.millis() as f64
}
