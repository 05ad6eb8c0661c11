//! Samples: labelled windows of any number of series, in order of time.
use std::ops::Range;
use std::sync::Arc;

use windvane_candles::{Direction, Timestamp};

use super::{Band, LabelSpec, PanelMedian};
use crate::{Outcome, RowReader, SignalError, SignalTable, Window};

/// Window with its label, in 32 bytes: a training has one per candle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Close time of the window's last candle.
    pub decided_at: Timestamp,
    table: u32,
    row: u32,
    change: f64,
    label: Direction,
    /// Milliseconds from the decision to the outcome, in little-endian order.
    elapsed: [u8; 7],
}

impl Sample {
    /// Returns the class of the outcome.
    pub fn label(&self) -> Direction {
        self.label
    }

    /// Returns the price change that determines the label; under [`Band::Relative`] it is the log
    /// change minus the panel's median.
    pub fn outcome(&self) -> Outcome {
        Outcome { change: self.change, settled_at: self.settled_at() }
    }

    /// Returns the time at which the outcome is known.
    pub fn settled_at(&self) -> Timestamp {
        let mut bytes = [0; 8];
        bytes[..7].copy_from_slice(&self.elapsed);
        let elapsed = i64::from_le_bytes(bytes);
        Timestamp::from_millis(self.decided_at.millis().saturating_add(elapsed))
    }

    /// Returns the index of the table that contains the window.
    pub fn table(&self) -> usize {
        self.table as usize
    }

    /// Returns the index of the window's last row, at which the decision is made.
    pub fn row(&self) -> usize {
        self.row as usize
    }
}

/// Samples of several tables, sorted by the time of the decision, then by table.
///
/// The tables have the same channels and the same interval. The set shares the ownership of the
/// tables with its clones and subsets, so a function can return it.
///
/// # Examples
/// From candles to training and validation samples:
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64) -> Candle {
/// #     let close = 100.0 + (hour % 7) as f64;
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume: 10.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_candles::{CandleSeries, Interval};
/// use windvane_signals::{LabelSpec, Registry, SampleSet, Scaler, SignalSpec, SignalTable, Split};
///
/// let candles = (0..400).map(candle).collect();
/// let series = CandleSeries::new("BTCUSDT".parse()?, Interval::HOUR, candles)?;
/// let tables = [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?];
/// let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
///
/// let split = Split::for_live(&samples, 0.2)?;
/// let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
/// assert!(train.until() <= validation.samples()[0].decided_at);
/// assert_eq!(Scaler::fit(&train)?.width(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SampleSet {
    tables: Arc<[SignalTable]>,
    lookback: usize,
    labels: LabelSpec,
    /// Samples of this set and of those that it was taken from.
    shared: Arc<Vec<Sample>>,
    /// Position of the samples of this set.
    range: Range<usize>,
}

impl SampleSet {
    /// Collects every window of `lookback` rows that has a label. Under [`Band::Relative`] the
    /// tables are the panel whose median the labels compare with.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for a lookback of 0 or labels out of range,
    /// [`SignalError::TableMismatch`] for tables that differ in channels, gap policy or interval,
    /// [`SignalError::SmallPanel`] for relative labels of fewer than 3 tables.
    pub fn collect(
        tables: &[SignalTable],
        lookback: usize,
        labels: LabelSpec,
    ) -> Result<Self, SignalError> {
        labels.validate()?;
        if lookback == 0 {
            let (setting, expected) = ("lookback", "at least 1 candle");
            return Err(SignalError::Setting { setting, expected, got: 0.0 });
        }
        check_alike(tables)?;
        let mut panel = match labels.band {
            Band::Relative => Some(PanelMedian::new(tables)?),
            _ => None,
        };
        let mut samples = Vec::with_capacity(tables.iter().map(SignalTable::len).sum());
        for (index, table) in tables.iter().enumerate() {
            for row in 0..table.len() {
                let Some(decided_at) = table.decision(row, lookback) else { continue };
                let label = match &mut panel {
                    Some(panel) => panel
                        .outcome(index, row, labels.horizon)
                        .map(|outcome| (Direction::from_change(outcome.change), outcome)),
                    None => labels.label(table, row),
                };
                let Some((label, outcome)) = label else { continue };
                let elapsed = outcome.settled_at.millis() - decided_at.millis();
                let [elapsed @ .., _] = elapsed.to_le_bytes(); // 2^56 ms are two million years
                let (table, row, change) = (narrow(index)?, narrow(row)?, outcome.change);
                samples.push(Sample { decided_at, table, row, change, label, elapsed });
            }
        }
        samples.sort_unstable_by_key(|sample| (sample.decided_at, sample.table(), sample.row()));
        samples.shrink_to_fit();
        Ok(Self::of(tables.into(), lookback, labels, samples))
    }

