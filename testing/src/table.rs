//! Golden CSV tables: a header line, then cells; `NaN` is undefined.
use std::path::Path;

/// Columns of a CSV file by name.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    header: Vec<String>,
    records: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads a CSV file with a header line.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let headers = reader.headers().unwrap_or_else(|e| panic!("{name}: {e}"));
        let header = headers.iter().map(str::to_string).collect();
        let records =
            reader.records().map(|record| record.unwrap_or_else(|e| panic!("{name}: {e}")));
        Self { header, records: records.collect(), name }
    }

    /// The numbers of the column of that name.
    ///
    /// # Panics
    /// When there is no such column or a cell is no number.
    pub fn column(&self, name: &str) -> Vec<f64> {
        let at = self.header.iter().position(|h| h == name);
        let at = at.unwrap_or_else(|| panic!("{}: no column {name:?}", self.name));
        let number = |cell: &str| {
            let parsed = cell.trim().parse();
            parsed.unwrap_or_else(|e| panic!("{}: column {name}: {cell:?}: {e}", self.name))
        };
        self.records.iter().map(|record| number(&record[at])).collect()
    }

    /// Column names in file order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.records.len()
    }
}
