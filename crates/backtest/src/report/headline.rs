//! The headline and the ranking as tables, and verdicts as sentences.
use super::table::{Table, table};
use super::{Rank, Report};
use crate::metrics::Bounds;
use crate::score::{BaselineResult, Lead, ResultRow, Scope};

/// Text for an undefined number.
pub(crate) const UNDEFINED: &str = "-";

impl Report {
    /// The results of the headline: every model on every instrument, then pooled by interval and
    /// over all where that pools more than one.
    pub fn headline(&self) -> impl Iterator<Item = &ResultRow> {
        self.results.iter().filter(|row| match row.scope {
            Scope::Instrument => true,
            Scope::Interval => self.parts(row, Scope::Instrument) > 1,
            Scope::All => self.parts(row, Scope::Interval) > 1,
        })
    }

    /// Number of rows of a scope that a row pools.
    fn parts(&self, row: &ResultRow, scope: Scope) -> usize {
        let parts = self.results.iter().filter(|other| {
            other.scope == scope
                && other.model == row.model
                && (row.interval.is_none() || other.interval == row.interval)
        });
        parts.count()
    }

    /// The [`headline`](Self::headline) as texts. Undefined numbers are `-`.
    pub fn headline_table(&self) -> Table {
        headline_table(self.headline())
    }

    /// The rows of the headline that are pooled, or the others.
    pub(crate) fn headline_part(&self, pooled: bool) -> Table {
        headline_table(self.headline().filter(|row| (row.scope != Scope::Instrument) == pooled))
    }

    /// The [`ranking`](Self::ranking) as texts.
    pub fn ranking_table(&self) -> Table {
        let header = [
            "Place",
            "Model",
            "Calls",
            "Acc. %",
            "95 % interval",
            "Cov. %",
            "All %",
            "Lead, points",
            "p",
        ];
        table(2, header, self.ranking.iter().enumerate().map(ranking_cells))
    }

    /// States whether any model beats the best baseline by a statistically significant margin.
    pub fn verdict(&self) -> String {
        let ahead = self.ranking.iter().filter(|rank| rank.ahead);
        let ahead: Vec<&str> = ahead.map(|rank| rank.model.as_str()).collect();
        let verdict = if ahead.is_empty() {
            "No model's lead can be told from the best baseline".to_string()
        } else {
            format!("Told apart from the best baseline: {}", ahead.join(", "))
        };
        match self.run.models.len() {
            1 => format!("{verdict} (95 %)."),
            models => format!("{verdict} (95 %, corrected for {models} models compared)."),
        }
    }

    /// States whether the first model of the ranking beats the second by a statistically
    /// significant margin; `None` where that is not known.
    pub fn best_against_next(&self) -> Option<String> {
        let (best, next) = (self.ranking.first()?, self.ranking.get(1)?);
        let over = best.over_next?;
        let told = over.interval_95?.low > 0.0;
        Some(format!(
            "{} leads {} by {} points on the candles both called (p {}): {}.",
            best.model,
            next.model,
            lead(best.over_next),
            p_value(over.p_value),
            if told { "the two can be told apart" } else { "the two cannot be told apart" },
        ))
    }
}

fn headline_table<'a>(rows: impl Iterator<Item = &'a ResultRow>) -> Table {
    let header = [
        "Model",
        "Instrument",
        "Interval",
        "Calls",
        "Acc. %",
        "95 % interval",
        "Cov. %",
        "Best baseline %",
        "Lead, points",
    ];
    table(3, header, rows.map(cells))
}

fn ranking_cells((place, rank): (usize, &Rank)) -> [String; 9] {
    let incomplete = if rank.complete { "" } else { " (incomplete)" };
    [
        (place + 1).to_string(),
        format!("{}{incomplete}{}", rank.model, mark(rank.suspicious)),
        rank.calls.to_string(),
        percent(rank.accuracy),
        bounds(rank.interval_95),
        percent(rank.coverage),
        percent(rank.full_coverage_accuracy),
        lead(rank.lead),
        p_value(rank.p_holm),
    ]
}

fn cells(row: &ResultRow) -> [String; 9] {
    [
        row.marked_model(),
        row.instrument.clone(),
        interval(row),
        row.score.calls.to_string(),
        percent(row.score.accuracy),
        bounds(row.interval_95),
        percent(row.score.coverage),
        baseline(row.best_baseline_result()),
        lead(row.lead),
    ]
}

impl ResultRow {
    /// The model's name, with a mark where its result is too good.
    pub(crate) fn marked_model(&self) -> String {
        format!("{}{}", self.model, mark(self.suspicious))
    }
}

/// Mark after the name of a model with a suspiciously high accuracy.
fn mark(suspicious: bool) -> &'static str {
    if suspicious { " (suspicious: audit)" } else { "" }
}

/// A p-value with three decimals.
fn p_value(p: Option<f64>) -> String {
    match p {
        None => UNDEFINED.to_string(),
        Some(p) if p < 0.001 => "< 0.001".to_string(),
        Some(p) => format!("{p:.3}"),
    }
}

/// The interval of a row's candles, or `all`.
pub(crate) fn interval(row: &ResultRow) -> String {
    row.interval.map_or_else(|| "all".to_string(), |interval| interval.to_string())
}

/// A fraction in per cent with two decimals.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    text(fraction.map(|x| format!("{:.2}", 100.0 * x)))
}

/// A text, or the dash of what is undefined.
pub(crate) fn text(text: Option<String>) -> String {
    text.unwrap_or_else(|| UNDEFINED.to_string())
}

/// A baseline with its accuracy in per cent.
pub(crate) fn baseline(best: Option<&BaselineResult>) -> String {
    text(best.map(|best| format!("{} {}", best.rule, percent(best.score.accuracy))))
}

/// Ends of an interval in per cent.
pub(crate) fn bounds(bounds: Option<Bounds>) -> String {
    text(bounds.map(|b| format!("[{:.2}, {:.2}]", 100.0 * b.low, 100.0 * b.high)))
}

/// A lead in percentage points, with its interval.
pub(crate) fn lead(lead: Option<Lead>) -> String {
    let Some(Lead { lead, interval_95, .. }) = lead else { return UNDEFINED.to_string() };
    let interval = text(interval_95.map(|b| format!("[{}, {}]", signed(b.low), signed(b.high))));
    format!("{} {interval}", signed(lead))
}

/// A signed fraction in percentage points; a rounded zero has no minus.
pub(crate) fn signed(fraction: f64) -> String {
    let text = format!("{:+.2}", 100.0 * fraction);
    if text == "-0.00" { "+0.00".to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_decimals_and_undefined_is_a_dash() {
        assert_eq!(percent(Some(0.528_149)), "52.81");
        assert_eq!(percent(None), "-");
        assert_eq!(bounds(Some(Bounds { low: 0.5, high: 0.55 })), "[50.00, 55.00]");
        assert_eq!(bounds(None), "-");
        let bare = Lead { lead: -1e-9, interval_95: None, p_value: None };
        assert_eq!(lead(Some(bare)), "+0.00 -");
        let interval_95 = Some(Bounds { low: -0.01, high: 0.02 });
        let whole = Lead { lead: 0.005, interval_95, p_value: Some(0.2) };
        assert_eq!(lead(Some(whole)), "+0.50 [-1.00, +2.00]");
        assert_eq!(lead(None), "-");
    }
}
