//! Input and output of the audited code.
use windvane_candles::{CandleSeries, Timestamp};

/// Candles from which the audited code computes its outputs.
///
/// Audited code must take every candle from here. Candles captured by a closure do not change
/// with the modifications of the audit, so a leak in them can stay undetected.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AuditCandles<'a> {
    /// Candles of the audited pair.
    pub own: &'a CandleSeries,
    /// Candles of the other pairs, in the order of [`Audit::others`](super::Audit::others).
    pub others: &'a [CandleSeries],
}

/// Input of an audited fit function, which trains on data before `split` and then forecasts.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AuditInput<'a> {
    /// Candles for the inputs of the model (signals, windows).
    pub candles: AuditCandles<'a>,
    /// Candles for the labels, with the same times as the own candles. In real use both are the
    /// same series. The audit modifies them separately, to distinguish the use of later labels
    /// from the use of later inputs.
    pub outcomes: &'a CandleSeries,
    /// Time of the split, the open time of a candle. Training must not use data that closes
    /// after it.
    pub split: Timestamp,
}

/// Forecast of the direction of the close, with the decision time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Close time of the last candle that the forecast uses.
    pub decided_at: Timestamp,
    /// Score above 0 for UP, below 0 for DOWN, 0 for no prediction. Use a score that expresses
    /// confidence, such as `p_up − p_down`: it reveals small changes, most of which ±1 hides.
    pub score: f64,
}
