//! Groups: the pooled instruments of an interval with their tables and gap policy.
use serde::Serialize;
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_signals::{GapPolicy, RowReader, SignalError, SignalSpec, SignalTable};
use xxhash_rust::xxh3::Xxh3;

use super::fingerprint::hash_settings;
use super::gaps::GroupTables;
use super::{Backtest, Instrument};

/// Pooled instruments of one interval.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) interval: Interval,
    pub(crate) gaps: GapPolicy,
    /// Indices of the instruments, those of the training pool first.
    pub(crate) members: Vec<usize>,
    /// Number of members in the training pool.
    pub(crate) learning: usize,
    /// Tables of the members, in their order.
    pub(crate) tables: Vec<SignalTable>,
    /// Volatility of the closes after each row of the tables; NaN while it is undefined.
    volatilities: Vec<Vec<f64>>,
}

/// Indices of the instruments by interval, shortest first. Intervals are never pooled for training.
pub(crate) fn by_interval(instruments: &[Instrument]) -> Vec<(Interval, Vec<usize>)> {
    let mut intervals: Vec<Interval> = instruments.iter().map(|i| i.series.interval()).collect();
    intervals.sort();
    intervals.dedup();
    intervals.into_iter().map(|interval| (interval, members(interval, instruments))).collect()
}

fn members(interval: Interval, instruments: &[Instrument]) -> Vec<usize> {
    let mut members: Vec<usize> = (0..instruments.len())
        .filter(|index| instruments[*index].series.interval() == interval)
        .collect();
    // The sort is stable: the training pool comes first, otherwise the order is kept.
    members.sort_by_key(|index| instruments[*index].test_only);
    members
}

impl Group {
    /// Computes the signals of all members. Instruments for which that fails are returned with the
    /// reason instead of becoming members.
    pub(crate) fn build(
        interval: Interval,
        mut members: Vec<usize>,
        instruments: &[Instrument],
        backtest: &Backtest,
    ) -> (Self, Vec<(usize, SignalError)>) {
        let series: Vec<CandleSeries> =
            members.iter().map(|index| instruments[*index].series.clone()).collect();
        let learning = training_pool(&members, instruments);
        let GroupTables { gaps, tables, failed } = GroupTables::new(backtest, &series, learning);
        let failed: Vec<(usize, SignalError)> =
            failed.into_iter().map(|(index, error)| (members[index], error)).collect();
        members.retain(|index| failed.iter().all(|(other, _)| other != index));
        let learning = training_pool(&members, instruments);
        let volatilities = tables.iter().map(volatilities).collect();
        (Self { interval, gaps, members, learning, tables, volatilities }, failed)
    }

    /// Volatility of the closes after a row of a table; `None` while it is undefined.
    pub(crate) fn volatility(&self, table: usize, row: usize) -> Option<f64> {
        Some(self.volatilities[table][row]).filter(|volatility| !volatility.is_nan())
    }

    /// Adds all inputs of the models of the group to a hash: every row of every member.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file of the values cannot be read.
    pub(crate) fn hash_into(&self, hash: &mut Xxh3) -> Result<(), SignalError> {
        let mut reader = RowReader::new(&self.tables);
        for (index, table) in self.tables.iter().enumerate() {
            hash_settings(
                hash,
                &TableSettings {
                    pair: table.pair().as_str(),
                    interval: table.interval(),
                    spec: table.spec(),
                    rows: table.len(),
                },
            );
            for row in 0..table.len() {
                let open_time = table.open_time(row).map_or(0, Timestamp::millis);
                hash.update(&open_time.to_le_bytes());
                let close = table.close(row).unwrap_or_default();
                let values = reader.row(index, row)?.unwrap_or_default();
                hash.update(&[u8::from(table.is_held(row)), u8::from(!values.is_empty())]);
                for number in values.iter().chain(&[close]) {
                    hash.update(&number.to_bits().to_le_bytes());
                }
            }
        }
        Ok(())
    }
}

fn volatilities(table: &SignalTable) -> Vec<f64> {
    table.close_volatility().into_iter().map(|volatility| volatility.unwrap_or(f64::NAN)).collect()
}

/// Settings of a table, as a part of the cache key.
#[derive(Serialize)]
struct TableSettings<'a> {
    pair: &'a str,
    interval: Interval,
    spec: &'a SignalSpec,
    rows: usize,
}

/// Number of instruments that are not test-only.
fn training_pool(members: &[usize], instruments: &[Instrument]) -> usize {
    members.iter().filter(|index| !instruments[**index].test_only).count()
}
