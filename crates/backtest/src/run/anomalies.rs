//! Anomalous test candles, by the gate of the training candles of each fold.
use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use windvane_candles::{Interval, Timestamp};
use windvane_models::AnomalyGate;
use windvane_signals::SignalTable;

use super::finished::FinishedRun;
use super::fold::Fold;
use crate::score::Record;

/// Anomalous rows of every instrument of a fold, among the tested ones.
#[derive(Debug, Default)]
pub(super) struct TestAnomalies {
    /// First row, and whether each row from it on is an anomaly, by interval, fold and instrument.
    rows: BTreeMap<(Interval, usize, usize), TestedRows>,
}

/// First row and the marks from it on.
type TestedRows = (usize, Vec<bool>);

impl TestAnomalies {
    /// Whether the gate vetoes the prediction of a record; `None` in a fold without a gate.
    pub(super) fn of(&self, record: &Record) -> Option<bool> {
        let key = (record.interval, record.fold, record.instrument);
        let (first, marks) = self.rows.get(&key)?;
        marks.get(record.row.checked_sub(*first)?).copied()
    }
}

impl FinishedRun<'_> {
    /// Fits a gate on the training candles of each fold and returns the anomalous rows. A fold with
    /// fewer than 500 training candles has no gate.
    pub(super) fn test_anomalies(&self) -> TestAnomalies {
        let folds: Vec<&Fold<'_>> = self.folds_done().collect();
        let rows = folds.into_par_iter().flat_map_iter(|fold| self.anomalies_of(fold));
        TestAnomalies { rows: rows.collect() }
    }

    fn anomalies_of(&self, fold: &Fold<'_>) -> Vec<((Interval, usize, usize), TestedRows)> {
        let instruments = &self.plan.instruments;
        let series = fold.group.members.iter().map(|member| &instruments[*member].series);
        let Ok((train, _)) = &fold.training_windows else { return Vec::new() };
        let Ok(gate) = AnomalyGate::fit(train, series, self.plan.backtest.seed) else {
            return Vec::new();
        };
        let members = fold.group.members.par_iter().zip(&fold.group.tables);
        let rows = members.enumerate().map(|(index, (member, table))| {
            let key = (fold.interval(), fold.number, *member);
            let (rows, anomalies) =
                (fold.tested_rows(index), gate.anomalies(&instruments[*member].series));
            (key, (rows.start, in_table(table, rows, &anomalies)))
        });
        rows.collect()
    }
}

/// Whether the candles of some rows of a table are among the anomalies; a row without a candle of its
/// own is not.
fn in_table(table: &SignalTable, rows: Range<usize>, anomalies: &[Timestamp]) -> Vec<bool> {
    let rows = rows.map(|row| table.open_time(row));
    rows.map(|at| at.is_some_and(|at| anomalies.binary_search(&at).is_ok())).collect()
}
