//! Deciles and the population stability index.

/// Histogram of reference values with bins between their deciles.
///
/// **Formula** of [`psi`](Self::psi), with p and q the shares of the reference values and the later
/// values in each of the K bins: `Σ (q − p) ln(q / p)`, p, q = (count + 1/2) / (all + K/2), so that
/// no share is 0. **Source** Siddiqi 2006.
///
/// # Examples
/// ```
/// use windvane_signals::Deciles;
/// let earlier: Vec<f64> = (0..100).map(f64::from).collect();
/// let deciles = Deciles::from_sorted(&earlier).unwrap();
/// assert_eq!((deciles.bins(), deciles.bin(9.5), deciles.bin(10.0)), (10, 0, 1));
/// assert!(deciles.psi(&[10; 10]) < 1e-12);
/// assert!(deciles.psi(&[100, 0, 0, 0, 0, 0, 0, 0, 0, 0]) > 1.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "StoredDeciles", into = "StoredDeciles"))]
pub struct Deciles {
    /// Upper bounds of the bins (excluded), strictly rising.
    cuts: Vec<f64>,
    counts: Vec<u64>,
}

/// Serialised deciles, not validated.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDeciles {
    cuts: Vec<f64>,
    counts: Vec<u64>,
}

#[cfg(feature = "serde")]
impl From<Deciles> for StoredDeciles {
    fn from(Deciles { cuts, counts }: Deciles) -> Self {
        Self { cuts, counts }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<StoredDeciles> for Deciles {
    type Error = crate::SignalError;

    fn try_from(StoredDeciles { cuts, counts }: StoredDeciles) -> Result<Self, Self::Error> {
        let rising = cuts.is_sorted_by(|a, b| a < b) && cuts.iter().all(|cut| cut.is_finite());
        if rising && cuts.len() < 10 && counts.len() == cuts.len() + 1 {
            return Ok(Self { cuts, counts });
        }
        let (setting, expected) = (
            "number of decile bounds",
            "at most 9, with finite rising values and one more count than bounds",
        );
        Err(Self::Error::Setting { setting, expected, got: cuts.len() as f64 })
    }
}

impl Deciles {
    /// Computes the deciles of sorted values; `None` if the values are all equal or there are none.
    pub fn from_sorted(sorted: &[f64]) -> Option<Self> {
        if sorted.first() == sorted.last() {
            return None;
        }
        let mut cuts: Vec<f64> = (1..10).map(|tenth| sorted[sorted.len() * tenth / 10]).collect();
        // Equal bounds would create a bin that is always empty.
        cuts.dedup();
        let mut deciles = Self { counts: vec![0; cuts.len() + 1], cuts };
        deciles.counts = deciles.count(sorted);
        Some(deciles)
    }

    /// Returns the number of bins, at most 10.
    pub fn bins(&self) -> usize {
        self.counts.len()
    }

    /// Returns the index of the bin that contains a value.
    pub fn bin(&self, value: f64) -> usize {
        self.cuts.partition_point(|cut| *cut <= value)
    }

    /// Counts the values in each bin.
    pub(crate) fn count(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.bins()];
        for value in values {
            counts[self.bin(*value)] += 1;
        }
        counts
    }

    /// Computes the population stability index of later values from their count in each bin.
    pub fn psi(&self, later: &[u64]) -> f64 {
        let half = self.bins() as f64 / 2.0;
        let (before, after) = (total(&self.counts) + half, total(later) + half);
        let bins = self.counts.iter().zip(later);
        bins.map(|(earlier, later)| {
            let (p, q) = ((*earlier as f64 + 0.5) / before, (*later as f64 + 0.5) / after);
            (q - p) * (q / p).ln()
        })
        .sum()
    }
}

fn total(counts: &[u64]) -> f64 {
    counts.iter().map(|count| *count as f64).sum()
}

/// Quartile 1, 2 (the median) or 3 of sorted values, without interpolation.
pub(crate) fn quartile(sorted: &[f64], quarter: usize) -> f64 {
    sorted[(sorted.len() - 1) * quarter / 4]
}

/// Largest spread of numbers, as a fraction of their size, that rounding alone explains.
const ROUNDING: f64 = 1e-12;
/// Smallest size of the numbers that a value comes from: channels are differences of ratios near 1,
/// such as close / average − 1, so a spread below 1e-15 is that of the ratios' last bits.
const MIN_SIZE: f64 = 1e-3;

/// The spread of values between two ends, or 0 if it is only their rounding.
pub(crate) fn without_rounding(spread: f64, ends: [f64; 2]) -> f64 {
    let size = ends.iter().fold(MIN_SIZE, |size, end| size.max(end.abs()));
    if spread > ROUNDING * size { spread } else { 0.0 }
}
