//! Findings of an audit.
use std::fmt;

use serde::Serialize;
use windvane_candles::{Interval, Pair};

/// Check for one kind of leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// Outputs depend on a few later candles, for example through a centred window or a daily
    /// candle that is used before the day ends.
    Prefix,
    /// Outputs depend on exactly one later candle, or their sign predicts it.
    OneBarOffset,
    /// Outputs depend on candles far after them, for example through a scaler, a denoiser or a
    /// feature selection fitted on all candles.
    FittedOnEverything,
    /// Training labels overlap the beginning of the forecast period: the purge is missing.
    OverlappingLabels,
    /// Forecasts depend on labels of the forecast period.
    ShuffledLabels,
    /// Forecasts are right although every direction is random.
    Martingale,
}

/// Formats the name of the check.
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
    /// No leak was found.
    Clean,
    /// A leak was found: outputs depend on later data.
    Leak,
    /// The check cannot decide; the evidence has the reason.
    NotApplicable,
}

/// Formats the verdict, a leak in capitals.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Leak => "LEAK",
            Self::NotApplicable => "not applicable",
        })
    }
}

/// Result of one check: verdict and evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditFinding {
    /// Check that was run.
    pub check: Check,
    /// Verdict of the check.
    pub verdict: Verdict,
    /// Evidence with places and numbers, or the reason why the check does not apply.
    pub evidence: String,
}

impl AuditFinding {
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

/// Formats as `check: verdict: evidence`.
impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.verdict, self.evidence)
    }
}

/// Results of an [`Audit`](super::Audit): one [`AuditFinding`] per [`Check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditFindings {
    /// Description of the audited code, such as "the signal" or "the learner v3".
    pub(super) audited: String,
    /// Pair of the candles.
    pub(super) pair: Pair,
    /// Interval of the candles.
    pub(super) interval: Interval,
    /// Number of candles.
    pub(super) candles: usize,
    /// Seed of the random draws.
    pub(super) seed: u64,
    /// One finding per check, in the order of the variants of [`Check`].
    pub findings: Vec<AuditFinding>,
}

impl AuditFindings {
    /// Returns the checks that found a leak.
    pub fn leaks(&self) -> Vec<Check> {
        let leaks = self.findings.iter().filter(|finding| finding.verdict == Verdict::Leak);
        leaks.map(|finding| finding.check).collect()
    }

    /// Returns whether no check found a leak.
    pub fn is_clean(&self) -> bool {
        self.leaks().is_empty()
    }

    /// Returns the finding of a check.
    pub fn finding(&self, check: Check) -> Option<&AuditFinding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

/// Formats a heading and one line per check.
impl fmt::Display for AuditFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audited, pair, interval, candles, seed, findings } = self;
        writeln!(
            f,
            "Leak audit of {audited} on {candles} candles of {pair} {interval}, seed {seed}"
        )?;
        for AuditFinding { check, verdict, evidence } in findings {
            writeln!(f, "  {check:<20}  {verdict:<14}  {evidence}")?;
        }
        Ok(())
    }
}
