//! Standard output and standard error, also as closed pipes, and checks of output files.
use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Prints text and a line break to standard output.
///
/// A closed pipe (`windvane … | head`) is not an error. Control characters, for example from file
/// names, are escaped.
pub(crate) fn print(text: impl Display) -> io::Result<()> {
    unless_closed(writeln!(io::stdout().lock(), "{}", escaped(&text.to_string())))
}

/// Writes data to standard output without changes.
pub(crate) fn print_data(data: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(data).and_then(|()| out.flush()))
}

/// Prints a line of progress or a note to standard error; write errors are ignored.
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

/// Checks that files can be written to a folder, and creates it if it is missing.
///
/// # Errors
/// The error of the operating system, with the folder.
pub(crate) fn check_folder(folder: &Path) -> Result<(), String> {
    let probe = folder.join(format!(".windvane.{}.tmp", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| File::create(&probe))
        .and_then(|_| std::fs::remove_file(&probe));
    written.map_err(|error| {
        format!("{}: cannot write to this folder: {error}; choose another one", folder.display())
    })
}

/// Checks that a file can be written, before the computation of its content.
///
/// # Errors
/// A missing or read-only folder, or a path of a folder.
pub(crate) fn check_file(file: &Path) -> Result<(), String> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(format!(
            "{}: the folder {} does not exist; create it or choose another file",
            file.display(),
            folder.display()
        ));
    }
    if file.is_dir() || file.file_name().is_none() {
        return Err(format!("{}: is a folder; pass the path of a file", file.display()));
    }
    // A device or a named pipe is written to, not replaced.
    if file.exists() && !file.is_file() {
        return Ok(());
    }
    check_folder(folder)
}

/// Message for a file that could not be written.
pub(crate) fn file_error(file: &Path, error: impl Display) -> String {
    format!("{}: {error}", file.display())
}

/// Creates a table without borders; the columns `right` are right-aligned.
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
