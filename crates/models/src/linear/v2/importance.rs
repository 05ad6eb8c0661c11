//! Importance of the channels in a model with learned weights.
use serde::{Deserialize, Serialize};

/// Importance of a channel, with a 95 % interval.
///
/// **Formula** with w the channel's weight, σ the standard deviation of tanh(z/2) over the
/// training windows and e its standard error:
///
/// ```text
/// effect    = w σ / 4                     change of P(UP) per standard deviation of the channel
/// low, high = (w ∓ t e) σ / 4             95 % confidence interval
/// ```
///
/// The derivative of 1 / (1 + exp(−x)) is 1/4 at P(UP) = 1/2. An effect of 0.05 therefore means
/// that P(UP) is 55 % if the channel is one standard deviation above its mean and all other
/// channels are neutral. The other channels are held constant: two correlated channels share their
/// common effect, and both intervals are wide.
///
/// The standard error is cluster-robust. A cluster is a block of consecutive candles of all pairs
/// (20 candles, or two horizons if that is longer). The covariance of the weights is H⁻¹ S H⁻¹,
/// with H the Hessian of the log likelihood and S the sum of g gᵀ over the gradients g of the
/// blocks. t is the quantile of Student's t distribution with one degree of freedom less than there
/// are blocks. There is no interval for fewer than 20 blocks.
///
/// **Source** White 1982; Liang and Zeger 1986 for clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignalImportance {
    /// Name of the channel with its parameters.
    pub channel: String,
    /// Change of P(UP) per standard deviation of the channel, at P(UP) = 1/2.
    pub effect: f64,
    /// 95 % confidence interval of the effect, lower and upper end; `None` for too few candles and
    /// for a constant channel.
    pub interval_95: Option<[f64; 2]>,
    /// |effect| as a share of the sum over all channels; `None` if all effects are 0.
    pub share: Option<f64>,
}

impl SignalImportance {
    /// Returns whether the effect is statistically significant: its 95 % interval excludes 0.
    ///
    /// `None` without an interval.
    pub fn is_significant(&self) -> Option<bool> {
        self.interval_95.map(|[low, high]| low > 0.0 || high < 0.0)
    }
}
