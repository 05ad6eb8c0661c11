//! Predictor of many pairs.
use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDateTime;
use windvane::candles::{Pair, Timestamp};
use windvane::models::{PanelPredictor as RustPanel, PanelUpdate};
use windvane::signals::{Panel, Registry};

use crate::error::failed;
use crate::model::Model;
use crate::prediction::{Prediction, datetime};
use crate::predictor::{CandleValues, bytes, candle, write};
use crate::series::{Series, copied};

/// Predictions of the pairs whose close was decided.
type Predictions = Vec<(String, Prediction)>;

/// Predictor of many pairs that are predicted together.
#[pyclass(module = "windvane._native")]
pub(crate) struct PanelPredictor(RustPanel);

#[pymethods]
impl PanelPredictor {
    #[new]
    fn new(model: &Model, pairs: Vec<(String, Option<u64>)>) -> PyResult<Self> {
        let spec = model.fitted.spec();
        let whole = spec.interval.millis().unsigned_abs();
        let pairs = pairs.iter().map(|(pair, close)| {
            let close = Duration::from_millis(close.unwrap_or(whole));
            Ok((Pair::new(pair).map_err(failed)?, close))
        });
        let pairs = pairs.collect::<PyResult<Vec<(Pair, Duration)>>>()?;
        let (signals, interval) = (&spec.signals, spec.interval);
        let panel = Panel::with_sessions(signals, interval, &Registry::default(), &pairs);
        RustPanel::new(model.fitted.clone(), panel.map_err(failed)?).map(Self).map_err(failed)
    }

    fn update(&mut self, pair: &str, values: CandleValues) -> PyResult<Predictions> {
        let (pair, candle) = (Pair::new(pair).map_err(failed)?, candle(values)?);
        self.0.on_candle(&pair, &candle).map(predictions).map_err(failed)
    }

    fn set_time(&mut self, now: i64) -> Predictions {
        predictions(self.0.set_time(Timestamp::from_millis(now)))
    }

    fn warm_up(&mut self, py: Python<'_>, series: Vec<PyRef<'_, Series>>) -> PyResult<()> {
        let series = copied(&series);
        py.detach(|| self.0.warm_up(&series)).map_err(failed)
    }

    fn save_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| write(&path, &self.0.save()))
    }

    fn load_state(&mut self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.restore(&bytes(&path)?).map_err(failed))
    }

    #[getter]
    fn pairs(&self) -> Vec<String> {
        self.0.panel().pairs().iter().map(ToString::to_string).collect()
    }

    #[getter]
    fn interval(&self) -> String {
        self.0.panel().interval().to_string()
    }

    #[getter]
    fn waiting_for(&self) -> Vec<String> {
        self.0.waiting_for().map(ToString::to_string).collect()
    }

    #[getter]
    fn last_time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.last_open_time().map(|time| datetime(py, time)).transpose()
    }
}

fn predictions(update: PanelUpdate<'_>) -> Predictions {
    let all = update.predictions.iter();
    all.map(|(pair, prediction)| (pair.to_string(), Prediction(prediction.clone()))).collect()
}
