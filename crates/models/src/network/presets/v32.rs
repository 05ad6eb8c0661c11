//! ML v3.2, the production model: one LSTM of 32 units, its last hidden state, a dense layer.
//!
//! **Shapes** window `[T, C]` → LSTM(C → H), hidden state after the last row `[H]` →
//! dense(H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! One prediction takes a few microseconds and allocates nothing. [`v32_stateful`](stateful) is the
//! same network with a state that is carried from candle to candle.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True)` and `self.fc = nn.Linear(H, 3)`:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0` | `[4H, C]` |
//! | `lstm.weight_hh_l0` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0` | `[4H]` |
//! | `fc.weight`, `fc.bias` | `[3, H]`, `[3]` |
//!
//! The classes are in the order UP, DOWN, NEUTRAL. Rename layers with other names when the file is
//! created: `{k.replace("rnn.", "lstm."): v for k, v in model.state_dict().items()}`.
//!
//! In Python, after training on channels scaled by a `StandardScaler` of scikit-learn:
//!
//! ```python
//! from safetensors.torch import save_file
//! save_file(model.state_dict(), "from_pytorch.safetensors")
//! print(scaler.mean_.tolist(), scaler.scale_.tolist())  # centre and scale
//! ```
//!
//! In Rust, with the channels and the number of rows that the network was trained on:
//!
//! ```
//! use windvane_models::candles::Interval;
//! use windvane_models::signals::{LabelSpec, Scaler, SignalSpec};
//! use windvane_models::{ModelSpec, network::Network, v32};
//! # let from_pytorch = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pytorch/v32.safetensors");
//!
//! let signals = SignalSpec::default(); // the six default channels, or any list
//! let labels = LabelSpec::default(); // definition of UP, DOWN and NEUTRAL
//! let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 20, labels };
//!
//! let centre = vec![0.00002, -0.0005, 49.6, -0.0001, 0.0067, -0.033]; // mean_
//! let scale = vec![0.0035, 0.019, 11.5, 0.0049, 0.0048, 0.385]; // scale_
//! let scaler = Scaler::from_parts(centre, scale, 1e6)?; // without clipping, like StandardScaler
//!
//! let model = Network::load_state_dict(from_pytorch, &v32::config(), spec, scaler)?;
//! assert_eq!(model.config().encoder.units(), 8); // from the shapes of the tensors
//! # Ok::<(), windvane_models::LoadError>(())
//! ```
//!
//! A head of one or two outputs must be extended to three outputs in Python. The error message of
//! `load_state_dict` and `docs/saved-models.md` describe how.
use crate::network::{Encoder, NetworkConfig, saved};

pub use super::v32_stateful as stateful;

/// Kind in saved files, and the default id.
pub const KIND: &str = saved::V32;

/// Returns the layers: an LSTM of 32 units, its last state, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig::new(Encoder::Lstm { units: 32, bidirectional: false })
}

/// Returns the learner of v3.2, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    crate::network::NetworkLearner::new(config())
}

#[doc = include_str!("../../../pretrained/README.md")]
///
/// # Panics
/// Never: a test loads the same bytes.
///
/// # Examples
/// ```
/// use windvane_candles::sample;
/// use windvane_models::{FittedModel, Predictor, v32};
///
/// let model = v32::pretrained();
/// let measured = model.record().and_then(|record| record.held_out.as_ref()).unwrap();
/// assert!(measured.interval_95.0 < measured.accuracy);
///
/// let series = sample::load("BTCUSDT").unwrap();
/// let mut predictor = Predictor::new(model, series.interval())?;
/// let mut last = None;
/// for candle in &series.candles()[..200] {
///     last = predictor.on_candle(candle)?.into_prediction();
/// }
/// assert!(last.is_some_and(|prediction| prediction.confidence > 0.0));
/// # Ok::<(), windvane_models::PredictError>(())
/// ```
#[cfg(feature = "pretrained")]
pub fn pretrained() -> crate::network::Network {
    let bytes = include_bytes!("../../../pretrained/v32.safetensors");
    crate::network::Network::from_bytes(bytes).expect("invariant: the file in the crate is valid")
}
