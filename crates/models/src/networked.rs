//! What the models made of one network share: scaling, probabilities, files.
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use windvane_lstm_core::{Kernel, LstmError, TensorSpec, Tensors};
use windvane_signals::{Scaler, Window};

use crate::state_dict::{self, StateDict};
use crate::{
    Artifact, Calibration, DirectionModel, ModelError, ModelId, ModelSpec, Prediction, Scratch,
    TrainingRecord,
};

/// UP, DOWN, NEUTRAL.
pub(crate) const CLASSES: usize = 3;

/// The layers of one kind of model, from a scaled window to three logits.
pub(crate) trait Architecture: Debug + Clone + Send + Sync + 'static {
    /// The kind in saved files.
    const KIND: &'static str;
    /// Sizes beyond the number of channels, as a file stores them.
    type Config: Serialize + DeserializeOwned;
    /// The layers packed for inference.
    type Packed: Clone + Send + Sync;
    /// Working memory of one prediction.
    type Buffers: Send + 'static;
    /// Working memory of a batch, made when the first one comes.
    type Batch: Send + 'static;

    /// The layers for windows of `channels` channels and that many classes.
    fn new(config: &Self::Config, channels: usize, classes: usize) -> Result<Self, LstmError>;

    /// The sizes that [`new`](Self::new) takes.
    fn config(&self) -> Self::Config;

    /// The sizes of a `PyTorch` model, read off the shapes of its tensors.
    fn sizes(dict: &StateDict) -> Result<Self::Config, ModelError>;

    /// Names and shapes of the parameters, in buffer order.
    fn specs(&self) -> Vec<TensorSpec>;

    /// Packs the parameters.
    fn pack(&self, weights: &[f32]) -> Result<Self::Packed, LstmError>;

    /// The instruction set the layers run on.
    fn kernel(packed: &Self::Packed) -> Kernel;

    /// Working memory for windows of `lookback` rows.
    fn buffers(packed: &Self::Packed, lookback: usize) -> Self::Buffers;

    /// Logits of a scaled window `[T, C]`.
    fn logits(
        packed: &Self::Packed,
        window: &[f32],
        buffers: &mut Self::Buffers,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError>;

    /// Logits `[B, CLASSES]` of scaled windows `[B, T, C]` of `lookback` rows, with the bits of
    /// [`logits`](Self::logits).
    fn logits_batch(
        packed: &Self::Packed,
        windows: &[f32],
        lookback: usize,
        batch: &mut Option<Self::Batch>,
        logits: &mut [f32],
    ) -> Result<(), LstmError>;

    /// Numbers carried from row to row; 0 for layers that read windows alone.
    fn memory(_: &Self::Packed) -> usize {
        0
    }

    /// Takes a scaled row `[C]` into a memory of that many numbers.
    fn remember(
        _: &Self::Packed,
        _row: &[f32],
        _memory: &mut [f32],
        _: &mut Self::Buffers,
    ) -> Result<(), LstmError> {
        Ok(())
    }

    /// Logits after the last row that a memory has taken; asked only of layers that have one.
    fn recall(
        _: &Self::Packed,
        _memory: &[f32],
        _logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        Ok(())
    }
}

/// Windows that are taken together.
pub(crate) const TOGETHER: usize = 24;

/// A fitted network with its spec and scaler.
#[derive(Clone)]
pub(crate) struct Networked<A: Architecture> {
    pub(crate) id: ModelId,
    pub(crate) spec: ModelSpec,
    pub(crate) scaler: Scaler,
    pub(crate) calibration: Calibration,
    pub(crate) record: Option<TrainingRecord>,
    pub(crate) layers: A,
    pub(crate) weights: Tensors<f32>,
    pub(crate) packed: A::Packed,
}

/// Sizes, not weights: a model stands in the debug output of all that holds one.
impl<A: Architecture> Debug for Networked<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Networked")
            .field("id", &self.id)
            .field("spec", &self.spec)
            .field("layers", &self.layers)
            .field("weights", &self.weights.len())
            .field("kernel", &self.kernel())
            .finish_non_exhaustive()
    }
}

/// Working memory of one prediction.
struct NetworkScratch<A: Architecture> {
    /// The scaled window, `[T, C]`.
    window: Vec<f32>,
    buffers: A::Buffers,
    logits: [f32; CLASSES],
    /// Scaled windows of a batch, `[B, T, C]`.
    windows: Vec<f32>,
    batch: Option<A::Batch>,
}

