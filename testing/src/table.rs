//! Golden CSV tables with a header line; `NaN` means undefined.
use std::path::Path;

/// Golden CSV file whose columns are read by name.
#[derive(Debug, Clone)]
pub struct GoldenTable {
    name: String,
    header: Vec<String>,
    records: Vec<csv::StringRecord>,
}

impl GoldenTable {
    /// Reads a CSV file with a header line.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let headers = reader.headers().unwrap_or_else(|e| panic!("{name}: {e}"));
        let header = headers.iter().map(str::to_string).collect();
        let records =
            reader.records().map(|record| record.unwrap_or_else(|e| panic!("{name}: {e}")));
        Self { header, records: records.collect(), name }
    }

    /// Returns the numbers of the column with this name.
    ///
    /// # Panics
    /// If there is no such column or a cell is not a number.
    pub fn column(&self, name: &str) -> Vec<f64> {
        let at = self.header.iter().position(|h| h == name);
        let at = at.unwrap_or_else(|| panic!("{}: no column {name:?}", self.name));
        let number = |cell: &str| {
            let parsed = cell.trim().parse();
            parsed.unwrap_or_else(|e| panic!("{}: column {name}: {cell:?}: {e}", self.name))
        };
        self.records.iter().map(|record| number(&record[at])).collect()
    }

    /// Returns the column names in the order of the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.records.len()
    }
}
