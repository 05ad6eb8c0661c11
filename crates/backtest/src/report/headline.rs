//! The headline: one row per model and place, as texts.
use super::{Rank, Report};
use crate::{Bounds, Lead, ResultRow, Scope};

/// What stands where a number is undefined.
pub(crate) const UNDEFINED: &str = "-";

impl Report {
    /// Titles of the columns of [`headline`](Self::headline).
    pub const HEADLINE: [&'static str; 9] = [
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

    /// The results as texts for a table: every model on every instrument, then pooled where
    /// there is more than one to pool. Undefined numbers are `-`.
    pub fn headline(&self) -> Vec<[String; 9]> {
        self.headline_rows().map(cells).collect()
    }

    /// The rows of [`headline`](Self::headline) that are pooled, or the others.
    pub(crate) fn headline_part(&self, pooled: bool) -> impl Iterator<Item = [String; 9]> {
        let part = move |row: &&ResultRow| (row.scope != Scope::Instrument) == pooled;
        self.headline_rows().filter(part).map(cells)
    }

    /// Titles of the columns of [`ranking_rows`](Self::ranking_rows).
    pub const RANKING: [&'static str; 9] = [
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

    /// The ranking as texts for a table.
    pub fn ranking_rows(&self) -> Vec<[String; 9]> {
        let row = |(place, rank): (usize, &Rank)| {
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
        };
        self.ranking.iter().enumerate().map(row).collect()
    }

    /// Whether any model's lead can be told from the best baseline, in a sentence.
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

    /// Whether the first model of the ranking can be told from the second, in a sentence; `None`
    /// where that is not known.
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

    /// The rows of the headline: pooled ones only where they differ from what they pool.
    pub(crate) fn headline_rows(&self) -> impl Iterator<Item = &ResultRow> {
        let parts = |row: &ResultRow, scope| {
            let part = |other: &&ResultRow| {
                other.scope == scope
                    && other.model == row.model
                    && (row.interval.is_none() || other.interval == row.interval)
            };
            self.results.iter().filter(part).count()
        };
        self.results.iter().filter(move |row| match row.scope {
            Scope::Instrument => true,
            Scope::Interval => parts(row, Scope::Instrument) > 1,
            Scope::All => parts(row, Scope::Interval) > 1,
        })
    }
}

fn cells(row: &ResultRow) -> [String; 9] {
    let baseline = row.best_baseline_result();
    let baseline = baseline.map(|best| format!("{} {}", best.rule, percent(best.score.accuracy)));
    [
        row.marked_model(),
        row.instrument.clone(),
        interval(row),
        row.score.calls.to_string(),
        percent(row.score.accuracy),
        bounds(row.interval_95),
        percent(row.score.coverage),
        baseline.unwrap_or_else(|| UNDEFINED.to_string()),
        lead(row.lead),
    ]
}

impl ResultRow {
    /// The model's name, with a mark where its result is too good.
    pub(crate) fn marked_model(&self) -> String {
        format!("{}{}", self.model, mark(self.suspicious))
    }
}

/// What stands behind the name of a model that is too good.
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
    fraction.map_or_else(|| UNDEFINED.to_string(), |x| format!("{:.2}", 100.0 * x))
}

/// Ends of an interval in per cent.
pub(crate) fn bounds(bounds: Option<Bounds>) -> String {
    let text = |b: Bounds| format!("[{:.2}, {:.2}]", 100.0 * b.low, 100.0 * b.high);
    bounds.map_or_else(|| UNDEFINED.to_string(), text)
}

/// A lead in percentage points, with its interval.
pub(crate) fn lead(lead: Option<Lead>) -> String {
    let Some(Lead { lead, interval_95, .. }) = lead else { return UNDEFINED.to_string() };
    let interval = interval_95.map_or_else(
        || UNDEFINED.to_string(),
        |Bounds { low, high }| format!("[{}, {}]", signed(low), signed(high)),
    );
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
