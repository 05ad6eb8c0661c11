//! Inner loops, compiled once per instruction set and chosen at run time.
//!
//! Each loop is one generic source (an [`Op`]); [`dispatch`] runs the copy that was compiled for
//! the kernel in use.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "entering a #[target_feature] function after detection")
)]

mod attention;
mod batch;
mod cache;
mod dense;
mod isa;
mod lstm;
#[cfg(feature = "train")]
mod product;
mod select;
#[cfg(feature = "train")]
mod spread;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod vector;

pub(crate) use attention::{Scores, WeightedSum};
pub(crate) use batch::{LstmBatch, TILE};
pub(crate) use cache::nearest_cache;
pub(crate) use dense::{Dense, OUTPUTS, OutputColumn};
pub(crate) use isa::BASELINE_FUSED;
pub(crate) use isa::Isa;
use isa::Portable;
pub(crate) use lstm::{Column, Lstm, LstmWeights, TAIL_UNITS, TailColumn, UNITS, padded};
#[cfg(feature = "train")]
pub(crate) use product::{Left, PANEL, Product, Right};
pub(crate) use select::Checked;
pub use select::Kernel;
#[cfg(feature = "train")]
pub(crate) use spread::{Dots, Spread, Tanh, ThroughTanh};
#[cfg(feature = "train")]
pub(crate) use train::{AddRows, BackwardStep, ForwardStep, Rows, RowsMut};
#[cfg(feature = "train")]
pub(crate) use vector::{LANES, Plain, Vector};

/// A loop with one source for all instruction sets.
pub(crate) trait Op {
    /// Runs the loop; always inlined, so that it is compiled for the caller's instruction set.
    fn run<I: Isa>(self);
}

/// Runs `op` on the kernel in use.
#[inline]
pub(crate) fn dispatch<O: Op>(kernel: Checked, op: O) {
    match kernel.kernel() {
        Kernel::Portable => op.run::<Portable>(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Checked` holds `Avx2` only if AVX2 and FMA were detected on this processor.
        Kernel::Avx2 => unsafe { avx2(op) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Checked` holds `Avx512` only if AVX-512 F, DQ and VL, AVX2 and FMA were
        // detected on this processor.
        Kernel::Avx512 => unsafe { avx512(op) },
        #[cfg(not(target_arch = "x86_64"))]
        Kernel::Avx2 | Kernel::Avx512 => unreachable!("invariant: x86 kernel off x86-64"),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<O: Op>(op: O) {
    op.run::<isa::Avx2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn avx512<O: Op>(op: O) {
    op.run::<isa::Avx512>();
}
