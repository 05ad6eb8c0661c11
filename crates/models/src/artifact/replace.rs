//! Atomic replacement of files.
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, File};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Replaces a file atomically: writes a temporary file, flushes it and renames it. An interrupted
/// write leaves the old file unchanged.
///
/// The new file has the permissions of the old one. A symbolic link stays: the file that it points
/// to is replaced. A device or a named pipe, such as `/dev/stdout`, stays as well: the bytes are
/// written to it. The time does not depend on the other files of the folder.
///
/// The temporary file is in the folder `.<name>.windvane.tmp` beside the file, which exists during
/// the write only. A process that is killed during the write leaves both. No reader uses them, and
/// later writes of the same file remove temporary files that are older than ten minutes.
///
/// # Errors
/// The error of the operating system. The temporary file has been removed.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file_with(path, |file| file.write_all(bytes))
}

/// Replaces a file like [`replace_file`], with bytes that `write` writes, for content that is too
/// large for memory.
///
/// # Errors
/// The error of the operating system or of `write`. The temporary file has been removed.
///
/// # Examples
/// ```
/// use std::io::Write;
///
/// let path = std::env::temp_dir().join(format!("windvane-{}.csv", std::process::id()));
/// windvane_models::replace_file_with(&path, |file| writeln!(file, "a,b"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "a,b\n");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace_file_with(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|old| !old.is_file() && !old.is_dir()) {
        return write(&mut File::options().write(true).open(path)?);
    }
    let path = &followed(path)?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let own_folder = folder.join(temporary_name(name));

    let (file, temporary) = create_in(&own_folder)?;
    let written = write_as(file, write, path);
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    remove_folder(&own_folder);
    renamed?;
    sync_folder(folder);
    Ok(())
}

/// Longest name of a file of which the temporary folder's name is made as a whole, bytes: the
/// longest name of most file systems is 255.
const MAX_NAME: usize = 240;

/// Name of the folder of the temporary files of a file. Files whose long names begin with the same
/// characters share it.
fn temporary_name(name: &OsStr) -> OsString {
    let mut own = OsString::from(".");
    if name.len() <= MAX_NAME {
        own.push(name);
    } else {
        // A character has at most four bytes.
        own.push(name.to_string_lossy().chars().take(MAX_NAME / 4).collect::<String>());
    }
    own.push(".windvane.tmp");
    own
}

/// Maximum number of symbolic links that are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// Follows the symbolic links of a path to the file, which need not exist.
fn followed(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..=MAX_LINKS {
        let Ok(target) = std::fs::read_link(&path) else { return Ok(path) };
        // A relative target starts at the folder of the link.
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(Error::other(format!("{}: too many symbolic links", path.display())))
}

/// Attempts to create the folder while other writers of the same file remove it.
const MAX_ATTEMPTS: usize = 1_000;

/// Creates a temporary file of its own in a folder, and the folder if it does not exist.
fn create_in(folder: &Path) -> Result<(File, PathBuf)> {
    // Process and count make the name unique among the writers of the same file.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    for _ in 0..MAX_ATTEMPTS {
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let (process, count) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
        let temporary = folder.join(format!("{process}.{count}"));
        match File::create_new(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            // Another writer has removed the folder, or a killed process with this id used the name.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::other(format!("{}: cannot create a temporary file", folder.display())))
}

/// Writes and flushes a file that is to replace `old`, with the permissions of `old`.
fn write_as(mut file: File, write: impl FnOnce(&mut File) -> Result<()>, old: &Path) -> Result<()> {
    if let Ok(metadata) = std::fs::metadata(old)
        && metadata.is_file()
    {
        file.set_permissions(metadata.permissions())?;
    }
    write(&mut file)?;
    file.sync_all()
}

/// Age from which a temporary file is considered abandoned; no write takes that long.
const STALE: Duration = Duration::from_secs(600);

/// Removes the folder of the temporary files, unless it contains one of another writer or of a
/// killed process that is not yet stale. Failures are ignored: the next write tries again.
fn remove_folder(folder: &Path) {
    if std::fs::remove_dir(folder).is_ok() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_stale(&entry) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
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
