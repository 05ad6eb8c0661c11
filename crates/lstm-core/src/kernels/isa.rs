//! Instruction sets as tokens that only detection creates.
//!
//! A value of [`Avx2`] or [`Avx512`] proves that the processor has the instructions: its field is
//! private to this module, and `detect` is its only constructor. Code that needs the instructions
//! takes the token.
#[cfg(target_arch = "x86_64")]
use super::Op;
#[cfg(feature = "train")]
use super::vector::{Plain, Vector};
#[cfg(all(feature = "train", target_arch = "x86_64"))]
use super::vector::{Ymm2, Zmm};

/// Whether the build's own target fuses multiply and add without further detection.
pub(crate) const BASELINE_FUSED: bool =
    cfg!(any(target_feature = "fma", all(target_arch = "aarch64", target_feature = "neon")));

/// Token of an instruction set.
#[cfg_attr(feature = "train", expect(unnameable_types, reason = "the seal of `Real` mentions it"))]
#[cfg_attr(not(feature = "train"), expect(unreachable_pub, reason = "as with `train`"))]
pub trait Isa: Copy {
    /// Whether multiply and add are one instruction with one rounding.
    const FUSED: bool;
    /// Bytes of running sums that fit into half the registers: the other half holds operands.
    const SUM_BYTES: usize;
    /// Prefetches the first cache line of `value` into the L1 data cache, where it becomes the
    /// most recently used one.
    fn touch<T>(value: &T);
    /// Vector of sixteen `f32` in registers.
    #[cfg(feature = "train")]
    type F32: Vector<f32, Self>;
}

/// Token of the build's own target, which needs no detection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Isa for Portable {
    const FUSED: bool = BASELINE_FUSED;
    const SUM_BYTES: usize = if BASELINE_FUSED { 256 } else { 128 };
    #[inline(always)]
    fn touch<T>(_: &T) {}
    #[cfg(feature = "train")]
    type F32 = Plain<f32, BASELINE_FUSED>;
}

/// Token of AVX2 and FMA: sixteen registers of 32 bytes.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Creates the token if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        Features::detect().has_avx2().then_some(Self(()))
    }

    /// Runs the copy of a loop that is compiled for AVX2 and FMA.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) {
        #[target_feature(enable = "avx2,fma")]
        fn enabled<O: Op>(isa: Avx2, op: O) {
            op.run(isa);
        }
        // SAFETY: `detect`, the only constructor of `self`, has seen AVX2 and FMA.
        unsafe { enabled(self, op) }
    }
}

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

/// Token of AVX-512 (F, DQ, VL), AVX2 and FMA: thirty-two registers of 64 bytes.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Creates the token if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        Features::detect().has_avx512().then_some(Self(()))
    }

    /// Runs the copy of a loop that is compiled for AVX-512.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
        fn enabled<O: Op>(isa: Avx512, op: O) {
            op.run(isa);
        }
        // SAFETY: `detect`, the only constructor of `self`, has seen AVX-512 F, DQ and VL, AVX2
        // and FMA.
        unsafe { enabled(self, op) }
    }
}

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

/// Instruction-set extensions of a processor that kernels need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    pub(super) avx2: bool,
    pub(super) fma: bool,
    /// AVX-512 F, DQ and VL.
    pub(super) avx512: bool,
}

impl Features {
    /// Reads the extensions of this processor.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn detect() -> Self {
        Self {
            avx2: is_x86_feature_detected!("avx2"),
            fma: is_x86_feature_detected!("fma"),
            avx512: is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"),
        }
    }

    /// Reads the extensions of this processor: none of x86-64.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn detect() -> Self {
        Self { avx2: false, fma: false, avx512: false }
    }

    /// Whether the AVX2 kernel runs.
    pub(super) fn has_avx2(self) -> bool {
        self.avx2 && self.fma
    }

    /// Whether the AVX-512 kernel runs.
    pub(super) fn has_avx512(self) -> bool {
        self.has_avx2() && self.avx512
    }
}
