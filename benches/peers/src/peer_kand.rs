//! Peer `kand`: incremental RSI, exponential moving averages and rate of change.
use std::collections::VecDeque;

use kand::ohlcv::{ema::ema_inc, rocp::rocp_inc, rsi::rsi_inc};

use crate::data::Data;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Kand;

impl Peer for Kand {
    fn name(&self) -> &'static str {
        "kand 0.2.2"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        if work != Workload::Signals {
            return Offer::Nothing;
        }
        let first = data.candles[0].close();
        let (mut before, mut volume) = (first, data.candles[0].volume());
        let (mut fast, mut slow) = (first, first);
        let (mut gain, mut loss) = (0.0, 0.0);
        let mut closes = VecDeque::from(vec![first; 20]);
        Offer::Task(Box::new(move |n, out| {
            let candle = &data.candles[n % data.candles.len()];
            let close = candle.close();
            let oldest = closes.pop_front().expect("20 closes");
            closes.push_back(close);
            let rsi;
            (rsi, gain, loss) = rsi_inc(close, before, gain, loss, 14).expect("a period");
            fast = ema_inc(close, fast, 12, None).expect("a period");
            slow = ema_inc(close, slow, 26, None).expect("a period");
            let row = [
                rocp_inc(close, before).expect("a price"),
                rocp_inc(close, oldest).expect("a price"),
                rsi,
                (fast - slow) / close,
                (candle.high() - candle.low()) / close,
                (candle.volume() - volume) / volume,
            ];
            (before, volume) = (close, candle.volume());
            out.iter_mut().zip(row).for_each(|(out, value)| *out = value as f32);
        }))
    }
}
