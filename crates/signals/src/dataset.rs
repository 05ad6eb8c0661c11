//! Dataset: labelled windows of any number of series, created from candles in one call.
use windvane_candles::{CandleSeries, Timestamp};

use crate::{
    LabelSpec, Registry, SampleSet, SignalError, SignalSpec, SignalTable, Split, TrainSet,
    ValidationSet,
};

/// Labelled windows of any number of series, ready to be split.
///
/// It builds a [`SignalTable`] per series and collects their windows into one [`SampleSet`]. The
/// dataset and the parts of a split own their data, so a function can return them.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64) -> Candle {
/// #     let close = 100.0 + (hour % 7) as f64;
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume: 10.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_candles::{CandleSeries, Interval};
/// use windvane_signals::{Dataset, LabelSpec, Scaler, SignalSpec};
///
/// let candles = (0..400).map(candle).collect();
/// let series = CandleSeries::new("BTCUSDT".parse()?, Interval::HOUR, candles)?;
///
/// let dataset = Dataset::from_series(&[series], &SignalSpec::default(), 20, LabelSpec::default())?;
/// let parts = dataset.split("1970-01-11".parse()?, "1970-01-14".parse()?)?;
/// assert!(parts.train.until() < parts.validation.samples()[0].decided_at);
/// assert_eq!(Scaler::fit(&parts.train)?.width(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    samples: SampleSet,
}

/// Training, validation and test samples of a [`Dataset`].
#[derive(Debug, Clone)]
pub struct DatasetParts {
    /// Samples for fitting models and scalers.
    pub train: TrainSet,
    /// Samples after the training period, for early stopping and calibration.
    pub validation: ValidationSet,
    /// Samples after the validation period, for the final evaluation.
    pub test: SampleSet,
}

impl Dataset {
    /// Computes the signals of every series, and collects the windows of `lookback` rows that
    /// have a label. Channels that read another pair use its series in `series`.
    ///
    /// # Errors
    /// As [`SignalTable::build_all`] and [`SampleSet::collect`].
    pub fn from_series(
        series: &[CandleSeries],
        spec: &SignalSpec,
        lookback: usize,
        labels: LabelSpec,
    ) -> Result<Self, SignalError> {
        Self::with_registry(&Registry::default(), series, spec, lookback, labels)
    }

    /// Computes the same as [`from_series`](Self::from_series) with the channels of a registry, for
    /// specs that contain a bot's own channels.
    ///
    /// # Errors
    /// As [`from_series`](Self::from_series).
    pub fn with_registry(
        registry: &Registry,
        series: &[CandleSeries],
        spec: &SignalSpec,
        lookback: usize,
        labels: LabelSpec,
    ) -> Result<Self, SignalError> {
        let tables = SignalTable::build_all(spec, registry, series)?;
        Ok(Self { samples: SampleSet::collect(&tables, lookback, labels)? })
    }

    /// Returns the labelled windows of all series, in order of time.
    pub fn samples(&self) -> &SampleSet {
        &self.samples
    }

    /// Splits the samples by date: validation begins at `validate_from`, the test at `test_from`.
    /// The test ends at the end of the data, and the embargo is one candle.
    ///
    /// # Errors
    /// [`SignalError::SplitOrder`] unless the times rise, [`SignalError::EmptyPart`] if the
    /// training, validation or test set would be empty.
    pub fn split(
        &self,
        validate_from: Timestamp,
        test_from: Timestamp,
    ) -> Result<DatasetParts, SignalError> {
        let split = Split::builder().validate_from(validate_from).test_from(test_from).build()?;
        let parts = self.split_with(&split)?;
        if parts.test.is_empty() {
            let hint = "choose a test_from before the end of the candles";
            return Err(SignalError::EmptyPart { part: "test", hint });
        }
        Ok(parts)
    }

    /// Splits the samples by the periods of any [`Split`]. The test set may be empty: a split
    /// [`for_live`](Split::for_live) has none.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is no sample for training or validation.
    pub fn split_with(&self, split: &Split) -> Result<DatasetParts, SignalError> {
        Ok(DatasetParts {
            train: split.train(&self.samples)?,
            validation: split.validation(&self.samples)?,
            test: split.test(&self.samples),
        })
    }
}
