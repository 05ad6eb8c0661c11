//! Fit functions in plain code.
use std::convert::Infallible;

use windvane_backtest::audit::{Check, Exam, Findings, Verdict};
use windvane_candles::simulate::MarketModel;

use super::audit;
use super::pipeline::{Leak, audited, forecasts};

fn verdict(findings: &Findings, check: Check) -> Verdict {
    findings.of(check).expect("a finding").verdict
}

#[test]
fn each_leak_is_found_and_named() {
    use Check::{FittedOnEverything, Martingale, OneBarOffset, OverlappingLabels, Prefix};
    for seed in 0..20 {
        let market = MarketModel::ALL[usize::try_from(seed).unwrap() % MarketModel::ALL.len()];
        let market = audit(market, 1_000, seed);
        for (leak, horizon, expected) in [
            (Leak::Smoothed, 1, &[Prefix, Martingale][..]),
            (Leak::OneAhead, 1, &[OneBarOffset, Martingale]),
            (Leak::ScaledByAll, 1, &[FittedOnEverything]),
            (Leak::ScaledByAll, 6, &[FittedOnEverything]),
            (Leak::NoPurge, 2, &[OverlappingLabels]),
            (Leak::NoPurge, 24, &[OverlappingLabels]),
            (Leak::AllLabels, 12, &[Check::ShuffledLabels]),
        ] {
            let findings = audited(&market, horizon, leak);
            assert_eq!(findings.leaks(), expected, "{leak:?}, horizon {horizon}\n{findings}");
        }
    }
}

#[test]
fn who_knows_the_labels_forecasts_coins() {
    for seed in 0..2 {
        let findings = audited(&audit(MarketModel::AR1, 600, seed), 1, Leak::NearestOfAll);
        assert_eq!(findings.leaks(), [Check::ShuffledLabels, Check::Martingale], "{findings}");
        let evidence = &findings.of(Check::ShuffledLabels).unwrap().evidence;
        assert!(evidence.contains("100.0 % of"), "{evidence}");
    }
}

#[test]
fn a_leak_that_no_cut_meets_is_seen_on_coins() {
    let market = audit(MarketModel::MARTINGALE_GARCH, 1_200, 1);
    let findings = audited(&market, 1, Leak::Sometimes);
    assert_eq!(findings.leaks(), [Check::Martingale], "{findings}");
}

#[test]
fn labels_may_come_from_the_inputs() {
    let from_inputs = |exam: &Exam<'_>, horizon, leak| {
        let mut exam = *exam;
        exam.outcomes = exam.inputs.own;
        Ok::<_, Infallible>(forecasts(&exam, horizon, leak))
    };
    let market = audit(MarketModel::AR1, 1_200, 4);
    let audited = |leak| market.fit(6, |exam| from_inputs(exam, 6, leak)).unwrap();
    let clean = audited(Leak::None);
    assert!(clean.is_clean(), "{clean}");
    assert_eq!(verdict(&clean, Check::OverlappingLabels), Verdict::Clean);
    assert_eq!(verdict(&clean, Check::ShuffledLabels), Verdict::NotApplicable);
    assert_eq!(audited(Leak::NoPurge).leaks(), [Check::OverlappingLabels]);
    // Known labels are known inputs here.
    let known = audited(Leak::AllLabels);
    assert_eq!(known.leaks(), [Check::FittedOnEverything], "{known}");
    assert_eq!(verdict(&known, Check::OverlappingLabels), Verdict::NotApplicable);
}

#[test]
fn the_evidence_says_what_changed_where() {
    let market = audit(MarketModel::AR1, 1_200, 3);
    let text = audited(&market, 12, Leak::NoPurge).to_string();
    assert!(text.starts_with("Leak audit of the fit function on 1200 candles of SIM 1h"), "{text}");
    let line = text.lines().find(|line| line.contains("overlapping labels")).unwrap();
    assert!(line.contains("LEAK") && line.contains("other labels from 2020-"), "{line}");

    let text = audited(&market, 1, Leak::OneAhead).to_string();
    assert!(text.contains("the first 1 candle before"), "{text}");
    assert!(text.contains("delay it by one candle"), "{text}");

    let json = serde_json::to_value(audited(&market, 1, Leak::AllLabels)).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), Check::ALL.len());
    assert_eq!(json["findings"][4]["check"], "shuffled_labels");
    assert_eq!(json["findings"][4]["verdict"], "leak");
    assert_eq!((&json["seed"], &json["interval"]), (&3.into(), &"1h".into()));
}
