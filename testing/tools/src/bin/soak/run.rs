//! One model and a very long feed.
use std::sync::Arc;
use std::time::Instant;

use indicatif::ProgressBar;
use serde::Serialize;
use windvane::models::TableReader;
use windvane::prelude::*;

use crate::feed::Feed;
use crate::memory::resident;

type Error = Box<dyn std::error::Error>;

/// Memory counts from here on: both paths have run a few times.
const WARM_STRETCHES: u64 = 16;
/// Of so many stretches one is predicted in a batch too.
const COMPARED: u64 = 32;
/// What the allocator may take later: a megabyte.
const SLACK: u64 = 1 << 20;

/// What came of a soak.
#[derive(Debug, Serialize)]
pub(crate) struct Soaked {
    pub(crate) model: &'static str,
    pub(crate) candles: u64,
    pub(crate) gaps: u64,
    pub(crate) predictions: u64,
    /// Candles whose live answer was compared with that of the batch path.
    pub(crate) compared: u64,
    /// Those with another answer, in any bit.
    pub(crate) different: u64,
    /// Resident memory of the process after the first stretches, and the most later on.
    pub(crate) warm_bytes: Option<u64>,
    pub(crate) most_bytes: Option<u64>,
    /// All of it: the simulated market and the batches too.
    pub(crate) seconds: f64,
}

impl Soaked {
    /// No prediction differs, and memory stayed where it was.
    pub(crate) fn is_good(&self) -> bool {
        let flat = |warm| self.most_bytes.is_some_and(|most| most <= warm + SLACK);
        self.different == 0 && self.warm_bytes.is_none_or(flat)
    }
}

/// Feeds that many candles to one predictor that is never made anew.
pub(crate) fn soak(
    label: &'static str,
    model: &Arc<dyn FittedModel>,
    candles: u64,
    bar: &ProgressBar,
) -> Result<Soaked, Error> {
    let start = Instant::now();
    let mut predictor = Predictor::new(Arc::clone(model), Interval::HOUR)?;
    let mut feed = Feed::new();
    let mut answers: Vec<Option<Prediction>> = Vec::new();
    let (mut stretches, mut predictions, mut compared, mut different) = (0, 0, 0, 0);
    let (mut warm_bytes, mut most_bytes) = (None, None);
    while predictor.feed_stats().taken < candles {
        let series = feed.stretch(candles - predictor.feed_stats().taken)?;
        answers.clear();
        for candle in &series {
            answers.push(predictor.on_candle(candle)?);
        }
        predictions += answers.iter().flatten().count() as u64;
        if stretches % COMPARED == 0 {
            // A gap resets every channel, so a stretch by itself has the same bits.
            let batch = batch(&**model, &series)?;
            compared += batch.len() as u64;
            let pairs = answers.iter().zip(&batch);
            let other =
                |(live, batch): &(&Option<_>, &Option<_>)| !same(live.as_ref(), batch.as_ref());
            different += pairs.filter(other).count() as u64;
        }
        stretches += 1;
        if stretches == WARM_STRETCHES {
            warm_bytes = resident();
        }
        if stretches >= WARM_STRETCHES {
            most_bytes = most_bytes.max(resident());
        }
        bar.set_position(predictor.feed_stats().taken);
    }
    let stats = predictor.feed_stats();
    Ok(Soaked {
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

/// What the batch path says after each candle.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Result<Vec<Option<Prediction>>, Error> {
    let spec = model.spec();
    let table = SignalTable::build(&spec.signals, &Registry::default(), series, &[])?;
    if model.stateful().is_some() {
        // What it carries began at zero behind the gap before the stretch.
        let tables = [table];
        let mut reader = TableReader::new(model, &tables);
        let answers = (0..tables[0].len()).map(|row| reader.predict(0, row));
        return Ok(answers.collect::<Result<_, _>>()?);
    }
    let windows: Vec<_> = (0..table.len()).map(|row| table.window(row, spec.lookback)).collect();
    let complete: Vec<_> = windows.iter().flatten().copied().collect();
    let mut predictions = Vec::new();
    model.predict_batch(&complete, &mut model.scratch(), &mut predictions)?;
    let mut predictions = predictions.into_iter();
    Ok(windows.iter().map(|window| window.and_then(|_| predictions.next())).collect())
}

/// The same call and, bit for bit, the same probabilities.
fn same(live: Option<&Prediction>, batch: Option<&Prediction>) -> bool {
    let bits = |prediction: &Prediction| prediction.probabilities.classes().map(f32::to_bits);
    live == batch && live.map(bits) == batch.map(bits)
}
