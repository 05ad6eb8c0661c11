//! Inputs and outputs of the audited code.
use windvane_candles::{CandleSeries, Timestamp};

/// Candles that outputs are computed from.
///
/// Audited code must take every candle from here: what a closure captured stays as it is when
/// the audit changes the future, so a leak in it can hide.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Inputs<'a> {
    /// The pair's own candles.
    pub own: &'a CandleSeries,
    /// Other pairs' candles, as given to the audit.
    pub beside: &'a [CandleSeries],
}

/// Task of a fit function: learn from what had closed at `split`, then forecast.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Exam<'a> {
    /// Candles to compute inputs (signals, windows) from.
    pub inputs: Inputs<'a>,
    /// Candles of the same times whose closes make the labels. In real use they are the own
    /// candles; the audit changes the two apart, to tell what is known of labels from what is
    /// known of inputs.
    pub outcomes: &'a CandleSeries,
    /// Time of the split, at which a candle opens; what closes after it must not be learned from.
    pub split: Timestamp,
}

/// Forecast of the close, with the time of the decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Close time of the last candle that was looked at.
    pub decided_at: Timestamp,
    /// Above 0 for UP, below for DOWN, 0 for no call. A number that carries how sure the
    /// forecast is (`p_up − p_down`) shows small changes; a bare ±1 hides most of them.
    pub score: f64,
}
