//! Live predictions: predictor, feed statistics, drift, novelty and anomaly guard, retraining.
mod anomaly;
mod builder;
mod feed_stats;
mod guard;
mod history;
mod outcome;
mod panel;
mod predictor;
mod profile;
mod recurrent;
mod retraining;
mod rows;
mod state;
mod swap;

pub use anomaly::AnomalyGate;
pub use builder::PredictorBuilder;
pub use feed_stats::FeedStats;
pub use outcome::CandleOutcome;
pub use panel::{NoPrediction, NoPredictionReason, PanelPredictor, PanelUpdate};
pub use predictor::Predictor;
pub use profile::TrainingProfile;
pub use retraining::{Retraining, Stop};

/// Returns the error for a predictor state that cannot be restored.
fn misfit<T>(problem: &'static str) -> Result<T, crate::PredictError> {
    Err(crate::PredictError::State { problem })
}
