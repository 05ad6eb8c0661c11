//! Importance, losses, costs, ranking and marks of a report.
use crate::common::{Knowledge, boxed, coin, learned, oracle, run, simulated};
use windvane_backtest::{Backtest, BacktestError, Instrument, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Direction, Interval};
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, Run, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, TrainError,
};
use windvane_signals::{LabelSpec, TrainSet, ValidationSet, Window};

fn market(name: &str, n: usize) -> Instrument {
    learned(simulated(MarketModel::AR1, name, Interval::HOUR, n))
}

/// Model that predicts the last direction of the first channel.
#[derive(Debug, Clone)]
struct FirstChannel(ModelId, Option<ModelSpec>);

impl Learner for FirstChannel {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        train: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let table = &train.tables()[0];
        let spec = ModelSpec {
            signals: table.spec().clone(),
            interval: table.interval(),
            lookback: train.lookback(),
            labels: train.labels(),
        };
        Ok(Box::new(Self(self.0.clone(), Some(spec))))
    }
}

impl FittedModel for FirstChannel {}

impl DirectionModel for FirstChannel {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn spec(&self) -> &ModelSpec {
        self.1.as_ref().expect("a fitted model")
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        let [before, newest] = [2, 1].map(|back| window.row(window.steps() - back)[0]);
        let up = match newest.total_cmp(&before) {
            std::cmp::Ordering::Less => 0.45,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.55,
        };
        Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.0)
    }
}

#[test]
fn importance_is_zero_for_channels_that_the_model_does_not_read() {
    let learner: Box<dyn Learner> = Box::new(FirstChannel(ModelId::new("first"), None));
    let report = run(&[market("SIM", 14_000)], &[learner]);
    assert_eq!(report.importance.len(), Backtest::default().channels.len());
    let (first, others) = report.importance.split_first().unwrap();
    assert_eq!(first.channel, Backtest::default().channels[0].to_string());
    // Four folds of about 2,800 candles, of which 2,000 are predicted again.
    assert_eq!(first.windows, 8_000);
    let (drop, rise) = (first.accuracy_interval_95.unwrap(), first.loss_interval_95.unwrap());
    assert!(drop.low > 0.0 && rise.low > 0.0, "{first:?}");
    assert!(drop.low < first.accuracy_drop.unwrap() && first.accuracy_drop.unwrap() < drop.high);
    for other in others {
        assert_eq!((other.accuracy_drop, other.loss_rise), (Some(0.0), Some(0.0)), "{other:?}");
        assert_eq!((other.accuracy_interval_95, other.loss_interval_95), (None, None));
    }
    assert!(report.to_markdown().contains("## Importance of channels"));
}

#[test]
fn losses_are_recorded_by_epoch() {
    let training = TrainConfig { epochs: 3, ..TrainConfig::default() };
    let lstm = NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
    let learners: Vec<Box<dyn Learner>> =
        vec![Box::new(lstm), Box::new(WeightedSignalsLearner::default())];
    let report = run(&[market("SIM", 1_500)], &learners);
    for training in &report.training {
        let record = &training.record;
        assert_eq!(training.epochs.len(), record.epochs);
        assert_eq!(training.epochs.is_empty(), training.model == "v2");
        if let Some(best) = training.epochs.iter().rfind(|epoch| epoch.best) {
            assert_eq!((best.member, best.epoch), (1, record.best_epoch));
            assert_eq!(Some(best.train_loss), record.train_loss);
            assert_eq!(best.validation_loss, record.validation_loss);
        }
    }
}

#[test]
fn costs_are_applied_and_invalid_costs_are_rejected() {
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let with = |costs: &[f64]| {
        let backtest = Backtest { costs: costs.to_vec(), ..Backtest::default() };
        backtest.run(&[market("SIM", 2_000)], &learners, &|_| {})
    };
    let report = with(&[0.0, 7.5]).unwrap();
    assert_eq!(report.run.costs, [0.0, 7.5]);
    for row in report.results.iter().filter(|row| row.scope == Scope::Interval) {
        let trading = row.trading.as_ref().unwrap();
        assert_eq!(trading.net[0].returns, trading.gross);
        let expected = trading.gross_mean - 7.5e-4 * trading.turnover;
        assert!((trading.net[1].mean - expected).abs() < 1e-12);
        assert!((trading.periods_per_year.unwrap() - 8_766.0).abs() < 1.0);
        assert_eq!(trading.equity.len(), 200);
    }
    assert!(report.to_markdown().contains("Net bp at 0 / 7.5"));
    // Of two costs the second one counts as the middle.
    let text = report.verdict_after_costs().unwrap();
    assert!(
        text.starts_with("1h candles, after costs of 7.5 bp: v2 earns ")
            && text.contains(" bp per candle [")
            && text.contains("; buy and hold")
            && text.matches("(Sharpe ratio ").count() >= 2,
        "{text}"
    );
    assert!(report.to_markdown().contains(&text));
    let free = with(&[]).unwrap();
    assert!(free.results[0].trading.as_ref().unwrap().net.is_empty());
    assert_eq!(free.verdict_after_costs(), None);
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(with(&[2.0, wrong]), Err(BacktestError::Cost { .. })));
    }
}

