//! Specs of channels and pipelines: data that is saved with a model.
use std::collections::BTreeMap;

use windvane_candles::Pair;

use crate::SignalError;

/// Spec of a channel: its name, its parameters and the other pairs that it reads.
///
/// # Examples
/// ```
/// use windvane_signals::ChannelSpec;
/// let spec = ChannelSpec::new("rsi").with("period", 21.0);
/// assert_eq!(spec.to_string(), "rsi(period=21)");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ChannelSpec {
    name: String,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    parameters: BTreeMap<String, f64>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pairs: Vec<Pair>,
}

impl ChannelSpec {
    /// Creates the spec of a channel with its default parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parameters: BTreeMap::new(), pairs: Vec::new() }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: f64) -> Self {
        self.parameters.insert(parameter.into(), value);
        self
    }

    /// Adds another pair whose candles of the same open time the channel reads.
    #[must_use]
    pub fn reading(mut self, pair: Pair) -> Self {
        self.pairs.push(pair);
        self
    }

    /// Returns the name under which the channel is registered.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the other pairs that the channel reads.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Returns the value of a parameter, or `default` if it is not set.
    pub fn parameter(&self, name: &str, default: f64) -> f64 {
        self.parameters.get(name).copied().unwrap_or(default)
    }

    /// Checks that the spec has only parameters of the channel, and the number of other pairs that
    /// the channel reads. A factory calls it so that a misspelt parameter is an error.
    ///
    /// # Errors
    /// [`SignalError::UnknownParameter`] or [`SignalError::ChannelPairs`].
    pub fn check(&self, parameters: &[&str], pairs: usize) -> Result<(), SignalError> {
        if let Some(unknown) = self.parameters.keys().find(|p| !parameters.contains(&p.as_str())) {
            return Err(SignalError::UnknownParameter {
                channel: self.name.clone(),
                parameter: unknown.clone(),
                known: parameters.iter().map(ToString::to_string).collect(),
            });
        }
        if self.pairs.len() != pairs {
            return Err(SignalError::ChannelPairs {
                channel: self.name.clone(),
                expected: pairs,
                got: self.pairs.len(),
            });
        }
        Ok(())
    }
}

/// Writes `name(parameter=value, …; PAIR, …)`, the label of the channel in reports.
impl std::fmt::Display for ChannelSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.parameters.is_empty() && self.pairs.is_empty() {
            return Ok(());
        }
        let parameters: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pairs: Vec<String> = self.pairs.iter().map(ToString::to_string).collect();
        let separator = if parameters.is_empty() || pairs.is_empty() { "" } else { "; " };
        write!(f, "({}{separator}{})", parameters.join(", "), pairs.join(", "))
    }
}

/// Policy for missing candles, the same in batch and streaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum GapPolicy {
    /// A missing candle is an error.
    Error,
    /// Every channel restarts its warm-up after a gap; no window spans a gap.
    Reset,
    /// A gap of up to `max_missing` candles counts as a closed market: the next candle follows the
    /// last one. A longer gap resets the channels.
    Sessions {
        /// Longest time of a closed market, in candles.
        max_missing: u32,
    },
    /// Up to `max_missing` missing candles are replaced by flat candles at the last close with
    /// volume 0; they have no decisions and no labels. A longer gap resets the channels.
    Hold {
        /// Longest gap that is filled in, in candles.
        max_missing: u32,
    },
}

impl GapPolicy {
    /// Maximum of `max_missing` of [`GapPolicy::Hold`]: limits the time of one update.
    pub(crate) const MAX_HELD: u32 = 1_000;

    /// Maximum number of candles filled in at one gap.
    pub(crate) fn max_held(self) -> u32 {
        if let Self::Hold { max_missing } = self { max_missing } else { 0 }
    }
}

/// Channels and gap policy of a model.
///
/// The default has six channels: momentum (1 candle), trend (20), RSI 14, MACD 12/26 relative
/// to price, volatility (range) and volume change; gaps reset the channels. Any other list of
/// channels is possible; its length is the width of the model's input.
///
/// # Examples
/// ```
/// use windvane_signals::{ChannelSpec, SignalSpec};
/// let mut spec = SignalSpec::default();
/// assert_eq!(spec.width(), 6);
/// spec.channels.push(ChannelSpec::new("momentum").with("lag", 5.0));
/// assert_eq!(spec.width(), 7);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct SignalSpec {
    /// Channels in the order of a row's values.
    pub channels: Vec<ChannelSpec>,
    /// Policy for missing candles.
    pub gaps: GapPolicy,
}

impl Default for SignalSpec {
    fn default() -> Self {
        let names = ["momentum", "trend", "rsi", "macd", "volatility", "volume_change"];
        Self { channels: names.map(ChannelSpec::new).to_vec(), gaps: GapPolicy::Reset }
    }
}

impl SignalSpec {
    /// Maximum number of channels: limits the memory, because specs come from files.
    pub(crate) const MAX_CHANNELS: usize = 1_024;

    /// Validates the spec, which may come from a file.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless there are 1 to 1,024 channels and `max_missing` of the hold
    /// policy is at most 1,000; [`SignalError::HoldReadsPair`] if the hold policy is combined with
    /// a channel that reads another pair.
    pub fn check(&self) -> Result<(), SignalError> {
        if !(1..=Self::MAX_CHANNELS).contains(&self.width()) {
            return SignalError::setting("number of channels", "1 to 1024", self.width() as f64);
        }
        let held = self.gaps.max_held();
        if held > GapPolicy::MAX_HELD {
            return SignalError::setting(
                "max_missing of the hold policy",
                "at most 1000",
                f64::from(held),
            );
        }
        match self.pairs().first() {
            Some(pair) if held > 0 => Err(SignalError::HoldReadsPair { pair: (*pair).clone() }),
            _ => Ok(()),
        }
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.channels.len()
    }

    /// Returns the other pairs that the channels read, sorted and without duplicates.
    pub fn pairs(&self) -> Vec<&Pair> {
        let mut pairs: Vec<&Pair> = self.channels.iter().flat_map(ChannelSpec::pairs).collect();
        pairs.sort();
        pairs.dedup();
        pairs
    }

    /// Returns the column of each channel of `needed` in this spec; `None` if a channel is missing
    /// or the gap policies differ. So models with fewer channels can share a table with more
    /// channels.
    pub fn columns_of(&self, needed: &Self) -> Option<Vec<usize>> {
        if self.gaps != needed.gaps {
            return None;
        }
        needed.channels.iter().map(|c| self.channels.iter().position(|own| own == c)).collect()
    }
}
