//! Audit of code that computes rows from candles: signals, channels, fitted models.
use super::lookahead::LookaheadCheck;
use super::modified_series::Jump;
use super::outputs::AuditedOutputs;
use super::sign_test::{self, CorrectCount, MartingaleTest, Sign};
use super::synthetic_markets::SyntheticMarkets;
use super::{Audit, AuditCandles, AuditFinding, AuditFindings, Check};
use crate::error::BacktestError;

/// Number of cuts, each with two modifications and one truncation.
const CUTS: u8 = 8;

/// Number of markets with random directions.
pub(super) const RANDOM_MARKETS: u64 = 4;

/// Minimum number of rows.
const MIN_OUTPUTS: usize = 100;

/// Kind of code that computes the rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowSource {
    /// Signal with any number of columns of any meaning.
    Signal,
    /// Model with one score per row, above 0 for UP over the horizon.
    Model { horizon: usize },
}

/// Runs the audited code; the text describes the candles in error messages.
pub(super) type RowFunction<'a> =
    dyn Fn(AuditCandles<'_>, &str) -> Result<AuditedOutputs, BacktestError> + 'a;

/// Runs all checks on code that computes rows.
pub(super) fn audit(
    audit: &Audit,
    audited: &str,
    source: RowSource,
    run: &RowFunction<'_>,
) -> Result<AuditFindings, BacktestError> {
    audit.check_length(1)?;
    let given = "the unmodified candles";
    let base = run(audit.candles(), given)?;
    if !base.is_same(&run(audit.candles(), given)?) {
        return Err(BacktestError::NotRepeatable { audited: audited.to_string() });
    }
    let begins = base.first_from(0).unwrap_or(base.len());
    let got = base.count_before(base.len());
    if base.len() - begins < MIN_OUTPUTS || got < MIN_OUTPUTS {
        let place = format!("for {} candles", base.len());
        let (audited, expected) = (audited.to_string(), MIN_OUTPUTS);
        return Err(BacktestError::TooFewOutputs { audited, place, expected, got });
    }
    let lookahead = lookahead(audit, &base, begins, run)?;
    let signs = match source {
        RowSource::Signal => sign_test::signs_of_rows(&base),
        RowSource::Model { .. } => vec![Sign::Score],
    };
    let prediction = sign_test::next_candle_prediction(&audit.series, &base, 0, &signs);
    let martingale = match source {
        RowSource::Signal => signal_martingale(audit, signs, run)?,
        RowSource::Model { horizon } => model_martingale(audit, horizon, run)?,
    };
    let fitted_on_everything = match (source, lookahead.far_change()) {
        (RowSource::Model { .. }, None) => AuditFinding::not_applicable(
            Check::FittedOnEverything,
            "a fitted model does not reveal its training data; audit its learner",
        ),
        _ => lookahead.fitted_on_everything(),
    };
    let findings = vec![
        lookahead.prefix(),
        lookahead.one_bar_offset(prediction),
        fitted_on_everything,
        without_labels(Check::OverlappingLabels),
        without_labels(Check::ShuffledLabels),
        martingale,
    ];
    Ok(audit.findings(audited, findings))
}

fn without_labels(check: Check) -> AuditFinding {
    AuditFinding::not_applicable(check, "the audited code does not train on labels")
}

/// Measures the look-ahead by modifying and by removing later candles at several cuts.
fn lookahead<'a>(
    audit: &'a Audit,
    base: &AuditedOutputs,
    begins: usize,
    run: &RowFunction<'_>,
) -> Result<LookaheadCheck<'a>, BacktestError> {
    let mut lookahead = LookaheadCheck::new(&audit.series);
    for number in 0..CUTS {
        let step = 0.65 / f64::from(CUTS);
        let low = 0.3 + step * f64::from(number);
        let cut = audit.draw_cut(begins, [low, low + step], u64::from(number));
        for jump in Jump::BOTH {
            let markets = SyntheticMarkets::with_modified_future(audit, cut, jump);
            let modified = run(markets.candles(), "modified later candles")?;
            lookahead.compare(base, &modified, cut);
        }
        let markets = SyntheticMarkets::truncated(audit, cut);
        lookahead.compare(base, &run(markets.candles(), "truncated candles")?, cut);
    }
    Ok(lookahead)
}

fn signal_martingale(
    audit: &Audit,
    signs: Vec<Sign>,
    run: &RowFunction<'_>,
) -> Result<AuditFinding, BacktestError> {
    let mut test = MartingaleTest::new(signs);
    for number in 0..RANDOM_MARKETS {
        let markets = SyntheticMarkets::with_random_directions(audit, number);
        test.add(&markets.own, &run(markets.candles(), "random directions")?);
    }
    Ok(test.finding())
}

fn model_martingale(
    audit: &Audit,
    horizon: usize,
    run: &RowFunction<'_>,
) -> Result<AuditFinding, BacktestError> {
    let mut count = CorrectCount::default();
    for number in 0..RANDOM_MARKETS {
        let markets = SyntheticMarkets::with_random_directions(audit, number);
        let scores = run(markets.candles(), "random directions")?;
        count += sign_test::correct_scores(&markets.own, &scores, 0, horizon);
    }
    Ok(sign_test::random_direction_finding(Check::Martingale, count, "random directions"))
}
