//! Series of candles from numpy arrays, with the interval of their rows.
use std::time::Duration;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use windvane::candles::{Candle, CandleColumns, CandleSeries, Interval, Pair, Timestamp};

use crate::error::{failed, refused};

/// Columns of a series: open times in milliseconds, prices, volume.
pub(crate) type SeriesColumns<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Validated candles of one pair and one interval.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Series(pub(crate) CandleSeries);

#[pymethods]
impl Series {
    #[new]
    #[pyo3(signature = (pair, interval, time, open, high, low, close, volume))]
    #[expect(clippy::too_many_arguments, reason = "a candle has six columns")]
    fn new(
        pair: &str,
        interval: Option<&str>,
        time: PyReadonlyArray1<'_, i64>,
        open: PyReadonlyArray1<'_, f64>,
        high: PyReadonlyArray1<'_, f64>,
        low: PyReadonlyArray1<'_, f64>,
        close: PyReadonlyArray1<'_, f64>,
        volume: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Self> {
        let pair = Pair::new(pair).map_err(failed)?;
        let columns = CandleColumns {
            open_time: time.as_slice()?,
            open: open.as_slice()?,
            high: high.as_slice()?,
            low: low.as_slice()?,
            close: close.as_slice()?,
            volume: volume.as_slice()?,
        };
        let interval = match interval {
            Some(text) => text.parse::<Interval>().map_err(failed)?,
            None => infer(columns.open_time).map_err(refused)?,
        };
        CandleSeries::from_columns(pair, interval, columns).map(Self).map_err(failed)
    }

    #[getter]
    fn pair(&self) -> &str {
        self.0.pair().as_str()
    }

    #[getter]
    fn interval(&self) -> String {
        self.0.interval().to_string()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn columns<'py>(&self, py: Python<'py>) -> SeriesColumns<'py> {
        columns(py, &self.0)
    }

    /// Returns the series with a time from the open of a candle to its close, in milliseconds.
    fn with_session_close(&self, close: u64) -> PyResult<Self> {
        let series = self.0.clone().with_session_close(Duration::from_millis(close));
        series.map(Self).map_err(failed)
    }

    /// Returns the shortest time between two candles in intervals, 1 for candles without a gap;
    /// `None` for fewer than two.
    fn shortest_step(&self) -> Option<i64> {
        let times = self.0.candles().windows(2);
        let steps = times.map(|two| two[1].open_time().millis() - two[0].open_time().millis());
        steps.min().map(|step| step / self.0.interval().min_step())
    }
}

/// Columns of a series as new arrays.
pub(crate) fn columns<'py>(py: Python<'py>, series: &CandleSeries) -> SeriesColumns<'py> {
    let times: Vec<i64> = series.iter().map(|candle| candle.open_time().millis()).collect();
    let column =
        |value: fn(&Candle) -> f64| series.iter().map(value).collect::<Vec<f64>>().into_pyarray(py);
    let (open, high, low) = (column(Candle::open), column(Candle::high), column(Candle::low));
    (times.into_pyarray(py), open, high, low, column(Candle::close), column(Candle::volume))
}

/// Copies the series out of their Python objects, for work without the interpreter.
pub(crate) fn copied(series: &[PyRef<'_, Series>]) -> Vec<CandleSeries> {
    series.iter().map(|series| series.0.clone()).collect()
}

/// Milliseconds of a time as text, such as `2024-01-01 05:00`; UTC without a zone.
#[pyfunction]
pub(crate) fn parse_time(text: &str) -> PyResult<i64> {
    text.parse().map(Timestamp::millis).map_err(failed)
}

/// Interval of the shortest step between rows, if more than half of the steps have it and the others
/// are multiples of it.
fn infer(times: &[i64]) -> Result<Interval, String> {
    let steps: Vec<i64> = times.windows(2).map(|two| two[1].saturating_sub(two[0])).collect();
    if let Some(row) = steps.iter().position(|step| *step <= 0) {
        return Err(format!(
            "row {} is not after row {row}: sort the rows by time and remove duplicates",
            row + 1
        ));
    }
    let Some(shortest) = steps.iter().copied().min().filter(|_| steps.len() > 1) else {
        return Err(format!(
            "the interval cannot be inferred from {} row(s); pass interval, such as \"1h\"",
            times.len()
        ));
    };
    let same = steps.iter().filter(|step| **step == shortest).count();
    let other = steps.iter().find(|step| **step % shortest != 0);
    if let Some(other) = other {
        return Err(format!(
            "the interval is ambiguous: steps of {shortest} ms and {other} ms between rows; pass \
             interval, such as \"1h\" or \"1d@session\""
        ));
    }
    if 2 * same <= steps.len() {
        return Err(format!(
            "the interval is ambiguous: only {same} of {} steps between rows have the shortest \
             length, {shortest} ms; pass interval, such as \"1h\"",
            steps.len()
        ));
    }
    let interval = Interval::from_millis(shortest).map_err(|error| error.to_string())?;
    let first = Timestamp::from_millis(times[0]);
    let offset = first.millis() - interval.floor(first).millis();
    interval.with_offset(offset).map_err(|error| error.to_string())
}
