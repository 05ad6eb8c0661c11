//! Files of rows: CSV, or Parquet by the extension, replaced atomically.
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::error::BacktestError;

/// Writes a file with one of two functions: Parquet if its name ends in `.parquet`, otherwise CSV.
pub(super) fn write(
    path: &Path,
    csv: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    parquet: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), BacktestError> {
    let columnar = path.extension().is_some_and(|extension| extension == "parquet");
    let part = part_of(path);
    let written = File::create(&part).and_then(|file| {
        let mut file = BufWriter::new(file);
        if columnar {
            parquet(&mut file)?;
        } else {
            csv(&mut file)?;
        }
        file.into_inner()?.sync_all()
    });
    written.and_then(|()| fs::rename(&part, path)).map_err(|source| {
        // The unfinished file may not exist.
        _ = fs::remove_file(&part);
        BacktestError::Io { path: path.to_path_buf(), source }
    })
}

/// Path of the unfinished file next to the final one.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    PathBuf::from(name)
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
