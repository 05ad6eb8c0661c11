//! Fitting the logistic regression.
mod likelihood;
mod windows;

use windvane_candles::Direction;
use windvane_signals::{Lags, Scaler, TrainSet, ValidationSet};

use likelihood::UpDownWindows;
use windows::ScaledWindows;

use super::{KIND, LogisticRegression};
use crate::linear::solver::cholesky;
use crate::train::{
    Learner, Run, calibrate, calibration_parts, check_directions, record_of, spec_of,
};
use crate::{FittedModel, ModelId, TrainError};

/// Minimum number of training windows labelled UP or DOWN.
const MIN_WINDOWS: usize = 50;

/// Candidate penalties α, strongest first.
const PENALTIES: [f64; 5] = [10.0, 1.0, 0.1, 0.01, 0.001];

/// Learner of a logistic regression on all scaled values of a window (120 for 20 rows of six
/// channels), or on the values of [`lags`](Self::lags).
///
/// **Formula** with x the scaled values of the window, w their weights, b the intercept and n the
/// number of training windows labelled UP or DOWN:
///
/// ```text
/// p(UP | UP or DOWN) = 1 / (1 + exp(−(x·w + b)))
/// cost               = Σ −ln p(outcome | UP or DOWN) + α n |w|² / 8
/// ```
///
/// The probability of NEUTRAL is its share of the training labels, the same for every window. The
/// penalty α is the one of 10, 1, 0.1, 0.01 and 0.001 with the lowest log loss on the first two
/// thirds of the validation windows. Temperature and exponent are then calibrated on all validation
/// windows, as by the other learners. With α = 1 a single input of standard deviation 1 gets half
/// the weight that it would get without a penalty.
///
/// The cost is convex and has one minimum. All sums have a fixed order and no random numbers are
/// drawn, so the fit is bit-identical for any seed and any number of threads. The minimiser uses an
/// upper bound of the Hessian that is computed once.
///
/// **Source** Böhning and Lindsay 1988 for the bound; Hoerl and Kennard 1970 for the penalty.
///
/// # Examples
/// ```
/// use windvane_models::logistic::LogisticLearner;
/// use windvane_models::train::Learner;
/// assert_eq!(LogisticLearner::default().id().as_str(), "logistic");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogisticLearner {
    /// Id of the fitted models; `logistic` by default.
    pub id: ModelId,
    /// Values of a window that the model reads; `None`, the default, for all of them.
    pub lags: Option<Lags>,
}

impl Default for LogisticLearner {
    fn default() -> Self {
        Self { id: ModelId::new(KIND), lags: None }
    }
}

impl LogisticLearner {
    /// Fits the model. The seed is recorded but has no effect, because no random numbers are drawn.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] for fewer than 50 windows labelled UP or DOWN,
    /// [`TrainError::EmptyClass`] when one of the two directions does not occur,
    /// [`TrainError::Signal`] when there are no rows to fit the scaler on, or when the lags do not
    /// fit the channels and the lookback,
    /// [`TrainError::Validation`] when the two sets do not belong together.
    ///
    /// # Panics
    /// Never: the weights of every fit end with the intercept.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<LogisticRegression, TrainError> {
        let spec = spec_of(train, validation)?;
        check_directions(train, MIN_WINDOWS)?;
        let scaler = Scaler::fit(train)?;
        let mut record = record_of(train, validation, run.seed())?.with_scaler(&scaler, &spec);
        let (choose, _) = calibration_parts(validation);
        let positions = self.lags.as_ref().map(|lags| lags.positions(&spec.signals, spec.lookback));
        let positions = positions.transpose()?;
        let mut windows = ScaledWindows::new(train, &scaler, positions.clone())?;
        let mut others = None;
        if train.shares_tables(&choose) {
            windows.add(&choose, &scaler)?;
        } else {
            others = Some(ScaledWindows::new(&choose, &scaler, positions)?);
        }
        let training = UpDownWindows::new(train, &windows);
        let choosing = UpDownWindows::new(&choose, others.as_ref().unwrap_or(&windows));
        let best = best_fit(&training, &choosing);
        record.train_loss = training.loss(&best.weights);
        record.validation_loss = best.loss;
        record.notes = vec![format!("penalty {}", best.penalty)];
        let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
        // Adds half a candle, so that a class without training windows has a positive probability.
        let neutral = (neutral + 0.5) / (train.len() as f64 + 1.0);
        let (intercept, weights) = best.weights.split_last().expect("invariant: an intercept");
        let lags = self.lags.clone();
        let mut model = LogisticRegression::new(spec, lags, scaler, weights, *intercept, neutral)?;
        (model.id, model.record) = (self.id.clone(), Some(record));
        calibrate(&mut model, validation)?;
        Ok(model)
    }
}

impl Learner for LogisticLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, lags } = self;
        serde_json::to_string(&("logistic", id.as_str(), lags, PENALTIES)).ok()
    }

    /// Scaled rows and the positions of the labelled windows; before them a channel of the scaler, and
    /// after them the predictions for the calibration.
    fn row_memory(&self, width: usize) -> Option<usize> {
        Some((width * size_of::<f32>() + size_of::<u32>()).max(size_of::<f64>()))
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}

/// Fit with one penalty.
struct PenalisedFit {
    penalty: f64,
    /// Weights of the inputs, followed by the intercept.
    weights: Vec<f64>,
    /// Mean log loss of the validation windows, nats; `None` if none is labelled UP or DOWN.
    loss: Option<f64>,
}

/// Fits with every penalty and returns the fit with the lowest validation loss.
///
/// It returns that with the strongest penalty if no validation window is labelled UP or DOWN.
fn best_fit(training: &UpDownWindows<'_>, validation: &UpDownWindows<'_>) -> PenalisedFit {
    let bound = training.bound().unwrap_or_default();
    let count = training.weight_count();
    let mut weights = vec![0.0; count];
    let mut best: Option<PenalisedFit> = None;
    for penalty in PENALTIES {
        let lambda = penalty * training.len() as f64 / 4.0;
        let factor = cholesky(&bound, count, lambda, count - 1);
        training.minimise(&mut weights, lambda, &factor);
        let loss = validation.loss(&weights);
        if best.as_ref().is_none_or(|best| loss < best.loss) {
            best = Some(PenalisedFit { penalty, weights: weights.clone(), loss });
        }
    }
    best.expect("invariant: at least one penalty")
}
