//! The later sections of the Markdown report: what the numbers were made from.
use windvane_signals::{Band, GapPolicy};

use super::headline::{baseline, bounds, interval, percent, signed, text};
use super::section::Part;
use super::table::table;
use super::{FoldRecord, PlanRecord, Report, RunRecord};
use crate::metrics::Bounds;
use crate::score::{ResultRow, Spread};

/// Explanation of an inferred gap policy.
const GUESSED: &str = "guessed by whether over 1 % of an instrument's time steps are missing \
                       before the first validation";

impl Report {
    pub(crate) fn folds_section(&self) -> Vec<Part> {
        let cuts = self.groups.iter().flat_map(|group| {
            group.folds.iter().map(|fold| {
                [
                    group.interval.to_string(),
                    fold_name(fold),
                    fold.validate_from.to_string(),
                    fold.test_from.to_string(),
                    fold.test_until.map_or_else(|| "end".to_string(), |time| time.to_string()),
                    count(fold.train_windows),
                    count(fold.validation_windows),
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
        let rows = self.pooled().filter_map(|row| Some((row, row.path_spread()?)));
        let text = "Accuracy over the paths. All test the same candles, by models that learned from \
                    candles after them, too, which nobody has who trades.";
        spread(text, "Paths", rows)
    }

    /// Accuracy seed by seed, where there are several.
    fn seeds(&self) -> Vec<Part> {
        let rows = self.pooled().filter_map(|row| Some((row, row.seed_spread()?)));
        spread("Accuracy over the seeds. All other numbers are of the first.", "Seeds", rows)
    }

    /// A sentence about instruments tested in folds that did not learn from them.
    fn untrained(&self) -> String {
        let folds =
            self.groups.iter().flat_map(|group| group.folds.iter().map(move |f| (group, f)));
        let folds: Vec<String> = folds
            .filter(|(_, fold)| !fold.untrained.is_empty())
            .map(|(group, fold)| {
                let names = fold.untrained.join(", ");
                format!("{} fold {}: {names}", group.interval, fold.fold)
            })
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
                [
                    row.model.clone(),
                    interval(row),
                    stretch.from.to_string(),
                    stretch.score.calls.to_string(),
                    percent(stretch.score.accuracy),
                    bounds(stretch.interval_95),
                    baseline(stretch.best_baseline.as_ref()),
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
        let rows = self.importance.iter().map(|one| {
            let (drop, rise) = (one.accuracy_drop, one.loss_rise);
            [
                one.model.clone(),
                one.interval.to_string(),
                one.channel.clone(),
                one.windows.to_string(),
                with_bounds(drop, one.accuracy_interval_95, signed),
                with_bounds(rise, one.loss_interval_95, signed_loss),
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
        let how = "Each channel is silenced in turn: all its values are replaced by the median of \
                    the training windows, and the fitted model predicts at most 2,000 test windows \
                    per fold again, every candle called.";
        vec![how.to_string().into(), table(3, header, rows).into()]
    }

    pub(crate) fn training_section(&self) -> [Part; 1] {
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
        let rows = self.instruments.iter().map(|one| {
            [
                one.name.clone(),
                one.interval.to_string(),
                text(one.first.map(|time| time.to_string())),
                text(one.last.map(|time| time.to_string())),
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
                text(model.microseconds_per_prediction.map(|micros| format!("{micros:.2}"))),
            ]
        });
        let header = ["Model", "Fitting s", "Predicting s", "Microseconds per prediction"];
        let command = run.command.iter().map(|command| Part::Code(command.clone()));
        command.chain([Part::List(items), table(1, header, rows).into()]).collect()
    }
}

/// A table of spreads; nothing without any.
fn spread<'a>(
    text: &str,
    title: &str,
    rows: impl Iterator<Item = (&'a ResultRow, Spread)>,
) -> Vec<Part> {
    let rows: Vec<[String; 7]> = rows
        .map(|(row, Spread { count, mean, deviation, min, max })| {
            let [mean, deviation, min, max] = [mean, deviation, min, max].map(|x| percent(Some(x)));
            [row.model.clone(), interval(row), count.to_string(), mean, deviation, min, max]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let header = ["Model", "Interval", title, "Mean %", "Deviation", "Least %", "Most %"];
    vec![text.to_string().into(), table(2, header, rows).into()]
}

fn count(windows: Option<usize>) -> String {
    text(windows.map(|n| n.to_string()))
}

fn fold_name(fold: &FoldRecord) -> String {
    let groups: Vec<String> = fold.test_groups.iter().map(usize::to_string).collect();
    if groups.is_empty() {
        return fold.fold.to_string();
    }
    format!("{} (groups {})", fold.fold, groups.join(", "))
}

fn loss(nats: Option<f64>) -> String {
    text(nats.map(|x| format!("{x:.4}")))
}

fn signed_loss(nats: f64) -> String {
    format!("{nats:+.5}")
}

/// A value with its interval, both written by `format`.
fn with_bounds(value: Option<f64>, bounds: Option<Bounds>, format: fn(f64) -> String) -> String {
    let bounds = bounds.map(|b| format!("[{}, {}]", format(b.low), format(b.high)));
    format!("{} {}", text(value.map(format)), text(bounds))
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
        PlanRecord::Holdout { validate_from, test_from, embargo } => {
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
        GapPolicy::ByClock => "lags go by the clock, and nothing is reset".to_string(),
    }
}
