//! Ensemble: a model that combines the votes of its members.
use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_models::trees::RowTreesScratch;
use windvane_models::{
    Artifact, Calibration, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec,
    NeutralReason, PredictError, Prediction, Scratch, StatefulModel, TrainError, TrainingRecord,
    Vote,
};
use windvane_signals::Window;

use crate::member::{Member, joined, whole_record};
use crate::online::{self, OnlineBuffers, OnlineWeights};
use crate::second::{MAX_CONTEXT, SecondModel, VolatilityInput, log_odds};
use crate::{EnsembleError, FixedShare};

/// Kind in saved files, and the default id.
pub const KIND: &str = "ensemble";

/// Rule that combines the votes of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Voting {
    /// Soft vote: the weighted mean of the members' probabilities.
    Soft,
    /// Hard vote: each member gives its weight to its predicted class, regardless of its
    /// confidence; the probability of a class is its share of the weight. If UP and DOWN have equal
    /// weight, the prediction is NEUTRAL with the reason
    /// [`Disagreement`](NeutralReason::Disagreement).
    Hard,
}

/// Largest difference between equal shares of a hard vote: sums of weights have rounding errors.
pub(crate) const TIE: f32 = 1e-6;

/// Ensemble of models that vote. It is itself a model, so it can be nested, saved, streamed and
/// backtested.
///
/// **Formula** with weights w that sum to 1: soft `p = Σ_m w_m p_m`; hard
/// `p_k = Σ_m w_m [member m predicts k]`. The logits of the calibration are ln p. A prediction of
/// UP or DOWN becomes NEUTRAL with the reason [`Disagreement`](NeutralReason::Disagreement) if
/// members with less than [`min_agreement`](Self::with_min_agreement) of the weight predict it.
///
/// Members may read different channels and lookbacks: the ensemble's spec has all channels of
/// its members and the longest lookback, and each member reads its own columns and rows. All
/// members must have the same interval, labels and gap policy.
///
/// [`votes`](Self::votes) returns the prediction of each member, and [`Prediction::agreement`] is
/// the weight of the members with the predicted direction.
///
/// With a [second model](Self::second) the probabilities are its own instead of those of the vote.
/// With [fixed-share weights](Self::with_fixed_share) the weights follow the outcomes.
#[derive(Debug)]
pub struct Ensemble {
    id: ModelId,
    spec: ModelSpec,
    members: Vec<Member>,
    voting: Voting,
    min_agreement: f32,
    second: Option<SecondModel>,
    /// Column of the volatility that the second model reads.
    volatility: Option<usize>,
    online: Option<OnlineWeights>,
    calibration: Calibration,
    /// Record of the ensemble's own fit, which is saved.
    record: Option<TrainingRecord>,
    /// The own record with the periods of the members.
    whole_record: Option<TrainingRecord>,
}

/// Configuration of an ensemble in a saved file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnsembleConfig {
    voting: Voting,
    weights: Vec<f32>,
    #[serde(rename = "least_agreement")]
    min_agreement: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second: Option<SecondModel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed_share: Option<FixedShare>,
}

/// Working memory of a prediction of the ensemble.
struct EnsembleScratch {
    /// Rows of the window of a member that reads other columns than the ensemble.
    rows: Vec<f64>,
    votes: Vec<Vote>,
    /// Current weights of the members.
    weights: Vec<f32>,
    /// Inputs of the second model, and the memory of its trees.
    inputs: Vec<f64>,
    trees: Option<RowTreesScratch>,
    online: Option<OnlineBuffers>,
}

