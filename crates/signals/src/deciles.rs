//! Bins between deciles, and the population stability index over them.

/// The bins between the deciles of earlier values, and how many of those fell into each.
///
/// **Formula** of [`psi`](Self::psi) with p and q the shares of earlier and later values in each
/// of the K bins: `Σ (q − p) ln(q / p)`, with p, q = (count + 1/2) / (all + K/2), so that no bin
/// is empty. **Source** Siddiqi 2006.
///
/// # Examples
/// ```
/// use windvane_signals::Deciles;
/// let earlier: Vec<f64> = (0..100).map(f64::from).collect();
/// let deciles = Deciles::of(&earlier).unwrap();
/// assert_eq!((deciles.bins(), deciles.bin(9.5), deciles.bin(10.0)), (10, 0, 1));
/// assert!(deciles.psi(&[10; 10]) < 1e-12);
/// assert!(deciles.psi(&[100, 0, 0, 0, 0, 0, 0, 0, 0, 0]) > 1.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "StoredDeciles", into = "StoredDeciles"))]
pub struct Deciles {
    /// Bins end before these, which rise strictly.
    cuts: Vec<f64>,
    counts: Vec<u64>,
}

/// Deciles as they are stored; they may hold anything.
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
        let (setting, expected) = ("cuts of deciles", "at most 9, finite and rising, one per bin");
        Err(Self::Error::Setting { setting, expected, got: cuts.len() as f64 })
    }
}

impl Deciles {
    /// The deciles of sorted values; `None` where those do not vary or there are none.
    pub fn of(sorted: &[f64]) -> Option<Self> {
        if sorted.first() == sorted.last() {
            return None;
        }
        let mut cuts: Vec<f64> = (1..10).map(|tenth| sorted[sorted.len() * tenth / 10]).collect();
        // Equal ones would make a bin that nothing can fall into.
        cuts.dedup();
        let mut deciles = Self { counts: vec![0; cuts.len() + 1], cuts };
        deciles.counts = deciles.count(sorted);
        Some(deciles)
    }

    /// Number of bins, at most 10.
    pub fn bins(&self) -> usize {
        self.counts.len()
    }

    /// The bin that a value falls into.
    pub fn bin(&self, value: f64) -> usize {
        self.cuts.partition_point(|cut| *cut <= value)
    }

    /// Number of values in each bin.
    pub(crate) fn count(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.bins()];
        for value in values {
            counts[self.bin(*value)] += 1;
        }
        counts
    }

    /// Population stability index of later values, of which that many fell into each bin.
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
