//! Options of `windvane backtest`.
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use windvane::backtest::Plan;
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::models::PolicyConfig;
use windvane::prelude::*;
use windvane::signals::{Combinatorial, RefitSchedule, RollingRefit, WalkForward};

use crate::calendar::months_before;
use crate::inputs::{InputArgs, Inputs};
use crate::memory::MemoryBudget;
use crate::models;
use crate::reading::ReadArgs;

/// Number of candles per instrument with `--quick`, the last ones.
pub(super) const QUICK_CANDLES: usize = 1_500;
/// Maximum number of epochs with `--quick`.
const QUICK_EPOCHS: usize = 3;
/// Number of folds with `--quick`.
const QUICK_FOLDS: usize = 2;

/// Default number of folds.
const FOLDS: usize = 4;

/// Models of a run without --models, which are fitted in seconds.
const DEFAULT_MODELS: [&str; 2] = ["v2", "v32"];

/// Backtest models on real candles and write a report
///
/// Without --data it reads the embedded sample: BTCUSDT and EURUSD hourly, AAPL, IBM, MSFT, GOOG,
/// FB, NVDA, SP500 and NASDAQ daily. The default run uses the whole sample, the models v2 (weighted
/// signals) and v32 (v3.2, LSTM, 32 units), and four walk-forward folds.
#[derive(Debug, Args)]
pub(crate) struct BacktestOptions {
    /// File of candles, or folder of such files: CSV or JSON, also in zip or gzip. Each file is an
    /// instrument with the name of the file. Files whose names differ only in a date, such as
    /// monthly archives, are joined. In a Hive-partitioned folder (pair=BTCUSDT/year=2024/..) each
    /// pair is an instrument.
    #[arg(long, value_name = "PATH")]
    pub(super) data: Option<PathBuf>,
    /// Instruments for the test only; no model is trained on them.
    #[arg(long, value_name = "PATH")]
    pub(super) test_data: Option<PathBuf>,
    /// Interval of the candles, such as 1h, 1d, 1h+30m or 4h@session; files with another one are skipped. Without it
    /// every file may have its own interval.
    #[arg(long)]
    pub(super) interval: Option<Interval>,
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    #[command(flatten)]
    pub(super) reading: ReadArgs,
    /// Models to test, such as v2,v31 [default: v2,v32; v32 with other inputs than the six]
    #[arg(long, value_parser = models::parser(), value_delimiter = ',', value_name = "LIST")]
    models: Vec<ModelEntry>,
    /// Label to predict: next, horizon:H (H candles ahead), band:K (NEUTRAL within K volatilities),
    /// barrier:A,H (first of ±A volatilities and H candles), relative:H (above the median of the
    /// instruments), cost:BP (beyond BP basis points) [default: next]
    #[arg(long, value_name = "LABEL")]
    pub(super) label: Option<LabelSpec>,
    /// Start of the test period. Training uses the candles before it, of which the last six months
    /// are for validation (early stopping, calibration); with --refit the last 15 %.
    #[arg(long, value_name = "DATE", conflicts_with = "folds")]
    test_from: Option<Timestamp>,
    /// Refit the models during the test: monthly, quarterly (on the first day, 00:00 UTC), or after
    /// a number of candles. The report says whether refitting paid.
    #[arg(long, value_name = "SCHEDULE", value_parser = refit_schedule, requires = "test_from", conflicts_with_all = ["folds", "plan"])]
    refit: Option<RefitSchedule>,
    /// Division of time without --test-from [default: walk]
    #[arg(long, value_enum, conflicts_with = "test_from")]
    plan: Option<PlanKind>,
    /// Number of walk-forward folds [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    folds: Option<u16>,
    /// Length of the training period: candles of a walk-forward plan, such as 2000, or days with
    /// --refit, such as 365d; without it training uses all candles before the test.
    #[arg(long, value_name = "LENGTH")]
    window: Option<TrainingWindow>,
    /// Number of groups of time with --plan combinatorial [default: 6]
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    /// Number of groups in each test with --plan combinatorial [default: 2]
    #[arg(long, value_name = "N")]
    test_groups: Option<usize>,
    /// Resume an interrupted run of the same command. Until the report is written, finished tasks
    /// are kept in the folder tasks of --out.
    #[arg(long)]
    pub(super) resume: bool,
    /// Trading costs (fee and slippage), basis points per unit of turnover.
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = "2,5,10")]
    pub(super) costs: Vec<f64>,
    /// Policy from predictions to positions; repeat the option for several. every (every candle) or
    /// top:S% (the largest S per cent of the expected moves), then leave:L% (exit level, per cent of
    /// the entry threshold), hold:N (at most N candles), long-only, proportional (size), separated
    /// by commas [default: every; top:5%; top:2%; top:1%,hold:1]
    #[arg(long = "policy", value_name = "RULES")]
    policies: Vec<PolicyConfig>,
    /// Log of trials, a JSON line per model and interval. The corrections for multiple testing count
    /// the trials in it, and the run appends its own. A repetition of a run counts once.
    #[arg(long, value_name = "FILE")]
    pub(super) trials_log: Option<PathBuf>,
    /// Number of earlier experiments that are not in a log of trials; the corrections for multiple
    /// testing count them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) earlier_trials: usize,
    /// Memory budget, such as 8GiB. If candles, table values and predictions need more, the values are
    /// written to a temporary file in TMPDIR, which must not be a file system in memory; the report is
    /// the same. Models with trees, second models or regimes need the values in memory [default: no
    /// limit]
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<MemoryBudget>,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Number of seeds per model, from --seed on; the report shows the spread.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = models::seed_count())]
    pub(super) seeds: u16,
    /// Average the predictions of N seeds of each model, and of each member of an ensemble
    /// [default: 3 of trees, v32 and mlp, of each member of mixed and of the trees of tuned; 1 of the
    /// others]
    #[arg(long, value_name = "N", value_parser = models::seed_count())]
    average_seeds: Option<u16>,
    /// Run a short backtest: the last 1,500 candles of each instrument, two folds, three epochs.
    #[arg(long)]
    pub(super) quick: bool,
    /// File for the test predictions: time, instrument, model, fold, probabilities, direction,
    /// confidence, realised return. CSV, or Parquet for the extension .parquet (feature columnar).
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: Option<PathBuf>,
    /// File for the trades of the policies: model, policy, instrument, fold, entry, exit, position,
    /// candles held, gross return. CSV, or Parquet for the extension .parquet (feature columnar).
    #[arg(long, value_name = "FILE")]
    pub(crate) trades: Option<PathBuf>,
    /// Folder for report.html, report.md and report.json.
    #[arg(long, value_name = "DIR", default_value = "target/backtest")]
    pub(super) out: PathBuf,
}

