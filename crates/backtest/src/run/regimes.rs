//! Regimes of the test candles, by quantiles of the training candles of each fold.
use std::ops::Range;

use windvane_candles::{Candle, Ohlcv};
use windvane_signals::channels::Regime;
use windvane_signals::{ChannelSpec, MarketSnapshot, Registry, SignalTable};

use super::finished::FinishedRun;
use super::tested_rows::{RowsOfFold, TestedRows};

impl FinishedRun<'_> {
    /// Measures the terciles of the volatility on the training candles of each fold and returns
    /// the regimes of the tested rows under them; a fold without terciles has none.
    pub(super) fn test_regimes(&self) -> TestedRows<Option<u8>> {
        let mut regimes = Vec::new();
        for fold in self.folds_done() {
            let Ok((train, _)) = &fold.training_windows else { continue };
            let Ok(spec) = Regime::fit(train) else { continue };
            for (index, table) in fold.group.tables.iter().enumerate() {
                let of_rows = regimes_of(table, &spec, fold.tested_rows(index));
                regimes.push(RowsOfFold::new(fold, index, of_rows));
            }
        }
        regimes.into_iter().collect()
    }
}

/// Regimes of some rows of a table, whose candles count as consecutive. The channel reads closes
/// only, so candles with four equal prices are sufficient.
fn regimes_of(table: &SignalTable, spec: &ChannelSpec, rows: Range<usize>) -> Vec<Option<u8>> {
    let Ok(mut channel) = Registry::default().build(spec, table.interval()) else {
        return Vec::new();
    };
    let regimes = (0..rows.end).map(|row| {
        let (open_time, close) = (table.open_time(row)?, table.close(row)?);
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 0.0 };
        let candle = Candle::new(open_time, values).ok()?;
        let regime = channel.update(&MarketSnapshot::from(&candle))?;
        (0..6_u8).find(|known| (regime - f64::from(*known)).abs() < 0.5)
    });
    regimes.skip(rows.start).collect()
}
