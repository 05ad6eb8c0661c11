//! Training on another thread while the old model predicts.
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::{FittedModel, Predictor, TrainError};

type Trained = Result<Box<dyn FittedModel>, TrainError>;

/// A training that runs on a thread of its own; its model takes over when it is ready.
///
/// Dropping it asks the training to stop and does not wait.
///
/// # Examples
/// With `refit` a function that fits a model on fresh candles, and keeps the old one (by an
/// error) where the new one is no better:
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
///         None => {} // still training, or swapped long ago
///         Some(Ok(())) => println!("{} took over", predictor.model().id()),
///         Some(Err(why)) => println!("the old model stays: {why}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Retraining {
    /// `None` once its outcome was taken.
    thread: Option<JoinHandle<Trained>>,
    stop: Stop,
}

/// Cancellation flag shared with the training thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// `Break` once the training is to stop; what `train::Run::on_epoch` wants to be answered.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Retraining {
    /// Starts `train` on a thread of its own. It gives the new model, or an error for keeping
    /// the old one.
    ///
    /// # Errors
    /// [`TrainError::NoThread`] when the system gives no thread.
    pub fn start(
        train: impl FnOnce(&Stop) -> Trained + Send + 'static,
    ) -> Result<Self, TrainError> {
        let stop = Stop::default();
        let heard = stop.clone();
        let thread = std::thread::Builder::new().name("retraining".into());
        let thread = thread.spawn(move || train(&heard));
        let thread = thread.map_err(TrainError::NoThread)?;
        Ok(Self { thread: Some(thread), stop })
    }

    /// Whether a model, or the reason for none, is there and was not taken.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Asks the training to stop; it ends with an error after the present epoch.
    pub fn stop(&self) {
        self.stop.0.store(true, Ordering::Relaxed);
    }

    /// Swaps the new model into a predictor once it is ready, and says so once; `None` while
    /// training and afterwards. Never waits.
    ///
    /// # Errors
    /// `Some(Err)` says why the old model stays: what the training gave,
    /// [`TrainError::TrainingPanicked`], or as [`Predictor::swap`].
    pub fn try_swap(&mut self, predictor: &mut Predictor) -> Option<Result<(), TrainError>> {
        if !self.is_finished() {
            return None;
        }
        let trained = join(self.thread.take()?);
        Some(trained.and_then(|model| Ok(predictor.swap(model)?)))
    }

    /// Waits for the new model, to share it between predictors; `None` when
    /// [`try_swap`](Self::try_swap) took it.
    ///
    /// # Errors
    /// `Some(Err)` for what the training gave instead, and [`TrainError::TrainingPanicked`].
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
