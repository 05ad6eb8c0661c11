//! Tokens of instruction sets, which can be created by detection only.
//!
//! A value of [`Avx2`] or [`Avx512`] proves that the processor has the instructions: its field is
//! private to this module, and `detect` is its only constructor. Code that needs the instructions
//! requires the token as an argument.

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
    /// Detects the extensions of this processor.
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

    /// Returns no extensions: this processor is not an x86-64.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn detect() -> Self {
        Self { avx2: false, fma: false, avx512: false }
    }

    /// Returns whether the AVX2 kernel runs.
    pub(super) fn has_avx2(self) -> bool {
        self.avx2 && self.fma
    }

    /// Returns whether the AVX-512 kernel runs.
    pub(super) fn has_avx512(self) -> bool {
        self.has_avx2() && self.avx512
    }
}
