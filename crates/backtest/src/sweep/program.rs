//! Version and kernel of the program, on which the bits of a fit depend.
use std::fmt;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::Kernel;

use crate::error::BacktestError;

/// Version and kernel of the program, on which the bits of a fit depend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramId {
    /// Version of the crate.
    version: String,
    /// Name of the kernel.
    kernel: String,
}

impl ProgramId {
    /// Version and kernel of this process.
    ///
    /// # Errors
    /// [`BacktestError::Kernel`] if `WINDVANE_KERNEL` has no valid value.
    pub fn current() -> Result<Self, BacktestError> {
        let kernel = Kernel::chosen();
        let kernel =
            kernel.map_err(|error| BacktestError::Kernel { problem: error.to_string() })?;
        let version = env!("CARGO_PKG_VERSION").to_string();
        Ok(Self { version, kernel: kernel.name().to_string() })
    }

    /// Checks that this process has the version and the kernel.
    ///
    /// # Errors
    /// [`BacktestError::OtherProgram`] and those of [`current`](Self::current).
    pub fn check(&self) -> Result<(), BacktestError> {
        let own = Self::current()?;
        if own == *self {
            return Ok(());
        }
        Err(BacktestError::OtherProgram { expected: self.to_string(), got: own.to_string() })
    }
}

/// `windvane 0.1.0 with the kernel avx2`.
impl fmt::Display for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "windvane {} with the kernel {}", self.version, self.kernel)
    }
}
