//! Importance of the channels in learned weights.
use serde::{Deserialize, Serialize};

/// Importance of a channel, with a 95 % interval.
///
/// **Formula** with w the channel's weight, σ the standard deviation of tanh(z/2) over the
/// training windows and e its standard error:
///
/// ```text
/// effect    = w σ / 4                     points of P(UP) for a usual move of the channel
/// low, high = (w ∓ t e) σ / 4             95 %
/// ```
///
/// The derivative of 1 / (1 + exp(−x)) is 1/4 at a half: an effect of 0.05 says that where the
/// model knows nothing else, the channel one standard deviation above its middle makes P(UP)
/// 55 %. Other channels are held still; of two that say the same, the effects share what they say
/// and both intervals are wide.
///
/// The standard error comes from blocks of consecutive candles, all pairs of a block together
/// (20 candles, or two horizons where those are longer): the covariance of the weights is H⁻¹ S
/// H⁻¹ with H the second derivative of the log likelihood and S the sum of g gᵀ over the blocks'
/// first derivatives g. t is Student's quantile of as many degrees of freedom as there are blocks
/// less one. There is no interval for fewer than 20 blocks.
///
/// **Source** White 1982; Liang and Zeger 1986 for clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignalImportance {
    /// The channel with its parameters.
    pub channel: String,
    /// Change of P(UP) by one standard deviation of the channel, at a half.
    pub effect: f64,
    /// Its 95 % interval, lower and upper end; `None` for too few candles and for a channel that
    /// did not vary.
    pub interval_95: Option<[f64; 2]>,
    /// |effect| as a share of all channels' together; `None` where no channel counts.
    pub share: Option<f64>,
}

impl SignalImportance {
    /// Whether the interval leaves out 0: the channel says something, and which way is known.
    /// `None` without an interval.
    pub fn is_shown(&self) -> Option<bool> {
        self.interval_95.map(|[low, high]| low > 0.0 || high < 0.0)
    }
}
