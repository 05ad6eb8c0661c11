//! Later sections of the report: folds, training, importance, instruments, run.
use windvane_signals::{Band, RefitSchedule};

use super::format::{
    baseline, bounds, date, few_blocks, interval, number, percent, signed, text, thousands,
    with_sign,
};
use super::section::SectionPart;
use super::table::table;
use super::{FoldRecord, PlanRecord, Report, RunRecord};
use crate::metrics::Bounds;
use crate::score::{AccuracySpread, ResultRow};

/// Explanation of an inferred gap policy.
const INFERRED: &str = "inferred from the share of missing time steps before the first validation \
                        period; more than 1 % means a market with sessions";

/// Explanation of the losses of networks.
const TRAINING_LOSS: &str = "The loss is the cross-entropy in nats; without skill it is 0.69 if \
    closes always change. The training loss is often the higher one: it is the mean over the running \
    epoch, with dropout, while the validation loss is measured after the epoch, without dropout. The \
    biases start at the class frequencies of the training labels (priors), so the first epoch already \
    has the loss of a prediction without skill, and a validation period with more or fewer unchanged \
    closes has another level. Compare the shapes, not the levels: rising validation loss with \
    falling training loss is overfitting.";

impl Report {
    pub(crate) fn folds_section(&self) -> Vec<SectionPart> {
        let folds = self.groups.iter().flat_map(|group| {
            group.folds.iter().map(|fold| {
                [
                    group.interval.to_string(),
                    fold_name(fold),
                    date(fold.validate_from),
                    date(fold.test_from),
                    fold.test_until.map_or_else(|| "end".to_string(), date),
                    text(fold.train_windows.map(thousands)),
                    text(fold.validation_windows.map(thousands)),
                    thousands(fold.test_windows),
                ]
            })
        });
        let header = [
            "Interval",
            "Fold",
            "Validate from",
            "Test from",
            "Test until",
            "Training windows",
            "Validation windows",
            "Test windows",
        ];
        let scores = self.pooled().flat_map(|row| {
            row.folds.iter().map(|fold| {
                [
                    row.model.clone(),
                    interval(row),
                    fold.fold.to_string(),
                    thousands(fold.score.predictions),
                    percent(fold.score.accuracy),
                    percent(fold.score.coverage),
                ]
            })
        });
        let score_header = ["Model", "Interval", "Fold", "Predictions", "Accuracy %", "Coverage %"];
        let (folds, scores) = (table(5, header, folds), table(3, score_header, scores));
        let parts = [
            self.untrained().into(),
            SectionPart::details("Times and windows", folds),
            SectionPart::details("Accuracy by fold", scores),
        ];
        parts.into_iter().chain(self.paths()).chain(self.seeds()).collect()
    }

    /// Spread of the accuracy over the paths, if every candle was predicted several times.
    fn paths(&self) -> Vec<SectionPart> {
        let rows = self.pooled().filter_map(|row| Some((row, row.path_spread()?)));
        let text = "Accuracy over the paths. All paths test the same candles, with models that \
                    were also trained on later candles, which is impossible in trading.";
        spread(text, "Paths", rows)
    }

    /// Spread of the accuracy over the seeds, if there are several.
    fn seeds(&self) -> Vec<SectionPart> {
        let rows = self.pooled().filter_map(|row| Some((row, row.seed_spread()?)));
        let text = "Accuracy over the seeds. All other numbers are of the first seed.";
        spread(text, "Seeds", rows)
    }

