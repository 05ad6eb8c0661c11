//! Batches of shuffled windows.
//!
//! A batch is divided into chunks of a fixed size ([`chunk_size_of`]). Each chunk has its own
//! gradient, and the gradients are added in order. The bits therefore do not depend on the number
//! of threads.
use rayon::prelude::*;
use windvane_lstm_core::{CrossEntropy, LstmError, Purpose, Stream};

use super::examples::{ExampleReader, Examples};
use super::trainer::{BatchGradient, Batches, most_probable};
use crate::TrainError;
use crate::network::Layers;
use crate::network::training::{DropoutSeed, NetworkCache};

/// Number of windows per validation chunk and maximum number per gradient chunk. Larger chunks do
/// not fit into the CPU caches between the passes.
const CHUNK: usize = 64;

/// Number of windows per gradient chunk: a quarter of the batch, so that several threads share it,
/// rounded up to whole tiles of the matrix products, and at least 16, so that packing the weights
/// costs little in comparison.
fn chunk_size_of(batch: usize) -> usize {
    (batch / 4).next_multiple_of(8).clamp(16, CHUNK)
}

/// Inputs, activations and gradient of one chunk.
struct BatchChunk<'a> {
    reader: ExampleReader<'a>,
    x: Vec<f32>,
    targets: Vec<usize>,
    d_logits: Vec<f32>,
    d_weights: Vec<f32>,
    loss: f64,
    cache: NetworkCache<f32>,
}

impl<'a> BatchChunk<'a> {
    fn new(examples: &Examples<'a>, weights: usize) -> Self {
        Self {
            reader: examples.reader(),
            x: Vec::new(),
            targets: Vec::new(),
            d_logits: Vec::new(),
            d_weights: vec![0.0; weights],
            loss: 0.0,
            cache: NetworkCache::default(),
        }
    }

    /// Fills inputs and targets with the examples at some positions.
    fn gather(
        &mut self,
        examples: &Examples<'_>,
        positions: impl ExactSizeIterator<Item = usize>,
    ) -> Result<(), TrainError> {
        let Self { reader, x, targets, .. } = self;
        Ok(examples.gather(positions, reader, x, targets)?)
    }
}

/// Batches of the windows that a network is trained on.
pub(crate) struct WindowBatches<'a> {
    layers: &'a Layers,
    train: &'a Examples<'a>,
    /// Validation windows for early stopping; without them the last epoch is kept.
    validation: Option<&'a Examples<'a>>,
    batch: usize,
    seed: u64,
    epoch: u64,
    /// Positions of the examples in the order of the epoch.
    order: Vec<u32>,
    chunks: Vec<BatchChunk<'a>>,
    /// Readers of the validation windows, one per chunk.
    validation_readers: Vec<ExampleReader<'a>>,
}

impl<'a> WindowBatches<'a> {
    /// Creates batches of `batch` windows.
    pub(crate) fn new(
        layers: &'a Layers,
        train: &'a Examples<'a>,
        validation: Option<&'a Examples<'a>>,
        batch: usize,
        seed: u64,
    ) -> Self {
        let parts = batch.min(train.len()).div_ceil(chunk_size_of(batch));
        let chunks = parts.max(rayon::current_num_threads());
        let weights = layers.weight_count();
        Self {
            layers,
            train,
            validation,
            batch,
            seed,
            epoch: 0,
            order: Vec::new(),
            chunks: (0..chunks).map(|_| BatchChunk::new(train, weights)).collect(),
            validation_readers: (0..chunks)
                .filter_map(|_| validation.map(Examples::reader))
                .collect(),
        }
    }
}

