//! What is left at the end: the report of the backtest over the candles that were streamed.
use std::collections::HashMap;
use std::sync::Arc;

use windvane::backtest::{Backtest, Instrument, Plan, Report};
use windvane::models::train::{Learner, Run};
use windvane::models::{ModelId, TableReader};
use windvane::prelude::*;
use windvane::signals::{TrainSet, ValidationSet};

use super::feed::FeedStats;
use super::trader::Trader;

type Error = Box<dyn std::error::Error>;

/// Share of the past whose calls say how sure the model is as a rule.
const VALIDATION: f64 = 0.3;

/// Learns nothing: the model that traded is the one that is tested.
#[derive(Debug)]
struct Fitted(Arc<dyn FittedModel>);

impl Learner for Fitted {
    fn id(&self) -> &ModelId {
        self.0.id()
    }

    fn fit(
        &self,
        _: &TrainSet<'_>,
        _: &ValidationSet<'_>,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(Arc::clone(&self.0)))
    }
}

/// A backtest of the model that traded, over the streamed candles, with baselines that learned from
/// the past before them.
pub(crate) fn report(trader: &Trader, ledger: &FeedStats) -> Result<Report, Error> {
    let series = trader.series()?;
    let first = trader.live_from.ok_or("no streamed candle closed, so there is no report")?;
    let test_from = series.close_time(first).ok_or("the first streamed candle is lost")?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let chosen_on = (first as f64 * (1.0 - VALIDATION)) as usize;
    let validate_from = series.close_time(chosen_on).ok_or("there is no past")?;
    let spec = trader.model.spec();
    let backtest = Backtest {
        channels: spec.signals.channels.clone(),
        gaps: Some(spec.signals.gaps),
        lookback: spec.lookback,
        labels: spec.labels,
        plan: Plan::Once { validate_from, test_from, embargo: 0 },
        costs: vec![trader.cost],
        ..Backtest::default()
    };
    let equal = compare(trader, &series)?;
    let instruments = [Instrument { series, test_only: false }];
    let learners: [Box<dyn Learner>; 1] = [Box::new(Fitted(Arc::clone(&trader.model)))];
    let mut report = backtest.run(&instruments, &learners, &|_| {})?;
    report.run.command = Some(std::env::args().collect::<Vec<_>>().join(" "));
    report.run.notes = notes(trader, ledger, equal, test_from);
    Ok(report)
}

fn notes(trader: &Trader, ledger: &FeedStats, equal: usize, test_from: Timestamp) -> Vec<String> {
    let FeedStats { disconnections, repeated, fetched, missing, .. } = ledger;
    let mut notes = vec![
        format!(
            "paper trading: {} streamed candles, all {equal} live predictions equal those of this \
             backtest bit for bit",
            trader.streamed()
        ),
        format!(
            "the stream: {disconnections} disconnections, {repeated} candles repeated, {fetched} \
             fetched after they had closed, so that their calls came late, {missing} that never \
             came"
        ),
        "the model was fitted before: training and validation windows here serve the baselines \
         and the thresholds"
            .to_string(),
    ];
    if let Some(until) = trader.model.record().map(|record| record.until)
        && until > test_from
    {
        notes.push(format!(
            "the model learned from candles up to {until}, so some of these were no secret to it"
        ));
    }
    notes
}

/// How many live predictions there were, once it is sure that they have the bits of the batch
/// path, and that it has no others.
fn compare(trader: &Trader, series: &CandleSeries) -> Result<usize, Error> {
    let spec = trader.model.spec();
    let table = SignalTable::build(&spec.signals, &Registry::default(), series, &[])?;
    let mut reader = TableReader::new(&*trader.model, std::slice::from_ref(&table));
    let first = trader.live_from.and_then(|row| series.close_time(row));
    let mut batch = HashMap::new();
    for row in 0..table.len() {
        // A row that stands for a missing candle is predicted from by nobody.
        let prediction = reader.predict(0, row)?;
        if let Some(prediction) = prediction.filter(|said| Some(said.decided_at) >= first) {
            batch.insert(prediction.decided_at, prediction);
        }
    }
    for decision in &trader.decisions {
        let live = &decision.prediction;
        let expected = batch.remove(&live.decided_at);
        if expected.as_ref() != Some(live) {
            return Err(format!("live {live:?}, in the batch {expected:?}").into());
        }
    }
    if let Some((_, prediction)) = batch.iter().next() {
        return Err(format!("only the batch has {prediction:?}").into());
    }
    Ok(trader.decisions.len())
}
