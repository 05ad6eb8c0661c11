//! Test predictions of a run as rows, CSV and Parquet.
use std::io::{self, Write};
use std::path::Path;

use windvane_candles::{Direction, Interval, Timestamp};

use super::table_file::{self, quoted};
use crate::error::BacktestError;

/// Test prediction with its outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PredictionRow<'a> {
    /// Close time of the last candle of the window.
    pub time: Timestamp,
    /// Name of the instrument.
    pub instrument: &'a str,
    /// Interval of the candles.
    pub interval: Interval,
    /// Name of the model.
    pub model: &'a str,
    /// Seed of the model; the numbers of the report are those of the first seed.
    pub seed: u64,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Path, counted from 1; the numbers of the report are those of path 1.
    pub path: usize,
    /// Probabilities of UP, DOWN and NEUTRAL.
    pub probabilities: [f32; 3],
    /// Predicted direction; NEUTRAL where the model abstains.
    pub direction: Direction,
    /// Probability of the predicted direction.
    pub confidence: f32,
    /// Change of the close over the horizon, a fraction.
    pub realised_return: f64,
}

/// Predictions of all models of a run on all test windows:
/// [`Backtest::run_with_predictions`](crate::Backtest::run_with_predictions).
///
/// Rows are ordered by fold, model and seed. Candles with a prediction of NEUTRAL are included.
///
/// | column | content |
/// |---|---|
/// | `time` | close time of the last candle of the window, RFC 3339 (Parquet: UTC milliseconds) |
/// | `instrument`, `interval`, `model` | names |
/// | `seed`, `fold`, `path` | numbers; folds and paths are counted from 1 |
/// | `p_up`, `p_down`, `p_neutral` | probabilities |
/// | `direction`, `confidence` | `UP`, `DOWN` or `NEUTRAL`, and its probability |
/// | `realised_return` | change of the close over the horizon, a fraction |
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    models: Vec<String>,
    instruments: Vec<String>,
    /// Index of the model, index of the instrument, and the row without their names.
    rows: Vec<(u32, u32, PredictionRow<'static>)>,
}

impl Predictions {
    /// Names of the columns of the files.
    pub const COLUMNS: [&'static str; 13] = [
        "time",
        "instrument",
        "interval",
        "model",
        "seed",
        "fold",
        "path",
        "p_up",
        "p_down",
        "p_neutral",
        "direction",
        "confidence",
        "realised_return",
    ];

    pub(crate) fn new(
        models: impl Iterator<Item = String>,
        instruments: impl Iterator<Item = String>,
    ) -> Self {
        Self { models: models.collect(), instruments: instruments.collect(), rows: Vec::new() }
    }

    /// Adds a row of a model and an instrument, given by index.
    pub(crate) fn push(&mut self, model: usize, instrument: usize, row: PredictionRow<'static>) {
        let [model, instrument] = [model, instrument]
            .map(|index| u32::try_from(index).expect("invariant: few models and instruments"));
        self.rows.push((model, instrument, row));
    }

    /// Iterates over the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PredictionRow<'_>> {
        self.rows.iter().map(|(model, instrument, row)| PredictionRow {
            model: &self.models[*model as usize],
            instrument: &self.instruments[*instrument as usize],
            ..*row
        })
    }

    /// Writes a file: Parquet if its name ends in `.parquet`, which requires the feature
    /// `columnar`, otherwise CSV. An existing file is replaced as by
    /// [`replace_file`](windvane_models::replace_file).
    ///
    /// # Errors
    /// [`BacktestError::Io`] with the path, also for Parquet without the feature.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), BacktestError> {
        table_file::write(path.as_ref(), |file| self.write_csv(file), |file| parquet(self, file))
    }

    /// Writes CSV with a header. Reading the numbers gives the same bits.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv<W: Write>(&self, mut writer: W) -> io::Result<()> {
        writeln!(writer, "{}", Self::COLUMNS.join(","))?;
        for row in self.iter() {
            let [up, down, neutral] = row.probabilities;
            let (time, interval, seed) = (row.time, row.interval, row.seed);
            let (instrument, model) = (quoted(row.instrument), quoted(row.model));
            let (fold, path, direction) = (row.fold, row.path, row.direction);
            let (confidence, realised) = (row.confidence, row.realised_return);
            writeln!(
                writer,
                "{time},{instrument},{interval},{model},{seed},{fold},{path},{up},{down},\
                 {neutral},{direction},{confidence},{realised}"
            )?;
        }
        Ok(())
    }

    /// Writes Parquet.
    ///
    /// # Errors
    /// Those of the writer.
    #[cfg(feature = "columnar")]
    #[cfg_attr(docsrs, doc(cfg(feature = "columnar")))]
    pub fn write_parquet<W: Write + Send>(&self, writer: W) -> io::Result<()> {
        super::columnar::write(self, writer)
    }
}

#[cfg(feature = "columnar")]
fn parquet(predictions: &Predictions, file: &mut (impl Write + Send)) -> io::Result<()> {
    predictions.write_parquet(file)
}

#[cfg(not(feature = "columnar"))]
fn parquet(_: &Predictions, _: &mut impl Write) -> io::Result<()> {
    Err(table_file::parquet_is_missing())
}
