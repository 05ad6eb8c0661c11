//! What finished tasks came to, in a folder: an interrupted run goes on where it stopped.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_lstm_core::Kernel;
use windvane_models::train::Learner;
use windvane_models::{Probabilities, TrainingRecord, replace_file};
use windvane_signals::SampleSet;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::backtest::Planned;
use crate::group::Fold;
use crate::importance::Effect;
use crate::task::Answers;
use crate::{BacktestError, EpochLoss};

/// A folder with one file per finished task, named by a hash of all that decides what it comes to.
///
/// A file of other data, settings, another version or another processor's kernel has another
/// name and is never looked at.
pub(crate) struct Store<'a> {
    folder: &'a Path,
    /// Everything that all tasks of a group share.
    groups: Vec<Xxh3>,
}

/// The file of a task.
pub(crate) struct Slot {
    path: PathBuf,
    key: u128,
}

/// What a file holds behind its checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    training: Option<TrainingRecord>,
    fit_seconds: f64,
    predict_seconds: f64,
    /// Index of the class called, and the bits of the classes' probabilities.
    calls: Vec<(usize, [u32; 3])>,
    top_shares: Vec<f64>,
    effects: Vec<Vec<Effect>>,
    epochs: Vec<EpochLoss>,
}

impl<'a> Store<'a> {
    /// Makes the folder where it is missing.
    pub(crate) fn new(folder: &'a Path, planned: &[Planned<'_>]) -> Result<Self, BacktestError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| BacktestError::Io { path: folder.to_path_buf(), source })?;
        let groups = planned.iter().map(|planned| {
            let mut hash = Xxh3::new();
            let version = (env!("CARGO_PKG_VERSION"), Kernel::detect().name());
            hash.update(format!("{version:?}").as_bytes());
            planned.group.hash_into(&mut hash);
            hash
        });
        Ok(Self { folder, groups: groups.collect() })
    }

    /// The file of a task; `None` for a learner that does not tell what it does, and for a fold
    /// that cannot be learned from.
    pub(crate) fn slot(
        &self,
        group: usize,
        fold: &Fold,
        learner: &dyn Learner,
        seed: u64,
    ) -> Option<Slot> {
        let (recipe, (train, validation)) = (learner.recipe()?, fold.parts.as_ref().ok()?);
        let mut hash = self.groups[group].clone();
        let (lookback, labels) = (fold.test.lookback(), fold.test.labels());
        hash.update(format!("{recipe} {seed} {lookback} {labels:?} {:?}", fold.split).as_bytes());
        for samples in [train, validation as &SampleSet, &fold.test] {
            hash.update(&(samples.len() as u64).to_le_bytes());
            for sample in samples.samples() {
                let place = [sample.table, sample.row, sample.label.index()];
                for number in place {
                    hash.update(&(number as u64).to_le_bytes());
                }
                hash.update(&sample.outcome.settled_at.millis().to_le_bytes());
            }
        }
        let key = hash.digest128();
        Some(Slot { path: self.folder.join(format!("{key:032x}.task")), key })
    }
}

impl Slot {
    /// What the task came to, `windows` predictions; `None` where that is not known, and a reason
    /// where the file cannot be trusted.
    pub(crate) fn read(&self, windows: usize) -> Result<Option<Answers>, String> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(&error)),
        };
        let (checksum, body) = text.split_once('\n').unwrap_or_default();
        if checksum != self.checksum(body) {
            return Err(self.unusable(&"its checksum is wrong"));
        }
        let kept: Kept = serde_json::from_str(body).map_err(|error| self.unusable(&error))?;
        let call = |(class, bits): (usize, [u32; 3])| {
            Some((*Direction::ALL.get(class)?, Probabilities::new(bits.map(f32::from_bits))?))
        };
        let Kept { training, fit_seconds, predict_seconds, calls, top_shares, effects, epochs } =
            kept;
        let calls: Option<Vec<_>> = calls.into_iter().map(call).collect();
        let calls = calls.filter(|calls| calls.len() == windows && top_shares.len() == windows);
        let calls = calls.ok_or_else(|| self.unusable(&"its predictions are others"))?;
        Ok(Some(Answers {
            calls,
            top_shares,
            effects,
            epochs,
            training,
            fit_seconds,
            predict_seconds,
        }))
    }

    /// Keeps what the task came to; the file is written whole or not at all.
    pub(crate) fn write(&self, came: &Answers) -> Result<(), String> {
        let Answers { calls, training, fit_seconds, predict_seconds, .. } = came;
        let call = |(called, probabilities): &(Direction, Probabilities)| {
            (called.index(), probabilities.classes().map(f32::to_bits))
        };
        let kept = Kept {
            training: training.clone(),
            fit_seconds: *fit_seconds,
            predict_seconds: *predict_seconds,
            calls: calls.iter().map(call).collect(),
            top_shares: came.top_shares.clone(),
            effects: came.effects.clone(),
            epochs: came.epochs.clone(),
        };
        let body = serde_json::to_string(&kept).map_err(|error| self.unusable(&error))?;
        let text = [&self.checksum(&body), "\n", &body].concat();
        replace_file(&self.path, text.as_bytes()).map_err(|error| self.unusable(&error))
    }

    /// Of the task and the body: a file under another task's name has a wrong one.
    fn checksum(&self, body: &str) -> String {
        format!("{:016x}", xxh3_64(&[&self.key.to_le_bytes()[..], body.as_bytes()].concat()))
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> String {
        format!("{}: {why}; the task is not resumed", self.path.display())
    }
}
