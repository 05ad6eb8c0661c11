//! Checks of the pages of a Parquet file before they are decoded.
//!
//! The decoder allocates the memory that a page header claims, unpacks gzip to its end, and counts
//! up to the claimed length of a list of booleans. So the footer and all page headers, which are
//! structs of Thrift's compact protocol, are checked here first. Source: `PageHeader` in the
//! Parquet format's `parquet.thrift`.

use std::io::{Read, copy, sink};

use arrow_schema::ArrowError;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// Maximum depth of nested structs.
const DEEPEST: u32 = 16;

/// Rejects a file whose footer is not a struct or contains lists of booleans. Parquet has none
/// there, and the decoder, which consumes no byte per element, would count to 2,147,483,647.
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), ArrowError> {
    skip_footer(bytes).ok_or_else(|| wrong("a footer that is damaged"))
}

fn skip_footer(bytes: &[u8]) -> Option<()> {
    let (rest, _magic) = bytes.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Compact { bytes: rest.get(rest.len().checked_sub(length)?..)? }.skip(STRUCT, DEEPEST)
}

/// Returns the error of a damaged file.
pub(crate) fn wrong(text: impl Into<String>) -> ArrowError {
    ArrowError::ParseError(text.into())
}

/// Returns a part of a file; `None` if it is outside the file.
pub(crate) fn part(bytes: &[u8], start: i64, length: i64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// Rejects a file whose compressed pages claim or contain more than `most` bytes in total.
pub(crate) fn check(file: &ParquetMetaData, bytes: &[u8], most: u64) -> Result<(), ArrowError> {
    let mut unpacked = 0_u64;
    for column in file.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let mut rest = part(bytes, start, column.compressed_size()).ok_or_else(outside)?;
        while !rest.is_empty() {
            let (header, after) =
                PageHeader::read(rest).ok_or_else(|| wrong("a page header that is damaged"))?;
            let (page, after) = after.split_at_checked(header.packed).ok_or_else(outside)?;
            rest = after;
            unpacked = unpacked.saturating_add(header.unpacked);
            if unpacked > most {
                return Err(wrong(format!("more than {most} bytes when unpacked")));
            }
            if matches!(column.compression(), Compression::GZIP(_)) && !header.fits_gzip(page) {
                return Err(wrong("a page that is longer than its header says"));
            }
        }
    }
    Ok(())
}

fn outside() -> ArrowError {
    wrong("a column outside the file")
}

/// Sizes in a page header, in bytes.
#[derive(Debug, Default, PartialEq)]
struct PageHeader {
    unpacked: u64,
    packed: usize,
    /// Length of the levels at the start of the page, which are never compressed.
    levels: usize,
    /// Whether the page is not compressed, regardless of the column's compression.
    plain: bool,
}

impl PageHeader {
    /// Parses the header at the start of the bytes; returns it with the bytes after it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut header = Self::default();
        let mut input = Compact { bytes };
        let mut id = 0_i16;
        loop {
            let kind = input.field(&mut id)?;
            match id {
                _ if kind == STOP => return Some((header, input.bytes)),
                2 => header.unpacked = u64::try_from(input.int()?).ok()?,
                3 => header.packed = usize::try_from(input.int()?).ok()?,
                1 | 4 => _ = input.int()?,
                8 => header.read_version_2(&mut input)?,
                _ => input.skip(kind, DEEPEST)?,
            }
        }
    }

    fn read_version_2(&mut self, input: &mut Compact<'_>) -> Option<()> {
        let mut id = 0_i16;
        loop {
            let kind = input.field(&mut id)?;
            match id {
                _ if kind == STOP => return Some(()),
                5 | 6 => self.levels = self.levels.checked_add(input.int()?.try_into().ok()?)?,
                7 => self.plain = kind == FALSE,
                _ => input.skip(kind, DEEPEST)?,
            }
        }
    }

    /// Returns whether a gzip page unpacks to at most the claimed length.
    fn fits_gzip(&self, page: &[u8]) -> bool {
        let Some(packed) = page.get(self.levels..) else { return false };
        let most = self.unpacked.saturating_sub(self.levels as u64);
        let mut unpacked = flate2::read::MultiGzDecoder::new(packed).take(most + 1);
        // The decoder does not read an empty page.
        self.plain
            || most == 0
            || copy(&mut unpacked, &mut sink()).is_ok_and(|length| length <= most)
    }
}

