//! Findings of an audit.
use std::fmt;

use serde::Serialize;
use windvane_candles::{Interval, Pair};

/// A kind of leak that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// Outputs know some candles that close after them: a centred window, a daily candle before
    /// its day is over.
    Prefix,
    /// Outputs know exactly one candle too many, or have the sign of the next one.
    OneBarOffset,
    /// Outputs far before a change know of it: a scaler, a denoiser or a choice that was fitted
    /// on all candles.
    FittedOnEverything,
    /// Training labels reach a few candles into the time that is forecast: the purge is missing.
    OverlappingLabels,
    /// Forecasts know labels of the time that is forecast.
    ShuffledLabels,
    /// There is skill although every direction is drawn by a fair coin.
    Martingale,
}

impl Check {
    /// All checks, in the order of findings.
    pub const ALL: [Self; 6] = [
        Self::Prefix,
        Self::OneBarOffset,
        Self::FittedOnEverything,
        Self::OverlappingLabels,
        Self::ShuffledLabels,
        Self::Martingale,
    ];
}

/// The check in words.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Prefix => "prefix",
            Self::OneBarOffset => "one-bar offset",
            Self::FittedOnEverything => "fitted on everything",
            Self::OverlappingLabels => "overlapping labels",
            Self::ShuffledLabels => "shuffled labels",
            Self::Martingale => "martingale",
        })
    }
}

/// Verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// The future was seen.
    Leak,
    /// The check cannot tell; its evidence says why.
    NotApplicable,
}

/// The verdict in words; a leak in capitals.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Leak => "LEAK",
            Self::NotApplicable => "not applicable",
        })
    }
}

/// One check, what it came to, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Check that was made.
    pub check: Check,
    /// Verdict of the check.
    pub verdict: Verdict,
    /// Evidence with places and numbers, or the reason why the check does not apply.
    pub evidence: String,
}

impl Finding {
    pub(super) fn clean(check: Check, evidence: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Clean, evidence: evidence.into() }
    }

    pub(super) fn leak(check: Check, evidence: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Leak, evidence: evidence.into() }
    }

    pub(super) fn not_applicable(check: Check, reason: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::NotApplicable, evidence: reason.into() }
    }
}

/// `check: verdict: evidence`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.verdict, self.evidence)
    }
}

/// Findings of an [`Audit`](super::Audit): one [`Finding`] per [`Check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Findings {
    /// Audited code: a signal, a model, a fit, with its name where it has one.
    pub audited: String,
    /// The pair whose candles were used.
    pub pair: Pair,
    /// Their interval.
    pub interval: Interval,
    /// Number of candles.
    pub candles: usize,
    /// Seed of the random draws.
    pub seed: u64,
    /// One finding per check, in the order of [`Check::ALL`].
    pub findings: Vec<Finding>,
}

impl Findings {
    /// The checks that found a leak.
    pub fn leaks(&self) -> Vec<Check> {
        let leaks = self.findings.iter().filter(|finding| finding.verdict == Verdict::Leak);
        leaks.map(|finding| finding.check).collect()
    }

    /// Whether no check found a leak.
    pub fn is_clean(&self) -> bool {
        self.leaks().is_empty()
    }

    /// Returns the finding of a check.
    pub fn of(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

/// A heading, and one line per check.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audited, pair, interval, candles, seed, findings } = self;
        writeln!(
            f,
            "Leak audit of {audited} on {candles} candles of {pair} {interval}, seed {seed}"
        )?;
        for Finding { check, verdict, evidence } in findings {
            writeln!(f, "  {check:<20}  {verdict:<14}  {evidence}")?;
        }
        Ok(())
    }
}
