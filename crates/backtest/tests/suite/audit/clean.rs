//! No false alarm over 20 seeds.
use windvane_backtest::Backtest;
use windvane_backtest::audit::{Audit, Check, Findings, Verdict};
use windvane_candles::simulate::MarketModel;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_signals::{LabelSpec, Registry, SignalSpec};

use super::audit;
use super::pipeline::{Leak, audited};

/// Every kind of market has its seeds.
fn market(seed: u64) -> MarketModel {
    MarketModel::ALL[usize::try_from(seed).expect("a small seed") % MarketModel::ALL.len()]
}

fn all_clean(findings: &Findings) -> bool {
    findings.findings.iter().all(|finding| finding.verdict == Verdict::Clean)
}

#[test]
fn six_signals_and_a_learner_raise_nothing() {
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
fn a_sound_pipeline_in_plain_code_raises_nothing() {
    for seed in 0..20 {
        for horizon in [1, 5] {
            let audit = audit(market(seed), 1_000, seed);
            let findings = audited(&audit, horizon, Leak::None);
            assert!(all_clean(&findings), "seed {seed}, horizon {horizon}\n{findings}");
        }
    }
}

#[test]
fn longer_labels_of_a_learner_raise_nothing() {
    let labels = LabelSpec { horizon: 10, ..LabelSpec::default() };
    let settings = Backtest { labels, ..Backtest::default() };
    let audit = audit(MarketModel::REGIME, 1_500, 3);
    let findings = audit.learner(&WeightedSignalsLearner::learned(), &settings).unwrap();
    assert!(all_clean(&findings), "{findings}");
}

#[test]
fn a_network_raises_nothing() {
    let mut learner = v32::learner();
    learner.training.epochs = 1;
    let settings = Backtest { lookback: 5, ..Backtest::default() };
    let findings = audit(MarketModel::AR1, 500, 2).learner(&learner, &settings).unwrap();
    assert!(all_clean(&findings), "{findings}");
}

#[test]
fn real_markets_raise_nothing() {
    let samples = windvane_candles::sample::all();
    let long: Vec<_> = samples.iter().filter(|series| series.len() > 1_000).collect();
    assert!(long.len() >= 6);
    for series in long {
        let from = series.candles()[series.len().saturating_sub(1_500)].open_time();
        let audit = Audit::new(series.split_at(from).1);
        // Some close at night: their gap policy is guessed as in a backtest.
        let learner = WeightedSignalsLearner::learned();
        let findings = audit.learner(&learner, &Backtest::default()).unwrap();
        assert!(all_clean(&findings), "{findings}");
    }
}

#[test]
fn the_fewest_candles_do() {
    for seed in 0..20 {
        let audit = audit(market(seed), 300, seed);
        let findings = audited(&audit, 15, Leak::None);
        assert!(findings.is_clean(), "{findings}");
        // Four times nine calls over 15 candles each are too few for a coin.
        let martingale = findings.of(Check::Martingale).unwrap();
        assert_eq!(martingale.verdict, Verdict::NotApplicable);
        assert_eq!(audited(&audit, 15, Leak::NoPurge).leaks(), [Check::OverlappingLabels]);
        let findings = audit.channels(&SignalSpec::default(), &Registry::default()).unwrap();
        assert!(findings.is_clean(), "{findings}");
    }
}
