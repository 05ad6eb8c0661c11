//! Fitted boosted trees: prediction, import, channel importance.
use std::path::Path;

use windvane_signals::{Lags, Window};

use super::tree::{Forest, ForestScratch, TreeNode};
use super::{KIND, lightgbm};
use crate::{
    Artifact, Calibration, DirectionModel, FittedModel, LoadError, ModelId, ModelSpec,
    PredictError, Prediction, Scratch, SettingError, TrainError, TrainingRecord,
};

/// Gradient-boosted decision trees: a score of UP against DOWN with a constant probability of
/// NEUTRAL, or a score of each class.
///
/// `BoostedTreesLearner` (with the feature `train`) fits them; [`from_lightgbm`](Self::from_lightgbm)
/// imports them.
#[derive(Clone)]
pub struct BoostedTrees {
    pub(super) id: ModelId,
    pub(super) spec: ModelSpec,
    pub(super) lags: Option<Lags>,
    /// Position of each input in a window; `None` for whole windows.
    pub(super) positions: Option<Vec<usize>>,
    pub(super) forest: Forest,
    /// Probability of NEUTRAL of a binary model; `None` for three classes.
    pub(super) neutral: Option<f64>,
    pub(super) calibration: Calibration,
    pub(super) record: Option<TrainingRecord>,
}

/// Formats sizes instead of trees, to keep the output short.
impl std::fmt::Debug for BoostedTrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoostedTrees")
            .field("id", &self.id)
            .field("spec", &self.spec)
            .field("trees", &self.forest.len())
            .finish_non_exhaustive()
    }
}

/// Importance of a channel in boosted trees: the sum over all splits on its values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChannelGain {
    /// Name of the channel with its parameters.
    pub channel: String,
    /// Number of splits.
    pub splits: usize,
    /// Sum of the gains: about twice the decrease of the training loss by the splits, nats.
    pub gain: f64,
    /// Gain as a share of the sum over all channels; `None` if all gains are 0.
    pub share: Option<f64>,
}

/// Positions of the inputs in a window of the spec: those of the lags, `None` for all.
pub(super) fn positions(
    spec: &ModelSpec,
    lags: Option<&Lags>,
) -> Result<Option<Vec<usize>>, TrainError> {
    spec.validate()?;
    let positions = lags.map(|lags| lags.positions(&spec.signals, spec.lookback));
    Ok(positions.transpose()?)
}

/// Number of inputs at some positions of a window.
pub(super) fn input_count(spec: &ModelSpec, positions: Option<&Vec<usize>>) -> usize {
    positions.map_or(spec.lookback * spec.signals.width(), Vec::len)
}

impl BoostedTrees {
    /// Creates a model from checked trees.
    pub(super) fn new(
        spec: ModelSpec,
        lags: Option<Lags>,
        forest: Forest,
        neutral: Option<f64>,
    ) -> Result<Self, TrainError> {
        let positions = positions(&spec, lags.as_ref())?;
        let (setting, expected) = ("number of inputs", "lookback times channels, or that of lags");
        if input_count(&spec, positions.as_ref()) != forest.inputs() {
            let got = forest.inputs() as f64;
            return Err(SettingError { setting, expected, got }.into());
        }
        let scores = if neutral.is_some() { 1 } else { 3 };
        if forest.classes() != scores {
            let (setting, expected) =
                ("number of scores", "1 with a probability of NEUTRAL, 3 without");
            return Err(SettingError { setting, expected, got: forest.classes() as f64 }.into());
        }
        if let Some(got) = neutral.filter(|neutral| !(*neutral > 0.0 && *neutral < 1.0)) {
            let (setting, expected) = ("probability of NEUTRAL", "above 0 and below 1");
            return Err(SettingError { setting, expected, got }.into());
        }
        Ok(Self {
            id: ModelId::new(KIND),
            spec,
            lags,
            positions,
            forest,
            neutral,
            calibration: Calibration::NONE,
            record: None,
        })
    }

    /// Imports a model from the text of LightGBM's `Booster.save_model`, so that it predicts without
    /// Python. The scores are those of LightGBM.
    ///
    /// **Inputs** feature i of the LightGBM model is input i here: the i-th of the
    /// [positions](Lags::positions) of the lags, or of a window `[T, C]`, oldest row first. They are
    /// raw channel values, as `windvane export` writes them without `--scaled`.
    ///
    /// **Classes** objective `binary` with 1 = UP, 0 = DOWN, and the probability of NEUTRAL as
    /// `Some`; or `multiclass` with 0 = UP, 1 = DOWN, 2 = NEUTRAL and `None`.
    ///
    /// Splits by category, linear trees, random forests and other objectives are rejected. The model
    /// has no training record.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] for a text that is not such a model, and when the number of features
    /// or classes does not fit the spec, the lags and the probability of NEUTRAL.
    ///
    /// # Examples
    /// ```
    /// use windvane_models::candles::Interval;
    /// use windvane_models::signals::{Lags, LabelSpec, SignalSpec};
    /// use windvane_models::{ModelSpec, trees::BoostedTrees};
    ///
    /// let text = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=5\n\
    ///     objective=binary sigmoid:1\ntree_sizes=200\n\nTree=0\nnum_leaves=2\nnum_cat=0\n\
    ///     split_feature=2\nsplit_gain=1\nthreshold=30\ndecision_type=2\nleft_child=-1\n\
    ///     right_child=-2\nleaf_value=0.1 -0.1\nis_linear=0\n\nend of trees\n";
    /// let (signals, labels) = (SignalSpec::six(), LabelSpec::default());
    /// let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 1, labels };
    /// let model = BoostedTrees::from_lightgbm(text, spec, Some(Lags::newest()), Some(0.001))?;
    /// assert_eq!(model.tree_count(), 1);
    /// assert!(model.importance()[2].channel.starts_with("rsi"));
    /// # Ok::<(), windvane_models::LoadError>(())
    /// ```
    pub fn from_lightgbm(
        text: &str,
        spec: ModelSpec,
        lags: Option<Lags>,
        neutral: Option<f64>,
    ) -> Result<Self, LoadError> {
        let damaged = |problem: String| LoadError::Damaged {
            file: "the LightGBM model".to_string(),
            problem,
        };
        let parsed = lightgbm::parse(text).map_err(damaged)?;
        let inputs = positions(&spec, lags.as_ref()).map_err(|error| damaged(error.to_string()))?;
        let expected = input_count(&spec, inputs.as_ref());
        if parsed.features != expected {
            let got = parsed.features;
            return Err(damaged(format!(
                "it has {got} features, the lags or the window have {expected} inputs; train on \
                 the same inputs"
            )));
        }
        let base = vec![0.0; parsed.scores];
        let forest = Forest::new(&parsed.trees, base, parsed.features).map_err(damaged)?;
        Self::new(spec, lags, forest, neutral).map_err(|error| damaged(error.to_string()))
    }

