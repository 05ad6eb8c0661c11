//! Registered channels and channels that read another pair.
use crate::common::{learned, simulated};
use windvane_backtest::{Backtest, BacktestError, Instrument, Report};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Pair};
use windvane_models::train::Learner;
use windvane_models::v2::{WeightedSignalsLearner, Weights};
use windvane_signals::{
    Channel, ChannelSpec, GapPolicy, Momentum, Registry, SignalError, SignalSpec, StateReader,
    StateWriter,
};

/// Change from open to close of another pair's candle.
#[derive(Debug)]
struct OtherPairMove(Pair);

impl Channel for OtherPairMove {
    fn update(&mut self, market: &windvane_signals::MarketSnapshot<'_>) -> Option<f64> {
        market.other(&self.0).map(|candle| candle.close() / candle.open() - 1.0)
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn reset(&mut self) {}

    fn save(&self, _: &mut StateWriter) {}

    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}

/// Built-in channels, a momentum with another length, and a channel that reads another pair.
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register("my_bot.days", |_| Ok(Box::new(Momentum::new(72)?)));
    registry.register("my_bot.beside", |spec| {
        spec.check(&[], 1)?;
        Ok(Box::new(OtherPairMove(spec.pairs()[0].clone())))
    });
    registry
}

fn with(channel: ChannelSpec) -> Backtest {
    let mut channels = SignalSpec::default().channels;
    channels.push(channel);
    Backtest { channels, registry: registry(), ..Backtest::default() }
}

fn run(backtest: &Backtest, instruments: &[Instrument]) -> Result<Report, BacktestError> {
    let weights = (0..backtest.channels.len()).map(|_| 1.0).collect();
    let learner = WeightedSignalsLearner { weights: Weights::Given(weights), ..Default::default() };
    let learners: [Box<dyn Learner>; 1] = [Box::new(learner)];
    backtest.run(instruments, &learners, &|_| {})
}

fn hourly(name: &str) -> CandleSeries {
    simulated(MarketModel::AR1, name, Interval::HOUR, 1_500)
}

#[test]
fn backtest_accepts_a_registered_channel() {
    let own = with(ChannelSpec::new("my_bot.days"));
    let report = run(&own, &[learned(hourly("AAA"))]).unwrap();
    assert_eq!(report.run.channels.last().unwrap(), "my_bot.days");
    assert!(report.failures.is_empty());
    // The channel has the longest warm-up, so there are fewer windows than with the six alone.
    let six = run(&Backtest::default(), &[learned(hourly("AAA"))]).unwrap();
    let candles = |report: &Report| report.results[0].score.candles;
    assert!(candles(&report) < candles(&six));

    let unknown = Backtest { registry: Registry::default(), ..own };
    let error = run(&unknown, &[learned(hourly("AAA"))]).unwrap_err().to_string();
    assert!(error.contains("unknown channel \"my_bot.days\""), "{error}");
}

#[test]
fn channel_reads_another_pair_among_the_instruments() {
    let beside = with(ChannelSpec::new("my_bot.beside").reading(Pair::new("BBB").unwrap()));
    let held_out = |series| Instrument { series, test_only: true };
    let report = run(&beside, &[learned(hourly("AAA")), held_out(hourly("BBB"))]).unwrap();
    assert_eq!(report.run.channels.last().map(String::as_str), Some("my_bot.beside(BBB)"));
    assert_eq!(report.training[0].record.pairs, ["AAA"]);
    // Other candles of the other pair change the training rows, but not without the channel.
    let other = simulated(MarketModel::MARTINGALE_GARCH, "BBB", Interval::HOUR, 1_500);
    let changed = run(&beside, &[learned(hourly("AAA")), held_out(other.clone())]).unwrap();
    let hash = |report: &Report| report.training[0].record.data_hash.clone();
    assert_ne!(hash(&report), hash(&changed));
    let plain = Backtest::default();
    let of = |other| hash(&run(&plain, &[learned(hourly("AAA")), held_out(other)]).unwrap());
    assert_eq!(of(hourly("BBB")), of(other));
}

#[test]
fn channel_with_a_missing_pair_is_an_error() {
    let beside = with(ChannelSpec::new("my_bot.beside").reading(Pair::new("BBB").unwrap()));
    let days = simulated(MarketModel::AR1, "BBB", Interval::DAY, 900);
    let error = run(&beside, &[learned(hourly("AAA"))]).unwrap_err().to_string();
    assert!(error.contains("BBB, whose candles were not given"), "{error}");
    // A channel of hourly candles cannot read daily ones.
    let report = run(&beside, &[learned(hourly("AAA")), learned(days)]).unwrap();
    assert!(report.failures[0].to_string().contains("1h: a channel reads BBB"));
    let hold = Backtest { gaps: Some(GapPolicy::Hold { max_missing: 3 }), ..beside };
    let error = run(&hold, &[learned(hourly("AAA")), learned(hourly("BBB"))]).unwrap_err();
    assert!(error.to_string().contains("hold policy"), "{error}");
}
