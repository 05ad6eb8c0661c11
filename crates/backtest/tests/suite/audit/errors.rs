//! Errors of an audit, and the number of runs of the audited code.
use std::cell::Cell;
use std::convert::Infallible;

use windvane_backtest::BacktestError;
use windvane_backtest::audit::{AuditCandles, AuditInput, Forecast};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, Timestamp};

use super::audit;
use super::pipeline::{Leak, forecasts};

fn closes(candles: AuditCandles<'_>) -> Vec<Option<Vec<f64>>> {
    candles.own.iter().map(|candle| Some(vec![candle.close()])).collect()
}

/// Returns the error message of a signal on 400 candles.
fn signal_error(
    signal: impl Fn(AuditCandles<'_>) -> Result<Vec<Option<Vec<f64>>>, String>,
) -> String {
    audit(MarketModel::AR1, 400, 1).signal(signal).expect_err("an error").to_string()
}

#[test]
fn signal_errors_are_reported() {
    let short =
        audit(MarketModel::AR1, 299, 1).signal(|candles| Ok::<_, Infallible>(closes(candles)));
    assert!(matches!(short, Err(BacktestError::TooFewCandles { expected: 300, got: 299 })));

    let text = signal_error(|candles| Ok(closes(candles)[1..].to_vec()));
    assert!(text.contains("399 rows for 400 candles"), "{text}");
    let text = signal_error(|candles| Ok(vec![None; candles.own.len()]));
    assert!(text.contains("returned 0 rows"), "{text}");
    let text = signal_error(|_| Err("no file".to_string()));
    assert_eq!(text, "the signal failed with the unmodified candles: no file");

    let calls = Cell::new(0.0);
    let text = signal_error(|candles| {
        calls.set(calls.get() + 1.0);
        Ok(vec![Some(vec![calls.get()]); candles.own.len()])
    });
    assert!(text.contains("different outputs for the same candles"), "{text}");
}

#[test]
fn signal_values_that_are_not_finite_are_ignored() {
    let signal = |candles: AuditCandles<'_>| {
        let row = |candle: &Candle| Some(vec![f64::NAN, candle.close(), f64::INFINITY]);
        Ok::<_, Infallible>(candles.own.iter().map(row).collect())
    };
    let findings = audit(MarketModel::AR1, 400, 1).signal(signal).unwrap();
    assert!(findings.is_clean(), "{findings}");
}

#[test]
fn fit_errors_are_reported() {
    let market = audit(MarketModel::AR1, 400, 1);
    let error = |horizon, fit: &dyn Fn(&AuditInput<'_>) -> Vec<Forecast>| {
        let result = market.fit(horizon, |input| Ok::<_, Infallible>(fit(input)));
        result.unwrap_err().to_string()
    };
    let all = |input: &AuditInput<'_>, score: f64| -> Vec<Forecast> {
        let own = input.candles.own;
        let times = own.iter().map(|candle| candle.close_time(own.interval()));
        times.map(|decided_at| Forecast { decided_at, score }).collect()
    };
    let text = error(1, &|input| all(input, f64::NAN));
    assert!(text.contains("not a finite number"), "{text}");
    let text = error(1, &|input| [all(input, 1.0), all(input, 1.0)].concat());
    assert!(text.contains("second forecast for this time"), "{text}");
    let off = Forecast { decided_at: Timestamp::from_millis(1), score: 1.0 };
    let text = error(1, &|_| vec![off]);
    assert!(text.contains("no candle closes at this time"), "{text}");
    let text = error(1, &|_| Vec::new());
    assert!(text.contains("returned 0 rows or forecasts from the split at 2020-"), "{text}");
    let text = error(21, &|input| all(input, 1.0));
    assert!(text.contains("at least 420 candles, got 400"), "{text}");
}

#[test]
fn audit_runs_code_as_often_as_documented() {
    let market = audit(MarketModel::AR1, 400, 1);
    let calls = Cell::new(0);
    let count = || calls.set(calls.get() + 1);
    let signal = |candles: AuditCandles<'_>| {
        count();
        Ok::<_, Infallible>(closes(candles))
    };
    market.signal(signal).unwrap();
    assert_eq!(calls.replace(0), 30);
    let fit = |input: &AuditInput<'_>| {
        count();
        Ok::<_, Infallible>(forecasts(input, 1, Leak::None))
    };
    market.fit(1, fit).unwrap();
    assert_eq!(calls.get(), 24);
}
