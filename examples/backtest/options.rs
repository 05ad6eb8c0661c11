//! What the command line says.
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use jiff::ToSpan;
use windvane::backtest::Plan;
use windvane::prelude::*;
use windvane::signals::WalkForward;

/// `--quick` keeps this many of each instrument's last candles …
pub(crate) const QUICK_CANDLES: usize = 1_500;
/// … and trains for at most this many epochs …
pub(crate) const QUICK_EPOCHS: usize = 3;
/// … over this many folds.
const QUICK_FOLDS: usize = 2;

const FOLDS: usize = 4;

/// What a run tests unless told otherwise: two minutes must do.
const DEFAULT_MODELS: [Model; 2] = [Model::V2, Model::V32];

/// Backtest the models on real candles and write an honest report.
///
/// Without --data it reads the embedded sample: BTCUSDT and EURUSD hourly, AAPL, IBM, MSFT, GOOG,
/// FB, NVDA, SP500 and NASDAQ daily. The default run uses all of its rows, the
/// models v2 and v32, and four folds that walk forward through calendar time.
#[derive(Debug, Parser)]
#[command(name = "backtest")]
pub(crate) struct Options {
    /// Folder whose CSV files are the instruments, each named after its file.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of instruments that are only tested: no model learns from them.
    #[arg(long, value_name = "DIR")]
    pub(crate) test_data: Option<PathBuf>,
    /// Interval of the candles, such as 1h or 1d; without it each file's own is recognised.
    #[arg(long)]
    pub(crate) interval: Option<Interval>,
    /// Models to test, such as v2,v31; without it v2,v32.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    models: Vec<Model>,
    /// Train before this date, test from then on; the last six months before it serve for
    /// choosing.
    #[arg(long, value_name = "DATE", conflicts_with = "folds")]
    test_from: Option<Timestamp>,
    /// Number of folds that walk forward through calendar time [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    folds: Option<u16>,
    /// Costs of trading to reckon with, basis points per unit of turnover: fee and slippage.
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = "2,5,10")]
    pub(crate) costs: Vec<f64>,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// A short run: the last 1,500 candles of each instrument, two folds, three epochs.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Folder for report.md and report.json.
    #[arg(long, value_name = "DIR", default_value = "target/backtest")]
    pub(crate) out: PathBuf,
}

/// A model by the label of its feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Model {
    /// Weighted signals, the baseline: weights set by hand.
    V2,
    /// The same with weights of maximum likelihood.
    V2Learned,
    /// Bidirectional LSTM; about six times the training of v32.
    V3,
    /// Bidirectional LSTM with attention; about seven times the training of v32.
    V31,
    /// Fast LSTM, the production model.
    V32,
    /// The original system's ensemble: v2 and v31, half each.
    Original,
    /// v2, v3, v31 and v32, weighted by log loss on validation candles.
    Tuned,
}

impl Options {
    /// The models asked for, each once.
    pub(crate) fn models(&self) -> Vec<Model> {
        let mut models = self.models.clone();
        if models.is_empty() {
            models = DEFAULT_MODELS.to_vec();
        }
        models.sort_unstable();
        models.dedup();
        models
    }

    /// How time is cut.
    pub(crate) fn plan(&self) -> Plan {
        if let Some(test_from) = self.test_from {
            return Plan::Once {
                validate_from: six_months_before(test_from),
                test_from,
                embargo: 1,
            };
        }
        let default = if self.quick { QUICK_FOLDS } else { FOLDS };
        let folds = self.folds.map_or(default, usize::from);
        Plan::WalkForward(WalkForward { folds, ..WalkForward::default() })
    }

    /// Where the start of validation comes from, when a date of the test was given.
    pub(crate) fn validation(&self) -> Option<String> {
        let date = self.test_from?;
        Some(format!("validation takes the six months before --test-from {date}"))
    }

    /// The command that makes this report again.
    pub(crate) fn command(&self) -> String {
        let mut command = "cargo run --release --example backtest --".to_string();
        let mut add = |option: &str, value: String| {
            command += &[" --", option, " ", &value].concat();
        };
        for (option, folder) in [("data", &self.data), ("test-data", &self.test_data)] {
            if let Some(folder) = folder {
                add(option, format!("{:?}", folder.display().to_string()));
            }
        }
        if let Some(interval) = self.interval {
            add("interval", interval.to_string());
        }
        let models = self.models();
        let names = models.iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|name| name.get_name().to_string()).collect();
        add("models", names.join(","));
        match (self.test_from, self.plan()) {
            (Some(test_from), _) => add("test-from", test_from.to_string()),
            (None, Plan::WalkForward(plan)) => add("folds", plan.folds.to_string()),
            (None, Plan::Once { .. }) => {}
        }
        let costs: Vec<String> = self.costs.iter().map(ToString::to_string).collect();
        add("costs", costs.join(","));
        add("seed", self.seed.to_string());
        if self.quick {
            command.push_str(" --quick");
        }
        command
    }
}

/// Six calendar months earlier; where the calendar ends, the date itself.
fn six_months_before(date: Timestamp) -> Timestamp {
    let utc = jiff::tz::Offset::UTC;
    let earlier = jiff::Timestamp::from_millisecond(date.millis())
        .and_then(|date| utc.to_datetime(date).checked_sub(6.months()))
        .and_then(|earlier| utc.to_timestamp(earlier));
    earlier.map_or(date, |earlier| Timestamp::from_millis(earlier.as_millisecond()))
}