impl Batches for WindowBatches<'_> {
    fn class_counts(&self) -> Vec<usize> {
        self.train.class_counts(self.layers.classes())
    }

    fn open(&mut self, epoch: u64) -> usize {
        self.epoch = epoch;
        self.order.clear();
        self.order.extend((0..).take(self.train.len()));
        Stream::new(self.seed, Purpose::Shuffle, epoch, 0).shuffle(&mut self.order);
        self.order.len().div_ceil(self.batch)
    }

    fn batch(&mut self, number: usize, weights: &[f32]) -> Result<BatchGradient<'_>, TrainError> {
        let chunk_size = chunk_size_of(self.batch);
        let batch = self.order.chunks(self.batch).nth(number).unwrap_or_default();
        let index = (number * self.batch.min(self.order.len()).div_ceil(chunk_size)) as u64;
        let first = DropoutSeed { seed: self.seed, epoch: self.epoch, index };
        let (layers, train) = (self.layers, self.train);
        let used = &mut self.chunks[..batch.len().div_ceil(chunk_size)];
        let work = used.par_iter_mut().zip(batch.par_chunks(chunk_size)).enumerate();
        work.try_for_each(|(number, (chunk, part))| {
            let draw = DropoutSeed { index: first.index + number as u64, ..first };
            chunk.d_weights.fill(0.0);
            chunk.gather(train, part.iter().map(|&position| position as usize))?;
            Ok::<_, TrainError>(chunk_gradient(layers, weights, batch.len(), draw, chunk)?)
        })?;
        let loss = used.iter().map(|chunk| chunk.loss).sum();
        let (first, rest) = used.split_first_mut().ok_or(LstmError::Size {
            what: "batch",
            expected: self.order.len(),
            got: 0,
        })?;
        for chunk in rest {
            for (sum, part) in first.d_weights.iter_mut().zip(&chunk.d_weights) {
                *sum += part;
            }
        }
        Ok(BatchGradient { loss, examples: batch.len(), gradient: &mut first.d_weights })
    }

    fn validate(&mut self, weights: &[f32]) -> Result<Option<(f64, f64)>, TrainError> {
        let Some(examples) = self.validation else { return Ok(None) };
        let layers = self.layers;
        // The chunks of the gradients are reused as buffers; sums are in the order of the parts.
        let (count, together) = (examples.len(), self.chunks.len());
        let readers = self.validation_readers.par_iter_mut();
        let chunks = self.chunks.par_iter_mut().zip(readers).enumerate();
        let results: Vec<Vec<(f64, usize)>> = chunks
            .map(|(first, (chunk, reader))| {
                part_losses(layers, weights, (examples, reader), (first, together), chunk)
            })
            .collect::<Result<_, TrainError>>()?;
        let parts = (0..count.div_ceil(CHUNK)).map(|p| results[p % together][p / together]);
        let loss = parts.clone().map(|(loss, _)| loss).sum::<f64>() / count as f64;
        let correct: usize = parts.map(|(_, correct)| correct).sum();
        Ok(Some((loss, correct as f64 / count as f64)))
    }
}

/// Computes loss and gradient of a chunk, as its part of the mean over a batch of `batch` windows.
fn chunk_gradient(
    layers: &Layers,
    weights: &[f32],
    batch: usize,
    draw: DropoutSeed,
    chunk: &mut BatchChunk<'_>,
) -> Result<(), LstmError> {
    let BatchChunk { x, targets, d_logits, d_weights, loss, cache, .. } = chunk;
    let logits = layers.forward(weights, x, targets.len(), Some(draw), cache)?;
    d_logits.clear();
    d_logits.resize(logits.len(), 0.0);
    let mean = cross_entropy(layers.classes()).add(logits, targets, batch as f32, d_logits)?;
    *loss = f64::from(mean) * batch as f64;
    layers.backward(weights, x, d_logits, cache, d_weights)
}

/// Summed loss and number of correct windows of every `step`th part, from the part `first` on.
fn part_losses(
    layers: &Layers,
    weights: &[f32],
    (examples, reader): (&Examples<'_>, &mut ExampleReader<'_>),
    (first, step): (usize, usize),
    chunk: &mut BatchChunk<'_>,
) -> Result<Vec<(f64, usize)>, TrainError> {
    let count = examples.len();
    let parts = (0..count.div_ceil(CHUNK)).skip(first).step_by(step);
    parts
        .map(|part| {
            let positions = part * CHUNK..count.min((part + 1) * CHUNK);
            examples.gather(positions, reader, &mut chunk.x, &mut chunk.targets)?;
            Ok(chunk_loss(layers, weights, chunk)?)
        })
        .collect()
}

/// Summed loss and number of correct windows of a chunk.
fn chunk_loss(
    layers: &Layers,
    weights: &[f32],
    chunk: &mut BatchChunk<'_>,
) -> Result<(f64, usize), LstmError> {
    let BatchChunk { x, targets, d_logits, cache, .. } = chunk;
    let logits = layers.forward(weights, x, targets.len(), None, cache)?;
    loss_of(logits, targets, layers.classes(), d_logits)
}

/// Summed loss of logits `[N, classes]` and number of rows whose most probable class is correct.
pub(crate) fn loss_of(
    logits: &[f32],
    targets: &[usize],
    classes: usize,
    d_logits: &mut Vec<f32>,
) -> Result<(f64, usize), LstmError> {
    d_logits.clear();
    d_logits.resize(logits.len(), 0.0);
    let rows = logits.chunks_exact(classes);
    let correct = rows.zip(targets).filter(|(row, target)| most_probable(row) == **target).count();
    let loss = cross_entropy(classes).add(logits, targets, 1.0, d_logits)?;
    Ok((f64::from(loss), correct))
}

pub(crate) fn cross_entropy(classes: usize) -> CrossEntropy<'static, f32> {
    CrossEntropy { classes, weights: None, smoothing: 0.0 }
}
