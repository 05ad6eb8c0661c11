//! Warnings about channels that did not vary in training.
use std::fmt::Write as _;

use crate::report::TrainingResult;
use crate::score::{Warning, WarningCode};

/// Collects one warning per model, interval and list of channels, with the numbers of the folds.
pub(super) fn constant_channels(training: &[TrainingResult]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for TrainingResult { model, interval, fold, record, .. } in training {
        if record.constant_channels.is_empty() {
            continue;
        }
        let about = format!(
            "Channels without variation in training: {}",
            record.constant_channels.join(", ")
        );
        let same = warnings.iter_mut().find(|w| {
            w.model == *model && w.interval == Some(*interval) && w.message.starts_with(&about)
        });
        if let Some(warning) = same {
            // Writing to a String cannot fail.
            let _ = write!(warning.message, ", {fold}");
        } else {
            warnings.push(Warning {
                code: WarningCode::ConstantChannel,
                model: model.clone(),
                instrument: "all".to_string(),
                interval: Some(*interval),
                message: format!("{about}; folds {fold}"),
            });
        }
    }
    warnings
}
