//! A value before its division.

/// A value as numerator and denominator.
///
/// Every built-in channel ends in a division, and one takes longer than all the rest of a
/// channel. The pipeline collects those of a row and lets the processor divide several at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) numerator: f64,
    /// Never 0.
    pub(crate) denominator: f64,
}

impl Ratio {
    #[inline]
    pub(crate) fn new(numerator: f64, denominator: f64) -> Self {
        Self { numerator, denominator }
    }

    /// A value without a division: dividing by 1 keeps its bits.
    ///
    /// Rare enough to be jumped to: choosing between two ratios costs every row something.
    #[cold]
    pub(crate) fn whole(value: f64) -> Self {
        Self::new(value, 1.0)
    }

    #[inline]
    pub(crate) fn value(self) -> f64 {
        self.numerator / self.denominator
    }
}
