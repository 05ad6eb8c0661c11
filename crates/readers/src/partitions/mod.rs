//! Hive-partitioned folders: `pair=BTCUSDT/year=2024/part-0.parquet`.

mod columns;
mod folder;
mod join;
mod key;

use std::path::{Path, PathBuf};

use windvane_candles::Pair;

pub(crate) use self::columns::PartitionColumns;
use self::folder::PartitionFile;
use self::key::KeyKind;
use super::error::ReadError;
use super::names::plain_name;
use super::options::ReadOptions;

/// Folder of candle files that is divided by `key=value` folders, as Hive, Spark, `DuckDB` and polars
/// write it.
///
/// One key names the pair: `pair`, `symbol`, `ticker` or `instrument`. The keys `year`, `month`,
/// `day` and `date` state the period of a file, `interval` and `timeframe` its interval. Other keys
/// must have one value per pair, or be selected ([`ReadOptions::select`]). Files and folders whose
/// names begin with `_` or `.` are ignored.
///
/// # Examples
/// ```
/// use windvane_candles::Pair;
/// use windvane_readers::{PartitionedFolder, ReadOptions};
///
/// let root = std::env::temp_dir().join(format!("windvane-hive-{}", std::process::id()));
/// for (year, row) in [(2023, "2023-12-31 23:00,4,4,4,4,9"), (2024, "2024-01-01 00:00,4,5,4,5,9")] {
///     let folder = root.join(format!("pair=BTCUSDT/year={year}"));
///     std::fs::create_dir_all(&folder)?;
///     std::fs::write(folder.join("part-0.csv"), format!("time,open,high,low,close,volume\n{row}\n"))?;
/// }
/// let options = ReadOptions::new(Pair::new("any")?).interval("1h".parse()?);
/// let folder = PartitionedFolder::open(&root, &options)?.expect("a folder of partitions");
/// let read = folder.pairs()[0].read(&options)?;
/// assert_eq!(read.series.pair().as_str(), "BTCUSDT");
/// assert_eq!((read.series.len(), read.series.gaps().count()), (2, 0));
/// # std::fs::remove_dir_all(&root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionedFolder {
    pairs: Vec<PartitionedPair>,
}

/// Files of one pair in a [`PartitionedFolder`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionedPair {
    pair: Pair,
    /// Name of the key that names the pair.
    key: String,
    folder: PathBuf,
    files: Vec<PartitionFile>,
}

impl PartitionedFolder {
    /// Lists the files of a folder, without reading them; `None` if no folder in it, and neither its
    /// own name, is of the form `key=value`. Of the options it uses the selection.
    ///
    /// # Errors
    /// [`ReadError::Io`] if a folder cannot be listed, and [`ReadError::Partitions`] if its form is
    /// ambiguous: candle files beside partitions, folders or files of different keys, no key or
    /// several keys that name the pair, a value without meaning, or an empty partition.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Option<Self>, ReadError> {
        let root = path.as_ref();
        let Some(mut files) = folder::files(root)? else { return Ok(None) };
        select(&mut files, options, root)?;
        let key = pair_key(&files[0].keys, options, root)?;
        let mut pairs: Vec<PartitionedPair> = Vec::new();
        for file in files {
            let (name, value) = &file.keys[key];
            let pair = Pair::new(value).map_err(|error| {
                wrong(&file.path, format!("the partition names no pair: {error}; rename it"))
            })?;
            match pairs.iter_mut().find(|other| other.pair == pair) {
                Some(own) => own.files.push(file),
                None => pairs.push(PartitionedPair {
                    pair,
                    key: name.clone(),
                    folder: root.to_path_buf(),
                    files: vec![file],
                }),
            }
        }
        pairs.iter().try_for_each(PartitionedPair::check_other_keys)?;
        pairs.sort_by(|a, b| a.pair.cmp(&b.pair));
        Ok(Some(Self { pairs }))
    }

    /// Returns the pairs, sorted by name.
    pub fn pairs(&self) -> &[PartitionedPair] {
        &self.pairs
    }

    /// Returns the pairs, sorted by name, by value.
    pub fn into_pairs(self) -> Vec<PartitionedPair> {
        self.pairs
    }
}

impl PartitionedPair {
    /// Returns the pair.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Returns the folder as it was given.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the paths of its files, sorted by name.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Checks that keys without a meaning have one value.
    fn check_other_keys(&self) -> Result<(), ReadError> {
        let first = &self.files[0];
        for (index, (name, value)) in first.keys.iter().enumerate() {
            let is_other = KeyKind::of(name) == KeyKind::Other;
            let differs = |file: &&PartitionFile| file.keys[index].1 != *value;
            if let (true, Some(other)) = (is_other, self.files.iter().find(differs)) {
                let reason = format!(
                    "{} has files of {name}={value} and of {name}={}; read one with --select \
                     {name}={value} (ReadOptions::select)",
                    self.pair, other.keys[index].1
                );
                return Err(wrong(&self.folder, reason));
            }
        }
        Ok(())
    }
}

/// Keeps the files of the selected values; at least one.
fn select(
    files: &mut Vec<PartitionFile>,
    options: &ReadOptions,
    root: &Path,
) -> Result<(), ReadError> {
    for (name, value) in &options.select {
        let key = files[0].keys.iter().position(|(key, _)| is_same_name(key, name));
        let Some(key) = key else { continue };
        let mut values: Vec<String> = files.iter().map(|file| file.keys[key].1.clone()).collect();
        files.retain(|file| file.keys[key].1 == *value);
        if files.is_empty() {
            values.sort();
            values.dedup();
            let reason =
                format!("no partition {name}={value}; the values are {}", values.join(", "));
            return Err(wrong(root, reason));
        }
    }
    Ok(())
}

/// Position of the key that names the pair. Of several, those that a selection fixes are left out.
fn pair_key(
    keys: &[(String, String)],
    options: &ReadOptions,
    root: &Path,
) -> Result<usize, ReadError> {
    let is_selected = |key: &str| options.select.iter().any(|(name, _)| is_same_name(key, name));
    let mut named: Vec<usize> =
        (0..keys.len()).filter(|index| KeyKind::of(&keys[*index].0) == KeyKind::Pair).collect();
    if named.len() > 1 {
        named.retain(|index| !is_selected(&keys[*index].0));
    }
    match named[..] {
        [key] => Ok(key),
        [] => {
            let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
            let reason = format!(
                "no partition key names the pair: expected one of {}, found {}; rename the folders",
                key::PAIR_KEYS.join(", "),
                names.join(", ")
            );
            Err(wrong(root, reason))
        }
        [first, second, ..] => {
            let (first, second) = (&keys[first], &keys[second]);
            let reason = format!(
                "the keys {} and {} may both name the pair; fix one with --select {}={} \
                 (ReadOptions::select)",
                first.0, second.0, first.0, first.1
            );
            Err(wrong(root, reason))
        }
    }
}

/// Whether two names of a key or a column are the same except for case and signs.
fn is_same_name(a: &str, b: &str) -> bool {
    plain_name(a) == plain_name(b)
}

/// The error for a folder of partitions.
fn wrong(path: &Path, reason: impl Into<String>) -> ReadError {
    ReadError::Partitions { path: path.display().to_string(), reason: reason.into() }
}
