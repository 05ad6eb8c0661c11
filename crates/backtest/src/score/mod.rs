//! Scores of predictions: accuracy, baselines, intervals, confidence, trading.
mod accuracy;
mod baseline;
mod bootstrap;
mod comparison;
mod confidence;
mod importance;
pub(crate) mod iso;
mod most_confident;
mod period;
mod portfolio;
mod ranking;
mod record;
mod regime;
mod result;
mod spread;
#[cfg(test)]
mod testing;
pub(crate) mod text;
mod trading;
mod warning;

pub use accuracy::Accuracy;
pub use baseline::{Baseline, BaselinePredictions, BaselineResult};
pub(crate) use bootstrap::ScoreSettings;
pub use comparison::ExcessAccuracy;
pub(crate) use comparison::ExcessAccuracyCount;
pub(crate) use confidence::Confidence;
pub use importance::Importance;
pub(crate) use importance::{MaskingEffect, ModelChannel};
pub(crate) use most_confident::ConfidenceRanks;
pub use most_confident::MostConfident;
#[cfg(feature = "html")]
pub(crate) use period::PeriodScore;
pub use ranking::Rank;
pub(crate) use ranking::{Contender, rank};
pub use record::Record;
pub(crate) use regime::accuracy_by_regime;
pub(crate) use result::RowScope;
pub use result::{FoldScore, PathScore, ResultRow, Scope, SeedScore};
pub(crate) use spread::AccuracySpread;
pub(crate) use trading::deflate;
pub use trading::{BaselineReturn, EquityPoint, NetResult, Trading};
pub use warning::{Warning, WarningCode};
pub(crate) use warning::{jump, warning_lines, warnings_about};
