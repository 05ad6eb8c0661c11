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
    /// Brings the first line of `value` into the nearest cache; one that is there already becomes
    /// the last one used.
    fn touch<T>(value: &T);
    /// Sixteen numbers in registers.
    #[cfg(feature = "train")]
    type F32: Vector<f32>;
}

/// The build's own target.
pub(crate) struct Portable;

impl Isa for Portable {
    const FUSED: bool = BASELINE_FUSED;
    const SUM_BYTES: usize = if BASELINE_FUSED { 256 } else { 128 };
    #[inline(always)]
    fn touch<T>(_: &T) {}
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
    #[inline(always)]
    fn touch<T>(value: &T) {
        prefetch(value);
    }
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
    #[inline(always)]
    fn touch<T>(value: &T) {
        prefetch(value);
    }
    #[cfg(feature = "train")]
    type F32 = Zmm;
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: a hint that reads nothing and cannot fault; SSE is in every x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
}
