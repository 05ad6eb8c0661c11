//! Regimes of the test candles, by quantiles of the training candles of each fold.
use std::collections::BTreeMap;

use windvane_candles::{Candle, Interval, Ohlcv};
use windvane_signals::channels::Regime;
use windvane_signals::{ChannelSpec, MarketSnapshot, Registry, SignalTable};

use super::finished::FinishedRun;
use crate::score::Record;

/// Regime of every row of every instrument of a fold.
#[derive(Debug, Default)]
pub(super) struct TestRegimes {
    /// Regimes by interval, fold and instrument.
    rows: BTreeMap<(Interval, usize, usize), Vec<Option<u8>>>,
}

impl TestRegimes {
    /// Regime at the decision of a record; `None` in a fold whose training candles have no
    /// terciles.
    pub(super) fn of(&self, record: &Record) -> Option<usize> {
        let key = (record.interval, record.fold, record.instrument);
        self.rows.get(&key)?.get(record.row).copied().flatten().map(usize::from)
    }
}

impl FinishedRun<'_> {
    /// Measures the terciles of the volatility on the training candles of each fold and returns
    /// the regimes of all rows under them.
    pub(super) fn test_regimes(&self) -> TestRegimes {
        let mut regimes = TestRegimes::default();
        for fold in self.folds_done() {
            let Ok((train, _)) = &fold.training_windows else { continue };
            let Ok(spec) = Regime::fit(train) else { continue };
            for (instrument, table) in fold.group.members.iter().zip(&fold.group.tables) {
                let key = (fold.interval(), fold.number, *instrument);
                regimes.rows.insert(key, regimes_of(table, &spec));
            }
        }
        regimes
    }
}

/// Regime of every row of a table, whose candles count as consecutive. The channel reads closes
/// only, so candles with four equal prices are sufficient.
fn regimes_of(table: &SignalTable, spec: &ChannelSpec) -> Vec<Option<u8>> {
    let Ok(mut channel) = Registry::default().build(spec, table.interval()) else {
        return Vec::new();
    };
    let rows = (0..table.len()).map(|row| {
        let (open_time, close) = (table.open_time(row)?, table.close(row)?);
        let values = Ohlcv { open: close, high: close, low: close, close, volume: 0.0 };
        let candle = Candle::new(open_time, values).ok()?;
        let regime = channel.update(&MarketSnapshot::from(&candle))?;
        (0..6_u8).find(|known| (regime - f64::from(*known)).abs() < 0.5)
    });
    rows.collect()
}
