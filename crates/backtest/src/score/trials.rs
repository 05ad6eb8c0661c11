//! Trials: results of this and of earlier experiments that multiple testing must count.
use serde::{Deserialize, Serialize};
use windvane_candles::{Interval, Timestamp};

use crate::score::{ResultRow, Scope};

/// Result of a model on the candles of one interval, as a line of a [`TrialLog`](crate::TrialLog).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Start of the run.
    #[serde(serialize_with = "super::iso::time", deserialize_with = "super::iso::parsed_time")]
    pub at: Timestamp,
    /// Name of the model.
    pub model: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Label that the model predicts.
    pub label: String,
    /// Channels of the signals.
    pub channels: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// Hash of the candles of the run.
    pub data_hash: String,
    /// Accuracy over all instruments of the interval; `None` without a scored prediction.
    pub accuracy: Option<f64>,
    /// One-sided p-value of the edge over the best baseline, not corrected; `None` where undefined.
    pub p_value: Option<f64>,
    /// Returns per year, to convert Sharpe ratios between intervals.
    pub periods_per_year: Option<f64>,
    /// Sharpe ratios of trading every prediction, one per cost.
    pub trading: Vec<TrialSharpe>,
    /// Policies of the model.
    pub policies: Vec<TrialPolicy>,
}

/// Sharpe ratio per period at a cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSharpe {
    /// Cost per unit of turnover, basis points.
    pub cost: f64,
    /// Sharpe ratio per period; `None` without a trade.
    pub ratio: Option<f64>,
}

/// Policy of a model with its Sharpe ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialPolicy {
    /// Rules in words.
    pub policy: String,
    /// Sharpe ratios, one per cost.
    pub sharpe: Vec<TrialSharpe>,
}

/// Experiments before this run that Holm's correction and the deflated Sharpe ratios count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EarlierTrials {
    /// Number of earlier experiments whose results are unknown; each is a model with one policy.
    pub unknown: usize,
    /// Results of earlier experiments, such as those of a [`TrialLog`](crate::TrialLog).
    pub logged: Vec<Trial>,
}

/// Number of earlier trials that the corrections of a report count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct EarlierCount {
    /// Number of models; Holm's correction and the results of trading every prediction count them.
    pub models: usize,
    /// Number of policies; their deflated Sharpe ratios count them.
    pub policies: usize,
}

impl Trial {
    /// Trial of a row that pools one interval; `None` for other rows.
    pub(crate) fn of(row: &ResultRow, run: &TrialRun) -> Option<Self> {
        let interval = row.interval.filter(|_| row.scope == Scope::Interval)?;
        let trading = row.trading.iter().flat_map(|trading| &trading.net);
        let trading = trading
            .map(|net| TrialSharpe { cost: net.cost, ratio: net.sharpe_ratio.map(|s| s.ratio) });
        let policies = row.economics.iter().flat_map(|economics| &economics.policies);
        let policies = policies.map(|policy| TrialPolicy {
            policy: policy.name.clone(),
            sharpe: policy
                .net
                .iter()
                .map(|net| TrialSharpe { cost: net.cost, ratio: net.sharpe_ratio.map(|s| s.ratio) })
                .collect(),
        });
        Some(Self {
            at: run.at,
            model: row.model.clone(),
            interval,
            label: run.label.clone(),
            channels: run.channels.clone(),
            seed: run.seed,
            data_hash: run.data_hash.clone(),
            accuracy: row.score.accuracy,
            p_value: row.excess_accuracy.and_then(|excess| excess.p_value),
            periods_per_year: row.trading.as_ref().and_then(|trading| trading.periods_per_year),
            trading: trading.collect(),
            policies: policies.collect(),
        })
    }

    /// Whether two trials are the same experiment with the same results, at any time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }

    /// Factor from a ratio per period of this trial to one of another number of periods per year.
    fn scale(&self, periods_per_year: Option<f64>) -> f64 {
        match (self.periods_per_year, periods_per_year) {
            (Some(own), Some(other)) if own > 0.0 && other > 0.0 => (own / other).sqrt(),
            _ => 1.0,
        }
    }
}

/// Properties of a run that its trials have in common.
pub(crate) struct TrialRun {
    pub(crate) at: Timestamp,
    pub(crate) label: String,
    pub(crate) channels: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) data_hash: String,
}

impl EarlierTrials {
    /// Leaves out the trials that are repeated or belong to this run.
    pub(crate) fn without(&self, own: &[Trial]) -> Self {
        let mut logged: Vec<Trial> = Vec::new();
        for trial in &self.logged {
            if !own.iter().chain(&logged).any(|other| other.is_same(trial)) {
                logged.push(trial.clone());
            }
        }
        Self { unknown: self.unknown, logged }
    }

    pub(crate) fn count(&self) -> EarlierCount {
        let policies: usize = self.logged.iter().map(|trial| trial.policies.len()).sum();
        EarlierCount {
            models: self.unknown.saturating_add(self.logged.len()),
            policies: self.unknown.saturating_add(policies),
        }
    }

