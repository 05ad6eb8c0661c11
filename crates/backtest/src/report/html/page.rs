//! The page: every section of the report, with its plots.
use askama::Template;

use super::figures::Figures;
use super::ink;
use crate::report::Report;
use crate::report::headline::{UNDEFINED, bounds, lead, percent};
use crate::report::section::{Part, Section};
use crate::score::{ResultRow, Scope};

/// Data of the page template.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    verdict: String,
    after_costs: Option<String>,
    leader: String,
    introduction: &'static str,
    colours: String,
    /// Sections that a reader must not miss.
    first: Vec<Chapter>,
    chapters: Vec<Chapter>,
}

struct Chapter {
    /// Anchor of a link.
    id: String,
    title: &'static str,
    /// Parts before the plots.
    open: Vec<Part>,
    figures: Figures,
    /// Parts after the plots, folded up.
    folded: Vec<Part>,
}

impl Report {
    /// The report as one HTML page with plots: no network and no script is needed to read it.
    ///
    /// The numbers are those of [`to_markdown`](Self::to_markdown), from the same texts.
    pub fn to_html(&self) -> String {
        let (first, others): (Vec<Section>, Vec<Section>) = self
            .sections()
            .into_iter()
            .partition(|section| matches!(section.title, "Not read" | "Failures" | "Warnings"));
        let page = Page {
            title: self.title(),
            verdict: self.verdict(),
            after_costs: self.verdict_after_costs(),
            leader: self.leader(),
            introduction: Self::INTRODUCTION,
            colours: ink::css(),
            first: first.into_iter().map(|section| self.chapter(section)).collect(),
            chapters: others.into_iter().map(|section| self.chapter(section)).collect(),
        };
        rendered(&page)
    }

    /// The model with the highest accuracy, in a sentence, with the rule it has to beat.
    fn leader(&self) -> String {
        let Some(first) = self.ranking.first() else { return "No model was tested.".to_string() };
        let pooled = self.rows(Scope::All).find(|row| row.model == first.model);
        let baseline = pooled.and_then(ResultRow::best_baseline_result).map_or_else(
            || UNDEFINED.to_string(),
            |best| format!("{}, {} %", best.rule, percent(best.score.accuracy)),
        );
        format!(
            "Highest accuracy: {}, {} % {} of {} calls, {} points against the best baseline \
             ({baseline}).",
            first.model,
            percent(first.accuracy),
            bounds(first.interval_95),
            first.calls,
            lead(first.lead),
        )
    }

    fn chapter(&self, Section { title, mut parts }: Section) -> Chapter {
        let figures = self.figures(title);
        let open = match title {
            // The pooled table and how it is read; single instruments are plotted.
            "Results" => 2,
            _ if title == "Ranking" || figures.rows.is_empty() => parts.len(),
            _ => 0,
        };
        let folded = parts.split_off(open.min(parts.len()));
        let id = title.to_lowercase().replace(' ', "-");
        Chapter { id, title, open: parts, figures, folded }
    }
}

fn rendered(page: &Page) -> String {
    page.render().expect("invariant: writing to a text cannot fail")
}