impl<A: Architecture> Networked<A> {
    /// Joins layers, scaler and spec; `weights` has the tensors of [`Architecture::specs`].
    pub(crate) fn new(
        spec: ModelSpec,
        scaler: Scaler,
        layers: A,
        weights: Tensors<f32>,
    ) -> Result<Self, LstmError> {
        let packed = layers.pack(weights.flat())?;
        Ok(Self {
            id: ModelId::new(A::KIND),
            spec,
            scaler,
            calibration: Calibration::NONE,
            record: None,
            layers,
            weights,
            packed,
        })
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, ModelError> {
        artifact.expect_kind(A::KIND)?;
        let config = artifact.config()?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let broken = |error: LstmError| artifact.damaged(error.to_string());
        let layers = A::new(&config, spec.signals.width(), CLASSES).map_err(broken)?;
        let specs = layers.specs();
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        artifact.expect_tensors(&names)?;
        // The file's tensors are checked before memory is taken for the claimed sizes.
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
        let model = Self::new(spec, scaler, layers, weights).map_err(broken)?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, ..model })
    }

    pub(crate) fn from_state_dict(
        dict: &StateDict,
        spec: ModelSpec,
        scaler: Scaler,
    ) -> Result<Self, ModelError> {
        spec.validate()?;
        let (channels, config) = (spec.signals.width(), A::sizes(dict)?);
        dict.check_channels(channels, scaler.width())?;
        let broken = |error: LstmError| dict.damaged(error.to_string());
        let layers = A::new(&config, channels, CLASSES).map_err(broken)?;
        let weights = dict.weights(&layers.specs())?;
        Self::new(spec, scaler, layers, weights).map_err(broken)
    }

    pub(crate) fn to_state_dict(&self) -> Result<Vec<u8>, ModelError> {
        let damaged = |problem| ModelError::Damaged { file: self.id.to_string(), problem };
        state_dict::to_bytes(&self.weights).map_err(damaged)
    }

    /// The layers' working memory inside a scratch of this model.
    #[cfg(feature = "v31")]
    pub(crate) fn buffers(scratch: &mut Scratch) -> Result<&A::Buffers, ModelError> {
        Ok(&scratch.get::<NetworkScratch<A>>()?.buffers)
    }

    pub(crate) fn kernel(&self) -> Kernel {
        A::kernel(&self.packed)
    }
}

