//! Temporary file of the values of tables: appended once, read at any position by any thread.
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::SignalError;

/// Number of names that are tried until one does not exist.
const MAX_NAMES: u32 = 1_000;

/// Temporary file, which is deleted when it is dropped. On Unix it has no name from the start, so
/// it vanishes even if the process is killed.
#[derive(Debug)]
pub(super) struct ValuesFile {
    file: File,
    folder: PathBuf,
    /// Name to delete at the end.
    name: Option<PathBuf>,
    len: AtomicU64,
}

impl ValuesFile {
    pub(super) fn create(folder: &Path) -> Result<Self, SignalError> {
        let created = create_new(folder).and_then(|(file, path)| {
            let name = if cfg!(unix) {
                std::fs::remove_file(&path)?;
                None
            } else {
                Some(path)
            };
            Ok((file, name))
        });
        let (file, name) = created.map_err(|error| file_error(folder, "create", &error))?;
        Ok(Self { file, folder: folder.to_path_buf(), name, len: AtomicU64::new(0) })
    }

    /// Appends bytes and returns their position.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<u64, SignalError> {
        let at = self.len.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        write_all_at(&self.file, bytes, at)
            .map_err(|error| file_error(&self.folder, "write", &error))?;
        Ok(at)
    }

    /// Reads as many bytes as the buffer has.
    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), SignalError> {
        read_exact_at(&self.file, bytes, at)
            .map_err(|error| file_error(&self.folder, "read", &error))
    }
}

impl Drop for ValuesFile {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // A file that cannot be deleted stays in the folder for temporary files.
            let _ = std::fs::remove_file(name);
        }
    }
}

/// Creates a file under a name that does not exist.
fn create_new(folder: &Path) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if cfg!(not(any(unix, windows))) {
        return Err(io::ErrorKind::Unsupported.into()); // such as a browser
    }
    for _ in 0..MAX_NAMES {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("windvane-values-{}-{number}.tmp", std::process::id());
        let path = folder.join(name);
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn file_error(folder: &Path, action: &'static str, error: &io::Error) -> SignalError {
    let (kind, problem) = (error.kind(), error.to_string());
    SignalError::File { folder: folder.to_path_buf(), action, kind, problem }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, at)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => (bytes, at) = (&bytes[written..], at + written as u64),
        }
    }
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => (bytes, at) = (&mut bytes[read..], at + read as u64),
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn write_all_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(unix, windows)))]
fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_file_in_a_missing_folder_is_an_error() {
        let error = ValuesFile::create(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder: cannot create"), "{error}");
    }

    #[test]
    fn values_file_leaves_nothing_in_its_folder() {
        let folder = std::env::temp_dir().join(format!("windvane-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = ValuesFile::create(&folder).unwrap();
        let (first, second) = (file.append(b"abc").unwrap(), file.append(b"defg").unwrap());
        let mut read = [0; 4];
        file.read(&mut read, second).unwrap();
        assert_eq!((&read, first), (b"defg", 0));
        file.read(&mut read, 5).unwrap_err();
        drop(file);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn values_file_on_a_full_disk_is_an_error() {
        let file = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let (folder, len) = (PathBuf::from("/dev"), AtomicU64::new(0));
        let full = ValuesFile { file, folder, name: None, len };
        let error = full.append(b"abc").unwrap_err();
        let SignalError::File { action, kind, .. } = &error else { panic!("{error}") };
        assert_eq!((*action, *kind), ("write", io::ErrorKind::StorageFull));
        assert!(error.to_string().contains("free space"), "{error}");
    }
}
