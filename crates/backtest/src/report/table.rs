//! Tables that read well as raw text too.
use std::fmt::Write as _;

/// A Markdown table with aligned columns; the first `left` columns are text, the rest numbers.
pub(crate) fn table<const N: usize>(
    left: usize,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let header = header.map(cell);
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|text| cell(&text))).collect();
    let width = |column: usize| {
        let texts = rows.iter().map(|row| &row[column]).chain([&header[column]]);
        texts.map(|text| text.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    let mut line = |cells: &[String; N]| {
        for (column, text) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[column] - text.chars().count());
            let (before, after) = if column < left { ("", &*pad) } else { (&*pad, "") };
            // Writing to a String cannot fail.
            let _ = write!(out, "| {before}{text}{after} ");
        }
        out.push_str("|\n");
    };
    line(&header);
    line(&std::array::from_fn(|column| {
        let dashes = "-".repeat(widths[column] - usize::from(column >= left));
        if column < left { dashes } else { dashes + ":" }
    }));
    rows.iter().for_each(line);
    out
}

/// A text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
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
        assert_eq!(table(1, ["Name", "%"], rows), expected);
    }
}