    /// p-values of the known models; an undefined one is 1.
    pub(crate) fn p_values(&self) -> impl Iterator<Item = f64> {
        self.logged.iter().map(|trial| trial.p_value.unwrap_or(1.0))
    }

    /// Sharpe ratios of trading every prediction, per period of `periods_per_year`.
    pub(crate) fn trading_ratios(
        &self,
        cost: f64,
        periods_per_year: Option<f64>,
    ) -> impl Iterator<Item = f64> {
        self.logged
            .iter()
            .map(move |trial| trial.scale(periods_per_year) * ratio_at(&trial.trading, cost))
    }

    /// Sharpe ratios of the policies, per period of `periods_per_year`.
    pub(crate) fn policy_ratios(
        &self,
        cost: f64,
        periods_per_year: Option<f64>,
    ) -> impl Iterator<Item = f64> {
        self.logged.iter().flat_map(move |trial| {
            let scale = trial.scale(periods_per_year);
            trial.policies.iter().map(move |policy| scale * ratio_at(&policy.sharpe, cost))
        })
    }
}

/// Ratio at the nearest of the costs; 0 without a trade.
fn ratio_at(sharpe: &[TrialSharpe], cost: f64) -> f64 {
    let distance = |one: &&TrialSharpe| (one.cost - cost).abs();
    let nearest = sharpe.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.and_then(|one| one.ratio).unwrap_or(0.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::score::result::row;
    use crate::score::testing::mostly_right;

    /// Trial with one policy, both with this ratio at 5 basis points.
    pub(crate) fn trial(model: &str, ratio: f64, p_value: f64) -> Trial {
        let sharpe = vec![TrialSharpe { cost: 5.0, ratio: Some(ratio) }];
        Trial {
            at: Timestamp::from_millis(1_700_000_000_000),
            model: model.to_string(),
            interval: Interval::HOUR,
            label: "next".to_string(),
            channels: vec!["momentum".to_string()],
            seed: 42,
            data_hash: "0123456789abcdef".to_string(),
            accuracy: Some(0.5),
            p_value: Some(p_value),
            periods_per_year: Some(8_766.0),
            trading: sharpe.clone(),
            policies: vec![TrialPolicy { policy: "every candle".to_string(), sharpe }],
        }
    }

    #[test]
    fn trial_keeps_its_bits_as_json() {
        let mut one = trial("v2", 0.1 + 0.2, 1.0 / 3.0);
        one.trading.push(TrialSharpe { cost: 10.0, ratio: None });
        let text = serde_json::to_string(&one).unwrap();
        assert!(text.starts_with(r#"{"at":"2023-11-14T22:13:20Z","model":"v2""#), "{text}");
        assert_eq!(serde_json::from_str::<Trial>(&text).unwrap(), one);
        assert!(serde_json::from_str::<Trial>(&text.replace("\"seed\"", "\"sead\"")).is_err());
    }

    #[test]
    fn repeated_trials_count_once_and_own_ones_are_not_earlier() {
        let later = |trial: Trial| Trial { at: Timestamp::from_millis(0), ..trial };
        let (a, b) = (trial("a", 0.1, 0.5), trial("b", 0.2, 0.01));
        let logged = vec![a.clone(), later(a.clone()), b.clone(), trial("a", 0.3, 0.5)];
        let earlier = EarlierTrials { unknown: 40, logged };
        let counted = earlier.without(&[later(b)]);
        assert_eq!(counted.count(), EarlierCount { models: 42, policies: 42 });
        assert_eq!(counted.p_values().collect::<Vec<_>>(), [0.5, 0.5]);
    }

    #[test]
    fn ratios_are_scaled_to_the_period_and_taken_at_the_nearest_cost() {
        let mut hourly = trial("a", 0.02, 0.5);
        hourly.trading = [(0.0, Some(0.08)), (6.0, Some(0.04)), (20.0, None)]
            .map(|(cost, ratio)| TrialSharpe { cost, ratio })
            .into();
        let earlier = EarlierTrials { unknown: 0, logged: vec![hourly] };
        let daily = Some(8_766.0 / 16.0);
        let at = |cost| earlier.trading_ratios(cost, daily).next().unwrap();
        assert!((at(5.0) - 0.16).abs() < 1e-15 && (at(1.0) - 0.32).abs() < 1e-15);
        assert_eq!(at(15.0).to_bits(), 0.0_f64.to_bits());
        let same: Vec<f64> = earlier.policy_ratios(5.0, Some(8_766.0)).collect();
        assert_eq!(same, [0.02]);
    }

    #[test]
    fn only_rows_of_one_interval_are_trials() {
        let run = TrialRun {
            at: Timestamp::from_millis(0),
            label: "next".into(),
            channels: Vec::new(),
            seed: 1,
            data_hash: String::new(),
        };
        let mut own = row(&mostly_right(400));
        assert_eq!(Trial::of(&own, &run), None);
        own.scope = Scope::Interval;
        let trial = Trial::of(&own, &run).unwrap();
        assert_eq!((trial.accuracy, trial.trading.len()), (own.score.accuracy, 1));
        assert!(trial.trading[0].ratio.is_some() && trial.periods_per_year.is_some());
    }
}
