//! Batches of long sequences: each contains the next pieces of several segments, whose recurrent
//! states are carried from batch to batch.
use rayon::prelude::*;
use windvane_lstm_core::{LstmError, LstmStart, Purpose, Stream};
use windvane_signals::{TrainSet, ValidationSet};

use super::batches::{cross_entropy, loss_of};
use super::examples::{ExampleReader, Examples};
use super::segments::{Piece, RowClasses, RowRun, SEGMENT, STEPS, batches};
use super::trainer::{BatchGradient, Batches};
use crate::TrainError;
use crate::network::inference::PackedNetwork;
use crate::network::training::{DropoutSeed, NetworkCache};
use crate::network::{CLASSES, Layers};

/// Number of decisions whose losses are summed in single precision.
const CHUNK: usize = 64;

/// Batches for the training of a stateful network.
pub(crate) struct SegmentBatches<'a> {
    layers: &'a Layers,
    seed: u64,
    epoch: u64,
    /// Number of segments per batch.
    slots: usize,
    train: &'a Examples<'a>,
    reader: ExampleReader<'a>,
    runs: Vec<RowRun>,
    classes: RowClasses,
    validation: SegmentValidation<'a>,
    batches: Vec<Vec<Piece>>,
    /// Hidden state and cell state of every slot.
    states: Vec<[Vec<f32>; 2]>,
    buffers: SegmentBuffers,
}

/// Validation data for early stopping.
struct SegmentValidation<'a> {
    examples: &'a Examples<'a>,
    /// Runs with up to one segment of rows before the first decision.
    runs: Vec<RowRun>,
    classes: RowClasses,
}

/// Training and validation examples, each with its sample set.
type Sets<'a, 's> = ((&'a Examples<'a>, &'s TrainSet), (&'a Examples<'a>, &'s ValidationSet));

