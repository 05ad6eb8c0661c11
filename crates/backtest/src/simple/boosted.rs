//! Gradient-boosted trees on whole windows, by another crate.
use forust_ml::gradientbooster::GradientBooster;
use forust_ml::metric::Metric;
use forust_ml::objective::ObjectiveType;
use forust_ml::{Matrix, tree::Tree};
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, ModelId};
use windvane_signals::{TrainSet, ValidationSet};

use super::Fitted;
use super::likelihood::Cases;

/// Most trees.
const TREES: usize = 300;
/// So many trees without a lower loss on the choosing windows end the fit.
const PATIENCE: usize = 30;
const LEARNING_RATE: f32 = 0.05;
const LEAVES: usize = 16;
const DEPTH: usize = 6;
/// Bins of each input.
const BINS: u16 = 64;
/// Least second derivative in a leaf: a window adds up to a quarter.
const LEAF_WEIGHT: f32 = 50.0;

/// Fits gradient-boosted trees on all scaled values of a window: 120 for 20 rows of six channels.
///
/// At most 300 trees of 16 leaves and 200 windows to a leaf at a learning rate of 0.05; how many
/// are kept is chosen by log loss on the first two thirds of the validation windows. NEUTRAL has
/// its share of the training labels, whatever the window, and the probabilities are calibrated as
/// those of other learners. Nothing is drawn, and any number of threads gives the same bits.
///
/// The default one among the models of a run is a baseline of all of them, too:
/// [`Baseline::BoostedTrees`](crate::Baseline::BoostedTrees).
///
/// **Source** Friedman 2001; the trees are those of the crate `forust-ml`.
///
/// # Examples
/// ```
/// use windvane_backtest::BoostedTreesLearner;
/// use windvane_models::train::Learner;
/// assert_eq!(BoostedTreesLearner::default().id().as_str(), "boosted");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoostedTreesLearner {
    /// Id of the models it fits; `boosted` by default.
    pub id: ModelId,
}

impl Default for BoostedTreesLearner {
    fn default() -> Self {
        Self { id: ModelId::new("boosted") }
    }
}

impl Learner for BoostedTreesLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn recipe(&self) -> Option<String> {
        let numbers = (TREES, PATIENCE, LEARNING_RATE, LEAVES, DEPTH, BINS, LEAF_WEIGHT);
        Some(format!("{self:?} {numbers:?}"))
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError> {
        super::fit(&self.id, train, validation, run, grow)
    }
}

fn grow(cases: &Cases<'_>, choose: &Cases<'_>) -> Result<Fitted, ModelError> {
    let mut booster = GradientBooster::default()
        .set_objective_type(ObjectiveType::LogLoss)
        .set_evaluation_metric(Some(Metric::LogLoss))
        .set_iterations(TREES)
        .set_early_stopping_rounds(Some(PATIENCE))
        .set_learning_rate(LEARNING_RATE)
        .set_max_leaves(LEAVES)
        .set_max_depth(DEPTH)
        .set_nbins(BINS)
        .set_min_leaf_weight(LEAF_WEIGHT)
        .set_parallel(true);
    let inputs = cases.weights() - 1;
    let (columns, rose) = cases.columns();
    let (choose_columns, choose_rose) = choose.columns();
    let alike = vec![1.0; choose_rose.len()];
    let evaluation = (!choose_rose.is_empty()).then(|| {
        let matrix = Matrix::new(&choose_columns, choose_rose.len(), inputs);
        vec![(matrix, &choose_rose[..], &alike[..])]
    });
    let matrix = Matrix::new(&columns, rose.len(), inputs);
    let grown = booster.fit_unweighted(&matrix, &rose, evaluation);
    grown.map_err(|error| ModelError::Other(Box::new(error)))?;
    let mut trees: Vec<Tree> = booster.trees;
    trees.truncate(booster.prediction_iteration.unwrap_or(trees.len()));
    let (base, missing) = (booster.base_score, booster.missing);
    let note = format!("{} trees", trees.len());
    let logit = move |window: &[f64]| {
        let leaf = |tree: &Tree| tree.predict_row_from_row_slice(window, &missing);
        trees.iter().map(leaf).fold(base, |sum, leaf| sum + leaf)
    };
    Ok(Fitted { logit: Box::new(logit), losses: (None, None), note })
}
