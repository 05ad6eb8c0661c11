//! The later sections of the Markdown report: what the numbers were made from.
use windvane_signals::{Band, GapPolicy};

use super::headline::{UNDEFINED, bounds, interval, percent, signed};
use super::section::Part;
use super::table::table;
use super::{FoldRecord, GroupRecord, PlanRecord, Report, RunRecord};
use crate::{PathScore, ResultRow, SeedScore};

/// How the gap policy of an interval is found where none is given.
const GUESSED: &str = "guessed by whether over 1 % of an instrument's time steps are missing \
                       before the first validation";

impl Report {
    pub(crate) fn folds_section(&self) -> Vec<Part> {
        let windows = |n: Option<usize>| n.map_or_else(|| UNDEFINED.to_string(), |n| n.to_string());
        let name = |fold: &FoldRecord| {
            let groups: Vec<String> = fold.test_groups.iter().map(usize::to_string).collect();
            if groups.is_empty() {
                return fold.fold.to_string();
            }
            format!("{} (groups {})", fold.fold, groups.join(", "))
        };
        let cuts = self.groups.iter().flat_map(|group| {
            group.folds.iter().map(|fold| {
                [
                    group.interval.to_string(),
                    name(fold),
                    fold.validate_from.to_string(),
                    fold.test_from.to_string(),
                    fold.test_until.map_or_else(|| "end".to_string(), |time| time.to_string()),
                    windows(fold.train_windows),
                    windows(fold.validation_windows),
                    fold.test_windows.to_string(),
                ]
            })
        });
        let header = [
            "Interval",
            "Fold",
            "Validate from",
            "Test from",
            "Test until",
            "Train",
            "Val.",
            "Test",
        ];
        let scores = self.pooled().flat_map(|row| {
            row.folds.iter().map(|fold| {
                [
                    row.model.clone(),
                    interval(row),
                    fold.fold.to_string(),
                    fold.score.calls.to_string(),
                    percent(fold.score.accuracy),
                    percent(fold.score.coverage),
                ]
            })
        });
        let score_header = ["Model", "Interval", "Fold", "Calls", "Accuracy %", "Coverage %"];
        let (cuts, scores) = (table(5, header, cuts), table(3, score_header, scores));
        let parts = [cuts.into(), self.untrained().into(), scores.into()];
        parts.into_iter().chain(self.paths()).chain(self.seeds()).collect()
    }

    /// Accuracy path by path, where every candle was predicted several times.
    fn paths(&self) -> Vec<Part> {
        let of = |path: &PathScore| path.score.accuracy;
        let rows = self.pooled().map(|row| (row, row.paths.iter().filter_map(of).collect()));
        let text = "Accuracy over the paths. All test the same candles, by models that learned from \
                    candles after them, too, which nobody has who trades.";
        spread(text, "Paths", rows)
    }

    /// Accuracy seed by seed, where there are several.
    fn seeds(&self) -> Vec<Part> {
        let of = |seed: &SeedScore| seed.score.accuracy;
        let rows = self.pooled().map(|row| (row, row.seeds.iter().filter_map(of).collect()));
        spread("Accuracy over the seeds. All other numbers are of the first.", "Seeds", rows)
    }

    /// A sentence about instruments tested in folds that did not learn from them.
    fn untrained(&self) -> String {
        let fold = |group: &GroupRecord, fold: &FoldRecord| {
            let names = fold.untrained.join(", ");
            (!names.is_empty()).then(|| format!("{} fold {}: {names}", group.interval, fold.fold))
        };
        let folds: Vec<String> = self
            .groups
            .iter()
            .flat_map(|group| group.folds.iter().filter_map(move |one| fold(group, one)))
            .collect();
        if folds.is_empty() {
            return String::new();
        }
        format!(
            "Learned from other instruments only, for want of a training window of their own: {}.",
            folds.join("; ")
        )
    }