#[test]
fn positions_are_held_for_the_horizon() {
    let series = simulated(MarketModel::AR1, "SIM", Interval::HOUR, 3_000);
    let labels = LabelSpec { horizon: 4, ..LabelSpec::default() };
    let backtest = Backtest { labels, ..Backtest::default() };
    let mut up = oracle(&series);
    up.answer = |_: &Knowledge, _| [0.8, 0.1, 0.1];
    let report = backtest.run(&[learned(series)], &boxed(vec![up]), &|_| {}).unwrap();
    let trading = report.results[0].trading.as_ref().unwrap();
    // The position is built up over four candles and held: one purchase and one sale per fold.
    let folds = report.groups[0].folds.len() as f64;
    assert!((trading.turnover * trading.periods as f64 - 2.0 * folds).abs() < 1e-9);
    assert!((trading.exposure - 1.0).abs() < 0.01);
}

#[test]
fn suspicious_results_are_marked_in_every_table() {
    let market = market("SIM", 3_000);
    let report = run(std::slice::from_ref(&market), &boxed(vec![oracle(&market.series)]));
    let mark = "(suspicious: audit)";
    assert!(report.results.iter().filter(|row| row.interval.is_some()).all(|row| row.suspicious));
    for model in [report.headline_table(), report.most_confident_table(), report.trading_table()] {
        assert!(model.rows[0][0].ends_with(mark), "{model}");
    }
    let honest = run(std::slice::from_ref(&market), &boxed(vec![coin("coin", 3)]));
    assert!(!honest.to_markdown().contains(mark));
}

#[test]
fn best_model_is_compared_with_the_next_on_the_same_candles() {
    let market = market("SIM", 4_000);
    let mut good = oracle(&market.series);
    good.id = ModelId::new("good");
    good.answer = |known: &Knowledge, time| {
        let right = time.millis() / Interval::HOUR.millis() % 4 != 0;
        match (known.future.get(&time), right) {
            (Some(Direction::Up), true) | (Some(Direction::Down), false) => [0.8, 0.1, 0.1],
            _ => [0.1, 0.8, 0.1],
        }
    };
    let report = run(&[market], &boxed(vec![coin("one", 1), good, coin("two", 2)]));
    let over = |report: &Report, place: usize| report.ranking[place].excess_over_next;
    let first = over(&report, 0).unwrap();
    assert!(first.interval_95.unwrap().low > 0.15 && first.p_value.unwrap() < 1e-6);
    // All models predict every candle, so the value is the difference of the accuracies.
    let accuracy = |place: usize| report.ranking[place].accuracy.unwrap();
    assert!((first.value - (accuracy(0) - accuracy(1))).abs() < 1e-12);
    assert!(over(&report, 1).unwrap().interval_95.unwrap().low < 0.0);
    assert_eq!(over(&report, 2), None);
    let text = report.best_against_next().unwrap();
    assert!(
        text.starts_with("good beats ") && text.contains("statistically significant"),
        "{text}"
    );
    // Corrected p-values are never below the raw ones.
    for rank in &report.ranking {
        assert!(rank.p_holm.unwrap() >= rank.excess_accuracy.unwrap().p_value.unwrap());
    }
}

#[test]
fn names_of_files_are_shown_and_not_rendered() {
    let mut report = run(&[market("SIM", 700)], &boxed(vec![coin("coin", 1)]));
    let (name, reason) = ("<img src=x>\u{1b}[2J.csv".into(), "[a](javascript:x)".into());
    report.skipped = vec![windvane_backtest::report::Skipped { name, reason }];
    report.run.command = Some("windvane `x`".into());
    let text = report.to_markdown();
    let shown = "- \\<img src=x>\\u{1b}[2J.csv: [a\\](javascript:x)\n";
    assert!(text.contains(shown) && text.contains("`` windvane `x` ``"), "{text}");
    #[cfg(feature = "html")]
    {
        let page = report.to_html();
        assert!(!page.contains("<img") && !page.contains('\u{1b}'));
    }
}

#[test]
fn accuracy_by_regime_counts_every_candle_once() {
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
    let report = run(&[market("A", 2_000), market("B", 2_000)], &learners);
    let json = serde_json::to_value(&report).unwrap();
    for row in json["results"].as_array().unwrap() {
        let regimes = row["by_regime"].as_array();
        if row["scope"] != "interval" {
            assert!(regimes.is_none(), "{row}");
            continue;
        }
        let sum = |name: &str| -> u64 {
            regimes.unwrap().iter().map(|regime| regime[name].as_u64().unwrap()).sum()
        };
        assert_eq!(regimes.unwrap().len(), 6);
        for name in ["candles", "scored", "correct"] {
            assert_eq!(Some(sum(name)), row[name].as_u64(), "{name}");
        }
        assert!(regimes.unwrap().iter().any(|regime| regime["interval_95"]["low"].is_number()));
    }
    let text = report.to_markdown();
    assert!(text.contains("\n## Regimes\n") && text.contains("| medium "), "{text}");
}
