//! Regime of a window: the value of the channel `regime`, or terciles that a fit has measured.
use serde::{Deserialize, Serialize};
use windvane_models::ModelSpec;
use windvane_signals::Window;

use crate::EnsembleError;

/// Number of regimes: three of the volatility, each with a trend down or up.
pub(crate) const REGIMES: usize = 6;

/// Channels of the volatility, in order of preference.
const VOLATILITIES: [&str; 2] = ["log_volatility", "volatility"];
/// Channels of the trend, in order of preference.
const TRENDS: [&str; 2] = ["normalized_momentum(lag=24)", "trend"];

/// Source of the regime of a window, with its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RegimeGate {
    /// The channel `regime`.
    Channel(usize),
    /// Terciles of the volatility, and the sign of the trend.
    Terciles { columns: [usize; 2], limits: RegimeTerciles },
}

/// Terciles of the volatility over the training windows, in saved files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegimeTerciles {
    /// Limit between the lowest and the middle tercile.
    pub(crate) low: f64,
    /// Limit between the middle and the highest tercile.
    pub(crate) high: f64,
}

impl RegimeGate {
    /// Creates the gate of a spec with the channel `regime`, or of its volatility and trend if there
    /// are terciles.
    ///
    /// # Errors
    /// [`EnsembleError::RegimeChannel`] if the channels are missing, or are there more than once,
    /// [`EnsembleError::RegimeTerciles`] for terciles out of order.
    pub(crate) fn new(
        spec: &ModelSpec,
        limits: Option<RegimeTerciles>,
    ) -> Result<Self, EnsembleError> {
        if let Some(limits) = limits {
            if limits.low.partial_cmp(&limits.high) != Some(std::cmp::Ordering::Less) {
                return Err(EnsembleError::RegimeTerciles { low: limits.low, high: limits.high });
            }
            let columns = measured_columns(spec).ok_or(EnsembleError::RegimeChannel { got: 0 })?;
            return Ok(Self::Terciles { columns, limits });
        }
        let channels = spec.signals.channels.iter().enumerate();
        let mut regimes = channels.filter(|(_, channel)| channel.name() == "regime");
        match (regimes.next(), regimes.count()) {
            (Some((column, _)), 0) => Ok(Self::Channel(column)),
            (first, more) => {
                Err(EnsembleError::RegimeChannel { got: usize::from(first.is_some()) + more })
            }
        }
    }

    /// Returns the terciles to save; `None` for the channel, which has its own.
    pub(crate) fn limits(&self) -> Option<&RegimeTerciles> {
        match self {
            Self::Channel(_) => None,
            Self::Terciles { limits, .. } => Some(limits),
        }
    }

    /// Returns the regime at the last candle of a window, 0 to 5; `None` for an undefined one.
    pub(crate) fn regime(&self, window: &Window<'_>) -> Option<usize> {
        let row = window.row(window.steps() - 1);
        match self {
            Self::Channel(column) => {
                (0..REGIMES).find(|regime| (row[*column] - *regime as f64).abs() < 0.5)
            }
            Self::Terciles {
                columns: [volatility, trend],
                limits: RegimeTerciles { low, high },
            } => {
                let (level, trend) = (row[*volatility], row[*trend]);
                let tercile = usize::from(level > *low) + usize::from(level > *high);
                let defined = !level.is_nan() && !trend.is_nan();
                defined.then_some(2 * tercile + usize::from(trend > 0.0))
            }
        }
    }
}

/// Columns of the volatility and of the trend.
fn measured_columns(spec: &ModelSpec) -> Option<[usize; 2]> {
    let channels: Vec<String> = spec.signals.channels.iter().map(ToString::to_string).collect();
    let column = |names: [&str; 2]| {
        names.into_iter().find_map(|name| channels.iter().position(|channel| channel == name))
    };
    Some([column(VOLATILITIES)?, column(TRENDS)?])
}

#[cfg(feature = "train")]
impl RegimeGate {
    /// Creates the gate of the channel `regime`, or measures the terciles of the volatility over the
    /// training windows.
    ///
    /// # Errors
    /// [`EnsembleError::RegimeChannel`] without these channels,
    /// [`SignalError::EmptyPart`](windvane_signals::SignalError::EmptyPart) for a constant volatility.
    pub(crate) fn fit(
        spec: &ModelSpec,
        train: &windvane_signals::TrainSet,
    ) -> Result<Self, windvane_models::TrainError> {
        let column = match (Self::new(spec, None), measured_columns(spec)) {
            (Err(EnsembleError::RegimeChannel { got: 0 }), Some([volatility, _])) => volatility,
            (own, _) => return Ok(own?),
        };
        let windows = train.samples().iter().map(|sample| train.window(sample));
        let mut levels: Vec<f64> =
            windows.map(|window| window.row(window.steps() - 1)[column]).collect();
        levels.sort_by(f64::total_cmp);
        let third = |number: usize| levels.get(levels.len() * number / 3).copied();
        match (third(1), third(2)) {
            (Some(low), Some(high)) if low < high => {
                Ok(Self::new(spec, Some(RegimeTerciles { low, high }))?)
            }
            _ => {
                let (part, hint) = ("the regimes", "use training candles of a market that moves");
                Err(windvane_signals::SignalError::EmptyPart { part, hint }.into())
            }
        }
    }
}
