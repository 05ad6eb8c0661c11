//! Policies: positions from predictions.
use pyo3::prelude::*;
use windvane::models::{PolicyConfig, PositionTracker as RustTracker};

use crate::error::{failed, refused};
use crate::model::Model;
use crate::prediction::Outcome;
use crate::predictor::{CandleValues, candle};
use crate::series::Series;

/// Parses the settings of a policy from the JSON of the Python class.
pub(crate) fn config(json: &str) -> PyResult<PolicyConfig> {
    let config: PolicyConfig =
        serde_json::from_str(json).map_err(|error| refused(format!("policy: {error}")))?;
    config.validate().map_err(failed)?;
    Ok(config)
}

/// Position of one live pair under the policy of a model.
#[pyclass(module = "windvane._native")]
pub(crate) struct PositionTracker(RustTracker);

#[pymethods]
impl PositionTracker {
    #[new]
    fn new(model: &Model) -> PyResult<Self> {
        let Some(policy) = model.policy else {
            let id = model.fitted.id();
            return Err(refused(format!(
                "{id} has no policy; fit the model with windvane.fit(..., policy=windvane.Policy())"
            )));
        };
        Ok(Self(RustTracker::new(policy, model.fitted.spec().interval)))
    }

    #[staticmethod]
    fn from_json(json: &str) -> PyResult<Self> {
        let tracker = serde_json::from_str(json);
        tracker.map(Self).map_err(|error| refused(format!("state of a position: {error}")))
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(failed)
    }

    fn warm_up(&mut self, series: &Series) {
        for candle in &series.0 {
            self.0.take(candle);
        }
    }

    fn update(&mut self, values: CandleValues, outcome: &Outcome) -> PyResult<f64> {
        Ok(self.0.on_outcome(&candle(values)?, &outcome.0).size())
    }

    #[getter]
    fn position(&self) -> f64 {
        self.0.position().size()
    }
}
