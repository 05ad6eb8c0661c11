//! Errors of ensembles.
use windvane_models::TrainError;

/// Error of invalid members, weights or settings of an ensemble.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// There is no member.
    #[error("an ensemble needs at least one member")]
    Empty,
    /// The number of weights differs from the number of members.
    #[error("got {got} weights for {expected} members; give one weight per member")]
    Weights {
        /// Number of members.
        expected: usize,
        /// Number of weights.
        got: usize,
    },
    /// A weight is negative or not finite, or all weights are 0.
    #[error(
        "the weight of {member} is {got}; all weights must be finite and at least 0, and one above 0"
    )]
    Weight {
        /// Id of the member.
        member: String,
        /// Weight of the member.
        got: f64,
    },
    /// Members differ in interval, labels or gap policy.
    #[error("all members must have the same {what}: {first} has {expected}, {member} has {got}")]
    Mismatch {
        /// Name of the setting: interval, labels or gap policy.
        what: &'static str,
        /// Id of the first member.
        first: String,
        /// Id of the member that differs.
        member: String,
        /// Value of the first member.
        expected: String,
        /// Value of the member that differs.
        got: String,
    },
    /// The spec of models of single regimes does not contain the channel `regime` once, and has no
    /// volatility and trend to measure it from.
    #[error(
        "the spec must contain the channel regime once, got {got} of them; see Regime::fit. A \
         learner measures the regime itself from log_volatility or volatility with \
         normalized_momentum(lag=24) or trend"
    )]
    RegimeChannel {
        /// Number of channels `regime` in the spec.
        got: usize,
    },
    /// The terciles of the volatility are not in ascending order.
    #[error("the terciles of the volatility are {low} and {high}; the first must be lower")]
    RegimeTerciles {
        /// Upper limit of the lowest third.
        low: f64,
        /// Lower limit of the highest third.
        high: f64,
    },
    /// A regime has the index of a model that does not exist.
    #[error("a regime uses the model {got}, but there are {expected} models, counted from 0")]
    RegimeModel {
        /// Number of models.
        expected: usize,
        /// Index of the model.
        got: usize,
    },
    /// The minimum agreement is out of range.
    #[error("the minimum agreement must be from 0 to 1, got {got}")]
    Agreement {
        /// Minimum agreement given.
        got: f32,
    },
    /// A setting of online weights is out of range.
    #[error("{setting} of the fixed-share weights must be {expected}, got {got}")]
    FixedShare {
        /// Name of the setting.
        setting: &'static str,
        /// Description of the allowed range.
        expected: &'static str,
        /// Value of the setting.
        got: f64,
    },
    /// No channel has the outcomes that online weights follow.
    #[error(
        "online weights need labels without a band and a channel with the sign of the outcome; use \
         a band of 0 and add the channel momentum or normalized_momentum with lag={horizon}"
    )]
    NoOutcome {
        /// Horizon of the labels, candles.
        horizon: usize,
    },
    /// A second model reads the hour of the decision, which the state of online weights lacks.
    #[error(
        "online weights cannot be combined with the second model of {member}; remove one of them"
    )]
    ReadsTime {
        /// Id of the ensemble with the second model.
        member: String,
    },
    /// A second model does not fit the members.
    #[error("{problem}")]
    SecondModel {
        /// Problem of its weights or channels.
        problem: String,
    },
}

impl From<EnsembleError> for TrainError {
    fn from(error: EnsembleError) -> Self {
        Self::Other(Box::new(error))
    }
}
