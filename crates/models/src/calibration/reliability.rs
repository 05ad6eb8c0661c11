//! Reliability of probabilities: reliability table, calibration error, Brier score, log loss.
use serde::Serialize;
use windvane_candles::Direction;
use windvane_signals::SampleSet;

use crate::{FittedModel, PredictError, Probabilities, SettingError, TableReader};

/// Reliability of predicted probabilities: accumulates predictions with their outcomes.
///
/// A case is correct if the most probable class (the first one for ties) is the outcome. Its
/// confidence is the probability of that class. Probabilities are those after
/// [`Calibration`](crate::Calibration); abstention has no effect.
///
/// **Formula** over n cases with the probabilities p and the outcome y; bin m of M contains the
/// confidences in ((m − 1)/M, m/M]:
///
/// ```text
/// log loss  = mean of −ln p_y, p floored at the machine epsilon of f64
/// Brier     = mean of Σ_k (p_k − [k = y])²                                     0 to 2
/// ECE       = Σ_m n_m/n · |accuracy_m − mean confidence_m|                     0 to 1
/// ```
///
/// A constant prediction of 1/3 for every class has a log loss of ln 3 = 1.0986 and a Brier score
/// of 0.6667. The ECE of a finite sample is above 0 even for perfect probabilities: about
/// 0.4 √(non-empty bins / n).
///
/// **Source** Brier 1950; Guo, Pleiss, Sun, Weinberger 2017 for ECE and the bins.
///
/// # Examples
/// ```
/// use windvane_models::{Probabilities, Reliability, candles::Direction};
///
/// let mut reliability = Reliability::default(); // 15 bins
/// let p = Probabilities::new([0.75, 0.25, 0.0]).unwrap();
/// for outcome in [Direction::Up, Direction::Up, Direction::Up, Direction::Down] {
///     reliability.add(&p, outcome);
/// }
/// assert!(reliability.calibration_error().unwrap() < 1e-6); // predicted 75 %, observed 75 %
/// assert_eq!(reliability.accuracy(), Some(0.75));
/// assert_eq!(Reliability::default().brier(), None); // undefined, not 0
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    bins: Vec<BinSums>,
    log_loss: f64,
    brier: f64,
}

/// Sums over the cases of one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct BinSums {
    cases: u64,
    confidence: f64,
    correct: u64,
}

/// Row of the reliability table: the cases of one confidence bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// Lower edge, exclusive.
    pub from: f64,
    /// Upper edge, inclusive.
    pub to: f64,
    /// Number of cases in the bin.
    pub cases: u64,
    /// Mean confidence of the cases; `None` without cases.
    pub confidence: Option<f64>,
    /// Share of correct cases; `None` without cases.
    pub accuracy: Option<f64>,
}

impl Default for Reliability {
    fn default() -> Self {
        Self::new(Self::BINS)
    }
}

impl Reliability {
    /// Default number of bins.
    pub const BINS: usize = 15;

    /// Creates an empty accumulator with `bins` bins of equal width from 0 to 1, at least one.
    pub fn new(bins: usize) -> Self {
        Self { bins: vec![BinSums::default(); bins.max(1)], log_loss: 0.0, brier: 0.0 }
    }

    /// Measures the reliability of a model on labelled windows, in 15 bins.
    ///
    /// Use windows after those of training and calibration; on those windows the result would be
    /// too optimistic. It starts no thread.
    ///
    /// # Errors
    /// The errors of [`predict`](crate::DirectionModel::predict).
    pub fn measure(model: &dyn FittedModel, samples: &SampleSet) -> Result<Self, PredictError> {
        let mut reader = TableReader::new(model, samples.tables());
        let mut reliability = Self::default();
        for sample in samples.samples() {
            let prediction = reader.predict_sample(sample)?;
            reliability.add(&prediction.probabilities, sample.label());
        }
        Ok(reliability)
    }

    /// Adds one case: the predicted probabilities and the outcome.
    pub fn add(&mut self, probabilities: &Probabilities, outcome: Direction) {
        self.count(probabilities.classes().map(f64::from), outcome);
    }

