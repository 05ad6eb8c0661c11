//! Plots of confidence: accuracy against coverage, reliability, distribution of the confidence.
use windvane_candles::Interval;

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot};
use crate::metrics::Proportion;
use crate::report::Report;
use crate::report::format::{bounds, interval, percent as cent, thousands};
use crate::score::{ResultRow, Scope};

impl Report {
    /// Accuracy against coverage, one plot per pool.
    pub(crate) fn coverage_plots(&self) -> Vec<ReportPlot> {
        self.pools().iter().filter_map(|(place, rows)| self.coverage_plot(place, rows)).collect()
    }

    fn coverage_plot(&self, place: &str, rows: &[&ResultRow]) -> Option<ReportPlot> {
        let mut marks = Vec::new();
        let mut legend = self.legend();
        // Only one line of baselines is drawn; more would hide those of the models.
        let first = self.ranking.first()?;
        if let Some(row) = rows.iter().find(|row| row.model == first.model) {
            let baseline = row.coverage_curve.iter().filter_map(|point| {
                Some((percent(point.coverage?), percent(point.best_baseline_accuracy?)))
            });
            marks.push(Mark::Line(PlotColour::Rule, baseline.collect()));
            let name = format!("best baseline on the predictions of {}", row.model);
            legend.push((PlotColour::Rule, name));
        }
        for row in rows {
            let curve = row.coverage_curve.iter();
            let curve = curve.filter_map(|p| Some((percent(p.coverage?), percent(p.accuracy?))));
            marks.push(Mark::Line(self.model_colour(&row.model), curve.collect()));
        }
        for row in rows {
            for one in &row.most_confident {
                if let (Some(x), Some(y)) = (one.score.coverage, one.score.accuracy) {
                    let (x, y) = (percent(x), percent(y));
                    let ends = one.interval_95.map(|b| [(x, percent(b.low)), (x, percent(b.high))]);
                    let text = format!(
                        "{}, most confident {:.0} %: {} % {} at a coverage of {} %",
                        row.model,
                        percent(one.share),
                        cent(one.score.accuracy),
                        bounds(one.interval_95),
                        cent(one.score.coverage),
                    );
                    marks.push(Mark::Dot(self.model_colour(&row.model), (x, y), ends, text));
                }
            }
        }
        let values: Vec<f64> = marks.iter().flat_map(Mark::heights).collect();
        (!values.is_empty()).then(|| ReportPlot {
            title: format!("Accuracy and coverage, {place} candles"),
            caption: String::new(),
            height: ReportPlot::HEIGHT,
            x: PlotAxis::between("Coverage, % of candles", 0.0, 100.0, 5),
            y: PlotAxis::numbers("Accuracy, %", values, 5),
            marks,
            legend,
        })
    }

    /// Reliability diagrams: predicted probability against observed frequency.
    pub(crate) fn reliability_plots(&self, candles: Interval) -> Vec<ReportPlot> {
        let bins = self.pooled().flat_map(|row| &row.reliability);
        let (from, to) =
            bins.fold((1.0_f64, 0.0_f64), |(from, to), bin| (from.min(bin.from), to.max(bin.to)));
        let rows = self.pooled_over(candles).filter(|row| !row.reliability.is_empty());
        rows.map(|row| self.reliability_plot(row, percent(from), percent(to))).collect()
    }

    fn reliability_plot(&self, row: &ResultRow, from: f64, to: f64) -> ReportPlot {
        let colour = self.model_colour(&row.model);
        let mut marks = vec![Mark::Line(PlotColour::Rule, vec![(from, from), (to, to)])];
        for bin in &row.reliability {
            let (Some(confidence), Some(accuracy)) = (bin.confidence, bin.accuracy) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of cases times their number is a count"
            )]
            let correct = (accuracy * bin.cases as f64).round() as u64;
            let bounds_of_bin =
                Proportion::new(correct, bin.cases).and_then(|share| share.wilson(0.95));
            let (x, y) = (percent(confidence), percent(accuracy));
            let ends = bounds_of_bin.map(|b| [(x, percent(b.low)), (x, percent(b.high))]);
            let text = format!(
                "probability {} %: frequency {} % {}, {} candles",
                cent(bin.confidence),
                cent(bin.accuracy),
                bounds(bounds_of_bin),
                thousands(bin.cases),
            );
            marks.push(Mark::Dot(colour, (x, y), ends, text));
        }
        ReportPlot {
            title: format!("{}, {} candles", row.model, interval(row)),
            caption: String::new(),
            height: ReportPlot::SMALL,
            x: PlotAxis { grid: false, ..PlotAxis::between("Probability, %", from, to, 4) },
            y: PlotAxis::between("Frequency, %", 0.0, 100.0, 4),
            marks,
            legend: Vec::new(),
        }
    }

    /// Histograms of the confidence over all instruments, one per model.
    pub(crate) fn confidence_plots(&self) -> Vec<ReportPlot> {
        let used = self.rows(Scope::All).flat_map(|row| &row.confidence.bins);
        let (from, to) = used
            .filter(|bin| bin.predictions > 0)
            .fold((1.0_f64, 0.0_f64), |(from, to), bin| (from.min(bin.from), to.max(bin.to)));
        let rows = self.rows(Scope::All).filter(|row| row.score.predictions > 0);
        rows.map(|row| self.confidence_plot(row, percent(from), percent(to))).collect()
    }

    fn confidence_plot(&self, row: &ResultRow, from: f64, to: f64) -> ReportPlot {
        const GAP: f64 = 0.3;
        let colour = self.model_colour(&row.model);
        let (mut marks, mut highest) = (Vec::new(), 1.0);
        for bin in row.confidence.bins.iter().filter(|bin| bin.predictions > 0) {
            let height = percent(bin.predictions as f64 / row.score.predictions as f64);
            let (left, right) = (percent(bin.from) + GAP, percent(bin.to) - GAP);
            let text = format!(
                "{:.0} to {:.0} %: {} predictions, accuracy {} %",
                percent(bin.from),
                percent(bin.to),
                thousands(bin.predictions),
                cent(bin.accuracy),
            );
            marks.push(Mark::Block(colour, [(left, 0.0), (right, height)], 0.85, text));
            highest = f64::max(highest, height);
        }
        ReportPlot {
            title: format!("{}: confidence", row.model),
            caption: String::new(),
            height: ReportPlot::SMALL,
            x: PlotAxis { grid: false, ..PlotAxis::between("Confidence, %", from, to, 4) },
            y: PlotAxis::between("Predictions, %", 0.0, 1.05 * highest, 4),
            marks,
            legend: Vec::new(),
        }
    }
}
