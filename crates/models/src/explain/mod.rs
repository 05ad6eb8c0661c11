//! Explanations: effects of channels on a prediction, and activations of network layers.
#[cfg(all(feature = "train", feature = "network"))]
mod layers;
mod occlusion;

#[cfg(all(feature = "train", feature = "network"))]
pub use layers::*;
pub use occlusion::Occlusion;
