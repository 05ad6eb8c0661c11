//! Replacement of a predictor's model between two candles.
use std::sync::Arc;

use windvane_signals::{SignalPipeline, SignalRows, SignalSpec};

use super::outcome::Sessions;
use super::predictor::{Predictor, check, known};
use super::rows::RowRing;
use crate::{FittedModel, ModelSpec, PredictError};

/// Pipeline and rows with which a model of another spec starts.
pub(super) struct Carried {
    pipeline: SignalPipeline,
    pub(super) rows: RowRing,
    seen: usize,
}

impl Predictor {
    /// Replaces the model; the next candle is the first one that the new model predicts from.
    ///
    /// A model with the same channels and lookback, or with a subset of the channels, needs no
    /// warm-up. Channels that the old model did not read are computed from the
    /// [kept candles](crate::PredictorBuilder::history); if those are too few, predictions are
    /// `None` until enough candles have come. Predictions have the bits of a predictor that had the
    /// new model from the start, with one exception: a new channel with infinite memory (RSI, MACD)
    /// starts at the oldest kept candle.
    ///
    /// A [stateful](crate::StatefulModel) model continues with the old state if its recurrent
    /// weights are the same, for example after a change of the calibration. Otherwise its state is
    /// recomputed from the kept candles. It is exact if all candles since the start or the last
    /// reset are kept; otherwise it starts from zero at the oldest kept candle.
    ///
    /// A model with another gap policy, or with new channels that read other pairs, starts with a
    /// full warm-up, unless all candles since the last reset are kept and no channel reads another
    /// pair. The swap removes the expiry and the guard of the old model and keeps the feed
    /// statistics.
    ///
    /// # Errors
    /// The errors of [`new`](Self::new). The predictor continues with the old model.
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
        self.model = Arc::new(model);
        (self.valid_until, self.guard) = (None, None);
        (self.sessions, self.undefined) = (Sessions::default(), None);
        Ok(())
    }

    /// Builds pipeline and rows for a new spec from the old ones and the kept candles.
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

    /// Runs the kept candles through a pipeline of `signals`. Calls `each` with the rows of every
    /// candle and whether a reset precedes them.
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
            // The new gap policy stops at a gap that the old one allowed.
            pipeline.reset();
            rows = RowRing::new(lookback, pipeline.width());
            let made = pipeline.update(candle)?;
            rows.take(made);
            seen = 1;
            each(made, true)?;
        }
        Ok(Carried { pipeline, rows, seen })
    }

    /// Combines the current channels and the added ones into the channels of `new`.
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
        // Number of candles until every channel has a value; added channels have seen at most as
        // many candles as the others.
        let wait = added.map_or(0, |(_, c)| c.pipeline.warm_up().saturating_sub(c.seen));
        let seen = match wait.max(pipeline.warm_up().saturating_sub(self.seen)) {
            0 => pipeline.warm_up() + rows.run(),
            wait => pipeline.warm_up().saturating_sub(wait),
        };
        Ok(Carried { pipeline, rows, seen })
    }
}

/// Joins the last rows of several ring buffers, as many as are complete in all of them.
fn join_rows(new: &ModelSpec, rings: &[(&SignalSpec, &RowRing)]) -> RowRing {
    let columns: Vec<(usize, usize)> = new
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
    let mut joined = RowRing::new(new.lookback, columns.len());
    for back in (1..=run).rev() {
        let row = columns.iter().map(|&(ring, column)| {
            let (_, ring) = rings[ring];
            ring.complete()[(ring.run() - back) * ring.width() + column]
        });
        joined.push(&row.collect::<Vec<f64>>());
    }
    joined
}
