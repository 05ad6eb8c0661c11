//! Files that are replaced whole or not at all.
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces a file whole or not at all: writes beside it, flushes, renames. An interrupted write
/// leaves the old file as it was.
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
    Ok(())
}

/// Makes the rename last through a power cut, where the system allows to sync a folder.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}
