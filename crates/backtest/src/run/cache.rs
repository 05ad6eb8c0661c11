//! Cache of task results in a folder, from which an interrupted run continues.
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use windvane_candles::Timestamp;
use windvane_lstm_core::Kernel;
use windvane_models::replace_file_with;
use windvane_models::train::Learner;
use windvane_signals::{LabelSpec, SampleSet, SignalError};
use xxhash_rust::xxh3::Xxh3;

use super::fingerprint::hash_settings;
use super::fold::Fold;
use super::task_result::StoredResult;
use crate::error::BacktestError;

/// Folder with one file per finished task, named by a hash of all inputs of the task.
///
/// Other data, settings, versions or kernels give another name, so their files are never read.
pub(crate) struct TaskCache<'a> {
    folder: &'a Path,
    /// Hashes of the inputs that all tasks of an interval share.
    groups: Vec<(windvane_candles::Interval, Xxh3)>,
}

/// Cache file of a task.
pub(crate) struct CacheFile {
    path: PathBuf,
    key: u128,
}

/// Hash of the text that is written to it.
struct BodyHash(Xxh3);

impl BodyHash {
    fn checksum(&self) -> String {
        format!("{:016x}", self.0.digest())
    }
}

impl Write for BodyHash {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Version of the program, as a part of the key.
#[derive(Serialize)]
struct ProgramVersion {
    version: &'static str,
    kernel: &'static str,
}

/// Settings of a task, as a part of the key.
#[derive(Serialize)]
struct TaskSettings<'a> {
    learner: &'a str,
    seed: u64,
    lookback: usize,
    labels: LabelSpec,
    train_from: Option<i64>,
    validate_from: i64,
    /// Start and end of each test, milliseconds since 1970.
    tests: Vec<(i64, Option<i64>)>,
    embargo: u32,
}

impl<'a> TaskCache<'a> {
    /// Creates the folder if it does not exist.
    pub(crate) fn new(folder: &'a Path, folds: &[Fold<'_>]) -> Result<Self, BacktestError> {
        let created = std::fs::create_dir_all(folder);
        created.map_err(|source| BacktestError::Io { path: folder.to_path_buf(), source })?;
        Self::of_existing(folder, folds)
    }

    /// Names the files of an existing folder.
    pub(crate) fn of_existing(folder: &'a Path, folds: &[Fold<'_>]) -> Result<Self, BacktestError> {
        let groups = folds.chunk_by(|a, b| a.interval() == b.interval()).map(|folds| {
            let mut hash = Xxh3::new();
            let version = env!("CARGO_PKG_VERSION");
            hash_settings(&mut hash, &ProgramVersion { version, kernel: Kernel::detect().name() });
            folds[0].group.hash_into(&mut hash)?;
            Ok((folds[0].interval(), hash))
        });
        let groups = groups.collect::<Result<_, SignalError>>()?;
        Ok(Self { folder, groups })
    }

    /// Cache file of a task; `None` for a learner without settings and for a fold without training
    /// windows.
    pub(crate) fn file(
        &self,
        fold: &Fold<'_>,
        learner: &dyn Learner,
        seed: u64,
    ) -> Option<CacheFile> {
        let settings = learner.settings()?;
        let (train, validation) = fold.training_windows.as_ref().ok()?;
        let (_, group) = self.groups.iter().find(|(interval, _)| *interval == fold.interval())?;
        let mut hash = group.clone();
        let tests = fold.split.tests().iter();
        hash_settings(
            &mut hash,
            &TaskSettings {
                learner: &settings,
                seed,
                lookback: fold.test.lookback(),
                labels: fold.test.labels(),
                train_from: fold.split.train_from().map(Timestamp::millis),
                validate_from: fold.split.validate_from().millis(),
                tests: tests
                    .map(|test| (test.from.millis(), test.until.map(Timestamp::millis)))
                    .collect(),
                embargo: fold.split.embargo(),
            },
        );
        let samples = [train, validation as &SampleSet, &fold.test];
        for samples in samples.into_iter().chain(&fold.later) {
            hash_samples(&mut hash, samples);
        }
        let key = hash.digest128();
        Some(CacheFile { path: self.folder.join(format!("{key:032x}.task")), key })
    }
}

fn hash_samples(hash: &mut Xxh3, samples: &SampleSet) {
    hash.update(&(samples.len() as u64).to_le_bytes());
    for sample in samples.samples() {
        for number in [sample.table(), sample.row(), sample.label().index()] {
            hash.update(&(number as u64).to_le_bytes());
        }
        hash.update(&sample.settled_at().millis().to_le_bytes());
    }
}

impl CacheFile {
    /// Hash of all inputs of the task, 32 hexadecimal digits.
    pub(crate) fn key(&self) -> String {
        format!("{:032x}", self.key)
    }

    /// Path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the result of the task, which must have the predictions of the fold; `None` if there is
    /// no file, and the reason if the file is damaged.
    pub(crate) fn read(&self, fold: &Fold<'_>) -> Result<Option<StoredResult>, String> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (checksum, body) = text.split_once('\n').unwrap_or_default();
        let mut hash = self.body_hash();
        hash.0.update(body.as_bytes());
        if checksum != hash.checksum() {
            return Err("the checksum does not match".to_string());
        }
        let stored: StoredResult = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let later = fold.later.as_ref().map_or(0, SampleSet::len);
        let tested =
            stored.as_ref().ok().map(|result| (result.predictions.len(), result.later.len()));
        if tested.is_some_and(|tested| tested != (fold.test.len(), later)) {
            return Err("the number of predictions is not that of the test".to_string());
        }
        Ok(Some(stored))
    }

    /// Writes the result of the task atomically. Its text is larger than the result, so it is never in
    /// memory: it is made twice, for the checksum and for the file.
    pub(crate) fn write(&self, result: &StoredResult) -> std::io::Result<()> {
        let mut body = self.body_hash();
        serde_json::to_writer(&mut body, result)?;
        replace_file_with(&self.path, |file| {
            let mut file = BufWriter::new(file);
            writeln!(file, "{}", body.checksum())?;
            serde_json::to_writer(&mut file, result)?;
            file.flush()
        })
    }

    /// Hash of a body, which begins with the key, so that a file under the name of another task is
    /// rejected.
    fn body_hash(&self) -> BodyHash {
        let mut hash = Xxh3::new();
        hash.update(&self.key.to_le_bytes());
        BodyHash(hash)
    }

    /// Message for a damaged file.
    pub(crate) fn unusable(&self, reason: &str) -> String {
        format!("{}: damaged cache file ({reason}); the task runs again", self.path.display())
    }

    /// Message for a file that could not be written.
    pub(crate) fn not_written(&self, reason: &std::io::Error) -> String {
        format!("{}: the result cannot be cached: {reason}", self.path.display())
    }
}
