//! Positions, turnover and returns of trading predictions.
use std::ops::AddAssign;

use windvane_candles::{Direction, Interval, Timestamp};

use crate::score::Record;
use crate::score::time_places::TimePlaces;

/// Milliseconds of a year of 365.25 days.
const YEAR: f64 = 365.25 * 86_400_000.0;
/// Maximum time between two candles of a market that closes for holidays, milliseconds.
const MAX_GAP: i64 = 10 * 86_400_000;

/// Gains, losses and turnover of one period, as fractions of the capital.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Flow {
    /// Return before costs.
    pub(crate) gross: f64,
    /// Sum of purchases and sales.
    pub(crate) turnover: f64,
    /// Absolute position.
    pub(crate) exposure: f64,
    /// Gains of winning positions.
    pub(crate) gained: f64,
    /// Losses of losing positions, as a positive number.
    pub(crate) lost: f64,
    /// Share of the capital in winning positions.
    pub(crate) right: f64,
    /// Share of the capital in losing positions.
    pub(crate) wrong: f64,
}

impl Flow {
    /// Return after a fee per unit of turnover.
    pub(crate) fn net(&self, fee: f64) -> f64 {
        self.gross - fee * self.turnover
    }

    /// Divides every sum by the number of instruments.
    fn divide(&mut self, n: f64) {
        self.gross /= n;
        self.turnover /= n;
        self.exposure /= n;
        self.gained /= n;
        self.lost /= n;
        self.right /= n;
        self.wrong /= n;
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, more: Self) {
        self.gross += more.gross;
        self.turnover += more.turnover;
        self.exposure += more.exposure;
        self.gained += more.gained;
        self.lost += more.lost;
        self.right += more.right;
        self.wrong += more.wrong;
    }
}

/// Portfolio with equal parts of the capital in every instrument with a test candle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portfolio {
    /// Times of decision, ascending.
    pub(crate) times: Vec<Timestamp>,
    /// Flow of the period that starts at each time.
    pub(crate) flows: Vec<Flow>,
}

/// Candle with the position over the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldCandle {
    /// Time of the decision.
    pub(crate) time: Timestamp,
    /// Change of the close over the next candle.
    pub(crate) change: f64,
    /// Share of the capital, −1 to 1.
    pub(crate) position: f64,
}

/// Position of an instrument over one candle.
struct Leg {
    gross: f64,
    turnover: f64,
    exposure: f64,
}

impl Leg {
    fn flow(&self) -> Flow {
        let Self { gross, turnover, exposure, .. } = *self;
        Flow {
            gross,
            turnover,
            exposure,
            gained: gross.max(0.0),
            lost: (-gross).max(0.0),
            right: f64::from(gross > 0.0),
            wrong: f64::from(gross < 0.0),
        }
    }
}

/// Whether the next candle of the instrument follows without a gap; a gap closes the position.
fn is_followed_by(record: &Record, next: &Record) -> bool {
    record.instrument == next.instrument && next.row == record.row + 1
}

impl Portfolio {
    /// Trades the predictions, each held for `horizon` candles.
    pub(crate) fn of(
        records: &[Record],
        prediction: impl Fn(&Record) -> Direction,
        horizon: usize,
    ) -> Self {
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_by_key(|record| (record.instrument, record.row));
        let runs = sorted.chunk_by(|a, b| is_followed_by(a, b));
        Self::of_runs(
            records.iter().map(|record| record.decided_at),
            runs.map(|run| {
                let positions = run.iter().enumerate().map(|(index, record)| {
                    let held = &run[(index + 1).saturating_sub(horizon)..=index];
                    let sides = held.iter().map(|one| side(prediction(one)));
                    let position = sides.sum::<f64>() / horizon as f64;
                    HeldCandle { time: record.decided_at, change: record.next_change, position }
                });
                positions.collect()
            }),
        )
    }

    /// Portfolio of runs of consecutive candles of an instrument with their positions; `times` are
    /// those of all candles, in any order. A position is closed at the end of its run.
    pub(crate) fn of_runs(
        times: impl Iterator<Item = Timestamp>,
        runs: impl Iterator<Item = Vec<HeldCandle>>,
    ) -> Self {
        let mut places = TimePlaces::new(times);
        let mut flows = vec![Flow::default(); places.len()];
        let mut counts = vec![0_u32; places.len()];
        for run in runs {
            let mut before = 0.0;
            for (index, HeldCandle { time, change, position }) in run.iter().copied().enumerate() {
                let exit = if index + 1 == run.len() { f64::abs(position) } else { 0.0 };
                let leg = Leg {
                    gross: position * change,
                    turnover: f64::abs(position - before) + exit,
                    exposure: position.abs(),
                };
                before = position;
                // The order of a sum decides its bits: that of the runs.
                let place = places.of(time);
                flows[place] += leg.flow();
                counts[place] += 1;
            }
        }
        for (flow, count) in flows.iter_mut().zip(counts) {
            flow.divide(f64::from(count));
        }
        Self { times: places.into_times(), flows }
    }

    /// Returns after a fee per unit of turnover.
    pub(crate) fn returns(&self, fee: f64) -> Vec<f64> {
        self.flows.iter().map(|flow| flow.net(fee)).collect()
    }

