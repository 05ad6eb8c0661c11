//! Sections of a report, independent of the output format.
use std::fmt;

use super::format::{code, markdown};

use super::table::ReportTable;

/// Section of a report with its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Non-empty parts of the section.
    pub(crate) parts: Vec<SectionPart>,
}

/// Paragraph, list, table or code of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SectionPart {
    /// Paragraph of text.
    Text(String),
    /// Explanation of the section's numbers; the page folds it.
    Method(String),
    /// List with one line per item.
    List(Vec<String>),
    Table(ReportTable),
    /// Table of details with a title; the page folds it.
    Details(String, ReportTable),
    /// Code, such as a command.
    Code(String),
}

impl From<ReportTable> for SectionPart {
    fn from(table: ReportTable) -> Self {
        Self::Table(table)
    }
}

impl From<String> for SectionPart {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Section {
    pub(crate) fn new(title: &'static str, parts: impl IntoIterator<Item = SectionPart>) -> Self {
        Self { title, parts: parts.into_iter().filter(|part| !part.is_empty()).collect() }
    }
}

impl SectionPart {
    pub(crate) fn method(text: impl Into<String>) -> Self {
        Self::Method(text.into())
    }

    pub(crate) fn details(title: impl Into<String>, table: ReportTable) -> Self {
        Self::Details(title.into(), table)
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) | Self::Method(text) | Self::Code(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Table(table) | Self::Details(_, table) => table.rows.is_empty(),
        }
    }
}

/// Written as Markdown.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}", self.title)?;
        self.parts.iter().try_for_each(|part| write!(f, "\n{part}"))
    }
}

/// Written as Markdown.
impl fmt::Display for SectionPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Method(text) => writeln!(f, "{}", markdown(text)),
            Self::List(items) => items
                .iter()
                .try_for_each(|item| writeln!(f, "- {}", markdown(&item.replace('\n', " ")))),
            Self::Table(table) => write!(f, "{table}"),
            Self::Details(title, table) => write!(f, "{}:\n\n{table}", markdown(title)),
            Self::Code(text) => writeln!(f, "{}", code(&text.replace('\n', " "))),
        }
    }
}
