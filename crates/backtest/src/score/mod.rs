//! Scores of predictions: accuracy, baselines, intervals, confidence, trading.
mod accuracy;
mod baseline;
mod bootstrap;
mod comparison;
mod confidence;
mod importance;
pub(crate) mod iso;
mod over_time;
mod portfolio;
mod ranking;
mod record;
mod result;
mod selection;
mod spread;
#[cfg(test)]
mod testing;
mod trading;
mod warning;

pub use accuracy::Accuracy;
pub use baseline::{Baseline, BaselineCalls, BaselineResult};
pub(crate) use bootstrap::Terms;
pub use comparison::Lead;
pub(crate) use comparison::LeadCount;
pub(crate) use confidence::Confidence;
pub use importance::Importance;
pub(crate) use importance::{Effect, Subject};
#[cfg(feature = "html")]
pub(crate) use over_time::StretchScore;
pub use ranking::Rank;
pub(crate) use ranking::{Contender, rank};
pub use record::Record;
pub(crate) use result::Place;
pub use result::{FoldScore, PathScore, ResultRow, Scope, SeedScore};
pub use selection::Selected;
pub(crate) use selection::Sureness;
pub(crate) use spread::Spread;
pub(crate) use trading::deflate;
pub use trading::{BaselineReturn, EquityPoint, NetResult, Trading};
pub use warning::{Warning, WarningCode};
pub(crate) use warning::{about, jump};
