//! Log of trials: a file that every run appends its results to.
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::BacktestError;
use crate::report::Report;
use crate::score::{Trial, TrialRun};

/// Append-only log of trials as JSON lines, one [`Trial`] per model and interval of a run.
///
/// A run counts the trials of the log as [`EarlierTrials`](crate::EarlierTrials) and appends its
/// own afterwards. A repetition of an experiment with the same results counts once.
///
/// # Examples
/// ```
/// use windvane_backtest::{Backtest, EarlierTrials, Instrument, TrialLog};
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{train::Learner, v2::WeightedSignalsLearner};
///
/// # let folder = std::env::temp_dir().join(format!("windvane-log-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let file = folder.join("trials.jsonl");
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 900, 7)?;
/// let instruments = [Instrument { series, test_only: false }];
/// let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
/// for (seed, earlier) in [(1, 0), (2, 1)] {
///     let log = TrialLog::open(&file)?;
///     let earlier_trials = EarlierTrials { unknown: 0, logged: log.trials().to_vec() };
///     let backtest = Backtest { seed, earlier_trials, ..Backtest::default() };
///     let report = backtest.run(&instruments, &learners, &|_| {})?;
///     assert_eq!(report.earlier.models, earlier);
///     log.append(&report)?;
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TrialLog {
    path: PathBuf,
    trials: Vec<Trial>,
}

impl TrialLog {
    /// Reads a log; a missing file is an empty log.
    ///
    /// # Errors
    /// [`BacktestError::Io`], and [`BacktestError::TrialLog`] for a line that is no trial.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BacktestError> {
        let path = path.as_ref().to_path_buf();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(BacktestError::Io { path, source }),
        };
        let mut trials = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let trial = serde_json::from_str(line).map_err(|error| BacktestError::TrialLog {
                path: path.clone(),
                line: index + 1,
                problem: error.to_string(),
            });
            trials.push(trial?);
        }
        Ok(Self { path, trials })
    }

    /// Returns the trials in the order of the file.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Appends the trials of a run to the file, which is created if it is missing.
    ///
    /// # Errors
    /// [`BacktestError::Io`].
    pub fn append(&self, report: &Report) -> Result<(), BacktestError> {
        let run = TrialRun::of(report);
        let mut text = String::new();
        for trial in report.results.iter().filter_map(|row| Trial::of(row, &run)) {
            let line = serde_json::to_string(&trial);
            text += &line.map_err(|error| self.failed(error.into()))?;
            text.push('\n');
        }
        append(&self.path, &text).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: std::io::Error) -> BacktestError {
        BacktestError::Io { path: self.path.clone(), source }
    }
}

/// Appends lines in one write, after a line break if the last line has none.
fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let start = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{start}{lines}").as_bytes())?;
    file.sync_all()
}

impl TrialRun {
    fn of(report: &Report) -> Self {
        Self {
            at: report.timing.started_at,
            label: report.run.labels.to_string(),
            channels: report.run.channels.clone(),
            seed: report.run.seed,
            data_hash: report.run.data_hash.clone(),
        }
    }
}
