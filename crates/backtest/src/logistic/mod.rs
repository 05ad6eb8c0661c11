//! Logistic regression on whole windows: the learner that more complicated ones must beat.
mod likelihood;

use windvane_candles::Direction;
use windvane_models::train::{Learner, Run, calibrate, calibration_parts, record_of, spec_of};
use windvane_models::{
    Calibration, DirectionModel, ModelError, ModelId, ModelSpec, Prediction, Scratch,
    TrainingRecord,
};
use windvane_signals::{Scaler, TrainSet, ValidationSet, Window};

use crate::scaled::ScaledWindows;
use likelihood::{Cases, cholesky, dot, sigmoid};

/// Fewest windows that moved to learn from.
const LEAST_WINDOWS: usize = 50;

/// Penalties α that are tried, strongest first.
const PENALTIES: [f64; 5] = [10.0, 1.0, 0.1, 0.01, 0.001];

/// Fits a logistic regression on all scaled values of a window: 120 for 20 rows of six channels.
///
/// **Formula** with x the window's scaled values, w their weights, b a constant and n the number
/// of training windows whose close moved:
///
/// ```text
/// p(UP | UP or DOWN) = 1 / (1 + exp(−(x·w + b)))
/// cost               = Σ −ln p(what came | UP or DOWN) + α n |w|² / 8
/// ```
///
/// NEUTRAL has its share of the training labels, whatever the window. α is the one of 10, 1, 0.1,
/// 0.01 and 0.001 with the least log loss on the first two thirds of the validation windows; then
/// temperature and exponent are chosen on all of them, as other learners do. With α = 1 an input of
/// spread 1 that stands alone gets half of the weight it would get without a penalty.
///
/// The cost is convex and has one minimum, and sums run in fixed order: nothing is drawn, and any
/// number of threads gives the same bits. The steps go through a bound of the second derivative
/// that is computed once.
///
/// **Source** Böhning and Lindsay 1988 for the bound; Hoerl and Kennard 1970 for the penalty.
///
/// # Examples
/// ```
/// use windvane_backtest::LogisticLearner;
/// use windvane_models::train::Learner;
/// assert_eq!(LogisticLearner::default().id().as_str(), "logistic");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogisticLearner {
    /// Id of the models it fits; `logistic` by default.
    pub id: ModelId,
}

impl Default for LogisticLearner {
    fn default() -> Self {
        Self { id: ModelId::new("logistic") }
    }
}

impl Learner for LogisticLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn recipe(&self) -> Option<String> {
        Some(format!("{self:?} {PENALTIES:?}"))
    }

    fn fit(
        &self,
        train: &TrainSet<'_>,
        validation: &ValidationSet<'_>,
        run: &Run<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError> {
        let spec = spec_of(train, validation)?;
        check_classes(train)?;
        let scaler = Scaler::fit(train)?;
        let mut record = record_of(train, validation, run.seed());
        let constant = scaler.constant_channels().map(|c| spec.signals.channels[c].to_string());
        record.constant_channels = constant.collect();
        let likeliest = likeliest(train, &calibration_parts(validation).0, &scaler)?;
        (record.train_loss, record.validation_loss) = likeliest.losses;
        record.notes = vec![format!("penalty {}", likeliest.penalty)];
        let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
        let mut model = Logistic {
            id: self.id.clone(),
            spec,
            scaler,
            weights: likeliest.weights,
            // Half a candle more: what never occurred yet is not impossible.
            neutral: (neutral + 0.5) / (train.len() as f64 + 1.0),
            calibration: Calibration::NONE,
            record,
        };
        calibrate(&mut model, validation)?;
        Ok(Box::new(model))
    }
}

fn check_classes(train: &TrainSet<'_>) -> Result<(), ModelError> {
    let [ups, downs, _] = train.class_counts();
    if ups + downs < LEAST_WINDOWS {
        return Err(ModelError::TooFewWindows { expected: LEAST_WINDOWS, got: ups + downs });
    }
    for (count, class) in [(ups, Direction::Up), (downs, Direction::Down)] {
        if count == 0 {
            return Err(ModelError::EmptyClass { class: class.to_string() });
        }
    }
    Ok(())
}

/// The likeliest weights under the penalty that did best.
struct Likeliest {
    weights: Vec<f64>,
    penalty: f64,
    /// Mean −ln p on training and choosing windows, nats.
    losses: (Option<f64>, Option<f64>),
}

/// Weights under every penalty, from the strongest on, and of them those with the least loss on
/// `choose`; the strongest where none of its windows moved.
fn likeliest(
    train: &TrainSet<'_>,
    choose: &ValidationSet<'_>,
    scaler: &Scaler,
) -> Result<Likeliest, ModelError> {
    let (of_train, of_choose) =
        (ScaledWindows::of(train, scaler)?, ScaledWindows::of(choose, scaler)?);
    let (cases, choose) = (Cases::of(train, &of_train), Cases::of(choose, &of_choose));
    let bound = cases.bound().unwrap_or_default();
    let mut weights = vec![0.0; cases.weights()];
    let mut best: Option<Likeliest> = None;
    for penalty in PENALTIES {
        let lambda = penalty * cases.len() as f64 / 4.0;
        let factor = cholesky(&bound, cases.weights(), lambda);
        cases.minimise(&mut weights, lambda, &factor);
        let loss = choose.loss(&weights);
        if best.as_ref().is_none_or(|best| loss < best.losses.1) {
            best = Some(Likeliest { weights: weights.clone(), penalty, losses: (None, loss) });
        }
    }
    let best = best.expect("invariant: a penalty was tried");
    Ok(Likeliest { losses: (cases.loss(&best.weights), best.losses.1), ..best })
}

/// A fitted logistic regression. It has no saved form.
#[derive(Debug)]
struct Logistic {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    /// One per value of the window, then the constant.
    weights: Vec<f64>,
    /// Probability of NEUTRAL.
    neutral: f64,
    calibration: Calibration,
    record: TrainingRecord,
}

impl DirectionModel for Logistic {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(vec![0.0_f32; self.weights.len() - 1])
    }

    fn predict(&self, window: Window<'_>, scratch: &mut Scratch) -> Result<Prediction, ModelError> {
        self.spec.check(&window)?;
        let scaled = scratch.get::<Vec<f32>>()?;
        self.scaler.apply_rows(window.values(), scaled)?;
        let (constant, weights) = self.weights.split_last().expect("invariant: a constant");
        let logit = constant + dot(scaled, weights);
        let moved = 1.0 - self.neutral;
        #[expect(clippy::cast_possible_truncation, reason = "logarithms of probabilities")]
        let logits = [moved * sigmoid(logit), moved * sigmoid(-logit), self.neutral]
            .map(|p| p.max(1e-30).ln() as f32);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }

    fn record(&self) -> Option<&TrainingRecord> {
        Some(&self.record)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), ModelError> {
        self.calibration = calibration;
        Ok(())
    }
}
