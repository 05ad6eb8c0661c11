//! Retraining on another thread while the old model predicts.
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::{FittedModel, Predictor, TrainError};

/// Result of a training function.
type Trained = Result<Box<dyn FittedModel>, TrainError>;

/// Training on a thread of its own, whose model is swapped in when it is ready.
///
/// Dropping it requests the cancellation of the training without waiting for it.
///
/// A [`RefitSchedule`](windvane_signals::RefitSchedule) returns the time at which a model is due for
/// it, by the calendar or after a number of candles.
///
/// # Examples
/// `refit` is a function that fits a model on recent candles. It returns an error to keep the old
/// model if the new one is no better:
/// ```
/// # use windvane_models::{FittedModel, TrainError, Predictor, Retraining, Stop};
/// # use windvane_candles::Candle;
/// # fn refit(stop: &Stop) -> Result<Box<dyn FittedModel>, TrainError> {
/// #     Err(TrainError::Stopped { epoch: 1 })
/// # }
/// # fn live(mut predictor: Predictor, feed: Vec<Candle>) -> Result<(), TrainError> {
/// let mut retraining = Retraining::start(refit)?;
/// for candle in feed {
///     predictor.on_candle(&candle)?;
///     match retraining.try_swap(&mut predictor) {
///         None => {} // still training, or already finished
///         Some(Ok(())) => println!("swapped in {}", predictor.model().id()),
///         Some(Err(error)) => println!("kept the old model: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Retraining {
    /// Handle of the thread; `None` after its result was taken.
    thread: Option<JoinHandle<Trained>>,
    stop: Stop,
}

/// Cancellation flag shared with the training thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Returns `Break` after a cancellation request; the return value for the callback of
    /// `train::Run::on_epoch`.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Retraining {
    /// Starts `train` on a thread of its own. It returns the new model, or an error to keep the old
    /// one.
    ///
    /// # Errors
    /// [`TrainError::NoThread`] if the operating system cannot start a thread.
    pub fn start(
        train: impl FnOnce(&Stop) -> Trained + Send + 'static,
    ) -> Result<Self, TrainError> {
        let stop = Stop::default();
        let shared = stop.clone();
        let thread = std::thread::Builder::new().name("retraining".into());
        let thread = thread.spawn(move || train(&shared));
        let thread = thread.map_err(TrainError::NoThread)?;
        Ok(Self { thread: Some(thread), stop })
    }

    /// Returns whether the training has ended and its result was not taken yet.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Requests the cancellation of the training, which ends with an error after the current epoch.
    pub fn stop(&self) {
        self.stop.0.store(true, Ordering::Relaxed);
    }

    /// Swaps the new model into a predictor if it is ready, without waiting. Returns `Some` once,
    /// when the training has ended; `None` before and afterwards.
    ///
    /// # Errors
    /// `Some(Err)` if the old model is kept: the error of the training function,
    /// [`TrainError::TrainingPanicked`], or an error of [`Predictor::swap`].
    pub fn try_swap(&mut self, predictor: &mut Predictor) -> Option<Result<(), TrainError>> {
        if !self.is_finished() {
            return None;
        }
        let trained = join(self.thread.take()?);
        Some(trained.and_then(|model| Ok(predictor.swap(model)?)))
    }

    /// Waits for the new model, for example to share it between predictors; `None` if
    /// [`try_swap`](Self::try_swap) has taken it.
    ///
    /// # Errors
    /// `Some(Err)` with the error of the training function, or [`TrainError::TrainingPanicked`].
    pub fn finish(mut self) -> Option<Trained> {
        self.thread.take().map(join)
    }
}

impl Drop for Retraining {
    fn drop(&mut self) {
        self.stop();
    }
}

fn join(thread: JoinHandle<Trained>) -> Trained {
    thread.join().unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(TrainError::TrainingPanicked { message: text.unwrap_or_else(|| "no message".into()) })
    })
}
