//! Plots of accuracy: by instrument, edge over the best baseline, confusion matrix.
use windvane_candles::{Direction, Interval};

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot, spread};
use crate::report::Report;
use crate::report::format::{baseline, bounds, edge, interval, percent as cent, thousands};
use crate::score::{ResultRow, Scope};

impl Report {
    /// Accuracy by instrument, one plot per interval.
    pub(crate) fn instrument_plots(&self) -> Vec<ReportPlot> {
        self.groups.iter().filter_map(|group| self.instrument_plot(group.interval)).collect()
    }

    fn instrument_plot(&self, candles: Interval) -> Option<ReportPlot> {
        let rows: Vec<&ResultRow> = self
            .rows(Scope::Instrument)
            .filter(|row| row.interval == Some(candles) && row.score.accuracy.is_some())
            .collect();
        let mut names: Vec<&str> = rows.iter().map(|row| row.instrument.as_str()).collect();
        names.dedup();
        let models = self.run.models.len();
        let mut marks = Vec::new();
        for row in &rows {
            let place = names.iter().position(|name| *name == row.instrument)? as f64;
            let model = self.run.models.iter().position(|model| *model == row.model)?;
            let y = place + spread(model, models);
            let ends = row.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            let centre = (percent(row.score.accuracy?), y);
            let text = format!(
                "{}, {}: {} % {}; best baseline {}",
                row.instrument,
                row.model,
                cent(row.score.accuracy),
                bounds(row.interval_95),
                baseline(row.best_baseline_result()),
            );
            marks.push(Mark::Dot(self.model_colour(&row.model), centre, ends, text));
            let baseline = row.best_baseline_result().and_then(|best| best.score.accuracy);
            marks.extend(baseline.map(|best| Mark::upright((percent(best), y), models)));
        }
        let values = marks.iter().flat_map(Mark::places).chain([50.0]);
        let x = PlotAxis::numbers("Accuracy, %", values, 5);
        let y = PlotAxis::names("", names.iter().map(|name| (*name).to_string())).downwards();
        let height = ReportPlot::rows(names.len(), models as f64 * 11.0 + 12.0);
        (!rows.is_empty()).then(|| ReportPlot {
            title: format!("Accuracy by instrument, {candles} candles"),
            caption: String::new(),
            height,
            x,
            y,
            marks,
            legend: self.legend_with("best baseline"),
        })
    }

    /// Pooled edges over the best baseline.
    pub(crate) fn edge_plots(&self) -> Vec<ReportPlot> {
        self.pools().iter().filter_map(|(place, rows)| self.edge_plot(place, rows)).collect()
    }

    fn edge_plot(&self, place: &str, rows: &[&ResultRow]) -> Option<ReportPlot> {
        let mut marks = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let Some(excess) = row.excess_accuracy else { continue };
            let y = place as f64;
            let ends = excess.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            let dot = (percent(excess.value), y);
            let text = format!("{}: {} points", row.model, edge(row.excess_accuracy));
            marks.push(Mark::Dot(self.model_colour(&row.model), dot, ends, text));
        }
        if marks.is_empty() {
            return None;
        }
        let y = PlotAxis::names("", rows.iter().map(|row| row.model.clone())).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = PlotAxis::numbers("Edge, percentage points", values, 5);
        marks.insert(0, Mark::Line(PlotColour::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        Some(ReportPlot {
            title: format!("Edge over the best baseline, {place} candles"),
            caption: String::new(),
            height: ReportPlot::rows(rows.len(), 26.0),
            x,
            y,
            marks,
            legend: Vec::new(),
        })
    }

    /// Confusion matrices, one per model.
    pub(crate) fn confusion_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        self.pooled_over(candles).map(confusion_plot).collect()
    }
}

fn confusion_plot(row: &ResultRow) -> ReportPlot {
    let names = Direction::ALL.map(|class| class.to_string());
    let mut marks = Vec::new();
    for (y, label) in Direction::ALL.into_iter().enumerate() {
        let all: usize =
            Direction::ALL.map(|predicted| row.confusion.count(label, predicted)).iter().sum();
        for (x, predicted) in Direction::ALL.into_iter().enumerate() {
            let count = row.confusion.count(label, predicted);
            let share = if all == 0 { 0.0 } else { count as f64 / all as f64 };
            let (x, y) = (x as f64, y as f64);
            let corners = [(x - 0.48, y - 0.47), (x + 0.48, y + 0.47)];
            // The opacity is limited, so that the text is readable on both backgrounds.
            let opacity = 0.04 + 0.46 * share;
            marks.push(Mark::Block(PlotColour::Plain, corners, opacity, String::new()));
            marks.push(Mark::Text((x, y - 0.15), thousands(count)));
            if all > 0 {
                marks.push(Mark::Text((x, y + 0.2), format!("{:.0} %", percent(share))));
            }
        }
    }
    ReportPlot {
        title: format!("{}, {} candles", row.model, interval(row)),
        caption: String::new(),
        height: ReportPlot::SMALL,
        x: PlotAxis::names("Predicted", names.clone()),
        y: PlotAxis::names("Label", names).downwards(),
        marks,
        legend: Vec::new(),
    }
}
