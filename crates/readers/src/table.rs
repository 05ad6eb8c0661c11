//! Text with a row per line.

use csv::ByteRecord;

use super::error::ReadError;
use super::note::{Note, NoteKind, file_note};

/// Rows and bytes that are looked at to recognise a dialect.
const HEAD_ROWS: usize = 1000;
const HEAD_BYTES: usize = 1 << 20;
/// Cells of a row that are looked at: wider tables are no candles.
pub(crate) const MAX_CELLS: usize = 64;
/// Fewer cells than a time and four prices are no row.
pub(crate) const MIN_CELLS: usize = 5;

/// A text divided into rows and cells.
#[derive(Debug)]
pub(crate) struct Table {
    text: String,
    pub(crate) delimiter: u8,
    /// Name of a row in messages: "line", or "row" where the text was made from another format.
    pub(crate) unit: &'static str,
    /// Lines before the first row that the original did not have.
    pub(crate) added: u64,
    /// The comment line nearest to the data: it may hold the names of the columns.
    pub(crate) comment: Option<String>,
    pub(crate) answer: Answer,
    /// Columns whose cells cannot be read, and their type.
    pub(crate) unread: Vec<(usize, String)>,
}

/// Times in the answer of an exchange that bound its finished candles, in milliseconds since 1970.
#[derive(Copy, Clone, Default, Debug)]
pub(crate) struct Answer {
    /// Time at which it was written.
    pub(crate) written: Option<i64>,
    /// Open time of the last finished candle.
    pub(crate) last_finished: Option<i64>,
}

/// Sign between the cells of a table that came from another format.
pub(crate) const CELL_END: char = '\u{1f}';

/// A row of the head: its line and its cells.
pub(crate) type HeadRow = (u64, Vec<String>);

impl Table {
    /// The table in a text file.
    pub(crate) fn of_text(bytes: Vec<u8>, notes: &mut Vec<Note>) -> Self {
        let mut text = decode(bytes, notes);
        if !text.contains('\n') && text.contains('\r') {
            text = text.replace('\r', "\n");
        }
        let comments: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        if !comments.is_empty() {
            let text = format!("{} comment lines skipped", comments.len());
            notes.push(file_note(NoteKind::SkippedLines, text));
        }
        let comment = comments.iter().rev().find(|line| line.trim().len() > 1);
        let comment = comment.map(|line| line.trim_start_matches('#').to_owned());
        let delimiter = sniff(&text);
        Self {
            text,
            delimiter,
            unit: "line",
            added: 0,
            comment,
            answer: Answer::default(),
            unread: vec![],
        }
    }

    /// The table of rows that came from another format, with [`CELL_END`] between cells.
    pub(crate) fn of_rows(text: String, added: u64) -> Self {
        let answer = Answer::default();
        let delimiter = CELL_END as u8;
        Self { text, delimiter, unit: "row", added, comment: None, answer, unread: vec![] }
    }

    /// All rows that are no comments.
    pub(crate) fn rows(&self) -> TableRows<'_> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.unit == "line")
            .comment((self.unit == "line").then_some(b'#'))
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(self.text.as_bytes());
        TableRows { reader, record: ByteRecord::new(), added: self.added }
    }

    /// The first rows with their cells.
    pub(crate) fn head(&self, file: &str) -> Result<Vec<HeadRow>, ReadError> {
        let (mut rows, mut head, mut bytes) = (self.rows(), vec![], 0);
        while head.len() < HEAD_ROWS && bytes < HEAD_BYTES {
            let Some((line, record)) = rows.next(file)? else { break };
            bytes += record.as_slice().len();
            head.push((
                line,
                (0..record.len().min(MAX_CELLS)).map(|i| cell(record, i).to_owned()).collect(),
            ));
        }
        Ok(head)
    }

    /// Number of rows after the header.
    pub(crate) fn rows_below(&self, header: Option<u64>, file: &str) -> Result<u64, ReadError> {
        let (mut rows, mut count) = (self.rows(), 0);
        while let Some((line, _)) = rows.next(file)? {
            count += u64::from(header.is_none_or(|header| line > header));
        }
        Ok(count)
    }

    /// The first line that is not blank.
    pub(crate) fn start(&self) -> String {
        let line = self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.replace(CELL_END, ", ")
    }

    /// The cells of a line that is not part of the rows.
    pub(crate) fn split(&self, line: &str) -> Vec<String> {
        let cells = line.split(char::from(self.delimiter));
        cells.map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
    }
}

