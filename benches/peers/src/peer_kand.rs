//! Peer `kand`: incremental RSI, exponential moving averages and rate of change.
use std::collections::VecDeque;

use kand::ohlcv::{
    atr::atr_inc, bbands::bbands_inc, cci::cci_inc, ema::ema_inc, macd::macd_inc,
    plus_di::plus_di_inc, roc::roc_inc, rocp::rocp_inc, rsi::rsi_inc, sma::sma_inc,
};
use windvane_candles::Candle;

use crate::data::Data;
use crate::indicator::{Indicator, PerCandle};
use crate::peer::{Offer, Peer, indicator_task};
use crate::workload::Workload;

pub struct Kand;

impl Peer for Kand {
    fn name(&self) -> &'static str {
        "kand 0.2.2"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        match work {
            Workload::Signals => {}
            Workload::Indicator(of) => {
                return indicator(of, data).map_or(Offer::Nothing, |it| indicator_task(data, it));
            }
            _ => return Offer::Nothing,
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

/// Prepares an incremental indicator of the library in the form of windvane's channel. The caller
/// keeps the windows and the state, as its users must.
fn indicator(of: Indicator, data: &Data) -> Option<PerCandle> {
    const PERIOD: &str = "a period";
    let first = data.candles[0];
    let close = first.close();
    Some(match of {
        Indicator::Sma => {
            let (mut window, mut mean) = (VecDeque::from(vec![close; 20]), close);
            Box::new(move |candle| {
                let oldest = exchange(&mut window, candle.close());
                mean = sma_inc(mean, candle.close(), oldest, 20).expect(PERIOD);
                candle.close() / mean - 1.0
            })
        }
        Indicator::Ema => {
            let mut mean = close;
            Box::new(move |candle| {
                mean = ema_inc(candle.close(), mean, 12, None).expect(PERIOD);
                candle.close() / mean - 1.0
            })
        }
        Indicator::Atr => {
            let (mut before, mut atr) = (close, first.high() - first.low());
            Box::new(move |candle| {
                atr = atr_inc(candle.high(), candle.low(), before, atr, 14).expect(PERIOD);
                before = candle.close();
                atr / before
            })
        }
        Indicator::Bollinger => {
            let mut window = VecDeque::from(vec![close; 20]);
            let (mut mean, mut sum, mut squares) = (close, 20.0 * close, 20.0 * close * close);
            Box::new(move |candle| {
                let oldest = exchange(&mut window, candle.close());
                let bands = bbands_inc(candle.close(), mean, sum, squares, oldest, 20, 2.0, 2.0);
                let (upper, _, lower, ..) = bands.as_ref().expect(PERIOD);
                (_, _, _, mean, sum, squares) = *bands.as_ref().expect(PERIOD);
                (candle.close() - lower) / (upper - lower)
            })
        }
        Indicator::Cci => {
            let mut window = VecDeque::from(vec![first; 20]);
            let typical = (first.high() + first.low() + first.close()) / 3.0;
            let (mut mean, mut buffer) = (typical, vec![typical; 20]);
            Box::new(move |candle| {
                let old = exchange(&mut window, *candle);
                let (new, before) = (values(candle), values(&old));
                let cci = cci_inc(
                    mean,
                    new.0,
                    new.1,
                    new.2,
                    before.0,
                    before.1,
                    before.2,
                    20,
                    &mut buffer,
                );
                mean += (new.0 + new.1 + new.2 - before.0 - before.1 - before.2) / 60.0;
                cci.expect(PERIOD)
            })
        }
        Indicator::PlusDi => {
            let (mut before, mut moves, mut ranges) = (first, 0.0, 0.0);
            Box::new(move |candle| {
                let ((high, low, _), (old_high, old_low, old_close)) =
                    (values(candle), values(&before));
                before = *candle;
                let di;
                (di, moves, ranges) =
                    plus_di_inc(high, low, old_high, old_low, old_close, moves, ranges, 14)
                        .expect(PERIOD);
                di
            })
        }
        Indicator::MacdHistogram => {
            let (mut fast, mut slow, mut signal) = (close, close, 0.0);
            Box::new(move |candle| {
                let price = candle.close();
                let (macd, line, histogram) =
                    macd_inc(price, fast, slow, signal, 12, 26, 9).expect(PERIOD);
                fast = ema_inc(price, fast, 12, None).expect(PERIOD);
                slow = macd.mul_add(-1.0, fast);
                signal = line;
                histogram / price
            })
        }
        Indicator::Roc => {
            let mut window = VecDeque::from(vec![close; 10]);
            Box::new(move |candle| {
                let oldest = exchange(&mut window, candle.close());
                roc_inc(candle.close(), oldest).expect("a price")
            })
        }
        Indicator::Stochastic | Indicator::Mfi => return None,
    })
}

/// Pushes the newest value and returns the oldest one.
fn exchange<T>(window: &mut VecDeque<T>, newest: T) -> T {
    window.push_back(newest);
    window.pop_front().expect("a filled window")
}

fn values(candle: &Candle) -> (f64, f64, f64) {
    (candle.high(), candle.low(), candle.close())
}
