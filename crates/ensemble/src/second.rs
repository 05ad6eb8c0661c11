//! Second model: logistic regression or small trees on the predictions of an ensemble's members.
use serde::{Deserialize, Serialize};
use windvane_models::trees::{RowTrees, RowTreesScratch};
use windvane_models::{ModelSpec, Probabilities};
use windvane_signals::Window;

/// Names of the channels that the second model can read the volatility from.
const VOLATILITIES: [&str; 2] = ["log_volatility", "volatility"];

/// Log odds below which odds of a direction that must stay are compressed.
const COMPRESSED: f64 = 0.01;

/// Maximum number of weights of the context.
pub(crate) const MAX_CONTEXT: usize = 4;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Second model of a stacked ensemble: a logistic regression or boosted trees on the members'
/// predictions, the volatility and the hour.
///
/// **Formula** of the regression, with `l_m = ln(p_m(UP) / p_m(DOWN))` of member m, their mean `l`, the standardised
/// logarithm of the volatility v and the hour of the decision h (UTC):
///
/// ```text
/// stacking  z = Σ a_m l_m + l (c v + d sin(2π h / 24) + e cos(2π h / 24))
/// meta      z = Σ a_m l_m + sign(l) (b + c v + d sin(2π h / 24) + e cos(2π h / 24))
/// p         = (1 − ν) / (1 + exp(−z)),  (1 − ν) / (1 + exp(z)),  ν         UP, DOWN, NEUTRAL
/// ```
/// with ν the weighted mean of the members' probabilities of NEUTRAL. The volatility term is absent
/// if the spec has neither a channel `log_volatility` nor `volatility`.
///
/// Trees read `u l_m` of each member, u l, v and h, with u = 1 for stacking and sign(l) for a meta-model;
/// z is u times their score, which never falls as the input of a member rises.
///
/// A meta-model keeps the direction of the members: sign(l) z is the log odds that the members are
/// right. Below 0.01 it is replaced by `1e-4 / (0.02 − sign(l) z)`, which keeps the order of the
/// predictions by confidence.
///
/// **Source** Wolpert 1992 for stacking; López de Prado 2018, section 3.6, for meta-labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondModel {
    keep_direction: bool,
    volatility: Option<VolatilityInput>,
    /// Weights of the members' log odds, then of the context; none with trees.
    weights: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<RowTrees>,
}

/// Kind of a second model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecondKind {
    /// Logistic regression, whose priors are the mean of the members.
    #[default]
    Logistic,
    /// Boosted trees of four leaves.
    Trees,
}

/// Channel of the volatility, with mean and standard deviation of its logarithm in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolatilityInput {
    channel: String,
    mean: f64,
    deviation: f64,
}

/// Log odds of UP against DOWN; probabilities count as at least 1e-6.
pub(crate) fn log_odds(p: Probabilities) -> f64 {
    let [up, down, _] = p.classes().map(|p| f64::from(p.max(1e-6)));
    (up / down).ln()
}

impl VolatilityInput {
    /// Returns the column of the volatility in a spec and its name.
    pub(crate) fn column(spec: &ModelSpec) -> Option<(usize, &'static str)> {
        let channels = &spec.signals.channels;
        VOLATILITIES.into_iter().find_map(|name| {
            Some((channels.iter().position(|channel| channel.name() == name)?, name))
        })
    }

    /// Returns the logarithm of the volatility in the last row of a window.
    pub(crate) fn logarithm(name: &str, column: usize, window: &Window<'_>) -> f64 {
        let value = window.row(window.steps() - 1)[column];
        if name == "log_volatility" { value } else { value.max(1e-9).ln() }
    }

    #[cfg(feature = "train")]
    pub(crate) fn of(spec: &ModelSpec, logarithms: &[f64]) -> Option<Self> {
        let (_, name) = Self::column(spec)?;
        let n = logarithms.len() as f64;
        let mean = logarithms.iter().sum::<f64>() / n;
        let squares: f64 = logarithms.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = (squares / n).sqrt();
        // A constant volatility tells nothing.
        (deviation > 1e-9).then(|| Self { channel: name.to_string(), mean, deviation })
    }
}

impl SecondModel {
    /// Returns whether the direction of the members is kept: a meta-model.
    pub fn keeps_direction(&self) -> bool {
        self.keep_direction
    }

