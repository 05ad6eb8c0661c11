//! Storage of a channel in the pipeline: built-in channels inline, a bot's own in a box.
use windvane_candles::Candle;

use super::{Channel, MarketSnapshot, Momentum, RelativeMacd, Rsi, Volatility, VolumeChange};

/// Channel of a pipeline.
///
/// Built-in channels are stored inline and need no virtual call: an update takes about a
/// nanosecond, of which a call through a pointer would be a large part.
#[derive(Debug)]
pub(crate) enum ChannelSlot {
    Momentum(Momentum),
    Rsi(Rsi),
    Macd(RelativeMacd),
    Volatility(Volatility),
    Volume(VolumeChange),
    Boxed(Box<dyn Channel>),
}

impl ChannelSlot {
    /// Returns the next value. Matched here, so that the built-in channels are inlined.
    #[inline]
    pub(crate) fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        match self {
            Self::Momentum(channel) => channel.update(market.own()),
            Self::Rsi(channel) => channel.update(market.own()),
            Self::Macd(channel) => channel.update(market.own()),
            Self::Volatility(channel) => channel.update(market.own()),
            Self::Volume(channel) => channel.update(market.own()),
            Self::Boxed(channel) => channel.update(market),
        }
    }

    pub(crate) fn channel(&self) -> &dyn Channel {
        match self {
            Self::Momentum(channel) => channel,
            Self::Rsi(channel) => channel,
            Self::Macd(channel) => channel,
            Self::Volatility(channel) => channel,
            Self::Volume(channel) => channel,
            Self::Boxed(channel) => &**channel,
        }
    }

    pub(crate) fn channel_mut(&mut self) -> &mut dyn Channel {
        match self {
            Self::Momentum(channel) => channel,
            Self::Rsi(channel) => channel,
            Self::Macd(channel) => channel,
            Self::Volatility(channel) => channel,
            Self::Volume(channel) => channel,
            Self::Boxed(channel) => &mut **channel,
        }
    }

    pub(crate) fn into_box(self) -> Box<dyn Channel> {
        match self {
            Self::Momentum(channel) => Box::new(channel),
            Self::Rsi(channel) => Box::new(channel),
            Self::Macd(channel) => Box::new(channel),
            Self::Volatility(channel) => Box::new(channel),
            Self::Volume(channel) => Box::new(channel),
            Self::Boxed(channel) => channel,
        }
    }
}

/// Returns the next row of the six default channels; `None` for other channels. The warm-up of all
/// of them must be over.
///
/// Written out, so that there is no branch per channel, and the divisions, which take longer than
/// everything else, are vectorised.
#[inline]
pub(crate) fn next_default_row(channels: &mut [ChannelSlot], candle: &Candle) -> Option<[f64; 6]> {
    let [
        ChannelSlot::Momentum(momentum),
        ChannelSlot::Momentum(trend),
        ChannelSlot::Rsi(rsi),
        ChannelSlot::Macd(macd),
        ChannelSlot::Volatility(_),
        ChannelSlot::Volume(volume),
    ] = channels
    else {
        return None;
    };
    let ratios = [
        momentum.next(candle),
        trend.next(candle),
        rsi.next(candle),
        macd.next(candle),
        Volatility::next(candle),
        volume.next(candle),
    ];
    let mut row = [0.0; 6];
    for k in 0..6 {
        row[k] = ratios[k].value();
    }
    Some(row)
}
