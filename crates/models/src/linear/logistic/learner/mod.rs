//! Fitting the logistic regression.
mod likelihood;
mod windows;

use windvane_candles::Direction;
use windvane_signals::{Scaler, TrainSet, ValidationSet};

use likelihood::Cases;
use windows::ScaledWindows;

use super::{KIND, LogisticRegression};
use crate::linear::solver::cholesky;
use crate::train::{
    Learner, Run, calibrate, calibration_parts, check_directions, record_of, spec_of,
};
use crate::{FittedModel, ModelId, TrainError};

/// Fewest windows that moved to learn from.
const MIN_WINDOWS: usize = 50;

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
/// use windvane_models::logistic::LogisticLearner;
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
        Self { id: ModelId::new(KIND) }
    }
}

impl LogisticLearner {
    /// Fits the model. The seed only goes into its record: nothing is drawn.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] and [`TrainError::EmptyClass`] where there is nothing to
    /// learn from, [`TrainError::Signal`] without rows to scale by, [`TrainError::Validation`].
    ///
    /// # Panics
    /// Never: the weights of every penalty end with the constant.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<LogisticRegression, TrainError> {
        let spec = spec_of(train, validation)?;
        check_directions(train, MIN_WINDOWS)?;
        let scaler = Scaler::fit(train)?;
        let mut record = record_of(train, validation, run.seed()).with_scaler(&scaler, &spec);
        let (choose, _) = calibration_parts(validation);
        let windows = [ScaledWindows::of(train, &scaler)?, ScaledWindows::of(&choose, &scaler)?];
        let cases = Cases::of(train, &windows[0]);
        let best = likeliest(&cases, &Cases::of(&choose, &windows[1]));
        record.train_loss = cases.loss(&best.weights);
        record.validation_loss = best.loss;
        record.notes = vec![format!("penalty {}", best.penalty)];
        let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
        // Half a candle more: a class that never occurred yet is not impossible.
        let neutral = (neutral + 0.5) / (train.len() as f64 + 1.0);
        let (constant, weights) = best.weights.split_last().expect("invariant: a constant");
        let mut model = LogisticRegression::new(spec, scaler, weights, *constant, neutral)?;
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
        let Self { id } = self;
        serde_json::to_string(&("logistic", id.as_str(), PENALTIES)).ok()
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

/// Weights under one penalty.
struct Penalised {
    penalty: f64,
    /// Of the inputs and, last, the constant.
    weights: Vec<f64>,
    /// Mean −ln p of the outcomes to choose by, nats; `None` where none of those windows moved.
    loss: Option<f64>,
}

/// The weights with the least loss on the windows to choose by, of those under every penalty from
/// the strongest on; the strongest where none of those windows moved.
fn likeliest(cases: &Cases<'_>, choose: &Cases<'_>) -> Penalised {
    let bound = cases.bound().unwrap_or_default();
    let count = cases.weights();
    let mut weights = vec![0.0; count];
    let mut best: Option<Penalised> = None;
    for penalty in PENALTIES {
        let lambda = penalty * cases.len() as f64 / 4.0;
        let factor = cholesky(&bound, count, lambda, count - 1);
        cases.minimise(&mut weights, lambda, &factor);
        let loss = choose.loss(&weights);
        if best.as_ref().is_none_or(|best| loss < best.loss) {
            best = Some(Penalised { penalty, weights: weights.clone(), loss });
        }
    }
    best.expect("invariant: a penalty was tried")
}
