//! Holm–Bonferroni correction for several tests.

/// Holm–Bonferroni adjusted p-values, in input order (controls the family-wise error rate).
///
/// If all tests with an adjusted p-value below α are declared significant, the probability of
/// one or more false positives is at most α. The tests need not be independent. `None` if an input
/// is not a probability.
///
/// **Formula** of the m p-values in ascending order, `p_i` (i from 0) becomes the maximum of
/// `(m − j) p_j` over j ≤ i, at most 1. **Source** Holm 1979.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::holm;
/// assert_eq!(holm(&[0.25, 0.0625, 0.5]), Some(vec![0.5, 0.1875, 0.5]));
/// assert_eq!(holm(&[f64::NAN]), None);
/// ```
pub fn holm(p_values: &[f64]) -> Option<Vec<f64>> {
    holm_with(p_values, 0)
}

/// Adjusts p-values for a number of further tests whose p-values are unknown and count as 1: no
/// other value makes the adjusted ones larger.
pub(crate) fn holm_with(p_values: &[f64], unknown: usize) -> Option<Vec<f64>> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut maximum = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let remaining = (p_values.len() - rank).saturating_add(unknown);
        maximum = maximum.max(remaining as f64 * p_values[index]).min(1.0);
        adjusted[index] = maximum;
    }
    Some(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_p_values_count_as_one() {
        let known = [0.001, 0.02, 0.000_5];
        let all = [&known[..], &[1.0; 40]].concat();
        assert_eq!(holm_with(&known, 40).unwrap(), holm(&all).unwrap()[..3]);
        assert_eq!(holm_with(&[1e-9], usize::MAX), Some(vec![1.0]));
        assert_eq!(holm_with(&[f64::NAN], 1), None);
    }
}
