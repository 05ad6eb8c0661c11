//! Weights, windows, candles and the CSV file of all peers, generated from a fixed seed.
use std::fmt::Write;

use windvane_candles::{Candle, Ohlcv, Timestamp};

pub const STEPS: usize = 20;
pub const INPUTS: usize = 6;
pub const CLASSES: usize = 3;
pub const WINDOWS: usize = 256;
/// Rows of the CSV file.
pub const CSV_ROWS: usize = 100_000;

/// Random number generator `SplitMix64` (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a uniform number in -1..1.
    fn number(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn numbers(&mut self, count: usize, size: f64) -> Vec<f32> {
        (0..count).map(|_| (self.number() * size) as f32).collect()
    }
}

/// Architecture of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// LSTM 6 -> 32, its last hidden state, dense 32 -> 3.
    V32,
    /// BiLSTM 6 -> 2 x 64, both last hidden states, dense 128 -> 3.
    V3,
    /// BiLSTM 6 -> 2 x 64, attention of 64 units without bias, dense 128 -> 64 -> 3.
    V31,
}

pub const KINDS: [Kind; 3] = [Kind::V32, Kind::V3, Kind::V31];

/// Weights of an LSTM of one direction in the order of `PyTorch`: gates i, f, g, o.
#[derive(Debug, Clone)]
pub struct Lstm {
    pub inputs: usize,
    pub hidden: usize,
    /// Input weights `[4H, I]`.
    pub w_ih: Vec<f32>,
    /// Recurrent weights `[4H, H]`.
    pub w_hh: Vec<f32>,
    /// First bias `[4H]`.
    pub b_ih: Vec<f32>,
    /// Second bias `[4H]`.
    pub b_hh: Vec<f32>,
}

impl Lstm {
    fn random(random: &mut Random, inputs: usize, hidden: usize) -> Self {
        let size = 1.0 / (hidden as f64).sqrt();
        Self {
            inputs,
            hidden,
            w_ih: random.numbers(4 * hidden * inputs, size),
            w_hh: random.numbers(4 * hidden * hidden, size),
            b_ih: random.numbers(4 * hidden, size),
            b_hh: random.numbers(4 * hidden, size),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    /// Weights `[O, N]`.
    pub w: Vec<f32>,
    /// Biases `[O]`.
    pub b: Vec<f32>,
}

impl Dense {
    fn random(random: &mut Random, inputs: usize, outputs: usize) -> Self {
        let size = 1.0 / (inputs as f64).sqrt();
        let w = random.numbers(inputs * outputs, size);
        Self { inputs, outputs, w, b: random.numbers(outputs, size) }
    }
}

/// Weights of the attention, whose score is v · tanh(W h).
#[derive(Debug, Clone)]
pub struct Attention {
    pub inputs: usize,
    pub units: usize,
    /// Weight matrix W `[A, N]`.
    pub w: Vec<f32>,
    /// Weight vector v `[A]`.
    pub v: Vec<f32>,
}

#[derive(Debug, Clone)]
pub struct Net {
    pub kind: Kind,
    /// LSTMs: the forward one, and the reverse one of a bidirectional network.
    pub lstms: Vec<Lstm>,
    pub attention: Option<Attention>,
    /// Dense layers, with ReLU between them.
    pub dense: Vec<Dense>,
}

impl Net {
    fn random(random: &mut Random, kind: Kind) -> Self {
        let (hidden, directions) = if kind == Kind::V32 { (32, 1) } else { (64, 2) };
        let width = hidden * directions;
        let lstms = (0..directions).map(|_| Lstm::random(random, INPUTS, hidden)).collect();
        let attention = (kind == Kind::V31).then(|| {
            let (w, v) = (random.numbers(64 * width, 0.1), random.numbers(64, 0.125));
            Attention { inputs: width, units: 64, w, v }
        });
        let widths: &[usize] =
            if kind == Kind::V31 { &[128, 64, CLASSES] } else { &[width, CLASSES] };
        let dense = widths.windows(2).map(|w| Dense::random(random, w[0], w[1])).collect();
        Self { kind, lstms, attention, dense }
    }
}

pub struct Data {
    /// Input windows `[256, T, I]`.
    pub windows: Vec<f32>,
    /// Class of each window.
    pub targets: Vec<usize>,
    nets: Vec<Net>,
    /// Two stacked layers of 100 units with 100 inputs.
    pub stack: [Lstm; 2],
    /// Inputs of the stack `[64, 100]`.
    pub stack_inputs: Vec<f32>,
    pub candles: Vec<Candle>,
    /// CSV file with a header and the candles, over and over, at successive minutes.
    pub csv: String,
}

impl Data {
    pub fn new() -> Self {
        let random = &mut Random(20_240_607);
        let windows = random.numbers(WINDOWS * STEPS * INPUTS, 2.0);
        let targets = (0..WINDOWS).map(|_| (random.word() % CLASSES as u64) as usize).collect();
        let nets = KINDS.map(|kind| Net::random(random, kind)).to_vec();
        let stack = [Lstm::random(random, 100, 100), Lstm::random(random, 100, 100)];
        let stack_inputs = random.numbers(64 * 100, 2.0);
        let candles = candles(random);
        let csv = csv(&candles);
        Self { windows, targets, nets, stack, stack_inputs, candles, csv }
    }

    pub fn net(&self, kind: Kind) -> &Net {
        &self.nets[kind as usize]
    }

    /// Returns the windows `first..first + count`, each `[T, I]`.
    pub fn windows(&self, first: usize, count: usize) -> &[f32] {
        &self.windows[first * STEPS * INPUTS..][..count * STEPS * INPUTS]
    }

    /// Returns row `index` of the first window, cyclically.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.windows[index % STEPS * INPUTS..][..INPUTS]
    }
}

/// Hourly candles of a random walk with a random volume.
fn candles(random: &mut Random) -> Vec<Candle> {
    let mut close: f64 = 100.0;
    let candle = |hour: i64| {
        let open = close;
        close *= 1.0 + 0.01 * random.number();
        let high = open.max(close) * (1.0 + 0.003 * random.number().abs());
        let low = open.min(close) * (1.0 - 0.003 * random.number().abs());
        let volume = 1_000.0 + 900.0 * random.number();
        let values = Ohlcv { open, high, low, close, volume };
        Candle::new(Timestamp::from_millis(hour * 3_600_000), values).expect("a valid candle")
    };
    (0..8_000).map(candle).collect()
}

fn csv(candles: &[Candle]) -> String {
    let mut text = "open_time,open,high,low,close,volume\n".to_string();
    for (row, candle) in candles.iter().cycle().take(CSV_ROWS).enumerate() {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let time = 1_577_836_800_000 + 60_000 * row;
        writeln!(text, "{time},{open},{high},{low},{close},{volume}").expect("a string");
    }
    text
}
