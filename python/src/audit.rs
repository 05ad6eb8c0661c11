//! Audit of a Python function for look-ahead.
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use windvane::backtest::BacktestError;
use windvane::backtest::audit::{Audit, AuditCandles};

use crate::error::failed;
use crate::series::{Series, columns};

/// Findings: names of the checks with their verdicts and evidence, and all of them as text.
type Findings = (Vec<(String, String, String)>, String);

/// Audits a function from columns to an array with a row of numbers per candle.
#[pyfunction]
pub(crate) fn audit(
    py: Python<'_>,
    function: &Bound<'_, PyAny>,
    series: &Series,
    seed: u64,
) -> PyResult<Findings> {
    let audit = Audit { seed, ..Audit::new(series.0.clone()) };
    let findings = audit.signal(|candles| rows(py, function, candles));
    let findings = findings.map_err(unwrapped)?;
    let each = findings.findings.iter().map(|finding| {
        (finding.check.to_string(), finding.verdict.to_string(), finding.evidence.clone())
    });
    Ok((each.collect(), findings.to_string()))
}

/// Calls the function. A row of NaN only is a row without values.
fn rows(
    py: Python<'_>,
    function: &Bound<'_, PyAny>,
    candles: AuditCandles<'_>,
) -> PyResult<Vec<Option<Vec<f64>>>> {
    py.check_signals()?;
    let array: PyReadonlyArray2<'_, f64> = function.call1(columns(py, candles.own))?.extract()?;
    let width = array.shape()[1];
    let row = |values: &[f64]| {
        let defined = values.iter().any(|value| !value.is_nan());
        // The sign and the payload of a NaN have no meaning and differ between platforms.
        defined.then(|| values.iter().map(|v| if v.is_nan() { f64::NAN } else { *v }).collect())
    };
    Ok(array.as_slice()?.chunks_exact(width.max(1)).map(row).collect())
}

/// Returns the exception of the function itself, or the error of the audit.
fn unwrapped(error: BacktestError) -> PyErr {
    match error {
        BacktestError::Audited { audited, given, source } => match source.downcast::<PyErr>() {
            Ok(cause) => *cause,
            Err(source) => failed(BacktestError::Audited { audited, given, source }),
        },
        error => failed(error),
    }
}
