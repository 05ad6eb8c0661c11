//! Atomic replacement of files.
use std::fs::{DirEntry, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Replaces a file atomically: writes a temporary file beside it, flushes it and renames it. An
/// interrupted write leaves the old file unchanged.
///
/// A process that is killed during the write leaves its temporary file,
/// `.<name>.<process>.<n>.tmp`. No reader uses it, and later writes of the same file remove such
/// files once they are older than ten minutes.
///
/// # Errors
/// The error of the operating system. The temporary file has been removed.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // Process and count make the name unique among the writers of the same file.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let (process, count) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let temporary = folder.join(format!(".{}.{process}.{count}.tmp", name.to_string_lossy()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    renamed?;
    sync_folder(&folder);
    remove_stale(&folder, &name.to_string_lossy());
    Ok(())
}

/// Age from which a temporary file is considered abandoned; no write takes that long.
const STALE: Duration = Duration::from_secs(600);

/// Removes abandoned temporary files of the same file. Failures are ignored: the next write tries
/// again.
fn remove_stale(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let temporary = entry.file_name().to_str().is_some_and(|file| is_temporary(file, name));
        if temporary && is_stale(&entry) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Returns whether `file` has the form `.<name>.<process>.<n>.tmp`.
fn is_temporary(file: &str, name: &str) -> bool {
    let middle = file.strip_prefix(&format!(".{name}.")).and_then(|f| f.strip_suffix(".tmp"));
    middle.and_then(|m| m.split_once('.')).is_some_and(|(p, n)| is_number(p) && is_number(n))
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

fn is_stale(entry: &DirEntry) -> bool {
    let written = entry.metadata().and_then(|metadata| metadata.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE))
}

/// Flushes a folder so that a rename survives a power failure, if the system supports it.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}
