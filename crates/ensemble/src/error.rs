//! Errors of ensembles.
use windvane_models::TrainError;

/// Members, weights or settings that do not make an ensemble.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// There is no member.
    #[error("an ensemble needs at least one member")]
    Empty,
    /// There are not as many weights as members.
    #[error("{expected} members need as many weights, got {got}")]
    Weights {
        /// Number of members.
        expected: usize,
        /// Number of weights.
        got: usize,
    },
    /// A weight is no share of a vote.
    #[error("the weight of {member} must be finite and at least 0, one of them above, got {got}")]
    Weight {
        /// Id of the member.
        member: String,
        /// Weight of the member.
        got: f64,
    },
    /// Members answer different questions or read candles differently.
    #[error("members must agree in {what}: {first} has {expected}, {member} has {got}")]
    Mismatch {
        /// Interval, labels or gap policy.
        what: &'static str,
        /// The first member.
        first: String,
        /// The member that differs.
        member: String,
        /// Value of the first member.
        expected: String,
        /// Value of the member that differs.
        got: String,
    },
    /// The least agreement of a call is out of range.
    #[error("the least agreement of a call must be 0 to 1, got {got}")]
    Agreement {
        /// The value given.
        got: f32,
    },
}

impl From<EnsembleError> for TrainError {
    fn from(error: EnsembleError) -> Self {
        Self::Other(Box::new(error))
    }
}
