//! Channels: one number per candle, from the candles up to and including it.
mod channel;
mod ema;
mod macd;
mod momentum;
mod ratio;
mod registry;
mod rsi;
mod slot;
mod volatility;
mod volume;

pub use channel::{Channel, MarketSnapshot};
pub use macd::{Macd, RelativeMacd};
pub use momentum::Momentum;
pub use registry::Registry;
pub use rsi::Rsi;
pub(crate) use slot::{Slot, next_default_row};
pub use volatility::Volatility;
pub use volume::VolumeChange;
