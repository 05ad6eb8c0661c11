//! Signals of a series.
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use windvane::candles::CandleSeries;
use windvane::signals::{ChannelSpec, Registry, SignalError, SignalSpec, SignalTable};

use crate::error::{failed, refused};
use crate::series::{Series, copied};

/// Computes the channels of a spec: their names, and a row of values per candle with NaN in the rows
/// that are undefined.
#[pyfunction]
pub(crate) fn signals<'py>(
    py: Python<'py>,
    series: &Series,
    spec: &Bound<'py, PyAny>,
    others: Vec<PyRef<'py, Series>>,
) -> PyResult<(Vec<String>, Bound<'py, PyArray2<f64>>)> {
    let ((spec, _), others, series) = (channels(spec)?, copied(&others), &series.0);
    let values = py.detach(|| values(&spec, series, &others)).map_err(failed)?;
    let array = PyArray1::from_vec(py, values).reshape([series.len(), spec.width()])?;
    Ok((spec.channels.iter().map(ToString::to_string).collect(), array))
}

fn values(
    spec: &SignalSpec,
    series: &CandleSeries,
    others: &[CandleSeries],
) -> Result<Vec<f64>, SignalError> {
    let table = SignalTable::build(spec, &Registry::default(), series, others)?;
    let undefined = vec![f64::NAN; spec.width()];
    let rows = (0..table.len()).filter(|row| !table.is_held(*row));
    Ok(rows.flat_map(|row| table.row(row).unwrap_or(&undefined)).copied().collect())
}

/// Converts a named set, a list of channels such as `rsi(period=21)`, or the JSON text of a spec. Also
/// returns whether the gap policy is fixed: that of a JSON text is.
pub(crate) fn channels(spec: &Bound<'_, PyAny>) -> PyResult<(SignalSpec, bool)> {
    if let Ok(text) = spec.extract::<String>() {
        return match text.as_str() {
            "six" => Ok((SignalSpec::six(), false)),
            "price-action" => Ok((SignalSpec::price_action(), false)),
            _ if text.starts_with('{') => match serde_json::from_str(&text) {
                Ok(spec) => Ok((spec, true)),
                Err(error) => Err(refused(format!("spec: {error}"))),
            },
            _ => Err(refused(format!(
                "unknown set of channels {text:?}; pass \"six\", \"price-action\", a list such as \
                 [\"momentum\", \"rsi(period=21)\"], or the spec of a model"
            ))),
        };
    }
    let list: Vec<String> = spec.extract().map_err(|_| {
        refused("spec: expected the name of a set, a list of channels or the spec of a model")
    })?;
    let channels = list.iter().map(|text| text.parse::<ChannelSpec>().map_err(failed));
    let channels = channels.collect::<PyResult<_>>()?;
    Ok((SignalSpec { channels, ..SignalSpec::default() }, false))
}
