//! Timeline of the folds: training, validation and test of each.
use windvane_candles::Timestamp;

use super::axis::PlotAxis;
use super::colour::PlotColour;
use super::plot::{Mark, ReportPlot};
use crate::report::format::{date, text, thousands};
use crate::report::{FoldRecord, GroupRecord, PlanRecord, Report};

/// Maximum number of folds of a timeline; the table lists all.
const MAX_FOLDS: usize = 40;
/// Half the height of a bar; two folds are 1 apart.
const HALF: f64 = 0.36;

impl Report {
    /// Timelines of the folds, one per interval.
    pub(crate) fn fold_plots(&self) -> Vec<ReportPlot> {
        let groups = self.groups.iter().filter(|group| group.folds.len() <= MAX_FOLDS);
        let plots = groups.filter_map(|group| {
            let (x, marks) = match self.run.plan {
                PlanRecord::Combinatorial { groups, .. } => grid(group, groups),
                _ => self.timeline(group)?,
            };
            let names = group.folds.iter().map(|fold| format!("fold {}", fold.fold));
            Some(ReportPlot {
                title: format!("Folds, {} candles", group.interval),
                caption: String::new(),
                height: ReportPlot::rows(group.folds.len(), 24.0),
                x,
                y: PlotAxis::names("", names).downwards(),
                marks,
                legend: legend(),
            })
        });
        plots.collect()
    }

    /// Bars of time; `None` without candles.
    fn timeline(&self, group: &GroupRecord) -> Option<(PlotAxis, Vec<Mark>)> {
        let own = self.instruments.iter().filter(|one| one.interval == group.interval);
        let first = own.clone().filter_map(|one| one.first).min()?;
        let last = own.filter_map(|one| one.last).max()?;
        let mut marks = Vec::new();
        for (place, fold) in group.folds.iter().enumerate() {
            let start = self.training_start(group, fold).map_or(first, |start| start.max(first));
            let until = fold.test_until.unwrap_or(last);
            let parts = [
                (TRAINING, start, fold.validate_from, fold.train_windows, "training"),
                (
                    VALIDATION,
                    fold.validate_from,
                    fold.test_from,
                    fold.validation_windows,
                    "validation",
                ),
                (TEST, fold.test_from, until, Some(fold.test_windows), "test"),
            ];
            for ((colour, opacity), from, until, windows, name) in parts {
                let windows = text(windows.map(thousands));
                let (begin, end) = (date(from), date(until));
                let text =
                    format!("fold {}, {name}: {begin} to {end}, {windows} windows", fold.fold);
                marks.push(bar([millis(from), millis(until)], place, colour, opacity, text));
            }
        }
        let x = PlotAxis::times(marks.iter().flat_map(Mark::places), 5);
        Some((PlotAxis { grid: false, ..x }, marks))
    }

    /// Start of the training under a plan with a limited training period.
    fn training_start(&self, group: &GroupRecord, fold: &FoldRecord) -> Option<Timestamp> {
        let length = match self.run.plan {
            PlanRecord::WalkForward { window: Some(candles), .. } => {
                i64::from(candles) * group.interval.millis()
            }
            #[expect(clippy::cast_possible_truncation, reason = "some years in milliseconds")]
            PlanRecord::RollingRefit { window_seconds: Some(seconds), .. } => {
                (1_000.0 * seconds) as i64
            }
            _ => return None,
        };
        // The training period is counted back from the test.
        Some(Timestamp::from_millis(fold.test_from.millis().saturating_sub(length)))
    }
}

const TRAINING: (PlotColour, f64) = (PlotColour::Rule, 0.3);
const VALIDATION: (PlotColour, f64) = (PlotColour::Rule, 0.75);
const TEST: (PlotColour, f64) = (PlotColour::Series(0), 1.0);

/// Tested groups of time of each fold of a combinatorial plan.
fn grid(group: &GroupRecord, groups: usize) -> (PlotAxis, Vec<Mark>) {
    let mut marks = Vec::new();
    for (place, fold) in group.folds.iter().enumerate() {
        for number in 1..=groups {
            let tested = fold.test_groups.contains(&number);
            let (colour, opacity) = if tested { TEST } else { TRAINING };
            let use_of = if tested { "test" } else { "training and validation" };
            let text = format!("fold {}, group {number}: {use_of}", fold.fold);
            let middle = (number - 1) as f64;
            marks.push(bar([middle - 0.47, middle + 0.47], place, colour, opacity, text));
        }
    }
    (PlotAxis::names("Group of time", (1..=groups).map(|number| number.to_string())), marks)
}

fn bar(x: [f64; 2], place: usize, colour: PlotColour, opacity: f64, text: String) -> Mark {
    let y = place as f64;
    Mark::Block(colour, [(x[0], y - HALF), (x[1], y + HALF)], opacity, text)
}

fn legend() -> Vec<(PlotColour, String)> {
    vec![
        (TRAINING.0, "training (light) and validation (dark)".to_string()),
        (TEST.0, "test".to_string()),
    ]
}

fn millis(time: Timestamp) -> f64 {
    time.millis() as f64
}
