//! A channel as the pipeline stores it: the built-in ones in place, a bot's own behind a box.
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
