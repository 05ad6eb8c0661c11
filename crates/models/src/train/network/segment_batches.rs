//! Batches of long sequences: segments side by side, piece by piece, each segment's state carried
//! on.
use rayon::prelude::*;
use windvane_lstm_core::{LstmError, LstmStart, Purpose, Stream};
use windvane_signals::{TrainSet, ValidationSet};

use super::Examples;
use super::batches::{cross_entropy, loss_of};
use super::segments::{Classes, Piece, Run, SEGMENT, STEPS, batches};
use super::trainer::{BatchOf, Batches};
use crate::network::inference::PackedNetwork;
use crate::network::training::{DropoutSeed, NetworkCache};
use crate::network::{CLASSES, Layers};

/// Decisions whose losses are summed in single precision.
const TOGETHER: usize = 64;

/// Batches of the sequences that a stateful network is trained on.
pub(crate) struct SegmentBatches<'a> {
    layers: &'a Layers,
    seed: u64,
    epoch: u64,
    /// Segments side by side.
    slots: usize,
    train: &'a Examples,
    runs: Vec<Run>,
    classes: Classes,
    validation: Validation<'a>,
    batches: Vec<Vec<Piece>>,
    /// Hidden state and cell of every slot.
    states: Vec<[Vec<f32>; 2]>,
    work: Work,
}

/// Validation data that chooses the epoch.
struct Validation<'a> {
    examples: &'a Examples,
    /// With the rows before the first decision, which the state reads.
    runs: Vec<Run>,
    classes: Classes,
}

/// Training and validation examples, and the sets they are of.
type Sets<'a, 's> = ((&'a Examples, &'s TrainSet), (&'a Examples, &'s ValidationSet));

/// Working memory of a batch.
#[derive(Default)]
struct Work {
    x: Vec<f32>,
    hidden: Vec<f32>,
    cell: Vec<f32>,
    picked: Vec<usize>,
    targets: Vec<usize>,
    d_logits: Vec<f32>,
    d_weights: Vec<f32>,
    cache: NetworkCache<f32>,
}

impl<'a> SegmentBatches<'a> {
    /// `train` and `choose` are the examples of the two sets, `batch` the decisions of a step.
    pub(crate) fn new(
        layers: &'a Layers,
        ((train, set), (choose, validation)): Sets<'a, '_>,
        batch: usize,
        seed: u64,
    ) -> Self {
        let classes = Classes::of(train, set.tables());
        let runs = Run::of_training(set).into_iter().filter_map(|run| {
            // Rows after the last decision have no effect on the loss.
            let (_, last) = classes.span(run)?;
            Some(Run { rows: last + 1 - run.first, ..run })
        });
        let runs = runs.collect();
        let slots = batch.div_ceil(STEPS);
        let zeros = vec![0.0; layers.state_width()];
        let d_weights = vec![0.0; layers.weight_count()];
        Self {
            layers,
            seed,
            epoch: 0,
            slots,
            train,
            runs,
            classes,
            validation: Validation::new(choose, validation),
            batches: Vec::new(),
            states: vec![[zeros.clone(), zeros]; slots],
            work: Work { d_weights, ..Work::default() },
        }
    }

    /// Gathers a batch's rows `[T, B, C]`, states and decisions.
    fn gather(&mut self, number: usize) {
        let Self { batches, train, classes, states, work, .. } = self;
        let (pieces, width) = (&batches[number], train.width());
        let steps = pieces.iter().map(|piece| piece.rows.rows).max().unwrap_or(0);
        for list in [&mut work.x, &mut work.hidden, &mut work.cell] {
            list.clear();
        }
        work.picked.clear();
        work.targets.clear();
        for Piece { slot, before, .. } in pieces {
            let [hidden, cell] = &mut states[*slot];
            if *before == 0 {
                hidden.fill(0.0);
                cell.fill(0.0);
            }
            work.hidden.extend_from_slice(hidden);
            work.cell.extend_from_slice(cell);
        }
        for step in 0..steps {
            for (place, Piece { rows, before, .. }) in pieces.iter().enumerate() {
                if step >= rows.rows {
                    // A segment that has ended: its state is read by nobody.
                    work.x.resize(work.x.len() + width, 0.0);
                    continue;
                }
                let row = rows.first + step;
                let values = &train.rows(rows.table)[row * width..][..width];
                work.x.extend_from_slice(values);
                // As live: no answer before the state has read as many rows.
                let warm = before + step + 1 >= train.lookback();
                if let Some(class) = classes.at(rows.table, row).filter(|_| warm) {
                    work.picked.push(step * pieces.len() + place);
                    work.targets.push(class);
                }
            }
        }
    }
}

