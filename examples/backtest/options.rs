//! What the command line says.
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use windvane::backtest::Plan;
use windvane::prelude::*;
use windvane::signals::{Combinatorial, WalkForward};

use super::calendar::months_before;

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
    /// File of candles, or folder of such files, as exchanges and tools write them: CSV, JSON, also
    /// packed. Each is an instrument, named after its file; of several whose names differ by a date alone
    /// (archives by month) the candles are put together.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Instruments that are only tested: no model learns from them.
    #[arg(long, value_name = "PATH")]
    pub(crate) test_data: Option<PathBuf>,
    /// Interval of the candles, such as 1h or 1d: others are left out. Without it each file has its own.
    #[arg(long)]
    pub(crate) interval: Option<Interval>,
    /// Models to test, such as v2,v31; without it v2,v32.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    models: Vec<Model>,
    /// Train before this date, test from then on; the last six months before it serve for
    /// choosing.
    #[arg(long, value_name = "DATE", conflicts_with = "folds")]
    test_from: Option<Timestamp>,
    /// How time is cut without --test-from: folds that walk forward, or every choice of some groups
    /// of time to test on, with models that learn on both sides of them [default: walk]
    #[arg(long, value_enum, conflicts_with = "test_from")]
    plan: Option<Kind>,
    /// Number of folds that walk forward through calendar time [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    folds: Option<u16>,
    /// Walking forward, learn from the last N candles' time before each test only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(conflicts_with = "test_from")]
    window: Option<u32>,
    /// Number of groups that time is cut into with --plan combinatorial [default: 6]
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    /// How many of the groups are tested on at once [default: 2]
    #[arg(long, value_name = "N")]
    test_groups: Option<usize>,
    /// Go on where an interrupted run of the same command stopped. Until it has written its
    /// report a run keeps what is finished in the folder tasks of --out.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Costs of trading to reckon with, basis points per unit of turnover: fee and slippage.
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = "2,5,10")]
    pub(crate) costs: Vec<f64>,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Fit each model with N seeds, --seed and those after it, and report the spread.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) seeds: u16,
    /// A short run: the last 1,500 candles of each instrument, two folds, three epochs.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Folder for report.html, report.md and report.json.
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
    /// Logistic regression on whole windows: it stands beside every model as a baseline, and is
    /// ranked as one when named here.
    Logistic,
    /// Gradient-boosted trees on whole windows: a baseline of all models when named here.
    Boosted,
    /// Bidirectional LSTM; about six times the training of v32.
    V3,
    /// Bidirectional LSTM with attention; about seven times the training of v32.
    V31,
    /// Fast LSTM, the production model.
    V32,
    /// The same with a state that is carried over all candles.
    V32Stateful,
    /// The original system's ensemble: v2 and v31, half each.
    Original,
    /// v2-learned, v3, v31 and v32, weighted by log loss on validation candles.
    Tuned,
}

/// How time is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Each fold learns from the time before its test.
    Walk,
    /// Every choice of some groups is tested once.
    Combinatorial,
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
            return Plan::Holdout {
                validate_from: months_before(test_from, 6),
                test_from,
                embargo: 1,
            };
        }
        if self.plan == Some(Kind::Combinatorial) {
            let default = Combinatorial::default();
            let groups = self.groups.unwrap_or(default.groups);
            let test_groups = self.test_groups.unwrap_or(default.test_groups);
            return Plan::Combinatorial(Combinatorial { groups, test_groups, ..default });
        }
        let default = if self.quick { QUICK_FOLDS } else { FOLDS };
        let folds = self.folds.map_or(default, usize::from);
        Plan::WalkForward(WalkForward { folds, window: self.window, ..WalkForward::default() })
    }

    /// Refuses options of one plan beside another.
    pub(crate) fn check(&self) -> Result<(), String> {
        let combinatorial = self.plan == Some(Kind::Combinatorial);
        let walks = self.folds.is_some() || self.window.is_some();
        let groups = self.groups.is_some() || self.test_groups.is_some();
        if combinatorial && walks {
            return Err("--folds and --window are of --plan walk".to_string());
        }
        if groups && !combinatorial {
            return Err("--groups and --test-groups are of --plan combinatorial".to_string());
        }
        Ok(())
    }

    /// Where what is finished is kept until the report is written.
    pub(crate) fn tasks(&self) -> PathBuf {
        self.out.join("tasks")
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
            (None, Plan::WalkForward(plan)) => {
                add("folds", plan.folds.to_string());
                if let Some(window) = plan.window {
                    add("window", window.to_string());
                }
            }
            (None, Plan::Combinatorial(plan)) => {
                add("plan", "combinatorial".to_string());
                add("groups", plan.groups.to_string());
                add("test-groups", plan.test_groups.to_string());
            }
            (None, _) => {}
        }
        let costs: Vec<String> = self.costs.iter().map(ToString::to_string).collect();
        add("costs", costs.join(","));
        add("seed", self.seed.to_string());
        if self.seeds > 1 {
            add("seeds", self.seeds.to_string());
        }
        if self.quick {
            command.push_str(" --quick");
        }
        command
    }
}
