//! HTML page with all sections and plots of the report.
use askama::Template;

use super::colour;
use super::columns::PageTable;
use super::figures::Figures;
use super::summary::SummaryNumber;
use crate::report::Report;
use crate::report::format::printable;
use crate::report::section::{Section, SectionPart};

/// Titles of the sections at the top of the page.
const FIRST_SECTIONS: [&str; 3] = ["Skipped files", "Failures", "Warnings"];
/// Maximum number of rows and list items that are visible at once.
const MAX_ROWS: usize = 12;
/// Address of the documentation of this version.
const DOCUMENTATION: &str =
    concat!("https://docs.rs/windvane-backtest/", env!("CARGO_PKG_VERSION"), "/windvane_backtest/");

/// Items of the documentation that define the numbers of a section.
const DEFINITIONS: [(&str, &str); 13] = [
    ("Ranking", "report/struct.Rank.html"),
    ("Policies", "struct.PolicyResult.html"),
    ("Results", "struct.ResultRow.html"),
    ("Refits", "struct.RefitGain.html"),
    ("Most confident", "struct.MostConfident.html"),
    ("Size of moves", "struct.Economics.html"),
    ("Trading", "struct.Trading.html"),
    ("Baselines", "enum.Baseline.html"),
    ("Non-overlapping evaluation", "struct.NonOverlapping.html"),
    ("Folds", "enum.Plan.html"),
    ("Training", "struct.EpochLoss.html"),
    ("Importance of channels", "struct.Importance.html"),
    ("Run", "report/struct.RunRecord.html"),
];

/// Data of the page template.
#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    title: String,
    run_date: String,
    version: String,
    documentation: &'static str,
    verdicts: Vec<String>,
    /// Rows of numbers.
    summary: Vec<Vec<SummaryNumber>>,
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
    /// Address of the definitions of its numbers.
    definitions: Option<String>,
    /// Visible parts before the plots.
    open: Vec<PagePart>,
    figures: Figures,
    /// Collapsed parts after the plots.
    folded: Vec<PagePart>,
}

/// Part of a section, as the page shows it.
enum PagePart {
    Text(String),
    Code(String),
    List(Vec<String>),
    Table(PageTable),
    /// Collapsed explanation.
    Method(String),
    /// Collapsed table with its title.
    Details(String, PageTable),
    /// Collapsed list with its title.
    LongList(String, Vec<String>),
}

impl Report {
    /// Writes the report as one HTML page with plots, without scripts and external resources.
    ///
    /// Tables are those of [`to_markdown`](Self::to_markdown); columns without information are left
    /// out, and details are collapsed.
    pub fn to_html(&self) -> String {
        let (first, others): (Vec<Section>, Vec<Section>) = self
            .sections()
            .into_iter()
            .partition(|section| FIRST_SECTIONS.contains(&section.title));
        let page = ReportPage {
            title: self.title(),
            run_date: self.run_date(),
            version: self.run.version.clone(),
            documentation: DOCUMENTATION,
            verdicts: self.short_verdicts(),
            summary: self.summary(),
            introduction: Self::INTRODUCTION,
            colours: colour::css(),
            first: first.into_iter().map(|section| self.chapter(section)).collect(),
            chapters: others.into_iter().map(|section| self.chapter(section)).collect(),
        };
        rendered(&page)
    }

    fn chapter(&self, Section { title, parts }: Section) -> Chapter {
        let parts = parts.into_iter().map(PagePart::new);
        let (folded, mut open): (Vec<PagePart>, Vec<PagePart>) =
            parts.partition(PagePart::is_folded);
        // The verdict on the policies is at the top of the page, the one on every candle here.
        if title == "Trading" {
            let verdict = self.verdict_after_costs().unwrap_or_default();
            open.insert(0, PagePart::Text(verdict));
        }
        let definitions = DEFINITIONS.iter().find(|(section, _)| *section == title);
        Chapter {
            id: title.to_lowercase().replace(' ', "-"),
            title,
            definitions: definitions.map(|(_, item)| format!("{DOCUMENTATION}{item}")),
            open,
            figures: self.figures(title),
            folded,
        }
    }
}

impl PagePart {
    fn new(part: SectionPart) -> Self {
        match part {
            SectionPart::Text(text) => Self::Text(text),
            SectionPart::Code(text) => Self::Code(text),
            SectionPart::Method(text) => Self::Method(text),
            SectionPart::List(items) if items.len() > MAX_ROWS => {
                Self::LongList(format!("All {}", items.len()), items)
            }
            SectionPart::List(items) => Self::List(items),
            SectionPart::Table(table) => Self::Table(PageTable::new(&table)),
            SectionPart::Details(title, table) => Self::Details(title, PageTable::new(&table)),
        }
    }

    fn is_folded(&self) -> bool {
        matches!(self, Self::Method(_) | Self::Details(..) | Self::LongList(..))
    }
}

fn rendered(page: &ReportPage) -> String {
    printable(&page.render().expect("invariant: writing to a text cannot fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_public_items() {
        let exports = include_str!("../../lib.rs").to_string() + include_str!("../mod.rs");
        for (section, item) in DEFINITIONS {
            let name = item.trim_end_matches(".html").rsplit('.').next().unwrap();
            assert!(exports.contains(name), "{section}: {name}");
        }
    }
}
