//! Division of long row sequences into segments and pieces for truncated backpropagation.
use windvane_lstm_core::Stream;
use windvane_signals::{SignalTable, TrainSet};

use super::Examples;

/// Number of rows for backpropagation through time.
pub(super) const STEPS: usize = 32;
/// Maximum number of rows over which training carries a state, far more than the state's memory.
pub(super) const SEGMENT: usize = 512;

/// Consecutive complete rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowRun {
    pub(super) table: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl RowRun {
    /// Index after the last row.
    pub(super) fn end(&self) -> usize {
        self.first + self.rows
    }

    /// Finds all runs of consecutive complete rows that are `allowed`.
    pub(super) fn find(
        tables: &[SignalTable],
        allowed: impl Fn(&SignalTable, usize) -> bool,
    ) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            for row in (0..table.len()).filter(|row| table.run(*row) > 0 && allowed(table, *row)) {
                match runs.last_mut() {
                    Some(last)
                        if last.table == index && last.end() == row && table.run(row) > 1 =>
                    {
                        last.rows += 1;
                    }
                    _ => runs.push(Self { table: index, first: row, rows: 1 }),
                }
            }
        }
        runs
    }

    /// Finds all runs of rows inside the training period.
    pub(super) fn find_training(train: &TrainSet) -> Vec<Self> {
        Self::find(train.tables(), |table, row| {
            table.close_time(row).is_some_and(|at| train.covers(at))
        })
    }

    /// Cuts a run at a random row and every [`SEGMENT`] rows after it.
    fn cut(self, stream: &mut Stream) -> impl Iterator<Item = Self> {
        let offset = stream.below(SEGMENT.min(self.rows)) + 1;
        let cuts = (offset..self.rows).step_by(SEGMENT);
        let starts = std::iter::once(0).chain(cuts.clone());
        let ends = cuts.chain([self.rows]);
        starts.zip(ends).map(move |(from, to)| Self {
            first: self.first + from,
            rows: to - from,
            ..self
        })
    }
}

/// Class of every row that is the last row of an example, per table; [`RowClasses::NONE`] for other
/// rows.
pub(super) struct RowClasses(Vec<Vec<u8>>);

impl RowClasses {
    const NONE: u8 = u8::MAX;

    pub(super) fn from_examples(examples: &Examples<'_>, tables: &[SignalTable]) -> Self {
        let mut classes: Vec<Vec<u8>> =
            tables.iter().map(|table| vec![Self::NONE; table.len()]).collect();
        for example in examples.iter() {
            classes[example.table][example.row] = example.label.to_le_bytes()[0];
        }
        Self(classes)
    }

    pub(super) fn at(&self, table: usize, row: usize) -> Option<usize> {
        let class = self.0[table][row];
        (class != Self::NONE).then(|| usize::from(class))
    }

    /// Returns the first and the last row of a run that have a class.
    pub(super) fn span(&self, run: RowRun) -> Option<(usize, usize)> {
        let mut rows = (run.first..run.end()).filter(|row| self.at(run.table, *row).is_some());
        let first = rows.next()?;
        Some((first, rows.next_back().unwrap_or(first)))
    }
}

/// Piece of a segment: up to [`STEPS`] rows, in the slot that stores the segment's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) slot: usize,
    pub(super) rows: RowRun,
    /// Number of earlier rows of the segment.
    pub(super) before: usize,
}

/// Builds the batches of an epoch. A batch contains the next pieces of up to `slots` segments. A
/// segment occupies the same slot from its first piece to its last; then another segment follows.
pub(super) fn batches(runs: &[RowRun], slots: usize, stream: &mut Stream) -> Vec<Vec<Piece>> {
    let segments: Vec<RowRun> =
        runs.iter().flat_map(|run| run.cut(stream).collect::<Vec<_>>()).collect();
    let mut order: Vec<usize> = (0..segments.len()).collect();
    stream.shuffle(&mut order);
    let mut free = vec![0; slots];
    let mut batches: Vec<Vec<Piece>> = Vec::new();
    for segment in order.into_iter().map(|segment| segments[segment]) {
        // The slot that becomes free first; the lowest index for ties.
        let slot =
            (1..slots).fold(0, |best, slot| if free[slot] < free[best] { slot } else { best });
        for before in (0..segment.rows).step_by(STEPS) {
            if batches.len() == free[slot] {
                batches.push(Vec::new());
            }
            let rows = STEPS.min(segment.rows - before);
            let rows = RowRun { first: segment.first + before, rows, ..segment };
            batches[free[slot]].push(Piece { slot, rows, before });
            free[slot] += 1;
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use windvane_lstm_core::Purpose;

    use super::*;

    #[test]
    fn segments_batches_contain_every_row_once_and_keep_slots() {
        let runs = [(0, 7, 1), (0, 40, 2_000), (1, 0, SEGMENT), (1, 3_000, 33)]
            .map(|(table, first, rows)| RowRun { table, first, rows });
        for seed in 0..20 {
            let batches = batches(&runs, 4, &mut Stream::new(seed, Purpose::Shuffle, 1, 0));
            let mut rows = Vec::new();
            let mut ends = [None; 4];
            for batch in &batches {
                assert!((1..=4).contains(&batch.len()));
                for Piece { slot, rows: part, before } in batch {
                    assert!(part.rows <= STEPS && before + part.rows <= SEGMENT);
                    if *before > 0 {
                        assert_eq!(ends[*slot], Some((part.table, part.first)));
                    }
                    ends[*slot] = Some((part.table, part.end()));
                    rows.extend((part.first..part.end()).map(|row| (part.table, row)));
                }
            }
            rows.sort_unstable();
            let all =
                runs.iter().flat_map(|run| (run.first..run.end()).map(|row| (run.table, row)));
            assert!(rows.into_iter().eq(all), "seed {seed}");
        }
    }
}
