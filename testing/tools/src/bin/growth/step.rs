//! Steps: signals, fit, prediction and backtest, each in a process of its own.
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::ValueEnum;
use windvane::prelude::*;
use windvane::readers::{PartitionedFolder, ReadOptions};

use super::Error;

/// Step whose time and memory are measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Step {
    /// Reads the candles and computes the six signals, pair by pair.
    Signals,
    /// Fits v3.2 for one epoch on all pairs.
    Fit,
    /// Predicts all candles with the model of the fit.
    Predict,
    /// Backtests v2 in one fold.
    Backtest,
}

/// Time and memory of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) step: Step,
    pub(crate) pairs: usize,
    /// Candles of all pairs.
    pub(crate) candles: usize,
    pub(crate) seconds: f64,
    /// Peak of the resident memory, bytes.
    pub(crate) peak: u64,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signals => "signals",
            Self::Fit => "fit",
            Self::Predict => "predict",
            Self::Backtest => "backtest",
        })
    }
}

impl Step {
    /// Runs the step in a child process and returns its time and its peak memory.
    pub(crate) fn measure(
        self,
        data: &Path,
        folder: &Path,
        memory: Option<&str>,
    ) -> Result<Measured, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("step").arg(self.to_string()).args([data, folder]);
        if let Some(memory) = memory {
            command.args(["--memory", memory]);
        }
        let started = Instant::now();
        let output = command.stderr(Stdio::inherit()).output()?;
        let seconds = started.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(format!("the step {self} failed: {}", output.status).into());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let peak = text.lines().find_map(|line| line.strip_prefix("peak ")?.parse().ok());
        let peak = peak.ok_or("the system does not report VmHWM in /proc/self/status")?;
        Ok(Measured { step: self, pairs: 0, candles: 0, seconds, peak })
    }

    /// Runs the step in this process and prints its peak memory.
    #[expect(clippy::print_stdout, reason = "read by the parent process")]
    pub(crate) fn run(self, data: &Path, folder: &Path, memory: Option<&str>) -> Result<(), Error> {
        let (model, report) = (folder.join("model.safetensors"), folder.join("report"));
        let [data_text, model, report] =
            [data, &model, &report].map(|path| path.display().to_string());
        let data_option = ["--data", &data_text];
        match self {
            Self::Signals => signals(data)?,
            Self::Fit => {
                let mut arguments = vec!["fit", "--model", "v32", "--epochs", "1", "--out", &model];
                arguments.extend(["--average-seeds", "1"]);
                arguments.extend(memory.iter().flat_map(|memory| ["--memory", memory]));
                command(&arguments, data_option)?;
            }
            Self::Predict => {
                command(&["predict", "--model", &model, "--out", "/dev/null"], data_option)?;
            }
            Self::Backtest => {
                let arguments = ["backtest", "--models", "v2", "--folds", "1", "--out", &report];
                command(&arguments, data_option)?;
            }
        }
        println!("peak {}", peak().unwrap_or_default());
        Ok(())
    }
}

/// Runs a command of `windvane`.
fn command(arguments: &[&str], data: [&str; 2]) -> Result<(), Error> {
    let all = ["windvane"].into_iter().chain(arguments.iter().copied()).chain(data);
    let code = windvane_cli::run(all);
    if code == ExitCode::SUCCESS { Ok(()) } else { Err("the command failed".into()) }
}

/// Computes the signals of every pair of a folder, one pair after the other.
fn signals(data: &Path) -> Result<(), Error> {
    let options = ReadOptions::new(Pair::new("FILE")?);
    let folder = PartitionedFolder::open(data, &options)?.ok_or("no partitioned folder")?;
    for pair in folder.into_pairs() {
        let series = pair.read(&ReadOptions::new(pair.pair().clone()))?.series;
        SignalTable::build(&SignalSpec::six(), &Registry::default(), &series, &[])?;
    }
    Ok(())
}

/// Peak of the resident memory of this process in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
