//! Model traits, predictions and training records.
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

/// A model that predicts the direction of the close from a window of channel values.
///
/// Windows contain raw values: a fitted model owns its channel spec and its scaler. The trait is
/// object-safe. A model of another crate that implements it can be backtested and run live like
/// the models here.
///
/// # Examples
/// A model of a bot's own in a [`Predictor`](crate::Predictor):
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_models::{DirectionModel, FittedModel, PredictError, ModelId, ModelSpec};
/// # use windvane_models::{Prediction, Predictor, Scratch};
/// # use windvane_models::signals::{ChannelSpec, GapPolicy, LabelSpec, SignalSpec, Window};
/// /// Predicts that the last move continues.
/// #[derive(Debug)]
/// struct TrendFollower {
///     id: ModelId,
///     spec: ModelSpec,
/// }
///
/// impl DirectionModel for TrendFollower {
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
/// impl FittedModel for TrendFollower {} // no scaler, no calibration, no saved form
///
/// let channels = vec![ChannelSpec::new("momentum")];
/// let signals = SignalSpec { channels, gaps: GapPolicy::Reset };
/// let labels = LabelSpec::default();
/// let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 1, labels };
/// let model = TrendFollower { id: ModelId::new("trend-follower"), spec };
/// let mut predictor = Predictor::new(model, Interval::HOUR)?;
/// # let candle = |hour: i64, close: f64| {
/// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # };
/// assert!(predictor.on_candle(&candle(0, 100.0))?.prediction().is_none()); // warming up
/// let prediction = predictor.on_candle(&candle(1, 101.0))?.into_prediction().unwrap();
/// assert_eq!((prediction.direction.to_string(), prediction.confidence), ("UP".to_string(), 0.6));
/// # Ok::<(), PredictError>(())
/// ```
pub trait DirectionModel: Send + Sync + std::fmt::Debug {
    /// Name of the model, part of every prediction.
    fn id(&self) -> &ModelId;

    /// Channels, interval, lookback and labels of the model.
    fn spec(&self) -> &ModelSpec;

    /// Creates the scratch memory for [`predict`](Self::predict). Create it once and reuse it.
    fn scratch(&self) -> Scratch;

    /// Predicts from one window. It allocates nothing and starts no thread. The result depends on
    /// the window alone: a [stateful](StatefulModel) model starts from a zero state at the first
    /// row of the window.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`], [`PredictError::ForeignScratch`],
    /// [`PredictError::NotFinite`].
    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError>;

    /// Predicts from several windows and appends the predictions in order, with the bits of
    /// [`predict`](Self::predict).
    ///
    /// Networks process many windows together, which is faster and allocates on the first call.
    ///
    /// # Errors
    /// The errors of [`predict`](Self::predict). Predictions of earlier windows may have been
    /// appended already.
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

/// A model with a recurrent state that is carried from row to row.
///
/// A [`Predictor`](crate::Predictor) and a [`TableReader`] store the state. It is zero at the start
/// and after every reset or undefined row.
pub trait StatefulModel: DirectionModel {
    /// Length of the state; 0 for a model without a state.
    fn state_len(&self) -> usize;

    /// Updates `state` with the next row of raw channel values. Allocates nothing.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`] and [`PredictError::ForeignScratch`].
    fn update_state(
        &self,
        row: &[f64],
        state: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), PredictError>;

    /// Predicts from a `state` that includes all rows up to the last one of `window`. Allocates
    /// nothing.
    ///
    /// # Errors
    /// The errors of [`predict`](DirectionModel::predict).
    fn predict_with_state(
        &self,
        window: Window<'_>,
        state: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError>;
}

/// Capabilities of a fitted model beyond prediction: training record, scaler, calibration,
/// recurrent state, saving. Every method has a default.
///
/// The trait is object-safe; learners and [`load`](crate::load) return `Box<dyn FittedModel>`. For
/// a model of another crate, write `impl FittedModel for Mine {}` and override the methods for the
/// capabilities that it has. A model that wraps another one must forward all of them: without
/// [`record`](Self::record) no check can see on which candles the inner model was fitted, which a
/// backtest reports as an unknown training period, and without [`stateful`](Self::stateful) its
/// recurrent state starts at zero in every window.
pub trait FittedModel: DirectionModel + Any {
    /// Training record of the model; `None` if it is unknown.
    fn record(&self) -> Option<&TrainingRecord> {
        None
    }

    /// Scaler of the channels; `None` for a model without a scaler and for an ensemble whose
    /// members each have their own.
    fn scaler(&self) -> Option<&Scaler> {
        None
    }

    /// Calibration from logits to probabilities and directions.
    fn calibration(&self) -> Calibration {
        Calibration::NONE
    }

    /// Replaces the calibration.
    ///
    /// # Errors
    /// [`TrainError::NotCalibrated`] for a model without calibration and for a shared model.
    fn set_calibration(&mut self, _: Calibration) -> Result<(), TrainError> {
        Err(TrainError::NotCalibrated { model: self.id().to_string() })
    }

    /// Returns the model as a [`StatefulModel`]; `None` for a model without a recurrent state.
    fn stateful(&self) -> Option<&dyn StatefulModel> {
        None
    }

    /// Returns the content of the saved model.
    ///
    /// # Errors
    /// [`LoadError::NotSaved`] for a kind of model without a saved form.
    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        Err(LoadError::NotSaved { model: self.id().to_string() })
    }

    /// Serialises the model; [`from_bytes`](crate::from_bytes) and [`load`](crate::load) read it.
    ///
    /// # Errors
    /// The errors of [`to_artifact`](Self::to_artifact).
    fn to_bytes(&self) -> Result<Vec<u8>, LoadError> {
        self.to_artifact()?.to_bytes()
    }

    /// Writes the model to a file by an atomic replacement.
    ///
    /// # Errors
    /// [`LoadError::NotSaved`] and [`LoadError::Io`]; the old file is unchanged.
    fn save(&self, path: &Path) -> Result<(), LoadError> {
        let written = replace_file(path, &self.to_bytes()?);
        written.map_err(|source| LoadError::Io { path: path.to_path_buf(), source })
    }
}

impl dyn FittedModel {
    /// Downcasts to a concrete type, also through a `Box` or an `Arc`; `None` for another type.
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
