//! The exception of the package.
use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

pyo3::create_exception!(
    windvane,
    Error,
    PyValueError,
    "Input, setting or file that windvane rejects. The message states the problem, its place and the remedy."
);

/// Converts an error of the library into the exception, with its causes.
pub(crate) fn failed(error: impl std::error::Error) -> PyErr {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = source.source();
    }
    Error::new_err(text)
}

/// Creates the exception with a message.
pub(crate) fn refused(message: impl Into<String>) -> PyErr {
    Error::new_err(message.into())
}
