//! Tables of the page: columns that say nothing are left out, and the important ones come first.
use crate::report::table::ReportTable;

/// Columns that follow all others, because a narrow screen shows the first columns only.
const SECONDARY: [&str; 12] = [
    "Predictions",
    "Candles",
    "Scored",
    "Coverage %",
    "Full coverage %",
    "Trades",
    "Exposure %",
    "Turnover",
    "Windows",
    "Training windows",
    "Validation windows",
    "Test windows",
];

/// Columns that are left out if all rows have the same value, which the titles say already.
const CONSTANT: [&str; 2] = ["Interval", "Delay"];

/// Table of the page.
pub(crate) struct PageTable {
    pub(crate) header: Vec<PageCell>,
    pub(crate) rows: Vec<Vec<PageCell>>,
}

/// Cell of a table: a value, with an interval or a share in brackets.
pub(crate) struct PageCell {
    pub(crate) value: String,
    /// Text from the first bracket on; empty without one.
    pub(crate) bounds: String,
    /// Whether the column holds numbers.
    pub(crate) is_number: bool,
}

impl PageTable {
    pub(crate) fn new(table: &ReportTable) -> Self {
        let columns = columns(table);
        let cells = |row: &[String], split: bool| -> Vec<PageCell> {
            let cells = columns.iter().map(|index| {
                let is_number = *index >= table.left;
                PageCell::new(&row[*index], is_number, split && is_number)
            });
            cells.collect()
        };
        Self {
            header: cells(&table.header, false),
            rows: table.rows.iter().map(|row| cells(row, true)).collect(),
        }
    }

    /// Number of rows with a noun.
    pub(crate) fn count(&self) -> String {
        match self.rows.len() {
            1 => "1 row".to_string(),
            count => format!("{count} rows"),
        }
    }
}

impl PageCell {
    fn new(text: &str, is_number: bool, split: bool) -> Self {
        let (value, bounds) = match text.split_once(" [") {
            Some((value, bounds)) if split => (value, format!("[{bounds}")),
            _ => (text, String::new()),
        };
        Self { value: value.to_string(), bounds, is_number }
    }
}

/// Indices of the columns of a table in the order of the page.
fn columns(table: &ReportTable) -> Vec<usize> {
    let is_constant = |index: usize| {
        let mut values = table.rows.iter().map(|row| &row[index]);
        let first = values.next();
        CONSTANT.contains(&table.header[index].as_str()) && values.all(|value| Some(value) == first)
    };
    let all = (0..table.header.len()).filter(|index| !is_constant(*index));
    let (last, first): (Vec<usize>, Vec<usize>) =
        all.partition(|index| SECONDARY.contains(&table.header[*index].as_str()));
    first.into_iter().chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::table;

    fn texts(cells: &[PageCell]) -> Vec<&str> {
        cells.iter().map(|cell| cell.value.as_str()).collect()
    }

    #[test]
    fn constant_interval_is_left_out_and_counts_come_last() {
        let row =
            |interval: &str| ["v2", interval, "1,000", "52.00 [50.00, 54.00]"].map(str::to_string);
        let header = ["Model", "Interval", "Predictions", "Accuracy %"];
        let page = PageTable::new(&table(2, header, [row("1h"), row("1h")]));
        assert_eq!(texts(&page.header), ["Model", "Accuracy %", "Predictions"]);
        assert_eq!(texts(&page.rows[1]), ["v2", "52.00", "1,000"]);
        assert_eq!(page.rows[1][1].bounds, "[50.00, 54.00]");
        assert!(!page.rows[1][0].is_number && page.rows[1][1].is_number);
        assert_eq!(page.count(), "2 rows");
        let two = PageTable::new(&table(2, header, [row("1h"), row("1d")]));
        assert_eq!(texts(&two.header), ["Model", "Interval", "Accuracy %", "Predictions"]);
    }
}