    pub(crate) fn over_time_section(&self) -> [Part; 1] {
        let rows = self.pooled().flat_map(|row| {
            row.over_time.iter().map(|stretch| {
                let baseline = stretch.best_baseline;
                let baseline =
                    baseline.map(|n| format!("{} {}", n.rule, percent(n.score.accuracy)));
                [
                    row.model.clone(),
                    interval(row),
                    stretch.from.to_string(),
                    stretch.score.calls.to_string(),
                    percent(stretch.score.accuracy),
                    bounds(stretch.interval_95),
                    baseline.unwrap_or_else(|| UNDEFINED.to_string()),
                ]
            })
        });
        let header = [
            "Model",
            "Interval",
            "From",
            "Calls",
            "Accuracy %",
            "95 % interval",
            "Best baseline %",
        ];
        [table(3, header, rows).into()]
    }

    pub(crate) fn importance_section(&self) -> Vec<Part> {
        if self.importance.is_empty() {
            return Vec::new();
        }
        let loss = |x: f64| format!("{x:+.5}");
        let rows = self.importance.iter().map(|one| {
            let drop = one.accuracy_drop.map(signed);
            let drop_bounds = one.accuracy_interval_95;
            let drop_bounds =
                drop_bounds.map(|b| format!("[{}, {}]", signed(b.low), signed(b.high)));
            let rise_bounds = one.loss_interval_95;
            let rise_bounds = rise_bounds.map(|b| format!("[{}, {}]", loss(b.low), loss(b.high)));
            let text = |text: Option<String>| text.unwrap_or_else(|| UNDEFINED.to_string());
            [
                one.model.clone(),
                one.interval.to_string(),
                one.channel.clone(),
                one.windows.to_string(),
                format!("{} {}", text(drop), text(drop_bounds)),
                format!("{} {}", text(one.loss_rise.map(loss)), text(rise_bounds)),
            ]
        });
        let header = [
            "Model",
            "Interval",
            "Channel",
            "Windows",
            "Accuracy lost, points",
            "Log loss rises by",
        ];
        let text = "Each channel is silenced in turn: all its values are replaced by the median of \
                    the training windows, and the fitted model predicts at most 2,000 test windows \
                    per fold again, every candle called.";
        vec![text.to_string().into(), table(3, header, rows).into()]
    }

    pub(crate) fn training_section(&self) -> [Part; 1] {
        let loss = |x: Option<f64>| x.map_or_else(|| UNDEFINED.to_string(), |x| format!("{x:.4}"));
        let rows = self.training.iter().map(|training| {
            let record = &training.record;
            [
                training.model.clone(),
                training.interval.to_string(),
                training.fold.to_string(),
                record.until.to_string(),
                record.windows.to_string(),
                record.validation_windows.to_string(),
                format!("{} of {}", record.best_epoch, record.epochs),
                loss(record.train_loss),
                loss(record.validation_loss),
            ]
        });
        let header = [
            "Model",
            "Interval",
            "Fold",
            "Learned until",
            "Windows",
            "Val.",
            "Best epoch",
            "Train loss",
            "Val. loss",
        ];
        [table(4, header, rows).into()]
    }

    pub(crate) fn instruments_section(&self) -> Vec<Part> {
        let time = |t: Option<windvane_candles::Timestamp>| {
            t.map_or_else(|| UNDEFINED.to_string(), |t| t.to_string())
        };
        let rows = self.instruments.iter().map(|one| {
            [
                one.name.clone(),
                one.interval.to_string(),
                time(one.first),
                time(one.last),
                if one.test_only { "test only" } else { "learn and test" }.to_string(),
                one.candles.to_string(),
                one.gaps.to_string(),
                one.missing.to_string(),
                one.test_candles.to_string(),
            ]
        });
        let header = [
            "Instrument",
            "Interval",
            "First open",
            "Last open",
            "Use",
            "Candles",
            "Gaps",
            "Missing",
            "Tested",
        ];
        let mut parts: Vec<Part> = vec![table(5, header, rows).into()];
        for group in &self.groups {
            let policy = gap_policy(group.gap_policy);
            let how = if self.run.gaps.is_some() { "as given" } else { GUESSED };
            parts.push(format!("Gaps of {} candles: {policy} ({how}).", group.interval).into());
        }
        let untested = self
            .without_test_rows
            .iter()
            .map(|one| format!("{} ({}): no candle was tested", one.name, one.interval));
        let untested: Vec<String> = untested.collect();
        if !untested.is_empty() {
            parts.extend(["Not tested:".to_string().into(), Part::List(untested)]);
        }
        parts
    }

