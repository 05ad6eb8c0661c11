//! Plots along calendar time: accuracy by stretch, equity after costs, drawdown.
use windvane_candles::{Interval, Timestamp};

use super::axis::Axis;
use super::figures::percent;
use super::ink::Ink;
use super::plot::{Mark, Plot, spread};
use crate::report::Report;
use crate::report::headline::interval;
use crate::score::{EquityPoint, ResultRow, StretchScore, Trading};

impl Report {
    /// Accuracy stretch by stretch, for each model.
    pub(crate) fn over_time_plots(&self, candles: Interval) -> Vec<Plot> {
        let rows = self.pooled_over(candles).filter(|row| !row.over_time.is_empty());
        rows.map(|row| self.over_time_plot(row)).collect()
    }

    fn over_time_plot(&self, row: &ResultRow) -> Plot {
        let same = self.pooled().filter(|other| other.interval == row.interval);
        let values = same.flat_map(|row| &row.over_time).flat_map(|stretch| {
            let baseline = stretch.best_baseline.and_then(|best| best.score.accuracy);
            let ends = stretch.interval_95.map(|b| [b.low, b.high]);
            [stretch.score.accuracy, baseline]
                .into_iter()
                .flatten()
                .chain(ends.into_iter().flatten())
        });
        let y = Axis::numbers("Accuracy, %", values.map(percent), 4);
        let ink = self.ink(&row.model);
        let mut marks = Vec::new();
        // No line where nothing was tested.
        for run in row.over_time.chunk_by(|one, next| one.until == next.from) {
            let baseline = run.iter().filter_map(|one| {
                let accuracy = percent(one.best_baseline?.score.accuracy?);
                Some([(millis(one.from), accuracy), (millis(one.until), accuracy)])
            });
            let own =
                run.iter().filter_map(|one| Some((middle(one), percent(one.score.accuracy?))));
            marks.push(Mark::Line(Ink::Rule, baseline.flatten().collect()));
            marks.push(Mark::Line(ink, own.collect()));
        }
        for one in &row.over_time {
            let x = middle(one);
            let ends = one.interval_95.map(|b| [(x, percent(b.low)), (x, percent(b.high))]);
            let dot = one.score.accuracy.map(|accuracy| (x, percent(accuracy)));
            marks.extend(dot.map(|at| Mark::Dot(ink, at, ends)));
        }
        let ends = row.over_time.iter().flat_map(|one| [millis(one.from), millis(one.until)]);
        Plot {
            title: format!("{}, {} candles", row.model, interval(row)),
            caption: String::new(),
            size: Plot::SMALL,
            x: Axis { grid: false, ..Axis::times(ends, 4) },
            y,
            marks,
            legend: Vec::new(),
        }
    }

    /// Equity, drawdown and net result of trading every call.
    pub(crate) fn trading_plots(&self, candles: Interval) -> Vec<Plot> {
        let rows: Vec<(&str, &Trading)> = self
            .pooled_over(candles)
            .filter_map(|row| Some((row.model.as_str(), row.trading.as_ref()?)))
            .collect();
        let Some((_, any)) = rows.first() else { return Vec::new() };
        // The middle one stands for all in the curves.
        let middle = any.net.len() / 2;
        let Some(net) = any.net.get(middle) else { return Vec::new() };
        let given = format!("{candles} candles, {} bp", net.cost);
        // Nothing left has no place on a scale of ratios.
        let equity = self.curves(&rows, |point| value_at(&point.net, middle).max(1e-12).log10());
        let drawdown = self.curves(&rows, |point| percent(value_at(&point.drawdown, middle)));
        vec![
            self.curve_plot(
                format!("Equity after costs, {given}"),
                "What 1 grows to when every call is traded, after that cost per unit of turnover; \
                 equal heights are equal ratios.",
                Axis::ratios("Equity, start = 1", equity.iter().flat_map(Mark::heights), 5),
                equity,
            ),
            self.curve_plot(
                format!("Drawdown, {given}"),
                "How far that equity lies below its highest so far.",
                Axis::numbers("Drawdown, %", drawdown.iter().flat_map(Mark::heights), 5),
                drawdown,
            ),
            self.net_plot(candles, &rows),
        ]
    }

    /// A line per model through the values at the points of its equity curve.
    fn curves(&self, rows: &[(&str, &Trading)], value: impl Fn(&EquityPoint) -> f64) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (model, trading) in rows {
            let points = trading.equity.iter().map(|point| (millis(point.time), value(point)));
            marks.push(Mark::Line(self.ink(model), points.collect()));
        }
        marks
    }

    fn curve_plot(&self, title: String, caption: &str, y: Axis, marks: Vec<Mark>) -> Plot {
        Plot {
            title,
            caption: caption.to_string(),
            size: Plot::SIZE,
            x: Axis { grid: false, ..Axis::times(marks.iter().flat_map(Mark::places), 5) },
            y,
            marks,
            legend: self.legend(),
        }
    }

    /// Mean returns after each cost, with intervals, beside the best baseline's.
    fn net_plot(&self, candles: Interval, rows: &[(&str, &Trading)]) -> Plot {
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
                marks.push(Mark::Dot(self.ink(model), (BASIS_POINTS * net.mean, y), ends));
                if let Some(baseline) = net.best_baseline {
                    marks.push(Mark::upright((BASIS_POINTS * baseline.mean, y), models));
                }
            }
        }
        let costs = rows.first().map_or(&[][..], |(_, trading)| &trading.net);
        let y = Axis::names("", costs.iter().map(|net| format!("{} bp", net.cost))).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = Axis::numbers("Mean net return per candle, bp", values, 5);
        marks.insert(0, Mark::Line(Ink::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        let mut legend = self.legend();
        legend.push((Ink::Rule, "best baseline, traded alike".to_string()));
        let height = 60.0 + costs.len() as f64 * (models as f64 * 11.0 + 12.0);
        Plot {
            title: format!("Net result by cost, {candles} candles"),
            caption:
                "What is earned per candle after each cost, with 95 % intervals: only what lies \
                      wholly right of 0 earned something."
                    .to_string(),
            size: Plot::tall(height),
            x,
            y,
            marks,
            legend,
        }
    }
}

/// The value at an index, not a number where there is none.
fn value_at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(f64::NAN)
}

fn middle(stretch: &StretchScore) -> f64 {
    f64::midpoint(millis(stretch.from), millis(stretch.until))
}

fn millis(time: Timestamp) -> f64 {
    time.millis() as f64
}
