//! Pipelines without leaks are reported as clean over 20 seeds.
use windvane_backtest::Backtest;
use windvane_backtest::audit::{Audit, AuditFindings, Check, Verdict};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_lstm_core::{Purpose, Stream};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_signals::{LabelSpec, Registry, SignalSpec};

use super::audit;
use super::pipeline::{Leak, audited};

/// Assigns the market models to the seeds in turn.
fn market(seed: u64) -> MarketModel {
    MarketModel::ALL[usize::try_from(seed).expect("a small seed") % MarketModel::ALL.len()]
}

fn all_clean(findings: &AuditFindings) -> bool {
    findings.findings.iter().all(|finding| finding.verdict == Verdict::Clean)
}

#[test]
fn audit_built_in_channels_and_learner_is_clean() {
    let settings = Backtest::default();
    for seed in 0..20 {
        let audit = audit(market(seed), 1_000, seed);
        let findings = audit.learner(&WeightedSignalsLearner::learned(), &settings).unwrap();
        assert!(all_clean(&findings), "seed {seed}\n{findings}");
        let findings = audit.channels(&SignalSpec::default(), &Registry::default()).unwrap();
        assert!(findings.is_clean(), "seed {seed}\n{findings}");
    }
}

#[test]
fn audit_plain_code_without_leak_is_clean() {
    for seed in 0..20 {
        for horizon in [1, 5] {
            let audit = audit(market(seed), 1_000, seed);
            let findings = audited(&audit, horizon, Leak::None);
            assert!(all_clean(&findings), "seed {seed}, horizon {horizon}\n{findings}");
        }
    }
}

#[test]
fn audit_learner_with_horizon_10_is_clean() {
    let labels = LabelSpec { horizon: 10, ..LabelSpec::default() };
    let settings = Backtest { labels, ..Backtest::default() };
    let audit = audit(MarketModel::REGIME, 1_500, 3);
    let findings = audit.learner(&WeightedSignalsLearner::learned(), &settings).unwrap();
    assert!(all_clean(&findings), "{findings}");
}

#[test]
fn audit_network_is_clean() {
    let mut learner = v32::learner();
    learner.training.epochs = 1;
    let settings = Backtest { lookback: 5, ..Backtest::default() };
    let findings = audit(MarketModel::AR1, 500, 2).learner(&learner, &settings).unwrap();
    assert!(all_clean(&findings), "{findings}");
}

#[test]
fn audit_real_markets_is_clean() {
    let samples = windvane_candles::sample::all();
    let long: Vec<_> = samples.iter().filter(|series| series.len() > 1_000).collect();
    assert!(long.len() >= 6);
    for series in long {
        let from = series.candles()[series.len().saturating_sub(1_500)].open_time();
        let audit = Audit::new(series.split_at(from).1);
        // Some markets close at night; their gap policy is inferred as in a backtest.
        let learner = WeightedSignalsLearner::learned();
        let findings = audit.learner(&learner, &Backtest::default()).unwrap();
        assert!(all_clean(&findings), "{findings}");
    }
}

#[test]
fn audit_minimum_number_of_candles_suffices() {
    for seed in 0..20 {
        let audit = audit(market(seed), 300, seed);
        let findings = audited(&audit, 15, Leak::None);
        assert!(findings.is_clean(), "{findings}");
        // Four markets with nine predictions each (horizon 15) are too few for the binomial test.
        let martingale = findings.finding(Check::Martingale).unwrap();
        assert_eq!(martingale.verdict, Verdict::NotApplicable);
        assert_eq!(audited(&audit, 15, Leak::NoPurge).leaks(), [Check::OverlappingLabels]);
        let findings = audit.channels(&SignalSpec::default(), &Registry::default()).unwrap();
        assert!(findings.is_clean(), "{findings}");
    }
}

// The last trade of a stable coin is at the bid or the ask: past closes predict almost every move.
#[test]
fn audit_channels_on_a_bid_ask_bounce_is_clean() {
    let mut random = Stream::new(1, Purpose::Shuffle, 0, 0);
    let mut side = || if random.uniform() < 0.5 { 1.0 } else { 0.9999 };
    let candles = (0_u32..2_000).map(|hour| {
        let (open, close) = (side(), side());
        let volume = 10.0 + f64::from(hour % 7);
        let values = Ohlcv { open, high: 1.0, low: 0.9999, close, volume };
        Candle::new(Timestamp::from_millis(i64::from(hour) * 3_600_000), values).unwrap()
    });
    let pair = "USDCUSDT".parse().unwrap();
    let series = CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap();
    let findings =
        Audit::new(series.clone()).channels(&SignalSpec::default(), &Registry::default()).unwrap();
    assert!(findings.is_clean(), "{findings}");
    // The next close in place of the last one is a leak there, too.
    let next = Audit::new(series).signal(|candles| {
        let closes: Vec<f64> = candles.own.iter().map(Candle::close).collect();
        let next = (0..closes.len()).map(|index| Some(vec![*closes.get(index + 1)?]));
        Ok::<_, std::io::Error>(next.collect())
    });
    assert_eq!(next.unwrap().leaks()[..1], [Check::OneBarOffset]);
}
