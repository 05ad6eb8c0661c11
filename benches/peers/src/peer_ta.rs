//! Peer `ta`: exponential moving averages, RSI and rate of change.
use ta::DataItem;
use ta::Next;
use ta::indicators::{
    AverageTrueRange, BollingerBands, CommodityChannelIndex, ExponentialMovingAverage,
    FastStochastic, MoneyFlowIndex, MovingAverageConvergenceDivergence, RateOfChange,
    RelativeStrengthIndex, SimpleMovingAverage,
};
use windvane_candles::Candle;

use crate::data::Data;
use crate::indicator::{Indicator, PerCandle};
use crate::peer::{Offer, Peer, indicator_task};
use crate::workload::Workload;

pub struct Ta;

impl Peer for Ta {
    fn name(&self) -> &'static str {
        "ta 0.5.0"
    }

    fn offer<'a>(&self, work: Workload, data: &'a Data, _: bool) -> Offer<'a> {
        match work {
            Workload::Signals => {}
            Workload::Indicator(of) => {
                return indicator(of, data).map_or(Offer::Nothing, |it| indicator_task(data, it));
            }
            _ => return Offer::Nothing,
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

/// Prepares an indicator of the library in the form of windvane's channel.
fn indicator(of: Indicator, _: &Data) -> Option<PerCandle> {
    const PERIOD: &str = "a period";
    Some(match of {
        Indicator::Sma => {
            let mut sma = SimpleMovingAverage::new(20).expect(PERIOD);
            Box::new(move |candle| candle.close() / sma.next(candle.close()) - 1.0)
        }
        Indicator::Ema => {
            let mut ema = ExponentialMovingAverage::new(12).expect(PERIOD);
            Box::new(move |candle| candle.close() / ema.next(candle.close()) - 1.0)
        }
        // Wilder's average of 14 candles is the exponential average of 27 candles.
        Indicator::Atr => {
            let mut atr = AverageTrueRange::new(27).expect(PERIOD);
            Box::new(move |candle| atr.next(&item(candle)) / candle.close())
        }
        Indicator::Bollinger => {
            let mut bands = BollingerBands::new(20, 2.0).expect(PERIOD);
            Box::new(move |candle| {
                let band = bands.next(candle.close());
                (candle.close() - band.lower) / (band.upper - band.lower)
            })
        }
        Indicator::Stochastic => {
            let mut stochastic = FastStochastic::new(14).expect(PERIOD);
            Box::new(move |candle| stochastic.next(&item(candle)))
        }
        Indicator::Cci => {
            let mut cci = CommodityChannelIndex::new(20).expect(PERIOD);
            Box::new(move |candle| cci.next(&item(candle)))
        }
        Indicator::Mfi => {
            let mut mfi = MoneyFlowIndex::new(14).expect(PERIOD);
            Box::new(move |candle| mfi.next(&item(candle)))
        }
        Indicator::MacdHistogram => {
            let macd = MovingAverageConvergenceDivergence::new(12, 26, 9);
            let mut macd = macd.expect(PERIOD);
            Box::new(move |candle| macd.next(candle.close()).histogram / candle.close())
        }
        Indicator::Roc => {
            let mut roc = RateOfChange::new(10).expect(PERIOD);
            Box::new(move |candle| roc.next(candle.close()))
        }
        Indicator::PlusDi => return None,
    })
}

/// Converts a candle into the library's own type, as its users must.
fn item(candle: &Candle) -> DataItem {
    let item = DataItem::builder().open(candle.open()).high(candle.high()).low(candle.low());
    item.close(candle.close()).volume(candle.volume()).build().expect("a valid candle")
}
