#![expect(clippy::float_cmp, reason = "these decimals must be reproduced exactly")]

use super::*;

const N: usize = 20_000;

fn candles(market: MarketModel, seed: u64) -> CandleSeries {
    market.candles(Pair::new("SIM").unwrap(), Interval::HOUR, N, seed).unwrap()
}

/// Log returns of the closes; the first candle opens at 100.
fn returns(series: &CandleSeries) -> Vec<f64> {
    series.iter().map(|c| (c.close() / c.open()).ln()).collect()
}

/// Fails if an accuracy over N predictions differs from the expected one by more than four standard
/// errors.
fn assert_near(got: f64, expected: f64, what: &str) {
    let error = (expected * (1.0 - expected) / N as f64).sqrt();
    assert!((got - expected).abs() < 4.0 * error, "{what}: {got} against {expected}");
}

/// Share of the returns t + 1 whose sign equals that of `guess(t)`, computed from returns up to t.
fn accuracy(returns: &[f64], mut guess: impl FnMut(usize) -> f64) -> f64 {
    let hits = (0..returns.len() - 1).filter(|&t| guess(t) * returns[t + 1] > 0.0).count();
    hits as f64 / (returns.len() - 1) as f64
}

#[test]
fn simulate_same_seed_gives_same_candles() {
    for market in MarketModel::ALL {
        let first = candles(market, 5);
        assert_eq!(first, candles(market, 5), "{}", market.name());
        assert_ne!(first, candles(market, 6), "{}", market.name());
        assert_eq!(first.gaps().count(), 0);
    }
}

#[test]
fn simulate_closes_have_no_ties_and_opens_equal_previous_closes() {
    for market in MarketModel::ALL {
        let series = candles(market, 1);
        assert_eq!(series.candles()[0].open(), 100.0);
        for two in series.candles().windows(2) {
            assert_eq!(two[1].open(), two[0].close());
            assert_ne!(two[1].close(), two[0].close());
        }
        let volumes = series.iter().map(Candle::volume);
        assert!(volumes.clone().all(|v| v >= 1.0 && v == v.round()));
        let mean = volumes.map(f64::ln).sum::<f64>() / N as f64;
        assert!((8.9..9.4).contains(&mean), "{}: {mean}", market.name());
    }
}

#[test]
fn simulate_prices_have_six_digits_and_the_true_direction() {
    assert_eq!(six_digits(12345.678), 12345.7);
    assert_eq!(in_direction(100.0, 100.0, 1e-9), 100.001);
    assert_eq!(in_direction(100.001, 100.0, 1e-9), 100.002);
    assert_eq!(in_direction(0.012_345_6, 0.012_345_6, -1e-9), 0.012_345_5);
    assert_eq!(in_direction(100.0, 101.0, 0.01), 101.0);
}

#[test]
fn simulate_best_accuracy_matches_known_values() {
    let known = [0.5, 0.580_430_623_255_166_3, 0.6131, 0.580_816_333_495_815_2];
    for (market, expected) in MarketModel::ALL.into_iter().zip(known) {
        let got = market.best_accuracy().unwrap();
        assert!((got - expected).abs() < 1e-12, "{}: {got}", market.name());
    }
    let other = MarketModel::Regime { mu_over_sigma: 0.4, sigma: 0.005, stay: 0.97 };
    assert_eq!(other.best_accuracy(), None);
    assert_eq!(normal_cdf(0.0), 0.5);
    assert!((normal_cdf(-1.0) - 0.158_655_253_931_457_05).abs() < 1e-15);
    assert!((normal_cdf(8.5) - 1.0).abs() < 1e-15);
}

#[test]
fn simulate_martingale_is_unpredictable() {
    let returns = returns(&candles(MarketModel::MARTINGALE_GARCH, 11));
    assert_near(accuracy(&returns, |_| 1.0), 0.5, "always up");
    assert_near(accuracy(&returns, |t| returns[t]), 0.5, "momentum");
    let trend = accuracy(&returns, |t| returns[t.saturating_sub(19)..=t].iter().sum());
    assert_near(trend, 0.5, "trend");
    // Volatility clusters: |r| correlates with its predecessor.
    let near: f64 = returns.windows(2).map(|w| (w[0] * w[1]).abs()).sum();
    let level = returns.iter().map(|r| r.abs()).sum::<f64>() / N as f64;
    assert!(near / N as f64 > 1.03 * level * level);
}

#[test]
fn simulate_autoregression_is_predicted_by_last_return() {
    for (phi, seed) in [(0.25, 12), (-0.4, 13)] {
        let market = MarketModel::Ar1 { phi, sigma: 0.005 };
        let returns = returns(&candles(market, seed));
        let got = accuracy(&returns, |t| phi * returns[t]);
        assert_near(got, market.best_accuracy().unwrap(), "sign of phi r");
    }
}

