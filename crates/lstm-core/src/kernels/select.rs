//! Selection of the kernel.
use std::ffi::OsStr;
use std::sync::OnceLock;

use super::Op;
use super::isa::{BASELINE_FUSED, Portable};
use super::token::Features;
#[cfg(target_arch = "x86_64")]
use super::token::{Avx2, Avx512};
use crate::LstmError;

/// Name of the environment variable that selects a kernel.
const VARIABLE: &str = "WINDVANE_KERNEL";

/// Compiled variant of the inner loops.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::Kernel;
///
/// assert!(Kernel::available().contains(&Kernel::detect()));
/// assert_eq!(Kernel::Portable.name(), "portable");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Instructions of the build target only; runs on every processor of that target.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 (F, DQ, VL), AVX2 and FMA.
    Avx512,
}

impl Kernel {
    /// Returns the kernel in use: the one named by the environment variable `WINDVANE_KERNEL`
    /// (`portable`, `avx2`, `avx512`), otherwise the fastest one that runs on this processor.
    ///
    /// This function ignores a name that is unknown or that this processor cannot run.
    /// [`chosen`](Self::chosen), and therefore the packing of every layer, returns an error for it.
    pub fn detect() -> Self {
        Self::chosen().unwrap_or(Self::available()[0])
    }

    /// Returns the kernel in use like [`detect`](Self::detect), or an error for an invalid name.
    ///
    /// The variable is read once, on the first call in the process.
    ///
    /// # Errors
    /// [`LstmError::KernelName`] when `WINDVANE_KERNEL` is not the name of a kernel,
    /// [`LstmError::Kernel`] when this processor cannot run the kernel.
    ///
    /// # Examples
    ///
    /// ```
    /// use windvane_lstm_core::Kernel;
    ///
    /// assert!(Kernel::available().contains(&Kernel::chosen()?));
    /// # Ok::<(), windvane_lstm_core::LstmError>(())
    /// ```
    pub fn chosen() -> Result<Self, LstmError> {
        DetectedKernel::chosen().map(DetectedKernel::kernel)
    }

    /// Finds a kernel by name among `kernels`, fastest first; without a name the fastest.
    fn named(name: Option<&OsStr>, kernels: &[Self]) -> Result<Self, LstmError> {
        let fastest = kernels[0];
        let Some(name) = name else { return Ok(fastest) };
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        match all.into_iter().find(|kernel| name == kernel.name()) {
            Some(kernel) if kernels.contains(&kernel) => Ok(kernel),
            Some(kernel) => Err(LstmError::Kernel { expected: fastest, got: kernel }),
            None => Err(LstmError::KernelName {
                expected: fastest,
                got: name.to_string_lossy().into_owned(),
            }),
        }
    }

    /// Returns the kernels that run on this processor, fastest first.
    pub fn available() -> &'static [Self] {
        Self::of_features(Features::detect())
    }

    /// Returns the kernels that run on a processor with these features, fastest first.
    fn of_features(features: Features) -> &'static [Self] {
        match (features.has_avx512(), features.has_avx2()) {
            (true, _) => &[Self::Avx512, Self::Avx2, Self::Portable],
            (false, true) => &[Self::Avx2, Self::Portable],
            (false, false) => &[Self::Portable],
        }
    }

    /// Returns the name for reports and for `WINDVANE_KERNEL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Returns whether multiply and add are one operation with one rounding.
    ///
    /// All kernels for which this is true give bit-identical results.
    pub fn is_fused(self) -> bool {
        match self {
            Self::Portable => BASELINE_FUSED,
            Self::Avx2 | Self::Avx512 => true,
        }
    }
}

