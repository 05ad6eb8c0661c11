//! Plots of training: losses by epoch and importance of channels.
use windvane_candles::Interval;

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot};
use crate::report::format::{bounds, signed};
use crate::report::{EpochLoss, Report};
use crate::score::Importance;

impl Report {
    /// Losses by epoch of all folds, one plot per model.
    pub(crate) fn training_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let models = self.run.models.iter();
        models.filter_map(|model| self.training_plot(model, candles)).collect()
    }

    fn training_plot(&self, model: &str, candles: Interval) -> Option<ReportPlot> {
        let runs: Vec<&[EpochLoss]> = self
            .training
            .iter()
            .filter(|one| one.model == model && one.interval == candles)
            .flat_map(|one| one.epochs.chunk_by(|a, b| a.member == b.member))
            .collect();
        let mut marks = Vec::new();
        for run in &runs {
            let line = run.iter().map(|one| (one.epoch as f64, one.train_loss));
            marks.push(Mark::Line(PlotColour::Rule, line.collect()));
        }
        for run in &runs {
            marks.push(Mark::Line(
                self.model_colour(model),
                run.iter().filter_map(validated).collect(),
            ));
            let kept = run.iter().rfind(|one| one.best).and_then(validated);
            let text = |(epoch, loss)| format!("epoch {epoch}: validation loss {loss:.4}");
            marks.extend(
                kept.map(|kept| Mark::Dot(self.model_colour(model), kept, None, text(kept))),
            );
        }
        let x = PlotAxis::numbers("Epoch", marks.iter().flat_map(Mark::places), 4);
        let y = PlotAxis::numbers("Loss, nats", marks.iter().flat_map(Mark::heights), 4);
        (!runs.is_empty()).then(|| ReportPlot {
            title: format!("{model}, {candles} candles"),
            caption: String::new(),
            height: ReportPlot::SMALL,
            x: PlotAxis { grid: false, ..x },
            y,
            marks,
            legend: vec![
                (PlotColour::Rule, "training loss".to_string()),
                (self.model_colour(model), "validation loss; the dot is the selected epoch".into()),
            ],
        })
    }

    /// Importance of channels, one plot per model.
    pub(crate) fn importance_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let models = self.run.models.iter();
        models.filter_map(|model| self.importance_plot(model, candles)).collect()
    }

    fn importance_plot(&self, model: &str, candles: Interval) -> Option<ReportPlot> {
        let channels: Vec<(&str, f64, &Importance)> = self
            .importance
            .iter()
            .filter(|one| one.model == model && one.interval == candles)
            .filter_map(|one| Some((one.channel.as_str(), percent(one.accuracy_drop?), one)))
            .collect();
        let mut marks = Vec::new();
        for (place, (_, x, one)) in channels.iter().enumerate() {
            let y = place as f64;
            let ends =
                one.accuracy_interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            let text = format!(
                "{}: {} points {}",
                one.channel,
                signed(x / 100.0),
                bounds(one.accuracy_interval_95),
            );
            marks.push(Mark::Dot(self.model_colour(model), (*x, y), ends, text));
        }
        let y =
            PlotAxis::names("", channels.iter().map(|(name, ..)| (*name).to_string())).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = PlotAxis::numbers("Loss of accuracy, points", values, 4);
        marks.insert(0, Mark::Line(PlotColour::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        (!channels.is_empty()).then(|| ReportPlot {
            title: format!("{model}, {candles} candles"),
            caption: String::new(),
            height: ReportPlot::rows(channels.len(), 22.0),
            x,
            y,
            marks,
            legend: Vec::new(),
        })
    }
}

/// Position of the validation loss of an epoch in the plot.
fn validated(one: &EpochLoss) -> Option<(f64, f64)> {
    Some((one.epoch as f64, one.validation_loss?))
}
