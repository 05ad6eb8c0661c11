//! Learner of ensembles.
use std::sync::Arc;

use serde::Serialize;
use windvane_candles::Direction;
use windvane_models::train::{
    Learner, Run, calibrate, calibration_parts, predictions, record_of, spec_of,
};
use windvane_models::{FittedModel, ModelId, TrainError};
use windvane_signals::{Band, TrainSet, ValidationSet};

use crate::out_of_fold::out_of_fold;
use crate::{Ensemble, EnsembleError, FixedShare, KIND, SecondKind, SecondModel, Voting, simplex};

/// Source of the weights of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Weighting {
    /// Equal weights for all members.
    Equal,
    /// One weight per member; only their ratios matter.
    Fixed(Vec<f64>),
    /// Weights with the minimum log loss on the validation windows, which are after the training
    /// period and purged. If the labels have no band, it is that of UP against DOWN on the windows
    /// whose close changed. A prior keeps the weights nearly equal if the windows are not informative.
    LogLoss,
    /// Stacking: a second model on the members' predictions, the volatility and the hour replaces the
    /// vote. It is fitted on out-of-fold predictions inside the training period, for
    /// which every member is fitted once more per fold.
    Stacked {
        /// Number of walk-forward folds inside the training period; see
        /// [`STACKING_FOLDS`](EnsembleLearner::STACKING_FOLDS).
        folds: usize,
        /// Kind of the second model.
        second: SecondKind,
    },
    /// Meta-labels: a second model on the same inputs predicts whether the members are right.
    /// It is fitted like [`Stacked`](Self::Stacked). The direction stays that of the members' mean,
    /// and the probability that it is right becomes its confidence.
    Meta {
        /// Number of walk-forward folds inside the training period.
        folds: usize,
        /// Kind of the second model.
        second: SecondKind,
    },
    /// Weights by log loss as the initial weights, which then follow the outcomes of live or tested
    /// candles: [`Ensemble::with_fixed_share`].
    FixedShare(FixedShare),
}

/// Learner of an ensemble. It fits every member on the same windows with its own seed, then the
/// weights, then the temperature of the vote.
///
/// # Examples
/// Three seeds of one model:
/// ```
/// # #[cfg(feature = "tuned")] {
/// use windvane_ensemble::EnsembleLearner;
/// use windvane_models::{ModelId, train::Learner, v32};
///
/// let learner = EnsembleLearner::with_seeds(v32::learner(), 3);
/// assert_eq!(learner.id().as_str(), "v32x3");
/// # }
/// ```
#[derive(Clone)]
pub struct EnsembleLearner {
    /// Id of the fitted ensembles.
    pub id: ModelId,
    /// Learners of the members.
    pub members: Vec<Arc<dyn Learner>>,
    /// Rule that combines the votes; soft by default.
    pub voting: Voting,
    /// Source of the weights; equal by default.
    pub weighting: Weighting,
    /// Minimum weight of the members that must predict UP or DOWN; 0 by default.
    pub min_agreement: f32,
}

impl std::fmt::Debug for EnsembleLearner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<&ModelId> = self.members.iter().map(Learner::id).collect();
        f.debug_struct("EnsembleLearner")
            .field("id", &self.id)
            .field("members", &members)
            .field("voting", &self.voting)
            .field("weighting", &self.weighting)
            .field("min_agreement", &self.min_agreement)
            .finish()
    }
}

impl EnsembleLearner {
    /// Number of folds of [`meta`](Self::meta), and a good one for stacking.
    pub const STACKING_FOLDS: usize = 4;

    /// Number of seeds of each member of [`mixed`](Self::mixed) and of the trees of
    /// [`tuned`](Self::tuned).
    #[cfg(any(feature = "mixed", feature = "tuned"))]
    pub const SEEDS: usize = 3;

    /// Creates a learner of these members, with a soft vote of equal weights.
    pub fn new(id: ModelId, members: Vec<Arc<dyn Learner>>) -> Self {
        let (voting, weighting) = (Voting::Soft, Weighting::Equal);
        Self { id, members, voting, weighting, min_agreement: 0.0 }
    }

