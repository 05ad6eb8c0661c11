//! Training run: seed, epoch callback, checkpoints.
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::ModelId;

/// Callback after every epoch; it returns `Break` to stop the training.
pub type OnEpoch<'a> = dyn Fn(&EpochReport) -> ControlFlow<()> + Sync + 'a;

/// Report of one epoch: losses and validation accuracy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// Id of the model in training.
    pub model: ModelId,
    /// Index of the model, counted from 0, if it is a member of an ensemble.
    pub member: Option<u64>,
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Maximum number of epochs.
    pub max_epochs: usize,
    /// Mean cross-entropy over the epoch's training windows, nats.
    pub train_loss: f64,
    /// Mean cross-entropy on the validation windows after the epoch, nats. Without a NEUTRAL band,
    /// windows whose close did not move are excluded. `None` without windows.
    pub validation_loss: Option<f64>,
    /// Share of the validation windows whose most probable class is correct; `None` without
    /// windows.
    pub validation_accuracy: Option<f64>,
    /// Whether the epoch has the lowest validation loss so far.
    pub best: bool,
}

/// Training run: seed, epoch callback, checkpoints.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use windvane_models::train::Run;
///
/// let ten_epochs = |report: &windvane_models::train::EpochReport| {
///     if report.epoch < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// };
/// let run = Run::new(42).on_epoch(&ten_epochs).checkpoints("checkpoints");
/// assert_eq!(run.seed(), 42);
/// ```
#[derive(Clone)]
pub struct Run<'a> {
    seed: u64,
    member: Option<u64>,
    on_epoch: Option<&'a OnEpoch<'a>>,
    checkpoints: Option<PathBuf>,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, checkpoints, .. } = self;
        f.debug_struct("Run").field("seed", seed).field("checkpoints", checkpoints).finish()
    }
}

impl<'a> Run<'a> {
    /// Creates a run without epoch callback and checkpoints. All random draws depend on the seed:
    /// the same seed gives the same bits for any number of threads.
    pub fn new(seed: u64) -> Self {
        Self { seed, member: None, on_epoch: None, checkpoints: None }
    }

    /// Sets the callback after every epoch. If it returns `Break`, the training ends with
    /// [`TrainError::Stopped`](crate::TrainError::Stopped).
    #[must_use]
    pub fn on_epoch(self, on_epoch: &'a OnEpoch<'a>) -> Self {
        Self { on_epoch: Some(on_epoch), ..self }
    }

    /// Writes a checkpoint to `folder` after every epoch and resumes from a checkpoint found there.
    /// A run that was stopped or killed ends with the same bits as an uninterrupted one. A
    /// checkpoint with other data, settings or another seed is an error.
    ///
    /// A learner of several models uses a subfolder for each.
    #[must_use]
    pub fn checkpoints(self, folder: impl Into<PathBuf>) -> Self {
        Self { checkpoints: Some(folder.into()), ..self }
    }

    /// Creates the run of one member of an ensemble, with a seed and a folder of its own.
    #[must_use]
    pub fn member(&self, learner: &ModelId, index: u64) -> Self {
        // A hash and not a sum, so that members of nested ensembles have different seeds.
        let seed = xxh3_64(&[self.seed.to_le_bytes(), index.to_le_bytes()].concat());
        let name = format!("{}.{index}", file_name(learner));
        let checkpoints = self.checkpoints.as_ref().map(|folder| folder.join(name));
        Self { seed, member: Some(index), on_epoch: self.on_epoch, checkpoints }
    }

    /// Seed of every random draw.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Index of the model among the members of an ensemble; `None` outside an ensemble.
    pub fn member_index(&self) -> Option<u64> {
        self.member
    }

    /// Calls the epoch callback; returns `Break` to stop the training.
    pub fn report(&self, report: &EpochReport) -> ControlFlow<()> {
        self.on_epoch.map_or(ControlFlow::Continue(()), |on_epoch| on_epoch(report))
    }

    /// Path of a model's checkpoint; `None` without checkpoints.
    #[allow(dead_code, reason = "only networks have checkpoints")]
    pub(crate) fn checkpoint_of(&self, model: &ModelId) -> Option<PathBuf> {
        let folder: &Path = self.checkpoints.as_deref()?;
        Some(folder.join(format!("{}.checkpoint", file_name(model))))
    }
}

/// Converts an id into a file name that is valid on every file system.
fn file_name(id: &ModelId) -> String {
    id.as_str().chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
