//! Comparison of a refitted model with the same model fitted once.
use serde::Serialize;
use windvane_candles::{Direction, Interval};

use crate::score::bootstrap::ScoreSettings;
use crate::score::ranking::{PredictionOutcome, compare};
use crate::score::{Accuracy, ExcessAccuracy, Record};

/// Gain of refitting a model over fitting it once, at the start of the test.
///
/// Both are scored on the same candles: those after the first refit that both predicted and whose
/// close changed. Before the first refit they are the same model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RefitGain {
    /// Name of the model.
    pub model: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Number of refits after the first fit.
    pub refits: usize,
    /// Number of candles that both predicted and whose close changed.
    pub scored: usize,
    /// Accuracy of the refitted model; `None` if nothing was scored.
    pub accuracy: Option<f64>,
    /// Accuracy of the model fitted once; `None` if nothing was scored.
    pub fitted_once_accuracy: Option<f64>,
    /// Accuracy of the refitted model minus that of the model fitted once, with a paired interval;
    /// `None` where undefined.
    pub excess_accuracy: Option<ExcessAccuracy>,
}

/// Record of a candle with the direction that the model fitted once predicted.
pub(crate) type RefitRecord = (Record, Direction);

impl RefitGain {
    pub(crate) fn of(
        model: &str,
        interval: Interval,
        refits: usize,
        mut records: Vec<RefitRecord>,
        settings: ScoreSettings<'_>,
    ) -> Self {
        records.retain(|(record, once)| {
            record.is_correct(record.predicted).is_some() && record.is_correct(*once).is_some()
        });
        records.sort_by_key(|(record, _)| (record.decided_at, record.instrument));
        let refitted = records.iter().map(|(record, _)| *record);
        let once = records.iter().map(|(record, once)| Record { predicted: *once, ..*record });
        let [both, both_once] = [outcomes(refitted.clone()), outcomes(once.clone())];
        Self {
            model: model.to_string(),
            interval,
            refits,
            scored: records.len(),
            accuracy: Accuracy::of(refitted, |record| record.predicted).accuracy,
            fitted_once_accuracy: Accuracy::of(once, |record| record.predicted).accuracy,
            excess_accuracy: compare(&both, &both_once, interval.millis(), settings),
        }
    }
}

fn outcomes(records: impl Iterator<Item = Record>) -> Vec<PredictionOutcome> {
    records.map(|record| PredictionOutcome::of(&record)).collect()
}