impl Batches for SegmentBatches<'_> {
    fn class_counts(&self) -> Vec<usize> {
        self.train.class_counts(CLASSES)
    }

    fn open(&mut self, epoch: u64) -> usize {
        self.epoch = epoch;
        let mut stream = Stream::new(self.seed, Purpose::Shuffle, epoch, 0);
        self.batches = batches(&self.runs, self.slots, &mut stream);
        self.batches.len()
    }

    /// The gradient is that of the mean over a whole batch: where segments warm up or end, a step is
    /// the smaller.
    fn batch(&mut self, number: usize, weights: &[f32]) -> Result<BatchOf<'_>, LstmError> {
        self.gather(number);
        let Self { batches, layers, states, work, slots, seed, epoch, .. } = self;
        let Work { x, hidden, cell, picked, targets, d_logits, d_weights, cache } = work;
        let dropout = Some(DropoutSeed { seed: *seed, epoch: *epoch, index: number as u64 });
        let start = LstmStart { hidden, cell };
        let logits = layers.forward_from(weights, x, start, picked, dropout, cache)?;
        d_logits.clear();
        d_logits.resize(logits.len(), 0.0);
        let whole = (*slots * STEPS) as f32;
        let mean = cross_entropy(CLASSES).add(logits, targets, whole, d_logits)?;
        d_weights.fill(0.0);
        layers.backward_from(weights, x, picked, d_logits, cache, d_weights)?;
        let width = layers.state_width();
        for (place, piece) in batches[number].iter().enumerate() {
            let [hidden, cell] = &mut states[piece.slot];
            let (last_hidden, last_cell) = layers.last_state(cache);
            hidden.copy_from_slice(&last_hidden[place * width..][..width]);
            cell.copy_from_slice(&last_cell[place * width..][..width]);
        }
        let loss = f64::from(mean) * f64::from(whole);
        Ok(BatchOf { loss, examples: targets.len(), gradient: d_weights })
    }

    fn validate(&mut self, weights: &[f32]) -> Result<Option<(f64, f64)>, LstmError> {
        self.validation.loss(self.layers, weights).map(Some)
    }
}

impl<'a> Validation<'a> {
    fn new(examples: &'a Examples, validation: &ValidationSet) -> Self {
        let classes = Classes::of(examples, validation.tables());
        let runs = Run::of(validation.tables(), |_, _| true).into_iter().filter_map(|run| {
            let (first, last) = classes.span(run)?;
            // Rows more than a segment before the first decision hardly change the state.
            let from = run.first.max(first.saturating_sub(SEGMENT));
            Some(Run { first: from, rows: last + 1 - from, ..run })
        });
        let runs = runs.collect();
        Self { examples, runs, classes }
    }

    /// Mean loss and share of right ones, by the steps of a live model.
    fn loss(&self, layers: &Layers, weights: &[f32]) -> Result<(f64, f64), LstmError> {
        let packed = layers.pack(weights)?;
        let runs = self.runs.par_iter().map(|run| self.run_losses(&packed, *run));
        let parts: Vec<Vec<(f64, usize)>> = runs.collect::<Result<_, LstmError>>()?;
        let count = self.examples.list().len() as f64;
        let loss: f64 = parts.iter().flatten().map(|(loss, _)| loss).sum();
        let right: usize = parts.iter().flatten().map(|(_, right)| right).sum();
        Ok((loss / count, right as f64 / count))
    }

    /// Summed loss and number of right ones, of some decisions of a run at a time.
    fn run_losses(&self, packed: &PackedNetwork, run: Run) -> Result<Vec<(f64, usize)>, LstmError> {
        let (mut state, mut buffers) = (vec![0.0; packed.state_len()], packed.buffers(1));
        let (mut logits, mut targets, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        let width = self.examples.width();
        for row in run.first..run.end() {
            let values = &self.examples.rows(run.table)[row * width..][..width];
            packed.step(values, &mut state, &mut buffers)?;
            if let Some(class) = self.classes.at(run.table, row) {
                let mut own = [0.0; CLASSES];
                packed.logits_of_state(&state, &mut buffers, &mut own)?;
                logits.extend(own);
                targets.push(class);
            }
        }
        let parts = logits.chunks(TOGETHER * CLASSES).zip(targets.chunks(TOGETHER));
        parts.map(|(logits, targets)| loss_of(logits, targets, CLASSES, &mut unused)).collect()
    }
}
