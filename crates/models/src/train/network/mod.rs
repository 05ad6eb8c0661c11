//! Training of networks: configuration, batches, training loop, checkpoints.
mod batches;
mod checkpoint;
mod examples;
mod progress;
mod segment_batches;
mod segments;
mod sequences;
mod train_config;
mod trainer;

pub(crate) use batches::WindowBatches;
pub(crate) use checkpoint::{Checkpoint, Fingerprint, settings_text};
pub(crate) use examples::Examples;
pub(crate) use segment_batches::SegmentBatches;
pub(crate) use trainer::Trainer;

pub use sequences::{SequenceClassifier, SequenceShape, Sequences};
pub use train_config::TrainConfig;
pub use windvane_lstm_core::{Clip, Init, Optimizer, Schedule};
