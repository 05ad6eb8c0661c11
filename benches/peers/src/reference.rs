//! Reference outputs, computed by plain loops in f64.
use windvane_candles::Candle;

use crate::data::{Attention, CSV_ROWS, Data, Dense, INPUTS, Lstm, Net, STEPS, WINDOWS};
use crate::peer::Task;
use crate::peer_windvane;
use crate::workload::Workload;

/// Largest difference from the reference that is accepted.
pub const TOLERANCE: f64 = 1e-5;

/// Returns the expected outputs of the checked calls, concatenated.
pub fn expected(work: Workload, data: &Data) -> Vec<f64> {
    match work {
        Workload::Window(kind) | Workload::Batch(kind) => {
            (0..WINDOWS).flat_map(|i| probabilities(data.net(kind), data.windows(i, 1))).collect()
        }
        // windvane's predictions, whose layers are tested against PyTorch.
        Workload::FittedWindow(preset) | Workload::FittedBatch(preset) => {
            peer_windvane::fitted_probabilities(preset)
        }
        Workload::Step => {
            let lstm = &data.net(crate::data::Kind::V32).lstms[0];
            hidden(lstm, &widen(&data.windows[..STEPS * INPUTS])).concat()
        }
        Workload::Stack => {
            let [first, second] = &data.stack;
            let inputs = widen(&data.stack_inputs[..work.checked_calls() * first.inputs]);
            hidden(second, &hidden(first, &inputs).concat()).concat()
        }
        // windvane's f64 layers, whose gradients are tested against finite differences.
        Workload::Train(kind, batch) => peer_windvane::losses_f64(data, kind, batch),
        Workload::Signals => signals(&data.candles[..work.checked_calls()]),
        Workload::Indicator(indicator) => {
            crate::indicator::reference(indicator, &data.candles[..work.checked_calls()])
        }
        Workload::ReadCsv => means(data.candles.iter().cycle().take(CSV_ROWS)).to_vec(),
    }
}

/// Returns the outputs of a peer's checked calls, concatenated.
pub fn outputs(work: Workload, mut task: Task<'_>) -> Vec<f64> {
    let mut out = vec![0.0_f32; work.output_len()];
    let call = |n| {
        task(n, &mut out);
        widen(&out)
    };
    (0..work.checked_calls()).flat_map(call).collect()
}

/// Returns the largest difference: relative for expected values above 1 (for signals, most of which
/// are small, above 0.001), absolute below.
pub fn difference(work: Workload, got: &[f64], expected: &[f64]) -> f64 {
    let pairs = got.iter().zip(expected).skip(work.unchecked_start() * work.output_len());
    let is_small = matches!(work, Workload::Signals | Workload::Indicator(_));
    let floor = if is_small { 1e-3 } else { 1.0 };
    // NaN counts as infinite, because `max` would ignore it.
    pairs
        .map(|(a, b)| (a - b).abs() / b.abs().max(floor))
        .fold(0.0, |most: f64, d| if d.is_nan() { f64::INFINITY } else { most.max(d) })
}

/// Returns the number of candles and the means of their values.
pub fn means<'a>(candles: impl Iterator<Item = &'a Candle>) -> [f64; 6] {
    let mut sums = [0.0; 6];
    for candle in candles {
        let v = candle.values();
        for (sum, value) in sums.iter_mut().zip([1.0, v.open, v.high, v.low, v.close, v.volume]) {
            *sum += value;
        }
    }
    let rows = sums[0];
    sums[1..].iter_mut().for_each(|sum| *sum /= rows);
    sums
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(weights: &[f32], x: &[f64]) -> f64 {
    weights.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()
}

/// Returns the hidden state after each step of `xs` `[T, I]`.
fn hidden(lstm: &Lstm, xs: &[f64]) -> Vec<Vec<f64>> {
    let (inputs, units) = (lstm.inputs, lstm.hidden);
    let (mut h, mut c) = (vec![0.0; units], vec![0.0; units]);
    let mut all = Vec::new();
    for x in xs.chunks(inputs) {
        let sum = |row: usize| {
            dot(&lstm.w_ih[row * inputs..][..inputs], x)
                + dot(&lstm.w_hh[row * units..][..units], &h)
                + f64::from(lstm.b_ih[row])
                + f64::from(lstm.b_hh[row])
        };
        let sums: Vec<f64> = (0..4 * units).map(sum).collect();
        for unit in 0..units {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| sums[gate * units + unit]);
            c[unit] = sigmoid(f) * c[unit] + sigmoid(i) * g.tanh();
            h[unit] = sigmoid(o) * c[unit].tanh();
        }
        all.push(h.clone());
    }
    all
}

fn probabilities(net: &Net, window: &[f32]) -> Vec<f64> {
    let xs = widen(window);
    let mut rows = hidden(&net.lstms[0], &xs);
    let mut last = rows[STEPS - 1].clone();
    if let Some(reverse) = net.lstms.get(1) {
        let reversed: Vec<f64> = xs.chunks(INPUTS).rev().flatten().copied().collect();
        let reverse = hidden(reverse, &reversed);
        last.extend(&reverse[STEPS - 1]);
        rows.iter_mut().zip(reverse.iter().rev()).for_each(|(row, half)| row.extend(half));
    }
    let mut x = net.attention.as_ref().map_or(last, |attention| context(attention, &rows));
    for (k, layer) in net.dense.iter().enumerate() {
        x = dense(layer, &x);
        if k + 1 < net.dense.len() {
            x.iter_mut().for_each(|x| *x = x.max(0.0));
        }
    }
    softmax(&x)
}

fn dense(layer: &Dense, x: &[f64]) -> Vec<f64> {
    let rows = layer.w.chunks(layer.inputs).zip(&layer.b);
    rows.map(|(w, b)| dot(w, x) + f64::from(*b)).collect()
}

fn context(attention: &Attention, rows: &[Vec<f64>]) -> Vec<f64> {
    let score = |row: &Vec<f64>| {
        let units = attention.w.chunks(attention.inputs).zip(&attention.v);
        units.map(|(w, v)| f64::from(*v) * dot(w, row).tanh()).sum()
    };
    let weights = softmax(&rows.iter().map(score).collect::<Vec<f64>>());
    let sum = |k: usize| rows.iter().zip(&weights).map(|(row, a)| a * row[k]).sum();
    (0..attention.inputs).map(sum).collect()
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = x.iter().map(|x| (x - top).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

/// Returns the six signals of each candle; the averages start at the first candle.
fn signals(candles: &[Candle]) -> Vec<f64> {
    let close = |t: usize| candles[t].close();
    let change = |t: usize, lag: usize| close(t) / close(t.saturating_sub(lag)) - 1.0;
    let (mut gain, mut loss) = (0.0, 0.0);
    let (mut fast, mut slow) = (close(0), close(0));
    let row = |t: usize| {
        let step = close(t) - close(t.saturating_sub(1));
        gain += (step.max(0.0) - gain) / 14.0;
        loss += ((-step).max(0.0) - loss) / 14.0;
        fast += (close(t) - fast) * 2.0 / 13.0;
        slow += (close(t) - slow) * 2.0 / 27.0;
        let volume = candles[t].volume() / candles[t.saturating_sub(1)].volume() - 1.0;
        let range = (candles[t].high() - candles[t].low()) / close(t);
        let rsi = 100.0 - 100.0 / (1.0 + gain / loss);
        [change(t, 1), change(t, 20), rsi, (fast - slow) / close(t), range, volume]
    };
    (0..candles.len()).flat_map(row).collect()
}
