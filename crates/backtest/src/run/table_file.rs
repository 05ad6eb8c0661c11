//! Files of rows: CSV, or Parquet by the extension, replaced atomically.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::BacktestError;

/// File that is being written.
pub(super) type NewFile<'a> = BufWriter<&'a mut File>;

/// Writes a file with one of two functions: Parquet if its name ends in `.parquet`, otherwise CSV.
pub(super) fn write(
    path: &Path,
    csv: impl FnOnce(&mut NewFile<'_>) -> io::Result<()>,
    parquet: impl FnOnce(&mut NewFile<'_>) -> io::Result<()>,
) -> Result<(), BacktestError> {
    let columnar = path.extension().is_some_and(|extension| extension == "parquet");
    let written = windvane_models::replace_file_with(path, |file| {
        let mut file = BufWriter::new(file);
        if columnar {
            parquet(&mut file)?;
        } else {
            csv(&mut file)?;
        }
        file.flush()
    });
    written.map_err(|source| BacktestError::Io { path: path.to_path_buf(), source })
}

/// Quotes a name as a CSV field if necessary.
pub(super) fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_string()
    }
}

/// Error of a Parquet file without the feature.
#[cfg(not(feature = "columnar"))]
pub(super) fn parquet_is_missing() -> io::Error {
    let advice = "Parquet requires the feature columnar of windvane-backtest; enable it, or choose \
                  a name that ends in .csv";
    io::Error::new(io::ErrorKind::Unsupported, advice)
}
