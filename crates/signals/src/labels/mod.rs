//! Labels of windows, and sets of labelled windows.
mod barrier;
mod label;
mod panel_median;
mod samples;
mod text;

pub use label::{Band, LabelSpec};
pub use panel_median::PanelMedian;
pub use samples::{Sample, SampleSet};