    /// Replaces the id, which is `trees` after an import.
    #[must_use]
    pub fn with_id(self, id: ModelId) -> Self {
        Self { id, ..self }
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`] when the file cannot be read, [`LoadError::Kind`] for a model of another
    /// kind, and the other variants of [`LoadError`] for an invalid file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?)
    }

    /// Reads a model from the bytes of a file, such as those of `include_bytes!`.
    ///
    /// # Errors
    /// [`LoadError::Kind`] for a model of another kind, and the other variants of [`LoadError`] for
    /// invalid bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?)
    }

    /// Returns the values of a window that the trees read; `None` for all of them.
    pub fn lags(&self) -> Option<&Lags> {
        self.lags.as_ref()
    }

    /// Returns the number of trees.
    pub fn tree_count(&self) -> usize {
        self.forest.len()
    }

    /// Computes the scores of raw inputs, one per input, before any calibration: one score, the
    /// logit of UP against DOWN, or three. `None` for another number of inputs. NaN is missing.
    pub fn scores(&self, inputs: &[f64]) -> Option<Vec<f64>> {
        let mut scores = vec![0.0; self.forest.classes()];
        if inputs.len() != self.forest.inputs() {
            return None;
        }
        self.forest.scores(inputs, &mut self.forest.scratch(), &mut scores);
        Some(scores)
    }

    /// Returns the importance of every channel, in the order of the spec. The lags of a channel are
    /// added up.
    pub fn importance(&self) -> Vec<ChannelGain> {
        let channels = &self.spec.signals.channels;
        let mut importance: Vec<ChannelGain> = channels
            .iter()
            .map(|channel| (channel.to_string(), 0, 0.0, None))
            .map(|(channel, splits, gain, share)| ChannelGain { channel, splits, gain, share })
            .collect();
        for node in self.forest.trees().flatten() {
            if let TreeNode::Split { input, gain, .. } = node {
                let at = self.positions.as_ref().map_or(input, |positions| positions[input]);
                let own = &mut importance[at % channels.len()];
                own.splits += 1;
                own.gain += f64::from(gain);
            }
        }
        let sum: f64 = importance.iter().map(|channel| channel.gain).sum();
        for own in &mut importance {
            own.share = (sum > 0.0).then(|| own.gain / sum);
        }
        importance
    }
}

/// Working memory of a [`BoostedTrees`].
struct TreesScratch {
    inputs: Vec<f64>,
    scores: Vec<f64>,
    forest: ForestScratch,
}

impl DirectionModel for BoostedTrees {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let inputs = vec![0.0; self.forest.inputs()];
        let scores = vec![0.0; self.forest.classes()];
        Scratch::new(TreesScratch { inputs, scores, forest: self.forest.scratch() })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let TreesScratch { inputs, scores, forest } = scratch.get()?;
        let sizes = (inputs.len(), scores.len(), forest.trees());
        if sizes != (self.forest.inputs(), self.forest.classes(), self.forest.len()) {
            return Err(PredictError::ForeignScratch);
        }
        let values = window.values();
        match &self.positions {
            None => inputs.copy_from_slice(values),
            Some(at) => inputs.iter_mut().zip(at).for_each(|(input, at)| *input = values[*at]),
        }
        self.forest.scores(inputs, forest, scores);
        let logits = logits(scores, self.neutral);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

/// Logits of UP, DOWN, NEUTRAL.
#[expect(clippy::cast_possible_truncation, reason = "the precision of probabilities")]
fn logits(scores: &[f64], neutral: Option<f64>) -> [f32; 3] {
    match (scores, neutral) {
        ([up, down, neutral], _) => [*up, *down, *neutral].map(|score| score as f32),
        (scores, neutral) => {
            let (score, neutral) = (scores.first().copied().unwrap_or(0.0), neutral.unwrap_or(0.0));
            let (up, down) = (1.0 / (1.0 + (-score).exp()), 1.0 / (1.0 + score.exp()));
            [(1.0 - neutral) * up, (1.0 - neutral) * down, neutral]
                .map(|p| p.max(1e-30).ln() as f32)
        }
    }
}

impl FittedModel for BoostedTrees {
    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        self.artifact()
    }
}
