//! Files that are replaced whole or not at all.
use std::fs::{DirEntry, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Replaces a file whole or not at all: writes beside it, flushes, renames. An interrupted write
/// leaves the old file as it was.
///
/// A process that is killed in the middle leaves its temporary file, `.<name>.<process>.<n>.tmp`.
/// Nothing reads those, and the next write of the same file removes those older than ten minutes.
///
/// # Errors
/// What the system says; the temporary file is gone then.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // Process and count keep two writers of the same file apart.
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
    sweep(&folder, &name.to_string_lossy());
    Ok(())
}

/// No write takes as long.
const STALE: Duration = Duration::from_secs(600);

/// Removes what killed writers of the same file left. A failure harms nobody: the next write
/// tries again.
fn sweep(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|file| is_temporary(file, name));
        if ours && is_stale(&entry) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether `file` is named `.<name>.<process>.<n>.tmp`.
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

/// Makes the rename last through a power cut, where the system allows to sync a folder.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}
