//! Plots of the accuracy by period of calendar time.
use windvane_candles::{Interval, Timestamp};

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::figures::percent;
use super::plot::{Mark, ReportPlot};
use crate::report::Report;
use crate::report::format::{baseline, bounds, date, interval, percent as cent};
use crate::score::{PeriodScore, ResultRow};

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
            let text = format!(
                "from {}: {} % {}; best baseline {}",
                date(one.from),
                cent(one.score.accuracy),
                bounds(one.interval_95),
                baseline(one.best_baseline.as_ref()),
            );
            marks.extend(dot.map(|at| Mark::Dot(colour, at, ends, text)));
        }
        let ends = row.over_time.iter().flat_map(|one| [millis(one.from), millis(one.until)]);
        ReportPlot {
            title: format!("{}, {} candles", row.model, interval(row)),
            caption: String::new(),
            height: ReportPlot::SMALL,
            x: PlotAxis { grid: false, ..PlotAxis::times(ends, 4) },
            y,
            marks,
            legend: Vec::new(),
        }
    }
}

fn middle(period: &PeriodScore) -> f64 {
    f64::midpoint(millis(period.from), millis(period.until))
}

fn millis(time: Timestamp) -> f64 {
    time.millis() as f64
}
