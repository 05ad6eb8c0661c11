//! A channel as the pipeline stores it: the built-in ones in place, a bot's own behind a box.
use windvane_candles::Candle;

use crate::{
    Channel, Market, Momentum, RelativeMacd, Rsi, SignalError, StateReader, StateWriter,
    Volatility, VolumeChange,
};

/// Built-in channels cost no virtual call and lie side by side: one takes about a nanosecond, of
/// which a call behind a pointer would be a good part.
#[derive(Debug)]
pub(crate) enum Slot {
    Momentum(Momentum),
    Rsi(Rsi),
    Macd(RelativeMacd),
    Volatility(Volatility),
    Volume(VolumeChange),
    Boxed(Box<dyn Channel>),
}

/// The same expression for the channel in any slot.
macro_rules! in_slot {
    ($slot:expr, $channel:ident => $value:expr) => {
        match $slot {
            Slot::Momentum($channel) => $value,
            Slot::Rsi($channel) => $value,
            Slot::Macd($channel) => $value,
            Slot::Volatility($channel) => $value,
            Slot::Volume($channel) => $value,
            Slot::Boxed($channel) => $value,
        }
    };
}

impl Slot {
    pub(crate) fn into_box(self) -> Box<dyn Channel> {
        match self {
            Self::Boxed(channel) => channel,
            built_in => Box::new(built_in),
        }
    }
}

/// The next row of the default channels once each has given a value; `None` for other channels.
///
/// Written out, so that nothing is decided from channel to channel, and the divisions, which take
/// longer than all the rest, are done several at once.
#[inline]
pub(crate) fn next_default_row(channels: &mut [Slot], candle: &Candle) -> Option<[f64; 6]> {
    let [
        Slot::Momentum(momentum),
        Slot::Momentum(trend),
        Slot::Rsi(rsi),
        Slot::Macd(macd),
        Slot::Volatility(_),
        Slot::Volume(volume),
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

impl Channel for Slot {
    #[inline]
    fn update(&mut self, market: &Market<'_>) -> Option<f64> {
        in_slot!(self, channel => channel.update(market))
    }

    fn warm_up(&self) -> usize {
        in_slot!(self, channel => channel.warm_up())
    }

    fn reset(&mut self) {
        in_slot!(self, channel => channel.reset());
    }

    fn save(&self, state: &mut StateWriter) {
        in_slot!(self, channel => channel.save(state));
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        in_slot!(self, channel => channel.restore(state))
    }
}
