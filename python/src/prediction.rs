//! Predictions and outcomes of a live feed.
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyTzInfo};
use windvane::candles::Timestamp;
use windvane::models::{CandleOutcome, NeutralReason, Prediction as RustPrediction};

/// Predicted direction of the close, with its probability.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Prediction(pub(crate) RustPrediction);

#[pymethods]
impl Prediction {
    #[getter]
    fn direction(&self) -> String {
        self.0.direction.to_string()
    }

    #[getter]
    fn confidence(&self) -> f32 {
        self.0.confidence
    }

    #[getter]
    fn p_up(&self) -> f32 {
        self.0.probabilities.classes()[0]
    }

    #[getter]
    fn p_down(&self) -> f32 {
        self.0.probabilities.classes()[1]
    }

    #[getter]
    fn p_neutral(&self) -> f32 {
        self.0.probabilities.classes()[2]
    }

    #[getter]
    fn decided_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.decided_at)
    }

    #[getter]
    fn horizon(&self) -> usize {
        self.0.horizon
    }

    #[getter]
    fn model(&self) -> String {
        self.0.model.to_string()
    }

    #[getter]
    fn neutral_reason(&self) -> Option<String> {
        self.0.neutral.as_ref().map(NeutralReason::to_string)
    }

    #[getter]
    fn agreement(&self) -> Option<f32> {
        self.0.agreement
    }

    fn __repr__(&self) -> String {
        format!("<Prediction: {} at {}>", self.0, self.0.decided_at)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

/// Outcome of a candle that a predictor received.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Outcome(pub(crate) CandleOutcome);

#[pymethods]
impl Outcome {
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0 {
            CandleOutcome::Prediction(_) => "prediction",
            CandleOutcome::WarmingUp { .. } => "warming_up",
            CandleOutcome::ShortSessions { .. } => "short_sessions",
            CandleOutcome::Undefined { .. } => "undefined",
            CandleOutcome::Duplicate { .. } => "duplicate",
            CandleOutcome::Revised { .. } => "revised",
            CandleOutcome::Unfinished { .. } => "unfinished",
            CandleOutcome::Late { .. } => "late",
            _ => "other",
        }
    }

    #[getter]
    fn accepted(&self) -> bool {
        self.0.is_accepted()
    }

    #[getter]
    fn prediction(&self) -> Option<Prediction> {
        self.0.prediction().cloned().map(Prediction)
    }

    fn __repr__(&self) -> String {
        format!("<Outcome: {}>", self.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

/// Converts a time into an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyDateTime>> {
    let seconds = time.millis() as f64 / 1e3;
    PyDateTime::from_timestamp(py, seconds, Some(&*PyTzInfo::utc(py)?))
}
