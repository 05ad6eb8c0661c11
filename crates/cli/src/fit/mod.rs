//! `windvane fit`: fits a model and saves it with its training profile for a bot.
mod channels;
mod settings;
mod show;

use std::path::{Path, PathBuf};

use clap::Args;
use windvane::models::train::{EpochReport, Learner, Run};
use windvane::models::{AnomalyGate, Policy, TrainingProfile, fit_policy, replace_file};
use windvane::prelude::*;
use windvane::signals::{TableStore, TrainSet};

use crate::inputs::Inputs;
use crate::memory::MemoryNeed;
use crate::output::{check_file, file_error, note};
use crate::progress::EpochProgress;
use crate::reading::ReadArgs;
use crate::series;
use crate::{Error, output};
use settings::FitSettings;

/// Number of decisions over which the saved profile measures drift.
const PROFILE_WINDOW: usize = 250;

/// Bytes per row of the training profile and its anomaly gate, after the fit: the values of a
/// channel, and a flag.
const PROFILE_ROW: usize = 9;

/// Bytes per row of a policy: the volatility of every row, and the scores of the validation.
const POLICY_ROW: usize = 20;

/// Fit a model on candles and save it with its training profile
#[derive(Debug, Args)]
pub(crate) struct FitOptions {
    /// Settings file (TOML) with the names of the options below, such as `model = "v32"` or
    /// `channels = ["momentum", "rsi(period=21)"]`. Options on the command line take precedence.
    /// Relative paths in the file are relative to its folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: FitSettings,
    #[command(flatten)]
    reading: ReadArgs,
}

pub(crate) fn run(options: &FitOptions) -> Result<(), Error> {
    let mut settings = options.settings.clone();
    if let Some(file) = &options.config {
        settings = settings.or(FitSettings::read(file)?);
    }
    let (entry, out) = (settings.model()?, settings.out());
    check_file(&out)?;

    let all = candles(&settings, &options.reading)?;
    let interval = series::interval(&all)?;
    let inputs = settings.inputs(&all)?;
    let training = settings.training(&inputs);
    let learner = entry.averaged_learner(&training);
    let store = store(&settings, &inputs, &all, &learner)?;
    let samples = samples(&settings, &inputs, &all, &store)?;
    let split = settings.split(&samples)?;
    let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);

    let epochs = EpochProgress::new();
    let on_epoch = |report: &EpochReport| epochs.on(report);
    let run = Run::new(settings.seed()).on_epoch(&on_epoch);
    let model = learner.fit(&train, &validation, &run)?;
    let epochs = epochs.finish();

    let policy = settings.policy().map(|config| fit_policy(&*model, &validation, config));
    let policy = policy.transpose()?;
    save(&*model, policy.as_ref(), &out)?;
    let profile = save_profile(&train, &all, settings.seed(), &out)?;
    let method = entry.averaged_method(&training);
    let saved =
        show::Saved { method, interval, model: &*model, policy, file: &out, profile, epochs };
    Ok(output::print(show::table(&saved))?)
}

/// Saves the model with its policy.
fn save(model: &dyn FittedModel, policy: Option<&Policy>, out: &Path) -> Result<(), Error> {
    let Some(policy) = policy else { return Ok(model.save(out)?) };
    let bytes = model.to_artifact()?.with_policy(policy).to_bytes()?;
    Ok(replace_file(out, &bytes).map_err(|error| file_error(out, error))?)
}

/// Reads the candles for training and validation.
fn candles(settings: &FitSettings, args: &ReadArgs) -> Result<Vec<CandleSeries>, Error> {
    let interval = settings.interval()?;
    if settings.data().is_empty() {
        return Ok(vec![series::sample(settings.instrument())?]);
    }
    let Some(budget) = settings.memory() else {
        return series::load(settings.data(), interval, args);
    };
    let (mut all, mut count) = (Vec::new(), 0);
    let pairs = series::by_pair(settings.data(), args)?;
    for (index, pair) in pairs.iter().enumerate() {
        let series = pair.read(interval, args)?;
        count += series.as_ref().map_or(0, CandleSeries::len);
        all.extend(series);
        budget.check_read(count, (index + 1, pairs.len()))?;
    }
    series::check_read(!all.is_empty())?;
    Ok(all)
}

