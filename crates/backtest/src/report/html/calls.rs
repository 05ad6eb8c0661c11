//! Plots of calls: accuracy by instrument, leads, labels against calls, confidence.
use windvane_candles::{Direction, Interval};

use super::axis::Axis;
use super::figures::{Row, percent};
use super::ink::Ink;
use super::plot::{Mark, Plot};
use crate::report::headline::interval;
use crate::{Report, ResultRow, Scope};

/// Half the height of a row's marks, of the 1 between two names.
const SPREAD: f64 = 0.38;

impl Report {
    /// Accuracy on every instrument, a plot for each interval.
    pub(crate) fn instrument_plots(&self) -> Vec<Plot> {
        let of = |group: &crate::report::GroupRecord| self.instrument_plot(group.interval);
        self.groups.iter().filter_map(of).collect()
    }

    fn instrument_plot(&self, candles: Interval) -> Option<Plot> {
        let rows: Vec<&ResultRow> = self
            .rows(Scope::Instrument)
            .filter(|row| row.interval == Some(candles) && row.score.accuracy.is_some())
            .collect();
        let mut names: Vec<&str> = rows.iter().map(|row| row.instrument.as_str()).collect();
        names.dedup();
        let models = self.run.models.len();
        let (mut marks, mut values) = (Vec::new(), vec![50.0]);
        for row in &rows {
            let place = names.iter().position(|name| *name == row.instrument)? as f64;
            let model = self.run.models.iter().position(|model| *model == row.model)?;
            let y = place + spread(model, models);
            let accuracy = percent(row.score.accuracy?);
            values.push(accuracy);
            let ends = row.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            values.extend(ends.iter().flatten().map(|(x, _)| *x));
            marks.push(Mark::Dot(self.ink(&row.model), (accuracy, y), ends));
            if let Some(naive) = row.best_naive_result().and_then(|best| best.score.accuracy) {
                let (x, half) = (percent(naive), SPREAD / models as f64);
                values.push(x);
                marks.push(Mark::Line(Ink::Rule, vec![(x, y - half), (x, y + half)]));
            }
        }
        let x = Axis::numbers("Accuracy, %", values, 5);
        let y = Axis::names("", names.iter().map(|name| (*name).to_string())).downwards();
        marks.insert(0, Mark::Line(Ink::Grid, vec![(50.0, y.from), (50.0, y.to)]));
        let mut legend = self.legend();
        legend.push((Ink::Rule, "upright line: best naive rule".to_string()));
        let height = 50 + u32::try_from(names.len() * (models * 11 + 12)).ok()?;
        (!rows.is_empty()).then(|| Plot {
            title: format!("Accuracy by instrument, {candles} candles"),
            caption: "Dots are accuracies with their 95 % intervals; an interval that does not \
                      reach the upright line beside it says more than chance."
                .to_string(),
            size: (Plot::SIZE.0, height),
            x,
            y,
            marks,
            legend,
        })
    }

