//! Median of a panel: changes and volatilities of pairs relative to those of all pairs.
use std::collections::HashMap;

use windvane_candles::Timestamp;

use super::label::deviation;
use crate::{Outcome, SignalError, SignalTable};

/// Minimum number of pairs with a value, for a median.
const MIN_PAIRS: usize = 3;

/// Medians over the pairs of a panel, one table each: of log changes between two times, and of
/// volatilities at a time.
///
/// A median is over the pairs that have the values, the own pair included, and undefined with fewer
/// than 3 of them. Each is computed once.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
/// # fn series(name: &str, closes: [f64; 2]) -> CandleSeries {
/// #     let candles = closes.iter().zip(0..).map(|(&close, hour)| {
/// #         let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #         Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// #     });
/// #     CandleSeries::new(name.parse().unwrap(), Interval::HOUR, candles.collect()).unwrap()
/// # }
/// use windvane_signals::{PanelMedian, Registry, SignalSpec, SignalTable};
///
/// let panel = [series("A", [100.0, 110.0]), series("B", [100.0, 101.0]), series("C", [100.0, 90.0])];
/// let tables = panel.map(|series| {
///     SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[]).unwrap()
/// });
/// let mut medians = PanelMedian::new(&tables)?;
/// let change = medians.outcome(0, 0, 1).unwrap().change;
/// assert!((change - (110.0_f64 / 101.0).ln()).abs() < 1e-12); // B is the median
/// assert_eq!(medians.outcome(1, 0, 1).unwrap().change, 0.0);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct PanelMedian<'a> {
    tables: &'a [SignalTable],
    /// Median log change by the close times of its two ends.
    changes: HashMap<(Timestamp, Timestamp), Option<f64>>,
    /// Median standard deviation of the changes by close time and number of changes.
    deviations: HashMap<(Timestamp, usize), Option<f64>>,
}

impl<'a> PanelMedian<'a> {
    /// Creates the medians of a panel.
    ///
    /// # Errors
    /// [`SignalError::SmallPanel`] with fewer than 3 tables.
    pub fn new(tables: &'a [SignalTable]) -> Result<Self, SignalError> {
        if tables.len() < MIN_PAIRS {
            return Err(SignalError::SmallPanel { expected: MIN_PAIRS, got: tables.len() });
        }
        Ok(Self { tables, changes: HashMap::new(), deviations: HashMap::new() })
    }

    /// Returns the log change of a table's close from row `index` to `horizon` rows later minus the
    /// panel's median between the same times; `None` if either is undefined.
    pub fn outcome(&mut self, table: usize, index: usize, horizon: usize) -> Option<Outcome> {
        let own = self.tables.get(table)?;
        let settled_at = own.outcome(index, horizon)?.settled_at;
        let decided_at = own.close_time(index)?;
        let change = log_change(own, decided_at, settled_at)?;
        let tables = self.tables;
        let median = *self.changes.entry((decided_at, settled_at)).or_insert_with(|| {
            median(tables.iter().filter_map(|table| log_change(table, decided_at, settled_at)))
        });
        Some(Outcome { change: change - median?, settled_at })
    }

    /// Returns the standard deviation of a table's last `lookback` one-candle changes up to row
    /// `index` minus the panel's median at the same time; `None` if either is undefined.
    pub fn volatility(&mut self, table: usize, index: usize, lookback: usize) -> Option<f64> {
        let own = self.tables.get(table)?;
        let at = own.close_time(index)?;
        let volatility = deviation(own, index, lookback)?;
        let tables = self.tables;
        let median = *self.deviations.entry((at, lookback)).or_insert_with(|| {
            median(
                tables
                    .iter()
                    .filter_map(|table| deviation(table, table.row_closed_at(at)?, lookback)),
            )
        });
        Some(volatility - median?)
    }
}

/// Log change of the close between two close times; `None` unless the table has a candle of its own
/// at both.
fn log_change(table: &SignalTable, from: Timestamp, until: Timestamp) -> Option<f64> {
    let [from, until] = [from, until].map(|at| table.close(table.row_closed_at(at)?));
    Some((until? / from?).ln())
}

/// Median; `None` with fewer than [`MIN_PAIRS`] values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0..MIN_PAIRS => None,
        even if even % 2 == 0 => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        _ => Some(sorted[middle]),
    }
}
