//! Training of a network: forward with everything kept, backward, and the learner.
mod backward;
mod encoder;
mod forward;
mod learner;
#[cfg(test)]
mod stateful_tests;
#[cfg(test)]
mod tests;

pub(crate) use forward::{Cache, DropoutSeed};
pub use learner::NetworkLearner;
