//! Life of a predictor as a fuzz input: candles with unusual times and prices, gaps, restarts.

use arbitrary::Arbitrary;
use windvane_candles::{Candle, Ohlcv, Timestamp};

/// Interval in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// Creates a candle; `None` if its values are invalid.
pub fn candle_at(millis: i64, values: Ohlcv) -> Option<Candle> {
    Candle::new(Timestamp::from_millis(millis), values).ok()
}

/// Milliseconds from the last candle to the candle after a gap.
fn after(missing: u8) -> i64 {
    HOUR * (1 + i64::from(missing))
}

/// Sequence of events of one predictor.
#[derive(Debug, PartialEq, Arbitrary)]
pub struct Life {
    pub model: u8,
    pub policy: u8,
    /// Whether the predictor is warmed up from a history before the first event.
    pub warm: bool,
    pub events: Vec<Event>,
}

/// Event in the life of a predictor.
#[derive(Debug, PartialEq, Arbitrary)]
pub enum Event {
    /// The next candle after a number of missing candles.
    Next { missing: u8, step: PriceStep },
    /// The next candle after a number of missing candles, with any prices.
    Wild { missing: u8, prices: [f64; 4], volume: f64 },
    /// A candle at a number of hours from the last one.
    Jump { hours: i32, step: PriceStep },
    /// A candle at any time.
    At { millis: i64, step: PriceStep },
    /// A duplicate of the last candle.
    Again,
    /// A candle that has not closed.
    Unfinished { step: PriceStep },
    /// A restart: a new predictor restores the saved state.
    Restart,
}

/// Prices relative to the last close, in steps of about 1 %.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub struct PriceStep {
    pub close: i8,
    pub up: u8,
    pub down: u8,
    pub volume: u16,
}

impl Event {
    /// Returns the candle of the event; `None` if there is none or it is invalid.
    pub fn candle(&self, last: Option<Candle>) -> Option<Candle> {
        match self {
            Self::Next { missing, step } => step.candle(last, after(*missing)),
            Self::Jump { hours, step } => step.candle(last, HOUR * i64::from(*hours)),
            Self::At { millis, step } => candle_at(*millis, step.values(last)),
            Self::Again => last,
            Self::Wild { missing, prices, volume } => {
                let [open, close, more, less] = prices.map(f64::abs);
                let high = open.max(close).max(more);
                let low = open.min(close).min(less);
                let millis = last.map_or(0, |last| last.open_time().millis());
                let millis = millis.checked_add(after(*missing))?;
                candle_at(millis, Ohlcv { open, high, low, close, volume: volume.abs() })
            }
            Self::Unfinished { .. } | Self::Restart => None,
        }
    }
}

impl PriceStep {
    fn values(&self, last: Option<Candle>) -> Ohlcv {
        let open = last.map_or(100.0, |last| last.close());
        let close = open * (f64::from(self.close) / 100.0).exp();
        let high = open.max(close) * (1.0 + f64::from(self.up) / 100.0);
        let low = open.min(close) / (1.0 + f64::from(self.down) / 100.0);
        Ohlcv { open, high, low, close, volume: f64::from(self.volume) }
    }

    /// Returns the candle `after` milliseconds after the last one.
    pub fn candle(&self, last: Option<Candle>, after: i64) -> Option<Candle> {
        let millis = last.map_or(0, |last| last.open_time().millis()).checked_add(after)?;
        candle_at(millis, self.values(last))
    }
}

impl Life {
    /// Encodes the life as an input, the inverse of [`Arbitrary`].
    pub fn to_input(&self) -> Vec<u8> {
        let mut bytes = vec![self.model, self.policy, u8::from(self.warm)];
        for event in &self.events {
            bytes.push(1);
            event.encode(&mut bytes);
        }
        bytes.push(0);
        bytes
    }
}

/// The four bytes that select a variant of [`Event`].
fn variant(index: u32) -> [u8; 4] {
    const VARIANTS: u64 = 7;
    let first = (u64::from(index) << 32).div_ceil(VARIANTS);
    u32::try_from(first).expect("below 2^32").to_le_bytes()
}

impl Event {
    fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Next { missing, step } => {
                bytes.extend(variant(0));
                bytes.push(*missing);
                step.encode(bytes);
            }
            Self::Wild { missing, prices, volume } => {
                bytes.extend(variant(1));
                bytes.push(*missing);
                prices.iter().for_each(|price| bytes.extend(price.to_le_bytes()));
                bytes.extend(volume.to_le_bytes());
            }
            Self::Jump { hours, step } => {
                bytes.extend(variant(2));
                bytes.extend(hours.to_le_bytes());
                step.encode(bytes);
            }
            Self::At { millis, step } => {
                bytes.extend(variant(3));
                bytes.extend(millis.to_le_bytes());
                step.encode(bytes);
            }
            Self::Again => bytes.extend(variant(4)),
            Self::Unfinished { step } => {
                bytes.extend(variant(5));
                step.encode(bytes);
            }
            Self::Restart => bytes.extend(variant(6)),
        }
    }
}

impl PriceStep {
    fn encode(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.close.to_le_bytes());
        bytes.extend([self.up, self.down]);
        bytes.extend(self.volume.to_le_bytes());
    }
}