impl Ensemble {
    /// Creates an ensemble of models with one weight each; only the ratios of the weights matter.
    ///
    /// # Errors
    /// [`EnsembleError`] if there is no member, if weights are missing, negative, not finite or all
    /// 0, or if members differ in interval, labels or gap policy.
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
        // The sum of the largest numbers is infinite, that of their ratios is not.
        let sum: f64 = weights.iter().sum();
        let unit = if sum.is_finite() { 1.0 } else { weights.iter().copied().fold(1.0, f64::max) };
        let total: f64 = weights.iter().map(|weight| weight / unit).sum();
        let mut given = models.iter().zip(weights);
        let wrong = given.find(|(_, got)| !(**got >= 0.0 && got.is_finite()) || total <= 0.0);
        if let Some((model, &got)) = wrong {
            return Err(EnsembleError::Weight { member: model.id().to_string(), got });
        }
        let mut members: Vec<Member> = Vec::with_capacity(models.len());
        for (model, &weight) in models.into_iter().zip(weights) {
            let before = members.last().map_or(0, Member::state_end);
            #[expect(clippy::cast_possible_truncation, reason = "a share of 1")]
            let share = (weight / unit / total) as f32;
            members.push(Member::new(model, share, &spec, before));
        }
        Ok(Self {
            id,
            members,
            spec,
            voting,
            min_agreement: 0.0,
            second: None,
            volatility: None,
            online: None,
            calibration: Calibration::NONE,
            record: None,
            whole_record: None,
        }
        .with_whole_record())
    }

    /// Joins the own record with those of the members.
    fn with_whole_record(self) -> Self {
        let models = self.members.iter().map(|member| &*member.model);
        let whole_record = whole_record(self.record.as_ref(), models);
        Self { whole_record, ..self }
    }

    /// Sets the minimum weight of the members that must predict UP or DOWN; 0 by default. With less
    /// weight the prediction is NEUTRAL.
    ///
    /// # Errors
    /// [`EnsembleError::Agreement`] outside 0 to 1.
    pub fn with_min_agreement(self, min_agreement: f32) -> Result<Self, EnsembleError> {
        if (0.0..=1.0).contains(&min_agreement) {
            return Ok(Self { min_agreement, ..self });
        }
        Err(EnsembleError::Agreement { got: min_agreement })
    }

    /// Lets the weights follow the outcomes, by Hedge with a fixed share. The weights so far become
    /// the initial ones.
    ///
    /// The weights at a decision depend on the outcomes that were known by then. They are part of
    /// the recurrent state, so a [`Predictor`](windvane_models::Predictor) keeps, saves and restores
    /// them, and a backtest carries them from candle to candle of a pair. The state is reset where
    /// that of any [`StatefulModel`] is. A single window is predicted with the initial weights.
    ///
    /// The outcomes are read from a channel with the sign of the change over the horizon: `momentum`
    /// or `normalized_momentum` with this lag, or `normalized_return` for a horizon of 1. Every
    /// candle costs two predictions of each member. Members must not depend on the time of a window.
    ///
    /// # Errors
    /// [`EnsembleError::FixedShare`] for settings out of range, [`EnsembleError::NoOutcome`] without
    /// such a channel and for labels with a band, [`EnsembleError::ReadsTime`] for a second model of
    /// this ensemble or of a member.
    pub fn with_fixed_share(self, settings: FixedShare) -> Result<Self, EnsembleError> {
        if let Some(member) = self.reads_time() {
            return Err(EnsembleError::ReadsTime { member: member.to_string() });
        }
        let online = Some(OnlineWeights::new(settings, &self.spec)?);
        Ok(Self { online, ..self })
    }

    /// Returns the id of the ensemble with a second model: this one, or one of its members.
    fn reads_time(&self) -> Option<&ModelId> {
        if self.second.is_some() {
            return Some(&self.id);
        }
        let members = self.members.iter();
        members
            .filter_map(|member| (*member.model).downcast_ref::<Self>())
            .find_map(Self::reads_time)
    }

    /// Sets the second model.
    pub(crate) fn with_second(self, second: SecondModel) -> Result<Self, EnsembleError> {
        let volatility = second.column(self.members.len(), &self.spec);
        let volatility = volatility.map_err(|problem| EnsembleError::SecondModel { problem })?;
        Ok(Self { second: Some(second), volatility, ..self })
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_record(self, record: TrainingRecord) -> Self {
        Self { record: Some(record), ..self }.with_whole_record()
    }

    /// Iterates over the members and their weights, which sum to 1.
    pub fn members(&self) -> impl Iterator<Item = (&dyn FittedModel, f32)> {
        self.members.iter().map(|member| (&*member.model, member.weight))
    }

    /// Returns the rule that combines the votes of the members.
    pub fn voting(&self) -> Voting {
        self.voting
    }

    /// Returns the minimum weight of the members that must predict UP or DOWN.
    pub fn min_agreement(&self) -> f32 {
        self.min_agreement
    }

    /// Returns the model that computes the probabilities from the predictions of the members; `None`
    /// for a vote.
    pub fn second(&self) -> Option<&SecondModel> {
        self.second.as_ref()
    }

    /// Returns the settings of online weights; `None` for fixed weights.
    pub fn fixed_share(&self) -> Option<FixedShare> {
        self.online.as_ref().map(|online| online.settings)
    }

    /// Loads an ensemble of built-in models and ensembles from a file. For members of other kinds,
    /// add those to [`kinds`](crate::kinds) and use [`Kinds::load`].
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::Kind`], or the error of an invalid file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?, &crate::kinds())
    }

    /// Loads an ensemble from the bytes of a file, such as those of `include_bytes!`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?, &crate::kinds())
    }

    pub(crate) fn from_artifact(artifact: &Artifact, kinds: &Kinds) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&[])?;
        let EnsembleConfig { voting, weights, min_agreement, second, fixed_share } =
            artifact.config()?;
        let members: Result<Vec<_>, _> =
            artifact.members()?.iter().map(|member| kinds.model(member)).collect();
        // `new` divides the weights by their sum, which may change the last bit, so the saved
        // weights are restored below.
        let shares: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        let ensemble = Self::new(artifact.id(), members?, &shares, voting);
        let mut ensemble = ensemble
            .and_then(|ensemble| ensemble.with_min_agreement(min_agreement))
            .and_then(|ensemble| match second {
                Some(second) => ensemble.with_second(second),
                None => Ok(ensemble),
            })
            .and_then(|ensemble| match fixed_share {
                Some(settings) => ensemble.with_fixed_share(settings),
                None => Ok(ensemble),
            })
            .map_err(|error| artifact.damaged(error.to_string()))?;
        if (weights.iter().sum::<f32>() - 1.0).abs() > 1e-4 {
            return Err(artifact.damaged(format!("its weights {weights:?} do not sum to 1")));
        }
        for (member, weight) in ensemble.members.iter_mut().zip(weights) {
            member.weight = weight;
        }
        if ensemble.spec != *artifact.spec() {
            return Err(
                artifact.damaged("its spec differs from the joined spec of its members".into())
            );
        }
        ensemble.calibration = artifact.calibration();
        ensemble.record = artifact.record().cloned();
        Ok(ensemble.with_whole_record())
    }

    /// Returns the votes of the members in the last prediction with this scratch; empty for the
    /// scratch of another model.
    pub fn votes<'s>(&self, scratch: &'s Scratch) -> &'s [Vote] {
        scratch.peek::<EnsembleScratch>().map_or(&[], |own| &own.votes)
    }

    /// Predicts with every member from a window, and from a recurrent state if there is one, and
    /// combines the votes.
    fn vote(
        &self,
        window: Window<'_>,
        state: Option<&[f32]>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let (EnsembleScratch { rows, votes, weights, inputs, trees, .. }, children) =
            self.parts(scratch)?;
        let own = state.filter(|_| self.online.is_some());
        if let Some(state) = own {
            let own = state.get(self.member_states()..).ok_or(PredictError::ForeignScratch)?;
            online::weights(own, &self.members, weights);
        } else {
            weights.clear();
            weights.extend(self.members.iter().map(|member| member.weight));
        }
        inputs.clear();
        let mut soft = [0.0; 3];
        let members = self.members.iter().zip(&*weights).zip(&mut *votes);
        for (((member, weight), vote), scratch) in members.zip(children) {
            let prediction = member.predict(window, state, rows, scratch)?;
            for (sum, p) in soft.iter_mut().zip(prediction.probabilities.classes()) {
                *sum += weight * p;
            }
            inputs.push(log_odds(prediction.probabilities));
            (vote.direction, vote.confidence) = (prediction.direction, prediction.confidence);
            vote.weight = *weight;
        }
        self.combine(votes, soft, (inputs, trees), &window)
    }

    /// Returns the probabilities of the second model; `inputs` has the members' log odds.
    fn second_probabilities(
        &self,
        second: &SecondModel,
        soft: [f32; 3],
        (inputs, trees): (&mut Vec<f64>, &mut Option<RowTreesScratch>),
        window: &Window<'_>,
    ) -> [f32; 3] {
        let logarithm = self.volatility.map_or(0.0, |column| {
            let channel = self.spec.signals.channels[column].name();
            VolatilityInput::logarithm(channel, column, window)
        });
        let unit = second.unit(inputs);
        second.complete(second.kind(), inputs, logarithm, window);
        second.probabilities((inputs, unit), soft, trees)
    }

    /// Length of the states of the members.
    fn member_states(&self) -> usize {
        self.members.last().map_or(0, Member::state_end)
    }

    /// Splits the scratch into the working memory of the ensemble and that of its members.
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
    fn combine(
        &self,
        votes: &[Vote],
        soft: [f32; 3],
        memory: (&mut Vec<f64>, &mut Option<RowTreesScratch>),
        window: &Window<'_>,
    ) -> Result<Prediction, PredictError> {
        let classes = match (&self.second, self.voting) {
            (Some(second), _) => self.second_probabilities(second, soft, memory, window),
            (None, Voting::Soft) => soft,
            (None, Voting::Hard) => Direction::ALL.map(|class| weight_of(votes, class)),
        };
        // Because of rounding, shares may sum to slightly more than 1.
        let classes = classes.map(|p| p.min(1.0));
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        let prediction = if self.calibration == Calibration::NONE {
            Prediction::new(classes, at, horizon, &self.id)?
        } else {
            self.calibration.prediction(classes.map(f32::ln), at, horizon, &self.id)?
        };
        let agreement = weight_of(votes, prediction.direction);
        let [up, down, neutral] = classes;
        let tie = self.voting == Voting::Hard && (up - down).abs() < TIE && neutral < up;
        let directed = prediction.direction != Direction::Neutral;
        let mut prediction = if tie || (directed && agreement < self.min_agreement) {
            prediction.into_neutral(NeutralReason::Disagreement)
        } else {
            prediction
        };
        prediction.agreement = Some(agreement);
        Ok(prediction)
    }
}

/// Weight of the members that predict a class.
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
        let count = self.members.len();
        let own = EnsembleScratch {
            rows: Vec::with_capacity(rows),
            votes: votes.collect(),
            weights: Vec::with_capacity(count),
            inputs: Vec::with_capacity(count + MAX_CONTEXT),
            trees: self.second.as_ref().and_then(SecondModel::scratch),
            online: self.online.as_ref().map(|online| online.buffers(count)),
        };
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

/// The state is the concatenation of the states of the members, and of the online weights.
impl StatefulModel for Ensemble {
    fn state_len(&self) -> usize {
        let own = self.online.as_ref();
        self.member_states() + own.map_or(0, |online| online.state_len(self.members.len()))
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
        let (EnsembleScratch { rows, online: buffers, .. }, children) = self.parts(scratch)?;
        let split = state.split_at_mut_checked(self.member_states());
        let (states, own) = split.ok_or(PredictError::ForeignScratch)?;
        for (member, scratch) in self.members.iter().zip(&mut *children) {
            member.update_state(row, states, rows, scratch)?;
        }
        let (Some(online), Some(buffers)) = (&self.online, buffers) else { return Ok(()) };
        online.update(row, &self.members, (states, own), (buffers, rows), children)
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

    /// Returns the record of the ensemble's fit, or that of a member for an ensemble of fitted
    /// models, with the pairs of all members, the latest end of their periods and the members without
    /// a record.
    fn record(&self) -> Option<&TrainingRecord> {
        self.whole_record.as_ref()
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let config = EnsembleConfig {
            voting: self.voting,
            weights: self.members.iter().map(|member| member.weight).collect(),
            min_agreement: self.min_agreement,
            second: self.second.clone(),
            fixed_share: self.fixed_share(),
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
