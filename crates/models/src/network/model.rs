//! Fitted network: prediction, loading and saving.
use std::fmt;
use std::path::Path;

use windvane_lstm_core::{Kernel, LstmError, Tensors};
use windvane_signals::{Scaler, Window};

use super::inference::{BATCH, BatchBuffers, PackedNetwork, WindowBuffers};
use super::state_dict::{self, StateDict};
use super::{CLASSES, Layers, NetworkConfig, WindowShape, saved};
use crate::artifact::read_file;
use crate::{
    Artifact, Calibration, DirectionModel, FittedModel, LoadError, ModelId, ModelSpec,
    PredictError, Prediction, Scratch, StatefulModel, TrainError, TrainingRecord,
};

/// Fitted network: the layers of a [`NetworkConfig`] with weights, scaler and calibration.
///
/// **Shapes** window `[T, C]` → encoder, a state per row `[T, H]` → pooling `[H]` → hidden dense
/// layers with ReLU → dense(→ 3) → softmax: UP, DOWN, NEUTRAL. One prediction takes a few
/// microseconds and allocates nothing.
///
/// A [stateful](NetworkConfig::stateful) network reads each row once. Its state is carried from
/// candle to candle, so a prediction costs one step whatever the lookback is, and depends on all
/// rows since the start or the last reset. It predicts as soon as the state has read `lookback`
/// rows. For a single window, [`predict`](DirectionModel::predict) starts from a zero state.
#[derive(Clone)]
pub struct Network {
    pub(crate) id: ModelId,
    pub(crate) spec: ModelSpec,
    pub(crate) scaler: Scaler,
    pub(crate) calibration: Calibration,
    pub(crate) record: Option<TrainingRecord>,
    pub(crate) layers: Layers,
    pub(crate) weights: Tensors<f32>,
    pub(super) packed: PackedNetwork,
}

/// Formats sizes instead of weights, to keep the output short.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("id", &self.id)
            .field("spec", &self.spec)
            .field("config", self.config())
            .field("weights", &self.weights.len())
            .field("kernel", &self.kernel())
            .finish_non_exhaustive()
    }
}

/// Working memory of a network.
struct NetworkScratch {
    /// Scaled window, `[T, C]`.
    window: Vec<f32>,
    buffers: WindowBuffers,
    logits: [f32; CLASSES],
    /// Scaled windows of a batch, `[B, T, C]`.
    windows: Vec<f32>,
    /// Working memory for batches, created for the first batch.
    batch: Option<BatchBuffers>,
}

/// Converts a size error: the scratch belongs to another model.
fn foreign<E>(_: E) -> PredictError {
    PredictError::ForeignScratch
}

impl Network {
    /// Creates a network; `weights` has the tensors of [`Layers::specs`].
    pub(crate) fn new(
        spec: ModelSpec,
        scaler: Scaler,
        layers: Layers,
        weights: Tensors<f32>,
    ) -> Result<Self, LstmError> {
        let packed = layers.pack(weights.flat())?;
        let id = ModelId::new(saved::kind(&layers.config));
        let (calibration, record) = (Calibration::NONE, None);
        Ok(Self { id, spec, scaler, calibration, record, layers, weights, packed })
    }

    /// Returns the configuration of the layers.
    pub fn config(&self) -> &NetworkConfig {
        &self.layers.config
    }