    pub(crate) fn run_section(&self) -> Vec<Part> {
        let run = &self.run;
        let band = match run.labels.band {
            Band::Fixed { width } => format!("band {width}"),
            Band::Volatility { factor, lookback } => {
                format!("band {factor} standard deviations over {lookback} changes")
            }
        };
        let costs: Vec<String> = run.costs.iter().map(ToString::to_string).collect();
        let mut items = vec![
            format!("windvane-backtest {}, kernel {}, {}", run.version, run.kernel, seeds(run)),
            format!("data {} (XXH3 of all candles)", run.data_hash),
            format!("plan: {}", plan(&run.plan)),
            format!("labels: {} candle(s) ahead, {band}", run.labels.horizon),
            format!("costs of trading: {} basis points per unit of turnover", costs.join(", ")),
            format!("windows: {} rows of {}", run.lookback, run.channels.join(", ")),
        ];
        items.extend(run.notes.iter().cloned());
        let timing = &self.timing;
        items.push(format!("{:.1} s on {} thread(s)", timing.wall_seconds, timing.threads));
        let rows = timing.models.iter().map(|model| {
            [
                model.model.clone(),
                format!("{:.2}", model.fit_seconds),
                format!("{:.2}", model.predict_seconds),
                model
                    .microseconds_per_prediction
                    .map_or_else(|| UNDEFINED.to_string(), |micros| format!("{micros:.2}")),
            ]
        });
        let header = ["Model", "Fitting s", "Predicting s", "Microseconds per prediction"];
        let command = run.command.iter().map(|command| Part::Code(command.clone()));
        command.chain([Part::List(items), table(1, header, rows).into()]).collect()
    }
}

/// A table of the mean, the standard deviation and the ends of several accuracies of each row
/// that has them; nothing where none has.
fn spread<'a>(
    text: &str,
    what: &str,
    rows: impl Iterator<Item = (&'a ResultRow, Vec<f64>)>,
) -> Vec<Part> {
    let rows = rows.filter(|(_, values)| values.len() > 1).map(|(row, values)| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let ends = [f64::min, f64::max].map(|end| values.iter().copied().reduce(end));
        let [least, most] = ends.map(percent);
        let numbers = [Some(mean), Some((squares / (n - 1.0)).sqrt())].map(percent);
        let ([mean, deviation], count) = (numbers, values.len().to_string());
        [row.model.clone(), interval(row), count, mean, deviation, least, most]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let header = ["Model", "Interval", what, "Mean %", "Deviation", "Least %", "Most %"];
    vec![text.to_string().into(), table(2, header, rows).into()]
}

fn seeds(run: &RunRecord) -> String {
    if run.seeds < 2 {
        return format!("seed {}", run.seed);
    }
    format!("seeds {} to {}", run.seed, run.seed.wrapping_add(run.seeds as u64 - 1))
}

fn plan(plan: &PlanRecord) -> String {
    match plan {
        PlanRecord::WalkForward { folds, validation, window, embargo } => {
            let window =
                window.map_or(String::new(), |n| format!("learning from the last {n} candles, "));
            format!(
                "walk forward over {folds} folds, {window}the last {:.0} % before a test for \
                 choosing, embargo {embargo}",
                100.0 * validation
            )
        }
        PlanRecord::Combinatorial { groups, test_groups, paths, validation, embargo } => format!(
            "every choice of {test_groups} of {groups} groups of time, learned from on both sides \
             of them, the last {:.0} % outside the tests for choosing, embargo {embargo}; every \
             candle is predicted {paths} times, and counts once: results are those of path 1 of \
             {paths}",
            100.0 * validation
        ),
        PlanRecord::Once { validate_from, test_from, embargo } => {
            format!("validate from {validate_from}, test from {test_from}, embargo {embargo}")
        }
    }
}

fn gap_policy(policy: GapPolicy) -> String {
    match policy {
        GapPolicy::Sessions { max_missing } => format!(
            "the market closes at times, so up to {max_missing} missing candles are passed over"
        ),
        GapPolicy::Reset => "signals start anew behind a gap".to_string(),
        GapPolicy::Hold { max_missing } => {
            format!("up to {max_missing} missing candles are filled in, flat")
        }
        GapPolicy::Error => "a missing candle is an error".to_string(),
    }
}