/// Buffers of a batch.
#[derive(Default)]
struct SegmentBuffers {
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
    /// Creates batches of `batch` decisions.
    pub(crate) fn new(
        layers: &'a Layers,
        ((train, train_set), (validation, validation_set)): Sets<'a, '_>,
        batch: usize,
        seed: u64,
    ) -> Self {
        let classes = RowClasses::from_examples(train, train_set.tables());
        let runs = RowRun::find_training(train_set).into_iter().filter_map(|run| {
            // Rows after the last decision have no effect on the loss.
            let (_, last) = classes.span(run)?;
            Some(RowRun { rows: last + 1 - run.first, ..run })
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
            reader: train.reader(),
            runs,
            classes,
            validation: SegmentValidation::new(validation, validation_set),
            batches: Vec::new(),
            states: vec![[zeros.clone(), zeros]; slots],
            buffers: SegmentBuffers { d_weights, ..SegmentBuffers::default() },
        }
    }

    /// Gathers rows `[T, B, C]`, states and decisions of a batch.
    fn gather(&mut self, number: usize) -> Result<(), TrainError> {
        let Self { batches, train, reader, classes, states, buffers, .. } = self;
        let (pieces, width) = (&batches[number], train.width());
        let steps = pieces.iter().map(|piece| piece.rows.rows).max().unwrap_or(0);
        for list in [&mut buffers.x, &mut buffers.hidden, &mut buffers.cell] {
            list.clear();
        }
        // Zeros are the padding after the end of a segment, whose state is no longer used.
        buffers.x.resize(steps * pieces.len() * width, 0.0);
        for (index, Piece { rows, .. }) in pieces.iter().enumerate() {
            let values = train.rows(reader, rows.table, rows.first..rows.end())?;
            let steps = buffers.x.chunks_exact_mut(pieces.len() * width);
            for (step, row) in steps.zip(values.chunks_exact(width)) {
                step[index * width..][..width].copy_from_slice(row);
            }
        }
        buffers.picked.clear();
        buffers.targets.clear();
        for Piece { slot, before, .. } in pieces {
            let [hidden, cell] = &mut states[*slot];
            if *before == 0 {
                hidden.fill(0.0);
                cell.fill(0.0);
            }
            buffers.hidden.extend_from_slice(hidden);
            buffers.cell.extend_from_slice(cell);
        }
        for step in 0..steps {
            for (index, Piece { rows, before, .. }) in pieces.iter().enumerate() {
                if step >= rows.rows {
                    continue;
                }
                let row = rows.first + step;
                // As in live use, predictions start once the state includes `lookback` rows.
                let warm = before + step + 1 >= train.lookback();
                if let Some(class) = classes.at(rows.table, row).filter(|_| warm) {
                    buffers.picked.push(step * pieces.len() + index);
                    buffers.targets.push(class);
                }
            }
        }
        Ok(())
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

    /// Divides the gradient by the number of decisions of a full batch. Batches in which segments
    /// start or end therefore give smaller steps.
    fn batch(&mut self, number: usize, weights: &[f32]) -> Result<BatchGradient<'_>, TrainError> {
        self.gather(number)?;
        let Self { batches, layers, states, buffers, slots, seed, epoch, .. } = self;
        let SegmentBuffers { x, hidden, cell, picked, targets, d_logits, d_weights, cache } =
            buffers;
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
        for (index, piece) in batches[number].iter().enumerate() {
            let [hidden, cell] = &mut states[piece.slot];
            let (last_hidden, last_cell) = layers.last_state(cache);
            hidden.copy_from_slice(&last_hidden[index * width..][..width]);
            cell.copy_from_slice(&last_cell[index * width..][..width]);
        }
        let loss = f64::from(mean) * f64::from(whole);
        Ok(BatchGradient { loss, examples: targets.len(), gradient: d_weights })
    }

    fn validate(&mut self, weights: &[f32]) -> Result<Option<(f64, f64)>, TrainError> {
        self.validation.loss(self.layers, weights).map(Some)
    }
}

impl<'a> SegmentValidation<'a> {
    fn new(examples: &'a Examples<'a>, validation: &ValidationSet) -> Self {
        let classes = RowClasses::from_examples(examples, validation.tables());
        let runs = RowRun::find(validation.tables(), |_, _| true).into_iter().filter_map(|run| {
            let (first, last) = classes.span(run)?;
            // Rows more than a segment before the first decision hardly change the state.
            let from = run.first.max(first.saturating_sub(SEGMENT));
            Some(RowRun { first: from, rows: last + 1 - from, ..run })
        });
        let runs = runs.collect();
        Self { examples, runs, classes }
    }

    /// Mean loss and accuracy, computed step by step as in live use.
    fn loss(&self, layers: &Layers, weights: &[f32]) -> Result<(f64, f64), TrainError> {
        let packed = layers.pack(weights)?;
        let runs = self.runs.par_iter().map(|run| self.run_losses(&packed, *run));
        let parts: Vec<Vec<(f64, usize)>> = runs.collect::<Result<_, TrainError>>()?;
        let count = self.examples.len() as f64;
        let loss: f64 = parts.iter().flatten().map(|(loss, _)| loss).sum();
        let correct: usize = parts.iter().flatten().map(|(_, correct)| correct).sum();
        Ok((loss / count, correct as f64 / count))
    }

    /// Summed loss and number of correct predictions of a run, per chunk of decisions.
    fn run_losses(
        &self,
        packed: &PackedNetwork,
        run: RowRun,
    ) -> Result<Vec<(f64, usize)>, TrainError> {
        let (mut state, mut buffers) = (vec![0.0; packed.state_len()], packed.buffers(1));
        let (mut logits, mut targets, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = self.examples.reader();
        for row in run.first..run.end() {
            let values = self.examples.rows(&mut reader, run.table, row..row + 1)?;
            packed.step(values, &mut state, &mut buffers)?;
            if let Some(class) = self.classes.at(run.table, row) {
                let mut own = [0.0; CLASSES];
                packed.logits_of_state(&state, &mut buffers, &mut own)?;
                logits.extend(own);
                targets.push(class);
            }
        }
        let parts = logits.chunks(CHUNK * CLASSES).zip(targets.chunks(CHUNK));
        let losses = parts.map(|(logits, targets)| loss_of(logits, targets, CLASSES, &mut unused));
        Ok(losses.collect::<Result<_, LstmError>>()?)
    }
}
