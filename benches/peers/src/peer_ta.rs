//! Peer `ta`: exponential moving averages, RSI and rate of change.
use ta::Next;
use ta::indicators::{ExponentialMovingAverage, RateOfChange, RelativeStrengthIndex};

use crate::data::Data;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Ta;

impl Peer for Ta {
    fn name(&self) -> &'static str {
        "ta 0.5.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        if work != Workload::Signals {
            return Offer::Nothing;
        }
        let change = |lag| RateOfChange::new(lag).expect("a lag");
        let mean = |period| ExponentialMovingAverage::new(period).expect("a period");
        let (mut momentum, mut trend) = (change(1), change(20));
        // Wilder's average of 14 candles is the exponential average of 27 candles, the library's
        // parameter.
        let mut rsi = RelativeStrengthIndex::new(27).expect("a period");
        let (mut fast, mut slow) = (mean(12), mean(26));
        let mut volume = data.candles[0].volume();
        Offer::Task(Box::new(move |n, out| {
            let candle = &data.candles[n % data.candles.len()];
            let close = candle.close();
            let row = [
                momentum.next(close) / 100.0,
                trend.next(close) / 100.0,
                rsi.next(close),
                (fast.next(close) - slow.next(close)) / close,
                (candle.high() - candle.low()) / close,
                (candle.volume() - volume) / volume,
            ];
            volume = candle.volume();
            out.iter_mut().zip(row).for_each(|(out, value)| *out = value as f32);
        }))
    }
}
