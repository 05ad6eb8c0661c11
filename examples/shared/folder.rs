//! A folder of CSV files, each named after its instrument.
use std::path::{Path, PathBuf};

/// The folder's CSV files in order of their names; at least one.
pub(crate) fn csv_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let read = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{}: {e}", folder.display()))?;
    let is_csv = |path: &Path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    files.retain(|path| is_csv(path) && path.is_file());
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no CSV file in this folder", folder.display()).into());
    }
    Ok(files)
}
