//! Fit of a policy on the validation candles of a model.
use windvane_signals::ValidationSet;

use super::{Policy, PolicyConfig};
use crate::train::predictions;
use crate::{FittedModel, TrainError};

/// Fits the thresholds of a policy on the validation candles of a model. Candles before the end of
/// the warm-up of the volatility are left out.
///
/// # Errors
/// [`TrainError::Validation`] if the windows begin before the end of the model's training period,
/// the errors of [`Policy::fit`] and of the predictions.
///
/// # Examples
/// ```
/// # use windvane_models::{Artifact, FittedModel, PolicyConfig, TrainError, fit_policy};
/// # use windvane_signals::ValidationSet;
/// # fn example(model: &dyn FittedModel, validation: &ValidationSet) -> Result<(), TrainError> {
/// let policy = fit_policy(model, validation, PolicyConfig::default())?;
/// let bytes = model.to_artifact()?.with_policy(&policy).to_bytes()?;
/// assert_eq!(Artifact::from_bytes(&bytes)?.policy(), Some(&policy));
/// # Ok(()) }
/// ```
pub fn fit_policy(
    model: &dyn FittedModel,
    validation: &ValidationSet,
    config: PolicyConfig,
) -> Result<Policy, TrainError> {
    config.validate()?;
    let predicted = predictions(model, validation)?;
    let volatilities: Vec<Vec<Option<f64>>> =
        validation.tables().iter().map(windvane_signals::SignalTable::close_volatility).collect();
    let scores = validation.samples().iter().zip(&predicted).filter_map(|(sample, p)| {
        let sigma = volatilities[sample.table()][sample.row()]?;
        Some(Policy::score(*p, sigma))
    });
    Policy::fit(config, scores.collect::<Vec<f64>>())
}
