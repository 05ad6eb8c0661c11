//! The report as JSON, and the files of a report.
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::{Report, SweepReport};
use crate::error::BacktestError;

impl Report {
    /// Writes the report as JSON: `schema` first, `timing` last, times as RFC 3339, undefined
    /// numbers as null.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Writes `report.md` and `report.json` into a folder, which is created if it does not exist;
    /// with the feature `html` also `report.html`. Existing files are replaced atomically.
    ///
    /// # Errors
    /// [`BacktestError::Io`] with the path that could not be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), BacktestError> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        replace(&folder.join("report.md"), &self.to_markdown())?;
        #[cfg(feature = "html")]
        replace(&folder.join("report.html"), &self.to_html())?;
        replace(&folder.join("report.json"), &self.to_json())
    }
}

impl SweepReport {
    /// Writes the report as JSON: `schema` first, `timing` last, undefined numbers as null.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Writes `report.md` and `report.json` into a folder, which is created if it does not exist.
    /// Existing files are replaced atomically.
    ///
    /// # Errors
    /// [`BacktestError::Io`] with the path that could not be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), BacktestError> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        replace(&folder.join("report.md"), &self.to_markdown())?;
        replace(&folder.join("report.json"), &self.to_json())
    }
}

fn to_json(report: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(report);
    text.expect("invariant: a report has only texts, numbers and lists") + "\n"
}

fn replace(path: &Path, text: &str) -> Result<(), BacktestError> {
    windvane_models::replace_file(path, text.as_bytes()).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: std::io::Error) -> BacktestError {
    BacktestError::Io { path: path.to_path_buf(), source }
}
