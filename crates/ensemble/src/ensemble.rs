//! Ensembles of models that vote.
use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_models::{
    Artifact, Calibration, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec,
    NeutralReason, PredictError, Prediction, Scratch, StatefulModel, TrainError, TrainingRecord,
    Vote,
};
use windvane_signals::Window;

use crate::EnsembleError;
use crate::member::{Member, joined};

/// The kind in saved files and the default id.
pub const KIND: &str = "ensemble";

/// Rule that combines the votes of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Voting {
    /// Soft vote: the weighted mean of the members' probabilities.
    Soft,
    /// Hard vote: each member gives its weight to its predicted class, whatever its confidence; the
    /// probability of a class is its share of the weight. UP and DOWN with equal weight are NEUTRAL for
    /// [`Disagreement`](NeutralReason::Disagreement).
    Hard,
}

/// Shares of a hard vote closer than this are equal: sums of weights are rounded.
const TIE: f32 = 1e-6;

/// Models that vote; itself a model, so it nests, saves, streams and backtests like any other.
///
/// **Formula** with w the weights, summing to 1: soft `p = Σ_m w_m p_m`; hard
/// `p_k = Σ_m w_m [member m calls k]`. The calibration works on ln p. A call of UP or DOWN on
/// which members with less than [`min_agreement`](Self::with_min_agreement) of the weight
/// agree becomes NEUTRAL for [`Disagreement`](NeutralReason::Disagreement).
///
/// Members may read different channels and lookbacks: the ensemble's spec has every channel of
/// any member and the longest lookback, and each member gets its own columns and rows. They must
/// agree in interval, labels and gap policy.
///
/// [`votes`](Self::votes) has the prediction of each member, [`Prediction::agreement`] the weight of
/// the members that agree.
#[derive(Debug)]
pub struct Ensemble {
    id: ModelId,
    spec: ModelSpec,
    members: Vec<Member>,
    voting: Voting,
    min_agreement: f32,
    calibration: Calibration,
    record: Option<TrainingRecord>,
}

/// Configuration in a saved file, beside the members.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    voting: Voting,
    weights: Vec<f32>,
    #[serde(rename = "least_agreement")]
    min_agreement: f32,
}

/// Working memory of one vote.
struct EnsembleScratch {
    /// A member's own window.
    rows: Vec<f64>,
    votes: Vec<Vote>,
}

impl Ensemble {
    /// Creates an ensemble of models with a weight each; only the proportions of the weights count.
    ///
    /// # Errors
    /// [`EnsembleError`] when there is no member, weights are missing, negative or all 0, or
    /// members differ in interval, labels or gap policy.
    pub fn new(
        id: ModelId,
        models: Vec<Box<dyn FittedModel>>,
        weights: &[f64],
        voting: Voting,
    ) -> Result<Self, EnsembleError> {
        let spec = joined(&models)?;
        if weights.len() != models.len() {
            return Err(EnsembleError::Weights { expected: models.len(), got: weights.len() });
        }
        let total: f64 = weights.iter().sum();
        let mut given = models.iter().zip(weights);
        let wrong = given.find(|(_, got)| !(**got >= 0.0 && got.is_finite()) || total <= 0.0);
        if let Some((model, &got)) = wrong {
            return Err(EnsembleError::Weight { member: model.id().to_string(), got });
        }
        let mut members: Vec<Member> = Vec::with_capacity(models.len());
        for (model, &weight) in models.into_iter().zip(weights) {
            let before = members.last().map_or(0, Member::state_end);
            #[expect(clippy::cast_possible_truncation, reason = "a share of 1")]
            let share = (weight / total) as f32;
            members.push(Member::new(model, share, &spec, before));
        }
        Ok(Self {
            id,
            members,
            spec,
            voting,
            min_agreement: 0.0,
            calibration: Calibration::NONE,
            record: None,
        })
    }