    /// Adds one case with probabilities of UP, DOWN, NEUTRAL in double precision.
    ///
    /// # Errors
    /// [`SettingError`] if a value is not from 0 to 1 or their sum is not within 1e-4 of 1. The
    /// case is then not added.
    pub fn add_classes(
        &mut self,
        classes: [f64; 3],
        outcome: Direction,
    ) -> Result<(), SettingError> {
        if let Some(&wrong) = classes.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return SettingError::refuse("every probability", "0 to 1", wrong);
        }
        let sum: f64 = classes.iter().sum();
        if (sum - 1.0).abs() > 1e-4 {
            return SettingError::refuse("the sum of the probabilities", "1", sum);
        }
        self.count(classes, outcome);
        Ok(())
    }

    fn count(&mut self, classes: [f64; 3], outcome: Direction) {
        let label = outcome.index();
        self.log_loss -= classes[label].max(f64::EPSILON).ln();
        for (class, p) in classes.iter().enumerate() {
            self.brier += (p - f64::from(u8::from(class == label))).powi(2);
        }
        let mut most_probable = 0;
        for class in 1..classes.len() {
            if classes[class] > classes[most_probable] {
                most_probable = class;
            }
        }
        let bin = self.bin(classes[most_probable]);
        let sums = &mut self.bins[bin];
        sums.cases += 1;
        sums.confidence += classes[most_probable];
        sums.correct += u64::from(most_probable == label);
    }

    /// Index of the first bin whose upper edge is not below the confidence.
    fn bin(&self, confidence: f64) -> usize {
        let bins = self.bins.len();
        (1..bins).take_while(|m| upper_edge(*m, bins) < confidence).count()
    }

    /// Number of cases.
    pub fn cases(&self) -> u64 {
        self.bins.iter().map(|bin| bin.cases).sum()
    }

    /// Share of the cases whose most probable class is the outcome; `None` without cases.
    pub fn accuracy(&self) -> Option<f64> {
        let correct: u64 = self.bins.iter().map(|bin| bin.correct).sum();
        self.mean(correct as f64)
    }

    /// Log loss: mean −ln p of the outcomes, nats; `None` without cases.
    pub fn log_loss(&self) -> Option<f64> {
        self.mean(self.log_loss)
    }

    /// Brier score of the three classes, 0 to 2; `None` without cases.
    pub fn brier(&self) -> Option<f64> {
        self.mean(self.brier)
    }

    /// Expected calibration error (ECE), a fraction; `None` without cases.
    pub fn calibration_error(&self) -> Option<f64> {
        let bins = self.bins.iter();
        self.mean(bins.map(|bin| (bin.correct as f64 - bin.confidence).abs()).sum())
    }

    /// Returns the reliability table, one row per bin.
    pub fn bins(&self) -> impl Iterator<Item = ReliabilityBin> + '_ {
        self.bins.iter().enumerate().map(|(m, bin)| ReliabilityBin {
            from: upper_edge(m, self.bins.len()),
            to: upper_edge(m + 1, self.bins.len()),
            cases: bin.cases,
            confidence: mean_of(bin.confidence, bin.cases),
            accuracy: mean_of(bin.correct as f64, bin.cases),
        })
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        mean_of(sum, self.cases())
    }
}

fn mean_of(sum: f64, cases: u64) -> Option<f64> {
    (cases > 0).then(|| sum / cases as f64)
}

/// Upper edge of bin `m` of `bins`, counted from 1.
fn upper_edge(m: usize, bins: usize) -> f64 {
    m as f64 / bins as f64
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};

    use super::*;

    #[test]
    fn reliability_puts_confidence_on_edge_into_lower_bin() {
        let ten = Reliability::new(10);
        for (confidence, expected) in
            [(0.3, 2), (0.300_001, 3), (0.7, 6), (0.700_000_1, 7), (1.0, 9), (0.0, 0)]
        {
            assert_eq!(ten.bin(confidence), expected, "{confidence}");
        }
        let fifteen = Reliability::default();
        assert_eq!((fifteen.bin(0.6), fifteen.bin(0.4)), (8, 5));
    }

    #[test]
    fn reliability_log_loss_of_zero_probability_is_finite() {
        let mut wrong = Reliability::default();
        wrong.add_classes([1.0, 0.0, 0.0], Down).unwrap();
        assert!((wrong.log_loss().unwrap() - 36.043_653).abs() < 1e-5);
        assert_eq!((wrong.brier(), wrong.calibration_error()), (Some(2.0), Some(1.0)));
    }

    #[test]
    fn reliability_without_valid_cases_is_undefined() {
        let mut empty = Reliability::default();
        for invalid in [[f64::NAN, 0.5, 0.5], [1.5, -0.5, 0.0], [0.2, 0.2, 0.2]] {
            assert!(empty.add_classes(invalid, Up).is_err(), "{invalid:?}");
        }
        assert_eq!(empty, Reliability::default());
        assert_eq!((empty.log_loss(), empty.accuracy()), (None, None));
        assert!(empty.bins().all(|bin| bin.cases == 0 && bin.accuracy.is_none()));
    }

    #[test]
    fn reliability_table_contains_every_case_once() {
        let mut reliability = Reliability::new(5);
        for k in 0..=20 {
            let p = f64::from(k) / 20.0;
            reliability
                .add_classes([p, 1.0 - p, 0.0], if k % 3 == 0 { Neutral } else { Up })
                .unwrap();
        }
        let rows: Vec<ReliabilityBin> = reliability.bins().collect();
        assert_eq!(rows.iter().map(|row| row.cases).sum::<u64>(), 21);
        for row in rows {
            assert!(row.confidence.is_none_or(|mean| row.from < mean && mean <= row.to), "{row:?}");
        }
    }
}
