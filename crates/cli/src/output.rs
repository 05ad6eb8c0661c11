//! Standard output and standard error, which may be closed pipes, and places to write files to.
use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Prints text and a line break on standard output.
///
/// A closed pipe (`windvane … | head`) ends the printing, not the command. Control characters, which
/// names of files may hold, are shown escaped.
pub(crate) fn print(text: impl Display) -> io::Result<()> {
    unless_closed(writeln!(io::stdout().lock(), "{}", escaped(&text.to_string())))
}

/// Writes data to standard output as it is.
pub(crate) fn print_data(data: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(data).and_then(|()| out.flush()))
}

/// Prints a line of progress or a note on standard error. A closed one loses it.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", escaped(&text.to_string()));
}

fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a count with thousands separators: `1,234`.
pub(crate) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Confirms that files can be written to a folder, creating it where it is missing.
///
/// # Errors
/// The failure of the system, with the folder.
pub(crate) fn check_folder(folder: &Path) -> Result<(), String> {
    let probe = folder.join(format!(".windvane.{}.tmp", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| File::create(&probe))
        .and_then(|_| std::fs::remove_file(&probe));
    written.map_err(|error| {
        format!("{}: nothing can be written to this folder: {error}", folder.display())
    })
}

/// Confirms that a file can be written before the work that it is to hold is done.
///
/// # Errors
/// A missing or read-only folder, or a path that is a folder itself.
pub(crate) fn check_file(file: &Path) -> Result<(), String> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(format!(
            "{}: the folder {} does not exist; create it or choose another --out",
            file.display(),
            folder.display()
        ));
    }
    if file.is_dir() || file.file_name().is_none() {
        return Err(format!("{}: is a folder; give the name of a file", file.display()));
    }
    check_folder(folder)
}

/// Error of a file that could not be written.
pub(crate) fn file_error(file: &Path, error: impl Display) -> String {
    format!("{}: {error}", file.display())
}

/// Table without borders, the given columns flush right.
pub(crate) fn table<H: ToString, R: Into<comfy_table::Row>>(
    header: impl IntoIterator<Item = H>,
    rows: impl IntoIterator<Item = R>,
    right: &[usize],
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.into_iter().map(|title| title.to_string()).collect::<Vec<_>>());
    table.add_rows(rows);
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
