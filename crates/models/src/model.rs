//! The trait of everything that predicts, and what every fitted model knows of itself.
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use windvane_candles::Interval;
use windvane_signals::{LabelSpec, Scaler, SignalSpec, Window};

use crate::{
    Artifact, Calibration, ModelError, ModelId, Prediction, Scratch, TrainingRecord, Vote,
    replace_file,
};

/// What a model reads and what it is asked: stored with its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Channels and gap policy.
    pub signals: SignalSpec,
    /// The candles' interval.
    pub interval: Interval,
    /// Rows per window.
    pub lookback: usize,
    /// Horizon and NEUTRAL band of the labels.
    pub labels: LabelSpec,
}

/// Bounds on memory where specs come from files: rows per window, and its values.
const LONGEST_LOOKBACK: usize = 10_000;
const LARGEST_WINDOW: usize = 1_000_000;

impl ModelSpec {
    /// Confirms the ranges: a spec read from a file may hold anything.
    ///
    /// # Errors
    /// [`ModelError::Setting`] and [`ModelError::Signal`].
    pub fn validate(&self) -> Result<(), ModelError> {
        self.labels.check()?;
        self.signals.check()?;
        let setting = |setting, expected, got: usize| {
            Err(ModelError::Setting { setting, expected, got: got as f64 })
        };
        if !(1..=LONGEST_LOOKBACK).contains(&self.lookback) {
            return setting("lookback", "1 to 10000 rows", self.lookback);
        }
        let values = self.lookback * self.signals.width();
        if values > LARGEST_WINDOW {
            return setting("rows times channels of a window", "at most 1000000", values);
        }
        Ok(())
    }

    /// Confirms that a window has the shape the model reads.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`] when it has not.
    pub fn check(&self, window: &Window<'_>) -> Result<(), ModelError> {
        let shape = |what, expected, got| Err(ModelError::WindowShape { what, expected, got });
        if window.width() != self.signals.width() {
            return shape("channels", self.signals.width(), window.width());
        }
        if window.steps() != self.lookback {
            return shape("rows", self.lookback, window.steps());
        }
        Ok(())
    }
}

/// Something that looks at a window of raw channel values and says where the close will go.
///
/// It takes raw rows: a fitted model owns its channel spec and scaler. Object-safe; implement
/// it in another crate and it backtests and streams like the models here.
///
/// # Examples
/// A model of a bot's own, which streams in a [`Predictor`](crate::Predictor) like any other:
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_models::{DirectionModel, ModelError, ModelId, ModelSpec, Prediction, Predictor, Scratch};
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
///     fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, ModelError> {
///         self.spec.check(&window)?;
///         let up = if window.values()[0] > 0.0 { 0.6 } else { 0.4 };
///         Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
///     }
/// }
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
/// # Ok::<(), ModelError>(())
/// ```
pub trait DirectionModel: Send + Sync + std::fmt::Debug {
    /// Its name, carried by every prediction.
    fn id(&self) -> &ModelId;

    /// What it reads and what it is asked.
    fn spec(&self) -> &ModelSpec;

    /// Working memory for [`predict`](Self::predict); make it once, reuse it.
    fn scratch(&self) -> Scratch;

    /// Predicts from one window. Allocates nothing, starts no thread, depends on nothing else: a
    /// model with a [`memory`](Self::memory) answers as if the window's first row were the first
    /// of all.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`], [`ModelError::ForeignScratch`], [`ModelError::NotFinite`].
    fn predict(&self, window: Window<'_>, scratch: &mut Scratch) -> Result<Prediction, ModelError>;

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
    ) -> Result<(), ModelError> {
        for window in windows {
            predictions.push(self.predict(*window, scratch)?);
        }
        Ok(())
    }

    /// How many numbers it carries from row to row beside the window; 0, the default, for a model
    /// that looks at windows alone.
    ///
    /// A [`Predictor`](crate::Predictor) and a [`TableReader`](crate::TableReader) keep them:
    /// zeros at the start and wherever a reset or an undefined row ends a run of rows.
    fn memory(&self) -> usize {
        0
    }

    /// Takes the next row of raw channel values into `memory`. Allocates nothing.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`] and [`ModelError::ForeignScratch`].
    fn remember(
        &self,
        _row: &[f64],
        _memory: &mut [f32],
        _: &mut Scratch,
    ) -> Result<(), ModelError> {
        Ok(())
    }

    /// Predicts from a `memory` that has taken every row up to the last one of `window`; the
    /// default, for a model without a memory, is [`predict`](Self::predict). Allocates nothing.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn recall(
        &self,
        window: Window<'_>,
        _memory: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Prediction, ModelError> {
        self.predict(window, scratch)
    }

    /// How it came to be, where that is known.
    fn record(&self) -> Option<&TrainingRecord> {
        None
    }

    /// What makes its channels comparable; `None` for a model that scales otherwise or not at all,
    /// and for one whose members each have their own.
    fn scaler(&self) -> Option<&Scaler> {
        None
    }

