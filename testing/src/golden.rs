//! Golden folders, and the report of cases that a test could not run.
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    std::env::var_os("WINDVANE_GOLDEN_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden"),
        PathBuf::from,
    )
}

/// Returns the folder of one part (`"a_lstm"`, `"d_signals"`, ...) of the golden set in use.
///
/// # Panics
/// If the folder is missing or empty: a golden test without numbers must not pass.
pub fn golden_dir(part: &str) -> PathBuf {
    let dir = root().join(part);
    let entries = std::fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("golden folder {}: {e}", dir.display()))
        .count();
    assert!(entries > 0, "golden folder {} is empty", dir.display());
    dir
}

/// Returns the parts of the golden set in use: the sorted names of its folders.
///
/// # Panics
/// If the set cannot be read.
pub fn golden_parts() -> Vec<String> {
    let root = root();
    let entries =
        std::fs::read_dir(&root).unwrap_or_else(|e| panic!("golden set {}: {e}", root.display()));
    let folders = entries.map(|entry| entry.expect("a readable folder entry").path());
    let mut parts: Vec<String> = folders
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    parts.sort();
    parts
}

/// Returns the files of `dir` whose name ends with `suffix`, sorted by name.
///
/// # Panics
/// If there is none.
pub fn list(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.expect("a readable folder entry").path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}: no file *{suffix}", dir.display());
    files
}

/// Parses a JSON file.
///
/// # Panics
/// If it cannot be read or parsed.
pub fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Counter of the cases that a golden test could not run; it prints them when dropped.
#[derive(Debug)]
pub struct Unsupported {
    part: &'static str,
    run: usize,
    skipped: Vec<String>,
}

impl Unsupported {
    /// Creates a counter for one golden part.
    pub fn new(part: &'static str) -> Self {
        Self { part, run: 0, skipped: Vec::new() }
    }

    /// Counts one case that was run.
    pub fn ran(&mut self) {
        self.run += 1;
    }

    /// Counts one case, or one kind of case, that is not supported. Equal texts are counted once.
    pub fn skip(&mut self, case: &str, why: &str) {
        let line = format!("{case} ({why})");
        if !self.skipped.contains(&line) {
            self.skipped.push(line);
        }
    }
}

impl Drop for Unsupported {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // Not `eprintln!`, whose output the test harness captures.
        if !self.skipped.is_empty() {
            let _ = writeln!(
                std::io::stderr(),
                "golden {}: {} cases run, {} not supported yet: {}",
                self.part,
                self.run,
                self.skipped.len(),
                self.skipped.join(", ")
            );
        }
        let total = self.run + self.skipped.len();
        assert!(total > 0, "golden {}: the folder has no case", self.part);
    }
}
