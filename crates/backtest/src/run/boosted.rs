//! Gradient-boosted trees on whole windows or on lags, with the crate `forust-ml`.
use forust_ml::gradientbooster::GradientBooster;
use forust_ml::metric::Metric;
use forust_ml::objective::ObjectiveType;
use forust_ml::{Matrix, tree::Tree};
use windvane_candles::Direction;
use windvane_models::train::{
    Learner, Run, calibrate, calibration_parts, check_directions, record_of, spec_of,
};
use windvane_models::{
    Calibration, DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction,
    Scratch, TrainError, TrainingRecord,
};
use windvane_signals::{Lags, Sample, SampleSet, Scaler, TrainSet, ValidationSet, Window};

/// Minimum number of training windows with a changed close.
const MIN_WINDOWS: usize = 50;
/// Maximum number of trees.
const TREES: usize = 300;
/// Number of trees without a lower validation loss before early stopping.
const PATIENCE: usize = 30;
const LEARNING_RATE: f32 = 0.05;
const LEAVES: usize = 16;
const DEPTH: usize = 6;
/// Number of histogram bins per input.
const BINS: u16 = 64;
/// Minimum sum of second derivatives in a leaf; a window adds at most a quarter.
const LEAF_WEIGHT: f32 = 50.0;

/// Learner of gradient-boosted trees on all scaled values of a window, 120 for 20 rows of six
/// channels, or on the values of [`lags`](Self::lags).
///
/// At most 300 trees with 16 leaves and at least 200 windows per leaf, at a learning rate of 0.05.
/// Early stopping selects the number of trees by log loss on the first two thirds of the validation
/// windows. NEUTRAL always has its share of the training labels; the probabilities are calibrated
/// like those of other learners. The fit uses no random numbers and gives the same bits on any
/// number of threads.
///
/// The default learner, if it is among the models of a run, is also a baseline of all of them:
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
    /// Values of a window that the trees read; `None`, the default, for all of them.
    pub lags: Option<Lags>,
}

impl Default for BoostedTreesLearner {
    fn default() -> Self {
        Self { id: ModelId::new("boosted"), lags: None }
    }
}

impl Learner for BoostedTreesLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let numbers = (TREES, PATIENCE, LEARNING_RATE, LEAVES, DEPTH, BINS, LEAF_WEIGHT);
        serde_json::to_string(&("boosted", self.id.as_str(), &self.lags, numbers)).ok()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let spec = spec_of(train, validation)?;
        check_directions(train, MIN_WINDOWS)?;
        let scaler = Scaler::fit(train)?;
        let mut record = record_of(train, validation, run.seed()).with_scaler(&scaler, &spec);
        let (choose, _) = calibration_parts(validation);
        let positions = match &self.lags {
            Some(lags) => lags.positions(&spec.signals, spec.lookback)?,
            None => (0..spec.lookback * spec.signals.width()).collect(),
        };
        let trees = grow(
            &BoostingCases::of(train, &scaler, &positions)?,
            &BoostingCases::of(&choose, &scaler, &positions)?,
        )?;
        record.notes = vec![format!("{} trees", trees.members.len())];
        let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
        let mut model = BoostedTrees {
            id: self.id.clone(),
            spec,
            positions,
            scaler,
            trees,
            // Half a candle is added, because a class that has not occurred yet is not impossible.
            neutral: (neutral + 0.5) / (train.len() as f64 + 1.0),
            calibration: Calibration::NONE,
            record,
        };
        calibrate(&mut model, validation)?;
        Ok(Box::new(model))
    }
}

/// Training cases of the trees: scaled windows with a changed close, with their outcomes.
struct BoostingCases {
    /// `[inputs, cases]`.
    columns: Vec<f64>,
    /// 1 for UP, 0 for DOWN.
    rose: Vec<f64>,
    inputs: usize,
}