    /// How its logits become probabilities and calls.
    fn calibration(&self) -> Calibration {
        Calibration::NONE
    }

    /// Sets how its logits become probabilities and calls.
    ///
    /// # Errors
    /// [`ModelError::NotCalibrated`] for a kind of model that cannot, or one that is shared.
    fn set_calibration(&mut self, _: Calibration) -> Result<(), ModelError> {
        Err(ModelError::NotCalibrated { model: self.id().to_string() })
    }

    /// What each member said in the last prediction made with this scratch; nothing for a model
    /// without members.
    fn votes<'s>(&self, _: &'s Scratch) -> &'s [Vote] {
        &[]
    }

    /// The model as one whose layers can be looked at; `None` for one that is no network.
    #[cfg(all(feature = "train", feature = "_network"))]
    fn inspect(&self) -> Option<&dyn crate::inspect::Inspect> {
        None
    }

    /// All there is to save.
    ///
    /// # Errors
    /// [`ModelError::NotSaved`] for a kind of model that has no saved form.
    fn to_artifact(&self) -> Result<Artifact, ModelError> {
        Err(ModelError::NotSaved { model: self.id().to_string() })
    }

    /// The model as the bytes of a saved file, which [`load`](crate::load) reads back.
    ///
    /// # Errors
    /// As [`to_artifact`](Self::to_artifact).
    fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.to_artifact()?.to_bytes()
    }

    /// Writes the model to a file, replacing it whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::NotSaved`], and [`ModelError::Io`] with the old file as it was.
    fn save(&self, path: &Path) -> Result<(), ModelError> {
        let written = replace_file(path, &self.to_bytes()?);
        written.map_err(|source| ModelError::Io { path: path.to_path_buf(), source })
    }
}

/// Implements [`DirectionModel`] by handing every call to a field, all but what is given.
macro_rules! delegate_model {
    ([$($generics:tt)*] $type:ty, [$($field:tt)+] $($set:tt)*) => {
        impl $($generics)* $crate::DirectionModel for $type {
            fn id(&self) -> &$crate::ModelId {
                self.$($field)+.id()
            }

            fn spec(&self) -> &$crate::ModelSpec {
                self.$($field)+.spec()
            }

            fn scratch(&self) -> $crate::Scratch {
                self.$($field)+.scratch()
            }

            fn predict(
                &self,
                window: windvane_signals::Window<'_>,
                scratch: &mut $crate::Scratch,
            ) -> Result<$crate::Prediction, $crate::ModelError> {
                self.$($field)+.predict(window, scratch)
            }

            fn predict_batch(
                &self,
                windows: &[windvane_signals::Window<'_>],
                scratch: &mut $crate::Scratch,
                predictions: &mut Vec<$crate::Prediction>,
            ) -> Result<(), $crate::ModelError> {
                self.$($field)+.predict_batch(windows, scratch, predictions)
            }

            fn memory(&self) -> usize {
                self.$($field)+.memory()
            }

            fn remember(
                &self,
                row: &[f64],
                memory: &mut [f32],
                scratch: &mut $crate::Scratch,
            ) -> Result<(), $crate::ModelError> {
                self.$($field)+.remember(row, memory, scratch)
            }

            fn recall(
                &self,
                window: windvane_signals::Window<'_>,
                memory: &[f32],
                scratch: &mut $crate::Scratch,
            ) -> Result<$crate::Prediction, $crate::ModelError> {
                self.$($field)+.recall(window, memory, scratch)
            }

            fn record(&self) -> Option<&$crate::TrainingRecord> {
                self.$($field)+.record()
            }

            fn scaler(&self) -> Option<&windvane_signals::Scaler> {
                self.$($field)+.scaler()
            }

            fn calibration(&self) -> $crate::Calibration {
                self.$($field)+.calibration()
            }

            fn votes<'s>(&self, scratch: &'s $crate::Scratch) -> &'s [$crate::Vote] {
                self.$($field)+.votes(scratch)
            }

            fn to_artifact(&self) -> Result<$crate::Artifact, $crate::ModelError> {
                self.$($field)+.to_artifact()
            }

            $($set)*
        }
    };
}
#[cfg(feature = "_network")]
pub(crate) use delegate_model;

delegate_model!([<M: DirectionModel + ?Sized>] Box<M>, [as_ref()]
    #[cfg(all(feature = "train", feature = "_network"))]
    fn inspect(&self) -> Option<&dyn crate::inspect::Inspect> {
        self.as_ref().inspect()
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), ModelError> {
        self.as_mut().set_calibration(calibration)
    }
);
// A shared model stays as it is: others predict with it.
delegate_model!([<M: DirectionModel + ?Sized>] Arc<M>, [as_ref()]
    #[cfg(all(feature = "train", feature = "_network"))]
    fn inspect(&self) -> Option<&dyn crate::inspect::Inspect> {
        self.as_ref().inspect()
    }
);