    /// Sets the share of the weight that must agree on UP or DOWN; 0 by default. With less, the
    /// prediction is NEUTRAL.
    ///
    /// # Errors
    /// [`EnsembleError::Agreement`] outside 0 to 1.
    pub fn with_min_agreement(self, min_agreement: f32) -> Result<Self, EnsembleError> {
        if (0.0..=1.0).contains(&min_agreement) {
            return Ok(Self { min_agreement, ..self });
        }
        Err(EnsembleError::Agreement { got: min_agreement })
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_record(self, record: TrainingRecord) -> Self {
        Self { record: Some(record), ..self }
    }

    /// The members and their weights, which sum to 1.
    pub fn members(&self) -> impl Iterator<Item = (&dyn FittedModel, f32)> {
        self.members.iter().map(|member| (&*member.model, member.weight))
    }

    /// Rule that combines the votes of the members.
    pub fn voting(&self) -> Voting {
        self.voting
    }

    /// Share of the weight that must agree on a call.
    pub fn min_agreement(&self) -> f32 {
        self.min_agreement
    }

    /// Reads an ensemble of built-in models and ensembles from a file. For members of other
    /// kinds use [`Kinds::load`] with [`kinds`](crate::kinds) and your own.
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::Kind`], or what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?, &crate::kinds())
    }

    /// Reads an ensemble from the bytes of a file, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?, &crate::kinds())
    }

    pub(crate) fn from_artifact(artifact: &Artifact, kinds: &Kinds) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&[])?;
        let Config { voting, weights, min_agreement } = artifact.config()?;
        let members: Result<Vec<_>, _> =
            artifact.members()?.iter().map(|member| kinds.model(member)).collect();
        // The weights as they were saved: dividing by their sum again might move a bit.
        let shares: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        let ensemble = Self::new(artifact.id(), members?, &shares, voting);
        let mut ensemble = ensemble
            .and_then(|ensemble| ensemble.with_min_agreement(min_agreement))
            .map_err(|error| artifact.damaged(error.to_string()))?;
        if (weights.iter().sum::<f32>() - 1.0).abs() > 1e-4 {
            return Err(artifact.damaged(format!("weights {weights:?} do not sum to 1")));
        }
        for (member, weight) in ensemble.members.iter_mut().zip(weights) {
            member.weight = weight;
        }
        if ensemble.spec != *artifact.spec() {
            return Err(artifact.damaged("its spec is not its members'".into()));
        }
        ensemble.calibration = artifact.calibration();
        ensemble.record = artifact.record().cloned();
        Ok(ensemble)
    }

    /// Votes of the members in the last prediction made with this scratch; empty for the scratch
    /// of another model.
    pub fn votes<'s>(&self, scratch: &'s Scratch) -> &'s [Vote] {
        scratch.peek::<EnsembleScratch>().map_or(&[], |own| &own.votes)
    }

    /// Predictions of the members from a window, and from a recurrent state where one is given,
    /// and their vote.
    fn vote(
        &self,
        window: Window<'_>,
        state: Option<&[f32]>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let (EnsembleScratch { rows, votes }, children) = self.parts(scratch)?;
        let mut soft = [0.0; 3];
        for ((member, vote), scratch) in self.members.iter().zip(&mut *votes).zip(children) {
            let prediction = member.predict(window, state, rows, scratch)?;
            for (sum, p) in soft.iter_mut().zip(prediction.probabilities.classes()) {
                *sum += member.weight * p;
            }
            (vote.direction, vote.confidence) = (prediction.direction, prediction.confidence);
        }
        self.count(votes, soft, &window)
    }

    /// The own working memory and the members'.
    fn parts<'s>(
        &self,
        scratch: &'s mut Scratch,
    ) -> Result<(&'s mut EnsembleScratch, &'s mut [Scratch]), PredictError> {
        let (own, children) = scratch.split::<EnsembleScratch>()?;
        if own.votes.len() != self.members.len() || children.len() != self.members.len() {
            return Err(PredictError::ForeignScratch);
        }
        Ok((own, children))
    }

    /// Combines the votes of the members.
    fn count(
        &self,
        votes: &[Vote],
        soft: [f32; 3],
        window: &Window<'_>,
    ) -> Result<Prediction, PredictError> {
        let classes = match self.voting {
            Voting::Soft => soft,
            Voting::Hard => Direction::ALL.map(|class| weight_of(votes, class)),
        };
        // Rounded shares may sum to a last bit more than 1.
        let classes = classes.map(|p| p.min(1.0));
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        let prediction = if self.calibration == Calibration::NONE {
            Prediction::new(classes, at, horizon, &self.id)?
        } else {
            self.calibration.prediction(classes.map(f32::ln), at, horizon, &self.id)?
        };
        let agreement = weight_of(votes, prediction.direction);
        let [up, down, neutral] = classes;
        let even = self.voting == Voting::Hard && (up - down).abs() < TIE && neutral < up;
        let call = prediction.direction != Direction::Neutral;
        let mut prediction = if even || (call && agreement < self.min_agreement) {
            prediction.into_neutral(NeutralReason::Disagreement)
        } else {
            prediction
        };
        prediction.agreement = Some(agreement);
        Ok(prediction)
    }
}

/// Weight of the members that call a class.
fn weight_of(votes: &[Vote], class: Direction) -> f32 {
    votes.iter().filter(|vote| vote.direction == class).map(|vote| vote.weight).sum()
}

impl DirectionModel for Ensemble {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let rows = self.members.iter().map(Member::rows).max().unwrap_or(0);
        let members = self.members.iter();
        let votes = members.map(|member| Vote::new(member.model.id().clone(), member.weight));
        let own = EnsembleScratch { rows: Vec::with_capacity(rows), votes: votes.collect() };
        Scratch::with_children(own, self.members.iter().map(|m| m.model.scratch()).collect())
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.vote(window, None, scratch)
    }
}

/// The state is that of the members, one after the other.
impl StatefulModel for Ensemble {
    fn state_len(&self) -> usize {
        self.members.last().map_or(0, Member::state_end)
    }

    fn update_state(
        &self,
        row: &[f64],
        state: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), PredictError> {
        let (expected, got) = (self.spec.signals.width(), row.len());
        if got != expected {
            return Err(PredictError::WindowShape { what: "channels", expected, got });
        }
        let (EnsembleScratch { rows, .. }, children) = self.parts(scratch)?;
        for (member, scratch) in self.members.iter().zip(children) {
            member.update_state(row, state, rows, scratch)?;
        }
        Ok(())
    }

    fn predict_with_state(
        &self,
        window: Window<'_>,
        state: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.vote(window, Some(state), scratch)
    }
}

impl FittedModel for Ensemble {
    fn stateful(&self) -> Option<&dyn StatefulModel> {
        if self.state_len() > 0 { Some(self) } else { None }
    }

    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let config = Config {
            voting: self.voting,
            weights: self.members.iter().map(|member| member.weight).collect(),
            min_agreement: self.min_agreement,
        };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        for member in &self.members {
            artifact.push_member(member.model.to_artifact()?);
        }
        Ok(artifact)
    }
}
