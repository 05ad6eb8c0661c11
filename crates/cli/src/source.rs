//! Sources of candles: files, and the pairs of Hive-partitioned folders.
use std::fmt;
use std::path::{Path, PathBuf};

use windvane::prelude::*;
use windvane::readers::{PartitionedFolder, PartitionedPair, ReadResult};

use crate::Error;
use crate::files;
use crate::gap_note::gap_note;
use crate::reading::ReadArgs;

/// Source of the candles of one pair.
pub(crate) enum CandleSource {
    /// File of candles, named after its pair.
    File(PathBuf),
    /// Files of a pair in a Hive-partitioned folder.
    Partitions(PartitionedPair),
}

/// Returns a file, the candle files of a folder sorted by name, or the pairs of a folder that is
/// divided by `key=value` folders; at least one.
pub(crate) fn sources(path: &Path, args: &ReadArgs) -> Result<Vec<CandleSource>, Error> {
    let options = args.options(Pair::new("FILE")?, None)?;
    match PartitionedFolder::open(path, &options)? {
        Some(folder) => Ok(folder.into_pairs().into_iter().map(CandleSource::Partitions).collect()),
        None => Ok(files::files(path)?.into_iter().map(CandleSource::File).collect()),
    }
}

impl CandleSource {
    /// Name of the pair, that of a file without its date and extensions.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(file) => files::name(file),
            Self::Partitions(pair) => pair.pair().to_string(),
        }
    }

    /// Path of the file or the folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(file) => file,
            Self::Partitions(pair) => pair.folder(),
        }
    }

    /// Paths of all files.
    pub(crate) fn files(&self) -> Vec<&Path> {
        match self {
            Self::File(file) => vec![file],
            Self::Partitions(pair) => pair.files().collect(),
        }
    }

    /// Reads the candles under the name of a pair, and the list of repairs and gaps.
    ///
    /// # Errors
    /// A file that cannot be read, or has another interval than the given one.
    pub(crate) fn read(
        &self,
        pair: Pair,
        interval: Option<Interval>,
        args: &ReadArgs,
    ) -> Result<(CandleSeries, Vec<String>), Error> {
        let options = args.options(pair.clone(), interval)?;
        let ReadResult { mut series, notes, .. } = match self {
            Self::File(file) => options.read_file(file)?,
            Self::Partitions(partitions) => partitions.read(&options)?,
        };
        if *series.pair() != pair {
            series = CandleSeries::new(pair, series.interval(), series.candles().to_vec())?;
        }
        let notes = notes.iter().map(ToString::to_string).chain(gap_note(&series));
        let notes = notes.map(|note| format!("{self}: {note}")).collect();
        Ok((series, notes))
    }

    /// Reads each series of the source.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_all(
        &self,
        interval: Option<Interval>,
        args: &ReadArgs,
    ) -> Result<Vec<ReadResult>, Error> {
        let pair = Pair::new(&self.name()).or_else(|_| Pair::new("FILE"))?;
        let options = args.options(pair, interval)?;
        match self {
            Self::File(file) => Ok(options.read_all(file)?),
            Self::Partitions(partitions) => Ok(vec![partitions.read(&options)?]),
        }
    }
}

/// Path, with the pair of a folder of partitions.
impl fmt::Display for CandleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            Self::File(_) => write!(f, "{path}"),
            Self::Partitions(pair) => write!(f, "{path} ({})", pair.pair()),
        }
    }
}
