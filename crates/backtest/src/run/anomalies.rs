//! Anomalous test candles, by the gate of the training candles of each fold.
use std::ops::Range;

use rayon::prelude::*;
use windvane_candles::Timestamp;
use windvane_models::AnomalyGate;
use windvane_signals::SignalTable;

use super::finished::FinishedRun;
use super::fold::Fold;
use super::tested_rows::{RowsOfFold, TestedRows};

impl FinishedRun<'_> {
    /// Fits a gate on the training candles of each fold and returns whether the gate vetoes each
    /// tested row. A fold with fewer than 500 training candles has no gate.
    pub(super) fn test_anomalies(&self) -> TestedRows<bool> {
        let folds: Vec<&Fold<'_>> = self.folds_done().collect();
        let rows = folds.into_par_iter().flat_map_iter(|fold| self.anomalies_of(fold));
        rows.collect::<Vec<_>>().into_iter().collect()
    }

    fn anomalies_of(&self, fold: &Fold<'_>) -> Vec<RowsOfFold<bool>> {
        let instruments = &self.plan.instruments;
        let series = fold.group.members.iter().map(|member| &instruments[*member].series);
        let Ok((train, _)) = &fold.training_windows else { return Vec::new() };
        let Ok(gate) = AnomalyGate::fit(train, series, self.plan.backtest.seed) else {
            return Vec::new();
        };
        let members = fold.group.members.par_iter().zip(&fold.group.tables);
        let rows = members.enumerate().map(|(index, (member, table))| {
            let anomalies = gate.anomalies(&instruments[*member].series);
            RowsOfFold::new(fold, index, in_table(table, fold.tested_rows(index), &anomalies))
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
