//! Which kernel runs.
use std::ffi::OsStr;
use std::sync::OnceLock;

use crate::LstmError;
use crate::kernels::BASELINE_FUSED;

/// The environment variable that names a kernel.
const VARIABLE: &str = "WINDVANE_KERNEL";

/// A compiled form of the inner loops.
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
    /// Whatever the build's own target has; runs everywhere.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 (F, DQ, VL), AVX2 and FMA.
    Avx512,
}

impl Kernel {
    /// The kernel in use: the one that the environment variable `WINDVANE_KERNEL` (`portable`,
    /// `avx2`, `avx512`) names, else the fastest that runs here.
    ///
    /// A name that is unknown or that this processor cannot run is passed over here;
    /// [`chosen`](Self::chosen), and with it the packing of every layer, refuses it.
    pub fn detect() -> Self {
        Self::chosen().unwrap_or(Self::available()[0])
    }

    /// The kernel in use, as [`detect`](Self::detect).
    ///
    /// The variable is read once, on the first call in the process.
    ///
    /// # Errors
    /// [`LstmError::KernelName`] when `WINDVANE_KERNEL` names no kernel, [`LstmError::Kernel`] when
    /// it names one that this processor cannot run.
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
        static CHOICE: OnceLock<Result<Kernel, LstmError>> = OnceLock::new();
        let read = || Self::named(std::env::var_os(VARIABLE).as_deref(), Processor::detect());
        CHOICE.get_or_init(read).clone()
    }

    /// The kernel of that name, or the fastest one.
    fn named(name: Option<&OsStr>, processor: Processor) -> Result<Self, LstmError> {
        let fastest = processor.kernels()[0];
        let Some(name) = name else { return Ok(fastest) };
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        match all.into_iter().find(|kernel| name == kernel.name()) {
            Some(kernel) => processor.check(kernel),
            None => Err(LstmError::KernelName {
                expected: fastest,
                got: name.to_string_lossy().into_owned(),
            }),
        }
    }

    /// The kernels that run here, fastest first.
    pub fn available() -> &'static [Self] {
        Processor::detect().kernels()
    }

    /// The name for reports and for `WINDVANE_KERNEL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Multiply and add are rounded once, together. All kernels of which this is true give the
    /// same bits.
    pub fn is_fused(self) -> bool {
        match self {
            Self::Portable => BASELINE_FUSED,
            Self::Avx2 | Self::Avx512 => true,
        }
    }
}

/// What a processor has of that which kernels need.
#[derive(Debug, Clone, Copy)]
struct Processor {
    avx2: bool,
    fma: bool,
    /// F, DQ and VL.
    avx512: bool,
}

impl Processor {
    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        Self {
            avx2: is_x86_feature_detected!("avx2"),
            fma: is_x86_feature_detected!("fma"),
            avx512: is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self { avx2: false, fma: false, avx512: false }
    }

    /// The kernels that run on it, fastest first.
    fn kernels(self) -> &'static [Kernel] {
        match (self.avx2 && self.fma, self.avx512) {
            (true, true) => &[Kernel::Avx512, Kernel::Avx2, Kernel::Portable],
            (true, false) => &[Kernel::Avx2, Kernel::Portable],
            (false, _) => &[Kernel::Portable],
        }
    }

    /// `kernel`, if it runs on it.
    fn check(self, kernel: Kernel) -> Result<Kernel, LstmError> {
        let kernels = self.kernels();
        if kernels.contains(&kernel) {
            Ok(kernel)
        } else {
            Err(LstmError::Kernel { expected: kernels[0], got: kernel })
        }
    }
}

/// A kernel that was seen to run on this processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked(Kernel);

impl Checked {
    /// The kernel in use.
    #[cfg(feature = "train")]
    pub(crate) fn detect() -> Self {
        Self(Kernel::detect())
    }

    /// The kernel in use, unless the environment asks for one that cannot run.
    pub(crate) fn chosen() -> Result<Self, LstmError> {
        Kernel::chosen().map(Self)
    }

    /// `kernel`, if it runs.
    pub(crate) fn new(kernel: Kernel) -> Result<Self, LstmError> {
        Processor::detect().check(kernel).map(Self)
    }

    #[inline]
    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{Checked, Kernel, Processor};
    use crate::LstmError;

    /// From nothing to everything, and odd ones between.
    fn processors() -> Vec<(Processor, &'static [Kernel])> {
        let with = |avx2, fma, avx512| Processor { avx2, fma, avx512 };
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
    fn a_name_chooses_a_kernel_that_the_processor_has_or_is_refused() {
        for (processor, has) in processors() {
            let named = |name| Kernel::named(Some(OsStr::new(name)), processor);
            assert_eq!(Kernel::named(None, processor), Ok(has[0]));
            for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
                let refused = Err(LstmError::Kernel { expected: has[0], got: kernel });
                let expected = if has.contains(&kernel) { Ok(kernel) } else { refused };
                assert_eq!(named(kernel.name()), expected, "{processor:?}");
            }
            for name in ["AVX2", "", "sse2", "avx2 "] {
                let refused = LstmError::KernelName { expected: has[0], got: name.to_string() };
                assert_eq!(named(name), Err(refused));
            }
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let old = Processor { avx2: false, fma: false, avx512: false };
        let named = |name| Kernel::named(Some(OsStr::new(name)), old).unwrap_err().to_string();
        assert_eq!(
            named("avx512"),
            "kernel avx512 does not run on this processor: choose one like portable, and where \
             WINDVANE_KERNEL asks for avx512, unset it"
        );
        assert_eq!(
            named("AVX2"),
            "WINDVANE_KERNEL is \"AVX2\", expected portable, avx2 or avx512, such as portable \
             here; unset it for the fastest"
        );
    }

    #[test]
    fn the_processor_at_hand_runs_what_it_is_said_to_have() {
        for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
            let runs = Checked::new(kernel).is_ok();
            assert_eq!(runs, Kernel::available().contains(&kernel));
        }
    }
}
