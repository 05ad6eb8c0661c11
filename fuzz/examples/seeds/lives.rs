//! Lives of predictors: each model under each gap policy.

use arbitrary::{Arbitrary as _, Unstructured};
use windvane_fuzz::life::{Event, Life, PriceStep};

use crate::{Result, Seeds};

/// The target's models and policies, in its order.
const MODELS: [&str; 7] = ["v2", "v2_learned", "v3", "v31", "v32", "v32_stateful", "ensemble"];
const POLICIES: [&str; 4] = ["error", "reset", "sessions", "hold"];

/// A small rise and a small fall.
const UP: PriceStep = PriceStep { close: 1, up: 1, down: 2, volume: 7 };
const DOWN: PriceStep = PriceStep { close: -2, up: 0, down: 1, volume: 0 };

/// Events that a predictor goes through, by what is special about them.
fn scripts() -> [(&'static str, Vec<Event>); 8] {
    [
        ("steady", vec![next(0, UP), next(0, DOWN), next(0, UP)]),
        ("gap", vec![next(0, UP), next(2, DOWN), next(0, UP), next(9, UP)]),
        ("restart", vec![next(0, UP), Event::Restart, next(0, DOWN), Event::Restart]),
        ("repeated", vec![next(0, UP), Event::Again, next(0, DOWN), Event::Again]),
        ("late", vec![next(0, UP), Event::Jump { hours: -3, step: DOWN }, next(0, UP)]),
        ("misaligned", vec![next(0, UP), Event::At { millis: 216_000_001, step: DOWN }]),
        ("unfinished", vec![Event::Unfinished { step: UP }, next(0, UP)]),
        (
            "wild_prices",
            vec![
                Event::Wild { missing: 0, prices: [1e-100, 1e100, 1e100, 1e-100], volume: 1e300 },
                Event::Wild { missing: 0, prices: [1.0; 4], volume: 0.0 },
            ],
        ),
    ]
}

fn next(missing: u8, step: PriceStep) -> Event {
    Event::Next { missing, step }
}

/// Tracked seeds: each script once, models and policies in turn, and each model at least once.
pub fn write(seeds: &Seeds) -> Result<()> {
    for (model, model_name) in (0..).zip(MODELS) {
        for (policy, policy_name) in (0..).zip(POLICIES) {
            for (index, (script, events)) in scripts().into_iter().enumerate() {
                let is_tracked = index % MODELS.len() == usize::from(model)
                    && index % POLICIES.len() == usize::from(policy)
                    || (script == "gap" && policy_name == "reset");
                if seeds.is_large() || is_tracked {
                    let name = format!("{model_name}_{policy_name}_{script}");
                    keep(seeds, &name, &Life { model, policy, warm: true, events })?;
                }
            }
        }
    }
    let cold = (0..50).map(|hour| next(0, if hour % 3 == 0 { DOWN } else { UP })).collect();
    keep(seeds, "v32_reset_cold_start", &Life { model: 4, policy: 1, warm: false, events: cold })
}

/// Writes a life after a check that the target decodes the same one.
fn keep(seeds: &Seeds, name: &str, life: &Life) -> Result<()> {
    let input = life.to_input();
    assert_eq!(Life::arbitrary_take_rest(Unstructured::new(&input))?, *life, "{name}");
    seeds.keep("on_candle", name, &input)
}
