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
        let read = || Self::named(std::env::var_os(VARIABLE).as_deref());
        CHOICE.get_or_init(read).clone()
    }

    /// The kernel of that name, or the fastest one.
    fn named(name: Option<&OsStr>) -> Result<Self, LstmError> {
        let fastest = Self::available()[0];
        let Some(name) = name else { return Ok(fastest) };
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        match all.into_iter().find(|kernel| name == kernel.name()) {
            Some(kernel) => Checked::new(kernel).map(Checked::kernel),
            None => Err(LstmError::KernelName {
                expected: fastest,
                got: name.to_string_lossy().into_owned(),
            }),
        }
    }

    /// The kernels that run here, fastest first.
    pub fn available() -> &'static [Self] {
        match (Self::Avx512.runs(), Self::Avx2.runs()) {
            (true, _) => &[Self::Avx512, Self::Avx2, Self::Portable],
            (false, true) => &[Self::Avx2, Self::Portable],
            (false, false) => &[Self::Portable],
        }
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

    fn runs(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.runs()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
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
        if kernel.runs() {
            Ok(Self(kernel))
        } else {
            Err(LstmError::Kernel { expected: Kernel::available()[0], got: kernel })
        }
    }

    #[inline]
    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::Kernel;
    use crate::LstmError;

    #[test]
    fn a_name_chooses_a_kernel_or_is_refused() {
        let named = |name| Kernel::named(Some(OsStr::new(name)));
        assert_eq!(Kernel::named(None), Ok(Kernel::available()[0]));
        for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
            let runs = Kernel::available().contains(&kernel);
            let refused = Err(LstmError::Kernel { expected: Kernel::available()[0], got: kernel });
            assert_eq!(named(kernel.name()), if runs { Ok(kernel) } else { refused });
        }
        let refused = named("AVX2").unwrap_err();
        assert!(matches!(refused, LstmError::KernelName { .. }));
        assert!(refused.to_string().starts_with("WINDVANE_KERNEL is \"AVX2\", expected"));
    }
}
