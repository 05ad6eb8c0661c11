//! Peer `yata`: exponential and Wilder's moving averages, and rate of change.
use yata::core::Method;
use yata::methods::{EMA, RMA, RateOfChange};

use crate::data::Data;
use crate::peer::{Offer, Peer};
use crate::workload::Workload;

pub struct Yata;

impl Peer for Yata {
    fn name(&self) -> &'static str {
        "yata 0.7.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        if work != Workload::Signals {
            return Offer::Nothing;
        }
        let first = &data.candles[0].close();
        let change = |lag| RateOfChange::new(lag, first).expect("a lag");
        let mean = |period| EMA::new(period, first).expect("a period");
        let wilder = || RMA::new(14, &0.0).expect("a period");
        let (mut momentum, mut trend) = (change(1), change(20));
        let (mut gains, mut losses) = (wilder(), wilder());
        let (mut fast, mut slow) = (mean(12), mean(26));
        let (mut before, mut volume) = (*first, data.candles[0].volume());
        Offer::Task(Box::new(move |n, out| {
            let candle = &data.candles[n % data.candles.len()];
            let close = candle.close();
            let step = close - before;
            let (gain, loss) = (gains.next(&step.max(0.0)), losses.next(&(-step).max(0.0)));
            let row = [
                momentum.next(&close),
                trend.next(&close),
                100.0 * (gain / (gain + loss)),
                (fast.next(&close) - slow.next(&close)) / close,
                (candle.high() - candle.low()) / close,
                (candle.volume() - volume) / volume,
            ];
            (before, volume) = (close, candle.volume());
            out.iter_mut().zip(row).for_each(|(out, value)| *out = value as f32);
        }))
    }
}
