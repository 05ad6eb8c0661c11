//! Checkpoints: saved states of a training, which continues with the same bits.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windvane_lstm_core::OptimizerState;

use super::progress::{EpochLosses, TrainingState};
use crate::artifact::{SavedTensor, StoredFile, read_file};
use crate::{LoadError, TrainError, replace_file};

const KEY: &str = "windvane_checkpoint";

/// Settings and data that a checkpoint belongs to; a run continues only if all are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fingerprint {
    pub(crate) version: String,
    /// Kind and configuration of the network, number of channels and classes, as JSON.
    pub(crate) layers: String,
    /// Settings of the training, as JSON.
    pub(crate) training: String,
    pub(crate) seed: u64,
    pub(crate) data_hash: String,
}

/// Serialises settings as JSON; equal settings give equal text.
pub(crate) fn settings_text(settings: &impl Serialize) -> String {
    serde_json::to_string(settings).expect("invariant: settings are names, numbers and lists")
}

impl Fingerprint {
    /// Returns a message for the first part that differs.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            (self.version == other.version, "windvane's version differs"),
            (self.layers == other.layers, "the layers differ"),
            (self.training == other.training, "the training differs"),
            (self.seed == other.seed, "the seed differs"),
            (self.data_hash == other.data_hash, "the data differ"),
        ];
        parts.into_iter().find(|(equal, _)| !equal).map(|(_, what)| what)
    }
}

/// Card of a checkpoint file: all state except the tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointCard {
    run: Fingerprint,
    epoch: usize,
    steps: u64,
    best: EpochLosses,
}

/// Checkpoint file of a training run.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) path: PathBuf,
    pub(crate) run: Fingerprint,
}

impl Checkpoint {
    /// Writes the state to the file, replacing an earlier checkpoint.
    pub(crate) fn save(&self, state: &TrainingState) -> Result<(), TrainError> {
        let Some((losses, best)) = &state.best else { return Ok(()) };
        let card = CheckpointCard {
            run: self.run.clone(),
            epoch: state.epoch,
            steps: state.optimizer.steps(),
            best: *losses,
        };
        let tensors = [
            ("best", &best[..]),
            ("first", state.optimizer.first()),
            ("second", state.optimizer.second()),
            ("weights", &state.weights),
        ];
        let tensors = tensors.map(|(name, data)| SavedTensor {
            name: name.to_string(),
            shape: vec![data.len()],
            data: data.to_vec(),
        });
        let stored = StoredFile::new(&card, tensors.to_vec());
        let bytes = stored.and_then(|stored| stored.to_bytes(KEY));
        let bytes = bytes.map_err(|problem| self.damaged(problem))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written =
            std::fs::create_dir_all(folder).and_then(|()| replace_file(&self.path, &bytes));
        written.map_err(|source| LoadError::Io { path: self.path.clone(), source }.into())
    }

    /// Reads the state of a network with `weights` weights; `None` without a file.
    pub(crate) fn load(&self, weights: usize) -> Result<Option<TrainingState>, TrainError> {
        let bytes = match read_file(&self.path) {
            Ok(bytes) => bytes,
            Err(LoadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let file = self.path.display().to_string();
        let mut stored = StoredFile::from_bytes(&bytes, &file, KEY)?;
        let card = serde_json::from_str(&stored.card);
        let card: CheckpointCard = card.map_err(|error| self.damaged(error.to_string()))?;
        if let Some(problem) = card.run.difference(&self.run) {
            return Err(TrainError::Checkpoint { file, problem });
        }
        let current = self.take(&mut stored, "weights", weights)?;
        let first = self.take(&mut stored, "first", weights)?;
        let second = self.take(&mut stored, "second", weights)?;
        let optimizer = OptimizerState::from_parts(card.steps, first, second)?;
        let best = Some((card.best, self.take(&mut stored, "best", weights)?));
        Ok(Some(TrainingState { epoch: card.epoch, weights: current, optimizer, best }))
    }

    /// Takes a tensor of `expected` finite values out of the file's content.
    fn take(
        &self,
        stored: &mut StoredFile,
        name: &str,
        expected: usize,
    ) -> Result<Vec<f32>, TrainError> {
        let found = stored.tensors.iter_mut().find(|tensor| tensor.name == name);
        let data = found.map(|tensor| std::mem::take(&mut tensor.data)).unwrap_or_default();
        if data.len() == expected && data.iter().all(|number| number.is_finite()) {
            return Ok(data);
        }
        Err(self.damaged(format!("tensor {name} does not have {expected} finite values")))
    }

    fn damaged(&self, problem: String) -> TrainError {
        LoadError::Damaged { file: self.path.display().to_string(), problem }.into()
    }
}
