//! What cannot be audited says so.
use std::cell::Cell;
use std::convert::Infallible;

use windvane_backtest::BacktestError;
use windvane_backtest::audit::{Exam, Forecast, Inputs};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, Timestamp};

use super::audit;
use super::pipeline::{Leak, forecasts};

fn closes(inputs: Inputs<'_>) -> Vec<Option<Vec<f64>>> {
    inputs.own.iter().map(|candle| Some(vec![candle.close()])).collect()
}

/// The error of a signal on 400 candles, as text.
fn error(signal: impl Fn(Inputs<'_>) -> Result<Vec<Option<Vec<f64>>>, String>) -> String {
    audit(MarketModel::AR1, 400, 1).signal(signal).expect_err("an error").to_string()
}

#[test]
fn signals_that_cannot_be_audited() {
    let short =
        audit(MarketModel::AR1, 299, 1).signal(|inputs| Ok::<_, Infallible>(closes(inputs)));
    assert!(matches!(short, Err(BacktestError::TooFewCandles { expected: 300, got: 299 })));

    let text = error(|inputs| Ok(closes(inputs)[1..].to_vec()));
    assert!(text.contains("399 rows for 400 candles"), "{text}");
    let text = error(|inputs| Ok(vec![None; inputs.own.len()]));
    assert!(text.contains("put out 0 rows"), "{text}");
    let text = error(|_| Err("no file".to_string()));
    assert_eq!(text, "the signal failed with the candles as they are: no file");

    let calls = Cell::new(0.0);
    let text = error(|inputs| {
        calls.set(calls.get() + 1.0);
        Ok(vec![Some(vec![calls.get()]); inputs.own.len()])
    });
    assert!(text.contains("two answers"), "{text}");

    // Numbers that are none are undefined, and do no harm.
    let odd = |inputs: Inputs<'_>| {
        let row = |candle: &Candle| Some(vec![f64::NAN, candle.close(), f64::INFINITY]);
        Ok::<_, Infallible>(inputs.own.iter().map(row).collect())
    };
    let findings = audit(MarketModel::AR1, 400, 1).signal(odd).unwrap();
    assert!(findings.is_clean(), "{findings}");
}

#[test]
fn fits_that_cannot_be_audited() {
    let market = audit(MarketModel::AR1, 400, 1);
    let error = |horizon, fit: &dyn Fn(&Exam<'_>) -> Vec<Forecast>| {
        let result = market.fit(horizon, |exam| Ok::<_, Infallible>(fit(exam)));
        result.unwrap_err().to_string()
    };
    let all = |exam: &Exam<'_>, score: f64| -> Vec<Forecast> {
        let own = exam.inputs.own;
        let times = own.iter().map(|candle| candle.close_time(own.interval()));
        times.map(|decided_at| Forecast { decided_at, score }).collect()
    };
    let text = error(1, &|exam| all(exam, f64::NAN));
    assert!(text.contains("no finite number"), "{text}");
    let text = error(1, &|exam| [all(exam, 1.0), all(exam, 1.0)].concat());
    assert!(text.contains("there are two"), "{text}");
    let off = Forecast { decided_at: Timestamp::from_millis(1), score: 1.0 };
    let text = error(1, &|_| vec![off]);
    assert!(text.contains("no candle closes then"), "{text}");
    let text = error(1, &|_| Vec::new());
    assert!(text.contains("put out 0 rows or forecasts from the split at 2020-"), "{text}");
    let text = error(21, &|exam| all(exam, 1.0));
    assert!(text.contains("at least 420 candles, got 400"), "{text}");
}

#[test]
fn code_is_run_as_often_as_is_said() {
    let market = audit(MarketModel::AR1, 400, 1);
    let calls = Cell::new(0);
    let count = || calls.set(calls.get() + 1);
    let signal = |inputs: Inputs<'_>| {
        count();
        Ok::<_, Infallible>(closes(inputs))
    };
    market.signal(signal).unwrap();
    assert_eq!(calls.replace(0), 30);
    let fit = |exam: &Exam<'_>| {
        count();
        Ok::<_, Infallible>(forecasts(exam, 1, Leak::None))
    };
    market.fit(1, fit).unwrap();
    assert_eq!(calls.get(), 24);
}
