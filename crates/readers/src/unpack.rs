//! Unpacking of zip and gzip files.

use std::io::{Cursor, Read};

use super::error::ReadError;
use super::error::excerpt;
use super::note::{Note, NoteKind, file_note};

/// Maximum number of bytes of a file, compressed or unpacked.
pub(crate) const MAX_BYTES: u64 = 2 << 30;
/// Maximum ratio of the unpacked size without `FREE_BYTES` to the compressed size. Text compresses
/// to about a tenth; a file that compresses to less than a two-hundredth is probably malicious.
const MAX_RATIO: u64 = 200;
/// Number of unpacked bytes that are accepted in addition to the ratio.
const FREE_BYTES: u64 = 1 << 20;
/// Files beside the data in an archive.
const ASIDE: [&str; 10] =
    ["md", "txt", "pdf", "html", "checksum", "sha256", "md5", "license", "ini", "db"];

/// Returns the maximum unpacked size of a compressed file of this size.
pub(crate) fn max_unpacked(packed: usize) -> u64 {
    (packed as u64).saturating_mul(MAX_RATIO).saturating_add(FREE_BYTES).min(MAX_BYTES)
}

/// Returns the content of an archive, also of an archive in an archive, or the bytes unchanged.
pub(crate) fn unpack(
    mut bytes: Vec<u8>,
    file: &str,
    notes: &mut Vec<Note>,
) -> Result<Vec<u8>, ReadError> {
    for _ in 0..2 {
        let most = max_unpacked(bytes.len());
        bytes = if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            unzip(bytes, file, most, notes)?
        } else if bytes.starts_with(b"\x1f\x8b") {
            notes.push(file_note(NoteKind::Unpacked, "unpacked with gzip"));
            gunzip(&bytes, file, most)?
        } else {
            return refuse_other(bytes, file);
        };
    }
    refuse_other(bytes, file)
}

/// Returns an error for other compressed or binary formats, which would be unrecognisable text.
fn refuse_other(bytes: Vec<u8>, file: &str) -> Result<Vec<u8>, ReadError> {
    let format = match &bytes[..] {
        [b'P', b'K', 3, 4, ..] | [0x1f, 0x8b, ..] => "archive in an archive in an archive",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "Zstandard",
        [b'B', b'Z', b'h', ..] => "bzip2",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz",
        [b'7', b'z', 0xbc, 0xaf, ..] => "7z",
        [b'R', b'a', b'r', b'!', ..] => "RAR",
        [0x89, b'H', b'D', b'F', ..] => "HDF5",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "NumPy array",
        [0x80, 2..=5, ..] => "Python pickle",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "Excel workbook",
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => "SQLite database",
        _ if bytes.get(257..262) == Some(b"ustar") => "tar",
        _ => return Ok(bytes),
    };
    let reason = "not opened: unpack or export it first".to_owned();
    Err(ReadError::Format { file: file.to_owned(), format, reason })
}

/// Unpacks all members of a gzip file; zeros after the last one are passed over.
fn gunzip(bytes: &[u8], file: &str, most: u64) -> Result<Vec<u8>, ReadError> {
    let (mut all, mut rest) = (vec![], bytes);
    while !rest.iter().all(|byte| *byte == 0) {
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let left = most - all.len() as u64;
        all.extend(limited(&mut member, file, "gzip", left)?);
        rest = member.into_inner();
    }
    Ok(all)
}

fn unzip(
    bytes: Vec<u8>,
    file: &str,
    most: u64,
    notes: &mut Vec<Note>,
) -> Result<Vec<u8>, ReadError> {
    let wrong = |error: zip::result::ZipError| ReadError::Format {
        file: file.to_owned(),
        format: "zip",
        reason: error.to_string(),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(wrong)?;
    let mut all = vec![];
    for name in archive.file_names() {
        all.push(name.map_err(wrong)?.into_owned());
    }
    all.retain(|name| !is_hidden(name));
    let (mut names, mut left): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|name| !is_aside(name));
    if names.is_empty() {
        std::mem::swap(&mut names, &mut left);
    }
    if names.len() != 1 {
        if names.is_empty() {
            return Err(ReadError::Empty { file: file.to_owned() });
        }
        let count = names.len();
        names.sort();
        let names: Vec<String> = names.iter().take(3).map(|name| excerpt(name)).collect();
        let reason = format!("holds {count} files ({names:?}...): unpack them and read one by one");
        return Err(ReadError::format(file, "zip", reason));
    }
    let mut text = format!("unzipped {}", excerpt(&names[0]));
    if !left.is_empty() {
        let noun = if left.len() == 1 { "file" } else { "files" };
        text = format!("{text}, {} other {noun} left aside", left.len());
    }
    notes.push(file_note(NoteKind::Unpacked, text));
    let entry = archive.by_name(&names[0]).map_err(wrong)?;
    limited(entry, file, "zip", most)
}

/// Returns whether a name is that of a folder or a hidden file.
fn is_hidden(name: &str) -> bool {
    let inside = name.ends_with('/') || name.starts_with("__MACOSX") || name.contains("/.");
    inside || name.starts_with('.')
}

/// Returns whether a name is that of a file other than data, such as a licence.
fn is_aside(name: &str) -> bool {
    let end = name.rsplit(['.', '/']).next().unwrap_or_default();
    ASIDE.iter().any(|word| end.eq_ignore_ascii_case(word))
}

/// Reads to the end; more than `most` bytes are an error.
fn limited(
    reader: impl Read,
    file: &str,
    format: &'static str,
    most: u64,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![];
    let read = reader.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| ReadError::Format {
        file: file.to_owned(),
        format,
        reason: error.to_string(),
    })?;
    if bytes.len() as u64 > most {
        return Err(ReadError::TooLarge { file: file.to_owned(), most, packed: true });
    }
    Ok(bytes)
}
