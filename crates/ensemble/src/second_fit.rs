//! Fit of second models on out-of-fold predictions.
use windvane_candles::{Direction, Timestamp};
use windvane_models::trees::RowTrees;
use windvane_models::{ModelSpec, Probabilities, TrainError};
use windvane_signals::{Sample, SampleSet};

use crate::map::{self, Prior};
use crate::second::{SecondKind, SecondModel, VolatilityInput, log_odds};

/// Standard deviation of the priors of the members' weights.
const MEMBER_DEVIATION: f64 = 0.5;

/// Standard deviation of the priors of the context's weights, whose mean is 0.
const CONTEXT_DEVIATION: f64 = 0.2;

/// Share of the out-of-fold predictions, the last ones, that choose the number of trees.
const VALIDATION: f64 = 0.2;

/// Out-of-fold predictions: samples that the members were not fitted on.
pub(crate) struct OutOfFold {
    /// One set per fold.
    pub(crate) samples: Vec<SampleSet>,
    /// Predictions of each member, in the order of the samples.
    pub(crate) members: Vec<Vec<Probabilities>>,
}

/// Inputs of a second model for the predictions whose outcome was UP or DOWN.
#[derive(Debug, Default)]
struct SecondRows {
    /// Inputs, one row after the other.
    inputs: Vec<f64>,
    /// Whether each outcome was UP.
    rose: Vec<bool>,
    /// Sign of the members' mean; 1 for stacking.
    units: Vec<f64>,
    /// Times of each decision and of its outcome.
    times: Vec<[Timestamp; 2]>,
}

impl OutOfFold {
    fn windows(&self) -> impl Iterator<Item = (&SampleSet, &Sample)> {
        self.samples.iter().flat_map(|set| set.samples().iter().map(move |sample| (set, sample)))
    }

    /// Logarithms of the volatility; 0 if the spec has no channel of it.
    fn logarithms(&self, spec: &ModelSpec) -> Vec<f64> {
        let column = VolatilityInput::column(spec);
        let logarithms = self.windows().map(|(set, sample)| {
            let of = |(column, name)| VolatilityInput::logarithm(name, column, &set.window(sample));
            column.map_or(0.0, of)
        });
        logarithms.collect()
    }

    fn rows(&self, model: &SecondModel, kind: SecondKind, logarithms: &[f64]) -> SecondRows {
        let (mut rows, mut inputs) = (SecondRows::default(), Vec::new());
        for (index, (set, sample)) in self.windows().enumerate() {
            if sample.label() == Direction::Neutral {
                continue;
            }
            inputs.clear();
            inputs.extend(self.members.iter().map(|member| log_odds(member[index])));
            rows.units.push(model.unit(&inputs));
            model.complete(kind, &mut inputs, logarithms[index], &set.window(sample));
            rows.inputs.extend_from_slice(&inputs);
            rows.rose.push(sample.label() == Direction::Up);
            rows.times.push([sample.decided_at, sample.settled_at()]);
        }
        rows
    }
}

impl SecondModel {
    /// Fits a second model on out-of-fold predictions whose outcome was UP or DOWN.
    ///
    /// The priors of the regression are the mean of the members' log odds: with few or uninformative
    /// predictions the result is close to an average with equal weights. The number of trees is
    /// chosen on the last fifth of the predictions.
    pub(crate) fn fit(
        spec: &ModelSpec,
        folds: &OutOfFold,
        keep_direction: bool,
        (kind, seed): (SecondKind, u64),
    ) -> Result<Self, TrainError> {
        let logarithms = folds.logarithms(spec);
        let model = Self::unfitted(keep_direction, VolatilityInput::of(spec, &logarithms));
        let rows = folds.rows(&model, kind, &logarithms);
        let (members, context) = (folds.members.len(), model.context(kind));
        match kind {
            SecondKind::Logistic => {
                let mean = 1.0 / members as f64;
                let mut priors = vec![Prior { mean, deviation: MEMBER_DEVIATION }; members];
                let context_prior = Prior { mean: 0.0, deviation: CONTEXT_DEVIATION };
                priors.resize(members + context, context_prior);
                Ok(model.with_weights(map::weights(&rows.inputs, &rows.rose, &priors)))
            }
            SecondKind::Trees => {
                // The score rises with the members' log odds and with their mean.
                let mut increasing = vec![true; members + 1];
                increasing.resize(members + context, false);
                Ok(model.with_trees(rows.trees(&increasing, seed)?))
            }
        }
    }
}

impl SecondRows {
    /// Fits trees on the rows in order of time. The outcome is UP for stacking, and a correct
    /// direction for a meta-model, which has no outcome where the members tie.
    fn trees(&self, increasing: &[bool], seed: u64) -> Result<RowTrees, TrainError> {
        let mut order: Vec<usize> =
            (0..self.rose.len()).filter(|k| self.units[*k] != 0.0).collect();
        order.sort_by_key(|k| self.times[*k]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let chosen_on = (VALIDATION * order.len() as f64) as usize;
        let trained = order.len() - chosen_on;
        if let Some(first) = order.get(trained).map(|k| self.times[*k][0]) {
            // Purges the outcomes that overlap the last fifth.
            let mut at = 0;
            order.retain(|k| {
                at += 1;
                at > trained || self.times[*k][1] <= first
            });
        }
        let width = increasing.len();
        let (mut inputs, mut outcomes) = (Vec::with_capacity(order.len() * width), Vec::new());
        for k in order {
            inputs.extend_from_slice(&self.inputs[k * width..(k + 1) * width]);
            outcomes.push(self.rose[k] == (self.units[k] > 0.0));
        }
        RowTrees::fit(&inputs, &outcomes, chosen_on, increasing, seed)
    }
}
