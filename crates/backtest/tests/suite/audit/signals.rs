//! Audits of signals as functions, of channels and of models.
use std::collections::HashMap;
use std::convert::Infallible;

use windvane_backtest::audit::{Audit, AuditCandles, AuditFindings, Check, Verdict};
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

type SignalRows = Vec<Option<Vec<f64>>>;

/// Audits a signal of one number per candle that is computed from all closes.
fn audit_of_closes(signal: impl Fn(&[f64]) -> Vec<Option<f64>>) -> AuditFindings {
    let rows = |candles: AuditCandles<'_>| -> Result<SignalRows, Infallible> {
        let closes: Vec<f64> = candles.own.iter().map(Candle::close).collect();
        Ok(signal(&closes).into_iter().map(|value| Some(vec![value?])).collect())
    };
    audit(MarketModel::AR1, 1_000, 5).signal(rows).expect("findings")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn signal_centred_window_is_reported_by_prefix() {
    for side in [2, 5] {
        let findings = audit_of_closes(|closes| {
            let smooth = |i: usize| Some(mean(closes.get(i.checked_sub(side)?..=i + side)?));
            (0..closes.len()).map(smooth).collect()
        });
        assert_eq!(findings.leaks(), [Check::Prefix, Check::Martingale], "{findings}");
        let distance = format!("the earliest is {side} candles before");
        assert!(
            findings.finding(Check::Prefix).unwrap().evidence.contains(&distance),
            "{findings}"
        );
    }
}

#[test]
fn signal_close_of_unfinished_day_is_reported_by_prefix() {
    // The close of the candle's own day, available from the first hour on.
    let of_day = |closes: &[f64], i: usize| closes[(i / 24 * 24 + 23).min(closes.len() - 1)];
    let findings = audit_of_closes(|closes| {
        (0..closes.len()).map(|i| Some(of_day(closes, i) / closes[i] - 1.0)).collect()
    });
    assert!(findings.leaks().contains(&Check::Prefix), "{findings}");
    let yesterday = audit_of_closes(|closes| {
        let last = |i: usize| Some(closes[(i / 24 * 24).checked_sub(1)?]);
        (0..closes.len()).map(|i| Some(last(i)? / closes[i] - 1.0)).collect()
    });
    assert!(yesterday.is_clean(), "{yesterday}");
}

/// Close of the last candle of a series that has opened by the close of each hour, or that has
/// closed by then.
fn closes_by_hour(own: &CandleSeries, other: &CandleSeries, is_open: bool) -> SignalRows {
    let rows = own.iter().map(|candle| {
        let now = candle.close_time(own.interval());
        let until = if is_open { now } else { now.plus(other.interval(), -1)? };
        // A candle that opens at this time is a later one.
        let known = other.candles().partition_point(|candle| {
            if is_open { candle.open_time() < until } else { candle.open_time() <= until }
        });
        Some(vec![other.get(known.checked_sub(1)?)?.close()])
    });
    rows.collect()
}

// The open candle of a coarser interval or of other hours: its close is not known yet.
#[test]
fn signal_of_the_open_candle_of_another_interval_is_reported() {
    let hours = audit(MarketModel::AR1, 1_500, 5).series;
    let days = hours.resample(Interval::DAY).unwrap().series;
    let other_hours = "1d+9h".parse().unwrap();
    let other_days = hours.resample(other_hours).unwrap().series;
    for other in [days, other_days] {
        let mut audit = Audit::new(hours.clone());
        audit.others = vec![other];
        let findings = |is_open: bool| {
            let rows = |candles: AuditCandles<'_>| {
                Ok::<_, Infallible>(closes_by_hour(candles.own, &candles.others[0], is_open))
            };
            audit.signal(rows).unwrap()
        };
        let open = findings(true);
        assert!(open.leaks().contains(&Check::Prefix), "{open}");
        let closed = findings(false);
        assert!(!closed.leaks().contains(&Check::Prefix), "{closed}");
    }
}

#[test]
fn signal_of_the_presence_of_later_volume_is_reported() {
    let rows = |candles: AuditCandles<'_>| -> Result<SignalRows, Infallible> {
        let volumes: Vec<f64> = candles.own.iter().map(Candle::volume).collect();
        let next = |index: usize| Some(vec![f64::from(u8::from(*volumes.get(index + 1)? > 0.0))]);
        Ok((0..volumes.len()).map(next).collect())
    };
    let findings = audit(MarketModel::AR1, 1_000, 5).signal(rows).unwrap();
    assert!(findings.leaks().contains(&Check::OneBarOffset), "{findings}");
}

#[test]
fn signal_shifted_column_is_reported_by_one_bar_offset() {
    let findings = audit_of_closes(|closes| {
        let next = |i: usize| Some(closes.get(i + 1)? / closes[i] - 1.0);
        (0..closes.len()).map(next).collect()
    });
    assert_eq!(findings.leaks(), [Check::OneBarOffset, Check::Martingale], "{findings}");
    let offset = &findings.finding(Check::OneBarOffset).unwrap().evidence;
    assert!(offset.contains("the earliest is 1 candle before"), "{offset}");
    // Not 100 %, because the median of the column is not exactly 0.
    assert!(offset.contains("the direction of the next candle in 98.0 % of 998"), "{offset}");
    assert!(offset.contains("delayed by one candle, in 56.1 % of 997"), "{offset}");
    assert_eq!(findings.finding(Check::Prefix).unwrap().verdict, Verdict::NotApplicable);
}

