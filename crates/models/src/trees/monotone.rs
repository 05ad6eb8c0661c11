//! Monotone constraints: the order that trees keep between a channel and their output.
use std::collections::BTreeMap;

use serde::Serialize;

use crate::{ModelSpec, TrainError};

/// Monotone constraint of a channel: the direction of P(UP) as the channel rises, all other inputs
/// being equal. It holds for every row of the channel that the trees read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// P(UP) never falls as the channel rises (+1 in LightGBM).
    Increasing,
    /// P(UP) never rises as the channel rises (−1 in LightGBM).
    Decreasing,
}

impl Monotone {
    /// Returns whether the outputs of a left and a right child are in order.
    pub(super) fn holds(self, [left, right]: [f64; 2]) -> bool {
        match self {
            Self::Increasing => left <= right,
            Self::Decreasing => left >= right,
        }
    }
}

/// `increasing` or `decreasing`.
impl std::fmt::Display for Monotone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Increasing => "increasing",
            Self::Decreasing => "decreasing",
        })
    }
}

/// Range of the outputs below a node, which constrained splits above it have set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OutputBounds {
    low: f64,
    high: f64,
}

impl OutputBounds {
    /// Range of every output.
    pub(super) const OPEN: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub(super) fn is_open(self) -> bool {
        self == Self::OPEN
    }

    /// Moves an output into the range.
    pub(super) fn clamp(self, output: f64) -> f64 {
        output.max(self.low).min(self.high)
    }

    /// Ranges of the left and the right child of a split: a constrained split divides the range in
    /// the middle of the children's outputs.
    ///
    /// **Source** the method "basic" of LightGBM, `monotone_constraints_method`.
    pub(super) fn children(self, split: Option<Monotone>, [left, right]: [f64; 2]) -> [Self; 2] {
        let middle = f64::midpoint(left, right);
        let (lower, upper) = (Self { high: middle, ..self }, Self { low: middle, ..self });
        match split {
            None => [self, self],
            Some(Monotone::Increasing) => [lower, upper],
            Some(Monotone::Decreasing) => [upper, lower],
        }
    }
}

/// Constraint of each input, the value at one of the `positions` of a window. Constraints have the
/// name or the text of a channel.
pub(super) fn of_inputs(
    constraints: &BTreeMap<String, Monotone>,
    spec: &ModelSpec,
    positions: &[usize],
) -> Result<Vec<Option<Monotone>>, TrainError> {
    let channels = &spec.signals.channels;
    let mut of_channels = vec![None; channels.len()];
    for (name, constraint) in constraints {
        let refuse = |problem: String| TrainError::Monotone { channel: name.clone(), problem };
        let mut found = false;
        for (channel, own) in channels.iter().zip(&mut of_channels) {
            if channel.name() != name && channel.to_string() != *name {
                continue;
            }
            if own.is_some_and(|own| own != *constraint) {
                return Err(refuse(format!("{channel} has another constraint; remove one")));
            }
            (*own, found) = (Some(*constraint), true);
        }
        if !found {
            let known: Vec<String> = channels.iter().map(ToString::to_string).collect();
            return Err(refuse(format!("no such channel; choose one of {}", known.join(", "))));
        }
    }
    Ok(positions.iter().map(|position| of_channels[position % channels.len()]).collect())
}
