//! From calls to positions, turnover and returns.
use windvane_candles::{Direction, Timestamp};

use crate::Record;
use crate::trading::side;

/// Milliseconds of a year of 365.25 days.
const YEAR: f64 = 365.25 * 86_400_000.0;

/// What one period moves, as fractions of the capital.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Flow {
    /// Return before costs.
    pub(crate) gross: f64,
    /// What is bought and sold.
    pub(crate) turnover: f64,
    /// The absolute position.
    pub(crate) exposure: f64,
    /// The absolute return before costs.
    pub(crate) at_stake: f64,
}

impl Flow {
    /// Return after a fee per unit of turnover.
    pub(crate) fn net(&self, fee: f64) -> f64 {
        self.gross - fee * self.turnover
    }

    fn add(&mut self, other: &Self) {
        self.gross += other.gross;
        self.turnover += other.turnover;
        self.exposure += other.exposure;
        self.at_stake += other.at_stake;
    }
}

/// Equal parts of the capital in every instrument with a test candle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portfolio {
    /// Moments of decision, rising.
    pub(crate) times: Vec<Timestamp>,
    /// One per time.
    pub(crate) flows: Vec<Flow>,
}

/// One candle of one instrument.
struct Step {
    instrument: usize,
    row: usize,
    time: Timestamp,
    change: f64,
    side: f64,
}

impl Portfolio {
    /// Trades the calls, each held for `horizon` candles.
    pub(crate) fn of(
        records: &[Record],
        call: impl Fn(&Record) -> Direction,
        horizon: usize,
    ) -> Self {
        let mut flows = Vec::new();
        // Without a gap between them; a gap closes the position.
        let neighbours = |a: &Step, b: &Step| a.instrument == b.instrument && b.row == a.row + 1;
        for run in steps(records, call).chunk_by(neighbours) {
            let mut before = 0.0;
            for (index, step) in run.iter().enumerate() {
                let held = &run[(index + 1).saturating_sub(horizon)..=index];
                let position = held.iter().map(|step| step.side).sum::<f64>() / horizon as f64;
                let exit = if index + 1 == run.len() { f64::abs(position) } else { 0.0 };
                let flow = Flow {
                    gross: position * step.change,
                    turnover: f64::abs(position - before) + exit,
                    exposure: position.abs(),
                    at_stake: (position * step.change).abs(),
                };
                flows.push((step.time, flow));
                before = position;
            }
        }
        flows.sort_by_key(|(time, _)| *time);
        let mut portfolio = Self::default();
        for at_once in flows.chunk_by(|a, b| a.0 == b.0) {
            let mut sum = Flow::default();
            for (_, flow) in at_once {
                sum.add(flow);
            }
            let n = at_once.len() as f64;
            portfolio.times.push(at_once[0].0);
            portfolio.flows.push(Flow {
                gross: sum.gross / n,
                turnover: sum.turnover / n,
                exposure: sum.exposure / n,
                at_stake: sum.at_stake / n,
            });
        }
        portfolio
    }

    /// Returns after a fee per unit of turnover.
    pub(crate) fn returns(&self, fee: f64) -> Vec<f64> {
        self.flows.iter().map(|flow| flow.net(fee)).collect()
    }

    /// All periods added up.
    pub(crate) fn total(&self) -> Flow {
        let mut sum = Flow::default();
        for flow in &self.flows {
            sum.add(flow);
        }
        sum
    }

    /// As many as there were per year; `None` for a single time.
    pub(crate) fn periods_per_year(&self) -> Option<f64> {
        let (first, last) = (self.times.first()?.millis(), self.times.last()?.millis());
        let periods = self.times.len() as f64 - 1.0;
        (last > first).then(|| periods * YEAR / (last - first) as f64)
    }
}

/// One step per candle: several records of one are averaged.
fn steps(records: &[Record], call: impl Fn(&Record) -> Direction) -> Vec<Step> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by_key(|record| (record.instrument, record.row));
    let same = |a: &&Record, b: &&Record| (a.instrument, a.row) == (b.instrument, b.row);
    let step = |tests: &[&Record]| {
        let one = tests[0];
        let sides: f64 = tests.iter().map(|record| side(call(record))).sum();
        Step {
            instrument: one.instrument,
            row: one.row,
            time: one.decided_at,
            change: one.next_change,
            side: sides / tests.len() as f64,
        }
    };
    sorted.chunk_by(same).map(step).collect()
}
