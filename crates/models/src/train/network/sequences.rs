//! Labelled sequences of any kind, for networks trained on other data than candles.
use super::trainer::most_probable;
use crate::TrainError;
use crate::network::Layers;
use crate::network::training::NetworkCache;

/// Shape of all sequences of a set: rows, channels, classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceShape {
    /// Number of rows per sequence, T.
    pub steps: usize,
    /// Number of channels per row, C.
    pub channels: usize,
    /// Number of classes.
    pub classes: usize,
}

/// Labelled sequences of one length, training data for a network without candles.
///
/// The networks of this crate are sequence classifiers. With labelled sequences they can be
/// compared with other libraries on any data. The caller scales the values.
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
    /// Creates a set of sequences with their classes.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] if a length is 0, there are fewer than two classes, values and
    /// labels do not fit the shape, a label is not a class or a value is not finite.
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

    /// Shape of all sequences.
    pub fn shape(&self) -> SequenceShape {
        self.shape
    }

    /// Returns the sequences, `[T, C]` each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.shape.steps * self.shape.channels)
    }

    /// Values `[T, C]` of a sequence.
    pub(crate) fn at(&self, index: usize) -> &[f32] {
        let len = self.shape.steps * self.shape.channels;
        &self.values[index * len..][..len]
    }

    /// Class of each sequence.
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

/// Network fitted to labelled sequences.
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

    /// Returns the most probable class of each sequence of `values` `[N, T, C]`.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] if the number of values is not a multiple of T × C or a value is
    /// not finite.
    pub fn classify(&self, values: &[f32]) -> Result<Vec<usize>, TrainError> {
        let SequenceShape { steps, channels, .. } = self.shape;
        let one = steps * channels;
        check_len("their number of values", values.len().div_ceil(one) * one, values.len())?;
        check_finite(values)?;
        let (mut classes, mut cache) =
            (Vec::with_capacity(values.len() / one), NetworkCache::default());
        for sequence in values.chunks_exact(one) {
            let logits = self.layers.forward(&self.weights, sequence, 1, None, &mut cache)?;
            classes.push(most_probable(logits));
        }
        Ok(classes)
    }

    /// Accuracy: share of the sequences that are classified correctly.
    ///
    /// # Errors
    /// [`TrainError::Sequences`] for sequences of another shape.
    pub fn accuracy(&self, sequences: &Sequences) -> Result<f64, TrainError> {
        if sequences.shape != self.shape {
            let (expected, got) = (format!("{:?}", self.shape), format!("{:?}", sequences.shape));
            return Err(TrainError::Sequences { what: "their shape", expected, got });
        }
        let classes = self.classify(&sequences.values)?;
        let correct = classes.iter().zip(&sequences.labels).filter(|(class, label)| class == label);
        Ok(correct.count() as f64 / classes.len() as f64)
    }
}
