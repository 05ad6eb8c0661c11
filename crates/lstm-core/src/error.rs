//! Errors of arguments and kernels.
use crate::Kernel;

/// Error of a rejected call; nothing was computed or changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LstmError {
    /// Slice length that does not match the shapes.
    #[error("{what} has {got} numbers, expected {expected}")]
    Length {
        /// Name of the argument.
        what: &'static str,
        /// Expected length.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// Slice that is empty or not made of whole rows.
    #[error("{what} has {got} numbers, expected a positive multiple of {expected}")]
    Rows {
        /// Name of the argument.
        what: &'static str,
        /// Length of one row.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// Layer size that is zero or too large.
    #[error("{what} is {got}, expected 1 to {expected}")]
    Size {
        /// Name of the size.
        what: &'static str,
        /// Maximum size.
        expected: usize,
        /// Size that was given.
        got: usize,
    },
    /// Number outside its range.
    #[error("{what} is {got}, expected {expected}")]
    Number {
        /// Name of the argument.
        what: &'static str,
        /// Description of the allowed range.
        expected: &'static str,
        /// Number that was given.
        got: f64,
    },
    /// Target that is not a class index.
    #[error("target {index} is class {got}, expected a class index below {expected}")]
    Target {
        /// Index of the target.
        index: usize,
        /// Number of classes.
        expected: usize,
        /// Class that was given.
        got: usize,
    },
    /// Kernel that this processor cannot run.
    #[error(
        "kernel {} does not run on this processor; choose another one, such as {}, and if the \
         environment variable WINDVANE_KERNEL names {}, unset it",
        got.name(), expected.name(), got.name()
    )]
    Kernel {
        /// Kernel that runs on this processor.
        expected: Kernel,
        /// Kernel that was requested.
        got: Kernel,
    },
    /// Unknown kernel name in the environment variable `WINDVANE_KERNEL`.
    #[error(
        "WINDVANE_KERNEL is {got:?}, expected portable, avx2 or avx512; this processor runs {}; \
         unset the variable for the fastest kernel",
        expected.name()
    )]
    KernelName {
        /// Kernel that runs on this processor.
        expected: Kernel,
        /// Name that was given.
        got: String,
    },
}

/// Checks that `got == expected`.
pub(crate) fn check_len(what: &'static str, expected: usize, got: usize) -> Result<(), LstmError> {
    if got == expected { Ok(()) } else { Err(LstmError::Length { what, expected, got }) }
}

/// Checks the length of an argument that may be absent.
#[cfg(feature = "train")]
pub(crate) fn check_optional_len(
    what: &'static str,
    expected: usize,
    got: Option<usize>,
) -> Result<(), LstmError> {
    got.map_or(Ok(()), |got| check_len(what, expected, got))
}

/// Returns the number of rows of `width` numbers in `got` numbers.
pub(crate) fn check_rows(what: &'static str, width: usize, got: usize) -> Result<usize, LstmError> {
    if got > 0 && got.is_multiple_of(width) {
        Ok(got / width)
    } else {
        Err(LstmError::Rows { what, expected: width, got })
    }
}

/// Returns the number of time steps in `got` numbers of a batch of rows of `width` numbers.
#[cfg(feature = "train")]
pub(crate) fn check_steps(
    what: &'static str,
    width: usize,
    batch: usize,
    got: usize,
) -> Result<usize, LstmError> {
    if batch == 0 || batch > got {
        return Err(LstmError::Size { what: "batch", expected: got, got: batch });
    }
    check_rows(what, batch * width, got)
}
