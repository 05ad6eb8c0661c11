//! Histogram bins: quantiles of each input's training values.
use rayon::prelude::*;

use super::tree::ZERO;

/// Maximum number of bins of an input.
pub(super) const MAX_BINS: usize = 255;

/// Minimum number of training values in a bin.
const MIN_VALUES: usize = 3;

/// Bins of one input.
///
/// Bin b contains the values in (threshold b − 1, threshold b]; the last bin has no upper end. The
/// bin after the last one contains missing values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InputBins {
    /// Thresholds between the bins, ascending.
    thresholds: Vec<f64>,
}

impl InputBins {
    /// Fits at most `most` bins, that of missing values included, on training values.
    ///
    /// Zeros have a bin of their own, because a sign often matters: the sign of a return, for
    /// example. Negative and positive values share the other bins in proportion to their counts, as
    /// quantiles. A value that occurs more often than a bin has rows gets a bin of its own.
    ///
    /// **Source** the greedy rule of LightGBM (Ke et al. 2017).
    pub(super) fn fit(mut values: Vec<f64>, most: usize) -> Self {
        let rows = values.len();
        values.retain(|x| !x.is_nan());
        let most = if values.len() < rows { most - 1 } else { most };
        values.sort_unstable_by(f64::total_cmp);
        let (below, rest) = values.split_at(values.partition_point(|x| *x < -ZERO));
        let (zeros, above) = rest.split_at(rest.partition_point(|x| *x <= ZERO));
        let (mut thresholds, mut used) = (Vec::new(), 0);
        if !below.is_empty() && most > 1 {
            let (part, whole) = (below.len(), below.len() + above.len());
            greedy(below, ((most - 1) * part / whole).max(1), &mut thresholds);
            used = thresholds.len() + 1;
            if !zeros.is_empty() {
                thresholds.push(-ZERO);
            }
        }
        if !above.is_empty() && most > used + 1 {
            if above.len() < values.len() {
                thresholds.push(ZERO);
            }
            greedy(above, most - 1 - used, &mut thresholds);
        }
        Self { thresholds }
    }

    /// Returns the number of bins, without that of missing values.
    pub(super) fn len(&self) -> usize {
        self.thresholds.len() + 1
    }

    /// Returns the bin of a value.
    #[expect(clippy::cast_possible_truncation, reason = "at most 256 bins")]
    pub(super) fn bin(&self, x: f64) -> u8 {
        if x.is_nan() {
            return self.len() as u8;
        }
        self.thresholds.partition_point(|threshold| *threshold < x) as u8
    }

    /// Returns the largest value of a bin; infinite for the last one.
    pub(super) fn threshold(&self, bin: u8) -> f64 {
        self.thresholds.get(usize::from(bin)).copied().unwrap_or(f64::INFINITY)
    }
}

/// Appends the thresholds between at most `most` bins of sorted values.
fn greedy(sorted: &[f64], most: usize, thresholds: &mut Vec<f64>) {
    let distinct = distinct_values(sorted);
    let few = distinct.len() <= most;
    let most = if few { most } else { most.min(sorted.len() / MIN_VALUES).max(1) };
    let mut rest = BinRemainder::new(&distinct, sorted.len(), if few { usize::MAX } else { most });
    let (mut bins, mut inside) = (1, 0);
    for pair in distinct.windows(2) {
        let [(value, count), (next, after)] = [pair[0], pair[1]];
        if bins == most {
            break;
        }
        inside += count;
        rest.take(count);
        let closes = if few { inside >= MIN_VALUES } else { rest.closes(inside, count, after) };
        if closes {
            thresholds.push(between(value, next));
            rest.close(count);
            (bins, inside) = (bins + 1, 0);
        }
    }
}

/// Distinct values with their counts.
fn distinct_values(sorted: &[f64]) -> Vec<(f64, usize)> {
    let groups = sorted.chunk_by(|a, b| a >= b);
    groups.map(|group| (group[0], group.len())).collect()
}

/// Returns a threshold t with a ≤ t < b.
fn between(a: f64, b: f64) -> f64 {
    let middle = f64::midpoint(a, b);
    if middle < b && middle >= a { middle } else { a }
}

/// Values and bins that are left while the bins of an input are filled.
struct BinRemainder {
    /// Count from which a value has a bin of its own.
    large: f64,
    /// Values left that have no bin of their own.
    values: usize,
    /// Bins left for them.
    bins: usize,
    /// Values per bin.
    mean: f64,
}

