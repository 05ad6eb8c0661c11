//! Backtests and audits of models that are already fitted: on other data than their own, and on the
//! candles that they were fitted on.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::sync::Arc;

use crate::common::{coin, learned, simulated};
use windvane_backtest::audit::Audit;
use windvane_backtest::{Backtest, BacktestError, Instrument, Report, WarningCode};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_models::train::{Learner, Run};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch,
    TableReader, TrainError,
};
use windvane_signals::{
    GapPolicy, LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet,
    ValidationSet, Window,
};

/// Learner that returns a fitted model without a check, as a bot may write it.
struct Returned(ModelId, Arc<dyn FittedModel>);

impl Learner for Returned {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        _: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(Arc::clone(&self.1)))
    }
}

fn table(spec: &SignalSpec, series: &CandleSeries) -> SignalTable {
    SignalTable::build(spec, &Registry::default(), series, &[]).unwrap()
}

/// Model fitted on the candles before a time.
fn fitted_before(series: &CandleSeries, until: Timestamp) -> Arc<dyn FittedModel> {
    let tables = [table(&SignalSpec::default(), &series.split_at(until).0)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = Split::for_live(&samples, 0.2).unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let model = WeightedSignalsLearner::learned().fit(&train, &validation, &Run::new(1)).unwrap();
    Arc::from(model)
}

fn market(interval: Interval) -> CandleSeries {
    simulated(MarketModel::AR1, "SIM", interval, 1_500)
}

fn at(series: &CandleSeries, index: usize) -> Timestamp {
    series.candles()[index].open_time()
}

fn run(
    backtest: &Backtest,
    series: &CandleSeries,
    model: &Arc<dyn FittedModel>,
) -> Result<Report, BacktestError> {
    let returned = Returned(ModelId::new("fitted"), Arc::clone(model));
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(returned), Box::new(coin("coin", 1))];
    let instruments: [Instrument; 1] = [learned(series.clone())];
    backtest.run(&instruments, &learners, &|_| {})
}

#[test]
fn fitted_model_on_data_of_another_spec_fails() {
    let hours = market(Interval::HOUR);
    let model = fitted_before(&hours, at(&hours, 300));
    let default = Backtest::default();
    let mut reversed = Backtest::default();
    reversed.channels.reverse();
    let later = LabelSpec { horizon: 12, ..LabelSpec::default() };
    let held = Some(GapPolicy::Hold { max_missing: 2 });
    for (backtest, series, problem) in [
        (default.clone(), market(Interval::DAY), "interval 1h, the table of SIM has 1d"),
        (reversed, hours.clone(), "channel"),
        (Backtest { labels: later, ..default.clone() }, hours.clone(), "another horizon"),
        (Backtest { gaps: held, ..default.clone() }, hours.clone(), "gap policy"),
    ] {
        let report = run(&backtest, &series, &model).unwrap();
        let failures = report.failures.iter().filter(|f| f.model.as_deref() == Some("fitted"));
        let failures: Vec<String> = failures.map(ToString::to_string).collect();
        assert_eq!(failures.len(), 4, "{problem}: {failures:?}");
        assert!(failures.iter().all(|text| text.contains(problem)), "{problem}: {failures:?}");
        assert!(report.results.iter().all(|row| row.model == "coin"));
    }
    let report = run(&default, &hours, &model).unwrap();
    assert_eq!(report.failures, []);

    let error = Audit::new(market(Interval::DAY)).model(&*model, &Registry::default());
    assert!(error.unwrap_err().to_string().contains("interval 1h"));
    let mut spec = SignalSpec::default();
    spec.channels.swap(0, 1);
    let tables = [table(&spec, &hours)];
    let error = TableReader::new(&*model, &tables).predict(0, 100).unwrap_err();
    assert!(matches!(error, PredictError::OtherTable { what: "channel", .. }), "{error}");
}

#[test]
fn model_fitted_on_its_test_is_marked_and_not_in_the_verdict() {
    let hours = market(Interval::HOUR);
    // The four folds test the last four fifths.
    let whole = fitted_before(&hours, at(&hours, 1_100));
    let report = run(&Backtest::default(), &hours, &whole).unwrap();
    let in_sample = |report: &Report| -> Vec<String> {
        let own = report.warnings.iter().filter(|one| one.code == WarningCode::InSample);
        own.map(ToString::to_string).collect()
    };
    let folds = &report.groups[0].folds;
    let until = report.training[0].record.validated_until;
    let before = folds.iter().filter(|fold| fold.test_from < until).count();
    let warnings = in_sample(&report);
    assert!(before > 1 && before < 4, "{before}");
    assert_eq!(warnings.len(), before, "{warnings:?}");
    assert!(warnings[0].contains("Fold 1 tests from") && warnings[0].contains("(fitted)"));
    let rank = report.ranking.iter().find(|rank| rank.model == "fitted").unwrap();
    assert!(rank.in_sample && !rank.significant);
    let verdict = report.verdict();
    assert!(verdict.contains("fitted was fitted on candles of a test period"), "{verdict}");
    assert_eq!(report.best_against_next(), None);
    assert!(!report.verdict_after_costs().unwrap().contains("fitted"));

    let early = fitted_before(&hours, folds[0].test_from);
    let report = run(&Backtest::default(), &hours, &early).unwrap();
    assert_eq!(in_sample(&report), [""; 0]);
    assert!(report.ranking.iter().all(|rank| !rank.in_sample));
}

/// Wrapper of a user that forwards the predictions alone.
#[derive(Debug)]
struct Wrapper(Arc<dyn FittedModel>);

impl FittedModel for Wrapper {}

impl DirectionModel for Wrapper {
    fn id(&self) -> &ModelId {
        self.0.id()
    }

    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }

    fn scratch(&self) -> Scratch {
        self.0.scratch()
    }

    fn predict(&self, window: Window<'_>, own: &mut Scratch) -> Result<Prediction, PredictError> {
        self.0.predict(window, own)
    }
}

#[test]
fn wrapper_without_a_record_has_an_unknown_training_period() {
    let hours = market(Interval::HOUR);
    let whole = fitted_before(&hours, at(&hours, 1_100));
    let marked = |model: Arc<dyn FittedModel>| {
        let report = run(&Backtest::default(), &hours, &model).unwrap();
        let rank = report.ranking.iter().find(|rank| rank.model == "fitted").unwrap();
        let own = report.warnings.iter().filter(|one| one.model == "fitted");
        let codes: Vec<WarningCode> = own.map(|one| one.code).collect();
        assert_eq!(rank.unknown_training, codes.contains(&WarningCode::UnknownTraining));
        assert_eq!(rank.in_sample, codes.contains(&WarningCode::InSample));
        let text = report.to_markdown();
        assert_eq!(rank.unknown_training, text.contains("fitted (training period unknown)"));
        assert_eq!(rank.in_sample, text.contains("fitted (in-sample)"));
        (rank.in_sample, rank.unknown_training)
    };
    // Box and Arc forward the record.
    assert_eq!(marked(Arc::new(Box::new(Arc::clone(&whole)))), (true, false));
    assert_eq!(marked(Arc::new(Wrapper(Arc::clone(&whole)))), (false, true));
    let early = fitted_before(&hours, at(&hours, 250));
    assert_eq!(marked(early), (false, false));
}
