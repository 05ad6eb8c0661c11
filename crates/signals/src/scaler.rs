//! Scaler of channel values, fitted on training rows.
use crate::deciles::{quartile, without_rounding};
use crate::{RowReader, SampleSet, SignalError, SignalTable, TrainSet};

/// Robust scaler: subtracts the median, divides by the interquartile range (IQR), and clips.
///
/// **Formula** `clamp((x − median) / (IQR / 1.349), ±5)`. For normally distributed values the scale
/// is the standard deviation, but outliers do not affect it. If the IQR is 0 because many values
/// are equal, the scale is the standard deviation. A channel without any spread, or whose spread is
/// only rounding, is scaled to 0 and listed by [`constant_channels`](Self::constant_channels).
///
/// It is fitted on a [`TrainSet`], which only a [`Split`](crate::Split) creates, so it cannot use
/// rows after the training period.
///
/// # Examples
/// ```
/// use windvane_signals::Scaler;
///
/// let scaler = Scaler::from_parts(vec![50.0], vec![10.0], 5.0)?;
/// assert_eq!(scaler.apply(0, 70.0), 2.0);
/// assert_eq!(scaler.apply(0, 1e9), 5.0); // clipped
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "StoredScaler", into = "StoredScaler"))]
pub struct Scaler {
    centre: Vec<f64>,
    scale: Vec<f64>,
    clip: f64,
}

/// Serialised scaler, not validated.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredScaler {
    centre: Vec<f64>,
    scale: Vec<f64>,
    clip: f64,
}

#[cfg(feature = "serde")]
impl From<Scaler> for StoredScaler {
    fn from(Scaler { centre, scale, clip }: Scaler) -> Self {
        Self { centre, scale, clip }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<StoredScaler> for Scaler {
    type Error = SignalError;

    fn try_from(StoredScaler { centre, scale, clip }: StoredScaler) -> Result<Self, SignalError> {
        Self::from_parts(centre, scale, clip)
    }
}

/// Largest absolute scaled value.
const CLIP: f64 = 5.0;

/// Interquartile range of the standard normal distribution.
const NORMAL_IQR: f64 = 1.349;

impl Scaler {
    /// Fits the scaler on the complete rows of the training period.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is no such row, [`SignalError::File`] if the tables are in
    /// a file that cannot be read.
    pub fn fit(train: &TrainSet) -> Result<Self, SignalError> {
        let (mut centre, mut scale) = (Vec::new(), Vec::new());
        let rows = KnownRows::new(train);
        if rows.count == 0 {
            let hint = "use more candles than the warm-up";
            return Err(SignalError::EmptyPart { part: "the scaler", hint });
        }
        for channel in 0..train.width() {
            let mut values = rows.values(channel)?;
            values.sort_unstable_by(f64::total_cmp);
            centre.push(quartile(&values, 2));
            scale.push(scale_of(&values));
        }
        Ok(Self { centre, scale, clip: CLIP })
    }

    /// Creates a scaler with the given centres and scales, whose values are clipped to ± `clip`.
    ///
    /// The equivalent of scikit-learn's `StandardScaler` is centre = `mean_`, scale = `scale_`, and
    /// a `clip` that no value reaches, such as 1e6. An infinite `clip` is rejected, because the
    /// JSON of a saved model cannot contain it.
    ///
    /// # Errors
    /// [`SignalError::Width`] if the lists differ in length or are empty,
    /// [`SignalError::Setting`] if a centre is not finite, a scale is negative or not finite, or
    /// `clip` is not finite or not above 0.
    pub fn from_parts(centre: Vec<f64>, scale: Vec<f64>, clip: f64) -> Result<Self, SignalError> {
        if centre.len() != scale.len() || centre.is_empty() {
            return Err(SignalError::Width { expected: centre.len().max(1), got: scale.len() });
        }
        if let Some(&wrong) = centre.iter().find(|centre| !centre.is_finite()) {
            return SignalError::setting("centre of a scaler", "finite", wrong);
        }
        if let Some(&wrong) = scale.iter().find(|scale| !scale.is_finite() || **scale < 0.0) {
            return SignalError::setting("scale of a scaler", "finite and at least 0", wrong);
        }
        if !clip.is_finite() || clip <= 0.0 {
            let expected = "finite and above 0 (use 1e6 to clip no value)";
            return SignalError::setting("clip of a scaler", expected, clip);
        }
        Ok(Self { centre, scale, clip })
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.centre.len()
    }

    /// Returns the centre of a channel, which scales to 0: its median over the training rows.
    ///
    /// # Panics
    /// If `channel` is not below [`width`](Self::width).
    pub fn centre(&self, channel: usize) -> f64 {
        self.centre[channel]
    }

    /// Returns the number by which a channel is divided after its centre was subtracted; 0 for a
    /// constant channel.
    ///
    /// # Panics
    /// If `channel` is not below [`width`](Self::width).
    pub fn scale(&self, channel: usize) -> f64 {
        self.scale[channel]
    }

    /// Returns the largest absolute scaled value.
    pub fn clip(&self) -> f64 {
        self.clip
    }

    /// Scales the value of one channel.
    ///
    /// # Panics
    /// If `channel` is not below [`width`](Self::width).
    #[inline]
    pub fn apply(&self, channel: usize, value: f64) -> f64 {
        let scale = self.scale[channel];
        if scale > 0.0 {
            ((value - self.centre[channel]) / scale).clamp(-self.clip, self.clip)
        } else {
            0.0
        }
    }

    /// Scales whole rows and converts them to `f32`, the input of a network.
    ///
    /// # Errors
    /// [`SignalError::Width`] unless `rows` contains whole rows and has the length of `scaled`.
    pub fn apply_rows(&self, rows: &[f64], scaled: &mut [f32]) -> Result<(), SignalError> {
        if !rows.len().is_multiple_of(self.width()) || rows.len() != scaled.len() {
            return Err(SignalError::Width { expected: scaled.len(), got: rows.len() });
        }
        let rows = rows.chunks_exact(self.width()).zip(scaled.chunks_exact_mut(self.width()));
        for (row, scaled) in rows {
            let channels = row.iter().zip(&self.centre).zip(&self.scale);
            for (((value, centre), scale), scaled) in channels.zip(scaled) {
                // The same as `apply`, without branches and calls, so that the loop is vectorised.
                let value = (value - centre) / scale;
                let value = if value < -self.clip { -self.clip } else { value };
                let value = if value > self.clip { self.clip } else { value };
                #[expect(clippy::cast_possible_truncation, reason = "clipped; networks take f32")]
                let narrow = if *scale > 0.0 { value } else { 0.0 } as f32;
                *scaled = narrow;
            }
        }
        Ok(())
    }

    /// Iterates over the channels that are constant over the training rows: a model learns nothing
    /// from them.
    pub fn constant_channels(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.width()).filter(|&channel| self.scale[channel] <= 0.0)
    }
}

impl SampleSet {
    /// Scales the rows `[rows, C]` of every table that has a sample; the list of another table is
    /// empty. Incomplete rows are zeros and part of no window. Neighbouring windows share all rows
    /// except one, so each row is scaled once.
    ///
    /// # Errors
    /// As [`Scaler::apply_rows`], and [`SignalError::File`] if the tables are in a file that cannot
    /// be read.
    pub fn scaled_tables(&self, scaler: &Scaler) -> Result<Vec<Vec<f32>>, SignalError> {
        let mut scaled = Vec::with_capacity(self.tables().len());
        let mut reader = self.reader();
        for (index, table) in self.used_tables().into_iter().enumerate() {
            let rows = table.map_or(0, SignalTable::len);
            scaled.push(scaled_rows(&mut reader, index, rows, scaler)?);
        }
        Ok(scaled)
    }
}

fn scaled_rows(
    reader: &mut RowReader<'_>,
    table: usize,
    rows: usize,
    scaler: &Scaler,
) -> Result<Vec<f32>, SignalError> {
    let width = scaler.width();
    let mut scaled = vec![0.0; rows * width];
    for (row, target) in scaled.chunks_exact_mut(width).enumerate() {
        if let Some(values) = reader.row(table, row)? {
            scaler.apply_rows(values, target)?;
        }
    }
    Ok(scaled)
}

/// Complete rows of the training period, without held rows, of the tables that have training
/// samples.
struct KnownRows<'a> {
    train: &'a TrainSet,
    /// Whether a table has training samples.
    used: Vec<bool>,
    count: usize,
}

