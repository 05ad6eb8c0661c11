//! Histograms of gradients, summed as integers.
//!
//! Gradient and Hessian of every row are rounded to multiples of a small unit. Integer sums do not
//! depend on their order, so the trees have the same bits on any number of threads, and a sibling's
//! histogram is an exact difference. The rounding is finer than that of `f32`.

/// Sum over rows: gradient, Hessian and number of rows, as integers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct GradientSum {
    gradient: i64,
    /// Hessian in the upper bits, number of rows in the lower ones.
    hessian_and_rows: u64,
}

impl GradientSum {
    /// Adds a sum. [`GradientUnits`] excludes an overflow.
    pub(super) fn add(&mut self, other: Self) {
        self.gradient = self.gradient.wrapping_add(other.gradient);
        self.hessian_and_rows = self.hessian_and_rows.wrapping_add(other.hessian_and_rows);
    }

    /// Returns the sum over the rows that are not in `other`, a part of these rows.
    pub(super) fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient.wrapping_sub(other.gradient),
            hessian_and_rows: self.hessian_and_rows.wrapping_sub(other.hessian_and_rows),
        }
    }
}

/// Units of the integers in a [`GradientSum`], for a number of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct GradientUnits {
    row_bits: u32,
    /// Number of units per 1.
    gradient: f64,
    hessian: f64,
}

/// Maximum number of training rows.
pub(super) const MAX_ROWS: usize = 1 << 24;

/// Bits after the binary point of a gradient, which is between −1 and 1.
const GRADIENT_BITS: i32 = 30;
/// Maximum number of bits after the binary point of a Hessian, which is below 1.
const HESSIAN_BITS: u32 = 30;

impl GradientUnits {
    /// Creates the units for at most `rows` rows, up to [`MAX_ROWS`].
    pub(super) fn new(rows: usize) -> Self {
        let row_bits = usize::BITS - rows.leading_zeros();
        // The sum of the Hessians is below 2^row_bits.
        let hessian_bits = HESSIAN_BITS.min(u64::BITS - 2 * row_bits);
        let (gradient, hessian) =
            (2_f64.powi(GRADIENT_BITS), 2_f64.powi(hessian_bits.cast_signed()));
        Self { row_bits, gradient, hessian }
    }

    /// Converts gradient and Hessian of one row.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the Hessian is positive, and rounding towards zero is intended"
    )]
    pub(super) fn row(&self, gradient: f64, hessian: f64) -> GradientSum {
        let hessian = (hessian * self.hessian) as u64;
        GradientSum {
            gradient: (gradient * self.gradient) as i64,
            hessian_and_rows: hessian << self.row_bits | 1,
        }
    }

    /// Returns the number of rows of a sum.
    #[expect(clippy::cast_possible_truncation, reason = "at most the number of rows")]
    pub(super) fn rows(&self, sum: GradientSum) -> usize {
        (sum.hessian_and_rows & ((1 << self.row_bits) - 1)) as usize
    }

    /// Returns gradient and Hessian of a sum.
    pub(super) fn derivatives(&self, sum: GradientSum) -> (f64, f64) {
        let hessian = (sum.hessian_and_rows >> self.row_bits) as f64;
        (sum.gradient as f64 / self.gradient, hessian / self.hessian)
    }
}

/// Number of bins of an array that every bin in a byte fits into.
const BYTE: usize = 256;

/// Histogram of one input in one leaf.
#[derive(Clone)]
pub(super) struct GradientHistogram(pub(super) Box<[GradientSum; BYTE]>);

impl Default for GradientHistogram {
    fn default() -> Self {
        Self(Box::new([GradientSum::default(); BYTE]))
    }
}

/// Number of inputs that are summed together, so that row numbers and gradients are read once.
pub(super) const BLOCK: usize = 4;

/// Adds the rows of a leaf to the histograms of a block of inputs.
///
/// `columns` contains the bins of all training rows, `gradients` the sums of the leaf's rows in the
/// order of `rows`.
pub(super) fn accumulate(
    histograms: &mut [GradientHistogram],
    columns: &[&[u8]],
    rows: &[u32],
    gradients: &[GradientSum],
) {
    if let ([a, b, c, d], [p, q, r, s]) = (&mut *histograms, columns) {
        let all = p.len();
        let (q, r, s) = (&q[..all], &r[..all], &s[..all]);
        for (row, gradient) in rows.iter().zip(gradients) {
            let row = *row as usize;
            a.0[usize::from(p[row])].add(*gradient);
            b.0[usize::from(q[row])].add(*gradient);
            c.0[usize::from(r[row])].add(*gradient);
            d.0[usize::from(s[row])].add(*gradient);
        }
        return;
    }
    for (histogram, column) in histograms.iter_mut().zip(columns) {
        for (row, gradient) in rows.iter().zip(gradients) {
            histogram.0[usize::from(column[*row as usize])].add(*gradient);
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    #[test]
    fn units_hold_extreme_sums_of_all_rows() {
        for rows in [1, 2, 1_000, 65_535, 65_536, 400_000, MAX_ROWS] {
            let units = GradientUnits::new(rows);
            let one = units.row(-1.0, 0.999);
            let mut sum = GradientSum::default();
            // Doubling gives the sum of many rows.
            let (mut power, mut left) = (one, rows);
            while left > 0 {
                if left & 1 == 1 {
                    sum.add(power);
                }
                power.add(power);
                left >>= 1;
            }
            let (gradient, hessian) = units.derivatives(sum);
            assert_eq!(units.rows(sum), rows);
            assert!((gradient / -(rows as f64) - 1.0).abs() < 1e-9, "{rows}: {gradient}");
            assert!((hessian / (0.999 * rows as f64) - 1.0).abs() < 2e-3, "{rows}: {hessian}");
            assert_eq!(sum.without(one).without(sum.without(one)), GradientSum::default());
        }
    }

    #[test]
    fn accumulate_gives_the_same_sums_in_blocks_and_alone() {
        let units = GradientUnits::new(100);
        let columns: Vec<Vec<u8>> =
            (0..4).map(|k| (0..100_u32).map(|row| (row * (k + 3) % 251) as u8).collect()).collect();
        let columns: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let rows: Vec<u32> = (0..100).filter(|row| row % 3 != 0).collect();
        let gradients: Vec<GradientSum> =
            rows.iter().map(|row| units.row(f64::from(*row) / 100.0 - 0.5, 0.2)).collect();
        let mut together = vec![GradientHistogram::default(); 4];
        accumulate(&mut together, &columns, &rows, &gradients);
        for (histogram, column) in together.iter().zip(&columns) {
            let mut alone = [GradientHistogram::default()];
            accumulate(&mut alone, &[column], &rows, &gradients);
            assert_eq!(alone[0].0, histogram.0);
            let sum = histogram.0.iter().map(|bin| units.rows(*bin)).sum::<usize>();
            assert_eq!(sum, rows.len());
        }
    }
}
