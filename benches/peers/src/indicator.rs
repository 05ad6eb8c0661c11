//! Indicators with the definitions of TA-Lib, computed candle by candle.
use windvane_candles::Candle;
use windvane_signals::ChannelSpec;

/// Indicators in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indicator {
    /// Close over its simple moving average of 20 candles, minus 1.
    Sma,
    /// Close over its exponential moving average of 12 candles, minus 1.
    Ema,
    /// Average true range of 14 candles, divided by the close.
    Atr,
    /// Place of the close between the Bollinger bands of 20 candles and two deviations.
    Bollinger,
    /// Place of the close between the lowest and highest price of 14 candles, in percent.
    Stochastic,
    /// Commodity channel index of 20 candles.
    Cci,
    /// Money flow index of 14 candles.
    Mfi,
    /// Positive directional index of 14 candles.
    PlusDi,
    /// MACD 12/26 minus its signal line of 9 candles, divided by the close.
    MacdHistogram,
    /// Rate of change over 10 candles, in percent.
    Roc,
}

pub const INDICATORS: [Indicator; 10] = [
    Indicator::Sma,
    Indicator::Ema,
    Indicator::Atr,
    Indicator::Bollinger,
    Indicator::Stochastic,
    Indicator::Cci,
    Indicator::Mfi,
    Indicator::PlusDi,
    Indicator::MacdHistogram,
    Indicator::Roc,
];

/// Function from a candle to the value of an indicator.
pub type PerCandle = Box<dyn FnMut(&Candle) -> f64>;

impl Indicator {
    /// Returns the name of windvane's channel.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sma => "sma",
            Self::Ema => "ema",
            Self::Atr => "atr",
            Self::Bollinger => "bollinger_percent_b",
            Self::Stochastic => "stochastic_k",
            Self::Cci => "cci",
            Self::Mfi => "mfi",
            Self::PlusDi => "plus_di",
            Self::MacdHistogram => "macd_histogram",
            Self::Roc => "roc",
        }
    }

    /// Returns windvane's channel.
    pub fn channel(self) -> ChannelSpec {
        let parameters: &[(&str, f64)] = match self {
            Self::Sma => &[("period", 20.0)],
            Self::Ema => &[("period", 12.0)],
            Self::Cci => &[("period", 20.0)],
            Self::Stochastic => &[("fast_k", 14.0), ("slow_k", 1.0), ("slow_d", 3.0)],
            Self::Roc => &[("lag", 10.0)],
            _ => &[],
        };
        let spec = ChannelSpec::new(self.name());
        parameters.iter().fold(spec, |spec, (name, value)| spec.with(*name, *value))
    }
}

/// Returns the values of windvane's channel, whose numbers are tested against TA-Lib.
pub fn reference(indicator: Indicator, candles: &[Candle]) -> Vec<f64> {
    let mut channel = windvane(indicator);
    candles.iter().map(|candle| channel(candle)).collect()
}

/// Prepares windvane's channel in a pipeline of its own.
pub fn windvane(indicator: Indicator) -> PerCandle {
    use windvane_signals::{GapPolicy, Registry, SignalPipeline, SignalSpec};
    let spec = SignalSpec { channels: vec![indicator.channel()], gaps: GapPolicy::Reset };
    let interval = windvane_candles::Interval::HOUR;
    let mut pipeline =
        SignalPipeline::new(&spec, interval, &Registry::default()).expect("a built-in channel");
    Box::new(move |candle| {
        if pipeline.last_open_time() >= Some(candle.open_time()) {
            pipeline.reset();
        }
        let rows = pipeline.update(candle).expect("candles in order");
        rows.last().map_or(0.0, |row| row[0])
    })
}
