//! Pipeline of a bot in plain code, without a leak or with one.
use std::convert::Infallible;

use windvane_backtest::audit::{Audit, AuditFindings, AuditInput, Forecast};
use windvane_candles::{Candle, CandleSeries};

/// Leak of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leak {
    /// The pipeline has no leak.
    None,
    /// Closes are smoothed over two candles on both sides.
    Smoothed,
    /// Returns include that of the next candle.
    OneAhead,
    /// Every eighth forecast uses the next candle.
    Sometimes,
    /// Returns are scaled by the standard deviation of all returns.
    ScaledByAll,
    /// Training uses labels that are not settled at the split.
    NoPurge,
    /// Training uses labels after the split.
    AllLabels,
    /// The label of the nearest of all samples is the forecast.
    NearestOfAll,
}

/// Number of returns per sample.
const LAGS: usize = 4;

/// Audits the pipeline.
pub(crate) fn audited(audit: &Audit, horizon: usize, leak: Leak) -> AuditFindings {
    let fit = |input: &AuditInput<'_>| Ok::<_, Infallible>(forecasts(input, horizon, leak));
    audit.fit(horizon, fit).expect("findings")
}

/// Trains one weight per lagged return on the next moves, and forecasts from the split on.
pub(crate) fn forecasts(input: &AuditInput<'_>, horizon: usize, leak: Leak) -> Vec<Forecast> {
    let own = input.candles.own;
    let (split, n) = (own.split_at(input.split).0.len(), own.len());
    let mut closes = closes(own);
    if leak == Leak::Smoothed {
        closes = (0..n).map(|i| mean(&closes[i.saturating_sub(2)..(i + 3).min(n)])).collect();
    }
    let returns: Vec<f64> = closes.windows(2).map(|two| (two[1] / two[0]).ln()).collect();
    let scaled_by = if leak == Leak::ScaledByAll { &returns[..] } else { &returns[..split - 1] };
    let scale = mean(&scaled_by.iter().map(|r| r * r).collect::<Vec<_>>()).sqrt();
    // The last return of sample i ends at close i.
    let shift = usize::from(leak == Leak::OneAhead);
    let sample = |i: usize| -> Option<Vec<f64>> {
        let last = returns.get(i + shift - LAGS..i + shift)?;
        Some(last.iter().map(|r| r / scale).collect())
    };
    let outcome = self::closes(input.outcomes);
    let label = |i: usize| Some((outcome.get(i + horizon)? - outcome[i]).signum());
    let last = match leak {
        Leak::AllLabels | Leak::NearestOfAll => n,
        Leak::NoPurge => split,
        _ => split - horizon,
    };
    let learned = (LAGS..last).filter_map(|i| Some((sample(i)?, label(i)?)));
    let learned: Vec<(Vec<f64>, f64)> = learned.collect();
    let weight = |lag: usize| learned.iter().map(|(x, y)| y * x[lag]).sum::<f64>();
    let weights: Vec<f64> = (0..LAGS).map(weight).collect();
    let score = |x: &[f64]| match leak {
        Leak::NearestOfAll => nearest(&learned, x),
        _ => weights.iter().zip(x).map(|(w, x)| w * x).sum(),
    };
    let forecast = |i: usize| {
        let mut score = score(&sample(i)?);
        if leak == Leak::Sometimes && i % 8 == 7 {
            score = returns.get(i).copied()?;
        }
        Some(Forecast { decided_at: own.close_time(i)?, score })
    };
    (split..n).filter_map(forecast).collect()
}

fn closes(series: &CandleSeries) -> Vec<f64> {
    series.iter().map(Candle::close).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn nearest(learned: &[(Vec<f64>, f64)], x: &[f64]) -> f64 {
    let distance = |z: &[f64]| z.iter().zip(x).map(|(z, x)| (z - x).powi(2)).sum::<f64>();
    let best = learned.iter().min_by(|a, b| distance(&a.0).total_cmp(&distance(&b.0)));
    best.map_or(0.0, |(_, label)| *label)
}
