//! Long sequences cut into segments, and segments into pieces that are trained on side by side.
use windvane_lstm_core::Stream;
use windvane_signals::{SignalTable, TrainSet};

use super::Examples;

/// Rows that gradients go back through.
pub(super) const STEPS: usize = 32;
/// Rows over which a state is carried in training, most of the time: far more than it remembers.
pub(super) const SEGMENT: usize = 512;

/// Neighbouring rows of a table that are read one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) table: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl Run {
    pub(super) fn end(&self) -> usize {
        self.first + self.rows
    }

    /// The runs of some rows of the tables: complete, following one another, `allowed`.
    pub(super) fn of(
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

    /// The rows that training may look at.
    pub(super) fn of_training(train: &TrainSet) -> Vec<Self> {
        Self::of(train.tables(), |table, row| {
            table.close_time(row).is_some_and(|at| train.covers(at))
        })
    }

    /// Cuts a run at one place drawn anew, and every [`SEGMENT`] rows from there on.
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

/// The class of every row that is an example's last.
pub(super) struct Classes(Vec<Vec<Option<usize>>>);

impl Classes {
    pub(super) fn of(examples: &Examples, tables: &[SignalTable]) -> Self {
        let mut classes: Vec<Vec<Option<usize>>> =
            tables.iter().map(|table| vec![None; table.len()]).collect();
        for example in examples.list() {
            classes[example.table()][example.row()] = Some(example.label());
        }
        Self(classes)
    }

    pub(super) fn at(&self, table: usize, row: usize) -> Option<usize> {
        self.0[table][row]
    }

    /// The first and the last row of a run with a class.
    pub(super) fn span(&self, run: Run) -> Option<(usize, usize)> {
        let mut rows = (run.first..run.end()).filter(|row| self.at(run.table, *row).is_some());
        let first = rows.next()?;
        Some((first, rows.next_back().unwrap_or(first)))
    }
}

/// Up to [`STEPS`] rows of a segment, in the slot that carries its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) slot: usize,
    pub(super) rows: Run,
    /// Rows that its segment has had before.
    pub(super) before: usize,
}

/// An epoch's batches: pieces of so many segments side by side. A segment keeps its slot from its first
/// piece to its last, and another one follows there.
pub(super) fn batches(runs: &[Run], slots: usize, stream: &mut Stream) -> Vec<Vec<Piece>> {
    let segments: Vec<Run> =
        runs.iter().flat_map(|run| run.cut(stream).collect::<Vec<_>>()).collect();
    let mut order: Vec<usize> = (0..segments.len()).collect();
    stream.shuffle(&mut order);
    let mut free = vec![0; slots];
    let mut batches: Vec<Vec<Piece>> = Vec::new();
    for segment in order.into_iter().map(|segment| segments[segment]) {
        // The first of the slots that are free soonest.
        let slot =
            (1..slots).fold(0, |best, slot| if free[slot] < free[best] { slot } else { best });
        for before in (0..segment.rows).step_by(STEPS) {
            if batches.len() == free[slot] {
                batches.push(Vec::new());
            }
            let rows = STEPS.min(segment.rows - before);
            let rows = Run { first: segment.first + before, rows, ..segment };
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
    fn every_row_is_in_one_piece_and_a_segment_keeps_its_slot() {
        let runs = [(0, 7, 1), (0, 40, 2_000), (1, 0, SEGMENT), (1, 3_000, 33)]
            .map(|(table, first, rows)| Run { table, first, rows });
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
