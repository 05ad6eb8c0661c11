//! Instruction counts of the one-window paths by callgrind, independent of the load of the machine.
//!
//! Requires valgrind and `cargo install gungraun-runner --version 0.20.0`. Valgrind supports at
//! most AVX2, so the counts are those of the AVX2 kernel.
#![allow(missing_docs, unused_qualifications, reason = "the harness's macros generate such items")]
use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use windvane::prelude::*;
use windvane::signals::SignalPipeline;
use windvane_lstm_core::{
    BiLstmShape, Biases, LstmShape, LstmState, PackedBiLstm, PackedLstm, Purpose, Stream,
};

const CHANNELS: usize = 6;
const STEPS: usize = 20;
/// Number of candles before the measurement, more than the warm-up of every signal.
const WARM: usize = 200;

fn numbers(count: usize) -> Vec<f32> {
    let mut stream = Stream::new(2, Purpose::Init, 0, 0);
    #[expect(clippy::cast_possible_truncation, reason = "random numbers")]
    (0..count).map(|_| (0.1 * stream.normal()) as f32).collect()
}

fn lstm(inputs: usize, hidden: usize) -> (PackedLstm<f32>, Vec<f32>) {
    let shape = LstmShape::new(inputs, hidden, Biases::One).expect("sizes in range");
    let weights = numbers(shape.len());
    let packed = PackedLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits");
    (packed, numbers(STEPS * inputs))
}

fn bilstm(hidden: usize) -> (PackedBiLstm<f32>, Vec<f32>) {
    let shape = BiLstmShape::new(CHANNELS, hidden, Biases::One).expect("sizes in range");
    let weights = numbers(shape.len());
    let packed = PackedBiLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits");
    (packed, numbers(STEPS * CHANNELS))
}

fn warm_pipeline() -> (SignalPipeline, CandleSeries) {
    let series = windvane_benches::candles(WARM + 1_000);
    let mut pipeline =
        SignalPipeline::new(&SignalSpec::default(), Interval::HOUR, &Registry::default())
            .expect("built-in");
    for candle in &series.candles()[..WARM] {
        pipeline.update(candle).expect("in order");
    }
    (pipeline, series)
}

#[library_benchmark]
#[bench::v32(lstm(6, 32))]
#[bench::wide(lstm(6, 256))]
fn lstm_window((layer, x): (PackedLstm<f32>, Vec<f32>)) -> f32 {
    let mut scratch = layer.scratch();
    black_box(layer.last_hidden(black_box(&x), &mut scratch).expect("fits"))[0]
}

#[library_benchmark]
#[bench::v3(bilstm(64))]
fn bilstm_window((layer, x): (PackedBiLstm<f32>, Vec<f32>)) -> f32 {
    let mut scratch = layer.scratch();
    black_box(layer.last_hidden(black_box(&x), &mut scratch).expect("fits"))[0]
}

#[library_benchmark]
#[bench::v32(lstm(6, 32))]
#[bench::stacked(lstm(100, 100))]
fn twenty_steps((layer, x): (PackedLstm<f32>, Vec<f32>)) -> f32 {
    let mut scratch = layer.scratch();
    let mut state = LstmState::zeros(layer.shape().hidden_size());
    for x in x.chunks_exact(layer.shape().input_size()) {
        layer.step(black_box(x), &mut state, &mut scratch).expect("fits");
    }
    black_box(state.h())[0]
}

#[library_benchmark]
#[bench::default(warm_pipeline())]
fn thousand_candles((mut pipeline, series): (SignalPipeline, CandleSeries)) -> f64 {
    let mut sum = 0.0;
    for candle in &series.candles()[WARM..] {
        let rows = pipeline.update(black_box(candle)).expect("in order");
        sum += rows.last().map_or(0.0, |row| row[0]);
    }
    sum
}

library_benchmark_group!(
    name = one_window;
    benchmarks = lstm_window, bilstm_window, twenty_steps, thousand_candles
);
main!(library_benchmark_groups = one_window);
