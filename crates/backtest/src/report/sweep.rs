//! Report of a sweep: all models of all settings, and the winners.
use serde::Serialize;

use super::Report;
use super::format::{bounds, edge, markdown, number, p_value, percent, text};
use super::table::{ReportTable, table};
use crate::metrics::{Bounds, OverfittingProbability};
use crate::score::{ExcessAccuracy, NetResult, Scope};

/// Report of a sweep ([`sweep::merge`](crate::sweep::merge)).
///
/// Everything except [`timing`](Self::timing) is the same however the tasks were divided.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// Version of the layout: 1.
    pub(crate) schema: u32,
    /// Version and kernel of the program.
    pub(crate) program: String,
    /// XXH3 hash of the names, intervals and candles of all instruments, in order.
    pub data_hash: String,
    /// Number of models over all settings. Holm's correction and the deflated Sharpe ratios are
    /// those for this number.
    pub trials: usize,
    /// Settings in the order of the sweep.
    pub settings: Vec<SweepSettingRecord>,
    /// Results of all models, in the order of the settings and of their models.
    pub results: Vec<TrialResult>,
    /// Probability of backtest overfitting by label, for labels with ten or more models.
    pub overfitting: Vec<LabelOverfitting>,
    /// Settings without a tested model, with the reason. They have no results and are no trials.
    pub failures: Vec<String>,
    /// Keys of the tasks without a result.
    pub missing: Vec<String>,
    /// Durations; nothing else in the report depends on the clock.
    pub timing: SweepTiming,
}

/// Setting of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SweepSettingRecord {
    /// Name of the setting.
    pub name: String,
    /// Label that the models predict.
    pub label: String,
    /// Number of rows per window.
    pub lookback: usize,
    /// Number of channels.
    pub channels: usize,
}

/// Result of a model of a sweep, pooled over all instruments and intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a model")]
pub struct TrialResult {
    /// Name of the setting.
    pub setting: String,
    /// Name of the model.
    pub model: String,
    /// Label that the model predicts; losses and accuracies of different labels are not comparable.
    pub label: String,
    /// Whether the model has the lowest validation loss of all models of its label. Test results do
    /// not affect the choice.
    pub winner: bool,
    /// Mean log loss on the validation windows of all folds and seeds, nats.
    pub validation_loss: Option<f64>,
    /// Number of validation windows.
    pub validation_windows: usize,
    /// Whether the model was tested on every fold; otherwise it cannot be the winner.
    pub complete: bool,
    /// Whether the model was fitted on candles of a test period; it cannot be the winner.
    pub in_sample: bool,
    /// Number of predictions in the test.
    pub predictions: usize,
    /// Accuracy in the test.
    pub accuracy: Option<f64>,
    /// 95 % interval of the accuracy.
    pub interval_95: Option<Bounds>,
    /// Excess accuracy over the best baseline.
    pub excess_accuracy: Option<ExcessAccuracy>,
    /// p-value of the excess accuracy, corrected for the number of models of the sweep.
    pub p_holm: Option<f64>,
    /// Whether the excess accuracy is statistically significant after the correction.
    pub significant: bool,
    /// Mean return per period at the middle one of the costs, a fraction.
    pub net_mean: Option<f64>,
    /// Deflated Sharpe ratio at that cost, for the number of models of the sweep.
    pub deflated_sharpe: Option<f64>,
}

/// Probability of backtest overfitting of the models of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelOverfitting {
    /// Label of the models.
    pub label: String,
    /// Probability that the choice of the model with the highest accuracy is overfitted.
    pub overfitting: OverfittingProbability,
}

/// Durations of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepTiming {
    /// Wall time of the merging, seconds.
    pub wall_seconds: f64,
    /// Fit time of all models, seconds, summed over processes.
    pub fit_seconds: f64,
}

impl TrialResult {
    /// Takes the pooled results of a model from the report of its setting; `loss` is the validation
    /// loss with the number of windows.
    pub(crate) fn new(
        setting: &str,
        label: String,
        report: &Report,
        model: &str,
        loss: (Option<f64>, usize),
    ) -> Self {
        let rank = report.ranking.iter().find(|rank| rank.model == model);
        let pooled = report.results.iter().filter(|row| row.scope == Scope::All);
        let net = NetResult::best(pooled.filter(|row| row.model == model)).map(|(_, net)| net);
        Self {
            setting: setting.to_string(),
            model: model.to_string(),
            label,
            winner: false,
            validation_loss: loss.0,
            validation_windows: loss.1,
            complete: rank.is_some_and(|rank| rank.complete),
            in_sample: rank.is_some_and(|rank| rank.in_sample),
            predictions: rank.map_or(0, |rank| rank.predictions),
            accuracy: rank.and_then(|rank| rank.accuracy),
            interval_95: rank.and_then(|rank| rank.interval_95),
            excess_accuracy: rank.and_then(|rank| rank.excess_accuracy),
            p_holm: rank.and_then(|rank| rank.p_holm),
            significant: rank.is_some_and(|rank| rank.significant),
            net_mean: net.map(|net| net.mean),
            deflated_sharpe: net.and_then(|net| net.deflated_sharpe),
        }
    }