impl BinRemainder {
    fn new(distinct: &[(f64, usize)], total: usize, most: usize) -> Self {
        let large = total as f64 / most as f64;
        let own = distinct.iter().filter(|(_, count)| *count as f64 >= large);
        let (own, inside) = own.fold((0, 0), |(n, sum), (_, count)| (n + 1, sum + count));
        let (values, bins) = (total - inside, most.saturating_sub(own).max(1));
        Self { large, values, bins, mean: values as f64 / bins as f64 }
    }

    fn is_large(&self, count: usize) -> bool {
        count as f64 >= self.large
    }

    fn take(&mut self, count: usize) {
        if !self.is_large(count) {
            self.values -= count;
        }
    }

    /// Returns whether the bin ends after a value with `count` rows, before one with `after` rows.
    fn closes(&self, inside: usize, count: usize, after: usize) -> bool {
        self.is_large(count)
            || inside as f64 >= self.mean
            || (self.is_large(after) && inside as f64 >= (self.mean / 2.0).max(1.0))
    }

    /// Ends a bin after a value with `count` rows.
    fn close(&mut self, count: usize) {
        if !self.is_large(count) {
            self.bins = self.bins.saturating_sub(1).max(1);
            self.mean = self.values as f64 / self.bins as f64;
        }
    }
}

/// Rows with the bin of each input, stored by input.
#[derive(Debug)]
pub(super) struct BinnedTable {
    columns: Vec<Vec<u8>>,
    rows: usize,
}

impl BinnedTable {
    /// Sorts the values of a table into bins; `value(row, input)` returns a value.
    pub(super) fn new(
        bins: &[InputBins],
        rows: usize,
        value: &(impl Fn(usize, usize) -> f64 + Sync),
    ) -> Self {
        let columns = bins
            .par_iter()
            .enumerate()
            .map(|(input, bins)| (0..rows).map(|row| bins.bin(value(row, input))).collect());
        Self { columns: columns.collect(), rows }
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the bins of an input, one per row.
    pub(super) fn column(&self, input: usize) -> &[u8] {
        &self.columns[input]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_separate_few_distinct_values_and_missing_ones() {
        let values = [3.0, 1.0, 2.0, f64::NAN].repeat(5);
        let bins = InputBins::fit(values, 63);
        assert_eq!(bins.thresholds, [1.5, 2.5]);
        let got = [-1.0, 1.5, 1.6, 9.0, f64::NAN].map(|x| bins.bin(x));
        assert_eq!(got, [0, 0, 1, 2, 3]);
        assert!(bins.threshold(2).is_infinite());
        let none = InputBins::fit(vec![f64::NAN; 9], 63);
        assert_eq!((none.len(), none.bin(f64::NAN), none.bin(4.0)), (1, 1, 0));
    }

    #[test]
    fn bins_have_about_equal_counts_and_frequent_values_their_own() {
        let mut values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let bins = InputBins::fit(values.clone(), 17);
        assert_eq!(bins.len(), 17);
        let mut counts = [0; 17];
        for x in &values {
            counts[usize::from(bins.bin(*x))] += 1;
        }
        // The first bin contains zero alone.
        assert!(counts[1..].iter().all(|count| (620..=640).contains(count)), "{counts:?}");
        assert_eq!(counts[0], 1);
        values.extend(vec![5_000.0; 10_000]);
        let bins = InputBins::fit(values, 16);
        assert!(bins.len() <= 16);
        let own = bins.bin(5_000.0);
        assert!(bins.bin(4_999.0) < own && bins.bin(5_001.0) > own, "{bins:?}");
    }

    #[test]
    fn bins_divide_at_zero_and_count_the_bin_of_missing_values() {
        let values: Vec<f64> = (-300..900).map(|i| f64::from(i) + 0.5).collect();
        let bins = InputBins::fit(values.clone(), 9);
        assert_eq!((bins.bin(-0.5), bins.bin(0.5)), (1, 2));
        assert_eq!(bins.len(), 2 + 6);
        let with_missing = InputBins::fit([values, vec![f64::NAN]].concat(), 9);
        assert_eq!(with_missing.len(), 1 + 6);
        assert_eq!(InputBins::fit([-1.0, 0.0, 1.0].repeat(5), 2).len(), 2);
    }

    #[test]
    fn bins_of_neighbouring_numbers_have_a_threshold_between_them() {
        let (a, b) = (1.0_f64, 1.0 + f64::EPSILON);
        let bins = InputBins::fit([a, b].repeat(4), 63);
        assert_eq!((bins.bin(a), bins.bin(b)), (0, 1));
        let extreme = InputBins::fit([f64::MAX, -f64::MAX, f64::INFINITY].repeat(4), 63);
        assert_eq!([-f64::MAX, f64::MAX, f64::INFINITY].map(|x| extreme.bin(x)), [0, 1, 2]);
    }
}