    /// Returns the samples for which `keep` is true.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Sample) -> bool) -> Self {
        let all = self.samples();
        let start = all.iter().position(&keep).unwrap_or(all.len());
        let kept = all[start..].iter().take_while(|sample| keep(sample)).count();
        let end = start + kept;
        if !all[end..].iter().any(&keep) {
            // The samples of a period: they need no copy.
            let range = self.range.start + start..self.range.start + end;
            return Self { range, ..self.clone() };
        }
        let count = all.iter().filter(|sample| keep(sample)).count();
        let mut samples = Vec::with_capacity(count);
        samples.extend(all.iter().filter(|sample| keep(sample)));
        Self::of(Arc::clone(&self.tables), self.lookback, self.labels, samples)
    }

    fn of(
        tables: Arc<[SignalTable]>,
        lookback: usize,
        labels: LabelSpec,
        samples: Vec<Sample>,
    ) -> Self {
        let range = 0..samples.len();
        Self { tables, lookback, labels, shared: Arc::new(samples), range }
    }

    /// Returns whether the samples of both sets point into the same tables: those of one collection.
    pub fn shares_tables(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tables, &other.tables)
    }

    /// Returns the tables of the samples.
    pub fn tables(&self) -> &[SignalTable] {
        &self.tables
    }

    /// Returns the samples in order of time.
    pub fn samples(&self) -> &[Sample] {
        &self.shared[self.range.clone()]
    }

    /// Returns the number of samples.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Returns whether the set has no sample.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Returns the number of rows per window.
    pub fn lookback(&self) -> usize {
        self.lookback
    }

    /// Returns the definition of the labels.
    pub fn labels(&self) -> LabelSpec {
        self.labels
    }

    /// Returns the number of channels; 0 without tables.
    pub fn width(&self) -> usize {
        self.tables.first().map_or(0, SignalTable::width)
    }

    /// Returns the window of a sample of this set, whose tables are in memory. A
    /// [`reader`](Self::reader) reads the windows of any set.
    ///
    /// # Panics
    /// If the tables are in a file, or the sample is from another set and its window does not exist
    /// in the tables of this set.
    pub fn window(&self, sample: &Sample) -> Window<'_> {
        self.tables[sample.table()]
            .window(sample.row(), self.lookback)
            .expect("invariant: a sample has a window; SampleSet::reader reads tables in a file")
    }

    /// Creates a reader of the tables, in memory or in a file.
    pub fn reader(&self) -> RowReader<'_> {
        RowReader::new(&self.tables)
    }

    /// Checks that the values of all tables are in memory, for a learner that reads windows at
    /// random.
    ///
    /// # Errors
    /// [`SignalError::InFile`] with the name of the learner.
    pub fn require_memory(&self, reader: &'static str) -> Result<(), SignalError> {
        let is_in_memory = self.tables.iter().all(SignalTable::is_in_memory);
        if is_in_memory { Ok(()) } else { Err(SignalError::InFile { reader }) }
    }

    /// Returns the tables, with `None` in place of a table without a sample in this set.
    pub fn used_tables(&self) -> Vec<Option<&SignalTable>> {
        let mut used = vec![None; self.tables.len()];
        for sample in self.samples() {
            let table = sample.table();
            used[table] = Some(&self.tables[table]);
        }
        used
    }

    /// Counts the samples labelled UP, DOWN and NEUTRAL.
    pub fn class_counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for sample in self.samples() {
            counts[sample.label().index()] += 1;
        }
        counts
    }
}

/// Index of a table or row of a sample.
fn narrow(index: usize) -> Result<u32, SignalError> {
    u32::try_from(index).map_err(|_| SignalError::Setting {
        setting: "number of tables and of rows per table",
        expected: "at most 4,294,967,296",
        got: index as f64,
    })
}

/// Checks that all tables have the channels, the gap policy and the interval of the first one.
fn check_alike(tables: &[SignalTable]) -> Result<(), SignalError> {
    let Some(first) = tables.first() else { return Ok(()) };
    for (index, table) in tables.iter().enumerate() {
        if table.spec() != first.spec() {
            let (expected, got) = (describe(first), describe(table));
            return Err(SignalError::TableMismatch { index, what: "channels", expected, got });
        }
        if table.interval() != first.interval() {
            let (expected, got) = (first.interval().to_string(), table.interval().to_string());
            return Err(SignalError::TableMismatch { index, what: "interval", expected, got });
        }
    }
    Ok(())
}

/// Describes the channels and the gap policy of a table for an error message.
fn describe(table: &SignalTable) -> String {
    let names: Vec<String> = table.spec().channels.iter().map(ToString::to_string).collect();
    format!("{} with {:?}", names.join(", "), table.spec().gaps)
}
