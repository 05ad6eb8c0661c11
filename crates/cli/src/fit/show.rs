//! Table of a fitted model.
use std::path::{Path, PathBuf};

use comfy_table::Table;
use windvane::catalog::ModelEntry;
use windvane::models::Policy;
use windvane::models::train::EpochReport;
use windvane::prelude::*;
use windvane::signals::Band;

use crate::{models, output};

/// Fitted and saved model with its files and epochs.
pub(super) struct Saved<'a> {
    pub(super) entry: ModelEntry,
    pub(super) interval: Interval,
    pub(super) model: &'a dyn FittedModel,
    pub(super) policy: Option<Policy>,
    pub(super) file: &'a Path,
    pub(super) profile: Option<PathBuf>,
    pub(super) epochs: Vec<EpochReport>,
}

/// Creates the table, one property per row.
pub(super) fn table(saved: &Saved<'_>) -> Table {
    let mut rows = vec![["model".to_string(), models::method(&saved.entry).to_string()]];
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
    if record.epochs > 0 {
        let text = format!("{}, the best is epoch {}", record.epochs, record.best_epoch);
        rows.push(["epochs".to_string(), text]);
    }
    if let Some(loss) = record.train_loss {
        rows.push(["training loss".to_string(), format!("{loss:.4} nats")]);
    }
    if let Some(loss) = record.validation_loss {
        rows.push(["validation loss".to_string(), format!("{loss:.4} nats (log 2 = 0.6931)")]);
    }
    let best = saved.epochs.iter().find(|epoch| epoch.epoch == record.best_epoch);
    if let Some(accuracy) = best.and_then(|epoch| epoch.validation_accuracy) {
        rows.push(["validation accuracy".to_string(), format!("{:.1} %", 100.0 * accuracy)]);
    }
    if !record.constant_channels.is_empty() {
        rows.push(["constant channels".to_string(), record.constant_channels.join(", ")]);
    }
    rows.push(["seed".to_string(), record.seed.to_string()]);
    rows
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
