//! Adapters that run a [`Learner`] as a fit function and a model as a row source.
use std::sync::Arc;

use windvane_candles::CandleSeries;
use windvane_models::train::{Learner, Run};
use windvane_models::{FittedModel, TableReader, TrainError};
use windvane_signals::{
    Channel, ChannelSpec, GapPolicy, MarketSnapshot, Registry, SampleSet, SignalError, SignalSpec,
    SignalTable, Split, StateReader, StateWriter,
};

use super::{AuditCandles, AuditInput, Forecast};
use crate::run::Backtest;

/// Fraction of the samples before the split that are validation samples, as in a walk-forward
/// test.
const VALIDATION: f64 = 0.15;

/// Fits a model on the samples settled at the split and forecasts from every window.
pub(super) fn forecasts(
    learner: &dyn Learner,
    settings: &Backtest,
    gaps: GapPolicy,
    input: &AuditInput<'_>,
) -> Result<Vec<Forecast>, TrainError> {
    let spec = SignalSpec { channels: settings.channels.clone(), gaps };
    let inputs = table(&spec, &settings.registry, input.candles)?;
    let tables = [relabelled(&Arc::new(inputs), input)?];
    let pool = SampleSet::collect(&tables, settings.lookback, settings.labels)?;
    let split = split(&pool, input)?;
    let (train, validation) = (split.train(&pool)?, split.validation(&pool)?);
    let model = learner.fit(&train, &validation, &Run::new(settings.seed))?;
    predicted(&*model, &tables[0])
}

/// Computes the rows of the own candles.
pub(super) fn table(
    spec: &SignalSpec,
    registry: &Registry,
    candles: AuditCandles<'_>,
) -> Result<SignalTable, SignalError> {
    SignalTable::build(spec, registry, candles.own, candles.others)
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

fn split(pool: &SampleSet, input: &AuditInput<'_>) -> Result<Split, SignalError> {
    let before = pool.samples().partition_point(|sample| sample.decided_at < input.split);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a count"
    )]
    let validation = (before as f64 * VALIDATION) as usize;
    let from = before.checked_sub(validation).and_then(|index| pool.samples().get(index));
    let hint = "give the audit more candles";
    let from = from.ok_or(SignalError::EmptyPart { part: "training", hint })?;
    Split::builder().validate_from(from.decided_at).test_from(input.split).embargo(0).build()
}

/// Combines the rows of a table with the closes of the outcomes, so that inputs and labels can be
/// modified separately. Every channel replays its column.
fn relabelled(
    inputs: &Arc<SignalTable>,
    input: &AuditInput<'_>,
) -> Result<SignalTable, SignalError> {
    let spec = inputs.spec().clone();
    let mut registry = Registry::default();
    for channel in &spec.channels {
        let inputs = inputs.clone();
        registry.register(channel.name(), move |channel| {
            Ok(Box::new(ReplayChannel {
                column: column(&inputs, channel)?,
                inputs: inputs.clone(),
                row: 0,
            }))
        });
    }
    let outcomes: &CandleSeries = input.outcomes;
    SignalTable::build(&spec, &registry, outcomes, input.candles.others)
}

fn column(inputs: &SignalTable, channel: &ChannelSpec) -> Result<usize, SignalError> {
    let column = inputs.spec().channels.iter().position(|own| own == channel);
    column.ok_or_else(|| SignalError::UnknownChannel {
        name: channel.name().to_string(),
        known: inputs.spec().channels.iter().map(ToString::to_string).collect(),
    })
}

/// Channel that returns the values of a table's column, row by row. The candles have the times of
/// the table, so it is updated once per row, including filled rows.
#[derive(Debug)]
struct ReplayChannel {
    inputs: Arc<SignalTable>,
    column: usize,
    row: usize,
}

impl Channel for ReplayChannel {
    fn update(&mut self, _: &MarketSnapshot<'_>) -> Option<f64> {
        self.row += 1;
        Some(self.inputs.row(self.row - 1)?[self.column])
    }

    fn warm_up(&self) -> usize {
        0
    }

    // The rows of the table continue after a gap.
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
    use crate::audit::modified_series;

    #[test]
    fn relabelled_table_has_rows_of_inputs_and_closes_of_outcomes() {
        let whole =
            MarketModel::AR1.candles(Pair::new("SIM").unwrap(), Interval::HOUR, 600, 1).unwrap();
        let kept = whole.iter().enumerate().filter(|(index, _)| !(300..302).contains(index));
        let kept = kept.map(|(_, candle)| *candle).collect();
        let own = CandleSeries::new(whole.pair().clone(), Interval::HOUR, kept).unwrap();
        let outcomes = modified_series::with_random_directions(&own, 1, 0);
        let candles = AuditCandles { own: &own, others: &[] };
        let split = own.candles()[400].open_time();
        for gaps in [
            GapPolicy::Reset,
            GapPolicy::Sessions { max_missing: 5 },
            GapPolicy::Hold { max_missing: 5 },
        ] {
            let second_momentum = ChannelSpec::new("momentum").with("lag", 7.0);
            let mut spec = SignalSpec { gaps, ..SignalSpec::default() };
            spec.channels.push(second_momentum);
            let registry = Registry::default();
            let rows = Arc::new(table(&spec, &registry, candles).unwrap());
            let same = AuditInput { candles, outcomes: &own, split };
            let same = relabelled(&rows, &same).unwrap();
            let other = AuditInput { candles, outcomes: &outcomes, split };
            let other = relabelled(&rows, &other).unwrap();
            assert_eq!((rows.len(), rows.len()), (same.len(), other.len()));
            let random = AuditCandles { own: &outcomes, others: &[] };
            let random = table(&spec, &registry, random).unwrap();
            for row in 0..rows.len() {
                assert_eq!((rows.row(row), rows.row(row)), (same.row(row), other.row(row)));
                assert_eq!(rows.window(row, 20), other.window(row, 20));
                assert_eq!(rows.outcome(row, 3), same.outcome(row, 3));
                assert_eq!(random.outcome(row, 3), other.outcome(row, 3));
            }
        }
    }
}
