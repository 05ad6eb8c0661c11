//! Encodings of text files.

use std::fmt;
use std::str::FromStr;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::error::ReadError;
use super::note::{Note, NoteKind, file_note};
use super::options::OptionError;
use super::unpack::MAX_BYTES;

/// Stand-ins for the bytes 0x80 to 0xFF of a text whose encoding is not known: one character of the
/// private use area per byte, so that different bytes stay different.
const STAND_INS: std::ops::RangeInclusive<char> = '\u{f780}'..='\u{f7ff}';

/// Encoding of a text file, by its name in the WHATWG Encoding Standard.
///
/// # Examples
/// ```
/// use windvane_candles::Pair;
/// use windvane_readers::{ReadOptions, TextEncoding};
///
/// let gbk: TextEncoding = "gbk".parse()?;
/// assert_eq!(gbk.to_string(), "GBK");
/// assert!("code page 7".parse::<TextEncoding>().is_err());
/// // The header is 日期,开盘,最高,最低,收盘,成交量.
/// let header = b"\xc8\xd5\xc6\xda,\xbf\xaa\xc5\xcc,\xd7\xee\xb8\xdf,\xd7\xee\xb5\xcd,\xca\xd5\xc5\xcc,\xb3\xc9\xbd\xbb\xc1\xbf\n";
/// let rows = b"2024-01-31,10,12,9.5,11,340\n2024-02-01,11,13,11,12.5,280\n";
/// let options = ReadOptions::new(Pair::new("600000")?).encoding(gbk);
/// let read = options.read_bytes([&header[..], rows].concat(), "days.csv")?;
/// assert_eq!(read.series.candles()[1].close(), 12.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TextEncoding(&'static Encoding);

impl FromStr for TextEncoding {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        const FORM: &str = "an encoding such as gbk, windows-1252, shift_jis or utf-16le";
        let found = Encoding::for_label_no_replacement(text.as_bytes());
        found.map(Self).ok_or_else(|| OptionError::new(text, FORM))
    }
}

/// Name of the encoding.
impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Text of a file in UTF-8, without its byte order mark.
#[derive(Debug)]
pub(crate) struct DecodedText {
    pub(crate) text: String,
    /// Whether the encoding is open: bytes above 127 are characters of [`STAND_INS`].
    pub(crate) is_open: bool,
}

/// Decodes the bytes of a file: in the given encoding, or else in the one that its first bytes show,
/// or else as UTF-8.
pub(crate) fn decode(
    bytes: Vec<u8>,
    given: Option<TextEncoding>,
    file: &str,
    notes: &mut Vec<Note>,
) -> Result<DecodedText, ReadError> {
    let found = given.map_or_else(|| wide(&bytes), |given| Some(given.0));
    let decoded = match found.filter(|encoding| *encoding != UTF_8) {
        None => narrow(bytes),
        Some(encoding) => {
            let (text, has_errors) = encoding.decode_with_bom_removal(&bytes);
            if has_errors {
                return Err(wrong_encoding(file, encoding));
            }
            notes.push(file_note(NoteKind::Encoding, format!("{} text", encoding.name())));
            DecodedText { text: text.into_owned(), is_open: false }
        }
    };
    if decoded.is_open && given.is_some() {
        return Err(wrong_encoding(file, UTF_8));
    }
    if decoded.text.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { file: file.to_owned(), most: MAX_BYTES, packed: false });
    }
    Ok(decoded)
}

/// UTF-16 with a byte order mark, or without one if every other byte at the beginning is 0.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| {
        let start = &bytes[..bytes.len().min(64)];
        start.len() >= 8 && start.iter().skip(first).step_by(2).all(|byte| *byte == 0)
    };
    match bytes {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ if zeros(1) => Some(UTF_16LE),
        _ if zeros(0) => Some(UTF_16BE),
        _ => None,
    }
}

fn narrow(bytes: Vec<u8>) -> DecodedText {
    let (mut text, is_open) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (error.as_bytes().iter().map(|byte| stand_in(*byte)).collect(), true),
    };
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    DecodedText { text, is_open }
}

fn stand_in(byte: u8) -> char {
    if byte.is_ascii() {
        return char::from(byte);
    }
    char::from_u32(0xf700 + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether a text has bytes of an open encoding.
pub(crate) fn has_stand_ins(text: &str) -> bool {
    text.chars().any(|c| STAND_INS.contains(&c))
}

fn wrong_encoding(file: &str, encoding: &'static Encoding) -> ReadError {
    let name = encoding.name();
    let reason = format!(
        "not {name} text: write its own encoding with --encoding (ReadOptions::encoding), or save \
         the file as UTF-8"
    );
    ReadError::ambiguous(file, reason)
}

/// The error for a file that cannot be read without its encoding.
pub(crate) fn open_encoding(file: &str, text: &str) -> ReadError {
    let line = text.lines().position(has_stand_ins).map_or(1, |index| index + 1);
    let reason = format!(
        "not UTF-8 (line {line}), and the encoding cannot be inferred: write --encoding gbk, \
         windows-1252, shift_jis or another one (ReadOptions::encoding), or save the file as UTF-8"
    );
    ReadError::ambiguous(file, reason)
}
