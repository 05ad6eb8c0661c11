//! Labels of windows, and labelled windows over any number of series.
mod label;
mod samples;

pub use label::{Band, LabelSpec};
pub use samples::{Sample, SampleSet};
