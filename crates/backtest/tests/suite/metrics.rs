//! Golden tests of the metrics: they equal scikit-learn, `SciPy`, statsmodels and empyrical to
//! 1e-9.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and their numbers are small"
)]
use serde_json::Value;
use windvane_backtest::metrics::{
    Alternative, Bounds, Confusion, DieboldMariano, McNemar, PesaranTimmermann, Proportion,
    Reliability, Returns, TestResult,
};
use windvane_candles::Direction;
use windvane_testing::{golden_dir, json};

/// Runs `check` on every case of a section, with its expected values.
fn cases(section: &str, check: impl Fn(&Value, &GoldenCase<'_>)) {
    let all = json(&golden_dir("f_metrics").join("metrics.json"));
    let each = |name: &str, case: &Value| {
        check(case, &GoldenCase { case: format!("{section} {name}"), values: &case["expected"] });
    };
    match &all[section] {
        Value::Object(named) => named.iter().for_each(|(name, case)| each(name, case)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(k, case)| each(&k.to_string(), case));
        }
        other => panic!("{section}: {other}"),
    }
}

/// Expected values of a golden case.
struct GoldenCase<'a> {
    case: String,
    values: &'a Value,
}

impl GoldenCase<'_> {
    fn number(&self, name: &str, got: Option<f64>) {
        self.compare(name, got, &self.values[name]);
    }

    fn compare(&self, name: &str, got: Option<f64>, want: &Value) {
        let case = &self.case;
        if want.is_null() {
            assert_eq!(got, None, "{case}: {name}");
            return;
        }
        let want = want.as_f64().unwrap_or_else(|| panic!("{case}: {name} is missing"));
        let got = got.unwrap_or_else(|| panic!("{case}: {name} is undefined, expected {want}"));
        let tolerance = 1e-9 * want.abs().max(1.0);
        assert!((got - want).abs() <= tolerance, "{case}: {name} is {got}, expected {want}");
    }

    fn per_class(&self, name: &str, got: impl Fn(Direction) -> Option<f64>) {
        for class in Direction::ALL {
            // scikit-learn returns 0 for undefined values.
            let got = got(class).unwrap_or(0.0);
            self.compare(name, Some(got), &self.values[name][class.index()]);
        }
    }

    fn bounds(&self, name: &str, got: Option<Bounds>) {
        let Bounds { low, high, .. } = got.unwrap();
        self.compare(name, Some(low), &self.values[name][0]);
        self.compare(name, Some(high), &self.values[name][1]);
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn flags(list: &Value) -> Vec<bool> {
    let flag = |x: &Value| x.as_bool().unwrap_or_else(|| x.as_f64().unwrap() != 0.0);
    list.as_array().unwrap().iter().map(flag).collect()
}

fn classified(case: &Value) -> Vec<(Direction, [f64; 3])> {
    let labels = numbers(&case["y_true"]);
    let classes = case["probabilities"].as_array().unwrap().iter().map(numbers);
    let one = |(label, p): (f64, Vec<f64>)| {
        #[allow(clippy::cast_sign_loss, reason = "a class")]
        let label = Direction::from_index(label as usize).unwrap();
        (label, <[f64; 3]>::try_from(p).unwrap())
    };
    labels.into_iter().zip(classes).map(one).collect()
}

#[test]
fn golden_classification_equals_scikit_learn() {
    cases("classification", |case, expected| {
        let all = classified(case);
        let first_largest = |p: &[f64; 3]| {
            let best = (1..3).fold(0, |best, k| if p[k] > p[best] { k } else { best });
            Direction::from_index(best).unwrap()
        };
        let confusion =
            Confusion::from_predictions(all.iter().map(|(y, p)| (*y, first_largest(p))));
        expected.number("accuracy", confusion.accuracy());
        expected.number("balanced_accuracy", confusion.balanced_accuracy());
        expected.number("f1_macro", confusion.macro_f1());
        expected.per_class("f1_per_class", |class| confusion.f1(class));
        expected.per_class("precision_per_class", |class| confusion.precision(class));
        expected.per_class("recall_per_class", |class| confusion.recall(class));
        expected.number("mcc", Some(confusion.matthews().unwrap_or(0.0)));
        expected.number("cohen_kappa", Some(confusion.kappa().unwrap_or(0.0)));
        let counts: Vec<Vec<f64>> =
            expected.values["confusion"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(confusion.0.map(|row| row.map(|n| n as f64).to_vec()).as_slice(), counts);
        for (name, bins) in [("ece_10", 10), ("ece_15", 15)] {
            let mut reliability = Reliability::new(bins);
            for (label, p) in &all {
                reliability.add_classes(*p, *label).unwrap();
            }
            expected.number(name, reliability.calibration_error());
            expected.number("log_loss", reliability.log_loss());
            expected.number("brier", reliability.brier());
            expected.number("accuracy", reliability.accuracy());
        }
    });
}

#[test]
fn golden_proportions_equal_scipy_and_statsmodels() {
    cases("proportions", |case, expected| {
        let whole = |name: &str| case[name].as_u64().unwrap();
        let proportion = Proportion::new(whole("successes"), whole("trials")).unwrap();
        let test =
            |alternative| proportion.binomial_test(case["p0"].as_f64().unwrap(), alternative);
        expected.bounds("wilson_95", proportion.wilson(0.95));
        expected.bounds("clopper_pearson_95", proportion.clopper_pearson(0.95));
        expected.number("binomial_p_two_sided", test(Alternative::TwoSided));
        expected.number("binomial_p_greater", test(Alternative::Greater));
        expected.number("binomial_p_less", test(Alternative::Less));
    });
}

#[test]
fn golden_diebold_mariano_equals_reference() {
    cases("diebold_mariano", |case, expected| {
        assert_eq!(case["loss"], "squared error");
        let (actual, one) = (numbers(&case["actual"]), numbers(&case["forecast1"]));
        let other = numbers(&case["forecast2"]);
        let losses = (0..actual.len())
            .map(|t| ((actual[t] - one[t]).powi(2), (actual[t] - other[t]).powi(2)));
        let horizon = usize::try_from(case["horizon"].as_u64().unwrap()).unwrap();
        let got = DieboldMariano::new(losses, horizon);
        expected.number("dm", got.map(|test| test.statistic));
        expected.number("hln", got.map(|test| test.corrected));
        expected.number("p_two_sided_t", got.map(|test| test.p_value));
        expected.number("p_two_sided_normal_of_dm", got.map(|test| test.p_value_normal));
    });
}

#[test]
fn golden_pesaran_timmermann_equals_reference() {
    cases("pesaran_timmermann", |case, expected| {
        let candles = flags(&case["actual_up"]).into_iter().zip(flags(&case["forecast_up"]));
        let got = PesaranTimmermann::new(candles);
        expected.number("hit_rate", got.map(|test| test.hit_rate));
        expected.number("expected_hit_rate", got.map(|test| test.expected));
        expected.number("statistic", got.map(|test| test.statistic));
        expected.number("p_one_sided", got.map(|test| test.p_value));
    });
}

#[test]
fn golden_mcnemar_equals_statsmodels() {
    cases("mcnemar", |case, expected| {
        let correct = |name: &str| flags(&case[name]);
        let pairs = correct("model_a_correct").into_iter().zip(correct("model_b_correct"));
        let table = McNemar::new(pairs);
        let counts = case["table"].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
        let got = [[table.both, table.only_a], [table.only_b, table.neither]];
        assert_eq!(got.map(|row| row.map(|n| n as f64).to_vec()).as_slice(), counts);
        let smaller = table.only_a.min(table.only_b) as f64;
        expected.number("exact_statistic_min_b_c", Some(smaller));
        expected.number("exact_p", table.exact());
        let test = |names: [&str; 2], got: Option<TestResult>| {
            expected.number(names[0], got.map(|test| test.statistic));
            expected.number(names[1], got.map(|test| test.p_value));
        };
        test(["chi2", "chi2_p"], table.chi_square());
        test(["chi2_continuity", "chi2_continuity_p"], table.chi_square_corrected());
    });
}

#[test]
fn golden_returns_equal_empyrical() {
    cases("returns", |case, expected| {
        let periods = case["periods_per_year"].as_f64().unwrap();
        let got = Returns::new(&numbers(&case["returns"]), periods);
        for (name, got) in [
            ("total_return", got.total),
            ("annual_return", got.annual_return),
            ("annual_volatility", got.annual_volatility),
            ("sharpe", got.sharpe),
            ("sortino", got.sortino),
            ("downside_risk", got.downside_risk),
            ("max_drawdown", got.max_drawdown),
            ("calmar", got.calmar),
            ("omega", got.omega),
        ] {
            expected.number(name, got);
        }
    });
}
