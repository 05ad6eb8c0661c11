//! Successive halving: choice among hyperparameters with few epochs for the worse ones.
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use windvane_signals::{TrainSet, ValidationSet};

use super::NetworkLearner;
use crate::train::{EpochReport, Learner, Run};
use crate::{FittedModel, ModelId, TrainError};

/// Learner that chooses among several learners of networks by successive halving.
///
/// Every candidate is trained for a few epochs, and the worse half by validation loss is dropped;
/// the others are trained for twice as many epochs, and so on. The last candidate is trained in
/// full, and its model is the result. Only training and validation windows are used, so one fold of
/// a backtest makes one choice of its own.
///
/// A candidate begins again in every round, with its own schedule of the learning rate; a round
/// ends after its number of epochs, and the lowest validation loss until then counts. All
/// candidates have the seed of the run. Ties are resolved by the order of the candidates, and a
/// candidate whose training fails is dropped. The choice does not depend on the number of threads.
/// The notes of the training record list the rounds.
///
/// **Source** Jamieson and Talwalkar 2016, with twice the epochs per round and restarts.
///
/// # Examples
/// ```
/// use windvane_models::network::{NetworkLearner, SuccessiveHalving};
/// use windvane_models::train::{Learner, TrainConfig};
/// use windvane_models::{ModelId, v32};
///
/// let candidates = [0.002, 0.004, 0.008, 0.016].map(|learning_rate| NetworkLearner {
///     id: ModelId::new(format!("v32, rate {learning_rate}")),
///     training: TrainConfig { learning_rate, ..v32::learner().training },
///     ..v32::learner()
/// });
/// // 4 candidates × 2 epochs, 2 candidates × 4 epochs, then one in full.
/// let bracket = SuccessiveHalving::new("v32 rates", 2, candidates.to_vec());
/// assert_eq!(bracket.id().as_str(), "v32 rates");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SuccessiveHalving {
    id: ModelId,
    first_epochs: usize,
    candidates: Vec<NetworkLearner>,
}

/// Candidate in a round, by index, with its lowest validation loss; infinite after a failure.
type RoundResult = (usize, f64);

impl SuccessiveHalving {
    /// Creates a learner with the id `name` of the given candidates, whose ids name them in the
    /// notes. The first round has `first_epochs` epochs; 0 counts as 1.
    pub fn new(name: &str, first_epochs: usize, candidates: Vec<NetworkLearner>) -> Self {
        Self { id: ModelId::new(name), first_epochs: first_epochs.max(1), candidates }
    }

    /// Number of epochs of all rounds together, including the last fit, at most.
    pub fn max_epochs(&self) -> usize {
        let (mut left, mut epochs, mut sum) = (self.candidates.len(), self.first_epochs, 0);
        let most = self.candidates.iter().map(|one| one.training.epochs).max().unwrap_or(0);
        while left > 1 {
            sum += left * epochs.min(most);
            (left, epochs) = (left.div_ceil(2), epochs.saturating_mul(2));
        }
        sum + most
    }

    /// Index of the last candidate, and a note per round.
    fn choose(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<(usize, Vec<String>), TrainError> {
        let mut left: Vec<usize> = (0..self.candidates.len()).collect();
        let (mut epochs, mut notes) = (self.first_epochs, Vec::new());
        while left.len() > 1 {
            let mut round = Vec::with_capacity(left.len());
            for index in left {
                let loss = loss_after(&self.candidates[index], epochs, (train, validation), run)?;
                round.push((index, loss));
            }
            round.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            let kept = round.len().div_ceil(2);
            notes.push(self.note(epochs, &round, kept));
            left = round[..kept].iter().map(|(index, _)| *index).collect();
            left.sort_unstable();
            epochs = epochs.saturating_mul(2);
        }
        let last = left.first().copied();
        last.map(|last| (last, notes)).ok_or_else(|| TrainError::Layer {
            problem: format!("{} has no candidates; pass at least one learner", self.id),
        })
    }

    /// Note on a round: the validation losses, best first, with the dropped candidates.
    fn note(&self, epochs: usize, round: &[RoundResult], kept: usize) -> String {
        let losses: Vec<String> = round
            .iter()
            .enumerate()
            .map(|(place, (index, loss))| {
                let dropped = if place < kept { "" } else { ", dropped" };
                let loss =
                    if loss.is_finite() { format!("{loss:.5}") } else { "failed".to_string() };
                format!("{} ({loss}{dropped})", self.candidates[*index].id)
            })
            .collect();
        format!("{}, validation loss after {epochs} epochs: {}", self.id, losses.join("; "))
    }
}

/// Lowest validation loss of a candidate within its first epochs; infinite if its training fails.
///
/// # Errors
/// [`TrainError::Stopped`] if the callback of the run stops the training.
fn loss_after(
    candidate: &NetworkLearner,
    epochs: usize,
    (train, validation): (&TrainSet, &ValidationSet),
    run: &Run<'_>,
) -> Result<f64, TrainError> {
    let state = Mutex::new((f64::INFINITY, false));
    let on_epoch = |report: &EpochReport| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.min(report.validation_loss.unwrap_or(f64::INFINITY));
        state.1 = run.report(report).is_break();
        let ends = state.1 || report.epoch >= epochs;
        if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let fitted = candidate.fit_model(train, validation, &Run::new(run.seed()).on_epoch(&on_epoch));
    let (loss, stopped) = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match fitted {
        Err(error @ TrainError::Stopped { .. }) if stopped => Err(error),
        Ok(_) | Err(TrainError::Stopped { .. }) => Ok(loss),
        Err(_) => Ok(f64::INFINITY),
    }
}

impl Learner for SuccessiveHalving {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, first_epochs, candidates } = self;
        let candidates = candidates.iter().map(Learner::settings).collect::<Option<Vec<_>>>()?;
        serde_json::to_string(&("halving", id.as_str(), first_epochs, candidates)).ok()
    }

    fn row_memory(&self, width: usize) -> Option<usize> {
        self.candidates.first()?.row_memory(width)
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let (last, notes) = self.choose(train, validation, run)?;
        let chosen = NetworkLearner { id: self.id.clone(), ..self.candidates[last].clone() };
        let mut model = chosen.fit_model(train, validation, run)?;
        if let Some(record) = &mut model.record {
            record.notes.push(format!("{} chose {}", self.id, self.candidates[last].id));
            record.notes.extend(notes);
        }
        Ok(Box::new(model))
    }
}