    /// Creates a learner of `count` members that differ only in their seed.
    pub fn with_seeds(learner: impl Learner + 'static, count: usize) -> Self {
        let id = ModelId::new(format!("{}x{count}", learner.id()));
        let learner: Arc<dyn Learner> = Arc::new(learner);
        Self::new(id, vec![learner; count])
    }

    /// Creates a learner of a model with a second one that predicts when the first is right
    /// (meta-labels). The id of the fitted models is that of the first with `-meta`.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tuned")] {
    /// use windvane_ensemble::EnsembleLearner;
    /// use windvane_models::v32;
    ///
    /// let learner = EnsembleLearner::meta(v32::learner());
    /// assert_eq!(learner.id.as_str(), "v32-meta");
    /// # }
    /// ```
    pub fn meta(learner: impl Learner + 'static) -> Self {
        let id = ModelId::new(format!("{}-meta", learner.id()));
        let weighting =
            Weighting::Meta { folds: Self::STACKING_FOLDS, second: SecondKind::Logistic };
        Self { weighting, ..Self::new(id, vec![Arc::new(learner)]) }
    }

    /// Creates the learner of the original system's ensemble: v2 with weights set by hand and v3.1,
    /// with equal weights.
    #[cfg(feature = "original")]
    pub fn original() -> Self {
        use windvane_models::{v2::WeightedSignalsLearner, v31};
        let members: Vec<Arc<dyn Learner>> =
            vec![Arc::new(WeightedSignalsLearner::default()), Arc::new(v31::learner())];
        Self::new(ModelId::new("original"), members)
    }

    /// Creates the learner of the tuned ensemble: v2 with learned weights, boosted trees (the mean
    /// of three seeds), v3, v3.1 and v3.2, weighted by log loss on the validation windows.
    #[cfg(feature = "tuned")]
    pub fn tuned() -> Self {
        use windvane_models::{
            trees::BoostedTreesLearner, v2::WeightedSignalsLearner, v3, v31, v32,
        };
        let members: Vec<Arc<dyn Learner>> = vec![
            Arc::new(WeightedSignalsLearner::learned()),
            Arc::new(Self::with_seeds(BoostedTreesLearner::default(), Self::SEEDS)),
            Arc::new(v3::learner()),
            Arc::new(v31::learner()),
            Arc::new(v32::learner()),
        ];
        let weighting = Weighting::LogLoss;
        Self { weighting, ..Self::new(ModelId::new("tuned"), members) }
    }

    /// Creates the learner of the mixed ensemble: boosted trees, v3.2 and MLP, three seeds of each,
    /// weighted by log loss on the validation windows.
    ///
    /// Models of different kinds make different errors, so their mean has fewer. One seed is one
    /// sample of a random quantity; the differences between seeds are largest among the most
    /// confident predictions.
    #[cfg(feature = "mixed")]
    pub fn mixed() -> Self {
        use windvane_models::{mlp, trees::BoostedTreesLearner, v32};
        Self::mixed_of(vec![
            Arc::new(BoostedTreesLearner::default()),
            Arc::new(v32::learner()),
            Arc::new(mlp::learner()),
        ])
    }

    /// Creates the learner of an ensemble `mixed` of other models, three seeds of each.
    #[cfg(feature = "mixed")]
    pub fn mixed_of(models: Vec<Arc<dyn Learner>>) -> Self {
        let members =
            models.into_iter().map(|model| Arc::new(Self::with_seeds(model, Self::SEEDS)) as _);
        let weighting = Weighting::LogLoss;
        Self { weighting, ..Self::new(ModelId::new("mixed"), members.collect()) }
    }

