//! Plots of the size of moves and of the regimes of the market.
use windvane_candles::Interval;

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot, spread};
use crate::report::Report;
use crate::report::format::{
    baseline, bounds, interval, percent as cent, point_bounds, points, thousands,
};
use crate::score::{Economics, ResultRow};

const BASIS_POINTS: f64 = 1e4;

/// Models of an interval with their economic value.
type ValuedModels<'a> = [(&'a ResultRow, &'a Economics)];

impl Report {
    /// Accuracy by tenths of the realised moves, and result of the largest expected moves.
    pub(crate) fn move_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows: Vec<(&ResultRow, &Economics)> =
            self.valued().filter(|(row, _)| row.interval == Some(candles)).collect();
        vec![self.decile_plot(candles, &rows), self.top_plot(candles, &rows)]
    }

    fn decile_plot(&self, candles: Interval, rows: &ValuedModels<'_>) -> ReportPlot {
        let mut marks = Vec::new();
        if let Some((_, value)) = rows.first() {
            let line = value.move_deciles.iter().enumerate();
            let line = line.filter_map(|(k, tenth)| Some((k as f64, percent(tenth.always_up?))));
            marks.push(Mark::Line(PlotColour::Rule, line.collect()));
        }
        for (row, value) in rows {
            let colour = self.model_colour(&row.model);
            let tenths = value.move_deciles.iter().enumerate();
            let points = tenths.filter_map(|(k, tenth)| {
                let text = format!(
                    "{}, moves of {:.1} to {:.1} bp: {} % of {}; always up {} %",
                    row.model,
                    BASIS_POINTS * tenth.from,
                    BASIS_POINTS * tenth.to,
                    cent(tenth.accuracy),
                    thousands(tenth.scored),
                    cent(tenth.always_up),
                );
                Some(((k as f64, percent(tenth.accuracy?)), text))
            });
            let points: Vec<((f64, f64), String)> = points.collect();
            marks.push(Mark::Line(colour, points.iter().map(|(at, _)| *at).collect()));
            marks.extend(points.into_iter().map(|(at, text)| Mark::Dot(colour, at, None, text)));
        }
        let values = marks.iter().flat_map(Mark::heights).chain([50.0]);
        ReportPlot {
            title: format!("Accuracy by size of the move, {candles} candles"),
            caption: String::new(),
            height: ReportPlot::HEIGHT,
            y: PlotAxis::numbers("Accuracy, %", values, 5),
            x: PlotAxis::names("Tenth of the realised moves", (1..=10).map(|k| k.to_string())),
            marks,
            legend: self.legend_with("always up, always long"),
        }
    }

    fn top_plot(&self, candles: Interval, rows: &ValuedModels<'_>) -> ReportPlot {
        let mut marks = Vec::new();
        for (row, value) in rows {
            let models = self.run.models.len();
            let place = self.run.models.iter().position(|name| *name == row.model).unwrap_or(0);
            for (index, top) in value.top_moves.iter().enumerate() {
                let x = index as f64 + spread(place, models);
                let half = 0.35 / models as f64;
                marks.extend(top.always_long.map(|long| {
                    let long = BASIS_POINTS * long;
                    Mark::Line(PlotColour::Rule, vec![(x - half, long), (x + half, long)])
                }));
                let Some(gross) = top.gross else { continue };
                let ends = top
                    .interval_95
                    .map(|b| [(x, BASIS_POINTS * b.low), (x, BASIS_POINTS * b.high)]);
                let text = format!(
                    "{}, largest {:.0} %: {} bp per trade {}, {} trades; always long {} bp",
                    row.model,
                    percent(top.share),
                    points(top.gross),
                    point_bounds(top.interval_95),
                    thousands(top.trades),
                    points(top.always_long),
                );
                let colour = self.model_colour(&row.model);
                marks.push(Mark::Dot(colour, (x, BASIS_POINTS * gross), ends, text));
            }
        }
        let tops = rows.first().map_or(&[][..], |(_, value)| &value.top_moves);
        let names = tops.iter().map(|top| format!("{:.0} %", percent(top.share)));
        let x = PlotAxis::names("Largest expected moves", names);
        let values = marks.iter().flat_map(Mark::heights).chain([0.0]);
        let y = PlotAxis::numbers("Gross, bp per trade", values, 5);
        marks.insert(0, Mark::Line(PlotColour::Grid, vec![(x.from, 0.0), (x.to, 0.0)]));
        ReportPlot {
            title: format!("Result of the largest expected moves, {candles} candles"),
            caption: String::new(),
            height: ReportPlot::HEIGHT,
            x,
            y,
            marks,
            legend: self.legend_with("always up, always long"),
        }
    }

    /// Accuracy by regime, one plot per model.
    pub(crate) fn regime_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let rows = self.pooled_over(candles).filter(|row| !row.by_regime.is_empty());
        rows.map(|row| self.regime_plot(row)).collect()
    }

    fn regime_plot(&self, row: &ResultRow) -> ReportPlot {
        let same = self.pooled().filter(|other| other.interval == row.interval);
        let values = same.flat_map(|row| &row.by_regime).flat_map(|regime| {
            let best = regime.best_baseline.and_then(|best| best.score.accuracy);
            let ends = regime.interval_95.map(|b| [b.low, b.high]);
            ends.into_iter().flatten().chain(best).chain(regime.score.accuracy)
        });
        let x = PlotAxis::numbers("Accuracy, %", values.map(percent), 4);
        let mut marks = Vec::new();
        for (place, regime) in row.by_regime.iter().enumerate() {
            let y = place as f64;
            let best = regime.best_baseline.and_then(|best| best.score.accuracy);
            marks.extend(best.map(|best| Mark::upright((percent(best), y), 1)));
            let Some(accuracy) = regime.score.accuracy else { continue };
            let ends = regime.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            let text = format!(
                "volatility {}, trend {}: {} % {} on {} candles; best baseline {}",
                regime.volatility,
                regime.trend,
                cent(regime.score.accuracy),
                bounds(regime.interval_95),
                thousands(regime.score.scored),
                baseline(regime.best_baseline.as_ref()),
            );
            let colour = self.model_colour(&row.model);
            marks.push(Mark::Dot(colour, (percent(accuracy), y), ends, text));
        }
        let names = row.by_regime.iter().map(|one| format!("{}, {}", one.volatility, one.trend));
        ReportPlot {
            title: format!("{}, {} candles", row.model, interval(row)),
            caption: String::new(),
            height: ReportPlot::SMALL,
            x,
            y: PlotAxis::names("Volatility, trend", names).downwards(),
            marks,
            legend: Vec::new(),
        }
    }
}
