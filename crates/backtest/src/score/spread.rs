//! Spread of the accuracies of a model over paths or seeds.
use super::ResultRow;

/// Mean, standard deviation and extremes of at least two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AccuracySpread {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    /// Sample standard deviation (n − 1).
    pub(crate) deviation: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl AccuracySpread {
    /// Computes the spread; `None` for fewer than two values.
    fn new(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            count: values.len(),
            mean,
            deviation: (squares / (n - 1.0)).sqrt(),
            min: values.iter().copied().reduce(f64::min)?,
            max: values.iter().copied().reduce(f64::max)?,
        })
    }
}

impl ResultRow {
    /// Spread of the accuracy over the paths.
    pub(crate) fn path_spread(&self) -> Option<AccuracySpread> {
        let values: Vec<f64> = self.paths.iter().filter_map(|path| path.score.accuracy).collect();
        AccuracySpread::new(&values)
    }

    /// Spread of the accuracy over the seeds.
    pub(crate) fn seed_spread(&self) -> Option<AccuracySpread> {
        let values: Vec<f64> = self.seeds.iter().filter_map(|seed| seed.score.accuracy).collect();
        AccuracySpread::new(&values)
    }
}
