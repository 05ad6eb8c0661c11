//! Values of a table: in memory, or in blocks of a temporary file.
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::file::ValuesFile;
use crate::SignalError;

/// Number of values that a table in a file collects before it writes them.
const BLOCK: usize = 2_048;

/// Place of the values of tables: memory, or a temporary file that the tables share.
///
/// Clones of a store share its file. The file is deleted with the store and its last table.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_signals::{Registry, RowReader, SignalSpec, SignalTable, TableStore};
///
/// let series = [MarketModel::AR1.candles("SIM".parse()?, Interval::MINUTE, 2_000, 1)?];
/// let (spec, registry) = (SignalSpec::default(), Registry::default());
/// let in_memory = SignalTable::build_all(&spec, &registry, &series)?;
/// let store = TableStore::file(std::env::temp_dir())?;
/// let in_file = SignalTable::build_all_in(&store, &spec, &registry, &series)?;
///
/// let mut reader = RowReader::new(&in_file);
/// assert_eq!(reader.window(0, 1_500, 20)?, in_memory[0].window(1_500, 20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TableStore(Option<Arc<ValuesFile>>);

impl TableStore {
    /// Creates a store in memory.
    pub fn memory() -> Self {
        Self(None)
    }

    /// Creates a store in a temporary file of a folder. The folder must not be in memory, as `/tmp`
    /// of some systems is.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file cannot be created.
    pub fn file(folder: impl AsRef<Path>) -> Result<Self, SignalError> {
        Ok(Self(Some(Arc::new(ValuesFile::create(folder.as_ref())?))))
    }
}

/// Values of a table, row after row.
#[derive(Debug)]
pub(super) enum TableValues {
    Memory(Vec<f64>),
    File(FileValues),
}

/// Values in a file.
#[derive(Debug)]
pub(super) struct FileValues {
    file: Arc<ValuesFile>,
    /// Positions of the blocks in the file. Tables that are built together alternate.
    blocks: Vec<u64>,
    /// Values after the last block while the table is built.
    tail: Vec<f64>,
}

impl TableValues {
    /// Creates the values of a table that will have about `len` of them.
    pub(super) fn new(store: &TableStore, len: usize) -> Self {
        match &store.0 {
            None => Self::Memory(Vec::with_capacity(len)),
            Some(file) => Self::File(FileValues {
                file: Arc::clone(file),
                blocks: Vec::with_capacity(len.div_ceil(BLOCK)),
                tail: Vec::with_capacity(BLOCK),
            }),
        }
    }

    pub(super) fn push(&mut self, values: &[f64]) -> Result<(), SignalError> {
        match self {
            Self::Memory(own) => {
                own.extend_from_slice(values);
                Ok(())
            }
            Self::File(own) => own.push(values),
        }
    }

    /// Writes what has not been written after the last row.
    pub(super) fn finish(&mut self) -> Result<(), SignalError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(own) => own.write(),
        }
    }

    /// All values, if they are in memory.
    pub(super) fn in_memory(&self) -> Option<&[f64]> {
        match self {
            Self::Memory(values) => Some(values),
            Self::File(_) => None,
        }
    }
}

impl FileValues {
    fn push(&mut self, mut values: &[f64]) -> Result<(), SignalError> {
        while !values.is_empty() {
            let (now, later) = values.split_at(values.len().min(BLOCK - self.tail.len()));
            self.tail.extend_from_slice(now);
            values = later;
            if self.tail.len() == BLOCK {
                self.write()?;
                self.tail = Vec::with_capacity(BLOCK);
            }
        }
        Ok(())
    }

    /// Writes the values after the last block and frees their memory.
    fn write(&mut self) -> Result<(), SignalError> {
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            let bytes: Vec<u8> = tail.iter().flat_map(|value| value.to_le_bytes()).collect();
            self.blocks.push(self.file.append(&bytes)?);
        }
        Ok(())
    }

    /// Reads a range of the values. Blocks that follow each other in the file are read at once.
    pub(super) fn read(
        &self,
        range: Range<usize>,
        bytes: &mut Vec<u8>,
        values: &mut Vec<f64>,
    ) -> Result<(), SignalError> {
        values.clear();
        let mut start = range.start;
        while start < range.end {
            let first = start / BLOCK;
            let mut end = (first + 1) * BLOCK;
            while end < range.end
                && self.blocks[end / BLOCK] == self.blocks[end / BLOCK - 1] + 8 * BLOCK as u64
            {
                end += BLOCK;
            }
            let end = end.min(range.end);
            bytes.resize(8 * (end - start), 0);
            let at = self.blocks[first] + 8 * (start % BLOCK) as u64;
            self.file.read(bytes, at)?;
            values.extend(bytes.as_chunks().0.iter().copied().map(f64::from_le_bytes));
            start = end;
        }
        Ok(())
    }
}
