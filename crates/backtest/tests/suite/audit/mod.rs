//! Tests of the audit: deliberate leaks of all six kinds are reported by the right check, and
//! clean pipelines are reported as clean.
mod clean;
mod errors;
mod fits;
mod learners;
mod pipeline;
mod signals;

use windvane_backtest::audit::Audit;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Interval, Pair};

/// Creates an audit of a simulated market.
fn audit(market: MarketModel, candles: usize, seed: u64) -> Audit {
    let pair = Pair::new("SIM").expect("a valid pair");
    let series = market.candles(pair, Interval::HOUR, candles, seed).expect("valid candles");
    Audit { seed, ..Audit::new(series) }
}
