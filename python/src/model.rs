//! Fitted models: loading, saving, predictions of whole series.
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use windvane::candles::CandleSeries;
use windvane::models::{
    Artifact, FittedModel, LoadError, Policy, Prediction, StatefulModel, TableReader,
    TrainingProfile, v32,
};
use windvane::signals::{Registry, SignalTable, Window};

use crate::error::{failed, refused};
use crate::predictor::write;
use crate::profile::Profile;
use crate::series::{Series, copied};

/// Number of windows that a model predicts together.
const BATCH: usize = 512;
/// Number of batches between two checks for an interrupt.
const BATCHES_PER_CHECK: usize = 32;

/// Directions (−1 for none) and probabilities of UP, DOWN, NEUTRAL and of the direction, per row.
type PredictionColumns<'py> = (
    Bound<'py, PyArray1<i8>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<f32>>,
);

/// A fitted model, with its policy and its training profile if it has them.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Model {
    pub(crate) fitted: Arc<dyn FittedModel>,
    pub(crate) policy: Option<Policy>,
    pub(crate) profile: Option<Arc<TrainingProfile>>,
}

#[pymethods]
impl Model {
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| Self::from_artifact(&Artifact::read(path)?)).map_err(failed)
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        py.detach(|| Self::from_artifact(&Artifact::from_bytes(bytes)?)).map_err(failed)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.saved()).map_err(failed)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn to_onnx<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| windvane::to_onnx(&*self.fitted)).map_err(failed)?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[staticmethod]
    fn pretrained() -> Self {
        Self { fitted: Arc::new(v32::pretrained()), policy: None, profile: None }
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| write(&path, &self.saved().map_err(failed)?))
    }

    fn policy_json(&self) -> PyResult<Option<String>> {
        self.policy.as_ref().map(serde_json::to_string).transpose().map_err(failed)
    }

    #[getter]
    fn profile(&self) -> Option<Profile> {
        self.profile.clone().map(Profile)
    }

    #[getter]
    fn id(&self) -> &str {
        self.fitted.id().as_str()
    }

    #[getter]
    fn interval(&self) -> String {
        self.fitted.spec().interval.to_string()
    }

    fn spec_json(&self) -> PyResult<String> {
        serde_json::to_string(self.fitted.spec()).map_err(failed)
    }

    fn record_json(&self) -> PyResult<Option<String>> {
        self.fitted.record().map(serde_json::to_string).transpose().map_err(failed)
    }

    fn predict<'py>(
        &self,
        py: Python<'py>,
        series: &Series,
        others: Vec<PyRef<'py, Series>>,
    ) -> PyResult<PredictionColumns<'py>> {
        let (model, series, others) = (&*self.fitted, &series.0, copied(&others));
        let rows = py.detach(|| predict(model, series, &others))?;
        let array = |values: Vec<f32>| values.into_pyarray(py);
        let Rows { direction, up, down, neutral, confidence } = rows;
        let direction = direction.into_pyarray(py);
        Ok((direction, array(up), array(down), array(neutral), array(confidence)))
    }
}

impl Model {
    fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        let model = Arc::from(windvane::kinds().model(artifact)?);
        Ok(Self { fitted: model, policy: artifact.policy().copied(), profile: None })
    }

    /// Bytes of the file of the model, with its policy.
    fn saved(&self) -> Result<Vec<u8>, LoadError> {
        let artifact = self.fitted.to_artifact()?;
        match &self.policy {
            Some(policy) => artifact.with_policy(policy).to_bytes(),
            None => artifact.to_bytes(),
        }
    }
}

/// Predictions of a series, one row per candle.
struct Rows {
    direction: Vec<i8>,
    up: Vec<f32>,
    down: Vec<f32>,
    neutral: Vec<f32>,
    confidence: Vec<f32>,
}

impl Rows {
    fn without_predictions(len: usize) -> Self {
        let none = || vec![f32::NAN; len];
        let (up, down, neutral, confidence) = (none(), none(), none(), none());
        Self { direction: vec![-1; len], up, down, neutral, confidence }
    }

    fn set(&mut self, row: usize, prediction: &Prediction) {
        self.direction[row] = i8::try_from(prediction.direction.index()).unwrap_or(-1);
        [self.up[row], self.down[row], self.neutral[row]] = prediction.probabilities.classes();
        self.confidence[row] = prediction.confidence;
    }
}

/// Predicts every row of a series, with the bits of a live predictor.
fn predict(
    model: &dyn FittedModel,
    series: &CandleSeries,
    others: &[CandleSeries],
) -> PyResult<Rows> {
    let spec = model.spec();
    if spec.interval != series.interval() {
        return Err(refused(format!(
            "the model was fitted on {} candles, the rows are {} candles; pass rows of {}",
            spec.interval,
            series.interval(),
            spec.interval
        )));
    }
    let table = SignalTable::build(&spec.signals, &Registry::default(), series, others);
    let tables = [table.map_err(failed)?];
    // Candles that the gap policy filled in have no row in the frame.
    let rows: Vec<usize> = (0..tables[0].len()).filter(|row| !tables[0].is_held(*row)).collect();
    let mut predicted = Rows::without_predictions(rows.len());
    if model.stateful().is_some_and(|model| StatefulModel::state_len(model) > 0) {
        let mut reader = TableReader::new(model, &tables);
        for (place, row) in rows.into_iter().enumerate() {
            if let Some(prediction) = reader.predict(0, row).map_err(failed)? {
                predicted.set(place, &prediction);
            }
            check_interrupt(place, BATCH * BATCHES_PER_CHECK)?;
        }
        return Ok(predicted);
    }
    let mut scratch = model.scratch();
    let (mut windows, mut places, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
    for (batch, rows) in rows.chunks(BATCH).enumerate() {
        collect(&tables[0], rows, spec.lookback, batch * BATCH, &mut windows, &mut places);
        predictions.clear();
        model.predict_batch(&windows, &mut scratch, &mut predictions).map_err(failed)?;
        for (place, prediction) in places.iter().zip(&predictions) {
            predicted.set(*place, prediction);
        }
        check_interrupt(batch, BATCHES_PER_CHECK)?;
    }
    Ok(predicted)
}

/// Collects the complete windows that end at some rows, with their places in the frame.
fn collect<'t>(
    table: &'t SignalTable,
    rows: &[usize],
    lookback: usize,
    first: usize,
    windows: &mut Vec<Window<'t>>,
    places: &mut Vec<usize>,
) {
    windows.clear();
    places.clear();
    for (place, row) in rows.iter().enumerate() {
        if let Some(window) = table.window(*row, lookback) {
            windows.push(window);
            places.push(first + place);
        }
    }
}

/// Checks once in `every` steps whether the user has interrupted the program.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method is not general over the lifetime of the interpreter"
)]
fn check_interrupt(step: usize, every: usize) -> PyResult<()> {
    if step % every != every - 1 {
        return Ok(());
    }
    Python::attach(|py| py.check_signals())
}
