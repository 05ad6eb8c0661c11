//! Errors, one enum for each thing that a program does.
mod load;
mod predict;
mod train;

pub use load::LoadError;
pub use predict::PredictError;
pub use train::TrainError;

/// A setting out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{setting} must be {expected}, got {got}")]
pub struct SettingError {
    /// Name of the setting.
    pub setting: &'static str,
    /// The allowed range.
    pub expected: &'static str,
    /// The value given.
    pub got: f64,
}

impl SettingError {
    /// Refuses a value.
    pub(crate) fn refuse<T>(
        setting: &'static str,
        expected: &'static str,
        got: f64,
    ) -> Result<T, Self> {
        Err(Self { setting, expected, got })
    }
}
