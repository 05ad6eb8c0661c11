//! Whether probabilities mean what they say: reliability table, calibration error, Brier, log loss.
use serde::Serialize;
use windvane_candles::Direction;
use windvane_signals::SampleSet;

use crate::{FittedModel, PredictError, Probabilities, SettingError, TableReader};

/// Predictions beside what came of them, gathered one by one.
///
/// A case counts as right when the most probable class, the first on ties, is what happened; its
/// confidence is that class' probability. Probabilities after
/// [`Calibration`](crate::Calibration) count, whether or not the model abstained from a call.
///
/// **Formula** over n cases, p the probabilities, y what happened, bin m of M holding the
/// confidences in ((m − 1)/M, m/M]:
///
/// ```text
/// log loss  = mean of −ln p_y, p floored at the machine epsilon of f64
/// Brier     = mean of Σ_k (p_k − [k = y])²                                     0 to 2
/// ECE       = Σ_m n_m/n · |accuracy_m − mean confidence_m|                     0 to 1
/// ```
///
/// Saying 1/3 to everything has a log loss of ln 3 = 1.0986 and a Brier score of 0.6667. ECE is
/// never 0 for a sample: perfect probabilities have about 0.4 √(bins in use / n).
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
/// assert!(reliability.calibration_error().unwrap() < 1e-6); // 75 % it said, 75 % it was
/// assert_eq!(reliability.accuracy(), Some(0.75));
/// assert_eq!(Reliability::default().brier(), None); // undefined, not 0
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    bins: Vec<Tally>,
    log_loss: f64,
    brier: f64,
}

/// Cases of similar confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    cases: u64,
    confidence: f64,
    hits: u64,
}

/// A row of the reliability table: cases of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// Lower edge; a confidence on it is in the bin below.
    pub from: f64,
    /// Upper edge, included.
    pub to: f64,
    /// Number of cases in the bin.
    pub cases: u64,
    /// Their mean confidence; `None` without any.
    pub confidence: Option<f64>,
    /// Share of them that came true; `None` without any.
    pub accuracy: Option<f64>,
}

impl Default for Reliability {
    fn default() -> Self {
        Self::new(Self::BINS)
    }
}

impl Reliability {
    /// Bins by default.
    pub const BINS: usize = 15;

    /// Nothing yet, with so many bins from 0 to 1; at least one.
    pub fn new(bins: usize) -> Self {
        Self { bins: vec![Tally::default(); bins.max(1)], log_loss: 0.0, brier: 0.0 }
    }

    /// The reliability of a model on windows with labels, in 15 bins.
    ///
    /// It belongs on windows the model has not been fitted on, nor calibrated: on others it
    /// flatters. No thread is started.
    ///
    /// # Errors
    /// What predicting finds wrong.
    pub fn of_model(model: &dyn FittedModel, samples: &SampleSet) -> Result<Self, PredictError> {
        let mut reader = TableReader::new(model, samples.tables());
        let mut reliability = Self::default();
        for sample in samples.samples() {
            let prediction = reader.predict_sample(sample)?;
            reliability.add(&prediction.probabilities, sample.label);
        }
        Ok(reliability)
    }

    /// One case: what was said, and the class that it came to.
    pub fn add(&mut self, probabilities: &Probabilities, outcome: Direction) {
        self.count(probabilities.classes().map(f64::from), outcome);
    }

    /// One case in double precision: UP, DOWN, NEUTRAL.
    ///
    /// # Errors
    /// [`SettingError`] when one is no number from 0 to 1, or they do not sum to 1 within
    /// 1e-4; nothing is counted then.
    pub fn add_classes(
        &mut self,
        classes: [f64; 3],
        outcome: Direction,
    ) -> Result<(), SettingError> {
        if let Some(&wrong) = classes.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return SettingError::refuse("a probability", "0 to 1", wrong);
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
        let mut likeliest = 0;
        for class in 1..classes.len() {
            if classes[class] > classes[likeliest] {
                likeliest = class;
            }
        }
        let bin = self.bin(classes[likeliest]);
        let tally = &mut self.bins[bin];
        tally.cases += 1;
        tally.confidence += classes[likeliest];
        tally.hits += u64::from(likeliest == label);
    }

    /// The bin whose upper edge is the first that is not below the confidence.
    fn bin(&self, confidence: f64) -> usize {
        let bins = self.bins.len();
        (1..bins).take_while(|m| edge(*m, bins) < confidence).count()
    }

    /// Number of cases.
    pub fn cases(&self) -> u64 {
        self.bins.iter().map(|tally| tally.cases).sum()
    }

    /// Share of cases whose most probable class came true; `None` without any.
    pub fn accuracy(&self) -> Option<f64> {
        let hits: u64 = self.bins.iter().map(|tally| tally.hits).sum();
        self.mean(hits as f64)
    }

    /// Mean −ln p of what happened, nats; `None` without cases.
    pub fn log_loss(&self) -> Option<f64> {
        self.mean(self.log_loss)
    }

    /// Brier score of the three classes, 0 to 2; `None` without cases.
    pub fn brier(&self) -> Option<f64> {
        self.mean(self.brier)
    }

    /// Expected calibration error, ECE, a fraction; `None` without cases.
    pub fn calibration_error(&self) -> Option<f64> {
        let bins = self.bins.iter();
        self.mean(bins.map(|tally| (tally.hits as f64 - tally.confidence).abs()).sum())
    }

    /// The reliability table, one row per bin.
    pub fn bins(&self) -> impl Iterator<Item = ReliabilityBin> + '_ {
        self.bins.iter().enumerate().map(|(m, tally)| ReliabilityBin {
            from: edge(m, self.bins.len()),
            to: edge(m + 1, self.bins.len()),
            cases: tally.cases,
            confidence: mean_of(tally.confidence, tally.cases),
            accuracy: mean_of(tally.hits as f64, tally.cases),
        })
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        mean_of(sum, self.cases())
    }
}

fn mean_of(sum: f64, cases: u64) -> Option<f64> {
    (cases > 0).then(|| sum / cases as f64)
}

/// Upper edge of bin m of so many, counted from 1.
fn edge(m: usize, bins: usize) -> f64 {
    m as f64 / bins as f64
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};

    use super::*;

    #[test]
    fn a_confidence_on_an_edge_is_in_the_bin_below_it() {
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
    fn a_certain_miss_is_dear_but_finite() {
        let mut sure = Reliability::default();
        sure.add_classes([1.0, 0.0, 0.0], Down).unwrap();
        assert!((sure.log_loss().unwrap() - 36.043_653).abs() < 1e-5);
        assert_eq!((sure.brier(), sure.calibration_error()), (Some(2.0), Some(1.0)));
    }

    #[test]
    fn without_cases_all_is_undefined_and_nonsense_is_not_counted() {
        let mut nothing = Reliability::default();
        for wrong in [[f64::NAN, 0.5, 0.5], [1.5, -0.5, 0.0], [0.2, 0.2, 0.2]] {
            assert!(nothing.add_classes(wrong, Up).is_err(), "{wrong:?}");
        }
        assert_eq!(nothing, Reliability::default());
        assert_eq!((nothing.log_loss(), nothing.accuracy()), (None, None));
        assert!(nothing.bins().all(|bin| bin.cases == 0 && bin.accuracy.is_none()));
    }

    #[test]
    fn the_table_has_every_case_once_in_its_bin() {
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
