//! What the loops need to know about an instruction set.
#[cfg(feature = "train")]
use super::vector::{Plain, Vector};
#[cfg(all(feature = "train", target_arch = "x86_64"))]
use super::vector::{Ymm2, Zmm};

/// Whether the build's own target fuses multiply and add without further detection.
pub(crate) const BASELINE_FUSED: bool =
    cfg!(any(target_feature = "fma", all(target_arch = "aarch64", target_feature = "neon")));

/// An instruction set.
#[cfg_attr(feature = "train", expect(unnameable_types, reason = "the seal of `Real` mentions it"))]
#[cfg_attr(not(feature = "train"), expect(unreachable_pub, reason = "as with `train`"))]
pub trait Isa {
    /// Multiply and add are one instruction with one rounding.
    const FUSED: bool;
    /// Bytes of running sums that fit into half the registers: the other half holds operands.
    const SUM_BYTES: usize;
    /// Sixteen numbers in registers.
    #[cfg(feature = "train")]
    type F32: Vector<f32>;
}

/// The build's own target.
pub(crate) struct Portable;

impl Isa for Portable {
    const FUSED: bool = BASELINE_FUSED;
    const SUM_BYTES: usize = if BASELINE_FUSED { 256 } else { 128 };
    #[cfg(feature = "train")]
    type F32 = Plain<f32, BASELINE_FUSED>;
}

/// AVX2 and FMA: sixteen registers of 32 bytes.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Isa for Avx2 {
    const FUSED: bool = true;
    const SUM_BYTES: usize = 256;
    #[cfg(feature = "train")]
    type F32 = Ymm2;
}

/// AVX-512: thirty-two registers of 64 bytes.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Isa for Avx512 {
    const FUSED: bool = true;
    const SUM_BYTES: usize = 1024;
    #[cfg(feature = "train")]
    type F32 = Zmm;
}
