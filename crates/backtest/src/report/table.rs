//! Tables of a report.
use std::fmt;

use super::format::markdown;

/// Table of a report as texts; `Display` writes Markdown.
///
/// The numbers are fields of [`Report`](crate::Report).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTable {
    /// Number of leading columns with words; the other columns hold numbers.
    pub(crate) left: usize,
    /// Titles of the columns.
    pub header: Vec<String>,
    /// Cells by row.
    pub rows: Vec<Vec<String>>,
}

pub(crate) fn table<const N: usize>(
    left: usize,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> ReportTable {
    ReportTable {
        left,
        header: header.map(str::to_string).to_vec(),
        rows: rows.into_iter().map(|row| row.to_vec()).collect(),
    }
}

/// Markdown with aligned columns.
impl fmt::Display for ReportTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<Vec<String>> = [&self.header]
            .into_iter()
            .chain(&self.rows)
            .map(|row| row.iter().map(|text| cell(text)).collect())
            .collect();
        let mut widths = vec![3; self.header.len()];
        for line in &lines {
            for (width, text) in widths.iter_mut().zip(line) {
                *width = text.chars().count().max(*width);
            }
        }
        for (index, line) in lines.iter().enumerate() {
            for (column, (text, width)) in line.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width - text.chars().count());
                let (before, after) = if column < self.left { ("", &*pad) } else { (&*pad, "") };
                write!(f, "| {before}{text}{after} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let colon = usize::from(column >= self.left);
                    write!(f, "| {}{} ", "-".repeat(width - colon), ":".repeat(colon))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// Escapes a text for a table cell.
fn cell(text: &str) -> String {
    markdown(&text.replace('\n', " ")).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_bars_escaped() {
        let rows = [["A|B".to_string(), "1.5".to_string()], ["ö".to_string(), "20.25".to_string()]];
        let expected = "\
| Name |     % |
| ---- | ----: |
| A\\|B |   1.5 |
| ö    | 20.25 |
";
        assert_eq!(table(1, ["Name", "%"], rows).to_string(), expected);
    }
}