/// Returns the place of the table values under the memory budget.
fn store(
    settings: &FitSettings,
    inputs: &Inputs,
    all: &[CandleSeries],
    learner: &dyn Learner,
) -> Result<TableStore, Error> {
    let Some(budget) = settings.memory() else { return Ok(TableStore::memory()) };
    let width = inputs.channels.len();
    let fit = learner.row_memory(width);
    let after = PROFILE_ROW + if settings.policy().is_some() { POLICY_ROW } else { 0 };
    budget.store(&MemoryNeed {
        candles: all.iter().map(CandleSeries::len).sum(),
        width,
        row: fit.unwrap_or(0).max(after),
        random_reader: fit.is_none().then(|| learner.id()),
    })
}

/// Collects the labelled windows under the gap policy that the training candles imply.
fn samples(
    settings: &FitSettings,
    inputs: &Inputs,
    all: &[CandleSeries],
    store: &TableStore,
) -> Result<SampleSet, Error> {
    let build = |gaps| samples_under(settings, inputs, (all, store), gaps);
    GapPolicy::infer_before(all, inputs.always_open, build, |samples| {
        Some(settings.split(samples.as_ref().ok()?).ok()?.validate_from())
    })
}

/// Collects the labelled windows under a gap policy.
fn samples_under(
    settings: &FitSettings,
    inputs: &Inputs,
    (all, store): (&[CandleSeries], &TableStore),
    gaps: GapPolicy,
) -> Result<SampleSet, Error> {
    let spec = SignalSpec { channels: inputs.channels.clone(), gaps };
    let tables = tables(&spec, all, store)?;
    Ok(SampleSet::collect(&tables, settings.lookback(), settings.labels())?)
}

/// Computes the signals of every series that a model is for.
fn tables(
    spec: &SignalSpec,
    all: &[CandleSeries],
    store: &TableStore,
) -> Result<Vec<SignalTable>, Error> {
    let others = series::of_pairs(all, &spec.pairs())?;
    let own = series::targets(spec, all);
    let registry = Registry::default();
    if own.len() == all.len() {
        return Ok(SignalTable::build_all_in(store, spec, &registry, all)?);
    }
    let tables =
        own.iter().map(|series| SignalTable::build_in(store, spec, &registry, series, &others));
    let tables: Vec<SignalTable> = tables.collect::<Result<_, _>>()?;
    if tables.is_empty() {
        let problem = "every pair in --data is read by a channel; add a pair to train on";
        return Err(problem.into());
    }
    Ok(tables)
}

/// Saves the training profile beside the model; returns `None` with too few training windows.
fn save_profile(
    train: &TrainSet,
    all: &[CandleSeries],
    seed: u64,
    out: &Path,
) -> Result<Option<PathBuf>, Error> {
    match profile(train, all, seed) {
        Ok(profile) => {
            let file = out.with_extension("profile.json");
            profile.save(&file)?;
            Ok(Some(file))
        }
        Err(TrainError::TooFewWindows { expected, got }) => {
            note(format_args!(
                "note: no training profile was saved: it needs {expected} training windows, there \
                 are {got}"
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Measures the training profile with its anomaly gate.
fn profile(
    train: &TrainSet,
    all: &[CandleSeries],
    seed: u64,
) -> Result<TrainingProfile, TrainError> {
    let profile = TrainingProfile::fit(train, PROFILE_WINDOW)?;
    Ok(profile.with_anomaly_gate(AnomalyGate::fit(train, all, seed)?))
}