#[test]
fn signal_scaled_by_all_rows_is_reported_as_fitted_on_everything() {
    let findings = audit_of_closes(|closes| {
        let centre = mean(closes);
        let squares: Vec<f64> = closes.iter().map(|close| (close - centre).powi(2)).collect();
        let scale = mean(&squares).sqrt();
        closes.iter().map(|close| Some((close - centre) / scale)).collect()
    });
    assert_eq!(findings.leaks(), [Check::FittedOnEverything], "{findings}");
    let expanding = audit_of_closes(|closes| {
        (0..closes.len()).map(|i| Some(closes[i] / mean(&closes[..=i]) - 1.0)).collect()
    });
    assert!(expanding.is_clean(), "{expanding}");
}

#[test]
fn signal_using_series_length_is_reported_as_fitted_on_everything() {
    let findings = audit_of_closes(|closes| {
        (0..closes.len()).map(|i| Some(i as f64 / closes.len() as f64)).collect()
    });
    assert_eq!(findings.leaks(), [Check::FittedOnEverything], "{findings}");
}

#[test]
fn signal_from_stored_future_is_reported_by_its_sign() {
    // The stored values do not change with the candles.
    let series = audit(MarketModel::AR1, 1_000, 5).series;
    let next: HashMap<Timestamp, f64> = series
        .candles()
        .windows(2)
        .map(|two| (two[0].open_time(), two[1].close() - two[0].close()))
        .collect();
    let stored = |candles: AuditCandles<'_>| -> Result<SignalRows, Infallible> {
        let at = |candle: &Candle| Some(vec![*next.get(&candle.open_time())?]);
        Ok(candles.own.iter().map(at).collect())
    };
    let findings = audit(MarketModel::AR1, 1_000, 5).signal(stored).unwrap();
    assert_eq!(findings.leaks(), [Check::OneBarOffset], "{findings}");
}

#[test]
fn signal_of_another_pair_is_audited() {
    let other = |seed| {
        let pair = Pair::new("OTHER").unwrap();
        MarketModel::AR1.candles(pair, Interval::HOUR, 800, seed).unwrap()
    };
    let market = audit(MarketModel::AR1, 800, 5);
    let market = Audit { others: vec![other(9)], ..market };
    let look = |ahead: usize| {
        let rows = move |candles: AuditCandles<'_>| -> Result<SignalRows, Infallible> {
            let at = |i: usize| Some(vec![candles.others[0].get(i + ahead)?.close()]);
            Ok((0..candles.own.len()).map(at).collect())
        };
        market.signal(rows).unwrap()
    };
    assert!(look(0).is_clean());
    assert!(look(1).leaks().contains(&Check::OneBarOffset));
    assert!(look(3).leaks().contains(&Check::Prefix));

    let channel = ChannelSpec::new("other_close").reading(Pair::new("OTHER").unwrap());
    let mut spec = SignalSpec::default();
    spec.channels.push(channel);
    let mut registry = Registry::default();
    registry.register("other_close", |spec| Ok(Box::new(OtherClose(spec.pairs()[0].clone()))));
    let findings = market.channels(&spec, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
}

/// Channel with the close of another pair.
#[derive(Debug)]
struct OtherClose(Pair);

impl Channel for OtherClose {
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

/// Channel with stored future data: the next change of the close by open time.
#[derive(Debug, Clone)]
struct Foresight(HashMap<Timestamp, f64>);

impl Foresight {
    fn new(series: &CandleSeries) -> Self {
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
fn model_is_audited_with_its_channels() {
    let market = audit(MarketModel::AR1, 1_000, 6);
    let mut registry = Registry::default();
    let foresight = Foresight::new(&market.series);
    registry.register("foresight", move |_| Ok(Box::new(foresight.clone())));

    let clean = model(&market.series, &SignalSpec::default(), &registry);
    let findings = market.model(&*clean, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
    let verdict = |check| findings.finding(check).unwrap().verdict;
    assert_eq!(verdict(Check::FittedOnEverything), Verdict::NotApplicable);
    assert_eq!(verdict(Check::Martingale), Verdict::Clean);

    let mut spec = SignalSpec::default();
    spec.channels.push(ChannelSpec::new("foresight"));
    let leaking = model(&market.series, &spec, &registry);
    let findings = market.model(&*leaking, &registry).unwrap();
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
fn model_on_candles_with_gaps_is_clean() {
    let market = audit(MarketModel::AR1, 1_000, 6);
    let series = common::thinned(&market.series, |i| i % 200 != 150);
    let registry = Registry::default();
    let clean = model(&series, &SignalSpec::default(), &registry);
    let market = Audit { series, ..market };
    let findings = market.model(&*clean, &registry).unwrap();
    assert!(findings.is_clean(), "{findings}");
}
