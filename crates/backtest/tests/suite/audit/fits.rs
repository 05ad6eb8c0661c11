//! Audits of fit functions in plain code.
use std::convert::Infallible;

use windvane_backtest::audit::{AuditFindings, AuditInput, Check, Verdict};
use windvane_candles::simulate::MarketModel;

use super::audit;
use super::pipeline::{Leak, audited, forecasts};

fn verdict(findings: &AuditFindings, check: Check) -> Verdict {
    findings.finding(check).expect("a finding").verdict
}

#[test]
fn fit_leaks_are_reported_by_the_right_check() {
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
fn fit_with_memorised_labels_predicts_random_directions() {
    for seed in 0..2 {
        let findings = audited(&audit(MarketModel::AR1, 600, seed), 1, Leak::NearestOfAll);
        assert_eq!(findings.leaks(), [Check::ShuffledLabels, Check::Martingale], "{findings}");
        let evidence = &findings.finding(Check::ShuffledLabels).unwrap().evidence;
        assert!(evidence.contains("100.0 % of"), "{evidence}");
    }
}

#[test]
fn fit_with_rare_leak_is_reported_by_martingale() {
    let market = audit(MarketModel::MARTINGALE_GARCH, 1_200, 1);
    let findings = audited(&market, 1, Leak::Sometimes);
    assert_eq!(findings.leaks(), [Check::Martingale], "{findings}");
}

#[test]
fn fit_with_labels_from_inputs_is_audited() {
    let from_inputs = |input: &AuditInput<'_>, horizon, leak| {
        let mut input = *input;
        input.outcomes = input.candles.own;
        Ok::<_, Infallible>(forecasts(&input, horizon, leak))
    };
    let market = audit(MarketModel::AR1, 1_200, 4);
    let audited = |leak| market.fit(6, |input| from_inputs(input, 6, leak)).unwrap();
    let clean = audited(Leak::None);
    assert!(clean.is_clean(), "{clean}");
    assert_eq!(verdict(&clean, Check::OverlappingLabels), Verdict::Clean);
    assert_eq!(verdict(&clean, Check::ShuffledLabels), Verdict::NotApplicable);
    assert_eq!(audited(Leak::NoPurge).leaks(), [Check::OverlappingLabels]);
    // Labels after the split are inputs after the split here.
    let leaking = audited(Leak::AllLabels);
    assert_eq!(leaking.leaks(), [Check::FittedOnEverything], "{leaking}");
    assert_eq!(verdict(&leaking, Check::OverlappingLabels), Verdict::NotApplicable);
}

#[test]
fn evidence_has_number_and_place_of_changes() {
    let market = audit(MarketModel::AR1, 1_200, 3);
    let text = audited(&market, 12, Leak::NoPurge).to_string();
    assert!(text.starts_with("Leak audit of the fit function on 1200 candles of SIM 1h"), "{text}");
    let line = text.lines().find(|line| line.contains("overlapping labels")).unwrap();
    assert!(line.contains("LEAK") && line.contains("modified labels from 2020-"), "{line}");

    let text = audited(&market, 1, Leak::OneAhead).to_string();
    assert!(text.contains("the earliest is 1 candle before"), "{text}");
    assert!(text.contains("delay the outputs by one candle"), "{text}");

    let json = serde_json::to_value(audited(&market, 1, Leak::AllLabels)).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 6);
    assert_eq!(json["findings"][4]["check"], "shuffled_labels");
    assert_eq!(json["findings"][4]["verdict"], "leak");
    assert_eq!((&json["seed"], &json["interval"]), (&3.into(), &"1h".into()));
}
