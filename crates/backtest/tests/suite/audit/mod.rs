//! Leaks of all six kinds, put in on purpose, are found and named; clean pipelines raise none.
mod clean;
mod fits;
mod learners;
mod pipeline;
mod signals;
mod wrong;

use windvane_backtest::audit::Audit;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Interval, Pair};

/// An audit with a simulated market.
fn audit(market: MarketModel, candles: usize, seed: u64) -> Audit {
    let pair = Pair::new("SIM").expect("a name without blanks");
    let series =
        market.candles(pair, Interval::HOUR, candles, seed).expect("a market within its ranges");
    Audit { seed, ..Audit::new(series) }
}
