//! The traits of models, and the plain data around a prediction.
mod forward;
mod prediction;
mod reader;
mod record;
mod scratch;
mod spec;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use windvane_signals::{Scaler, Window};

use crate::{Artifact, Calibration, LoadError, PredictError, TrainError, replace_file};

pub use prediction::{ModelId, NeutralReason, Prediction, Probabilities, Vote};
pub use reader::TableReader;
pub use record::{HeldOut, TrainingRecord};
pub use scratch::Scratch;
pub use spec::ModelSpec;

/// Something that looks at a window of raw channel values and says where the close will go.
///
/// It takes raw rows: a fitted model owns its channel spec and scaler. Object-safe; implement
/// it in another crate and it backtests and streams like the models here.
///
/// # Examples
/// A model of a bot's own, which streams in a [`Predictor`](crate::Predictor) like any other:
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_models::{DirectionModel, FittedModel, PredictError, ModelId, ModelSpec};
/// # use windvane_models::{Prediction, Predictor, Scratch};
/// # use windvane_models::signals::{ChannelSpec, GapPolicy, LabelSpec, SignalSpec, Window};
/// /// Says that the last move goes on.
/// #[derive(Debug)]
/// struct GoesOn {
///     id: ModelId,
///     spec: ModelSpec,
/// }
///
/// impl DirectionModel for GoesOn {
///     fn id(&self) -> &ModelId {
///         &self.id
///     }
///
///     fn spec(&self) -> &ModelSpec {
///         &self.spec
///     }
///
///     fn scratch(&self) -> Scratch {
///         Scratch::new(())
///     }
///
///     fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
///         self.spec.check(&window)?;
///         let up = if window.values()[0] > 0.0 { 0.6 } else { 0.4 };
///         Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
///     }
/// }
///
/// impl FittedModel for GoesOn {} // no scaler, no calibration, no saved form
///
/// let signals = SignalSpec { channels: vec![ChannelSpec::new("momentum")], gaps: GapPolicy::Reset };
/// let labels = LabelSpec::default();
/// let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 1, labels };
/// let mut predictor = Predictor::new(GoesOn { id: ModelId::new("goes-on"), spec }, Interval::HOUR)?;
/// # let candle = |hour: i64, close: f64| {
/// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # };
/// assert!(predictor.on_candle(&candle(0, 100.0))?.is_none()); // warming up
/// let prediction = predictor.on_candle(&candle(1, 101.0))?.unwrap();
/// assert_eq!((prediction.direction.to_string(), prediction.confidence), ("UP".to_string(), 0.6));
/// # Ok::<(), PredictError>(())
/// ```
pub trait DirectionModel: Send + Sync + std::fmt::Debug {
    /// Its name, carried by every prediction.
    fn id(&self) -> &ModelId;

    /// Channels, interval, lookback and labels of the model.
    fn spec(&self) -> &ModelSpec;

    /// Working memory for [`predict`](Self::predict); make it once, reuse it.
    fn scratch(&self) -> Scratch;

    /// Predicts from one window. Allocates nothing, starts no thread, depends on nothing else: a
    /// [stateful](StatefulModel) model starts from a zero state at the window's first row.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`], [`PredictError::ForeignScratch`], [`PredictError::NotFinite`].
    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError>;

    /// Predicts from several windows: the bits of [`predict`](Self::predict) for each of them, added
    /// to `predictions` in order.
    ///
    /// Networks take many windows together, which is faster and allocates on the first call.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); then some of the predictions may have been added.
    fn predict_batch(
        &self,
        windows: &[Window<'_>],
        scratch: &mut Scratch,
        predictions: &mut Vec<Prediction>,
    ) -> Result<(), PredictError> {
        for window in windows {
            predictions.push(self.predict(*window, scratch)?);
        }
        Ok(())
    }
}

/// A model that carries a recurrent state from row to row beside the window.
///
/// A [`Predictor`](crate::Predictor) and a [`TableReader`] keep the state: zeros at the start and
/// wherever a reset or an undefined row ends a run of rows.
pub trait StatefulModel: DirectionModel {
    /// Numbers in the state; 0 for a model that reads windows alone.
    fn state_len(&self) -> usize;