/// End of a struct; the constants below are the distinguished types of fields.
const STOP: u8 = 0;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Reader of Thrift's compact protocol; its methods return `None` at the end of the bytes or for
/// invalid bytes.
struct Compact<'a> {
    bytes: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// Reads an unsigned number in groups of seven bits, lowest group first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Reads a signed number in zigzag encoding: the lowest bit is its sign.
    fn int(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    /// Returns the type of the next field of a struct and stores its number in `id`; `STOP` at the
    /// end of the struct.
    fn field(&mut self, id: &mut i16) -> Option<u8> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0xf);
        if kind == STOP {
            return Some(STOP);
        }
        *id = match step {
            0 => i16::try_from(self.int()?).ok()?,
            step => id.checked_add(step.into())?,
        };
        Some(kind)
    }

    fn skip(&mut self, kind: u8, deepest: u32) -> Option<()> {
        let deeper = deepest.checked_sub(1)?;
        match kind {
            // The value of a boolean is in its type.
            1 | FALSE => {}
            BYTE => _ = self.byte()?,
            DOUBLE => self.bytes = self.bytes.get(8..)?,
            BINARY => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.bytes = self.bytes.get(length..)?;
            }
            LIST | SET => {
                let byte = self.byte()?;
                let length = if byte >> 4 == 15 { self.unsigned()? } else { (byte >> 4).into() };
                for _ in 0..length {
                    match byte & 0xf {
                        1 | FALSE => return None,
                        kind => self.skip(kind, deeper)?,
                    }
                }
            }
            STRUCT => {
                let mut id = 0_i16;
                loop {
                    match self.field(&mut id)? {
                        STOP => break,
                        kind => self.skip(kind, deeper)?,
                    }
                }
            }
            4..=6 => _ = self.unsigned()?,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::PageHeader;

    #[test]
    fn sizes_of_both_versions_are_found() {
        // Type 0, 300 bytes of 20; a data page header with a statistic of bytes.
        let first = [0x15, 0, 0x15, 0xd8, 0x04, 0x15, 40];
        let old = [0x2c, 0x15, 16, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x18, 2, 7, 7, 0, 0, 0];
        let header = PageHeader { unpacked: 300, packed: 20, levels: 0, plain: false };
        let bytes = [&first[..], &old, b"page"].concat();
        assert_eq!(PageHeader::read(&bytes), Some((header, &b"page"[..])));
        // Levels of 3 and 2 bytes, and `is_compressed` false.
        let new = [0x5c, 0x15, 16, 0x15, 0, 0x15, 16, 0x15, 0, 0x15, 6, 0x15, 4, 0x12, 0, 0];
        let header = PageHeader { unpacked: 300, packed: 20, levels: 5, plain: true };
        let bytes = [&first[..], &new].concat();
        assert_eq!(PageHeader::read(&bytes), Some((header, &[][..])));
        for cut in 0..bytes.len() {
            assert_eq!(PageHeader::read(&bytes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn headers_without_sense_are_refused() {
        // A negative size, a number without end, structs without end, an unknown type.
        let deep = [&[0x5c][..], &[0x1c; 100]].concat();
        for wrong in [&[0x25, 1, 0][..], &[0x25; 20], &[0x15, 0xff, 0xff], &deep, &[0x5e, 0]] {
            assert_eq!(PageHeader::read(wrong), None, "{wrong:?}");
        }
    }
}