impl<'a> KnownRows<'a> {
    fn new(train: &'a TrainSet) -> Self {
        let used = train.used_tables().iter().map(Option::is_some).collect();
        let rows = Self { train, used, count: 0 };
        let count = (0..rows.used.len()).map(|table| rows.of_table(table).count()).sum();
        Self { count, ..rows }
    }

    /// Indices of the rows of a table.
    fn of_table(&self, index: usize) -> impl Iterator<Item = usize> {
        let table = &self.train.tables()[index];
        let rows = if self.used[index] { table.len() } else { 0 };
        (0..rows).filter(move |row| {
            let covered = table.close_time(*row).is_some_and(|at| self.train.covers(at));
            covered && !table.is_held(*row) && table.run(*row) > 0
        })
    }

    fn values(&self, channel: usize) -> Result<Vec<f64>, SignalError> {
        let mut values = Vec::with_capacity(self.count);
        let mut reader = self.train.reader();
        for table in 0..self.used.len() {
            for row in self.of_table(table) {
                values.extend(reader.row(table, row)?.map(|values| values[channel]));
            }
        }
        Ok(values)
    }
}

/// Scale of sorted values: the interquartile range, or the standard deviation if that is 0; exactly
/// 0 for values that are equal up to rounding.
fn scale_of(values: &[f64]) -> f64 {
    let [first, third] = [quartile(values, 1), quartile(values, 3)];
    let range = without_rounding((third - first) / NORMAL_IQR, [first, third]);
    if range > 0.0 {
        return range;
    }
    let ends = [values[0], values[values.len() - 1]];
    without_rounding(deviation(values), ends)
}

/// Standard deviation.
fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_of_values_equal_up_to_rounding_is_zero() {
        let tenths = [0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3];
        let ratios = [-2.2e-16, -2.2e-16, 0.0, 2.2e-16, 4.4e-16];
        for values in [tenths, ratios, [7.0; 5], tenths.map(|value| 1e9 * value)] {
            let mut values = values;
            values.sort_by(f64::total_cmp);
            assert_eq!(scale_of(&values).to_bits(), 0, "{values:?}");
        }
        // A quarter of other values: the standard deviation.
        let few = [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.9];
        assert!((scale_of(&few) - 0.198).abs() < 0.001, "{}", scale_of(&few));
        assert!(scale_of(&[1e-9, 2e-9, 3e-9]) > 0.0);
    }
}