#[test]
fn simulate_regimes_are_predicted_by_forward_filter() {
    let returns = returns(&candles(MarketModel::REGIME, 14));
    let (mu, sigma, stay) = (0.45, 0.005, 0.97);
    let mut up = 0.5;
    let filtered = accuracy(&returns, |t| {
        // Bayes: the odds of the two regimes are exp(2 mu r / sigma).
        let odds = (2.0 * mu * returns[t] / sigma).exp();
        let now = up * odds / (up * odds + 1.0 - up);
        up = stay * now + (1.0 - stay) * (1.0 - now);
        up - 0.5
    });
    assert_near(filtered, 0.6131, "filter");
}

#[test]
fn simulate_volume_jump_predicts_next_return() {
    let series = candles(MarketModel::VOLUME_LEAD, 15);
    let returns = returns(&series);
    let volume = |t: usize| series.candles()[t].volume();
    let jump = |t: usize| t > 0 && volume(t) / volume(t - 1) - 1.0 > 0.5;
    let on_jumps = accuracy(&returns, |t| if jump(t) { returns[t] } else { 0.0 });
    let jumps = (0..N - 1).filter(|&t| jump(t)).count() as f64 / (N - 1) as f64;
    let expected = MarketModel::VOLUME_LEAD.best_accuracy().unwrap();
    assert_near(on_jumps + 0.5 * (1.0 - jumps), expected, "jumps, else half");
    assert_near(jumps, jump_probability(0.4, 0.5), "jumps");
}

#[test]
fn simulate_leader_predicts_followers_and_nothing_else_does() {
    let market = LeaderMarket::DEFAULT;
    let panel = market.candles(Interval::HOUR, N, 16).unwrap();
    let panel: Vec<Vec<f64>> = panel.iter().map(returns).collect();
    let (leader, followers) = panel.split_first().unwrap();
    let best = market.best_follower_accuracy().unwrap();
    let mut right = 0.5;
    for (index, own) in followers.iter().enumerate() {
        let led = accuracy(own, |t| leader[t]);
        assert_near(led, best, "sign of the leader");
        right += led;
        // The own past and the other followers say nothing.
        assert_near(accuracy(own, |t| own[t]), 0.5, "momentum");
        let trend = |t: usize| own[t.saturating_sub(19)..=t].iter().sum();
        assert_near(accuracy(own, trend), 0.5, "trend");
        let other = &followers[(index + 1) % followers.len()];
        assert_near(accuracy(own, |t| other[t]), 0.5, "another follower");
        assert_near(accuracy(own, |t| leader[t.saturating_sub(1)]), 0.5, "an older candle");
    }
    assert_near(right / 8.0, market.best_accuracy().unwrap(), "panel");
    for past in &panel {
        assert_near(accuracy(leader, |t| past[t]), 0.5, "leader");
    }
}

#[test]
fn simulate_leader_market_is_a_panel_with_common_times() {
    let market = LeaderMarket { pairs: 3, ..LeaderMarket::DEFAULT };
    let first = market.candles(Interval::HOUR, 300, 5).unwrap();
    assert_eq!(first, market.candles(Interval::HOUR, 300, 5).unwrap());
    assert_ne!(first, market.candles(Interval::HOUR, 300, 6).unwrap());
    let names: Vec<&str> = first.iter().map(|series| series.pair().as_str()).collect();
    assert_eq!(names, ["LEADER", "FOLLOWER1", "FOLLOWER2"]);
    let volumes = |series: &CandleSeries| series.iter().map(Candle::volume).collect::<Vec<_>>();
    assert_ne!(volumes(&first[1]), volumes(&first[2]), "the pairs are drawn independently");
    for series in &first {
        assert!(series.iter().zip(&first[0]).all(|(one, of)| one.open_time() == of.open_time()));
    }
    // A panel of more pairs keeps the pairs of the smaller one.
    let more = LeaderMarket::DEFAULT.candles(Interval::HOUR, 300, 5).unwrap();
    assert_eq!(more[..3], first);
}

