//! Runs of the built command and candles for them.
use std::path::Path;
use std::process::{Command, Stdio};

/// 2024-01-01 00:00 UTC.
pub(crate) const START: usize = 1_704_067_200_000;

/// Exit code and output of a run.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Returns standard output after checking that the run succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Returns standard error after checking that the run failed with `error: …`.
    pub(crate) fn error(self) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "{}\n{}", self.stdout, self.stderr);
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        self.stderr
    }
}

/// Creates the command with its arguments, not yet started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn windvane(arguments: &[&str]) -> Ended {
    let output = command(arguments).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Daily candles with wave-shaped closes as CSV.
pub(crate) fn candles(count: usize, phase: f64) -> String {
    let rows = (0..count).map(|day| {
        let close = 100.0 + (day as f64 * 0.7 + phase).sin() + (day as f64 * 0.13).cos();
        let (time, high, low) = (START + day * 86_400_000, close + 1.0, close - 1.0);
        format!("{time},{close},{high},{low},{close},{}\n", 5 + day % 7)
    });
    ["open_time,open,high,low,close,volume\n".to_string()].into_iter().chain(rows).collect()
}

/// Path of a file of the embedded sample.
pub(crate) fn sample_file(name: &str) -> String {
    format!("{}/../candles/sample/{name}.csv", env!("CARGO_MANIFEST_DIR"))
}
