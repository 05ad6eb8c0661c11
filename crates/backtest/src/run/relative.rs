//! Baselines of a relative label: the last relative move, the volatility, the own past share.
use windvane_candles::Direction;
use windvane_signals::{Band, LabelSpec, PanelMedian, Sample, SampleSet, SignalError, TrainSet};

use crate::score::{Baseline, BaselinePredictions};

/// Predictions of the baselines of a relative label for a test window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelativeBaselines {
    opposite_of_last: Direction,
    lowest_volatility: Direction,
    own_share: Direction,
}

impl RelativeBaselines {
    /// Predicts all test windows; the list is empty if the label is not relative. The panel is that
    /// of the test windows.
    pub(crate) fn of(test: &SampleSet, train: Option<&TrainSet>) -> Result<Vec<Self>, SignalError> {
        let LabelSpec { horizon, band } = test.labels();
        if band != Band::Relative {
            return Ok(Vec::new());
        }
        let shares = own_shares(test.tables().len(), train);
        let mut panel = PanelMedian::new(test.tables())?;
        let samples = test.samples().iter();
        Ok(samples
            .map(|sample| Self {
                opposite_of_last: last_move(&mut panel, sample, horizon).opposite(),
                lowest_volatility: lowest_volatility(&mut panel, sample),
                own_share: shares[sample.table()],
            })
            .collect())
    }

    /// Adds the predictions to those of the other rules.
    pub(crate) fn add_to(self, rules: BaselinePredictions) -> BaselinePredictions {
        rules
            .with(Baseline::OppositeOfLastRelative, self.opposite_of_last)
            .with(Baseline::LowestVolatility, self.lowest_volatility)
            .with(Baseline::OwnShare, self.own_share)
    }
}

/// Direction of the relative move over the last `horizon` candles before a decision; NEUTRAL if
/// unknown.
fn last_move(panel: &mut PanelMedian<'_>, sample: &Sample, horizon: usize) -> Direction {
    let before = sample.row().checked_sub(horizon);
    let moved = before.and_then(|row| panel.outcome(sample.table(), row, horizon));
    moved.map_or(Direction::Neutral, |outcome| Direction::from_change(outcome.change))
}

/// UP below the median volatility of the panel, else DOWN; NEUTRAL if unknown.
fn lowest_volatility(panel: &mut PanelMedian<'_>, sample: &Sample) -> Direction {
    let over = panel.volatility(sample.table(), sample.row(), LabelSpec::VOLATILITY_LOOKBACK);
    over.map_or(Direction::Neutral, |over| if over < 0.0 { Direction::Up } else { Direction::Down })
}

/// Majority class of UP and DOWN among the training labels of each table, UP on a tie; NEUTRAL
/// without any.
fn own_shares(tables: usize, train: Option<&TrainSet>) -> Vec<Direction> {
    let mut counts = vec![[0_usize; 3]; tables];
    for sample in train.into_iter().flat_map(|train| train.samples()) {
        counts[sample.table()][sample.label().index()] += 1;
    }
    let shares = counts.into_iter().map(|[up, down, _]| match (up, down) {
        (0, 0) => Direction::Neutral,
        _ if down > up => Direction::Down,
        _ => Direction::Up,
    });
    shares.collect()
}

#[cfg(test)]
mod tests {
    use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
    use windvane_signals::{ChannelSpec, Registry, SignalSpec, SignalTable, Split};

    use super::*;
    use Direction::{Down, Neutral, Up};

    /// Hourly closes that alternate between 100 and 100 + `size`, plus `drift` per candle.
    fn table(name: &str, size: f64, drift: f64) -> SignalTable {
        jumping(name, size, drift, 0.0)
    }

    /// The same closes, higher by `jump` from hour 70 on.
    fn jumping(name: &str, size: f64, drift: f64, jump: f64) -> SignalTable {
        let candles = (0..80_i32).map(|hour| {
            let wave = if hour % 2 == 0 { 0.0 } else { size };
            let later = if hour < 70 { 0.0 } else { jump };
            let close = 100.0 + wave + later + drift * f64::from(hour);
            let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
            Candle::new(Timestamp::from_millis(i64::from(hour) * 3_600_000), values).unwrap()
        });
        let pair = windvane_candles::Pair::new(name).unwrap();
        let series = CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap();
        let channels = vec![ChannelSpec::new("momentum").with("lag", 2.0)];
        let spec = SignalSpec { channels, ..SignalSpec::default() };
        SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap()
    }

