//! Several tests at once.

/// p-values corrected for being several, in their order: whoever takes those below α has at most
/// the chance α of a single false one among them.
///
/// **Formula** sorted upwards, the i-th of m (from 0) becomes the greatest of `(m − j) p_j` over
/// j ≤ i, at most 1. It needs no independence. `None` when one is no probability.
/// **Source** Holm 1979.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::holm;
/// assert_eq!(holm(&[0.25, 0.0625, 0.5]), Some(vec![0.5, 0.1875, 0.5]));
/// assert_eq!(holm(&[f64::NAN]), None);
/// ```
pub fn holm(p_values: &[f64]) -> Option<Vec<f64>> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut greatest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        greatest = greatest.max((p_values.len() - rank) as f64 * p_values[index]).min(1.0);
        corrected[index] = greatest;
    }
    Some(corrected)
}
