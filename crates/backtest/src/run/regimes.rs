//! Regimes of the test candles, by quantiles of the training candles of each fold.
use std::collections::BTreeMap;
use std::ops::Range;

use windvane_candles::{Candle, Interval, Ohlcv};
use windvane_signals::channels::Regime;
use windvane_signals::{ChannelSpec, MarketSnapshot, Registry, SignalTable};

use super::finished::FinishedRun;
use crate::score::Record;

/// Regime of every tested row of every instrument of a fold.
#[derive(Debug, Default)]
pub(super) struct TestRegimes {
    /// Regimes by interval, fold and instrument.
    tested: BTreeMap<(Interval, usize, usize), TestedRows>,
}

/// Regimes of the tested rows of one instrument.
#[derive(Debug)]
struct TestedRows {
    first: usize,
    regimes: Vec<Option<u8>>,
}

impl TestRegimes {
    /// Regime at the decision of a record; `None` in a fold whose training candles have no
    /// terciles.
    pub(super) fn of(&self, record: &Record) -> Option<usize> {
        let key = (record.interval, record.fold, record.instrument);
        let TestedRows { first, regimes } = self.tested.get(&key)?;
        regimes.get(record.row.checked_sub(*first)?).copied().flatten().map(usize::from)
    }
}

impl FinishedRun<'_> {
    /// Measures the terciles of the volatility on the training candles of each fold and returns
    /// the regimes of the tested rows under them.
    pub(super) fn test_regimes(&self) -> TestRegimes {
        let mut regimes = TestRegimes::default();
        for fold in self.folds_done() {
            let Ok((train, _)) = &fold.training_windows else { continue };
            let Ok(spec) = Regime::fit(train) else { continue };
            let members = fold.group.members.iter().zip(&fold.group.tables);
            for (index, (instrument, table)) in members.enumerate() {
                let key = (fold.interval(), fold.number, *instrument);
                let rows = fold.tested_rows(index);
                let (first, of_rows) = (rows.start, regimes_of(table, &spec, rows));
                regimes.tested.insert(key, TestedRows { first, regimes: of_rows });
            }
        }
        regimes
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
