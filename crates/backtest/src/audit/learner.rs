//! A [`Learner`] as a fit function, and a model as a row per candle.
use std::sync::Arc;

use windvane_candles::CandleSeries;
use windvane_models::train::{Learner, Run};
use windvane_models::{FittedModel, TableReader, TrainError};
use windvane_signals::{
    Channel, ChannelSpec, GapPolicy, MarketSnapshot, Registry, SampleSet, SignalError, SignalSpec,
    SignalTable, Split, StateReader, StateWriter,
};

use super::{Exam, Forecast, Inputs};
use crate::run::Backtest;

/// Share of the samples before the split that validates, as when walking forward.
const VALIDATION: f64 = 0.15;

/// Fits on what was settled at the split and forecasts from every window.
pub(super) fn forecasts(
    learner: &dyn Learner,
    settings: &Backtest,
    gaps: GapPolicy,
    exam: &Exam<'_>,
) -> Result<Vec<Forecast>, TrainError> {
    let spec = SignalSpec { channels: settings.channels.clone(), gaps };
    let inputs = table(&spec, &settings.registry, exam.inputs)?;
    let tables = [relabelled(&Arc::new(inputs), exam)?];
    let pool = SampleSet::collect(&tables, settings.lookback, settings.labels)?;
    let split = split(&pool, exam)?;
    let (train, validation) = (split.train(&pool)?, split.validation(&pool)?);
    let model = learner.fit(&train, &validation, &Run::new(settings.seed))?;
    predicted(&*model, &tables[0])
}

/// The rows of the own candles.
pub(super) fn table(
    spec: &SignalSpec,
    registry: &Registry,
    inputs: Inputs<'_>,
) -> Result<SignalTable, SignalError> {
    SignalTable::build(spec, registry, inputs.own, inputs.beside)
}

/// Returns the forecasts of a model for all windows.
pub(super) fn predicted(
    model: &dyn FittedModel,
    table: &SignalTable,
) -> Result<Vec<Forecast>, TrainError> {
    let mut reader = TableReader::new(model, std::slice::from_ref(table));
    let mut forecasts = Vec::new();
    for row in 0..table.len() {
        if let Some(prediction) = reader.predict(0, row)? {
            let score = f64::from(prediction.probabilities.margin());
            forecasts.push(Forecast { decided_at: prediction.decided_at, score });
        }
    }
    Ok(forecasts)
}

fn split(pool: &SampleSet, exam: &Exam<'_>) -> Result<Split, SignalError> {
    let before = pool.samples().partition_point(|sample| sample.decided_at < exam.split);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let validation = (before as f64 * VALIDATION) as usize;
    let from = before.checked_sub(validation).and_then(|index| pool.samples().get(index));
    let hint = "give the audit more candles";
    let from = from.ok_or(SignalError::EmptyPart { part: "training", hint })?;
    Split::builder().validate_from(from.decided_at).test_from(exam.split).embargo(0).build()
}

/// The rows of a table beside the closes of the exam's outcomes: inputs and labels can then be
/// changed apart. Every channel replays its column.
fn relabelled(inputs: &Arc<SignalTable>, exam: &Exam<'_>) -> Result<SignalTable, SignalError> {
    let spec = inputs.spec().clone();
    let mut registry = Registry::default();
    for channel in &spec.channels {
        let inputs = inputs.clone();
        registry.register(channel.name(), move |channel| {
            Ok(Box::new(Replay {
                column: column(&inputs, channel)?,
                inputs: inputs.clone(),
                row: 0,
            }))
        });
    }
    let outcomes: &CandleSeries = exam.outcomes;
    SignalTable::build(&spec, &registry, outcomes, exam.inputs.beside)
}

fn column(inputs: &SignalTable, channel: &ChannelSpec) -> Result<usize, SignalError> {
    let column = inputs.spec().channels.iter().position(|own| own == channel);
    column.ok_or_else(|| SignalError::UnknownChannel {
        name: channel.name().to_string(),
        known: inputs.spec().channels.iter().map(ToString::to_string).collect(),
    })
}

/// A channel that says what a column of a table says, row by row. The times of the candles are
/// the table's, so there is an update for each of its rows, filled ones included.
#[derive(Debug)]
struct Replay {
    inputs: Arc<SignalTable>,
    column: usize,
    row: usize,
}

impl Channel for Replay {
    fn update(&mut self, _: &MarketSnapshot<'_>) -> Option<f64> {
        self.row += 1;
        Some(self.inputs.row(self.row - 1)?[self.column])
    }

    fn warm_up(&self) -> usize {
        0
    }

    // A gap, at which the table went on too.
    fn reset(&mut self) {}

    fn save(&self, state: &mut StateWriter) {
        state.count(self.row);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.row = state.count()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_candles::{Interval, Pair};

    use super::*;
    use crate::audit::future;

    #[test]
    fn replayed_rows_are_the_rows_and_closes_are_those_of_the_outcomes() {
        let whole =
            MarketModel::AR1.candles(Pair::new("SIM").unwrap(), Interval::HOUR, 600, 1).unwrap();
        let kept = whole.iter().enumerate().filter(|(index, _)| !(300..302).contains(index));
        let candles = kept.map(|(_, candle)| *candle).collect();
        let own = CandleSeries::new(whole.pair().clone(), Interval::HOUR, candles).unwrap();
        let outcomes = future::coins(&own, 1, 0);
        let inputs = Inputs { own: &own, beside: &[] };
        let split = own.candles()[400].open_time();
        for gaps in [
            GapPolicy::Reset,
            GapPolicy::Sessions { max_missing: 5 },
            GapPolicy::Hold { max_missing: 5 },
        ] {
            let twice = ChannelSpec::new("momentum").with("lag", 7.0);
            let mut spec = SignalSpec { gaps, ..SignalSpec::default() };
            spec.channels.push(twice);
            let rows = Arc::new(table(&spec, &Registry::default(), inputs).unwrap());
            let same = relabelled(&rows, &Exam { inputs, outcomes: &own, split }).unwrap();
            let other = relabelled(&rows, &Exam { inputs, outcomes: &outcomes, split }).unwrap();
            assert_eq!((rows.len(), rows.len()), (same.len(), other.len()));
            let of_coins =
                table(&spec, &Registry::default(), Inputs { own: &outcomes, beside: &[] });
            let of_coins = of_coins.unwrap();
            for row in 0..rows.len() {
                assert_eq!((rows.row(row), rows.row(row)), (same.row(row), other.row(row)));
                assert_eq!(rows.window(row, 20), other.window(row, 20));
                assert_eq!(rows.outcome(row, 3), same.outcome(row, 3));
                assert_eq!(of_coins.outcome(row, 3), other.outcome(row, 3));
            }
        }
    }
}
