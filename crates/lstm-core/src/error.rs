//! What can be wrong with a caller's numbers.
use crate::Kernel;

/// Why a call was refused; nothing was computed or changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LstmError {
    /// A slice does not have the length that the shapes ask for.
    #[error("{what} has {got} numbers, expected {expected}")]
    Length {
        /// The argument.
        what: &'static str,
        /// The length that fits.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// A slice is empty or not made of whole rows.
    #[error("{what} has {got} numbers, expected a positive multiple of {expected}")]
    Rows {
        /// The argument.
        what: &'static str,
        /// The length of one row.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// A layer size is zero or too large.
    #[error("{what} is {got}, expected 1 to {expected}")]
    Size {
        /// The size's name.
        what: &'static str,
        /// The largest size allowed.
        expected: usize,
        /// The size given.
        got: usize,
    },
    /// A number lies outside its range.
    #[error("{what} is {got}, expected {expected}")]
    Number {
        /// The argument.
        what: &'static str,
        /// The range in words.
        expected: &'static str,
        /// The number given.
        got: f64,
    },
    /// A target is no class.
    #[error("target {index} is class {got}, expected less than {expected}")]
    Target {
        /// Which target.
        index: usize,
        /// The number of classes.
        expected: usize,
        /// The class given.
        got: usize,
    },
    /// The processor cannot run the kernel asked for.
    #[error(
        "kernel {} does not run on this processor: choose one like {}, and where WINDVANE_KERNEL \
         asks for {}, unset it",
        got.name(), expected.name(), got.name()
    )]
    Kernel {
        /// A kernel that runs here.
        expected: Kernel,
        /// The kernel asked for.
        got: Kernel,
    },
    /// The environment variable `WINDVANE_KERNEL` names no kernel.
    #[error(
        "WINDVANE_KERNEL is {got:?}, expected portable, avx2 or avx512, such as {} here; unset it \
         for the fastest",
        expected.name()
    )]
    KernelName {
        /// A kernel that runs here.
        expected: Kernel,
        /// The name given.
        got: String,
    },
}

/// `Ok` if `got == expected`.
pub(crate) fn check_len(what: &'static str, expected: usize, got: usize) -> Result<(), LstmError> {
    if got == expected { Ok(()) } else { Err(LstmError::Length { what, expected, got }) }
}

/// The number of rows of `width` numbers in `got` numbers.
pub(crate) fn check_rows(what: &'static str, width: usize, got: usize) -> Result<usize, LstmError> {
    if got > 0 && got.is_multiple_of(width) {
        Ok(got / width)
    } else {
        Err(LstmError::Rows { what, expected: width, got })
    }
}
