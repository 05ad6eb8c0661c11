//! Signals as functions, as channels, and models over them.
use std::collections::HashMap;
use std::convert::Infallible;

use windvane_backtest::audit::{Check, Findings, Inputs, Verdict};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};
use windvane_models::FittedModel;
use windvane_models::train::{Learner, Run};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::{
    Channel, ChannelSpec, LabelSpec, Registry, SampleSet, SignalError, SignalSpec, SignalTable,
    Split, StateReader, StateWriter,
};

use super::audit;
use crate::common;

type Rows = Vec<Option<Vec<f64>>>;

/// Audits a number per candle, made from all closes.
fn closes_to(signal: impl Fn(&[f64]) -> Vec<Option<f64>>) -> Findings {
    let rows = |inputs: Inputs<'_>| -> Result<Rows, Infallible> {
        let closes: Vec<f64> = inputs.own.iter().map(Candle::close).collect();
        Ok(signal(&closes).into_iter().map(|value| Some(vec![value?])).collect())
    };
    audit(MarketModel::AR1, 1_000, 5).signal(rows).expect("findings")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_centred_window_knows_half_of_itself() {
    for side in [2, 5] {
        let findings = closes_to(|closes| {
            let smooth = |i: usize| Some(mean(closes.get(i.checked_sub(side)?..=i + side)?));
            (0..closes.len()).map(smooth).collect()
        });
        assert_eq!(findings.leaks(), [Check::Prefix, Check::Martingale], "{findings}");
        let reach = format!("the first {side} candles before");
        assert!(findings.of(Check::Prefix).unwrap().evidence.contains(&reach), "{findings}");
    }
}

#[test]
fn a_day_is_known_when_it_is_over() {
    // The close of the candle's own day, from its first hour on.
    let of_day = |closes: &[f64], i: usize| closes[(i / 24 * 24 + 23).min(closes.len() - 1)];
    let findings = closes_to(|closes| {
        (0..closes.len()).map(|i| Some(of_day(closes, i) / closes[i] - 1.0)).collect()
    });
    assert!(findings.leaks().contains(&Check::Prefix), "{findings}");
    let yesterday = closes_to(|closes| {
        let last = |i: usize| Some(closes[(i / 24 * 24).checked_sub(1)?]);
        (0..closes.len()).map(|i| Some(last(i)? / closes[i] - 1.0)).collect()
    });
    assert!(yesterday.is_clean(), "{yesterday}");
}

#[test]
fn a_shifted_column_is_an_offset() {
    let findings = closes_to(|closes| {
        let next = |i: usize| Some(closes.get(i + 1)? / closes[i] - 1.0);
        (0..closes.len()).map(next).collect()
    });
    assert_eq!(findings.leaks(), [Check::OneBarOffset, Check::Martingale], "{findings}");
    let offset = &findings.of(Check::OneBarOffset).unwrap().evidence;
    assert!(offset.contains("the first 1 candle before"), "{offset}");
    // By the median, which is not quite 0.
    assert!(offset.contains("the direction of the next candle in 98.0 % of 998"), "{offset}");
    assert!(offset.contains("delayed by one candle, in 56.1 % of 997"), "{offset}");
    assert_eq!(findings.of(Check::Prefix).unwrap().verdict, Verdict::NotApplicable);
}

#[test]
fn a_column_scaled_by_all_rows_is_fitted_on_everything() {
    let findings = closes_to(|closes| {
        let centre = mean(closes);
        let squares: Vec<f64> = closes.iter().map(|close| (close - centre).powi(2)).collect();
        let scale = mean(&squares).sqrt();
        closes.iter().map(|close| Some((close - centre) / scale)).collect()
    });
    assert_eq!(findings.leaks(), [Check::FittedOnEverything], "{findings}");
    let expanding = closes_to(|closes| {
        (0..closes.len()).map(|i| Some(closes[i] / mean(&closes[..=i]) - 1.0)).collect()
    });
    assert!(expanding.is_clean(), "{expanding}");
}

#[test]
fn only_the_length_of_the_future_is_known() {
    let findings = closes_to(|closes| {
        (0..closes.len()).map(|i| Some(i as f64 / closes.len() as f64)).collect()
    });
    assert_eq!(findings.leaks(), [Check::FittedOnEverything], "{findings}");
}

#[test]
fn a_column_from_a_file_gives_itself_away_by_its_signs() {
    // Nothing in it changes with the candles.
    let series = audit(MarketModel::AR1, 1_000, 5).series;
    let next: HashMap<Timestamp, f64> = series
        .candles()
        .windows(2)
        .map(|two| (two[0].open_time(), two[1].close() - two[0].close()))
        .collect();
    let stored = |inputs: Inputs<'_>| -> Result<Rows, Infallible> {
        let at = |candle: &Candle| Some(vec![*next.get(&candle.open_time())?]);
        Ok(inputs.own.iter().map(at).collect())
    };
    let findings = audit(MarketModel::AR1, 1_000, 5).signal(stored).unwrap();
    assert_eq!(findings.leaks(), [Check::OneBarOffset], "{findings}");
}