    /// Returns the kind in saved files: `v3`, `v31`, `v32` or `v32-stateful` for the layers of
    /// these presets, `network` for all others.
    pub fn kind(&self) -> &'static str {
        saved::kind(self.config())
    }

    /// Returns the kernel that the layers run on.
    pub fn kernel(&self) -> Kernel {
        self.packed.kernel()
    }

    /// Returns the same network with compact weights in its recurrent layers.
    ///
    /// One prediction is then faster if those weights exceed the L1 data cache of the processor, and
    /// slower if they do not; batches take the same time. The weights are rounded to 8 significant
    /// bits ([`PackedLstm::compact`](windvane_lstm_core::PackedLstm::compact)), which changed
    /// probabilities by less than 0.001 in every network that was measured (docs/performance.md,
    /// "Compact weights"); compare yours before you use it. Saved files have the exact weights.
    ///
    /// # Examples
    /// ```no_run
    /// use windvane_models::network::Network;
    ///
    /// let network = Network::load("v3.safetensors")?.with_compact_weights();
    /// # Ok::<(), windvane_models::LoadError>(())
    /// ```
    #[must_use]
    pub fn with_compact_weights(mut self) -> Self {
        self.packed.encoder = self.packed.encoder.compact();
        self
    }

    /// Returns the attention weights of the rows of a window, oldest first.
    ///
    /// They are not negative and sum to 1. `None` for a network without attention.
    ///
    /// # Errors
    /// The errors of [`predict`](DirectionModel::predict).
    pub fn attention<'s>(
        &self,
        window: Window<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<Option<&'s [f32]>, PredictError> {
        self.predict(window, scratch)?;
        Ok(scratch.get::<NetworkScratch>()?.buffers.attention())
    }

    /// Reads a network of any kind from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`] when the file cannot be read, [`LoadError::Kind`] for a model of another
    /// kind, and the other variants of [`LoadError`] for an invalid file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?)
    }

    /// Reads a network from the bytes of a file, such as those of `include_bytes!`.
    ///
    /// # Errors
    /// [`LoadError::Kind`] for a model of another kind, and the other variants of [`LoadError`] for
    /// invalid bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?)
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        let config = saved::read(artifact)?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let window = WindowShape::of_spec(&config, &spec)
            .map_err(|error| artifact.damaged(error.to_string()))?;
        let layers = Layers::new(&config, &window, CLASSES)
            .map_err(|error| artifact.damaged(error.to_string()))?;
        let specs = layers.specs();
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        artifact.expect_tensors(&names)?;
        // Checks the tensors of the file before memory is allocated for the configured sizes.
        for tensor in &specs {
            artifact.tensor(&tensor.name, &tensor.shape)?;
        }
        let mut weights = Tensors::new(specs.clone());
        for tensor in &specs {
            let data = artifact.tensor(&tensor.name, &tensor.shape)?;
            if let Some(target) = weights.get_mut(&tensor.name) {
                target.copy_from_slice(data);
            }
        }
        let model = Self::new(spec, scaler, layers, weights)
            .map_err(|error| artifact.damaged(error.to_string()))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, ..model })
    }

    /// Loads the weights of a `PyTorch` model from a safetensors file of its `state_dict`.
    ///
    /// The layers are those of `like`, with the sizes of the tensors. The documentation of the
    /// presets lists names and shapes. Numbers may be f64, f32, f16 or bf16 and become f32.
    /// `scaler` and `spec` must be those of the training: the scaling of the channels, and the
    /// channels and windows. For names with a prefix, such as `module.`, read the file and call
    /// [`from_state_dict_with_prefix`](Self::from_state_dict_with_prefix).
    ///
    /// # Errors
    /// [`LoadError::Io`] when the file cannot be read, [`LoadError::TooLarge`], and the errors of
    /// [`from_state_dict`](Self::from_state_dict).
    pub fn load_state_dict(
        path: impl AsRef<Path>,
        like: &NetworkConfig,
        spec: ModelSpec,
        scaler: Scaler,
    ) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let dict = StateDict::from_bytes(&read_file(path)?, &path.display().to_string(), "")?;
        Self::from_dict(&dict, like, spec, scaler)
    }

    /// Loads the weights of a `PyTorch` model from the bytes of a file.
    ///
    /// The arguments are those of [`load_state_dict`](Self::load_state_dict).
    ///
    /// # Errors
    /// [`LoadError::MissingTensor`], [`LoadError::ForeignTensor`], [`LoadError::TensorShape`],
    /// [`LoadError::TensorType`], [`LoadError::WeightNotFinite`] and [`LoadError::Damaged`] for
    /// invalid bytes; [`LoadError::Signal`] for an invalid `spec`; [`LoadError::Channels`] when
    /// spec, scaler and weights have different numbers of channels.
    pub fn from_state_dict(
        bytes: &[u8],
        like: &NetworkConfig,
        spec: ModelSpec,
        scaler: Scaler,
    ) -> Result<Self, LoadError> {
        Self::from_state_dict_with_prefix(bytes, "", like, spec, scaler)
    }

    /// Loads the weights of a `PyTorch` model from the bytes of a file whose names have a prefix:
    /// `module.` of `DataParallel`, `_orig_mod.` of `torch.compile`, `model.` of a model inside
    /// another one. The prefix is removed where it is; other names are used as they are.
    ///
    /// # Errors
    /// Those of [`from_state_dict`](Self::from_state_dict), and [`LoadError::Damaged`] if two names
    /// are the same without the prefix.
    pub fn from_state_dict_with_prefix(
        bytes: &[u8],
        prefix: &str,
        like: &NetworkConfig,
        spec: ModelSpec,
        scaler: Scaler,
    ) -> Result<Self, LoadError> {
        let dict = StateDict::from_bytes(bytes, "the state_dict in memory", prefix)?;
        Self::from_dict(&dict, like, spec, scaler)
    }

    fn from_dict(
        dict: &StateDict,
        like: &NetworkConfig,
        spec: ModelSpec,
        scaler: Scaler,
    ) -> Result<Self, LoadError> {
        spec.validate()?;
        let (channels, config) = (spec.signals.width(), dict.config(like)?);
        dict.check_channels(&config, channels, scaler.width())?;
        let window = WindowShape::of_spec(&config, &spec)?;
        let layers = Layers::new(&config, &window, CLASSES)
            .map_err(|error| dict.damaged(error.to_string()))?;
        let weights = dict.weights(&layers.specs())?;
        Self::new(spec, scaler, layers, weights).map_err(|error| dict.damaged(error.to_string()))
    }

    /// Returns the weights as the bytes of a safetensors file, a `state_dict` for `PyTorch`.
    ///
    /// The single bias of each gate of an LSTM is in `bias_ih`; `bias_hh` is 0. Spec, scaler and calibration
    /// are not included.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] when the weights cannot be serialised.
    pub fn to_state_dict(&self) -> Result<Vec<u8>, LoadError> {
        state_dict::to_bytes(&self.weights)
            .map_err(|problem| LoadError::Damaged { file: self.id.to_string(), problem })
    }

    /// Calibrates logits into the prediction at the end of a window.
    fn prediction(
        &self,
        logits: [f32; CLASSES],
        window: &Window<'_>,
    ) -> Result<Prediction, PredictError> {
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

impl DirectionModel for Network {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let lookback = self.spec.lookback;
        Scratch::new(NetworkScratch {
            window: vec![0.0; lookback * self.spec.signals.width()],
            buffers: self.packed.buffers(lookback),
            logits: [0.0; CLASSES],
            windows: Vec::new(),
            batch: None,
        })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let NetworkScratch { window: scaled, buffers, logits, .. } = scratch.get()?;
        self.scaler.apply_rows(window.values(), scaled).map_err(foreign)?;
        self.packed.logits(scaled, buffers, logits).map_err(foreign)?;
        self.prediction(*logits, &window)
    }

    fn predict_batch(
        &self,
        windows: &[Window<'_>],
        scratch: &mut Scratch,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), PredictError> {
        let NetworkScratch { windows: scaled, batch, window, .. } = scratch.get()?;
        let lookback = self.spec.lookback;
        let len = lookback * self.spec.signals.width();
        if window.len() != len {
            return Err(PredictError::ForeignScratch);
        }
        scaled.resize(BATCH * len, 0.0);
        let batch = batch.get_or_insert_with(|| self.packed.batch_buffers(lookback));
        let mut logits = [0.0; BATCH * CLASSES];
        for windows in windows.chunks(BATCH) {
            let scaled = &mut scaled[..windows.len() * len];
            for (window, scaled) in windows.iter().zip(scaled.chunks_exact_mut(len)) {
                self.spec.check(window)?;
                self.scaler.apply_rows(window.values(), scaled).map_err(foreign)?;
            }
            let logits = &mut logits[..windows.len() * CLASSES];
            self.packed.logits_batch(scaled, lookback, batch, logits).map_err(foreign)?;
            let (logits, _) = logits.as_chunks::<CLASSES>();
            for (window, logits) in windows.iter().zip(logits) {
                predictions.push(self.prediction(*logits, window)?);
            }
        }
        Ok(())
    }
}

/// The recurrent state is that of the encoder: hidden state and cell of an LSTM, hidden state of a
/// GRU.
impl StatefulModel for Network {
    fn state_len(&self) -> usize {
        if self.config().stateful { self.packed.state_len() } else { 0 }
    }

    fn update_state(
        &self,
        row: &[f64],
        state: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), PredictError> {
        let (expected, got) = (self.scaler.width(), row.len());
        if got != expected {
            return Err(PredictError::WindowShape { what: "channels", expected, got });
        }
        let NetworkScratch { window, buffers, .. } = scratch.get()?;
        let scaled = window.get_mut(..expected).ok_or(PredictError::ForeignScratch)?;
        self.scaler.apply_rows(row, scaled).map_err(foreign)?;
        self.packed.step(scaled, state, buffers).map_err(foreign)
    }

    fn predict_with_state(
        &self,
        window: Window<'_>,
        state: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let NetworkScratch { buffers, logits, .. } = scratch.get()?;
        self.packed.logits_of_state(state, buffers, logits).map_err(foreign)?;
        self.prediction(*logits, &window)
    }
}

impl FittedModel for Network {
    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn scaler(&self) -> Option<&Scaler> {
        Some(&self.scaler)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }

    fn stateful(&self) -> Option<&dyn StatefulModel> {
        self.config().stateful.then_some(self)
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let config = saved::to_stored(self.config());
        let artifact = Artifact::new(self.kind(), &self.id, &self.spec, &config)?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        for (spec, data) in self.weights.iter() {
            artifact.push(&spec.name, &spec.shape, data.to_vec())?;
        }
        Ok(artifact)
    }
}
