//! Length of the blocks of a bootstrap, chosen from the dependence of the values.

/// Minimum number of blocks to which persistent values lengthen them.
const MIN_BLOCKS: usize = 5;

/// Autocorrelations below this many standard errors are 0 in the rule of Politis and White.
const NEGLIGIBLE: f64 = 2.0;

/// Autocorrelation of neighbouring blocks from which they are too short, in standard errors.
const CORRELATED: f64 = 0.5;

/// Lengthens blocks of `length` values so that they are nearly independent. `series` has the
/// deviation of each value from its mean, in order of time.
///
/// **Formula** the longer of `length` and the optimal length of Politis and White, `block_length`
/// below; then doubled while the sums of neighbouring blocks have an autocorrelation above
/// `0.5 / √B − 1 / B`, B being the number of blocks (−1/B is its mean for independent blocks). The
/// doubling finds dependence that is too weak at each lag and too long for the first rule, such as
/// regimes. At least 5 blocks remain: with fewer the quantiles of Student's t are too wide to say
/// anything, and the coverage in regimes hardly grows.
pub(super) fn lengthened(length: usize, series: &[f64]) -> usize {
    let most = (series.len() / MIN_BLOCKS).max(length);
    let mut length = length.max(block_length(series)).min(most);
    while 2 * length <= most && are_correlated(series, length) {
        length *= 2;
    }
    length
}

/// Optimal block length for the mean of a series; 1 for values without positive dependence.
///
/// **Formula** with R(k) the autocovariance, m the smallest lag after which max(5, √log₁₀ n)
/// autocorrelations are below 2 √(log₁₀ n / n), M = 2m and λ the flat-top window (1 up to M/2, then
/// falling to 0 at M):
///
/// ```text
/// g = Σ λ(k/M) R(k)      G = Σ λ(k/M) |k| R(k)      over |k| ≤ M
/// b = (2 G² / (4/3 g²))^(1/3) n^(1/3)               at most 3 √n and n / 3
/// ```
///
/// **Source** Politis and White 2004, with the correction of Patton, Politis and White 2009.
fn block_length(series: &[f64]) -> usize {
    let n = series.len() as f64;
    let variance = autocovariance(series, 0);
    if series.len() < 8 || variance.is_nan() || variance <= 0.0 {
        return 1;
    }
    let lags = 2 * negligible_from(series, variance);
    let (mut long_run, mut weighted) = (variance, 0.0);
    for lag in 1..=lags.min(series.len() - 1) {
        let window = (2.0 * (1.0 - lag as f64 / lags as f64)).min(1.0);
        let covariance = 2.0 * window * autocovariance(series, lag);
        long_run += covariance;
        weighted += lag as f64 * covariance;
    }
    // Negative dependence makes intervals too wide, not too narrow.
    if long_run <= variance {
        return 1;
    }
    let ratio = weighted / long_run;
    let length = (1.5 * ratio * ratio * n).cbrt().min(3.0 * n.sqrt()).min(n / 3.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number below that of the values"
    )]
    let length = length.ceil() as usize;
    length
}

/// Smallest lag after which several autocorrelations in a row are negligible, at most √n.
fn negligible_from(series: &[f64], variance: f64) -> usize {
    let n = series.len() as f64;
    let limit = NEGLIGIBLE * (n.log10() / n).sqrt() * variance;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "roots of a length"
    )]
    let [in_a_row, most] = [n.log10().sqrt().max(5.0), n.sqrt()].map(|root| root.ceil() as usize);
    let mut last = 0;
    for lag in 1..=most + in_a_row {
        if lag - last > in_a_row {
            break;
        }
        if autocovariance(series, lag).abs() >= limit {
            last = lag;
        }
    }
    last.min(most)
}

/// Whether the sums of neighbouring blocks are positively correlated.
fn are_correlated(series: &[f64], length: usize) -> bool {
    let count = series.len() / length;
    let mut sums = vec![0.0; count];
    for (index, value) in series.iter().enumerate() {
        sums[index * count / series.len()] += value;
    }
    let (variance, blocks) = (autocovariance(&sums, 0), count as f64);
    let limit = CORRELATED / blocks.sqrt() - 1.0 / blocks;
    variance > 0.0 && autocovariance(&sums, 1) > limit * variance
}

/// Mean product of deviations at a lag, divided by the number of values; 0 beyond the last lag.
fn autocovariance(series: &[f64], lag: usize) -> f64 {
    let later = series.get(lag..).unwrap_or_default();
    later.iter().zip(series).map(|(now, then)| now * then).sum::<f64>() / series.len() as f64
}

#[cfg(test)]
mod tests {
    use windvane_lstm_core::{Purpose, Stream};

    use super::*;

    /// Deviations of an autoregressive series from its mean.
    fn autoregressive(n: usize, phi: f64, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, Purpose::Shuffle, 0, 0);
        let mut level = 0.0;
        let values: Vec<f64> = (0..n)
            .map(|_| {
                level = phi * level + stream.normal();
                level
            })
            .collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        values.iter().map(|value| value - mean).collect()
    }

    // (2 (2φ/(1−φ²))² / (4/3))^(1/3) n^(1/3) of the true autocovariances: 34.2 for 0.5, 126 for 0.9.
    #[test]
    fn block_length_is_near_the_optimum_of_autoregressive_series() {
        for (phi, optimum) in [(0.5, 34.2), (0.9, 126.0)] {
            let lengths = (0..9).map(|seed| block_length(&autoregressive(15_000, phi, seed)));
            let mut lengths: Vec<usize> = lengths.collect();
            lengths.sort_unstable();
            let ratio = lengths[4] as f64 / optimum;
            assert!((0.6..1.6).contains(&ratio), "{phi}: {lengths:?}");
        }
    }

    #[test]
    fn block_length_without_positive_dependence_is_one() {
        let alternating: Vec<f64> = (0..500).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(block_length(&alternating), 1);
        assert_eq!(block_length(&autoregressive(500, -0.6, 1)), 1);
        assert_eq!([block_length(&[]), block_length(&[0.0; 90])], [1, 1]);
        assert_eq!(lengthened(20, &alternating), 20);
        assert_eq!(lengthened(3, &[0.0; 60]), 3);
    }

    #[test]
    fn persistent_values_lengthen_blocks_up_to_the_bound() {
        // Two halves of opposite sign.
        let halves: Vec<f64> = (0..2_000).map(|t| if t < 1_000 { 1.0 } else { -1.0 }).collect();
        let length = lengthened(20, &halves);
        assert!((201..=400).contains(&length), "{length}");
        assert!(lengthened(20, &autoregressive(2_000, 0.95, 3)) > 60);
        let independent = (0..20).map(|seed| lengthened(20, &autoregressive(2_000, 0.0, seed)));
        assert!(independent.filter(|length| *length == 20).count() > 8);
    }
}