#[test]
fn the_future_of_another_pair_counts() {
    let other = |seed| {
        let pair = Pair::new("OTHER").unwrap();
        MarketModel::AR1.candles(pair, Interval::HOUR, 800, seed).unwrap()
    };
    let market = audit(MarketModel::AR1, 800, 5);
    let market = windvane_backtest::audit::Audit { beside: vec![other(9)], ..market };
    let look = |ahead: usize| {
        let rows = move |inputs: Inputs<'_>| -> Result<Rows, Infallible> {
            let at = |i: usize| Some(vec![inputs.beside[0].get(i + ahead)?.close()]);
            Ok((0..inputs.own.len()).map(at).collect())
        };
        market.signal(rows).unwrap()
    };
    assert!(look(0).is_clean());
    assert!(look(1).leaks().contains(&Check::OneBarOffset));
    assert!(look(3).leaks().contains(&Check::Prefix));

    let beside = ChannelSpec::new("beside").reading(Pair::new("OTHER").unwrap());
    let mut spec = SignalSpec::default();
    spec.channels.push(beside);
    let mut registry = Registry::default();
    registry.register("beside", |spec| Ok(Box::new(Beside(spec.pairs()[0].clone()))));
    let findings = market.channels(&spec, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
}

/// The other pair's close.
#[derive(Debug)]
struct Beside(Pair);

impl Channel for Beside {
    fn update(&mut self, market: &windvane_signals::MarketSnapshot<'_>) -> Option<f64> {
        market.other(&self.0).map(Candle::close)
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

/// A channel that was given the future when it was made: the own candles' next closes by time.
#[derive(Debug, Clone)]
struct Foresight(HashMap<Timestamp, f64>);

impl Foresight {
    fn of(series: &CandleSeries) -> Self {
        let next = series.candles().windows(2).map(|two| {
            let change = two[1].close() / two[0].close() - 1.0;
            (two[0].open_time(), change)
        });
        Self(next.collect())
    }
}

impl Channel for Foresight {
    fn update(&mut self, market: &windvane_signals::MarketSnapshot<'_>) -> Option<f64> {
        self.0.get(&market.own().open_time()).copied()
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

#[test]
fn models_are_audited_on_their_channels() {
    let market = audit(MarketModel::AR1, 1_000, 6);
    let mut registry = Registry::default();
    let foresight = Foresight::of(&market.series);
    registry.register("foresight", move |_| Ok(Box::new(foresight.clone())));

    let sound = model(&market.series, &SignalSpec::default(), &registry);
    let findings = market.model(&*sound, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
    let verdict = |check| findings.of(check).unwrap().verdict;
    assert_eq!(verdict(Check::FittedOnEverything), Verdict::NotApplicable);
    assert_eq!(verdict(Check::Martingale), Verdict::Clean);

    let mut spec = SignalSpec::default();
    spec.channels.push(ChannelSpec::new("foresight"));
    let knowing = model(&market.series, &spec, &registry);
    let findings = market.model(&*knowing, &registry).unwrap();
    assert_eq!(findings.leaks(), [Check::OneBarOffset], "{findings}");
    let findings = market.channels(&spec, &registry).unwrap();
    assert_eq!(findings.leaks(), [Check::OneBarOffset], "{findings}");
}

fn model(series: &CandleSeries, spec: &SignalSpec, registry: &Registry) -> Box<dyn FittedModel> {
    let tables = [SignalTable::build(spec, registry, series, &[]).expect("signals")];
    let pool = SampleSet::collect(&tables, 20, LabelSpec::default()).expect("samples");
    let split = Split::for_live(&pool, 0.2).expect("a split");
    let train = split.train(&pool).expect("training samples");
    let validation = split.validation(&pool).expect("validation samples");
    let learner = WeightedSignalsLearner::learned();
    learner.fit(&train, &validation, &Run::new(1)).expect("a model")
}

#[test]
fn a_model_with_a_gap_in_its_candles_is_audited() {
    let market = audit(MarketModel::AR1, 1_000, 6);
    let series = common::thinned(&market.series, |i| i % 200 != 150);
    let registry = Registry::default();
    let sound = model(&series, &SignalSpec::default(), &registry);
    let market = windvane_backtest::audit::Audit { series, ..market };
    let findings = market.model(&*sound, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
}
