//! Which kernel runs.
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
    /// The variable is read once, on the first call in the process. A name that is unknown or that
    /// this processor cannot run is passed over; [`name`](Self::name) tells what runs.
    pub fn detect() -> Self {
        static CHOICE: OnceLock<Kernel> = OnceLock::new();
        *CHOICE.get_or_init(|| {
            let available = Self::available();
            let named = std::env::var(VARIABLE).ok();
            let forced =
                named.and_then(|name| available.iter().find(|k| k.name() == name.as_str()));
            *forced.unwrap_or(&available[0])
        })
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
    pub(crate) fn detect() -> Self {
        Self(Kernel::detect())
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
