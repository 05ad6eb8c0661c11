//! Instruction sets: their properties, and the calls of code that is compiled for them.
#[cfg(target_arch = "x86_64")]
use super::Op;
#[cfg(target_arch = "x86_64")]
use super::token::{Avx2, Avx512};
use super::vector::{Plain, Vector};
#[cfg(target_arch = "x86_64")]
use super::vector::{Ymm2, Zmm};

/// Whether the build target itself has fused multiply-add, without detection at run time.
pub(crate) const BASELINE_FUSED: bool =
    cfg!(any(target_feature = "fma", all(target_arch = "aarch64", target_feature = "neon")));

/// Instruction set; a value of the type is the token that the processor has it.
#[expect(unnameable_types, reason = "the seal of `Real` mentions it")]
pub trait Isa: Copy {
    /// Whether multiply and add are one instruction with one rounding.
    const FUSED: bool;
    /// Bytes of running sums that fit into half of the registers; the other half is for operands.
    const SUM_BYTES: usize;
    /// Prefetches the first cache line of `value` into the L1 data cache as the most recently used
    /// line.
    fn touch<T>(value: &T);
    /// Vector of sixteen `f32` in registers.
    type F32: Vector<f32, Self>;
    /// Vector of sixteen `f64`.
    type F64: Vector<f64, Self>;
}

/// Token of the build target's instruction set, which needs no detection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Isa for Portable {
    const FUSED: bool = BASELINE_FUSED;
    const SUM_BYTES: usize = if BASELINE_FUSED { 256 } else { 128 };
    #[inline(always)]
    fn touch<T>(_: &T) {}
    type F32 = Plain<f32, BASELINE_FUSED>;
    type F64 = Plain<f64, BASELINE_FUSED>;
}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Runs the copy of a loop that is compiled for AVX2 and FMA.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) {
        #[target_feature(enable = "avx2,fma")]
        fn enabled<O: Op>(isa: Avx2, op: O) {
            op.run(isa);
        }
        // SAFETY: `detect`, the only constructor of the token `self`, has found AVX2 and FMA.
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
    type F32 = Ymm2;
    type F64 = Plain<f64, true>;
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Runs the copy of a loop that is compiled for AVX-512.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
        fn enabled<O: Op>(isa: Avx512, op: O) {
            op.run(isa);
        }
        // SAFETY: `detect`, the only constructor of the token `self`, has found AVX-512 F, DQ and
        // VL, AVX2 and FMA.
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
    type F32 = Zmm;
    type F64 = Plain<f64, true>;
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: a hint that reads nothing and cannot fault; SSE is in every x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
}