/// Length of the training period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrainingWindow {
    Candles(u32),
    Days(u32),
}

impl std::str::FromStr for TrainingWindow {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, days) = text.strip_suffix('d').map_or((text, false), |days| (days, true));
        match digits.parse() {
            Ok(0) | Err(_) => {
                Err("expected a number of candles such as 2000, or of days such as 365d")
            }
            Ok(count) => Ok(if days { Self::Days(count) } else { Self::Candles(count) }),
        }
    }
}

/// As on the command line: `2000` or `365d`.
impl std::fmt::Display for TrainingWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Candles(count) => write!(f, "{count}"),
            Self::Days(count) => write!(f, "{count}d"),
        }
    }
}

fn refit_schedule(text: &str) -> Result<RefitSchedule, &'static str> {
    match (text, text.parse()) {
        ("monthly", _) => Ok(RefitSchedule::Monthly),
        ("quarterly", _) => Ok(RefitSchedule::Quarterly),
        (_, Ok(candles)) if candles > 0 => Ok(RefitSchedule::Candles(candles)),
        _ => Err("expected monthly, quarterly, or a number of candles such as 720"),
    }
}

/// Kind of division of the calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanKind {
    /// Walk-forward: each fold trains on the candles before its test.
    Walk,
    /// Combinatorial: every combination of groups is tested, with training before and after it.
    Combinatorial,
}

