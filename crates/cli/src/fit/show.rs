//! Table of a fitted model.
use std::path::{Path, PathBuf};

use comfy_table::Table;
use windvane::models::train::EpochReport;
use windvane::models::{Policy, TrainingRecord};
use windvane::prelude::*;
use windvane::signals::Band;

use crate::output;

/// Fitted and saved model with its files and epochs.
pub(super) struct Saved<'a> {
    pub(super) method: String,
    pub(super) interval: Interval,
    pub(super) model: &'a dyn FittedModel,
    pub(super) policy: Option<Policy>,
    pub(super) file: &'a Path,
    pub(super) profile: Option<PathBuf>,
    pub(super) epochs: Vec<EpochReport>,
}

/// Creates the table, one property per row.
pub(super) fn table(saved: &Saved<'_>) -> Table {
    let mut rows = vec![["model".to_string(), saved.method.clone()]];
    rows.extend(input(saved));
    rows.extend(record(saved));
    rows.extend(saved.policy.as_ref().map(policy));
    rows.push(["saved to".to_string(), saved.file.display().to_string()]);
    if let Some(profile) = &saved.profile {
        rows.push(["profile".to_string(), profile.display().to_string()]);
    }
    output::table(["", "fitted"], rows, &[])
}

fn input(saved: &Saved<'_>) -> Vec<[String; 2]> {
    let spec = saved.model.spec();
    let channels: Vec<String> = spec.signals.channels.iter().map(ToString::to_string).collect();
    let target = target(spec.labels);
    vec![
        ["predicts".to_string(), target],
        ["candles".to_string(), saved.interval.to_string()],
        ["channels".to_string(), channels.join(", ")],
        ["missing candles".to_string(), spec.signals.gaps.to_string()],
        ["lookback".to_string(), format!("{} rows", spec.lookback)],
    ]
}

/// Outcome that the model predicts.
fn target(labels: LabelSpec) -> String {
    match (labels.band, labels.horizon) {
        (Band::Barrier { factor, .. }, horizon) => format!(
            "the first of ±{factor} standard deviations within {horizon} candles ({labels})"
        ),
        (Band::Relative, horizon) => {
            format!("above or below the pairs' median over {horizon} candles ({labels})")
        }
        (_, 1) => "the next close".to_string(),
        (_, horizon) => format!("the close {horizon} candles ahead"),
    }
}

fn record(saved: &Saved<'_>) -> Vec<[String; 2]> {
    let Some(record) = saved.model.record() else { return Vec::new() };
    let mut rows = vec![
        ["pairs".to_string(), record.pairs.join(", ")],
        ["trained on".to_string(), period(record.windows, record.from, record.until)],
        [
            "validated on".to_string(),
            format!("{} windows up to {}", record.validation_windows, record.validated_until),
        ],
    ];
    // The members of an ensemble report epochs under their own ids.
    let of_model = saved.epochs.iter().filter(|report| report.model == *saved.model.id());
    let of_model: Vec<&EpochReport> = of_model.collect();
    rows.extend(if of_model.is_empty() { fitted(record) } else { trained(&of_model) });
    if !record.constant_channels.is_empty() {
        rows.push(["constant channels".to_string(), record.constant_channels.join(", ")]);
    }
    rows.push(["seed".to_string(), record.seed.to_string()]);
    rows
}

/// Losses of a model without epoch reports.
fn fitted(record: &TrainingRecord) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    if let Some(loss) = record.train_loss {
        rows.push(["training loss".to_string(), format!("{loss:.4} nats")]);
    }
    if let Some(loss) = record.validation_loss {
        rows.push(["validation loss".to_string(), validation_loss(&format!("{loss:.4}"))]);
    }
    rows
}

/// Epochs, losses and accuracies at the best epoch of every fit: one per seed.
fn trained(epochs: &[&EpochReport]) -> Vec<[String; 2]> {
    let fits: Vec<&[&EpochReport]> =
        epochs.chunk_by(|before, next| before.epoch < next.epoch).collect();
    let best: Vec<&EpochReport> = fits
        .iter()
        .filter_map(|fit| fit.iter().rfind(|report| report.best).or(fit.last()).copied())
        .collect();
    let listed = |value: &dyn Fn(&EpochReport) -> Option<String>| {
        let values: Option<Vec<String>> = best.iter().map(|report| value(report)).collect();
        values.map(|values| values.join(", "))
    };
    let counts: Vec<String> = fits.iter().map(|fit| fit.len().to_string()).collect();
    let noun = if best.len() == 1 { "the best is epoch" } else { "the best are epochs" };
    let chosen = listed(&|report| Some(report.epoch.to_string())).unwrap_or_default();
    let mut rows = vec![["epochs".to_string(), format!("{}; {noun} {chosen}", counts.join(", "))]];
    if let Some(losses) = listed(&|report| Some(format!("{:.4}", report.train_loss))) {
        rows.push(["training loss".to_string(), format!("{losses} nats")]);
    }
    if let Some(losses) = listed(&|report| report.validation_loss.map(|loss| format!("{loss:.4}")))
    {
        rows.push(["validation loss".to_string(), validation_loss(&losses)]);
    }
    let accuracy = |report: &EpochReport| {
        report.validation_accuracy.map(|accuracy| format!("{:.1}", 100.0 * accuracy))
    };
    if let Some(accuracies) = listed(&accuracy) {
        rows.push(["validation accuracy".to_string(), format!("{accuracies} %")]);
    }
    rows
}

fn validation_loss(losses: &str) -> String {
    format!("{losses} nats (log 2 = 0.6931)")
}

/// Rules of the policy with the fitted threshold.
fn policy(policy: &Policy) -> [String; 2] {
    let (rules, entry, scores) = (policy.config(), 1e4 * policy.entry(), policy.scores());
    let text = format!(
        "{rules}; enters above an expected move of {entry:.3} bp ({scores} validation candles)"
    );
    ["policy".to_string(), text]
}

fn period(windows: usize, from: Timestamp, until: Timestamp) -> String {
    format!("{windows} windows from {from} to {until}")
}
