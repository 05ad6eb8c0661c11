//! Labels of windows, and sets of labelled windows.
mod label;
mod samples;

pub use label::{Band, LabelSpec};
pub use samples::{Sample, SampleSet};
