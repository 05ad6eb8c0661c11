//! Work on another thread, with progress and interrupts on the thread of the caller.
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;

/// Time between two checks for an interrupt.
const PATIENCE: Duration = Duration::from_millis(100);

/// Progress of the work: steps done, all steps, description.
type Step = (usize, usize, String);

/// Sends the progress of the work, and knows whether the work is to stop.
pub(crate) struct Reporter {
    sender: Mutex<Sender<Step>>,
    stop: StopFlag,
}

/// Flag that the work is to stop.
#[derive(Clone, Default)]
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns `Break` if the work is to stop.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Reporter {
    /// Reports a step.
    pub(crate) fn step(&self, done: usize, total: usize, text: String) {
        if let Ok(sender) = self.sender.lock() {
            // The receiver lives until the work has ended.
            let _ = sender.send((done, total, text));
        }
    }

    /// Returns the flag that stops the work.
    pub(crate) fn stop(&self) -> &StopFlag {
        &self.stop
    }
}

/// Runs `work` on another thread without the interpreter, and calls `progress(done, total, text)` on
/// this thread. An exception of the callback and an interrupt stop the work and are returned.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Reporter) -> T + Send,
) -> PyResult<T> {
    let (sender, receiver) = channel::<Step>();
    let (receiver, stop) = (Mutex::new(receiver), StopFlag::default());
    let receive = || match receiver.lock() {
        Ok(receiver) => receiver.recv_timeout(PATIENCE),
        Err(_) => Err(RecvTimeoutError::Disconnected),
    };
    std::thread::scope(|scope| {
        // The sender ends with the work, which ends the loop below.
        let reporter = Reporter { sender: Mutex::new(sender), stop: stop.clone() };
        let worker = scope.spawn(move || work(&reporter));
        let mut failure = None;
        loop {
            let called = match py.detach(receive) {
                Ok((done, total, text)) if failure.is_none() => match progress {
                    Some(progress) => progress.call1((done, total, text)).map(drop),
                    None => Ok(()),
                },
                Err(RecvTimeoutError::Disconnected) => break,
                _ => py.check_signals(),
            };
            if let Err(error) = called {
                stop.set();
                failure.get_or_insert(error);
            }
        }
        let result = py.detach(|| worker.join());
        match (failure, result) {
            (Some(error), _) => Err(error),
            (None, Ok(result)) => Ok(result),
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        }
    })
}