    /// Reads the next row of raw channel values into `state`. Allocates nothing.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`] and [`PredictError::ForeignScratch`].
    fn update_state(
        &self,
        row: &[f64],
        state: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), PredictError>;

    /// Predicts from a `state` that has read every row up to the last one of `window`. Allocates
    /// nothing.
    ///
    /// # Errors
    /// As [`predict`](DirectionModel::predict).
    fn predict_with_state(
        &self,
        window: Window<'_>,
        state: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError>;
}

/// Capabilities of a fitted model beyond prediction, each with a default: training record, scaler,
/// calibration, recurrent state, saving.
///
/// Object-safe; learners and [`load`](crate::load) return `Box<dyn FittedModel>`. A model of
/// another crate writes `impl FittedModel for Mine {}` and overrides what it has.
pub trait FittedModel: DirectionModel + Any {
    /// Provenance of the model, where it is known.
    fn record(&self) -> Option<&TrainingRecord> {
        None
    }

    /// Scaler of the channels; `None` for a model that scales otherwise or not at all, and for one
    /// whose members each have their own.
    fn scaler(&self) -> Option<&Scaler> {
        None
    }

    /// Calibration from logits to probabilities and calls.
    fn calibration(&self) -> Calibration {
        Calibration::NONE
    }

    /// Replaces the calibration.
    ///
    /// # Errors
    /// [`TrainError::NotCalibrated`] for a kind of model that cannot, or one that is shared.
    fn set_calibration(&mut self, _: Calibration) -> Result<(), TrainError> {
        Err(TrainError::NotCalibrated { model: self.id().to_string() })
    }

    /// The model as one with a recurrent state; `None` for a model that reads windows alone.
    fn stateful(&self) -> Option<&dyn StatefulModel> {
        None
    }

    /// Everything that is saved.
    ///
    /// # Errors
    /// [`LoadError::NotSaved`] for a kind of model that has no saved form.
    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        Err(LoadError::NotSaved { model: self.id().to_string() })
    }

    /// The model as the bytes of a saved file, which [`load`](crate::load) reads back.
    ///
    /// # Errors
    /// As [`to_artifact`](Self::to_artifact).
    fn to_bytes(&self) -> Result<Vec<u8>, LoadError> {
        self.to_artifact()?.to_bytes()
    }

    /// Writes the model to a file, replacing it whole or not at all.
    ///
    /// # Errors
    /// [`LoadError::NotSaved`], and [`LoadError::Io`] with the old file as it was.
    fn save(&self, path: &Path) -> Result<(), LoadError> {
        let written = replace_file(path, &self.to_bytes()?);
        written.map_err(|source| LoadError::Io { path: path.to_path_buf(), source })
    }
}

impl dyn FittedModel {
    /// The model as its own type, also within a `Box` or an `Arc`; `None` if it is of another.
    ///
    /// # Examples
    /// ```
    /// use windvane_models::{FittedModel, network::Network, v32};
    ///
    /// let model: Box<dyn FittedModel> = Box::new(v32::pretrained());
    /// let network = model.downcast_ref::<Network>().expect("a network");
    /// assert_eq!(network.config(), &v32::config());
    /// ```
    pub fn downcast_ref<M: FittedModel>(&self) -> Option<&M> {
        let any: &dyn Any = self;
        if let Some(shared) = any.downcast_ref::<Arc<dyn FittedModel>>() {
            return (**shared).downcast_ref();
        }
        if let Some(boxed) = any.downcast_ref::<Box<dyn FittedModel>>() {
            return (**boxed).downcast_ref();
        }
        any.downcast_ref::<M>()
            .or_else(|| any.downcast_ref::<Arc<M>>().map(AsRef::as_ref))
            .or_else(|| any.downcast_ref::<Box<M>>().map(AsRef::as_ref))
    }
}