    /// Sentence about instruments that were tested without a training window of their own.
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
            "Tested by models that were trained on other instruments only, because there was no \
             training window of their own: {}.",
            folds.join("; ")
        )
    }

    pub(crate) fn over_time_section(&self) -> [SectionPart; 2] {
        let rows = self.pooled().flat_map(|row| {
            row.over_time.iter().map(|period| {
                [
                    row.model.clone(),
                    interval(row),
                    date(period.from),
                    thousands(period.score.predictions),
                    percent(period.score.accuracy),
                    bounds(period.interval_95),
                    baseline(period.best_baseline.as_ref()),
                ]
            })
        });
        let header = [
            "Model",
            "Interval",
            "From",
            "Predictions",
            "Accuracy %",
            "95 % interval",
            "Best baseline %",
        ];
        let explanation = "At most 24 periods of equally many whole days; intervals are 95 % block \
                           bootstraps within the period. An edge in a single period may not persist.";
        let table = table(3, header, rows);
        let explanation = if table.rows.is_empty() { "" } else { explanation };
        [SectionPart::method(explanation), SectionPart::details("Accuracy by period", table)]
    }

    pub(crate) fn importance_section(&self) -> Vec<SectionPart> {
        if self.importance.is_empty() {
            return Vec::new();
        }
        let rows = self.importance.iter().map(|one| {
            let (drop, rise) = (one.accuracy_drop, one.loss_rise);
            [
                one.model.clone(),
                one.interval.to_string(),
                one.channel.clone(),
                thousands(one.windows),
                with_bounds(drop, one.accuracy_interval_95, signed),
                with_bounds(rise, one.loss_interval_95, signed_loss),
            ]
        });
        let header = [
            "Model",
            "Interval",
            "Channel",
            "Windows",
            "Loss of accuracy, points",
            "Rise of the log loss",
        ];
        let explanation = "Each channel in turn is masked: all its values are replaced by the \
                           median of the training windows, and the fitted model predicts at most \
                           2,000 test windows per fold again, at full coverage.";
        vec![
            SectionPart::method(explanation),
            SectionPart::details(
                "Loss of accuracy and rise of the log loss",
                table(3, header, rows),
            ),
        ]
    }

    pub(crate) fn training_section(&self) -> [SectionPart; 2] {
        let rows = self.training.iter().map(|training| {
            let record = &training.record;
            [
                training.model.clone(),
                training.interval.to_string(),
                training.fold.to_string(),
                date(record.until),
                thousands(record.windows),
                thousands(record.validation_windows),
                format!("{} of {}", record.best_epoch, record.epochs),
                loss(record.train_loss),
                loss(record.validation_loss),
            ]
        });
        let header = [
            "Model",
            "Interval",
            "Fold",
            "Trained until",
            "Training windows",
            "Validation windows",
            "Best epoch",
            "Training loss",
            "Validation loss",
        ];
        let table = table(4, header, rows);
        let has_losses = self.training.iter().any(|training| !training.epochs.is_empty());
        let explanation = if has_losses { TRAINING_LOSS } else { "" };
        [SectionPart::method(explanation), SectionPart::details("Trainings", table)]
    }

    pub(crate) fn instruments_section(&self) -> Vec<SectionPart> {
        let rows = self.instruments.iter().map(|one| {
            [
                one.name.clone(),
                one.interval.to_string(),
                text(one.first.map(date)),
                text(one.last.map(date)),
                if one.test_only { "test only" } else { "training and test" }.to_string(),
                thousands(one.candles),
                thousands(one.gaps),
                thousands(one.missing),
                thousands(one.test_candles),
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
        let mut parts: Vec<SectionPart> = vec![table(5, header, rows).into()];
        for group in &self.groups {
            let policy = group.gap_policy;
            let origin = if self.run.gaps.is_some() { "as given" } else { INFERRED };
            parts.push(format!("Gaps of {} candles: {policy} ({origin}).", group.interval).into());
        }
        let untested = self
            .without_test_rows
            .iter()
            .map(|one| format!("{} ({}): no candle was tested", one.name, one.interval));
        let untested: Vec<String> = untested.collect();
        if !untested.is_empty() {
            parts.extend(["Not tested:".to_string().into(), SectionPart::List(untested)]);
        }
        parts
    }

    pub(crate) fn run_section(&self) -> Vec<SectionPart> {
        let run = &self.run;
        let band = match run.labels.band {
            Band::Fixed { width } => format!("band {width}"),
            Band::Volatility { factor, lookback } => {
                format!("band {factor} standard deviations over {lookback} changes")
            }
            Band::Barrier { factor, lookback } => {
                format!("barriers {factor} standard deviations over {lookback} changes away")
            }
            Band::Relative => "UP is a log change above the panel's median".to_string(),
        };
        let costs: Vec<String> = run.costs.iter().map(ToString::to_string).collect();
        let mut items = vec![
            format!("windvane-backtest {}, kernel {}, {}", run.version, run.kernel, seeds(run)),
            format!("data: {} (XXH3 hash of all candles)", run.data_hash),
            format!("plan: {}", plan(&run.plan)),
            format!("labels: {} candle(s) ahead, {band} ({})", run.labels.horizon, run.labels),
            format!("trading costs: {} basis points per unit of turnover", costs.join(", ")),
            format!("windows: {} rows of {}", run.lookback, run.channels.join(", ")),
        ];
        items.extend(run.notes.iter().cloned());
        let timing = &self.timing;
        items.push(format!(
            "started at {}, {:.1} s on {} thread(s)",
            timing.started_at, timing.wall_seconds, timing.threads
        ));
        let rows = timing.models.iter().map(|model| {
            [
                model.model.clone(),
                format!("{:.2}", model.fit_seconds),
                format!("{:.2}", model.predict_seconds),
                text(model.microseconds_per_prediction.map(|micros| format!("{micros:.2}"))),
            ]
        });
        let header = ["Model", "Fit time, s", "Prediction time, s", "Microseconds per prediction"];
        let command = run.command.iter().map(|command| SectionPart::Code(command.clone()));
        command.chain([SectionPart::List(items), table(1, header, rows).into()]).collect()
    }
}

/// Text and table of spreads; empty without any.
fn spread<'a>(
    text: &str,
    title: &str,
    rows: impl Iterator<Item = (&'a ResultRow, AccuracySpread)>,
) -> Vec<SectionPart> {
    let rows: Vec<[String; 7]> = rows
        .map(|(row, AccuracySpread { count, mean, deviation, min, max })| {
            let [mean, deviation, min, max] = [mean, deviation, min, max].map(|x| percent(Some(x)));
            [row.model.clone(), interval(row), count.to_string(), mean, deviation, min, max]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let header =
        ["Model", "Interval", title, "Mean %", "Standard deviation", "Minimum %", "Maximum %"];
    vec![text.to_string().into(), table(2, header, rows).into()]
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
    with_sign(nats, 5)
}

/// A value with its interval, both written by `format`.
fn with_bounds(value: Option<f64>, bounds: Option<Bounds>, format: fn(f64) -> String) -> String {
    let bounds =
        bounds.map(|b| format!("[{}, {}]{}", format(b.low), format(b.high), few_blocks(&b)));
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
            let window = window.map_or(String::new(), |n| {
                format!("training on the last {} candles, ", thousands(n))
            });
            format!(
                "walk forward over {folds} folds, {window}validation on the last {:.0} % before a \
                 test, embargo {embargo}",
                100.0 * validation
            )
        }
        PlanRecord::Combinatorial { groups, test_groups, paths, validation, embargo } => format!(
            "combinatorial, every choice of {test_groups} of {groups} groups of time, training on \
             both sides of the test, validation on the last {:.0} % outside the tests, embargo \
             {embargo}; every candle is predicted {paths} times and counts once: results are those \
             of path 1 of {paths}",
            100.0 * validation
        ),
        PlanRecord::RollingRefit { test_from, schedule, window_seconds, validation, embargo } => {
            let schedule = match schedule {
                RefitSchedule::Monthly | RefitSchedule::Quarterly => schedule.to_string(),
                RefitSchedule::Candles(n) => format!("every {} candles", thousands(*n as usize)),
            };
            let window = window_seconds.map_or_else(
                || "all candles before it".to_string(),
                |seconds| format!("the last {} days", number(Some(seconds / 86_400.0))),
            );
            format!(
                "test from {}, refitted {schedule} on {window}, validation on the last {:.0} % of \
                 them, embargo {embargo}",
                date(*test_from),
                100.0 * validation
            )
        }
        PlanRecord::Holdout { validate_from, test_from, embargo } => {
            let (validate_from, test_from) = (date(*validate_from), date(*test_from));
            format!("validation from {validate_from}, test from {test_from}, embargo {embargo}")
        }
    }
}
