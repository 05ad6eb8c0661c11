//! Specs of channels and pipelines: plain data that is stored with a model.
use std::collections::BTreeMap;

use windvane_candles::Pair;

use crate::SignalError;

/// A channel by name, parameters and the other pairs it reads.
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
    /// A channel with its default parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parameters: BTreeMap::new(), pairs: Vec::new() }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: f64) -> Self {
        self.parameters.insert(parameter.into(), value);
        self
    }

    /// Declares another pair whose candles of the same close time the channel reads.
    #[must_use]
    pub fn reading(mut self, pair: Pair) -> Self {
        self.pairs.push(pair);
        self
    }

    /// The name it is registered under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The other pairs it reads.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The value of a parameter, or its default.
    pub fn parameter(&self, name: &str, default: f64) -> f64 {
        self.parameters.get(name).copied().unwrap_or(default)
    }

    /// Confirms that the spec names only parameters the channel has, and as many other pairs
    /// as it reads: a misspelt parameter must not be ignored.
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

/// `name(parameter=value, …; PAIR, …)`, the label of the channel in reports.
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

/// Policy for missing candles; the same in batch and live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum GapPolicy {
    /// A missing candle is an error.
    Error,
    /// Every channel restarts its warm-up after a gap; no window spans one.
    Reset,
    /// The market was closed: up to `max_missing` missing candles are passed over, the next
    /// candle follows the last one. A longer gap resets.
    Sessions {
        /// Longest pause, in candles.
        max_missing: u32,
    },
    /// Up to `max_missing` missing candles are replaced by flat ones at the last close without
    /// volume; no decision or label is taken on those. A longer gap resets.
    Hold {
        /// Longest gap that is filled, in candles.
        max_missing: u32,
    },
}

impl GapPolicy {
    /// Maximum of candles that [`GapPolicy::Hold`] fills: a bound on the work one candle causes.
    pub(crate) const MAX_HELD: u32 = 1_000;

    /// Candles that are filled at one gap at the most.
    pub(crate) fn max_held(self) -> u32 {
        if let Self::Hold { max_missing } = self { max_missing } else { 0 }
    }
}

/// The channels of a model and its gap policy.
///
/// The default is the six signals: momentum (1 candle), trend (20), RSI 14, MACD 12/26 relative
/// to price, volatility (range), volume change; gaps reset. It is a default and no constant:
/// any list of channels will do, its length is the width of the model's input.
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
    /// The channels, in the order of a row's columns.
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
    /// Maximum number of channels: a bound on memory, because specs come from files.
    pub(crate) const MAX_CHANNELS: usize = 1_024;

    /// Confirms the ranges: a spec read from a file may hold anything.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless there are 1 to 1,024 channels and a hold fills at most 1,000
    /// candles; [`SignalError::HoldReadsPair`] if candles would be filled in while a channel reads
    /// another pair's.
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

    /// Number of channels.
    pub fn width(&self) -> usize {
        self.channels.len()
    }

    /// The other pairs that the channels read, each once.
    pub fn pairs(&self) -> Vec<&Pair> {
        let mut pairs: Vec<&Pair> = self.channels.iter().flat_map(ChannelSpec::pairs).collect();
        pairs.sort();
        pairs.dedup();
        pairs
    }

    /// Returns the column of each of `needed`'s channels in this spec; `None` when one is not here or
    /// the gap policies differ. So a table of a wide spec serves models of narrower ones.
    pub fn columns_of(&self, needed: &Self) -> Option<Vec<usize>> {
        if self.gaps != needed.gaps {
            return None;
        }
        needed.channels.iter().map(|c| self.channels.iter().position(|own| own == c)).collect()
    }
}
