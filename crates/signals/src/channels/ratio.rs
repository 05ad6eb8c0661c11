//! Value of a channel before its division.

/// Value of a channel as numerator and denominator.
///
/// Every built-in channel ends with a division, which takes longer than all its other operations.
/// The pipeline collects the ratios of a row, so that the processor divides several at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) numerator: f64,
    /// Denominator, never 0.
    pub(crate) denominator: f64,
}

impl Ratio {
    #[inline]
    pub(crate) fn new(numerator: f64, denominator: f64) -> Self {
        Self { numerator, denominator }
    }

    /// Creates a ratio with the denominator 1, which keeps the bits of the value.
    ///
    /// Marked cold so that the common path has no selection between two ratios, which would slow
    /// down every row.
    #[cold]
    pub(crate) fn whole(value: f64) -> Self {
        Self::new(value, 1.0)
    }

    #[inline]
    pub(crate) fn value(self) -> f64 {
        self.numerator / self.denominator
    }
}
