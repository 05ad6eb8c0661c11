//! Number types `f32` and `f64`.
#[cfg(feature = "train")]
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::activation::{cell_f32, exp_f32, gru_f32, sigmoid_f32, tanh_f32};
use crate::kernels::BASELINE_FUSED;
use crate::kernels::{CompactColumn, Isa, WeightColumn};

/// Number type of a network: `f32`, or `f64` for reference results and gradient checks; sealed.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::Real;
///
/// fn mean<R: Real>(values: &[R]) -> R {
///     values.iter().copied().sum::<R>() / R::from_f64(values.len() as f64)
/// }
/// assert_eq!(mean(&[1.0_f32, 2.0]), 1.5);
/// assert_eq!(mean(&[1.0_f64, 2.0]), 1.5);
/// ```
pub trait Real:
    sealed::Sealed
    + Copy
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// Zero of this type.
    const ZERO: Self;
    /// One of this type.
    const ONE: Self;

    /// Rounds `value` to the nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// Converts to `f64` without rounding.
    fn to_f64(self) -> f64;

    /// Computes the hyperbolic tangent.
    ///
    /// `f64` calls the standard library. `f32` is computed without branches, so that loops over it
    /// vectorise. Its absolute error is at most 3e-7; it is odd, within ±1, exactly ±1 for
    /// arguments of magnitude 9.1 or more, and increasing up to errors of 5e-7. NaN remains NaN.
    ///
    /// ```
    /// use windvane_lstm_core::Real;
    ///
    /// assert!((Real::tanh(0.5_f32) - 0.462_117_16).abs() < 3e-7);
    /// assert_eq!(Real::tanh(-9.1_f32), -1.0);
    /// ```
    #[must_use]
    fn tanh(self) -> Self {
        self.tanh_with::<BASELINE_FUSED>()
    }

    /// Computes the logistic function 1 / (1 + e^-x); in `f32` with the error bound of
    /// [`tanh`](Self::tanh).
    #[must_use]
    fn sigmoid(self) -> Self {
        self.sigmoid_with::<BASELINE_FUSED>()
    }
}

pub(crate) mod sealed {
    use crate::kernels::{Isa, StoredColumn, Vector};

