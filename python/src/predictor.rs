//! Predictor for live loops.
use std::path::{Path, PathBuf};
use std::time::Duration;

use pyo3::prelude::*;
use windvane::candles::{Candle, Ohlcv, Pair, Timestamp};
use windvane::models::{Predictor as RustPredictor, replace_file};
use windvane::signals::MarketSnapshot;

use crate::error::{failed, refused};
use crate::model::Model;
use crate::prediction::{Outcome, datetime};
use crate::profile::Profile;
use crate::series::Series;
use pyo3::types::PyDateTime;

/// Open time in milliseconds, open, high, low, close, volume.
pub(crate) type CandleValues = (i64, f64, f64, f64, f64, f64);

/// Predictor for live loops: takes candles one by one and predicts after each.
#[pyclass(module = "windvane._native")]
pub(crate) struct Predictor(RustPredictor);

#[pymethods]
impl Predictor {
    #[new]
    fn new(
        model: &Model,
        pair: &str,
        stop_at_gaps: bool,
        session_close: Option<u64>,
        guard: Option<&Profile>,
    ) -> PyResult<Self> {
        let pair = Pair::new(pair).map_err(failed)?;
        let builder = RustPredictor::builder(model.fitted.clone(), model.fitted.spec().interval);
        let mut builder = builder.pair(pair).stop_at_gaps(stop_at_gaps);
        if let Some(close) = session_close {
            builder = builder.session_close(Duration::from_millis(close));
        }
        if let Some(Profile(profile)) = guard {
            builder = builder.guard(profile.clone());
        }
        builder.build().map(Self).map_err(failed)
    }

    fn update(
        &mut self,
        values: CandleValues,
        others: Vec<(String, CandleValues)>,
    ) -> PyResult<Outcome> {
        let own = candle(values)?;
        if others.is_empty() {
            return self.0.on_candle(&own).map(Outcome).map_err(failed);
        }
        let others = others
            .into_iter()
            .map(|(pair, values)| Ok((Pair::new(&pair).map_err(failed)?, candle(values)?)));
        let others = others.collect::<PyResult<Vec<(Pair, Candle)>>>()?;
        self.0.on_candle(MarketSnapshot::new(&own, &others)).map(Outcome).map_err(failed)
    }

    fn warm_up(&mut self, py: Python<'_>, series: &Series) -> PyResult<()> {
        py.detach(|| self.0.warm_up(&series.0)).map_err(failed)
    }

    fn save_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| write(&path, &self.0.save()))
    }

    fn load_state(&mut self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.restore(&bytes(&path)?).map_err(failed))
    }

    #[getter]
    fn pair(&self) -> &str {
        self.0.pair().map(Pair::as_str).unwrap_or_default()
    }

    #[getter]
    fn interval(&self) -> String {
        self.0.model().spec().interval.to_string()
    }

    #[getter]
    fn candles_needed(&self) -> usize {
        self.0.candles_needed()
    }

    #[getter]
    fn last_time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.last_open_time().map(|time| datetime(py, time)).transpose()
    }

    fn stats_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0.feed_stats()).map_err(failed)
    }
}

/// Creates a candle from its values.
pub(crate) fn candle(values: CandleValues) -> PyResult<Candle> {
    let (time, open, high, low, close, volume) = values;
    let values = Ohlcv { open, high, low, close, volume };
    Candle::new(Timestamp::from_millis(time), values).map_err(failed)
}

/// Replaces a file by bytes, atomically.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> PyResult<()> {
    replace_file(path, bytes).map_err(|error| refused(format!("{}: {error}", path.display())))
}

/// Reads the bytes of a file.
pub(crate) fn bytes(path: &Path) -> PyResult<Vec<u8>> {
    std::fs::read(path).map_err(|error| refused(format!("{}: {error}", path.display())))
}