impl BoostingCases {
    fn of(samples: &SampleSet, scaler: &Scaler, positions: &[usize]) -> Result<Self, TrainError> {
        let tables = samples.scaled_tables(scaler)?;
        let (width, inputs) = (samples.width(), positions.len());
        let moved: Vec<&Sample> =
            samples.samples().iter().filter(|s| s.label != Direction::Neutral).collect();
        let mut columns = vec![0.0; moved.len() * inputs];
        for (case, sample) in moved.iter().enumerate() {
            let start = (sample.row + 1 - samples.lookback()) * width;
            let window = &tables[sample.table][start..];
            for (column, position) in positions.iter().enumerate() {
                columns[column * moved.len() + case] = f64::from(window[*position]);
            }
        }
        let rose = moved.iter().map(|s| f64::from(u8::from(s.label == Direction::Up))).collect();
        Ok(Self { columns, rose, inputs })
    }

    fn matrix(&self) -> Matrix<'_, f64> {
        Matrix::new(&self.columns, self.rose.len(), self.inputs)
    }
}

/// Trees whose sum of outputs is the log odds ln p(UP) / p(DOWN) of a scaled window.
struct Trees {
    members: Vec<Tree>,
    base: f64,
    missing: f64,
}

impl Trees {
    fn logit(&self, window: &[f64]) -> f64 {
        self.members.iter().fold(self.base, |sum, tree| {
            sum + tree.predict_row_from_row_slice(window, &self.missing)
        })
    }
}

fn grow(cases: &BoostingCases, choose: &BoostingCases) -> Result<Trees, TrainError> {
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
    let alike = vec![1.0; choose.rose.len()];
    let evaluation =
        (!choose.rose.is_empty()).then(|| vec![(choose.matrix(), &choose.rose[..], &alike[..])]);
    booster
        .fit_unweighted(&cases.matrix(), &cases.rose, evaluation)
        .map_err(|error| TrainError::Other(Box::new(error)))?;
    let mut trees: Vec<Tree> = booster.trees;
    trees.truncate(booster.prediction_iteration.unwrap_or(trees.len()));
    Ok(Trees { members: trees, base: booster.base_score, missing: booster.missing })
}

/// Boosted trees of UP against DOWN with a constant probability of NEUTRAL. They cannot be saved.
struct BoostedTrees {
    id: ModelId,
    spec: ModelSpec,
    /// Position of each input in a window.
    positions: Vec<usize>,
    scaler: Scaler,
    trees: Trees,
    /// Probability of NEUTRAL.
    neutral: f64,
    calibration: Calibration,
    record: TrainingRecord,
}

impl std::fmt::Debug for BoostedTrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, spec, .. } = self;
        f.debug_struct("BoostedTrees").field("id", id).field("spec", spec).finish_non_exhaustive()
    }
}

/// Scratch buffers for a scaled window and its inputs in `f64`.
struct BoostingBuffers {
    scaled: Vec<f32>,
    wide: Vec<f64>,
}

impl DirectionModel for BoostedTrees {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let values = self.spec.lookback * self.spec.signals.width();
        let wide = vec![0.0; self.positions.len()];
        Scratch::new(BoostingBuffers { scaled: vec![0.0; values], wide })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let BoostingBuffers { scaled, wide } = scratch.get()?;
        self.scaler
            .apply_rows(window.values(), scaled)
            .map_err(|_| PredictError::ForeignScratch)?;
        let inputs = self.positions.iter().map(|position| f64::from(scaled[*position]));
        wide.iter_mut().zip(inputs).for_each(|(wide, input)| *wide = input);
        let (logit, moved) = (self.trees.logit(wide), 1.0 - self.neutral);
        #[expect(clippy::cast_possible_truncation, reason = "logarithms of probabilities")]
        let logits = [moved * sigmoid(logit), moved * sigmoid(-logit), self.neutral]
            .map(|p| p.max(1e-30).ln() as f32);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

impl FittedModel for BoostedTrees {
    fn record(&self) -> Option<&TrainingRecord> {
        Some(&self.record)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }
}

/// Logistic function.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