    #[test]
    fn relative_baselines_follow_their_rules() {
        // A rises in odd hours by more than B and falls in even ones; C always rises most slowly.
        let tables = [table("A", 3.0, 0.0), table("B", 1.0, 0.0), table("C", 0.0, 0.001)];
        let labels = LabelSpec { horizon: 1, band: Band::Relative };
        let pool = SampleSet::collect(&tables, 2, labels).unwrap();
        let hour = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let split = Split::builder().validate_from(hour(50)).test_from(hour(60));
        let split = split.embargo(0).build().unwrap();
        let (train, test) = (split.train(&pool).unwrap(), split.test(&pool));
        let baselines = RelativeBaselines::of(&test, Some(&train)).unwrap();
        assert_eq!(baselines.len(), test.len());
        for (sample, own) in test.samples().iter().zip(&baselines) {
            // B is the median of every move, so its relative move is 0.
            let last = match (sample.table(), sample.row() % 2) {
                (1, _) => Neutral,
                (0, 1) | (2, 0) => Up,
                _ => Down,
            };
            assert_eq!(own.opposite_of_last, last.opposite(), "{sample:?}");
            // B has the median volatility: not below it.
            assert_eq!(own.lowest_volatility, if sample.table() == 2 { Up } else { Down });
            // B has no label but NEUTRAL.
            assert_eq!(own.own_share == Neutral, sample.table() == 1);
        }
        let without = RelativeBaselines::of(&test, None).unwrap();
        assert!(without.iter().all(|own| own.own_share == Neutral));
    }

    #[test]
    fn own_share_is_the_majority_of_the_own_training_labels() {
        let tables = [table("A", 3.0, 0.0), table("B", 1.0, 0.0), table("C", 0.0, 0.001)];
        let labels = LabelSpec { horizon: 1, band: Band::Relative };
        let pool = SampleSet::collect(&tables, 2, labels).unwrap();
        let hour = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        for until in [50, 51] {
            let split = Split::builder().validate_from(hour(until)).test_from(hour(60));
            let train = split.embargo(0).build().unwrap().train(&pool).unwrap();
            let expected = [0, 1, 2].map(|table| {
                match train.filtered(|sample| sample.table() == table).class_counts() {
                    [0, 0, _] => Neutral,
                    [up, down, _] if down > up => Down,
                    _ => Up,
                }
            });
            assert_eq!(own_shares(3, Some(&train)), expected);
        }
    }

    #[test]
    fn relative_baselines_are_independent_of_later_candles() {
        let hour = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let split = Split::builder().validate_from(hour(50)).test_from(hour(60));
        let split = split.embargo(0).build().unwrap();
        let [before, changed] = [0.0, 40.0].map(|jump| {
            let tables = [
                jumping("A", 3.0, 0.0, jump),
                jumping("B", 1.0, 0.0, 0.0),
                jumping("C", 0.0, 0.001, -jump),
            ];
            let labels = LabelSpec { horizon: 1, band: Band::Relative };
            let pool = SampleSet::collect(&tables, 2, labels).unwrap();
            let (train, test) = (split.train(&pool).unwrap(), split.test(&pool));
            let all = RelativeBaselines::of(&test, Some(&train)).unwrap();
            let times = test.samples().iter().map(|sample| sample.decided_at);
            let (known, later): (Vec<_>, Vec<_>) =
                times.zip(all).partition(|(decided_at, _)| *decided_at <= hour(70));
            (known, later)
        });
        // The candle of hour 69 closes at hour 70.
        assert_eq!(before.0, changed.0);
        assert_eq!(before.0.len(), 3 * 11);
        assert_ne!(before.1, changed.1);
    }

    #[test]
    fn relative_baselines_of_another_label_are_empty() {
        let pool = SampleSet::collect(&[table("A", 3.0, 0.0)], 2, LabelSpec::default()).unwrap();
        assert!(RelativeBaselines::of(&pool, None).unwrap().is_empty());
    }
}