impl<A: Architecture> DirectionModel for Networked<A> {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let lookback = self.spec.lookback;
        Scratch::new(NetworkScratch::<A> {
            window: vec![0.0; lookback * self.spec.signals.width()],
            buffers: A::buffers(&self.packed, lookback),
            logits: [0.0; CLASSES],
            windows: Vec::new(),
            batch: None,
        })
    }

    fn predict(&self, window: Window<'_>, scratch: &mut Scratch) -> Result<Prediction, ModelError> {
        self.spec.check(&window)?;
        let scratch = scratch.get::<NetworkScratch<A>>()?;
        let NetworkScratch { window: scaled, buffers, logits, .. } = scratch;
        // Scratch of a model of the same kind and another size does not fit either.
        let foreign = |_| ModelError::ForeignScratch;
        self.scaler.apply_rows(window.values(), scaled).map_err(|_| ModelError::ForeignScratch)?;
        A::logits(&self.packed, scaled, buffers, logits).map_err(foreign)?;
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(*logits, at, horizon, &self.id)
    }

    fn predict_batch(
        &self,
        windows: &[Window<'_>],
        scratch: &mut Scratch,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), ModelError> {
        let NetworkScratch::<A> { windows: scaled, batch, window, .. } = scratch.get()?;
        let (lookback, horizon) = (self.spec.lookback, self.spec.labels.horizon);
        let len = lookback * self.spec.signals.width();
        if window.len() != len {
            return Err(ModelError::ForeignScratch);
        }
        scaled.resize(TOGETHER * len, 0.0);
        let mut logits = [0.0; TOGETHER * CLASSES];
        for windows in windows.chunks(TOGETHER) {
            let scaled = &mut scaled[..windows.len() * len];
            for (window, scaled) in windows.iter().zip(scaled.chunks_exact_mut(len)) {
                self.spec.check(window)?;
                let scaled = self.scaler.apply_rows(window.values(), scaled);
                scaled.map_err(|_| ModelError::ForeignScratch)?;
            }
            let logits = &mut logits[..windows.len() * CLASSES];
            let done = A::logits_batch(&self.packed, scaled, lookback, batch, logits);
            done.map_err(|_| ModelError::ForeignScratch)?;
            let (logits, _) = logits.as_chunks::<CLASSES>();
            for (window, logits) in windows.iter().zip(logits) {
                let at = window.decided_at();
                predictions.push(self.calibration.prediction(*logits, at, horizon, &self.id)?);
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        A::memory(&self.packed)
    }

    fn remember(
        &self,
        row: &[f64],
        memory: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), ModelError> {
        let (expected, got) = (self.scaler.width(), row.len());
        if got != expected {
            return Err(ModelError::WindowShape { what: "channels", expected, got });
        }
        let NetworkScratch::<A> { window, buffers, .. } = scratch.get()?;
        let scaled = window.get_mut(..expected).ok_or(ModelError::ForeignScratch)?;
        self.scaler.apply_rows(row, scaled).map_err(|_| ModelError::ForeignScratch)?;
        let taken = A::remember(&self.packed, scaled, memory, buffers);
        taken.map_err(|_| ModelError::ForeignScratch)
    }

    fn recall(
        &self,
        window: Window<'_>,
        memory: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, ModelError> {
        if self.memory() == 0 {
            return self.predict(window, scratch);
        }
        self.spec.check(&window)?;
        let mut logits = [0.0; CLASSES];
        let read = A::recall(&self.packed, memory, &mut logits);
        read.map_err(|_| ModelError::ForeignScratch)?;
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }

    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn scaler(&self) -> Option<&Scaler> {
        Some(&self.scaler)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), ModelError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, ModelError> {
        let artifact = Artifact::new(A::KIND, &self.id, &self.spec, &self.layers.config())?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        for (spec, data) in self.weights.iter() {
            artifact.push(&spec.name, &spec.shape, data.to_vec())?;
        }
        Ok(artifact)
    }
}

/// Gives a public model type, a struct around a [`Networked`] field `model`, the trait and the
/// ways to load it.
macro_rules! network_model {
    ($type:ident) => {
        impl $type {
            /// Reads a model from a file.
            ///
            /// # Errors
            /// [`ModelError::Io`], [`ModelError::Kind`], or what is wrong with the file.
            pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self, ModelError> {
                Self::from_artifact(&Artifact::read(path)?)
            }

            /// Reads a model from the bytes of a file, as `include_bytes!` gives them.
            ///
            /// # Errors
            /// [`ModelError::Kind`], or what is wrong with the bytes.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
                Self::from_artifact(&Artifact::from_bytes(bytes)?)
            }

            pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, ModelError> {
                Ok(Self { model: Networked::from_artifact(artifact)? })
            }

            /// Takes the weights of a `PyTorch` model: a safetensors file of its `state_dict`.
            ///
            /// The sizes of the layers are read off the tensors' shapes; names and shapes are
            /// in this module's table. Numbers may be f32 or f64. `scaler` does what the
            /// training did to the channels; the windows the network was trained on are those
            /// of `spec`.
            ///
            /// # Errors
            /// [`ModelError::Io`], [`ModelError::TooLarge`], and as
            /// [`from_state_dict`](Self::from_state_dict).
            pub fn load_state_dict(
                path: impl AsRef<std::path::Path>,
                spec: $crate::ModelSpec,
                scaler: windvane_signals::Scaler,
            ) -> Result<Self, ModelError> {
                let (path, bytes) = (path.as_ref(), $crate::artifact::read_file(path.as_ref())?);
                let dict = StateDict::from_bytes(&bytes, &path.display().to_string())?;
                Ok(Self { model: Networked::from_state_dict(&dict, spec, scaler)? })
            }

            /// Takes the weights of a `PyTorch` model from the bytes of a file, as
            /// [`load_state_dict`](Self::load_state_dict).
            ///
            /// # Errors
            /// [`ModelError::MissingTensor`], [`ModelError::ForeignTensor`],
            /// [`ModelError::TensorShape`], [`ModelError::TensorType`],
            /// [`ModelError::WeightNotFinite`], [`ModelError::Damaged`] for what is wrong with
            /// the bytes; [`ModelError::Setting`], [`ModelError::Signal`] for what is wrong with
            /// `spec`; [`ModelError::Channels`] where spec, scaler and weights differ in width.
            pub fn from_state_dict(
                bytes: &[u8],
                spec: $crate::ModelSpec,
                scaler: windvane_signals::Scaler,
            ) -> Result<Self, ModelError> {
                let dict = StateDict::from_bytes(bytes, "the state_dict in memory")?;
                Ok(Self { model: Networked::from_state_dict(&dict, spec, scaler)? })
            }

            /// The weights as the bytes of a safetensors file that `PyTorch` reads into the
            /// same layers. The one bias of each gate stands in `bias_ih`; `bias_hh` is 0. Spec,
            /// scaler and calibration stay behind.
            ///
            /// # Errors
            /// [`ModelError::Damaged`] when the file cannot be made.
            pub fn to_state_dict(&self) -> Result<Vec<u8>, ModelError> {
                self.model.to_state_dict()
            }

            /// The instruction set its kernels run on.
            pub fn kernel(&self) -> windvane_lstm_core::Kernel {
                self.model.kernel()
            }
        }

        $crate::model::delegate_model!([] $type, [model]
            fn set_calibration(&mut self, new: $crate::Calibration) -> Result<(), ModelError> {
                self.model.set_calibration(new)
            }

            #[cfg(feature = "train")]
            fn inspect(&self) -> Option<&dyn $crate::inspect::Inspect> {
                Some(self)
            }
        );

        #[cfg(feature = "train")]
        impl $crate::inspect::Inspect for $type {
            fn trace(
                &self,
                window: windvane_signals::Window<'_>,
            ) -> Result<$crate::inspect::Trace, ModelError> {
                self.model.trace(window)
            }

            fn gradient_norms(
                &self,
                samples: &windvane_signals::SampleSet,
            ) -> Result<Vec<$crate::inspect::GradientNorm>, ModelError> {
                self.model.gradient_norms(samples)
            }
        }
    };
}
pub(crate) use network_model;
