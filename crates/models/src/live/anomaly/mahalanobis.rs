//! Mahalanobis distance from training rows, with a shrunk covariance.
use serde::{Deserialize, Serialize};

use super::FitRows;
use crate::SettingError;

/// Smallest standard deviation of a column, so that a column that was constant in training has a
/// finite weight. The columns are scaled values and logarithms.
const MIN_DEVIATION: f64 = 0.1;

/// Mahalanobis distance of a row from the mean of the training rows.
///
/// **Formula** `‖L⁻¹ z‖` with z the standardised row and `L Lᵀ = (1 − δ) R + δ I` the Cholesky
/// decomposition of the training rows' correlation R, shrunk by δ. **Source** Mahalanobis 1936; δ:
/// Ledoit and Wolf 2004.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mahalanobis {
    mean: Vec<f64>,
    /// `L⁻¹ / deviation`, the lower triangle row by row.
    whitening: Vec<f64>,
}

impl Mahalanobis {
    /// Fits mean and covariance of rows.
    pub(super) fn fit(rows: &FitRows<'_>) -> Self {
        let (n, width) = (rows.count as f64, rows.width);
        let mut mean = vec![0.0; width];
        rows.each(|row| mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n));
        let mut deviation = vec![0.0; width];
        rows.each(|row| {
            for column in 0..width {
                deviation[column] += (row[column] - mean[column]).powi(2) / n;
            }
        });
        for variance in &mut deviation {
            *variance = variance.sqrt().max(MIN_DEVIATION);
        }
        let covariance = shrunk_covariance(rows, &mean, &deviation);
        let inverse = inverse_factor(&covariance, width);
        let mut whitening = Vec::with_capacity(width * (width + 1) / 2);
        for i in 0..width {
            whitening.extend((0..=i).map(|j| inverse[i * width + j] / deviation[j]));
        }
        Self { mean, whitening }
    }

    /// Returns the distance of a row from the mean of the training rows.
    pub(super) fn distance(&self, row: &[f64]) -> f64 {
        let (mut squares, mut start) = (0.0, 0);
        for i in 0..self.mean.len() {
            let weights = &self.whitening[start..=start + i];
            let terms = weights.iter().zip(row).zip(&self.mean);
            let y: f64 = terms.map(|((weight, x), mean)| weight * (x - mean)).sum();
            (squares, start) = (squares + y * y, start + i + 1);
        }
        squares.sqrt()
    }

    /// Checks the shape and the numbers of a loaded distance.
    pub(super) fn validate(&self, width: usize) -> Result<(), SettingError> {
        let (means, weights) = (self.mean.len(), self.whitening.len());
        if means != width || weights != width * (width + 1) / 2 {
            let setting = "weights of a Mahalanobis distance";
            SettingError::refuse::<()>(setting, "one triangle of its columns", weights as f64)?;
        }
        let mut numbers = self.mean.iter().chain(&self.whitening);
        match numbers.find(|number| !number.is_finite()) {
            Some(&wrong) => {
                SettingError::refuse("every number of a Mahalanobis distance", "finite", wrong)
            }
            None => Ok(()),
        }
    }
}

/// Covariance of the standardised rows, shrunk towards the identity times its mean variance.
fn shrunk_covariance(rows: &FitRows<'_>, mean: &[f64], deviation: &[f64]) -> Vec<f64> {
    let (n, width) = (rows.count as f64, mean.len());
    let mut z = vec![0.0; width];
    let (mut covariance, mut fourth) = (vec![0.0; width * width], 0.0);
    rows.each(|row| {
        for column in 0..width {
            z[column] = (row[column] - mean[column]) / deviation[column];
        }
        for i in 0..width {
            for j in 0..width {
                covariance[i * width + j] += z[i] * z[j] / n;
            }
        }
        fourth += z.iter().map(|z| z * z).sum::<f64>().powi(2) / n;
    });
    let squares: f64 = covariance.iter().map(|x| x * x).sum();
    let trace: f64 = (0..width).map(|i| covariance[i * (width + 1)]).sum();
    let level = trace / width as f64;
    // ‖S − level I‖² and the mean of ‖z zᵀ − S‖² / n.
    let spread = squares - trace * level;
    let error = ((fourth - squares) / n).max(0.0);
    let shrinkage = if spread > error { error / spread } else { 1.0 };
    for x in &mut covariance {
        *x *= 1.0 - shrinkage;
    }
    for i in 0..width {
        covariance[i * (width + 1)] += shrinkage * level;
    }
    covariance
}

/// Inverse of the Cholesky factor of a covariance whose variances are at most 1.
fn inverse_factor(covariance: &[f64], n: usize) -> Vec<f64> {
    let (mut l, mut inverse) = (vec![0.0; n * n], vec![0.0; n * n]);
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = covariance[i * n + j] - sum;
            // A column that is constant or a combination of others would divide by 0.
            l[i * n + j] = if i == j { rest.max(1e-3).sqrt() } else { rest / l[j * n + j] };
        }
    }
    for i in 0..n {
        for j in 0..=i {
            let unit = if i == j { 1.0 } else { 0.0 };
            let sum: f64 = (j..i).map(|k| l[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = (unit - sum) / l[i * n + i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::super::tests::fit_rows;
    use super::*;

    #[test]
    fn mahalanobis_equals_inverse_covariance_of_two_columns() {
        // Two columns with the correlation 0.6, as the corners of a rotated square.
        let (a, b) = (1.6_f64.sqrt(), 0.4_f64.sqrt());
        let corners = [[a, b], [-a, -b], [a, -b], [-a, b]];
        let turned = |[x, y]: [f64; 2]| [3.0 + (x + y) / 2.0_f64.sqrt(), (x - y) / 2.0_f64.sqrt()];
        let rows: Vec<f64> = (0..40_000).flat_map(|k| turned(corners[k % 4])).collect();
        let fitted = fit_rows(&rows, 2, Mahalanobis::fit);
        let [x, y] = [1.5, -0.5];
        // Inverse of [[1, 0.6], [0.6, 1]], which the shrinkage changes by about 1e-5.
        let expected = ((x * x - 1.2 * x * y + y * y) / 0.64_f64).sqrt();
        let got = fitted.distance(&[3.0 + x, y]);
        assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        assert!(fitted.distance(&[3.0, 0.0]) < 1e-9);
    }

    #[test]
    fn mahalanobis_of_constant_and_repeated_columns_is_finite() {
        let rows: Vec<f64> =
            (0..100).flat_map(|k| [f64::from(k % 7), 4.0, f64::from(k % 7)]).collect();
        let fitted = fit_rows(&rows, 3, Mahalanobis::fit);
        assert!(fitted.validate(3).is_ok() && fitted.validate(2).is_err());
        assert!(fitted.distance(&rows[..3]) < 3.0);
        // Away from the constant by ten minimum deviations.
        let away = fitted.distance(&[3.0, 5.0, 3.0]);
        assert!(away.is_finite() && away > 9.0, "{away}");
    }
}
