//! Channels: one number per candle, computed from that candle and earlier ones.
//!
//! A [`ChannelSpec`](crate::ChannelSpec) names a channel and its parameters, and the
//! [`Registry`] builds it. The table of names is at [`Registry`]; each type documents units,
//! formula, source, warm-up and edge cases.
mod bollinger;
mod candle_shape;
mod catalog;
mod channel;
mod clock;
mod clocked;
mod close_volatility;
mod coarse;
mod directional;
mod donchian;
mod ema;
mod ewm;
mod hidden_markov;
mod log_volatility;
mod logs;
mod macd;
mod macd_signal;
mod market;
mod mean_absolute_return;
mod momentum;
mod moving_average;
mod normalized_momentum;
mod normalized_range;
mod normalized_return;
mod pattern;
mod ratio;
mod regime;
mod registry;
mod replayed;
mod returns;
mod roc;
mod rolling;
mod rsi;
mod season;
mod signed_volume;
mod slot;
mod stochastic;
mod typical_price;
mod volatility;
mod volatility_ratio;
mod volume;
mod volume_level;
mod volume_profile;
mod wilder;

pub use bollinger::BollingerPercentB;
pub use candle_shape::CandleShape;
pub use catalog::{ChannelInfo, ChannelPairs};
pub use channel::{Channel, MarketClose, MarketSnapshot};
pub use clock::Clock;
pub use close_volatility::CloseVolatility;
pub use coarse::OnInterval;
pub use directional::{Adx, DirectionalIndicator};
pub use donchian::DonchianPosition;
pub use hidden_markov::HiddenMarkovState;
pub use log_volatility::LogVolatility;
pub(crate) use logs::CandleLogs;
pub use macd::{Macd, RelativeMacd};
pub use macd_signal::MacdSignal;
pub(crate) use market::{CloseCandles, ClosedCandle, SharedMarket, Sharing};
pub use market::{
    LeaderChannel, MarketBeta, MarketBreadth, MarketDispersion, MarketMean, MarketMomentum,
    MarketReturn, MarketVolatility, RelativeMomentum, RelativeReturn, RelativeVolatility,
    ResidualReturn, ReturnRank,
};
pub use mean_absolute_return::MeanAbsoluteReturn;
pub use momentum::Momentum;
pub use moving_average::{EmaDistance, SmaDistance};
pub use normalized_momentum::NormalizedMomentum;
pub use normalized_range::NormalizedRange;
pub use normalized_return::NormalizedReturn;
pub use pattern::CandlePattern;
pub use regime::Regime;
pub use registry::Registry;
pub use replayed::Replay;
pub use roc::RateOfChange;
pub use rsi::Rsi;
pub use season::{SameHourReturn, VolumeSeason};
pub use signed_volume::{ObvChange, SignedVolume};
pub(crate) use slot::{ChannelSlot, next_default_row};
pub use stochastic::{Stochastic, WilliamsR};
pub use typical_price::{CommodityChannelIndex, MoneyFlowIndex};
pub use volatility::Volatility;
pub use volatility_ratio::VolatilityRatio;
pub use volume::VolumeChange;
pub use volume_level::{VolumeLevel, VolumeTrend};
pub use volume_profile::{PocDistance, ValueAreaPosition};
pub use wilder::RelativeAtr;