/// Goes through the rows of a table.
pub(crate) struct TableRows<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    added: u64,
}

impl TableRows<'_> {
    /// The next row that is not blank, and its line.
    pub(crate) fn next(&mut self, file: &str) -> Result<Option<(u64, &ByteRecord)>, ReadError> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record);
            let more = more.map_err(|error| ReadError::Io {
                file: file.to_owned(),
                source: std::io::Error::other(error),
            })?;
            if !more {
                return Ok(None);
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            let line = line.saturating_sub(self.added);
            if self.record.as_slice().contains(&b'\n') {
                return Err(ReadError::row(file, line, "a quote that is not closed on its line"));
            }
            if self.record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Ok(Some((line, &self.record)));
            }
        }
    }
}

/// A cell without blanks and quotes around it; empty past the end.
pub(crate) fn cell(record: &ByteRecord, index: usize) -> &str {
    let bytes = record.get(index).unwrap_or_default();
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    let quoted = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text).trim()
}

/// A cell of another format without the signs that divide rows and cells.
pub(crate) fn clean(text: impl AsRef<str>) -> String {
    text.as_ref().replace([CELL_END, '\n', '\r'], " ")
}

/// The name of a column with two levels, which pandas writes as `('Close', 'AAPL')`.
pub(crate) fn joined_name(name: &str) -> String {
    let inner = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = inner.map(|inner| inner.split(", ").map(|part| part.trim_matches('\'')));
    match parts.map(Iterator::collect::<Vec<_>>).as_deref() {
        Some([price, ticker]) => format!("{ticker} {price}").trim().to_owned(),
        _ => name.to_owned(),
    }
}

/// The text in UTF-8, without its byte order mark.
fn decode(bytes: Vec<u8>, notes: &mut Vec<Note>) -> String {
    let wide = |bytes: &[u8], from: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| from([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    // Without a mark, every other byte of the first signs is 0.
    let zeros = |first: usize| {
        let start = &bytes[..bytes.len().min(64)];
        start.len() >= 8 && start.iter().skip(first).step_by(2).all(|byte| *byte == 0)
    };
    let text = match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        all if zeros(1) => wide(all, u16::from_le_bytes),
        all if zeros(0) => wide(all, u16::from_be_bytes),
        _ => return narrow(bytes, notes),
    };
    notes.push(file_note(NoteKind::Encoding, "UTF-16 text"));
    text
}

fn narrow(bytes: Vec<u8>, notes: &mut Vec<Note>) -> String {
    let mut text = String::from_utf8(bytes).unwrap_or_else(|error| {
        let note = "not UTF-8: read as Latin-1";
        notes.push(file_note(NoteKind::Encoding, note));
        error.as_bytes().iter().map(|byte| char::from(*byte)).collect()
    });
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    text
}

/// The sign that divides most of the first lines into cells.
fn sniff(text: &str) -> u8 {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut counts = [(b'\t', 0), (b';', 0), (b'|', 0), (b',', 0)];
    for line in lines.take(50) {
        for (delimiter, lines) in &mut counts {
            let mut quoted = false;
            let signs = line.bytes().filter(|byte| {
                quoted ^= *byte == b'"';
                byte == delimiter && !quoted
            });
            *lines += usize::from(signs.take(MIN_CELLS - 1).count() == MIN_CELLS - 1);
        }
    }
    // The last of equal maxima would be taken: a comma may also be the decimal sign.
    let best = counts.iter().rev().max_by_key(|(_, lines)| *lines);
    best.map_or(b',', |(delimiter, lines)| if *lines == 0 { b',' } else { *delimiter })
}
