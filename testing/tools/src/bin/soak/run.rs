//! Soak test of one model.
use std::sync::Arc;
use std::time::Instant;

use indicatif::ProgressBar;
use serde::Serialize;
use windvane::models::TableReader;
use windvane::prelude::*;

use crate::feed::EndlessFeed;
use crate::memory::resident;

type Error = Box<dyn std::error::Error>;

/// Number of segments before the initial measurement of memory, in which both paths run a few
/// times.
const WARM_SEGMENTS: u64 = 16;
/// Number of segments per comparison with the batch path.
const COMPARED: u64 = 32;
/// Tolerated growth of memory: one mebibyte.
const SLACK: u64 = 1 << 20;

/// Result of the soak test of a model.
#[derive(Debug, Serialize)]
pub(crate) struct SoakResult {
    pub(crate) model: &'static str,
    pub(crate) candles: u64,
    pub(crate) gaps: u64,
    pub(crate) predictions: u64,
    /// Number of candles whose live prediction was compared with the batch path.
    pub(crate) compared: u64,
    /// Number of compared candles with different predictions.
    pub(crate) different: u64,
    /// Resident memory of the process after the first segments.
    pub(crate) warm_bytes: Option<u64>,
    /// Maximum of the resident memory afterwards.
    pub(crate) most_bytes: Option<u64>,
    /// Total time, including the simulation and the batch path.
    pub(crate) seconds: f64,
}

impl SoakResult {
    /// Returns whether no prediction differs and memory has not grown.
    pub(crate) fn is_good(&self) -> bool {
        let flat = |warm| self.most_bytes.is_some_and(|most| most <= warm + SLACK);
        self.different == 0 && self.warm_bytes.is_none_or(flat)
    }
}

/// Feeds `candles` candles to a single predictor.
pub(crate) fn soak(
    label: &'static str,
    model: &Arc<dyn FittedModel>,
    candles: u64,
    bar: &ProgressBar,
) -> Result<SoakResult, Error> {
    let start = Instant::now();
    let mut predictor = Predictor::new(Arc::clone(model), Interval::HOUR)?;
    let mut feed = EndlessFeed::new();
    let mut live: Vec<Option<Prediction>> = Vec::new();
    let (mut segments, mut predictions, mut compared, mut different) = (0, 0, 0, 0);
    let (mut warm_bytes, mut most_bytes) = (None, None);
    while predictor.feed_stats().taken < candles {
        let series = feed.next_segment(candles - predictor.feed_stats().taken)?;
        live.clear();
        for candle in &series {
            live.push(predictor.on_candle(candle)?.into_prediction());
        }
        predictions += live.iter().flatten().count() as u64;
        if segments % COMPARED == 0 {
            // A gap resets every channel, so the batch over the segment alone has the same bits.
            let batch = batch(&**model, &series)?;
            compared += batch.len() as u64;
            let pairs = live.iter().zip(&batch);
            let other =
                |(live, batch): &(&Option<_>, &Option<_>)| !same(live.as_ref(), batch.as_ref());
            different += pairs.filter(other).count() as u64;
        }
        segments += 1;
        if segments == WARM_SEGMENTS {
            warm_bytes = resident();
        }
        if segments >= WARM_SEGMENTS {
            most_bytes = most_bytes.max(resident());
        }
        bar.set_position(predictor.feed_stats().taken);
    }
    let stats = predictor.feed_stats();
    Ok(SoakResult {
        model: label,
        candles: stats.taken,
        gaps: stats.gaps,
        predictions,
        compared,
        different,
        warm_bytes,
        most_bytes,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Returns the predictions of the batch path after each candle.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Result<Vec<Option<Prediction>>, Error> {
    let spec = model.spec();
    let table = SignalTable::build(&spec.signals, &Registry::default(), series, &[])?;
    if model.stateful().is_some() {
        // The recurrent state was reset by the gap before the segment.
        let tables = [table];
        let mut reader = TableReader::new(model, &tables);
        let predictions = (0..tables[0].len()).map(|row| reader.predict(0, row));
        return Ok(predictions.collect::<Result<_, _>>()?);
    }
    let windows: Vec<_> = (0..table.len()).map(|row| table.window(row, spec.lookback)).collect();
    let complete: Vec<_> = windows.iter().flatten().copied().collect();
    let mut predictions = Vec::new();
    model.predict_batch(&complete, &mut model.scratch(), &mut predictions)?;
    let mut predictions = predictions.into_iter();
    Ok(windows.iter().map(|window| window.and_then(|_| predictions.next())).collect())
}

/// Returns whether two predictions are equal, with the same bits of the probabilities.
fn same(live: Option<&Prediction>, batch: Option<&Prediction>) -> bool {
    let bits = |prediction: &Prediction| prediction.probabilities.classes().map(f32::to_bits);
    live == batch && live.map(bits) == batch.map(bits)
}