#[test]
fn simulate_leader_market_best_accuracy_matches_known_values() {
    let market = LeaderMarket::DEFAULT;
    assert!((market.best_follower_accuracy().unwrap() - 0.592_773_579_077_742_3).abs() < 1e-12);
    assert!((market.best_accuracy().unwrap() - 0.581_176_881_693_024_5).abs() < 1e-12);
    let independent = LeaderMarket { beta: 0.0, ..market };
    assert_eq!(independent.best_accuracy(), Some(0.5));
    let against = LeaderMarket { beta: -0.3, ..market };
    assert_eq!(against.best_accuracy(), market.best_accuracy());
    let invalid = [
        (LeaderMarket { pairs: 1, ..market }, "pairs is 1.0, expected 2 to 100"),
        (LeaderMarket { beta: f64::NAN, ..market }, "beta is NaN"),
        (LeaderMarket { sigma: 0.0, ..market }, "sigma is 0.0"),
        (LeaderMarket { beta: 100.0, ..market }, "standard deviation is 0.5"),
    ];
    for (market, message) in invalid {
        let error = market.candles(Interval::HOUR, 10, 0).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(market.best_accuracy(), None);
    }
    let error = market.candles(Interval::HOUR, 2_000_000, 0).unwrap_err();
    assert!(matches!(error, SimulateError::TooMany { got: 16_000_000, .. }));
}

#[test]
fn simulate_rejects_invalid_parameters() {
    let cases = [
        (MarketModel::MartingaleGarch { omega: f64::NAN, alpha: 0.1, beta: 0.8 }, "omega is NaN"),
        (MarketModel::MartingaleGarch { omega: 1e-6, alpha: -0.1, beta: 0.8 }, "alpha is -0.1"),
        (
            MarketModel::MartingaleGarch { omega: 1e-6, alpha: 0.5, beta: 0.5 },
            "alpha + beta is 1.0",
        ),
        (MarketModel::Ar1 { phi: 1.0, sigma: 0.005 }, "phi is 1.0"),
        (MarketModel::Ar1 { phi: 0.1, sigma: 0.0 }, "sigma is 0.0"),
        (MarketModel::Ar1 { phi: 0.1, sigma: 1.0 }, "standard deviation is 1.00"),
        (MarketModel::Regime { mu_over_sigma: 0.1, sigma: 0.005, stay: 1.5 }, "stay is 1.5"),
        (
            MarketModel::VolumeLead { sigma: 0.005, spread: 0.0, theta: 0.5, kappa: 1.0 },
            "spread is",
        ),
        (
            MarketModel::VolumeLead { sigma: 0.005, spread: 0.4, theta: -1.0, kappa: 1.0 },
            "theta is",
        ),
    ];
    let pair = Pair::new("SIM").unwrap();
    for (market, message) in cases {
        let error = market.candles(pair.clone(), Interval::HOUR, 10, 0).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(market.best_accuracy(), None);
    }
    let error = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, usize::MAX, 0).unwrap_err();
    assert!(matches!(error, SimulateError::TooMany { .. }));
    let endless = MarketModel::Regime { mu_over_sigma: 5.0, sigma: 0.015, stay: 1.0 };
    let error = endless.candles(pair.clone(), Interval::WEEK, 10_000, 0).unwrap_err();
    assert!(matches!(error, SimulateError::InvalidCandle { .. }), "{error}");
    assert!(MarketModel::AR1.candles(pair, Interval::WEEK, 0, 0).unwrap().is_empty());
}

#[test]
fn simulate_best_probabilities_have_the_best_accuracy_and_are_calibrated() {
    for market in MarketModel::ALL {
        let series = candles(market, 21);
        let best = market.best_probabilities(series.candles());
        let returns = returns(&series);
        let name = market.name();
        if market != MarketModel::MARTINGALE_GARCH {
            let certain = (0..N - 1).filter(|t| best[*t] != 0.5).count();
            let right = (0..N - 1).filter(|t| (best[*t] - 0.5) * returns[*t + 1] > 0.0).count();
            let ties = N - 1 - certain;
            let share = (right as f64 + 0.5 * ties as f64) / (N - 1) as f64;
            assert_near(share, market.best_accuracy().unwrap(), name);
        }
        let mean = best.iter().sum::<f64>() / N as f64;
        let ups = returns[1..].iter().filter(|r| **r > 0.0).count() as f64 / (N - 1) as f64;
        assert_near(ups, mean, name);
        // Later candles change nothing.
        assert_eq!(market.best_probabilities(&series.candles()[..500]), best[..500], "{name}");
    }
}

#[test]
fn simulate_best_probabilities_of_a_panel_have_its_best_accuracy() {
    let market = LeaderMarket::DEFAULT;
    let series = market.candles(Interval::HOUR, 5_000, 4).unwrap();
    let best = market.best_probabilities(&series);
    assert!(best[0].iter().all(|p| *p == 0.5));
    let right = (1..8).map(|pair| {
        let changes = returns(&series[pair]);
        (0..4_999).filter(|t| (best[pair][*t] - 0.5) * changes[*t + 1] > 0.0).count()
    });
    let share = right.sum::<usize>() as f64 / (7.0 * 4_999.0);
    assert!((share - market.best_follower_accuracy().unwrap()).abs() < 0.011, "{share}");
}
