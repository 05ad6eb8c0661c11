//! Golden CSV tables: a header line, then numbers; `NaN` is undefined.
use std::path::Path;

/// Columns of numbers by name.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    header: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl Table {
    /// Reads a CSV file with a header line.
    ///
    /// # Panics
    /// When it cannot be read or a cell is no number.
    pub fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let header: Vec<String> = reader
            .headers()
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .iter()
            .map(str::to_string)
            .collect();
        let mut columns = vec![Vec::new(); header.len()];
        for record in reader.records() {
            let record = record.unwrap_or_else(|e| panic!("{name}: {e}"));
            for (column, cell) in columns.iter_mut().zip(&record) {
                let number = cell.trim().parse();
                column.push(number.unwrap_or_else(|e| panic!("{name}: {cell:?}: {e}")));
            }
        }
        Self { name, header, columns }
    }

    /// The column of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn column(&self, name: &str) -> &[f64] {
        self.find(name).unwrap_or_else(|| panic!("{}: no column {name:?}", self.name))
    }

    /// The column of that name, if the table has it.
    pub fn find(&self, name: &str) -> Option<&[f64]> {
        let at = self.header.iter().position(|h| h == name)?;
        Some(&self.columns[at])
    }

    /// Column names in file order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
}
