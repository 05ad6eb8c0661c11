//! Settings of a policy.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SettingError;

/// Settings of a [`Policy`](crate::Policy): the rules for entering, holding and leaving a position.
///
/// # Examples
/// ```
/// use windvane_models::PolicyConfig;
///
/// let rare = PolicyConfig { share: 0.01, max_holding: Some(1), ..PolicyConfig::default() };
/// assert_eq!(rare.to_string(), "top 1 %, leave at 0, at most 1 candle");
/// assert_eq!(PolicyConfig::default().to_string(), "top 5 %, leave at 0");
/// assert_eq!(PolicyConfig::every_candle().to_string(), "every candle");
/// assert!(PolicyConfig { share: 0.0, ..rare }.validate().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Share of the validation candles with an absolute score above the entry threshold, above 0
    /// and at most 1; by default 0.05. With 1 the entry threshold is 0.
    pub share: f64,
    /// Exit level as a multiple of the entry threshold, from −1 to below 1; by default 0. A position
    /// is left when the score in its direction has fallen to this level: at 0 when its sign turns.
    pub exit: f64,
    /// Maximum holding time, candles, at least 1; by default `None`. After it the position is left
    /// unless the score is above the entry threshold, which starts a new position.
    pub max_holding: Option<u32>,
    /// Whether only long positions are entered; by default `false`.
    pub long_only: bool,
    /// Size of a position; by default [`PositionSize::Full`].
    pub size: PositionSize,
}

/// Size of a position, chosen when it is entered and then constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PositionSize {
    /// Constant size of 1.
    #[default]
    Full,
    /// Size proportional to the absolute score, and 1 from the threshold of a fifth of the share on:
    /// for the top 5 % of the scores, 1 in the top 1 %.
    Proportional,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            share: 0.05,
            exit: 0.0,
            max_holding: None,
            long_only: false,
            size: PositionSize::Full,
        }
    }
}

impl PolicyConfig {
    /// Settings that trade every candle: long at a positive score, short at a negative one.
    pub fn every_candle() -> Self {
        Self { share: 1.0, ..Self::default() }
    }

    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// [`SettingError`] for a setting out of its range.
    pub fn validate(&self) -> Result<(), SettingError> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return SettingError::refuse("share of a policy", "above 0 and at most 1", self.share);
        }
        if !(-1.0..1.0).contains(&self.exit) {
            return SettingError::refuse("exit of a policy", "from −1 to below 1", self.exit);
        }
        if self.max_holding == Some(0) {
            return SettingError::refuse("max_holding of a policy", "at least 1", 0.0);
        }
        Ok(())
    }
}

/// Writes the rules in words, such as `top 5 %, leave at 0`.
impl fmt::Display for PolicyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, exit, max_holding, long_only, size } = *self;
        if share < 1.0 {
            write!(f, "top {} %, leave at {}", percent(share), percent(exit))?;
            f.write_str(if exit == 0.0 { "" } else { " % of the entry" })?;
        } else {
            f.write_str("every candle")?;
        }
        if let Some(candles) = max_holding {
            write!(f, ", at most {candles} candle{}", if candles == 1 { "" } else { "s" })?;
        }
        f.write_str(if long_only { ", long only" } else { "" })?;
        f.write_str(if size == PositionSize::Full { "" } else { ", proportional" })
    }
}

/// Per cent of a fraction, without a rounding error of the multiplication.
fn percent(fraction: f64) -> f64 {
    (1e8 * fraction).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_config_names_all_rules() {
        let all = PolicyConfig {
            share: 0.07,
            exit: 0.5,
            max_holding: Some(24),
            long_only: true,
            size: PositionSize::Proportional,
        };
        let expected =
            "top 7 %, leave at 50 % of the entry, at most 24 candles, long only, proportional";
        assert_eq!(all.to_string(), expected);
        let long = PolicyConfig { long_only: true, ..PolicyConfig::every_candle() };
        assert_eq!(long.to_string(), "every candle, long only");
    }

    #[test]
    fn policy_config_rejects_settings_out_of_range() {
        let default = PolicyConfig::default();
        for wrong in [
            PolicyConfig { share: f64::NAN, ..default },
            PolicyConfig { share: 1.1, ..default },
            PolicyConfig { exit: 1.0, ..default },
            PolicyConfig { exit: f64::NAN, ..default },
            PolicyConfig { max_holding: Some(0), ..default },
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
        assert_eq!(default.validate(), Ok(()));
        assert_eq!(PolicyConfig { exit: -1.0, ..default }.validate(), Ok(()));
    }
}
