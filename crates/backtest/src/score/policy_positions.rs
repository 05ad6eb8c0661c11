//! Positions of a policy on test candles, and the trades that they amount to.
use serde::Serialize;
use windvane_candles::Timestamp;
use windvane_models::{Policy, Position};

use crate::metrics::share;
use crate::score::Record;
use crate::score::expected_move::FoldPolicies;
use crate::score::portfolio::HeldCandle;

/// Consecutive test candles of one instrument and fold.
pub(crate) struct TestRun<'a> {
    pub(crate) records: &'a [Record],
    /// Policies of the fold.
    pub(crate) policies: &'a FoldPolicies,
}

/// Sorts records for [`runs`].
pub(crate) fn sort_for_runs(records: &mut [Record]) {
    records.sort_unstable_by_key(|record| (record.instrument, record.fold, record.row));
}

/// Divides records, sorted by instrument, fold and row, into runs without a gap; `None` if a fold
/// has no policies.
pub(crate) fn runs<'a>(
    records: &'a [Record],
    folds: &'a [FoldPolicies],
) -> Option<Vec<TestRun<'a>>> {
    let follows = |one: &Record, next: &Record| {
        one.instrument == next.instrument && one.fold == next.fold && next.row == one.row + 1
    };
    let runs = records.chunk_by(follows).map(|records| {
        let policies = folds.iter().find(|fold| fold.fold == records[0].fold)?;
        Some(TestRun { records, policies })
    });
    runs.collect()
}

impl TestRun<'_> {
    /// Positions of one of the policies, or of a constant long position for `None`, acted on with a
    /// delay of some candles. Every run starts without a position.
    pub(crate) fn held(&self, policy: Option<usize>, delay: usize) -> Vec<HeldCandle> {
        let sizes: Vec<f64> = match policy {
            None => vec![1.0; self.records.len()],
            Some(index) => sizes(&self.policies.policies[index], self.records),
        };
        let delayed = std::iter::repeat_n(0.0, delay).chain(sizes);
        let candles = self.records.iter().zip(delayed).map(|(record, position)| HeldCandle {
            time: record.decided_at,
            change: record.next_change,
            position,
        });
        candles.collect()
    }

    /// Trades of positions on the candles of this run: the longest spans with the same position.
    pub(crate) fn trades(&self, held: &[HeldCandle]) -> Vec<TradeSpan> {
        let mut trades = Vec::new();
        let mut first = 0;
        for span in held.chunk_by(|a, b| a.position.to_bits() == b.position.to_bits()) {
            let until = first + span.len();
            if span[0].position != 0.0 {
                let last = &self.records[until - 1];
                let next = self.records.get(until).map(|record| record.decided_at);
                let end = || last.decided_at.plus(last.interval, 1).unwrap_or(last.decided_at);
                trades.push(TradeSpan {
                    instrument: last.instrument,
                    fold: last.fold,
                    entered_at: span[0].time,
                    left_at: next.unwrap_or_else(end),
                    position: span[0].position,
                    candles: span.len(),
                    gross: span.iter().map(|one| one.position * one.change).sum(),
                });
            }
            first = until;
        }
        trades
    }
}

/// Sizes of the positions of a policy, candle by candle.
fn sizes(policy: &Policy, records: &[Record]) -> Vec<f64> {
    let mut position = Position::NONE;
    let mut sizes = Vec::with_capacity(records.len());
    for record in records {
        let score = record.volatility.map(|sigma| Policy::score(record.probabilities, sigma));
        position = policy.next(position, score);
        sizes.push(position.size());
    }
    sizes
}

/// Trade of a policy: a position from its entry to its exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TradeSpan {
    pub(crate) instrument: usize,
    pub(crate) fold: usize,
    pub(crate) entered_at: Timestamp,
    pub(crate) left_at: Timestamp,
    /// Share of the capital, −1 to 1.
    pub(crate) position: f64,
    /// Number of candles held.
    pub(crate) candles: usize,
    /// Sum of the position times the change of each candle held.
    pub(crate) gross: f64,
}

impl TradeSpan {
    /// Result after a fee per unit of turnover, paid at the entry and at the exit.
    fn net(&self, fee: f64) -> f64 {
        self.gross - 2.0 * fee * self.position.abs()
    }
}

/// Number and results of the trades of a policy, after costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TradeSummary {
    /// Number of trades: spans of candles with the same position.
    pub trades: usize,
    /// Share of the trades with a gain; `None` without trades.
    pub hit_rate: Option<f64>,
    /// Profit factor: sum of the gains divided by the sum of the losses; `None` without losses.
    pub profit_factor: Option<f64>,
    /// Mean gain of the trades with a gain, a fraction of the capital of the instrument.
    pub mean_win: Option<f64>,
    /// Mean loss of the trades with a loss, a positive fraction.
    pub mean_loss: Option<f64>,
    /// Mean holding time, candles.
    pub mean_holding: Option<f64>,
}

