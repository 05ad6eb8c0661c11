//! What happens on the stream, step by step, decided by the seed alone.
use std::collections::HashMap;

use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use windvane::prelude::*;

/// In so many candles each of the faults happens once.
const BLOCK: usize = 20;
/// The last candles come without a fault.
const CALM: usize = 4;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// What there is so far of a candle that has not closed.
    Update(Candle),
    /// A candle closes and is sent.
    Close(Candle),
    /// A candle closes and only who asks for the past hears of it.
    CloseUnsent(Candle),
    /// A candle that was sent is sent again.
    Repeat(Candle),
    /// The connection breaks without a word.
    Disconnect,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The connection breaks before the candle closes.
    Disconnect,
    Unsent,
    Repeated,
    /// The exchange never tells of the candle.
    Lost,
}

/// The steps that stream these candles: updates before each close, and in every twenty candles
/// one disconnection, one close that is not sent and one that is sent twice. One candle of all,
/// in the second third, never comes.
pub(crate) fn script(candles: &[Candle], seed: u64) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let faults = faults(candles.len(), &mut random);
    let mut steps = Vec::new();
    let mut away = 0;
    for (index, candle) in candles.iter().enumerate() {
        let fault = faults.get(&index);
        if matches!(fault, Some(Fault::Lost)) {
            continue;
        }
        if away > 0 {
            away -= 1;
            steps.push(Step::CloseUnsent(*candle));
            continue;
        }
        for _ in 0..random.random_range(1..=3) {
            steps.extend(part(candle, random.random_range(0.05..0.95)).map(Step::Update));
        }
        match fault {
            Some(Fault::Disconnect) => {
                steps.extend([Step::Disconnect, Step::CloseUnsent(*candle)]);
                away = random.random_range(0..=2);
            }
            Some(Fault::Unsent) => steps.push(Step::CloseUnsent(*candle)),
            Some(Fault::Repeated) => steps.extend([Step::Close(*candle), Step::Repeat(*candle)]),
            Some(Fault::Lost) | None => steps.push(Step::Close(*candle)),
        }
    }
    steps
}

fn faults(candles: usize, random: &mut ChaCha8Rng) -> HashMap<usize, Fault> {
    let mut faults = HashMap::new();
    let end = candles.saturating_sub(CALM);
    for first in (0..end).step_by(BLOCK) {
        let kinds = [Fault::Disconnect, Fault::Unsent, Fault::Repeated];
        let length = BLOCK.min(end - first);
        // The very first candle tells where the stream begins.
        let places = index::sample(random, length, kinds.len().min(length));
        let places = places.into_iter().map(|place| first + place).filter(|place| *place > 0);
        faults.extend(places.zip(kinds));
    }
    if candles >= BLOCK {
        faults.insert(random.random_range(candles / 3..2 * candles / 3), Fault::Lost);
    }
    faults
}

/// A candle when a share of it is over.
fn part(candle: &Candle, share: f64) -> Option<Candle> {
    let Ohlcv { open, close, volume, .. } = candle.values();
    let close = open + share * (close - open);
    let (high, low) = (open.max(close), open.min(close));
    Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume: share * volume }).ok()
}