impl BacktestOptions {
    /// Models to test, without duplicates.
    pub(super) fn models(&self) -> Vec<ModelEntry> {
        if self.models.is_empty() {
            // v2 weighs the six signals.
            let others = self.inputs.inputs.as_ref().is_some_and(|inputs| inputs != "six");
            return DEFAULT_MODELS[usize::from(others)..]
                .iter()
                .filter_map(|name| name.parse().ok())
                .collect();
        }
        models::in_order(&self.models)
    }

    /// Label that the models predict.
    pub(super) fn labels(&self) -> LabelSpec {
        self.label.unwrap_or_default()
    }

    /// Policies of the report.
    pub(super) fn policies(&self) -> Vec<PolicyConfig> {
        if self.policies.is_empty() {
            return Backtest::default_policies();
        }
        let mut policies = Vec::new();
        for policy in &self.policies {
            // Repeated, a policy would count as two trials.
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        policies
    }

    /// Hyperparameters of the learners.
    pub(super) fn training(&self, inputs: &Inputs) -> Hyperparameters {
        let epochs = self.quick.then_some(QUICK_EPOCHS);
        let (lags, seeds) = (inputs.lags.clone(), self.average_seeds.map(usize::from));
        Hyperparameters { epochs, lags, seeds, ..Hyperparameters::default() }
    }

    /// Division of the calendar time.
    pub(super) fn plan(&self) -> Plan {
        if let (Some(test_from), Some(schedule)) = (self.test_from, self.refit) {
            let window = match self.window {
                Some(TrainingWindow::Days(days)) => Some(days_long(days)),
                _ => None,
            };
            let plan = RollingRefit::new(test_from, schedule);
            return Plan::RollingRefit(RollingRefit { window, ..plan });
        }
        if let Some(test_from) = self.test_from {
            return Plan::Holdout {
                validate_from: months_before(test_from, 6),
                test_from,
                embargo: 1,
            };
        }
        if self.plan == Some(PlanKind::Combinatorial) {
            let default = Combinatorial::default();
            let groups = self.groups.unwrap_or(default.groups);
            let test_groups = self.test_groups.unwrap_or(default.test_groups);
            return Plan::Combinatorial(Combinatorial { groups, test_groups, ..default });
        }
        let default = if self.quick { QUICK_FOLDS } else { FOLDS };
        let folds = self.folds.map_or(default, usize::from);
        let window = match self.window {
            Some(TrainingWindow::Candles(candles)) => Some(candles),
            _ => None,
        };
        Plan::WalkForward(WalkForward { folds, window, ..WalkForward::default() })
    }

    /// Checks options that depend on each other.
    pub(super) fn validate(&self) -> Result<(), String> {
        let combinatorial = self.plan == Some(PlanKind::Combinatorial);
        let walks = self.folds.is_some() || self.window.is_some();
        let groups = self.groups.is_some() || self.test_groups.is_some();
        if combinatorial && walks {
            return Err("--folds and --window need --plan walk; remove them".to_string());
        }
        match (self.window, self.refit) {
            (Some(window @ TrainingWindow::Candles(_)), Some(_)) => {
                return Err(format!(
                    "--window {window}: with --refit the window is a number of days, such as 365d"
                ));
            }
            (Some(TrainingWindow::Candles(_)), None) if self.test_from.is_some() => {
                return Err("--window belongs to folds or to --refit; remove it, or add --refit \
                            with a window in days"
                    .to_string());
            }
            (Some(window @ TrainingWindow::Days(_)), None) => {
                return Err(format!(
                    "--window {window}: a window in days needs --test-from and --refit; without \
                     them it is a number of candles"
                ));
            }
            _ => {}
        }
        for (option, file) in [("--predictions", &self.predictions), ("--trades", &self.trades)] {
            let extension = file.as_ref().and_then(|file| file.extension());
            let parquet = extension.is_some_and(|extension| extension == "parquet");
            if parquet && !cfg!(feature = "columnar") {
                return Err(format!(
                    "{option}: this program was built without Parquet; use the extension .csv, or \
                     build it with --features columnar"
                ));
            }
        }
        if groups && !combinatorial {
            return Err("--groups and --test-groups need --plan combinatorial; add it".to_string());
        }
        Ok(())
    }

    /// Folder of the finished tasks until the report is written.
    pub(super) fn tasks(&self) -> PathBuf {
        self.out.join("tasks")
    }

    /// Note on the validation period, which follows from --test-from.
    pub(super) fn validation(&self) -> Option<String> {
        let date = self.test_from.filter(|_| self.refit.is_none())?;
        Some(format!("the validation period is the six months before --test-from {date}"))
    }

    /// Command that reproduces the report, quoted for a shell.
    pub(super) fn command(&self) -> String {
        let mut words = vec!["windvane".to_string(), "backtest".to_string()];
        for (option, folder) in [("--data", &self.data), ("--test-data", &self.test_data)] {
            if let Some(folder) = folder {
                words.extend([option.to_string(), quoted(&folder.display().to_string())]);
            }
        }
        if let Some(interval) = self.interval {
            words.extend(["--interval".to_string(), interval.to_string()]);
        }
        for (option, value) in
            [("--inputs", &self.inputs.inputs), ("--leader", &self.inputs.leader)]
        {
            if let Some(value) = value {
                words.extend([option.to_string(), quoted(value)]);
            }
        }
        let names: Vec<&str> = self.models().iter().map(|entry| entry.name).collect();
        words.extend(["--models".to_string(), names.join(",")]);
        if let Some(label) = self.label {
            words.extend(["--label".to_string(), label.to_string()]);
        }
        words.extend(self.plan_words());
        let costs: Vec<String> = self.costs.iter().map(ToString::to_string).collect();
        words.extend(["--costs".to_string(), costs.join(",")]);
        for policy in &self.policies {
            words.extend(["--policy".to_string(), policy.to_text()]);
        }
        if let Some(log) = &self.trials_log {
            words.extend(["--trials-log".to_string(), quoted(&log.display().to_string())]);
        }
        if self.earlier_trials > 0 {
            words.extend(["--earlier-trials".to_string(), self.earlier_trials.to_string()]);
        }
        words.extend(["--seed".to_string(), self.seed.to_string()]);
        if self.seeds > 1 {
            words.extend(["--seeds".to_string(), self.seeds.to_string()]);
        }
        if let Some(seeds) = self.average_seeds {
            words.extend(["--average-seeds".to_string(), seeds.to_string()]);
        }
        if self.quick {
            words.push("--quick".to_string());
        }
        words.join(" ")
    }

    fn plan_words(&self) -> Vec<String> {
        if let Some(test_from) = self.test_from {
            let mut words = vec!["--test-from".to_string(), test_from.to_string()];
            if let Some(refit) = self.refit {
                words.extend(["--refit".to_string(), refit.to_string()]);
            }
            if let Some(window) = self.window {
                words.extend(["--window".to_string(), window.to_string()]);
            }
            return words;
        }
        match self.plan() {
            Plan::WalkForward(plan) => {
                let mut words = vec!["--folds".to_string(), plan.folds.to_string()];
                if let Some(window) = plan.window {
                    words.extend(["--window".to_string(), window.to_string()]);
                }
                words
            }
            Plan::Combinatorial(plan) => vec![
                "--plan".to_string(),
                "combinatorial".to_string(),
                "--groups".to_string(),
                plan.groups.to_string(),
                "--test-groups".to_string(),
                plan.test_groups.to_string(),
            ],
            _ => Vec::new(),
        }
    }
}

fn days_long(days: u32) -> std::time::Duration {
    std::time::Duration::from_secs(86_400 * u64::from(days))
}

/// Quotes a word for a POSIX shell if necessary.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(is_plain);
    if plain { word.to_string() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Returns whether the character needs no quotes in a shell.
fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || "-_./,:=@%+".contains(character)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct TestCommand {
        #[command(flatten)]
        options: BacktestOptions,
    }

    fn options(arguments: &[&str]) -> BacktestOptions {
        TestCommand::try_parse_from([&["backtest"], arguments].concat()).unwrap().options
    }

    #[test]
    fn backtest_validation_starts_six_calendar_months_before_test() {
        let plan = options(&["--test-from", "2024-08-31"]).plan();
        let Plan::Holdout { validate_from, .. } = plan else { panic!("{plan:?}") };
        assert_eq!(validate_from.to_string(), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn backtest_label_is_part_of_the_command() {
        let options = options(&["--label", "barrier:2,24"]);
        assert_eq!(options.labels().to_string(), "barrier:2,24");
        assert!(options.command().contains(" --label barrier:2,24 "), "{}", options.command());
        let wrong = TestCommand::try_parse_from(["backtest", "--label", "tomorrow"]).unwrap_err();
        let wrong = wrong.to_string();
        assert!(wrong.contains("unknown label") && wrong.contains("relative:H"), "{wrong}");
    }

    #[test]
    fn backtest_policies_replace_the_default_ones_and_are_part_of_the_command() {
        assert_eq!(options(&[]).policies(), Backtest::default_policies());
        let own = options(&["--policy", "every,long-only", "--policy", "top:2%, hold:24"]);
        let names: Vec<String> = own.policies().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["every candle, long only", "top 2 %, leave at 0, at most 24 candles"]);
        let expected = " --policy every,long-only --policy top:2%,hold:24 ";
        assert!(own.command().contains(expected), "{}", own.command());
        let wrong = TestCommand::try_parse_from(["backtest", "--policy", "top:5"]).unwrap_err();
        assert!(wrong.to_string().contains("no share such as 5%"), "{wrong}");
    }

    #[test]
    fn backtest_refit_has_schedule_and_window() {
        let words = ["--test-from", "2024-01-01", "--refit", "quarterly", "--window", "365d"];
        let own = options(&words);
        own.validate().unwrap();
        let Plan::RollingRefit(plan) = own.plan() else { panic!("{:?}", own.plan()) };
        assert_eq!(plan.schedule, RefitSchedule::Quarterly);
        assert_eq!(plan.window, Some(days_long(365)));
        let command = own.command();
        assert!(command.contains("--refit quarterly --window 365d"), "{command}");
        let plan = options(&["--test-from", "2024-01-01", "--refit", "720"]).plan();
        let Plan::RollingRefit(plan) = plan else { panic!("{plan:?}") };
        assert_eq!((plan.schedule, plan.window), (RefitSchedule::Candles(720), None));
    }

    #[test]
    fn backtest_refit_refuses_meaningless_combinations() {
        let from = ["--test-from", "2024-01-01"];
        for (words, message) in [
            (&["--refit", "monthly", "--window", "2000"][..], "number of days, such as 365d"),
            (&["--window", "365d"], "needs --test-from and --refit"),
            (&["--window", "2000"], "--window belongs to folds or to --refit"),
        ] {
            let error = options(&[&from, words].concat()).validate().unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        let error = options(&["--window", "365d"]).validate().unwrap_err();
        assert!(error.contains("needs --test-from and --refit"), "{error}");
        for words in [
            &["--refit", "monthly"][..],
            &["--refit", "monthly", "--folds", "3"],
            &["--test-from", "2024-01-01", "--refit", "monthly", "--plan", "combinatorial"],
            &["--test-from", "2024-01-01", "--refit", "weekly"],
            &["--test-from", "2024-01-01", "--refit", "0"],
            &["--test-from", "2024-01-01", "--refit", "monthly", "--window", "0d"],
        ] {
            assert!(TestCommand::try_parse_from([&["backtest"], words].concat()).is_err());
        }
    }

    #[test]
    fn backtest_command_is_quoted_for_shell() {
        let command = options(&["--data", "q$(touch 'x')", "--test-data", "data/1h"]).command();
        assert!(
            command.contains(r"--data 'q$(touch '\''x'\'')' --test-data data/1h "),
            "{command}"
        );
    }
}
