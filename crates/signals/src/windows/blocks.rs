//! Blocks of rows: the candle, the run and the segment of every row of a table.
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};

use crate::SignalRows;

/// Consecutive rows of the same kind. Everything but the values of a row follows from its block, so
/// a row takes no more memory than its values.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// Index of the first row.
    first: usize,
    /// Index of the candle of the first row; for held rows, of the first candle after them.
    candle: usize,
    /// For held rows, index of the row of the first candle after them.
    until: usize,
    /// Number of consecutive complete rows up to and including the first one; 0 if the rows of the
    /// block are incomplete.
    run: u32,
    /// Number of resets up to these rows: no window and no label spans different segments.
    segment: u32,
    held: bool,
}

/// Rows of a table beside the candles of their series.
#[derive(Debug)]
pub(super) struct RowBlocks {
    series: CandleSeries,
    blocks: Vec<Block>,
    len: usize,
    /// Index of the next candle.
    next: usize,
}

impl RowBlocks {
    pub(super) fn new(series: &CandleSeries) -> Self {
        Self { series: series.clone(), blocks: Vec::new(), len: 0, next: 0 }
    }

    /// Appends the rows of the next candle: those that the gap policy filled in, and its own.
    pub(super) fn push(&mut self, rows: SignalRows<'_>, candle: &Candle) {
        while self.series.get(self.next).is_some_and(|one| one.open_time() < candle.open_time()) {
            self.next += 1;
        }
        let until = self.len + rows.len() - 1;
        let segment = self.blocks.last().map_or(0, |b| b.segment + u32::from(rows.restarted()));
        for index in 0..rows.len() {
            let before = if rows.restarted() { 0 } else { self.last_run() };
            let run = if rows.get(index).is_some() { before + 1 } else { 0 };
            let held = index + 1 < rows.len();
            let row = Block { first: self.len, candle: self.next, until, run, segment, held };
            if !self.blocks.last().is_some_and(|last| last.continues_with(&row)) {
                self.blocks.push(row);
            }
            self.len += 1;
        }
        self.next += 1;
    }

    /// Run of the last row.
    fn last_run(&self) -> u32 {
        self.blocks.last().map_or(0, |block| block.run_at(self.len - 1))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn series(&self) -> &CandleSeries {
        &self.series
    }

    fn block(&self, row: usize) -> Option<&Block> {
        if row >= self.len {
            return None;
        }
        self.blocks.get(self.blocks.partition_point(|block| block.first <= row).checked_sub(1)?)
    }

    pub(super) fn run(&self, row: usize) -> usize {
        self.block(row).map_or(0, |block| block.run_at(row) as usize)
    }

    pub(super) fn segment(&self, row: usize) -> Option<u32> {
        self.block(row).map(|block| block.segment)
    }

    pub(super) fn is_held(&self, row: usize) -> bool {
        self.block(row).is_some_and(|block| block.held)
    }

    pub(super) fn open_time(&self, row: usize) -> Option<Timestamp> {
        let block = self.block(row)?;
        let candle = self.series.get(block.candle_at(row))?;
        if !block.held {
            return Some(candle.open_time());
        }
        let back = i64::try_from(block.until - row).unwrap_or(0);
        let interval: Interval = self.series.interval();
        Some(candle.open_time().plus(interval, -back).unwrap_or(candle.open_time()))
    }

    /// A price of a row's candle; of a held row, the close before it.
    pub(super) fn price(&self, row: usize, of: impl Fn(&Candle) -> f64) -> Option<f64> {
        let block = self.block(row)?;
        if block.held {
            let before = self.series.get(block.candle.saturating_sub(1))?;
            return Some(before.close());
        }
        Some(of(self.series.get(block.candle_at(row))?))
    }

    /// Row of the candle that opened at a time.
    pub(super) fn row_opened_at(&self, open_time: Timestamp) -> Option<usize> {
        let candle =
            self.series.candles().binary_search_by_key(&open_time, Candle::open_time).ok()?;
        let after = self.blocks.partition_point(|block| block.candle <= candle);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let row = block.first + candle - block.candle;
        let end = self.blocks.get(after).map_or(self.len, |next| next.first);
        (!block.held && row < end).then_some(row)
    }
}

impl Block {
    fn run_at(&self, row: usize) -> u32 {
        match self.run {
            0 => 0,
            run => run.saturating_add(u32::try_from(row - self.first).unwrap_or(u32::MAX)),
        }
    }

    fn candle_at(&self, row: usize) -> usize {
        if self.held { self.candle } else { self.candle + row - self.first }
    }

    /// Whether a row after this block belongs to it.
    fn continues_with(&self, row: &Self) -> bool {
        let same_candle = if self.held {
            self.candle == row.candle
        } else {
            self.candle_at(row.first) == row.candle
        };
        self.held == row.held
            && self.segment == row.segment
            && (self.run > 0) == (row.run > 0)
            && self.run_at(row.first) == row.run
            && same_candle
    }
}
