//! Plots of calls: accuracy by instrument, leads, labels against calls.
use windvane_candles::{Direction, Interval};

use super::axis::Axis;
use super::figures::percent;
use super::ink::Ink;
use super::plot::{Mark, Plot, spread};
use crate::report::Report;
use crate::report::headline::interval;
use crate::score::{ResultRow, Scope};

impl Report {
    /// Accuracy on every instrument, a plot for each interval.
    pub(crate) fn instrument_plots(&self) -> Vec<Plot> {
        self.groups.iter().filter_map(|group| self.instrument_plot(group.interval)).collect()
    }

    fn instrument_plot(&self, candles: Interval) -> Option<Plot> {
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
            marks.push(Mark::Dot(self.ink(&row.model), centre, ends));
            let baseline = row.best_baseline_result().and_then(|best| best.score.accuracy);
            marks.extend(baseline.map(|best| Mark::upright((percent(best), y), models)));
        }
        let values = marks.iter().flat_map(Mark::places).chain([50.0]);
        let x = Axis::numbers("Accuracy, %", values, 5);
        let y = Axis::names("", names.iter().map(|name| (*name).to_string())).downwards();
        let mut legend = self.legend();
        legend.push((Ink::Rule, "best baseline".to_string()));
        let height = 50.0 + names.len() as f64 * (models as f64 * 11.0 + 12.0);
        (!rows.is_empty()).then(|| Plot {
            title: format!("Accuracy by instrument, {candles} candles"),
            caption: String::new(),
            size: Plot::tall(height),
            x,
            y,
            marks,
            legend,
        })
    }

    /// The pooled leads over the best baseline.
    pub(crate) fn lead_plots(&self) -> Vec<Plot> {
        self.pools().iter().filter_map(|(place, rows)| self.lead_plot(place, rows)).collect()
    }

    fn lead_plot(&self, place: &str, rows: &[&ResultRow]) -> Option<Plot> {
        let mut marks = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let Some(lead) = row.lead else { continue };
            let y = place as f64;
            let ends = lead.interval_95.map(|b| [(percent(b.low), y), (percent(b.high), y)]);
            marks.push(Mark::Dot(self.ink(&row.model), (percent(lead.lead), y), ends));
        }
        if marks.is_empty() {
            return None;
        }
        let y = Axis::names("", rows.iter().map(|row| row.model.clone())).downwards();
        let values = marks.iter().flat_map(Mark::places).chain([0.0]);
        let x = Axis::numbers("Lead, percentage points", values, 5);
        marks.insert(0, Mark::Line(Ink::Rule, vec![(0.0, y.from), (0.0, y.to)]));
        Some(Plot {
            title: format!("Lead over the best baseline, {place} candles"),
            caption: String::new(),
            size: Plot::tall(60.0 + 26.0 * rows.len() as f64),
            x,
            y,
            marks,
            legend: Vec::new(),
        })
    }

    /// Labels against calls.
    pub(crate) fn confusion_plots(&self, candles: Interval) -> Vec<Plot> {
        self.pooled_over(candles).map(confusion_plot).collect()
    }
}

fn confusion_plot(row: &ResultRow) -> Plot {
    let names = Direction::ALL.map(|class| class.to_string());
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
        x: Axis::names("Called", names.clone()),
        y: Axis::names("Happened", names).downwards(),
        marks,
        legend: Vec::new(),
    }
}
