//! Training of a network: forward pass with cached activations, backward pass, and the learner.
mod backward;
mod encoder;
mod forward;
mod halving;
mod learner;
#[cfg(test)]
mod stateful_tests;
#[cfg(test)]
mod tests;

pub(crate) use forward::{DropoutSeed, NetworkCache};
pub use halving::SuccessiveHalving;
pub use learner::NetworkLearner;