    /// Fits the ensemble.
    ///
    /// # Errors
    /// The error of a member's training; [`TrainError::Other`] with an [`EnsembleError`] for
    /// invalid weights or settings.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Ensemble, TrainError> {
        if self.members.is_empty() {
            return Err(EnsembleError::Empty.into());
        }
        let second = self.second(train, validation, run)?;
        let models = (0..)
            .zip(&self.members)
            .map(|(index, member)| member.fit(train, validation, &run.member(&self.id, index)))
            .collect::<Result<Vec<_>, _>>()?;
        let weights = match &self.weighting {
            Weighting::Fixed(weights) => weights.clone(),
            Weighting::LogLoss | Weighting::FixedShare(_) => log_loss_weights(&models, validation)?,
            Weighting::Equal | Weighting::Stacked { .. } | Weighting::Meta { .. } => {
                vec![1.0; models.len()]
            }
        };
        let ensemble = Ensemble::new(self.id.clone(), models, &weights, self.voting)?;
        let mut ensemble = ensemble.with_min_agreement(self.min_agreement)?;
        if let Some(second) = second {
            ensemble = ensemble.with_second(second)?;
        }
        if let Weighting::FixedShare(settings) = self.weighting {
            ensemble = ensemble.with_fixed_share(settings)?;
        }
        let mut ensemble = ensemble.with_record(record_of(train, validation, run.seed())?);
        calibrate(&mut ensemble, &calibration_parts(validation).1)?;
        Ok(ensemble)
    }
}

impl EnsembleLearner {
    /// Fits the second model on out-of-fold predictions, if the weighting has one.
    fn second(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Option<SecondModel>, TrainError> {
        let (folds, kind, keep_direction) = match self.weighting {
            Weighting::Stacked { folds, second } => (folds, second, false),
            Weighting::Meta { folds, second } => (folds, second, true),
            _ => return Ok(None),
        };
        let spec = spec_of(train, validation)?;
        train.require_memory("a second model")?;
        let folds = out_of_fold(&self.id, &self.members, train, folds, run)?;
        Ok(Some(SecondModel::fit(&spec, &folds, keep_direction, (kind, run.seed()))?))
    }
}

/// Weights with the minimum log loss on the validation windows that are scored.
fn log_loss_weights(
    models: &[Box<dyn FittedModel>],
    validation: &ValidationSet,
) -> Result<Vec<f64>, TrainError> {
    let likelihoods = models.iter().map(|model| likelihoods(&**model, validation));
    Ok(simplex::weights(&likelihoods.collect::<Result<Vec<_>, _>>()?))
}

/// Probabilities that a model gives to the labels of the validation windows.
///
/// If the labels have no band, NEUTRAL is an unchanged close: its windows are left out, and the
/// probabilities are those of UP against DOWN. Its share changes with the tick size relative to the
/// price, and otherwise it decided the weights.
fn likelihoods(
    model: &dyn FittedModel,
    validation: &ValidationSet,
) -> Result<Vec<f64>, TrainError> {
    let directions =
        matches!(validation.labels().band, Band::Fixed { width: 0.0 } | Band::Relative);
    let predictions = predictions(model, validation)?;
    let cases = predictions.iter().zip(validation.samples());
    let likelihoods = cases.filter_map(|(predicted, sample)| {
        let label = sample.label();
        let [up, down, _] = predicted.classes().map(f64::from);
        let total = if directions { up + down } else { 1.0 };
        // At least 1e-6, because ln 0 is infinite.
        let likelihood = (f64::from(predicted.classes()[label.index()]) / total).max(1e-6);
        (!directions || label != Direction::Neutral).then_some(likelihood)
    });
    Ok(likelihoods.collect())
}

impl Learner for EnsembleLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, members, voting, weighting, min_agreement } = self;
        let members = members.iter().map(Learner::settings);
        let members = members.collect::<Option<Vec<String>>>()?;
        let settings = ("ensemble", id.as_str(), voting, weighting, min_agreement, members);
        serde_json::to_string(&settings).ok()
    }

    /// That of the largest member, and the predictions of every member if the weights come from
    /// them. A second model reads windows at random.
    fn row_memory(&self, width: usize) -> Option<usize> {
        let weights = match self.weighting {
            Weighting::Stacked { .. } | Weighting::Meta { .. } => return None,
            Weighting::LogLoss | Weighting::FixedShare(_) => self.members.len(),
            Weighting::Equal | Weighting::Fixed(_) => 0,
        };
        let mut largest = 0;
        for member in &self.members {
            largest = largest.max(member.row_memory(width)?);
        }
        Some(largest + size_of::<f64>() * weights)
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}

impl Default for EnsembleLearner {
    /// Creates a learner without members.
    fn default() -> Self {
        Self::new(ModelId::new(KIND), Vec::new())
    }
}
