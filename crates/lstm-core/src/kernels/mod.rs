//! Inner loops, compiled once per instruction set and selected at run time.
//!
//! Each loop is one generic source (an [`Op`]); [`DetectedKernel::run`] runs the copy that is
//! compiled for the kernel in use.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "instructions whose presence a token proves")
)]

mod attention;
mod batch;
mod cache;
mod cell;
mod compact_column;
mod dense;
#[cfg(feature = "train")]
mod gru;
mod heads;
mod isa;
mod lstm;
mod norm;
#[cfg(feature = "train")]
mod product;
mod rows;
mod select;
#[cfg(feature = "train")]
mod spread;
mod token;
#[cfg(feature = "train")]
mod train;
mod vector;

pub(crate) use attention::{Scores, WeightedSum};
pub(crate) use batch::{LstmBatch, TILE};
pub(crate) use cache::l1_data_cache_bytes;
pub(crate) use cell::{Cell, GruCell, LstmCell};
pub(crate) use compact_column::{CompactColumn, StoredColumn};
pub(crate) use dense::{DenseRows, Finish, OUTPUTS, OutputColumn};
#[cfg(feature = "train")]
pub(crate) use gru::{GruBackwardStep, GruForwardStep};
pub(crate) use heads::{HeadAttention, QueryLanes, query_blocks};
pub(crate) use isa::{BASELINE_FUSED, Isa, Portable};
pub(crate) use lstm::{Lstm, LstmWeights, TAIL_UNITS, TailColumn, UNITS, WeightColumn, padded};
pub(crate) use norm::NormRows;
#[cfg(feature = "train")]
pub(crate) use product::{LeftFactor, PANEL, Product, RightFactor};
pub(crate) use select::DetectedKernel;
pub use select::Kernel;
#[cfg(feature = "train")]
pub(crate) use spread::{AddWeighted, Dots, Tanh, TanhBackward};
#[cfg(feature = "train")]
pub(crate) use train::{AddRows, BackwardStep, ForwardStep, StridedRows, StridedRowsMut};
#[cfg(feature = "train")]
pub(crate) use vector::LANES;
pub(crate) use vector::Vector;

/// Loop with one source for all instruction sets.
pub(crate) trait Op {
    /// Runs the loop. Always inlined, so that it is compiled for the caller's instruction set.
    fn run<I: Isa>(self, isa: I);
}
