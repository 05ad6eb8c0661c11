//! Peer `yata`: exponential and Wilder's moving averages, and rate of change.
use yata::core::Method;
use yata::methods::{CCI, EMA, Highest, Lowest, RMA, RateOfChange, SMA, StDev};

use crate::data::Data;
use crate::indicator::{Indicator, PerCandle};
use crate::peer::{Offer, Peer, indicator_task};
use crate::workload::Workload;

pub struct Yata;

impl Peer for Yata {
    fn name(&self) -> &'static str {
        "yata 0.7.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        match work {
            Workload::Signals => {}
            Workload::Indicator(of) => {
                return indicator(of, data).map_or(Offer::Nothing, |it| indicator_task(data, it));
            }
            _ => return Offer::Nothing,
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

/// Prepares an indicator from the library's methods in the form of windvane's channel.
fn indicator(of: Indicator, data: &Data) -> Option<PerCandle> {
    const PERIOD: &str = "a period";
    let first = data.candles[0];
    let close = &first.close();
    Some(match of {
        Indicator::Sma => {
            let mut sma = SMA::new(20, close).expect(PERIOD);
            Box::new(move |candle| candle.close() / sma.next(&candle.close()) - 1.0)
        }
        Indicator::Ema => {
            let mut ema = EMA::new(12, close).expect(PERIOD);
            Box::new(move |candle| candle.close() / ema.next(&candle.close()) - 1.0)
        }
        Indicator::Atr => {
            let mut atr = RMA::new(14, &(first.high() - first.low())).expect(PERIOD);
            let mut before = *close;
            Box::new(move |candle| {
                let range = candle.high().max(before) - candle.low().min(before);
                before = candle.close();
                atr.next(&range) / before
            })
        }
        Indicator::Bollinger => {
            let mut mean = SMA::new(20, close).expect(PERIOD);
            let mut deviation = StDev::new(20, close).expect(PERIOD);
            // The library divides by n - 1, the bands by n.
            let factor = 2.0 * (19.0_f64 / 20.0).sqrt();
            Box::new(move |candle| {
                let (close, width) = (candle.close(), factor * deviation.next(&candle.close()));
                (close - mean.next(&close) + width) / (2.0 * width)
            })
        }
        Indicator::Stochastic => {
            let mut highest = Highest::new(14, &first.high()).expect(PERIOD);
            let mut lowest = Lowest::new(14, &first.low()).expect(PERIOD);
            Box::new(move |candle| {
                let (high, low) = (highest.next(&candle.high()), lowest.next(&candle.low()));
                100.0 * ((candle.close() - low) / (high - low))
            })
        }
        Indicator::Cci => {
            let mut cci = CCI::new(20, close).expect(PERIOD);
            Box::new(move |candle| {
                let typical = (candle.high() + candle.low() + candle.close()) / 3.0;
                cci.next(&typical) / 0.015
            })
        }
        Indicator::MacdHistogram => {
            let mut fast = EMA::new(12, close).expect(PERIOD);
            let mut slow = EMA::new(26, close).expect(PERIOD);
            let mut signal = EMA::new(9, &0.0).expect(PERIOD);
            Box::new(move |candle| {
                let macd = fast.next(&candle.close()) - slow.next(&candle.close());
                (macd - signal.next(&macd)) / candle.close()
            })
        }
        Indicator::Roc => {
            let mut roc = RateOfChange::new(10, close).expect(PERIOD);
            Box::new(move |candle| 100.0 * roc.next(&candle.close()))
        }
        Indicator::Mfi | Indicator::PlusDi => return None,
    })
}
