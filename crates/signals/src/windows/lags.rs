//! Lags: the values of a window that a tabular model reads.
use std::collections::{BTreeMap, BTreeSet};

use crate::{ChannelSpec, SignalError, SignalSpec};

/// Lags of the channels that a tabular model reads: the newest value of every channel, and earlier
/// values of some.
///
/// A lag of k is the value k rows before the newest row. A model with lags reads single values of
/// the rows that the table holds anyway, so many channels need no long window of each:
/// 42 channels with lags 1 to 3 of three of them are 51 inputs, 20 rows of 42 channels 840.
///
/// # Examples
/// ```
/// use windvane_signals::{Lags, SignalSpec};
/// let spec = SignalSpec::price_action();
/// let lags = Lags::newest().with("normalized_return", 1..=3);
/// assert_eq!(lags.rows(), 4);
/// assert_eq!(lags.positions(&spec, 4)?.len(), 20 + 3);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Lags {
    /// Lags above 0, by the name or the text of a channel.
    further: BTreeMap<String, BTreeSet<usize>>,
}

impl Lags {
    /// The newest value of every channel and no earlier ones.
    pub fn newest() -> Self {
        Self::default()
    }

    /// Adds earlier values of the channels with a name such as `normalized_return`, or of the
    /// channel with a text such as `normalized_momentum(lag=4)`. Lag 0 is always there.
    #[must_use]
    pub fn with(
        mut self,
        channel: impl Into<String>,
        lags: impl IntoIterator<Item = usize>,
    ) -> Self {
        let own = self.further.entry(channel.into()).or_default();
        own.extend(lags.into_iter().filter(|lag| *lag > 0));
        self
    }

    /// The newest values, and lags 1 to 3 of the normalised return, the close location and the
    /// leader's return, as far as a set has them: the inputs of the measured values of
    /// [`SignalSpec::price_action`] and [`SignalSpec::market`].
    pub fn of_returns(spec: &SignalSpec) -> Self {
        ["normalized_return", "close_location", "leader_return"]
            .into_iter()
            .filter(|name| spec.channels.iter().any(|channel| channel.name() == *name))
            .fold(Self::newest(), |lags, name| lags.with(name, 1..=3))
    }

    /// Returns the number of rows that a window needs: the longest lag and the newest row.
    pub fn rows(&self) -> usize {
        let longest = self.further.values().filter_map(|lags| lags.last()).max();
        longest.map_or(1, |lag| lag.saturating_add(1))
    }

    /// Returns the position of every input in a flat window of `lookback` rows, oldest row first:
    /// the newest value of each channel, then the earlier ones by channel and lag.
    ///
    /// # Errors
    /// [`SignalError::Setting`] if the window has fewer rows than a lag needs;
    /// [`SignalError::ChannelSetting`] if lags are given for a channel that the spec does not have.
    pub fn positions(&self, spec: &SignalSpec, lookback: usize) -> Result<Vec<usize>, SignalError> {
        if lookback < self.rows() {
            let expected = "more than the longest lag";
            return SignalError::setting("lookback", expected, lookback as f64);
        }
        let width = spec.width();
        let newest = (lookback - 1) * width;
        let mut positions: Vec<usize> = (newest..newest + width).collect();
        let mut further = BTreeSet::new();
        for (channel, lags) in &self.further {
            let columns: Vec<usize> =
                (0..width).filter(|column| is(&spec.channels[*column], channel)).collect();
            if columns.is_empty() {
                let problem =
                    "it has lags and is not among the channels; remove its lags or add it";
                return Err(SignalError::channel(channel, problem));
            }
            further.extend(columns.iter().flat_map(|c| lags.iter().map(move |lag| (*c, *lag))));
        }
        positions.extend(further.iter().map(|(column, lag)| newest + column - lag * width));
        Ok(positions)
    }
}

fn is(spec: &ChannelSpec, channel: &str) -> bool {
    spec.name() == channel || spec.to_string() == channel
}

#[cfg(test)]
mod tests {
    use windvane_candles::Pair;

    use super::*;

    fn six() -> SignalSpec {
        SignalSpec::six()
    }

    #[test]
    fn lags_point_to_the_newest_row_and_then_to_earlier_ones() {
        let lags = Lags::newest().with("rsi", [2, 0, 1]).with("momentum", [1]).with("rsi", [1]);
        assert_eq!(lags.rows(), 3);
        let positions = lags.positions(&six(), 4).unwrap();
        // The newest of four rows begins at 18; momentum is channel 0, rsi channel 2.
        assert_eq!(positions, [18, 19, 20, 21, 22, 23, 12, 14, 8]);
        assert_eq!(Lags::newest().positions(&six(), 1).unwrap(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn lags_by_text_select_one_of_several_channels() {
        let spec = SignalSpec::price_action();
        let one = Lags::newest().with("normalized_momentum(lag=24)", [1]);
        let three = Lags::newest().with("normalized_momentum", [1]);
        assert_eq!(one.positions(&spec, 2).unwrap().len(), 21);
        assert_eq!(three.positions(&spec, 2).unwrap().len(), 23);
        let twice = three.with("normalized_momentum(lag=24)", [1]);
        assert_eq!(twice.positions(&spec, 2).unwrap().len(), 23);
    }

    #[test]
    fn lags_of_sets_are_those_of_the_measured_values() {
        let pairs: Vec<Pair> = ["A", "B"].map(|p| p.parse().unwrap()).into();
        let market = SignalSpec::market(&pairs, &pairs[0]);
        let inputs = |spec: &SignalSpec| Lags::of_returns(spec).positions(spec, 4).map(|p| p.len());
        assert_eq!(inputs(&market), Ok(42 + 9));
        assert_eq!(inputs(&SignalSpec::price_action()), Ok(20 + 6));
        assert_eq!(Lags::of_returns(&six()), Lags::newest());
    }

    #[test]
    fn lags_of_unknown_channels_and_short_windows_are_errors() {
        let unknown = Lags::newest().with("rsy", [1]).positions(&six(), 20).unwrap_err();
        assert!(unknown.to_string().contains("\"rsy\""), "{unknown}");
        let lags = Lags::newest().with("rsi", [20]);
        assert!(matches!(lags.positions(&six(), 20), Err(SignalError::Setting { .. })));
        assert!(lags.positions(&six(), 21).is_ok());
        assert!(Lags::newest().with("rsi", [usize::MAX]).positions(&six(), 20).is_err());
        assert!(Lags::newest().positions(&six(), 0).is_err());
    }
}