    /// Private operations of a number type.
    ///
    /// `FUSED` must be whether the calling code is compiled for a processor with fused
    /// multiply-add. Without it, `mul_add` is a slow call into the mathematics library.
    #[expect(unnameable_types, reason = "seals `Real`")]
    pub trait Sealed: Sized {
        /// Computes `self * factor + addend`, rounded once.
        ///
        /// This is a slow library call in code that is compiled without fused multiply-add.
        #[must_use]
        fn mul_add(self, factor: Self, addend: Self) -> Self;
        /// Computes e to the power `self`.
        #[must_use]
        fn exp(self) -> Self;
        /// Computes the natural logarithm.
        #[must_use]
        fn ln(self) -> Self;
        /// Computes the square root.
        #[must_use]
        fn sqrt(self) -> Self;
        /// Computes the absolute value.
        #[must_use]
        fn abs(self) -> Self;
        /// Returns whether the number is neither infinite nor NaN.
        fn is_finite(&self) -> bool;
        /// Computes `self * factor + addend`, rounded once if `FUSED`, otherwise twice.
        #[must_use]
        fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self;
        /// Computes the hyperbolic tangent; see `Real::tanh`.
        #[must_use]
        fn tanh_with<const FUSED: bool>(self) -> Self;
        /// Computes e to the power `self`, which is at most 0.
        #[must_use]
        fn exp_with<const FUSED: bool>(self) -> Self;
        /// Computes the logistic function; see `Real::sigmoid`.
        #[must_use]
        fn sigmoid_with<const FUSED: bool>(self) -> Self;
        /// Computes the new cell and hidden state of an LSTM unit from its gate sums i, f, g, o and
        /// its cell.
        #[must_use]
        fn cell_with<const FUSED: bool>(gates: [Self; 4], cell: Self) -> (Self, Self);
        /// Computes the new hidden state of a GRU unit from its gate sums r, z, `W_n x + b_in` and
        /// `U_n h + b_hn` and its hidden state.
        #[must_use]
        fn gru_with<const FUSED: bool>(sums: [Self; 4], hidden: Self) -> Self;
        /// Moves the low half of the bits to the high half, and fills the low half with zeros.
        #[must_use]
        fn low_half(self) -> Self;
        /// Column of weights with half the bytes, if there is such a form; otherwise a whole one.
        type Compact: StoredColumn<Self>;
        /// Vector of sixteen of these numbers for an instruction set.
        type Vector<I: Isa>: Vector<Self, I>;
        /// Calls `work` with the thread's buffer for matrix products; its contents are arbitrary.
        #[cfg(feature = "train")]
        fn with_scratch<T>(work: impl FnOnce(&mut Vec<Self>) -> T) -> T;
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl sealed::Sealed for f32 {
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self::mul_add(self, factor, addend)
    }
    fn exp(self) -> Self {
        Self::exp(self)
    }
    fn ln(self) -> Self {
        Self::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    fn is_finite(&self) -> bool {
        Self::is_finite(*self)
    }
    #[inline(always)]
    fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
        if FUSED { self.mul_add(factor, addend) } else { self * factor + addend }
    }
    #[inline(always)]
    fn tanh_with<const FUSED: bool>(self) -> Self {
        tanh_f32::<FUSED>(self)
    }
    #[inline(always)]
    fn exp_with<const FUSED: bool>(self) -> Self {
        exp_f32::<FUSED>(self)
    }
    #[inline(always)]
    fn sigmoid_with<const FUSED: bool>(self) -> Self {
        sigmoid_f32::<FUSED>(self)
    }
    #[inline(always)]
    fn cell_with<const FUSED: bool>(gates: [Self; 4], cell: Self) -> (Self, Self) {
        cell_f32::<FUSED>(gates, cell)
    }
    #[inline(always)]
    fn gru_with<const FUSED: bool>(sums: [Self; 4], hidden: Self) -> Self {
        gru_f32::<FUSED>(sums, hidden)
    }
    #[inline(always)]
    fn low_half(self) -> Self {
        Self::from_bits(self.to_bits() << 16)
    }
    type Compact = CompactColumn;
    type Vector<I: Isa> = I::F32;
    #[cfg(feature = "train")]
    fn with_scratch<T>(work: impl FnOnce(&mut Vec<Self>) -> T) -> T {
        thread_local!(static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) });
        SCRATCH.with_borrow_mut(work)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}

impl sealed::Sealed for f64 {
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self::mul_add(self, factor, addend)
    }
    fn exp(self) -> Self {
        Self::exp(self)
    }
    fn ln(self) -> Self {
        Self::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    fn is_finite(&self) -> bool {
        Self::is_finite(*self)
    }
    #[inline(always)]
    fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
        if FUSED { self.mul_add(factor, addend) } else { self * factor + addend }
    }
    fn tanh_with<const FUSED: bool>(self) -> Self {
        Self::tanh(self)
    }
    fn exp_with<const FUSED: bool>(self) -> Self {
        Self::exp(self)
    }
    fn sigmoid_with<const FUSED: bool>(self) -> Self {
        1.0 / (1.0 + Self::exp(-self))
    }
    fn cell_with<const FUSED: bool>([i, f, g, o]: [Self; 4], cell: Self) -> (Self, Self) {
        let kept = f.sigmoid_with::<FUSED>() * cell;
        let cell = i.sigmoid_with::<FUSED>().fused::<FUSED>(g.tanh_with::<FUSED>(), kept);
        (cell, o.sigmoid_with::<FUSED>() * cell.tanh_with::<FUSED>())
    }
    fn gru_with<const FUSED: bool>([r, z, n, u]: [Self; 4], hidden: Self) -> Self {
        let n = r.sigmoid_with::<FUSED>().fused::<FUSED>(u, n).tanh_with::<FUSED>();
        z.sigmoid_with::<FUSED>().fused::<FUSED>(hidden - n, n)
    }
    #[inline(always)]
    fn low_half(self) -> Self {
        Self::from_bits(self.to_bits() << 32)
    }
    type Compact = WeightColumn<Self>;
    type Vector<I: Isa> = I::F64;
    #[cfg(feature = "train")]
    fn with_scratch<T>(work: impl FnOnce(&mut Vec<Self>) -> T) -> T {
        thread_local!(static SCRATCH: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) });
        SCRATCH.with_borrow_mut(work)
    }
}
