//! What each channel is worth to a fitted model: what it does when the channel is silenced.
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use windvane_candles::{Direction, Interval};
use windvane_models::{DirectionModel, ModelError, Prediction, TableReader};
use windvane_signals::{Sample, SampleSet, TrainSet};

use crate::Bounds;
use crate::bootstrap::{Bootstrap, Mean, Terms};
use crate::comparison::LEVEL;
use crate::task::together;

/// Most test windows looked at per model and fold, evenly spread over the test.
const WINDOWS: usize = 2_000;
/// Most training windows that a median is taken of.
const MEDIAN_WINDOWS: usize = 20_000;
/// Windows predicted by one thread with one scratch.
const CHUNK: usize = 128;

/// What a model loses when it does not see one channel.
///
/// In at most 2,000 test windows per fold, evenly spread, every value of the channel is replaced
/// by its median over training windows (also in the earlier rows that a model with a memory has
/// read), and the model predicts again. It is not fitted anew, so a
/// channel whose knowledge others share may look worth more than it is, or less.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Importance {
    /// The model.
    pub model: String,
    /// The candles' interval.
    pub interval: Interval,
    /// The channel.
    pub channel: String,
    /// Windows looked at, over all folds.
    pub windows: usize,
    /// Accuracy with the channel minus that without it, every candle called, over closes that
    /// moved; a fraction. A tie of UP and DOWN counts as half a hit.
    pub accuracy_drop: Option<f64>,
    /// Its 95 % interval: block bootstrap over calendar time.
    pub accuracy_interval_95: Option<Bounds>,
    /// Log loss without the channel minus that with it, nats.
    pub loss_rise: Option<f64>,
    /// Its 95 % interval.
    pub loss_interval_95: Option<Bounds>,
}

/// What silencing one channel changed in one window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Effect {
    /// Milliseconds.
    decided_at: i64,
    /// Hits lost: −1 to 1; `None` where the close did not move.
    hits: Option<f64>,
    /// By how much the log loss rises.
    loss: f64,
}

/// The effects of every channel on a fold's test windows.
pub(crate) fn effects(
    model: &dyn DirectionModel,
    train: &TrainSet,
    test: &SampleSet,
) -> Result<Vec<Vec<Effect>>, ModelError> {
    let medians = medians(train);
    let chosen: Vec<&Sample> = spread(test.samples(), WINDOWS).collect();
    let of_chunk = |chunk: &[&Sample]| {
        let mut whole = TableReader::new(model, test.tables());
        let silenced = |(channel, median): (usize, &f64)| {
            TableReader::new(model, test.tables()).silencing(channel, *median)
        };
        let mut without: Vec<_> = medians.iter().enumerate().map(silenced).collect();
        let effects = chunk.iter().map(|sample| silence(sample, &mut whole, &mut without));
        effects.collect::<Result<Vec<Vec<Effect>>, _>>()
    };
    let chunks: Vec<_> = chosen.par_chunks(together(model, CHUNK)).map(of_chunk).collect();
    let mut channels = vec![Vec::with_capacity(chosen.len()); medians.len()];
    for chunk in chunks {
        for window in chunk? {
            channels.iter_mut().zip(window).for_each(|(channel, effect)| channel.push(effect));
        }
    }
    Ok(channels)
}

/// One window, each channel silenced in turn.
fn silence(
    sample: &Sample,
    whole: &mut TableReader<'_>,
    without: &mut [TableReader<'_>],
) -> Result<Vec<Effect>, ModelError> {
    let whole = whole.predict_sample(sample)?;
    let effect = |without: &mut TableReader<'_>| {
        let without = without.predict_sample(sample)?;
        let hit = |prediction: &Prediction| hit(sample.outcome.change, prediction);
        Ok(Effect {
            decided_at: sample.decided_at.millis(),
            hits: hit(&whole).zip(hit(&without)).map(|(with, without)| with - without),
            loss: loss(&without, sample.label) - loss(&whole, sample.label),
        })
    };
    without.iter_mut().map(effect).collect()
}

/// 1 for the right side, 0 for the wrong one, a half for none; `None` where nothing moved.
fn hit(change: f64, prediction: &Prediction) -> Option<f64> {
    let side = Direction::of_change(f64::from(prediction.probabilities.edge()));
    match (Direction::of_change(change), side) {
        (Direction::Neutral, _) => None,
        (_, Direction::Neutral) => Some(0.5),
        (went, side) => Some(f64::from(u8::from(went == side))),
    }
}

fn loss(prediction: &Prediction, label: Direction) -> f64 {
    -f64::from(prediction.probabilities.of(label)).max(f64::EPSILON).ln()
}

/// The median of each channel over the last rows of training windows.
fn medians(train: &TrainSet) -> Vec<f64> {
    let width = train.width();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); width];
    for sample in spread(train.samples(), MEDIAN_WINDOWS) {
        let window = train.window(sample);
        let last = window.row(window.steps() - 1);
        columns.iter_mut().zip(last).for_each(|(column, value)| column.push(*value));
    }
    let middle = |mut column: Vec<f64>| {
        column.sort_by(f64::total_cmp);
        let n = column.len();
        f64::midpoint(column[(n - 1) / 2], column[n / 2])
    };
    columns.into_iter().map(middle).collect()
}

/// At most so many of the items, evenly spread.
fn spread<T>(items: &[T], most: usize) -> impl Iterator<Item = &T> {
    let count = items.len().min(most);
    (0..count).map(move |k| &items[k * items.len() / count])
}

/// Which channel of which model.
pub(crate) struct Subject<'a> {
    pub(crate) model: &'a str,
    pub(crate) interval: Interval,
    pub(crate) channel: String,
}

impl Importance {
    /// From the effects of all folds.
    pub(crate) fn of<'a>(
        subject: Subject<'_>,
        effects: impl Iterator<Item = &'a Effect> + Clone,
        terms: Terms<'_>,
    ) -> Self {
        let unit = subject.interval.millis();
        let mean = |of: fn(&Effect) -> Option<f64>| {
            let value = |effect: &Effect| {
                let mean = Mean { sum: of(effect)?, count: 1 };
                Some((effect.decided_at.div_euclid(unit), mean))
            };
            let values: Vec<(i64, Mean)> = effects.clone().filter_map(value).collect();
            let mut all = Mean::default();
            for (_, value) in &values {
                all += *value;
            }
            let bootstrap = Bootstrap::of_times(values, terms.horizon, terms.seed);
            let range = f64::NEG_INFINITY..=f64::INFINITY;
            (all.value(), bootstrap.and_then(|b| b.bounds(Mean::value, LEVEL, range)))
        };
        let (accuracy_drop, accuracy_interval_95) = mean(|effect| effect.hits);
        let (loss_rise, loss_interval_95) = mean(|effect| Some(effect.loss));
        Self {
            model: subject.model.to_string(),
            interval: subject.interval,
            channel: subject.channel,
            windows: effects.count(),
            accuracy_drop,
            accuracy_interval_95,
            loss_rise,
            loss_interval_95,
        }
    }
}
