//! Channels: one number per candle, computed from that candle and earlier ones.
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
pub(crate) use slot::{ChannelSlot, next_default_row};
pub use volatility::Volatility;
pub use volume::VolumeChange;