    /// The pooled leads over the best naive rule.
    pub(crate) fn lead_plots(&self) -> Vec<Plot> {
        let rows: Vec<(&ResultRow, crate::Lead)> =
            self.pools().into_iter().filter_map(|row| Some((row, row.lead?))).collect();
        let (mut marks, mut values) = (Vec::new(), vec![0.0]);
        for (place, (row, lead)) in rows.iter().enumerate() {
            let (x, y) = (percent(lead.lead), place as f64);
            values.push(x);
            let ends = lead.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            values.extend(ends.iter().flatten().map(|(x, _)| *x));
            marks.push(Mark::Dot(self.ink(&row.model), (x, y), ends));
        }
        let names = rows.iter().map(|(row, _)| format!("{} {}", row.model, interval(row)));
        let (x, y) = (
            Axis::numbers("Lead, percentage points", values, 5),
            Axis::names("", names).downwards(),
        );
        marks.insert(0, Mark::Line(Ink::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        let Ok(height) = u32::try_from(60 + 26 * rows.len()) else { return Vec::new() };
        let plot = Plot {
            title: "Lead over the best naive rule".to_string(),
            caption: "Accuracy less that of the best naive rule on the same candles, with 95 % \
                      intervals: only one wholly right of 0 shows something."
                .to_string(),
            size: (Plot::SIZE.0, height),
            x,
            y,
            marks,
            legend: Vec::new(),
        };
        if rows.is_empty() { Vec::new() } else { vec![plot] }
    }

    /// Labels against calls, pooled by interval.
    pub(crate) fn confusion_plots(&self) -> Row {
        let plots = self.rows(Scope::Interval).map(confusion_plot).collect();
        Row::small(
            plots,
            "Each row is what happened, each column what was called; a cell holds the candles and \
             their share of the row. A model that knows the way is dark where row and column agree.",
        )
    }

    /// How sure the calls were, over all instruments.
    pub(crate) fn confidence_plots(&self) -> Row {
        let used = || self.rows(Scope::All).flat_map(|row| &row.confidence.bins);
        let (from, to) = used()
            .filter(|bin| bin.calls > 0)
            .fold((1.0_f64, 0.0_f64), |(from, to), bin| (from.min(bin.from), to.max(bin.to)));
        let rows = self.rows(Scope::All).filter(|row| row.score.calls > 0);
        let plots = rows.map(|row| self.confidence_plot(row, percent(from), percent(to))).collect();
        Row::small(
            plots,
            "Calls by the probability that the model gave the called direction. Bars near 33 % are \
             guesses; a model that is never sure has nothing on the right.",
        )
    }

    fn confidence_plot(&self, row: &ResultRow, from: f64, to: f64) -> Plot {
        let share = |calls: usize| percent(calls as f64 / row.score.calls as f64);
        let bins = row.confidence.bins.iter().filter(|bin| bin.calls > 0);
        let most = bins.clone().map(|bin| share(bin.calls)).fold(1.0, f64::max);
        let ink = self.ink(&row.model);
        let bar = |bin: &crate::ConfidenceBin| {
            let gap = 0.3;
            let (left, right) = (percent(bin.from) + gap, percent(bin.to) - gap);
            Mark::Block(ink, (left, 0.0), (right, share(bin.calls)), 0.85)
        };
        Plot {
            title: format!("{}: confidence of its calls", row.model),
            caption: String::new(),
            size: Plot::SMALL,
            x: Axis { grid: false, ..Axis::between("Confidence, %", from, to, 4) },
            y: Axis::between("Calls, %", 0.0, 1.05 * most, 4),
            marks: bins.map(bar).collect(),
            legend: Vec::new(),
        }
    }
}

fn confusion_plot(row: &ResultRow) -> Plot {
    let names = || Direction::ALL.map(|class| class.to_string());
    let mut marks = Vec::new();
    for (y, label) in Direction::ALL.into_iter().enumerate() {
        let all: usize =
            Direction::ALL.map(|called| row.confusion.count(label, called)).iter().sum();
        for (x, called) in Direction::ALL.into_iter().enumerate() {
            let count = row.confusion.count(label, called);
            let share = if all == 0 { 0.0 } else { count as f64 / all as f64 };
            let (x, y) = (x as f64, y as f64);
            let corners = ((x - 0.48, y - 0.47), (x + 0.48, y + 0.47));
            // At most so dark that the text stands out on both grounds.
            marks.push(Mark::Block(Ink::Plain, corners.0, corners.1, 0.04 + 0.46 * share));
            marks.push(Mark::Text((x, y - 0.15), count.to_string()));
            if all > 0 {
                marks.push(Mark::Text((x, y + 0.2), format!("{:.0} %", percent(share))));
            }
        }
    }
    Plot {
        title: format!("{}, {} candles", row.model, interval(row)),
        caption: String::new(),
        size: Plot::SMALL,
        x: Axis::names("Called", names()),
        y: Axis::names("Happened", names()).downwards(),
        marks,
        legend: Vec::new(),
    }
}

/// Where the marks of the k-th of n stand around a name.
fn spread(k: usize, n: usize) -> f64 {
    2.0 * SPREAD * ((k as f64 + 0.5) / n as f64 - 0.5)
}