impl TradeSummary {
    /// Summary after a fee per unit of turnover.
    pub(crate) fn of(trades: &[TradeSpan], fee: f64) -> Self {
        let (mut wins, mut losses, mut won, mut lost) = (0, 0, 0.0, 0.0);
        for net in trades.iter().map(|trade| trade.net(fee)) {
            wins += usize::from(net > 0.0);
            losses += usize::from(net < 0.0);
            won += net.max(0.0);
            lost += (-net).max(0.0);
        }
        let candles: usize = trades.iter().map(|trade| trade.candles).sum();
        Self {
            trades: trades.len(),
            hit_rate: share(wins, trades.len()),
            profit_factor: (lost > 0.0).then(|| won / lost),
            mean_win: (wins > 0).then(|| won / wins as f64),
            mean_loss: (losses > 0).then(|| lost / losses as f64),
            mean_holding: share(candles, trades.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::{Down, Up};
    use windvane_models::PolicyConfig;

    use super::*;
    use crate::score::portfolio::Portfolio;
    use crate::score::testing::{mostly_right, record};

    fn fold(policies: Vec<Policy>) -> FoldPolicies {
        FoldPolicies { fold: 1, policies, thresholds: [0.0; 4] }
    }

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    #[test]
    fn policy_of_every_candle_equals_trading_every_prediction() {
        let mut records = mostly_right(300);
        records.retain(|record| record.row % 50 != 7);
        let folds = [fold(vec![Policy::every_candle()])];
        let runs = runs(&records, &folds).unwrap();
        assert_eq!(runs.len(), 7);
        let times = records.iter().map(|record| record.decided_at);
        let policy = Portfolio::of_runs(times, runs.iter().map(|run| run.held(Some(0), 0)));
        let every = Portfolio::of(&records, |record| record.predicted, 1);
        assert_eq!((policy.times, policy.flows), (every.times, every.flows));
    }

    // Calculated by hand: scores ±0.004 enter above 0.003, at σ 0.01 and margins ±0.4.
    #[test]
    fn policy_positions_and_trades_equal_a_calculation_by_hand() {
        let config = PolicyConfig { max_holding: Some(2), ..PolicyConfig::default() };
        let scores = (0..100).map(|k| if k < 5 { 1.0 } else { 0.003 });
        let folds = [fold(vec![Policy::fit(config, scores).unwrap()])];
        let calm = |record: Record| Record { volatility: Some(0.001), ..record };
        let records = [
            record(0, Up, 0.01),
            calm(record(1, Up, 0.02)),
            calm(record(2, Up, 0.04)),
            record(3, Down, 0.01),
            calm(record(4, Up, 0.05)),
            record(5, Up, -0.03),
        ];
        let runs = runs(&records, &folds).unwrap();
        let held = runs[0].held(Some(0), 0);
        let sizes: Vec<f64> = held.iter().map(|one| one.position).collect();
        // Enter, hold, leave after two candles, enter short, leave as the sign turns, enter.
        assert_eq!(sizes, [1.0, 1.0, 0.0, -1.0, 0.0, 1.0]);
        let late: Vec<f64> = runs[0].held(Some(0), 1).iter().map(|one| one.position).collect();
        assert_eq!(late, [0.0, 1.0, 1.0, 0.0, -1.0, 0.0]);
        let trades = runs[0].trades(&held);
        let brief: Vec<(usize, i64)> =
            trades.iter().map(|t| (t.candles, t.left_at.millis() / 3_600_000)).collect();
        assert_eq!(brief, [(2, 2), (1, 4), (1, 6)]);
        let summary = TradeSummary::of(&trades, 0.001);
        close(trades[0].gross, 0.03);
        assert_eq!((summary.trades, summary.hit_rate), (3, Some(1.0 / 3.0)));
        close(summary.mean_win.unwrap(), 0.028);
        close(summary.mean_loss.unwrap(), f64::midpoint(0.012, 0.032));
        close(summary.profit_factor.unwrap(), 0.028 / 0.044);
        close(summary.mean_holding.unwrap(), 4.0 / 3.0);
        // The gross results of the trades are those of the portfolio.
        let times: Vec<Timestamp> = held.iter().map(|one| one.time).collect();
        let portfolio = Portfolio::of_runs(times.into_iter(), std::iter::once(held));
        close(trades.iter().map(|trade| trade.gross).sum(), portfolio.total().gross);
        close(portfolio.total().turnover, 6.0);
    }

    #[test]
    fn positions_before_a_candle_do_not_depend_on_later_records() {
        let records = mostly_right(200);
        let config = PolicyConfig { share: 1.0, exit: -0.5, ..PolicyConfig::default() };
        let folds = [fold(vec![Policy::fit(config, [0.001]).unwrap()])];
        let positions = |records: &[Record]| -> Vec<f64> {
            let runs = runs(records, &folds).unwrap();
            runs.iter().flat_map(|run| run.held(Some(0), 1)).map(|one| one.position).collect()
        };
        let mut changed = records.clone();
        for one in &mut changed[100..] {
            *one = Record { volatility: None, next_change: 9.0, change: -9.0, ..*one };
        }
        assert_eq!(positions(&records)[..101], positions(&changed)[..101]);
    }

    #[test]
    fn records_of_a_fold_without_policies_give_no_runs() {
        let records = mostly_right(10);
        assert!(runs(&records, &[]).is_none());
        assert_eq!(TradeSummary::of(&[], 0.1).hit_rate, None);
    }
}