    /// Sum over all periods.
    pub(crate) fn total(&self) -> Flow {
        let mut sum = Flow::default();
        for flow in &self.flows {
            sum += *flow;
        }
        sum
    }

    /// Number of periods per year of tested time, which excludes gaps of more than ten days or
    /// three intervals; `None` for a single time.
    pub(crate) fn periods_per_year(&self, interval: Interval) -> Option<f64> {
        let longest = longest_gap(interval);
        let gaps = self.times.windows(2).map(|two| two[1].millis() - two[0].millis());
        let (mut count, mut sum) = (0.0, 0.0);
        for gap in gaps.filter(|gap| *gap <= longest) {
            count += 1.0;
            sum += gap as f64;
        }
        (sum > 0.0).then(|| count * YEAR / sum)
    }
}

/// Maximum time between two candles of one span of tested time, milliseconds.
pub(crate) fn longest_gap(interval: Interval) -> i64 {
    MAX_GAP.max(3 * interval.millis())
}

/// Position of a prediction: +1, −1 or 0.
pub(crate) fn side(prediction: Direction) -> f64 {
    match prediction {
        Direction::Up => 1.0,
        Direction::Down => -1.0,
        Direction::Neutral => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};

    use super::*;
    use crate::score::testing::record;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    fn predicted(record: &Record) -> Direction {
        record.predicted
    }

    fn turnovers(portfolio: &Portfolio) -> Vec<f64> {
        portfolio.flows.iter().map(|flow| flow.turnover).collect()
    }

    fn per_year(hours: impl Iterator<Item = i64>) -> Option<f64> {
        let records: Vec<Record> = hours.map(|t| record(t, Up, 0.01)).collect();
        Portfolio::of(&records, predicted, 1).periods_per_year(Interval::HOUR)
    }

    // Calculated by hand: long, long, short, flat, short.
    #[test]
    fn portfolio_turnover_and_returns_equal_a_calculation_by_hand() {
        let predictions = [(Up, 0.01), (Up, -0.02), (Down, -0.03), (Neutral, 0.04), (Down, 0.05)];
        let records: Vec<Record> = (0..)
            .zip(predictions)
            .map(|(t, (prediction, change))| record(t, prediction, change))
            .collect();
        let portfolio = Portfolio::of(&records, predicted, 1);
        // Enter, hold, reverse, exit, enter and exit at the end.
        assert_eq!(turnovers(&portfolio), [1.0, 0.0, 2.0, 1.0, 2.0]);
        let net = portfolio.returns(0.001);
        for (got, want) in net.into_iter().zip([0.009, -0.02, 0.028, -0.001, -0.052]) {
            close(got, want);
        }
        close(portfolio.total().exposure, 4.0);
        let total = portfolio.total();
        close(total.gained, 0.04);
        close(total.lost, 0.07);
        assert_eq!((total.right, total.wrong), (2.0, 2.0));
    }

    #[test]
    fn portfolio_closes_the_position_at_a_gap() {
        let records = [0, 1, 5, 6].map(|t| record(t, Up, 0.01));
        assert_eq!(turnovers(&Portfolio::of(&records, predicted, 1)), [1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn portfolio_holds_a_position_for_the_horizon() {
        // Only the change of the next candle matters, not that over the horizon.
        let predictions = [(Up, 0.01), (Up, 0.02), (Down, 0.03), (Down, 0.04)];
        let records: Vec<Record> = (0..)
            .zip(predictions)
            .map(|(t, (prediction, next_change))| Record {
                next_change,
                ..record(t, prediction, 9.0)
            })
            .collect();
        let portfolio = Portfolio::of(&records, predicted, 2);
        // Positions 1/2, 1, 0, -1.
        assert_eq!(turnovers(&portfolio), [0.5, 0.5, 1.0, 2.0]);
        for (got, want) in portfolio.returns(0.0).into_iter().zip([0.005, 0.02, 0.0, -0.04]) {
            close(got, want);
        }
    }

    #[test]
    fn portfolio_weights_instruments_equally_in_any_order_of_records() {
        let second = Record { instrument: 1, ..record(1, Down, 0.04) };
        // The second instrument starts in the second hour.
        let mut records = vec![record(0, Up, 0.02), record(1, Up, 0.02), second];
        let two = Portfolio::of(&records, predicted, 1);
        close(two.flows[0].gross, 0.02);
        close(two.flows[1].gross, -0.01);
        // The first holds and exits, 1; the second enters and exits, 2.
        close(two.flows[1].turnover, 1.5);
        records.reverse();
        assert_eq!(Portfolio::of(&records, predicted, 1).flows, two.flows);
    }

    #[test]
    fn periods_per_year_count_tested_time_only() {
        close(per_year(0..100).unwrap(), 8_766.0);
        // Four untested years between two tests.
        close(per_year((0..100).chain(35_000..35_100)).unwrap(), 8_766.0);
        // Closed every other day.
        let half = per_year((0..4_800).filter(|t| t / 24 % 2 == 0)).unwrap();
        assert!((half / 4_383.0 - 1.0).abs() < 0.01, "{half}");
        assert_eq!(per_year(0..1), None);
    }
}
