//! Vectors of sixteen numbers in registers.
//!
//! The other kernels are plain loops over arrays, which the compiler vectorises. With a tile of
//! sixteen arrays it does not reliably keep the arrays in registers: the same loop ran at 250
//! GFLOP/s in one function and at 4 in another. The vectors of the matrix products are therefore
//! written with intrinsics for `f32` with AVX2 and AVX-512. [`Plain`] serves all other cases.
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_fmadd_ps,
    _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_fmadd_ps,
    _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_slli_epi32,
    _mm512_storeu_ps,
};

#[cfg(target_arch = "x86_64")]
use super::token::{Avx2, Avx512};
use crate::Real;

/// Number of numbers in a vector.
pub(crate) const LANES: usize = 16;

/// Vector of [`LANES`] numbers; the token `I` passed to its constructors proves that the processor
/// has its instructions.
#[expect(unnameable_types, reason = "only the seal of `Real` mentions it")]
pub trait Vector<R, I>: Copy {
    /// Loads a vector from an array.
    fn load(isa: I, from: &[R; LANES]) -> Self;
    /// Copies a number to every lane.
    fn splat(isa: I, value: R) -> Self;
    /// Computes `self * factor + addend`, with the rounding of the instruction set.
    #[must_use]
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// Computes `self * factor`.
    #[must_use]
    fn mul(self, factor: Self) -> Self;
    /// Computes `self + addend`.
    #[must_use]
    fn add(self, addend: Self) -> Self;
    /// Computes `minuend - self^2`, with the rounding of the instruction set.
    #[must_use]
    fn square_from(self, minuend: Self) -> Self;
    /// Writes the vector to an array.
    fn store(self, to: &mut [R; LANES]);
    /// Moves the low half of each number's bits to its high half, and fills the low half with zeros.
    #[must_use]
    fn low_half(self) -> Self;
}

/// Array whose loops the compiler vectorises.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<R, const FUSED: bool>([R; LANES]);

impl<R: Real, I, const FUSED: bool> Vector<R, I> for Plain<R, FUSED> {
    #[inline(always)]
    fn load(_: I, from: &[R; LANES]) -> Self {
        Self(*from)
    }
    #[inline(always)]
    fn splat(_: I, value: R) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    fn mul_add(mut self, factor: Self, addend: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = self.0[lane].fused::<FUSED>(factor.0[lane], addend.0[lane]);
        }
        self
    }
    #[inline(always)]
    fn mul(mut self, factor: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] *= factor.0[lane];
        }
        self
    }
    #[inline(always)]
    fn add(mut self, addend: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] += addend.0[lane];
        }
        self
    }
    #[inline(always)]
    fn square_from(mut self, minuend: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = (-self.0[lane]).fused::<FUSED>(self.0[lane], minuend.0[lane]);
        }
        self
    }
    #[inline(always)]
    fn store(self, to: &mut [R; LANES]) {
        *to = self.0;
    }
    #[inline(always)]
    fn low_half(mut self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = self.0[lane].low_half();
        }
        self
    }
}

/// Vector in one AVX-512 register.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zmm(__m512);

#[cfg(target_arch = "x86_64")]
impl Vector<f32, Avx512> for Zmm {
    #[inline(always)]
    fn load(_: Avx512, from: &[f32; LANES]) -> Self {
        // SAFETY: the array has 64 bytes; the token proves AVX-512.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }
    #[inline(always)]
    fn splat(_: Avx512, value: f32) -> Self {
        // SAFETY: the token proves AVX-512.
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX-512.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }
    #[inline(always)]
    fn mul(self, factor: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX-512.
        Self(unsafe { _mm512_mul_ps(self.0, factor.0) })
    }
    #[inline(always)]
    fn add(self, addend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX-512.
        Self(unsafe { _mm512_add_ps(self.0, addend.0) })
    }
    #[inline(always)]
    fn square_from(self, minuend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX-512.
        Self(unsafe { _mm512_fnmadd_ps(self.0, self.0, minuend.0) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: the array has 64 bytes; `self` was created with the token of AVX-512.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn low_half(self) -> Self {
        // SAFETY: `self` was created with the token of AVX-512.
        let bits = unsafe { _mm512_castps_si512(self.0) };
        // SAFETY: as above.
        let shifted = unsafe { _mm512_slli_epi32::<16>(bits) };
        // SAFETY: as above.
        Self(unsafe { _mm512_castsi512_ps(shifted) })
    }
}

/// Vector in two AVX2 registers.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ymm2([__m256; 2]);

#[cfg(target_arch = "x86_64")]
impl Vector<f32, Avx2> for Ymm2 {
    #[inline(always)]
    fn load(_: Avx2, from: &[f32; LANES]) -> Self {
        let (halves, _) = from.as_chunks::<8>();
        // SAFETY: the array has 32 bytes; the token proves AVX2.
        let low = unsafe { _mm256_loadu_ps(halves[0].as_ptr()) };
        // SAFETY: the array has 32 bytes; the token proves AVX2.
        let high = unsafe { _mm256_loadu_ps(halves[1].as_ptr()) };
        Self([low, high])
    }
    #[inline(always)]
    fn splat(_: Avx2, value: f32) -> Self {
        // SAFETY: the token proves AVX2.
        Self([unsafe { _mm256_set1_ps(value) }; 2])
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let low = unsafe { _mm256_fmadd_ps(self.0[0], factor.0[0], addend.0[0]) };
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let high = unsafe { _mm256_fmadd_ps(self.0[1], factor.0[1], addend.0[1]) };
        Self([low, high])
    }
    #[inline(always)]
    fn mul(self, factor: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let low = unsafe { _mm256_mul_ps(self.0[0], factor.0[0]) };
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let high = unsafe { _mm256_mul_ps(self.0[1], factor.0[1]) };
        Self([low, high])
    }
    #[inline(always)]
    fn add(self, addend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let low = unsafe { _mm256_add_ps(self.0[0], addend.0[0]) };
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let high = unsafe { _mm256_add_ps(self.0[1], addend.0[1]) };
        Self([low, high])
    }
    #[inline(always)]
    fn square_from(self, minuend: Self) -> Self {
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let low = unsafe { _mm256_fnmadd_ps(self.0[0], self.0[0], minuend.0[0]) };
        // SAFETY: `self` was created with the token of AVX2 and FMA.
        let high = unsafe { _mm256_fnmadd_ps(self.0[1], self.0[1], minuend.0[1]) };
        Self([low, high])
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let (halves, _) = to.as_chunks_mut::<8>();
        for half in 0..2 {
            // SAFETY: the array has 32 bytes; `self` was created with the token of AVX2.
            unsafe { _mm256_storeu_ps(halves[half].as_mut_ptr(), self.0[half]) }
        }
    }
    #[inline(always)]
    fn low_half(self) -> Self {
        let mut halves = self.0;
        for half in &mut halves {
            // SAFETY: `self` was created with the token of AVX2.
            let bits = unsafe { _mm256_castps_si256(*half) };
            // SAFETY: as above.
            let shifted = unsafe { _mm256_slli_epi32::<16>(bits) };
            // SAFETY: as above.
            *half = unsafe { _mm256_castsi256_ps(shifted) };
        }
        Self(halves)
    }
}
