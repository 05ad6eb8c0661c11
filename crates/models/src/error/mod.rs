//! Errors, one enum per operation: loading, predicting, training.
mod load;
mod predict;
mod train;

pub use load::LoadError;
pub use predict::PredictError;
pub use train::TrainError;

/// Error of a setting out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{setting} must be {expected}, got {got}")]
pub struct SettingError {
    /// Name of the setting.
    pub setting: &'static str,
    /// Allowed range.
    pub expected: &'static str,
    /// Rejected value.
    pub got: f64,
}

impl SettingError {
    /// Returns the error for a value.
    pub(crate) fn refuse<T>(
        setting: &'static str,
        expected: &'static str,
        got: f64,
    ) -> Result<T, Self> {
        Err(Self { setting, expected, got })
    }
}
