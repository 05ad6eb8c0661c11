//! A newer model in the place of the old one, between two candles.
use windvane_signals::{SignalPipeline, SignalRows, SignalSpec};

use super::predictor::{Predictor, check, known};
use super::rows::RowRing;
use crate::{FittedModel, ModelSpec, PredictError};

/// Signals and rows that a model of another spec starts with.
pub(super) struct Carried {
    pipeline: SignalPipeline,
    pub(super) rows: RowRing,
    seen: usize,
}

impl Predictor {
    /// Puts another model in the place of the present one; the next candle is its first.
    ///
    /// A model of the same channels and lookback is warm at once, and so is one that reads some
    /// of these channels. Channels the old model did not read are computed from the
    /// [kept candles](crate::PredictorBuilder::history); where those are too few the answer is `None` until
    /// more came. A prediction has the bits that a predictor with the new model from the start
    /// would give, with one exception: a new channel with endless memory (RSI, MACD) begins with
    /// the oldest kept candle when older ones came before it.
    ///
    /// A [stateful](crate::StatefulModel) model goes on with the old state where its weights would
    /// have made the same one (another calibration). Otherwise its state is made
    /// from the kept candles: whole where none since the start or the last reset is missing, else
    /// as if the oldest of them had been the first.
    ///
    /// A model of another gap policy, or with new channels that read other pairs, starts cold
    /// unless every candle since the last reset is kept and reads no other pair. An expiry and
    /// guard belong to the old model and go with it; the stats stays.
    ///
    /// # Errors
    /// As [`new`](Self::new); the predictor continues with the old model.
    pub fn swap(&mut self, model: impl FittedModel + 'static) -> Result<(), PredictError> {
        let (old, new) = (self.model.spec(), model.spec());
        check(new, self.pipeline.interval())?;
        let other = (&old.signals, old.lookback) != (&new.signals, new.lookback);
        let carried = other.then(|| self.carry(new)).transpose()?;
        let rows = carried.as_ref().map_or(&self.rows, |carried| &carried.rows);
        self.state = self.carried_state(&model, rows)?;
        if let Some(Carried { mut pipeline, rows, seen }) = carried {
            pipeline.stop_at_gaps(self.pipeline.stops_at_gaps());
            (self.pipeline, self.rows, self.seen) = (pipeline, rows, seen);
        }
        self.scratch = model.scratch();
        self.model = Box::new(model);
        (self.valid_until, self.guard) = (None, None);
        Ok(())
    }

    fn carry(&self, new: &ModelSpec) -> Result<Carried, PredictError> {
        let old = &self.model.spec().signals;
        if self.history.is_whole() && new.signals.pairs().is_empty() {
            return self.replay(&new.signals, new.lookback, |_, _| Ok(()));
        }
        let mut missing = new.signals.clone();
        missing.channels.retain(|channel| !old.channels.contains(channel));
        if new.signals.gaps != old.gaps || !missing.pairs().is_empty() {
            let registry = known(self.registry.as_deref());
            let pipeline = SignalPipeline::new(&new.signals, self.pipeline.interval(), &registry)?;
            let rows = RowRing::new(new.lookback, pipeline.width());
            return Ok(Carried { pipeline, rows, seen: 0 });
        }
        if missing.channels.is_empty() {
            return self.join(new, None);
        }
        let added = self.replay(&missing, new.lookback, |_, _| Ok(()))?;
        self.join(new, Some((&missing, &added)))
    }

    /// The kept candles through a pipeline of `signals`; `each` hears of the rows of every candle,
    /// and whether a new run begins with them.
    pub(super) fn replay(
        &self,
        signals: &SignalSpec,
        lookback: usize,
        mut each: impl FnMut(SignalRows<'_>, bool) -> Result<(), PredictError>,
    ) -> Result<Carried, PredictError> {
        let registry = known(self.registry.as_deref());
        let mut pipeline = SignalPipeline::new(signals, self.pipeline.interval(), &registry)?;
        let mut rows = RowRing::new(lookback, pipeline.width());
        let mut seen = 0;
        for candle in self.history.iter() {
            if let Ok(made) = pipeline.update(candle) {
                rows.take(made);
                seen = if made.restarted() { made.len() } else { seen + made.len() };
                each(made, made.restarted())?;
                continue;
            }
            // What the old gap policy passed over stops the new one.
            pipeline.reset();
            rows = RowRing::new(lookback, pipeline.width());
            let made = pipeline.update(candle)?;
            rows.take(made);
            seen = 1;
            each(made, true)?;
        }
        Ok(Carried { pipeline, rows, seen })
    }

    /// The present channels and added ones as the channels of `new`.
    fn join(
        &self,
        new: &ModelSpec,
        added: Option<(&SignalSpec, &Carried)>,
    ) -> Result<Carried, PredictError> {
        let old = &self.model.spec().signals;
        let mut sources = vec![(old, &self.pipeline)];
        let mut rings = vec![(old, &self.rows)];
        if let Some((spec, carried)) = added {
            sources.push((spec, &carried.pipeline));
            rings.push((spec, &carried.rows));
        }
        let interval = self.pipeline.interval();
        let registry = known(self.registry.as_deref());
        let pipeline = SignalPipeline::joined(&new.signals, interval, &registry, &sources)?;
        let rows = join_rows(new, &rings);
        // Candles until every channel has a value; an added one has seen no more than the others.
        let wait = added.map_or(0, |(_, c)| c.pipeline.warm_up().saturating_sub(c.seen));
        let seen = match wait.max(pipeline.warm_up().saturating_sub(self.seen)) {
            0 => pipeline.warm_up() + rows.run(),
            wait => pipeline.warm_up().saturating_sub(wait),
        };
        Ok(Carried { pipeline, rows, seen })
    }
}

/// The last rows of several rings side by side: as many as are complete in all of them.
fn join_rows(new: &ModelSpec, rings: &[(&SignalSpec, &RowRing)]) -> RowRing {
    let places: Vec<(usize, usize)> = new
        .signals
        .channels
        .iter()
        .filter_map(|channel| {
            rings.iter().enumerate().find_map(|(ring, (spec, _))| {
                Some((ring, spec.channels.iter().position(|own| own == channel)?))
            })
        })
        .collect();
    let run = rings.iter().map(|(_, ring)| ring.run()).min().unwrap_or(0).min(new.lookback);
    let mut joined = RowRing::new(new.lookback, places.len());
    for back in (1..=run).rev() {
        let row = places.iter().map(|&(ring, column)| {
            let (_, ring) = rings[ring];
            ring.complete()[(ring.run() - back) * ring.width() + column]
        });
        joined.push(&row.collect::<Vec<f64>>());
    }
    joined
}
