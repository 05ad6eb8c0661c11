//! Logistic regression on whole windows: the learner that more complicated ones must beat.
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, ModelId};
use windvane_signals::{TrainSet, ValidationSet};

use super::Fitted;
use super::likelihood::{Cases, cholesky, dot};

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
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError> {
        super::fit(&self.id, train, validation, run, |cases, choose| Ok(likeliest(cases, choose)))
    }
}

/// Weights under every penalty, from the strongest on, and of them those with the least loss on
/// the windows to choose by; the strongest where none of those moved.
fn likeliest(cases: &Cases<'_>, choose: &Cases<'_>) -> Fitted {
    let bound = cases.bound().unwrap_or_default();
    let mut weights = vec![0.0; cases.weights()];
    let mut best: Option<(Option<f64>, f64, Vec<f64>)> = None;
    for penalty in PENALTIES {
        let lambda = penalty * cases.len() as f64 / 4.0;
        let factor = cholesky(&bound, cases.weights(), lambda);
        cases.minimise(&mut weights, lambda, &factor);
        let loss = choose.loss(&weights);
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, penalty, weights.clone()));
        }
    }
    let (loss, penalty, weights) = best.expect("invariant: a penalty was tried");
    Fitted {
        losses: (cases.loss(&weights), loss),
        note: format!("penalty {penalty}"),
        logit: Box::new(move |window| {
            let (constant, of_inputs) = weights.split_last().expect("invariant: a constant");
            constant + dot(window, of_inputs)
        }),
    }
}