    /// Whether the model can be the winner of its label.
    pub(crate) fn can_win(&self) -> bool {
        self.complete && !self.in_sample
    }
}

impl SweepReport {
    /// Version of the layout of the JSON.
    pub(crate) const SCHEMA: u32 = 1;

    /// Returns the winners, the significance of their edges and the probability of overfitting, one
    /// sentence per item.
    pub fn verdicts(&self) -> Vec<String> {
        let winners = self.results.iter().filter(|trial| trial.winner);
        let winners = winners.map(|trial| self.winner_verdict(trial));
        let overfitting = self.overfitting.iter().map(|LabelOverfitting { label, overfitting }| {
            format!(
                "Label {label}: the probability that the choice of the most accurate of {} models \
                 is overfitted is {:.2}.",
                overfitting.variants, overfitting.probability
            )
        });
        let missing = (!self.missing.is_empty()).then(|| {
            format!("{} tasks have no result: the report is partial.", self.missing.len())
        });
        let failures = self.failures.iter().map(|failure| format!("Without result: {failure}."));
        winners.chain(overfitting).chain(failures).chain(missing).collect()
    }

    fn winner_verdict(&self, trial: &TrialResult) -> String {
        let TrialResult { label, model, setting, accuracy, .. } = trial;
        let significant = if trial.significant { "statistically" } else { "not statistically" };
        format!(
            "Label {label}: {model} ({setting}) has the lowest validation loss, {} nats. Its test \
             accuracy is {} %; its edge over the best baseline is {significant} significant \
             (Holm-corrected for {} models).",
            loss(trial.validation_loss),
            percent(*accuracy),
            self.trials
        )
    }

    /// Table of all models, by label and validation loss.
    pub fn results_table(&self) -> ReportTable {
        let header = [
            "Label",
            "Setting",
            "Model",
            "Validation loss",
            "Accuracy %",
            "95 % interval",
            "Edge, points",
            "p (Holm)",
            "Net, bp",
            "Deflated Sharpe",
        ];
        let mut sorted: Vec<&TrialResult> = self.results.iter().collect();
        let by_loss = |trial: &TrialResult| trial.validation_loss.unwrap_or(f64::INFINITY);
        sorted.sort_by(|a, b| a.label.cmp(&b.label).then(by_loss(a).total_cmp(&by_loss(b))));
        table(3, header, sorted.into_iter().map(cells))
    }

    /// Writes the report as Markdown.
    pub fn to_markdown(&self) -> String {
        let verdicts = self.verdicts();
        let verdicts: Vec<String> =
            verdicts.iter().map(|verdict| format!("- {}\n", markdown(verdict))).collect();
        format!(
            "# Sweep of {} models in {} settings\n\n{}\n{INTRODUCTION}\n\n{}\nComputed by {} from \
             data with the hash {}.\n",
            self.trials,
            self.settings.len(),
            verdicts.concat(),
            self.results_table(),
            self.program,
            self.data_hash
        )
    }
}

const INTRODUCTION: &str = "The validation loss alone chooses the winner of a label, which is marked \
    with an asterisk; accuracy and returns are those of the test, after the choice. p-values and \
    deflated Sharpe ratios are corrected for all models of the sweep. Losses and accuracies of \
    different labels are not comparable.";

fn cells(trial: &TrialResult) -> [String; 10] {
    let marks = [(trial.winner, " *"), (!trial.complete, " (incomplete)")];
    let marks: String = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect();
    [
        trial.label.clone(),
        trial.setting.clone(),
        format!("{}{marks}", trial.model),
        loss(trial.validation_loss),
        percent(trial.accuracy),
        bounds(trial.interval_95),
        edge(trial.excess_accuracy),
        p_value(trial.p_holm),
        super::format::points(trial.net_mean),
        number(trial.deflated_sharpe),
    ]
}

fn loss(loss: Option<f64>) -> String {
    text(loss.map(|loss| format!("{loss:.5}")))
}
