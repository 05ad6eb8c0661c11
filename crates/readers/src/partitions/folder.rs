//! Files of a folder of partitions with their keys.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::super::error::ReadError;
use super::wrong;

/// Folders in folders that are followed.
const MAX_DEPTH: usize = 16;
/// Value that Hive and Spark write for a missing one.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// File with the keys of its folders, outermost first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PartitionFile {
    pub(crate) path: PathBuf,
    pub(crate) keys: Vec<(String, String)>,
}

/// Lists the files, sorted by path; `None` if neither the folder nor one in it is `key=value`.
pub(super) fn files(root: &Path) -> Result<Option<Vec<PartitionFile>>, ReadError> {
    if !root.is_dir() {
        return Ok(None);
    }
    // `data/pair=BTCUSDT` may be given itself.
    let mut own = Vec::new();
    for part in root.components().rev() {
        match key_of(part.as_os_str()) {
            Some(key) => own.push(key),
            None => break,
        }
    }
    own.reverse();
    if own.is_empty() && !entries(root)?.iter().any(|path| path.is_dir() && key(path).is_some()) {
        return Ok(None);
    }
    let mut files = Vec::new();
    walk(root, &own, MAX_DEPTH, &mut files)?;
    for file in &files {
        let names = |file: &PartitionFile| -> Vec<String> {
            file.keys.iter().map(|(name, _)| name.clone()).collect()
        };
        let (first, own) = (names(&files[0]), names(file));
        if own != first {
            let reason = format!(
                "its keys are {}, those of {} are {}; all files of a folder need the same keys",
                own.join(", "),
                files[0].path.display(),
                first.join(", ")
            );
            return Err(wrong(&file.path, reason));
        }
        if let Some((name, value)) = file.keys.iter().find(|(_, v)| v.is_empty() || v == MISSING) {
            let reason = format!("the key {name} has no value ({value:?}); rename the folder");
            return Err(wrong(&file.path, reason));
        }
    }
    Ok(Some(files))
}

fn walk(
    folder: &Path,
    keys: &[(String, String)],
    depth: usize,
    files: &mut Vec<PartitionFile>,
) -> Result<(), ReadError> {
    let all = entries(folder)?;
    let (folders, own): (Vec<PathBuf>, Vec<PathBuf>) =
        all.into_iter().partition(|path| path.is_dir());
    if let ([file, ..], [inner, ..]) = (&own[..], &folders[..]) {
        let reason = format!(
            "it contains a file, {}, beside a folder, {}; expected either files or key=value folders",
            name(file),
            name(inner)
        );
        return Err(wrong(folder, reason));
    }
    if own.is_empty() && folders.is_empty() {
        return Err(wrong(folder, "the partition is empty; add its files or remove it"));
    }
    files.extend(own.into_iter().map(|path| PartitionFile { path, keys: keys.to_vec() }));
    let mut first: Option<String> = None;
    for inner in folders {
        let Some((name, value)) = key(&inner) else {
            return Err(wrong(&inner, "a folder beside partitions; expected the form key=value"));
        };
        let first = first.get_or_insert_with(|| name.clone());
        if *first != name {
            let reason = format!("folders of two keys in one folder: {first} and {name}");
            return Err(wrong(folder, reason));
        }
        if keys.iter().any(|(other, _)| *other == name) {
            return Err(wrong(&inner, format!("the key {name} occurs twice in the path")));
        }
        let depth = depth.checked_sub(1).ok_or_else(|| {
            wrong(&inner, format!("more than {MAX_DEPTH} folders in each other; is it a loop?"))
        })?;
        walk(&inner, &[keys, &[(name, value)]].concat(), depth, files)?;
    }
    Ok(())
}

/// Entries of a folder sorted by name, except hidden ones (`_SUCCESS`, `.part.crc`).
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let io = |source| ReadError::Io { file: folder.display().to_string(), source };
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if !name(&path).starts_with(['_', '.']) {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn key(folder: &Path) -> Option<(String, String)> {
    key_of(folder.file_name()?)
}

/// Key and value of a name such as `pair=BTC%2FUSDT`.
fn key_of(name: &OsStr) -> Option<(String, String)> {
    let (key, value) = name.to_str()?.split_once('=')?;
    (!key.is_empty()).then(|| (unescaped(key), unescaped(value)))
}

/// Text with `%2F` and the like as the characters they stand for, as Hive writes them.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|two| *first == b'%' && is_hex(two));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn is_hex(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_values_are_unescaped() {
        let cases = [
            ("pair=BTC%2FUSDT", Some(("pair", "BTC/USDT"))),
            ("pair=EURUSD=X", Some(("pair", "EURUSD=X"))),
            ("pair=100%", Some(("pair", "100%"))),
            ("pair=%zz%ff%+f", Some(("pair", "%zz%ff%+f"))),
            ("pair=", Some(("pair", ""))),
            ("=x", None),
            ("BTCUSDT", None),
        ];
        for (name, expected) in cases {
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(key_of(OsStr::new(name)), expected, "{name}");
        }
    }
}
