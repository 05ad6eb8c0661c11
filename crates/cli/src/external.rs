//! Commands of other programs: `windvane NAME` runs `windvane-NAME`.
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use crate::Error;

/// Commands that programs of the repository add.
const KNOWN: [&str; 2] = ["download", "live"];

/// Runs the program of a command with its arguments and returns its exit code.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, Error> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err("no command; see windvane --help".into());
    };
    let mut program = OsString::from("windvane-");
    program.push(name);
    let shown = name.display();
    match Command::new(&program).args(rest).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
        }
        Err(error)
            if error.kind() == ErrorKind::NotFound
                && name.to_str().is_some_and(|name| KNOWN.contains(&name)) =>
        {
            Err(format!(
                "{shown} is a program of its own, windvane-{shown}: install it from the folder \
                 integrations/exchange"
            )
            .into())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("no command is named {shown}; see windvane --help").into())
        }
        Err(error) => Err(format!("{}: {error}", program.display()).into()),
    }
}