    /// Creates a model without weights or trees, for the fit.
    #[cfg(feature = "train")]
    pub(crate) fn unfitted(keep_direction: bool, volatility: Option<VolatilityInput>) -> Self {
        Self { keep_direction, volatility, weights: Vec::new(), trees: None }
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_weights(self, weights: Vec<f64>) -> Self {
        Self { weights, ..self }
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_trees(self, trees: RowTrees) -> Self {
        Self { trees: Some(trees), ..self }
    }

    /// Returns the kind of the model.
    pub fn kind(&self) -> SecondKind {
        if self.trees.is_some() { SecondKind::Trees } else { SecondKind::Logistic }
    }

    /// Returns the weights: one per member, then those of the context in the order of the formula;
    /// none of trees.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the column that the volatility is read from.
    ///
    /// # Errors
    /// The problem, if weights and channels do not fit the members and the spec.
    pub(crate) fn column(&self, members: usize, spec: &ModelSpec) -> Result<Option<usize>, String> {
        let expected = members + self.context(self.kind());
        let (got, what) = match &self.trees {
            Some(trees) if self.weights.is_empty() => (trees.inputs(), "inputs"),
            Some(_) => return Err("its second model has weights and trees".to_string()),
            None => (self.weights.len(), "weights"),
        };
        if got != expected {
            return Err(format!("its second model has {got} {what}, expected {expected}"));
        }
        let Some(VolatilityInput { channel, deviation, .. }) = &self.volatility else {
            return Ok(None);
        };
        match VolatilityInput::column(spec) {
            Some((column, name)) if name == channel && *deviation > 0.0 => Ok(Some(column)),
            _ => Err(format!("its second model does not fit the channel {channel}")),
        }
    }

    /// Number of inputs of the context.
    pub(crate) fn context(&self, kind: SecondKind) -> usize {
        let volatility = usize::from(self.volatility.is_some());
        match kind {
            SecondKind::Logistic => 2 + usize::from(self.keep_direction) + volatility,
            SecondKind::Trees => 2 + volatility,
        }
    }

    /// Returns working memory for [`probabilities`](Self::probabilities).
    pub(crate) fn scratch(&self) -> Option<RowTreesScratch> {
        self.trees.as_ref().map(RowTrees::scratch)
    }

    /// Sign of the members' mean log odds for a meta-model, which is 0 for a tie; 1 for stacking.
    pub(crate) fn unit(&self, log_odds: &[f64]) -> f64 {
        let sum: f64 = log_odds.iter().sum();
        match self.keep_direction {
            true if sum == 0.0 => 0.0,
            true => sum.signum(),
            false => 1.0,
        }
    }

    /// Writes the inputs of a kind of model: the members' log odds, which are in `inputs` already,
    /// then the context.
    pub(crate) fn complete(
        &self,
        kind: SecondKind,
        inputs: &mut Vec<f64>,
        logarithm: f64,
        window: &Window<'_>,
    ) {
        let (mean, unit) = (inputs.iter().sum::<f64>() / inputs.len() as f64, self.unit(inputs));
        let standardised = |scale: f64| {
            let of = |v: &VolatilityInput| scale * (logarithm - v.mean) / v.deviation;
            self.volatility.as_ref().map(of)
        };
        let of_day = window.decided_at().millis().rem_euclid(DAY) as f64 / DAY as f64;
        match kind {
            SecondKind::Logistic => {
                let scale = if self.keep_direction { unit } else { mean };
                inputs.extend(self.keep_direction.then_some(unit));
                inputs.extend(standardised(scale));
                let (sin, cos) = (std::f64::consts::TAU * of_day).sin_cos();
                inputs.extend([scale * sin, scale * cos]);
            }
            SecondKind::Trees => {
                for log_odds in inputs.iter_mut() {
                    *log_odds *= unit;
                }
                inputs.push(unit * mean);
                inputs.extend(standardised(1.0));
                inputs.push(24.0 * of_day);
            }
        }
    }

    /// Computes the probabilities from the completed inputs, the [`unit`](Self::unit) and the
    /// members' soft vote.
    pub(crate) fn probabilities(
        &self,
        (inputs, unit): (&[f64], f64),
        soft: [f32; 3],
        scratch: &mut Option<RowTreesScratch>,
    ) -> [f32; 3] {
        let mut logit: f64 = match (&self.trees, scratch) {
            (Some(trees), Some(scratch)) => unit * trees.score(inputs, scratch),
            _ => inputs.iter().zip(&self.weights).map(|(x, w)| x * w).sum(),
        };
        let neutral = f64::from(soft[2].clamp(0.0, 1.0));
        if self.keep_direction {
            // NEUTRAL and ties stay, too.
            if unit == 0.0 || soft[2] >= soft[0].max(soft[1]) {
                return soft;
            }
            // Odds at which NEUTRAL would become the most probable class.
            let least = (neutral / (1.0 - 2.0 * neutral).max(1e-6)).max(1.0).ln();
            logit = unit * (least + compressed(unit * logit - least));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a probability")]
        let p = [logit, -logit].map(|z| ((1.0 - neutral) / (1.0 + (-z).exp())) as f32);
        [p[0], p[1], soft[2].clamp(0.0, 1.0)]
    }
}

/// Compresses log odds below a small positive number into those above 0, in the same order.
fn compressed(odds: f64) -> f64 {
    if odds >= COMPRESSED { odds } else { COMPRESSED.powi(2) / (2.0 * COMPRESSED - odds) }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Timestamp;

    use super::*;

    fn meta(weights: [f64; 4]) -> SecondModel {
        let weights = weights.to_vec();
        SecondModel { keep_direction: true, volatility: None, weights, trees: None }
    }

    fn predict(model: &SecondModel, soft: [f32; 3], hour: i64) -> [f32; 3] {
        let window = Window::new(&[0.0], 1, Timestamp::from_millis(hour * 3_600_000)).unwrap();
        let mut inputs = vec![log_odds(Probabilities::new(soft).unwrap())];
        let unit = model.unit(&inputs);
        model.complete(SecondKind::Logistic, &mut inputs, 0.0, &window);
        model.probabilities((&inputs, unit), soft, &mut None)
    }

    #[test]
    fn meta_keeps_direction_and_order_even_if_the_members_are_mostly_wrong() {
        // The members are wrong: negative weights.
        for weights in [[-1.0, 0.0, 0.0, 0.0], [1.0, -3.0, 0.5, 0.0], [2.0, 1.0, 0.0, -4.0]] {
            let model = meta(weights);
            for neutral in [0.0, 0.2, 0.35, 0.45] {
                for share in [0.02_f32, 0.3, 0.45, 0.499, 0.501, 0.6, 0.98] {
                    let up = (1.0 - neutral) * share;
                    let soft = [up, 1.0 - neutral - up, neutral];
                    let got = predict(&model, soft, 5);
                    let p = Probabilities::new(got).expect("probabilities");
                    let class = |c: [f32; 3]| match c {
                        [up, down, neutral] if neutral >= up.max(down) => 0,
                        [up, down, _] if up > down => 1,
                        _ => -1,
                    };
                    assert_eq!(class(got), class(soft), "{weights:?} {soft:?} {got:?}");
                    assert!(p.margin() != 0.0);
                }
            }
        }
        let confidence =
            |share: f32| predict(&meta([-1.0, 0.0, 0.0, 0.0]), [share, 1.0 - share, 0.0], 0)[0];
        assert!(confidence(0.51) > confidence(0.6) && confidence(0.6) > confidence(0.9));
        assert!(confidence(0.9) > 0.5);
    }

    #[test]
    fn meta_with_weight_one_returns_the_prediction_of_its_member() {
        let model = meta([1.0, 0.0, 0.0, 0.0]);
        for soft in [[0.7, 0.2, 0.1], [0.3, 0.7, 0.0], [0.2, 0.2, 0.6], [0.5, 0.5, 0.0]] {
            let got = predict(&model, soft, 3);
            assert!(got.iter().zip(soft).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {soft:?}");
        }
    }

    #[test]
    fn second_model_reads_the_hour_of_the_decision() {
        let model = meta([1.0, 0.0, 0.0, 1.0]);
        let soft = [0.6, 0.4, 0.0];
        assert!(predict(&model, soft, 0)[0] > predict(&model, soft, 6)[0]);
        let bits = |hour| predict(&model, soft, hour).map(f32::to_bits);
        assert_eq!(bits(7), bits(7 + 24));
    }

    #[test]
    fn compressed_log_odds_are_positive_and_in_order() {
        let odds = [-50.0, -3.0, -0.1, 0.0, 0.005, 0.01, 0.011, 2.0];
        let got = odds.map(compressed);
        assert!(got[0] > 0.0 && got.windows(2).all(|two| two[0] < two[1]), "{got:?}");
        assert_eq!(got[7].to_bits(), 2.0_f64.to_bits());
    }
}
