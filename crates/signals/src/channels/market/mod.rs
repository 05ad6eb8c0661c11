//! Channels that read other pairs: a leader, a market of pairs, the own pair relative to it.
mod beta;
mod feed;
mod momentum;
mod moves;
mod rank;
mod relative;
mod shared;
mod spread;
mod volatility;

pub(crate) use beta::{MARKET_BETA, RESIDUAL_RETURN};
pub use beta::{MarketBeta, ResidualReturn};
pub(crate) use feed::{LEADER_MOMENTUM, LEADER_RETURN, MARKET_MEAN};
pub use feed::{LeaderChannel, MarketMean};
pub(crate) use momentum::{MARKET_MOMENTUM, MARKET_RETURN, MARKET_VOLATILITY};
pub use momentum::{MarketMomentum, MarketReturn, MarketVolatility};
pub(crate) use rank::RETURN_RANK;
pub use rank::ReturnRank;
pub(crate) use relative::{RELATIVE_MOMENTUM, RELATIVE_RETURN};
pub use relative::{RelativeMomentum, RelativeReturn};
pub(crate) use shared::{
    CloseCandles, ClosedCandle, MarketQuantity, SharedMarket, SharedQuantity, Sharing,
};
pub(crate) use spread::{MARKET_BREADTH, MARKET_DISPERSION};
pub use spread::{MarketBreadth, MarketDispersion};
pub(crate) use volatility::RELATIVE_VOLATILITY;
pub use volatility::RelativeVolatility;