/// Kernel with the token that proves that this processor can run it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DetectedKernel {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl DetectedKernel {
    /// Returns the kernel named by the environment if this processor can run it, otherwise the
    /// fastest one.
    #[cfg(feature = "train")]
    pub(crate) fn detect() -> Self {
        Self::chosen()
            .or_else(|_| Self::new(Kernel::available()[0]))
            .unwrap_or(Self::Portable(Portable))
    }

    /// Returns the kernel in use, or an error if the environment names an invalid one.
    pub(crate) fn chosen() -> Result<Self, LstmError> {
        static CHOICE: OnceLock<Result<DetectedKernel, LstmError>> = OnceLock::new();
        CHOICE.get_or_init(Self::read).clone()
    }

    /// Reads the environment variable and finds the kernel.
    fn read() -> Result<Self, LstmError> {
        let name = std::env::var_os(VARIABLE);
        Kernel::named(name.as_deref(), Kernel::available()).and_then(Self::new)
    }

    /// Returns the kernel with its token, or an error if this processor cannot run it.
    pub(crate) fn new(kernel: Kernel) -> Result<Self, LstmError> {
        let error = LstmError::Kernel { expected: Kernel::available()[0], got: kernel };
        Self::find(kernel).ok_or(error)
    }

    /// Returns the token if this processor has the instructions that `kernel` needs.
    fn find(kernel: Kernel) -> Option<Self> {
        match kernel {
            Kernel::Portable => Some(Self::Portable(Portable)),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::detect().map(Self::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => None,
        }
    }

    /// Returns the kernel without its token.
    #[inline]
    pub(crate) fn kernel(self) -> Kernel {
        match self {
            Self::Portable(_) => Kernel::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Kernel::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Kernel::Avx512,
        }
    }

    /// Runs the copy of a loop that is compiled for this kernel.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) {
        match self {
            Self::Portable(isa) => op.run(isa),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(isa) => isa.run(op),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(isa) => isa.run(op),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{DetectedKernel, Features, Kernel};
    use crate::LstmError;

    fn with(avx2: bool, fma: bool, avx512: bool) -> Features {
        Features { avx2, fma, avx512 }
    }

    fn named(name: &str, kernels: &[Kernel]) -> Result<Kernel, LstmError> {
        Kernel::named(Some(OsStr::new(name)), kernels)
    }

    /// Combinations of features with their kernels, including combinations that no processor has.
    fn feature_sets() -> Vec<(Features, &'static [Kernel])> {
        vec![
            (with(false, false, false), &[Kernel::Portable]),
            (with(true, false, false), &[Kernel::Portable]),
            (with(true, false, true), &[Kernel::Portable]),
            (with(false, true, true), &[Kernel::Portable]),
            (with(true, true, false), &[Kernel::Avx2, Kernel::Portable]),
            (with(true, true, true), &[Kernel::Avx512, Kernel::Avx2, Kernel::Portable]),
        ]
    }

    #[test]
    fn kernel_name_selects_an_available_kernel_or_is_rejected() {
        for (features, has) in feature_sets() {
            let kernels = Kernel::of_features(features);
            assert_eq!(kernels, has);
            assert_eq!(Kernel::named(None, kernels), Ok(has[0]));
            for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
                let error = Err(LstmError::Kernel { expected: has[0], got: kernel });
                let expected = if has.contains(&kernel) { Ok(kernel) } else { error };
                assert_eq!(named(kernel.name(), kernels), expected, "{features:?}");
            }
            for name in ["AVX2", "", "sse2", "avx2 "] {
                let error = LstmError::KernelName { expected: has[0], got: name.to_string() };
                assert_eq!(named(name, kernels), Err(error));
            }
        }
    }

    #[test]
    fn kernel_error_contains_advice() {
        assert_eq!(
            named("avx512", &[Kernel::Portable]).unwrap_err().to_string(),
            "kernel avx512 does not run on this processor; choose another one, such as portable, \
             and if the environment variable WINDVANE_KERNEL names avx512, unset it"
        );
        assert_eq!(
            named("AVX2", &[Kernel::Portable]).unwrap_err().to_string(),
            "WINDVANE_KERNEL is \"AVX2\", expected portable, avx2 or avx512; this processor runs \
             portable; unset the variable for the fastest kernel"
        );
    }

    #[test]
    fn kernel_tokens_exist_only_for_available_kernels() {
        for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
            let detected = DetectedKernel::new(kernel).map(DetectedKernel::kernel);
            let available = Kernel::available().contains(&kernel);
            assert_eq!(detected.ok(), available.then_some(kernel));
        }
    }
}
