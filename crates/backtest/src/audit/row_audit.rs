//! The audit of what turns candles into rows: signals, channels, fitted models.
use super::chance::{self, Hits, OnCoins, Sign};
use super::future::Turn;
use super::outputs::Outputs;
use super::reach::Reach;
use super::world::World;
use super::{Audit, Check, Finding, Findings, Inputs};
use crate::error::BacktestError;

/// Number of cuts of the future.
const CUTS: u8 = 8;

/// Markets of coins.
pub(super) const MARKETS: u64 = 4;

/// Fewer outputs show nothing.
const MIN_OUTPUTS: usize = 100;

/// Kind of audited code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Columns that may mean anything.
    Signal,
    /// One score, above 0 for UP over so many candles.
    Model { horizon: usize },
}

/// Asks audited code for its outputs; the text says what it is given.
pub(super) type Ask<'a> = dyn Fn(Inputs<'_>, &str) -> Result<Outputs, BacktestError> + 'a;

/// Runs all checks.
pub(super) fn audit(
    audit: &Audit,
    audited: &str,
    kind: Kind,
    ask: &Ask<'_>,
) -> Result<Findings, BacktestError> {
    audit.check_length(1)?;
    let given = "the candles as they are";
    let base = ask(audit.inputs(), given)?;
    if !base.is_same(&ask(audit.inputs(), given)?) {
        return Err(BacktestError::NotRepeatable { audited: audited.to_string() });
    }
    let begins = base.first_from(0).unwrap_or(base.len());
    let got = base.count_before(base.len());
    if base.len() - begins < MIN_OUTPUTS || got < MIN_OUTPUTS {
        let place = format!("for {} candles", base.len());
        let (audited, expected) = (audited.to_string(), MIN_OUTPUTS);
        return Err(BacktestError::TooFewOutputs { audited, place, expected, got });
    }
    let reach = reach(audit, &base, begins, ask)?;
    let signs = match kind {
        Kind::Signal => chance::signs_of_rows(&base),
        Kind::Model { .. } => vec![Sign::Score],
    };
    let seen = chance::seen(&audit.series, &base, 0, &signs);
    let martingale = match kind {
        Kind::Signal => on_coins(audit, signs, ask)?,
        Kind::Model { horizon } => scored_on_coins(audit, horizon, ask)?,
    };
    let everything = match (kind, reach.far()) {
        (Kind::Model { .. }, None) => Finding::not_applicable(
            Check::FittedOnEverything,
            "a fitted model does not show what it was fitted on: audit its learner",
        ),
        _ => reach.everything(),
    };
    let findings = vec![
        reach.prefix(),
        reach.offset(seen),
        everything,
        no_labels(Check::OverlappingLabels),
        no_labels(Check::ShuffledLabels),
        martingale,
    ];
    Ok(audit.findings(audited, findings))
}

fn no_labels(check: Check) -> Finding {
    Finding::not_applicable(check, "no label is learned from here")
}

/// Changes the future and cuts it off at several candles.
fn reach<'a>(
    audit: &'a Audit,
    base: &Outputs,
    begins: usize,
    ask: &Ask<'_>,
) -> Result<Reach<'a>, BacktestError> {
    let mut reach = Reach::new(&audit.series);
    for number in 0..CUTS {
        let step = 0.65 / f64::from(CUTS);
        let low = 0.3 + step * f64::from(number);
        let cut = audit.somewhere(begins, [low, low + step], u64::from(number));
        for turn in Turn::BOTH {
            let world = World::changed(audit, cut, turn);
            reach.compare(base, &ask(world.inputs(), "another future")?, cut);
        }
        let world = World::cut_off(audit, cut);
        reach.compare(base, &ask(world.inputs(), "the future cut off")?, cut);
    }
    Ok(reach)
}

fn on_coins(audit: &Audit, signs: Vec<Sign>, ask: &Ask<'_>) -> Result<Finding, BacktestError> {
    let mut hits = OnCoins::new(signs);
    for number in 0..MARKETS {
        let world = World::coins(audit, number);
        hits.add(&world.own, &ask(world.inputs(), "a coin for every direction")?);
    }
    Ok(hits.finding())
}

fn scored_on_coins(audit: &Audit, horizon: usize, ask: &Ask<'_>) -> Result<Finding, BacktestError> {
    let mut hits = Hits::default();
    for number in 0..MARKETS {
        let world = World::coins(audit, number);
        let scores = ask(world.inputs(), "a coin for every direction")?;
        hits += chance::of_scores(&world.own, &scores, 0, horizon);
    }
    Ok(chance::held_against_a_coin(Check::Martingale, hits, "coins"))
}
