//! Labelled sequences of any kind, for networks that learn something else than candles.
use super::trainer::most_likely;
use crate::TrainError;
use crate::network::Layers;
use crate::network::training::NetworkCache;

/// Lengths shared by all sequences of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceShape {
    /// Rows per sequence, T.
    pub steps: usize,
    /// Numbers per row, C.
    pub channels: usize,
    /// Number of classes.
    pub classes: usize,
}

/// Labelled sequences of one length: what a network learns from where there are no candles.
///
/// The networks here are plain sequence classifiers below their three-class trait; on these they
/// can be compared with other libraries on any data. Scaling is the caller's.
///
/// **Shapes** values `[N, T, C]`, labels `[N]`.
///
/// # Examples
/// ```
/// use windvane_models::train::{SequenceShape, Sequences};
///
/// let shape = SequenceShape { steps: 3, channels: 1, classes: 2 };
/// let rising_or_falling = vec![0.0, 1.0, 2.0, 5.0, 4.0, 3.0];
/// let sequences = Sequences::new(shape, rising_or_falling, vec![0, 1])?;
/// assert_eq!(sequences.iter().nth(1), Some(&[5.0, 4.0, 3.0][..]));
/// assert!(Sequences::new(shape, vec![0.0; 3], vec![2]).is_err());
/// # Ok::<(), windvane_models::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    shape: SequenceShape,
    values: Vec<f32>,
    labels: Vec<usize>,
}

impl Sequences {
    /// A set of sequences with their classes.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] when a length is 0, values and labels do not fit the shape, a
    /// label is no class or a value is not finite.
    pub fn new(
        shape: SequenceShape,
        values: Vec<f32>,
        labels: Vec<usize>,
    ) -> Result<Self, TrainError> {
        let SequenceShape { steps, channels, classes } = shape;
        if steps == 0 || channels == 0 || classes < 2 || labels.is_empty() {
            let expected = "rows, channels, sequences and at least two classes".into();
            let got = format!("{steps} rows, {channels} channels, {classes} classes");
            let got = format!("{got}, {} sequences", labels.len());
            return Err(TrainError::Sequences { what: "their shape", expected, got });
        }
        check_len("their number of values", labels.len() * steps * channels, values.len())?;
        if let Some(index) = labels.iter().position(|label| *label >= classes) {
            let (expected, got) = (format!("below {classes}"), labels[index].to_string());
            return Err(TrainError::Sequences { what: "every label", expected, got });
        }
        check_finite(&values)?;
        Ok(Self { shape, values, labels })
    }

    /// Lengths shared by all sequences.
    pub fn shape(&self) -> SequenceShape {
        self.shape
    }

    /// The sequences, `[T, C]` each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.shape.steps * self.shape.channels)
    }

    /// The class of each sequence.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }
}

fn check_len(what: &'static str, expected: usize, got: usize) -> Result<(), TrainError> {
    if expected == got {
        return Ok(());
    }
    let (expected, got) = (expected.to_string(), got.to_string());
    Err(TrainError::Sequences { what, expected, got })
}

fn check_finite(values: &[f32]) -> Result<(), TrainError> {
    let Some(wrong) = values.iter().find(|value| !value.is_finite()) else { return Ok(()) };
    let (what, expected) = ("every value", "finite".to_string());
    Err(TrainError::Sequences { what, expected, got: wrong.to_string() })
}

/// A network fitted to labelled sequences.
#[derive(Debug)]
pub struct SequenceClassifier {
    shape: SequenceShape,
    weights: Vec<f32>,
    layers: Layers,
}

impl SequenceClassifier {
    pub(crate) fn new(shape: SequenceShape, weights: Vec<f32>, layers: Layers) -> Self {
        Self { shape, weights, layers }
    }

    /// The most likely class of each sequence of `values` `[N, T, C]`.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] when they are no whole sequences or a value is not finite.
    pub fn classify(&self, values: &[f32]) -> Result<Vec<usize>, TrainError> {
        let SequenceShape { steps, channels, .. } = self.shape;
        let one = steps * channels;
        check_len("their number of values", values.len().div_ceil(one) * one, values.len())?;
        check_finite(values)?;
        let (mut found, mut cache) =
            (Vec::with_capacity(values.len() / one), NetworkCache::default());
        for sequence in values.chunks_exact(one) {
            let logits = self.layers.forward(&self.weights, sequence, 1, None, &mut cache)?;
            found.push(most_likely(logits));
        }
        Ok(found)
    }

    /// Share of the sequences whose class it finds.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] when their shape is another.
    pub fn accuracy(&self, sequences: &Sequences) -> Result<f64, TrainError> {
        if sequences.shape != self.shape {
            let (expected, got) = (format!("{:?}", self.shape), format!("{:?}", sequences.shape));
            return Err(TrainError::Sequences { what: "their shape", expected, got });
        }
        let found = self.classify(&sequences.values)?;
        let right = found.iter().zip(&sequences.labels).filter(|(found, label)| found == label);
        Ok(right.count() as f64 / found.len() as f64)
    }
}
