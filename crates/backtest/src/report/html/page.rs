//! HTML page with all sections and plots of the report.
use askama::Template;

use super::colour;
use super::figures::Figures;
use crate::report::Report;
use crate::report::format::{UNDEFINED, bounds, percent, printable, thousands};
use crate::report::headline::edge_text;
use crate::report::section::{Section, SectionPart};
use crate::score::{ResultRow, Scope};

/// Titles of the sections at the top of the page.
const FIRST_SECTIONS: [&str; 3] = ["Skipped files", "Failures", "Warnings"];

/// Data of the page template.
#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    title: String,
    run_date: String,
    verdicts: Vec<String>,
    leader: String,
    introduction: &'static str,
    colours: String,
    /// Sections at the top of the page: skipped files, failures, warnings.
    first: Vec<Chapter>,
    chapters: Vec<Chapter>,
}

/// Section of the page.
struct Chapter {
    /// Anchor of the section.
    id: String,
    title: &'static str,
    /// Visible parts before the plots.
    open: Vec<SectionPart>,
    figures: Figures,
    /// Collapsed parts after the plots.
    folded: Vec<SectionPart>,
}

impl Report {
    /// Writes the report as one HTML page with plots, without scripts and external resources.
    ///
    /// Texts and tables are those of [`to_markdown`](Self::to_markdown).
    pub fn to_html(&self) -> String {
        let (first, others): (Vec<Section>, Vec<Section>) = self
            .sections()
            .into_iter()
            .partition(|section| FIRST_SECTIONS.contains(&section.title));
        let page = ReportPage {
            title: self.title(),
            run_date: self.run_date(),
            verdicts: self.verdicts(),
            leader: self.leader(),
            introduction: Self::INTRODUCTION,
            colours: colour::css(),
            first: first.into_iter().map(|section| self.chapter(section)).collect(),
            chapters: others.into_iter().map(|section| self.chapter(section)).collect(),
        };
        rendered(&page)
    }

    /// Sentence about the model with the highest accuracy and the best baseline.
    fn leader(&self) -> String {
        let mut ranking = self.ranking.iter();
        let Some(first) = ranking.find(|rank| !rank.in_sample) else {
            return "No model was tested out of sample.".to_string();
        };
        let pooled = self.rows(Scope::All).find(|row| row.model == first.model);
        let baseline = pooled.and_then(ResultRow::best_baseline_result).map_or_else(
            || UNDEFINED.to_string(),
            |best| format!("{}, {} %", best.rule, percent(best.score.accuracy)),
        );
        format!(
            "Highest accuracy: {}, {} % {} with {} predictions; edge over the best baseline \
             ({baseline}): {}.",
            self.model_name(&first.model),
            percent(first.accuracy),
            bounds(first.interval_95),
            thousands(first.predictions),
            edge_text(first.excess_accuracy),
        )
    }

    fn chapter(&self, Section { title, mut parts }: Section) -> Chapter {
        let figures = self.figures(title);
        let open = match title {
            // The pooled table and its explanation; single instruments are plotted.
            "Results" => 2,
            _ if title == "Ranking" || figures.rows.is_empty() => parts.len(),
            _ => 0,
        };
        let folded = parts.split_off(open.min(parts.len()));
        let id = title.to_lowercase().replace(' ', "-");
        Chapter { id, title, open: parts, figures, folded }
    }
}

fn rendered(page: &ReportPage) -> String {
    printable(&page.render().expect("invariant: writing to a text cannot fail"))
}
