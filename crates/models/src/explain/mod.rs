//! Explanations: the effect of single channels on a prediction, and the layers of a network.
#[cfg(all(feature = "train", feature = "network"))]
mod layers;
mod occlusion;

#[cfg(all(feature = "train", feature = "network"))]
pub use layers::*;
pub use occlusion::Occlusion;
