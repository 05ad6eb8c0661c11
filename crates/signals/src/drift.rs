//! Drift of channels between two sets of samples.
use crate::deciles::{quartile, without_rounding};
use crate::{Deciles, SampleSet, SignalError};

/// Drift of a channel: difference of its distribution between earlier and later samples.
///
/// **Formula** with p and q the shares of earlier and later values in each of the K bins between
/// the earlier values' deciles:
///
/// ```text
/// psi       = Σ (q − p) ln(q / p)        p, q = (count + 1/2) / (all + K/2): no share is 0
/// by_chance = (K − 1) (1/n + 1/m)        for n earlier and m later values
/// shift     = (median later − median earlier) / (third − first quartile of the earlier values)
/// ```
///
/// psi is the population stability index: 0 if the distributions are equal. As a rule of thumb,
/// below 0.1 the drift is small, above 0.25 it is large. With few values psi is large even without
/// drift: for independent values its mean is `by_chance`; for neighbouring candles, which are
/// correlated, it is several times larger.
///
/// **Source** Siddiqi 2006; the sum is Jeffreys' divergence (1946); `by_chance`: Yurdakul 2018.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChannelDrift {
    /// Channel with its parameters.
    pub channel: String,
    /// Median of the earlier values, in the channel's units.
    pub earlier: f64,
    /// Median of the later values.
    pub later: f64,
    /// Population stability index, at least 0; `None` if the earlier values are all equal.
    pub psi: Option<f64>,
    /// Mean psi of the same number of independent values without drift; `None` as for `psi`.
    pub by_chance: Option<f64>,
    /// Change of the median, in units of the earlier interquartile range; `None` if that is 0.
    pub shift: Option<f64>,
}

impl ChannelDrift {
    /// Compares the last rows of the windows of two sets, channel by channel. The sets may have
    /// different tables, but must have the same channels.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if a set is empty, [`SignalError::TableMismatch`] if their
    /// channels differ, [`SignalError::File`] if tables are in a file that cannot be read.
    pub fn between(earlier: &SampleSet, later: &SampleSet) -> Result<Vec<Self>, SignalError> {
        let names = names(earlier)?;
        if names != self::names(later)? {
            let (expected, got) = (names.join(", "), self::names(later)?.join(", "));
            return Err(SignalError::TableMismatch { index: 0, what: "channels", expected, got });
        }
        let mut channels = Vec::with_capacity(names.len());
        for (channel, name) in names.into_iter().enumerate() {
            channels.push(compare(name, &sorted(earlier, channel)?, &sorted(later, channel)?));
        }
        Ok(channels)
    }
}

/// Compares the sorted values of one channel.
fn compare(channel: String, before: &[f64], after: &[f64]) -> ChannelDrift {
    let [first, third] = [quartile(before, 1), quartile(before, 3)];
    let spread = without_rounding(third - first, [first, third]);
    let (earlier, later) = (quartile(before, 2), quartile(after, 2));
    let (psi, by_chance) = stability(before, after).unzip();
    let shift = (spread > 0.0).then(|| (later - earlier) / spread);
    ChannelDrift { channel, earlier, later, psi, by_chance, shift }
}

fn names(samples: &SampleSet) -> Result<Vec<String>, SignalError> {
    let table = samples.tables().first().filter(|_| !samples.is_empty());
    let hint = "choose two periods that both contain samples";
    let table = table.ok_or(SignalError::EmptyPart { part: "the comparison", hint })?;
    Ok(table.spec().channels.iter().map(ToString::to_string).collect())
}

/// Sorted values of a channel in the last rows of the windows.
fn sorted(samples: &SampleSet, channel: usize) -> Result<Vec<f64>, SignalError> {
    let mut values = Vec::with_capacity(samples.len());
    let mut reader = samples.reader();
    for sample in samples.samples() {
        let row = reader.row(sample.table(), sample.row())?;
        values.extend(row.map(|row| row[channel]));
    }
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

/// Population stability index of sorted values, and its mean without drift; `None` if the earlier
/// values are all equal.
fn stability(earlier: &[f64], later: &[f64]) -> Option<(f64, f64)> {
    let deciles = Deciles::from_sorted(earlier)?;
    let bins = deciles.bins() as f64;
    let psi = deciles.psi(&deciles.count(later));
    let by_chance = (bins - 1.0) * (1.0 / earlier.len() as f64 + 1.0 / later.len() as f64);
    Some((psi, by_chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(from: f64, count: usize) -> Vec<f64> {
        (0..count).map(|i| from + i as f64 / count as f64).collect()
    }

    fn psi(earlier: &[f64], later: &[f64]) -> f64 {
        stability(earlier, later).unwrap().0
    }

    #[test]
    fn drift_psi_of_ten_even_bins_equals_formula() {
        // 100 earlier values, ten per bin; all later values are in the last bin.
        let (earlier, later) = (ramp(0.0, 100), vec![0.95; 45]);
        let (p, most, least) = (10.5 / 105.0, 45.5 / 50.0, 0.5 / 50.0);
        let term = |q: f64| (q - p) * f64::ln(q / p);
        let expected = term(most) + 9.0 * term(least);
        let got = psi(&earlier, &later);
        assert!((got - expected).abs() < 1e-12, "{got} {expected}");
    }

    #[test]
    fn drift_psi_is_zero_for_equal_values_and_grows_with_shift() {
        let earlier = ramp(0.0, 1_000);
        assert!(psi(&earlier, &earlier).abs() < 1e-12);
        let moved = [0.0, 0.1, 0.3, 0.9].map(|by| psi(&earlier, &ramp(by, 400)));
        assert!(moved.is_sorted() && moved[0] < 0.001 && moved[3] > 1.0, "{moved:?}");
    }

    #[test]
    fn drift_psi_of_ties_and_constants_is_finite() {
        let mostly_zero: Vec<f64> = [vec![0.0; 95], ramp(1.0, 5)].concat();
        let tied = psi(&mostly_zero, &mostly_zero[..50]);
        assert!(tied.is_finite() && tied < 0.1, "{tied}");
        assert_eq!(stability(&[2.0; 9], &[3.0; 9]), None);
        assert!(psi(&[1.0, 2.0], &[5.0]).is_finite());
    }

    #[test]
    fn drift_mean_psi_of_independent_values_equals_by_chance() {
        // Linear congruential generator: uniform, independent values.
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64
        };
        let mut sorted = |count: usize| {
            let mut values: Vec<f64> = (0..count).map(|_| draw()).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let rounds = 400;
        let (mut mean, mut expected) = (0.0, 0.0);
        for _ in 0..rounds {
            let (psi, by_chance) = stability(&sorted(2_000), &sorted(300)).unwrap();
            mean += psi / f64::from(rounds);
            expected = by_chance;
        }
        assert!((mean / expected - 1.0).abs() < 0.1, "{mean} {expected}");
    }
}
