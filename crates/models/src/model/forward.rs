//! The model traits for `Box` and `Arc`.
use std::path::Path;
use std::sync::Arc;

use windvane_signals::{Scaler, Window};

use super::{DirectionModel, FittedModel, StatefulModel};
use crate::{
    Artifact, Calibration, LoadError, ModelId, ModelSpec, PredictError, Prediction, Scratch,
    TrainError, TrainingRecord,
};

/// Implements the traits for a pointer by forwarding to the model.
macro_rules! forward {
    ($pointer:ident $($set:tt)*) => {
        impl<M: DirectionModel + ?Sized> DirectionModel for $pointer<M> {
            fn id(&self) -> &ModelId {
                (**self).id()
            }

            fn spec(&self) -> &ModelSpec {
                (**self).spec()
            }

            fn scratch(&self) -> Scratch {
                (**self).scratch()
            }

            fn predict(
                &self,
                window: Window<'_>,
                scratch: &mut Scratch,
            ) -> Result<Prediction, PredictError> {
                (**self).predict(window, scratch)
            }

            fn predict_batch(
                &self,
                windows: &[Window<'_>],
                scratch: &mut Scratch,
                predictions: &mut Vec<Prediction>,
            ) -> Result<(), PredictError> {
                (**self).predict_batch(windows, scratch, predictions)
            }
        }

        impl<M: FittedModel + ?Sized> FittedModel for $pointer<M> {
            fn record(&self) -> Option<&TrainingRecord> {
                (**self).record()
            }

            fn scaler(&self) -> Option<&Scaler> {
                (**self).scaler()
            }

            fn calibration(&self) -> Calibration {
                (**self).calibration()
            }

            fn stateful(&self) -> Option<&dyn StatefulModel> {
                (**self).stateful()
            }

            fn to_artifact(&self) -> Result<Artifact, LoadError> {
                (**self).to_artifact()
            }

            fn to_bytes(&self) -> Result<Vec<u8>, LoadError> {
                (**self).to_bytes()
            }

            fn save(&self, path: &Path) -> Result<(), LoadError> {
                (**self).save(path)
            }

            $($set)*
        }
    };
}

forward!(Box
    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        (**self).set_calibration(calibration)
    }
);
// The calibration of a shared model is fixed: other owners predict with it.
forward!(Arc);
