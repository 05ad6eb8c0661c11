//! Training profiles: guards against drift, novel windows and anomalous candles.
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use windvane::candles::CandleSeries;
use windvane::models::{AnomalyGate, TrainError, TrainingProfile};
use windvane::signals::TrainSet;

use crate::error::failed;

/// Number of decisions over which drift is measured, as in `windvane fit`.
const WINDOW: usize = 250;

/// Training profile of a model.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Profile(pub(crate) Arc<TrainingProfile>);

#[pymethods]
impl Profile {
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let profile = py.detach(|| TrainingProfile::load(path)).map_err(failed)?;
        Ok(Self(Arc::new(profile)))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).map_err(failed)
    }

    #[getter]
    fn window_len(&self) -> usize {
        self.0.window_len()
    }

    #[getter]
    fn has_anomaly_gate(&self) -> bool {
        self.0.anomaly_gate().is_some()
    }
}

/// Measures the profile of the training windows, with its anomaly gate.
pub(crate) fn profile(
    train: &TrainSet,
    series: &[CandleSeries],
    seed: u64,
) -> Result<TrainingProfile, TrainError> {
    let profile = TrainingProfile::fit(train, WINDOW)?;
    Ok(profile.with_anomaly_gate(AnomalyGate::fit(train, series, seed)?))
}
