//! Probability of backtest overfitting, by combinatorially symmetric cross-validation (CSCV).
use serde::Serialize;

/// Probability that the best of several variants in one half of the time is below the median of
/// the variants in the other half.
///
/// Near 0.5 the choice of the best variant is worth nothing; near 0 the best variant stays one of
/// the better ones. It judges the choice, not the variants: all of them may lose.
///
/// **Formula** The periods are divided into S parts of equal length. For each of the C(S, S/2)
/// choices of half of the parts, the variant with the highest mean there (the first one on a tie)
/// is ranked by its mean in the other half among all N variants: ω = rank / (N + 1), with mean
/// ranks for ties. The probability is the share of the choices with ln(ω / (1 − ω)) ≤ 0.
///
/// **Source** Bailey, Borwein, López de Prado and Zhu 2015, with the mean instead of the Sharpe
/// ratio.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::OverfittingProbability;
///
/// // Returns of three variants; the first one is better all the time.
/// let variant = |edge: f64| (0..80).map(|t| edge + 0.01 * f64::from(t * 7 % 5)).collect();
/// let variants: Vec<Vec<f64>> = vec![variant(0.02), variant(0.01), variant(0.0)];
/// let overfitting = OverfittingProbability::new(&variants, 8).unwrap();
/// assert_eq!((overfitting.probability, overfitting.choices), (0.0, 70));
/// assert_eq!(OverfittingProbability::new(&variants, 7), None); // an odd number of parts
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OverfittingProbability {
    /// Share of the choices whose best variant is not above the median in the other half.
    pub probability: f64,
    /// Number of variants.
    pub variants: usize,
    /// Number of choices of half of the parts.
    pub choices: usize,
}

/// Sum of the values of a part, and their number.
pub(crate) type PartSum = (f64, f64);

/// Maximum number of parts: 20 have 184,756 choices.
const MAX_PARTS: usize = 20;

impl OverfittingProbability {
    /// Computes the probability from the values of each variant by period, such as returns, in
    /// order of time.
    ///
    /// `None` for fewer than two variants, for variants of different lengths, for values that are
    /// not finite, and unless `parts` is an even number from 2 to 20 and at most the number of
    /// periods.
    pub fn new(variants: &[Vec<f64>], parts: usize) -> Option<Self> {
        let periods = variants.first()?.len();
        let valid =
            |values: &Vec<f64>| values.len() == periods && values.iter().all(|v| v.is_finite());
        if parts == 0 || parts > periods || !variants.iter().all(valid) {
            return None;
        }
        let sums = variants.iter().map(|values| {
            let mut sums = vec![(0.0, 0.0); parts];
            for (index, value) in values.iter().enumerate() {
                let sum = &mut sums[index * parts / periods];
                *sum = (sum.0 + value, sum.1 + 1.0);
            }
            sums
        });
        Self::of_parts(&sums.collect::<Vec<_>>())
    }

    /// Computes the probability from the sums of each variant by part; every part of every variant
    /// has a value.
    pub(crate) fn of_parts(variants: &[Vec<PartSum>]) -> Option<Self> {
        let parts = variants.first()?.len();
        let valid = |sums: &Vec<PartSum>| sums.len() == parts && sums.iter().all(|sum| sum.1 > 0.0);
        let even = (2..=MAX_PARTS).contains(&parts) && parts.is_multiple_of(2);
        if variants.len() < 2 || !even || !variants.iter().all(valid) {
            return None;
        }
        let (mut choices, mut overfitted) = (0, 0);
        for choice in 0_u32..1 << parts {
            if choice.count_ones() as usize * 2 == parts {
                choices += 1;
                overfitted += usize::from(is_overfitted(variants, choice));
            }
        }
        let probability = overfitted as f64 / choices as f64;
        Some(Self { probability, variants: variants.len(), choices })
    }
}

/// Whether the best variant in the chosen parts is not above the median in the others.
fn is_overfitted(variants: &[Vec<PartSum>], choice: u32) -> bool {
    let inside: Vec<f64> = variants.iter().map(|sums| mean(sums, choice)).collect();
    let best = (1..inside.len()).fold(0, |best, k| if inside[k] > inside[best] { k } else { best });
    let outside: Vec<f64> = variants.iter().map(|sums| mean(sums, !choice)).collect();
    let own = outside[best];
    // Twice the mean rank among ties, from 2 to 2N.
    let below = outside.iter().filter(|other| **other < own).count();
    let equal = outside.iter().filter(|other| own.total_cmp(other).is_eq()).count();
    let twice_rank = 2 * below + equal + 1;
    twice_rank <= variants.len() + 1
}

/// Mean over the parts whose bit is set.
fn mean(sums: &[PartSum], parts: u32) -> f64 {
    let chosen = sums.iter().enumerate().filter(|(part, _)| (parts >> part) & 1 == 1);
    let (sum, count) = chosen.fold((0.0, 0.0), |all, (_, part)| (all.0 + part.0, all.1 + part.1));
    sum / count
}

#[cfg(test)]
mod tests {
    use windvane_lstm_core::{Purpose, Stream};

    use super::*;

    /// Returns of variants with an edge each and noise of standard deviation 1.
    fn variants(edges: &[f64], periods: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(seed, Purpose::Shuffle, 0, 0);
        let variant = |edge: &f64| (0..periods).map(|_| edge + stream.normal()).collect();
        edges.iter().map(variant).collect()
    }

    fn mean_probability(edges: &[f64]) -> f64 {
        let runs = (0..40).map(|seed| variants(edges, 400, seed));
        let each = runs.map(|run| OverfittingProbability::new(&run, 10).unwrap().probability);
        each.sum::<f64>() / 40.0
    }

    #[test]
    fn overfitting_of_equal_variants_is_a_half_and_of_a_better_one_is_small() {
        let equal = mean_probability(&[0.0; 10]);
        assert!((0.4..0.7).contains(&equal), "{equal}");
        let mut edges = [0.0; 10];
        edges[3] = 0.3;
        let better = mean_probability(&edges);
        assert!(better < 0.05, "{better}");
    }

    // Two parts, three variants: the best of the first part is the worst of the second, and back.
    #[test]
    fn overfitting_equals_a_calculation_by_hand() {
        let swapped = [vec![3.0, 1.0], vec![2.0, 2.0], vec![1.0, 3.0]];
        let all = OverfittingProbability::new(&swapped, 2).unwrap();
        assert_eq!((all.probability, all.variants, all.choices), (1.0, 3, 2));
        let steady = [vec![3.0, 3.0], vec![2.0, 2.0], vec![1.0, 1.0]];
        let steady = OverfittingProbability::new(&steady, 2).unwrap();
        assert_eq!((steady.probability, steady.choices), (0.0, 2));
    }

    #[test]
    fn overfitting_is_undefined_for_invalid_values() {
        let valid = variants(&[0.0, 0.1], 40, 1);
        assert!(OverfittingProbability::new(&valid, 20).is_some());
        for parts in [0, 1, 3, 22, 42] {
            assert_eq!(OverfittingProbability::new(&valid, parts), None, "{parts}");
        }
        assert_eq!(OverfittingProbability::new(&valid[..1], 4), None);
        assert_eq!(OverfittingProbability::new(&[], 4), None);
        let short = [valid[0].clone(), valid[1][1..].to_vec()];
        assert_eq!(OverfittingProbability::new(&short, 4), None);
        let nan = [valid[0].clone(), vec![f64::NAN; 40]];
        assert_eq!(OverfittingProbability::new(&nan, 4), None);
    }
}
