//! Instruments of a backtest from the embedded sample or from files.
use std::collections::BTreeMap;
use std::path::Path;

use windvane::backtest::report::Skipped;
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::SignalPipeline;

use super::options::{BacktestOptions, QUICK_CANDLES};
use crate::Error;
use crate::files::{files, join, name, read};
use crate::inputs::Inputs;

/// Instruments of a backtest, and skipped files.
pub(super) struct Loaded {
    pub(super) instruments: Vec<Instrument>,
    pub(super) skipped: Vec<Skipped>,
    /// Notes on repairs and gaps, per file.
    pub(super) notes: Vec<String>,
}

/// Reads all instruments, and resolves the inputs for those that models are trained on. Files that
/// cannot be read are listed and skipped.
pub(super) fn load(options: &BacktestOptions) -> Result<(Loaded, Inputs), Error> {
    let mut loaded = Loaded { instruments: Vec::new(), skipped: Vec::new(), notes: Vec::new() };
    match &options.data {
        Some(path) => loaded.add_path(path, false, options)?,
        None => loaded.add_sample(options.interval),
    }
    if let Some(path) = &options.test_data {
        loaded.add_path(path, true, options)?;
    }
    if options.quick {
        loaded.instruments.iter_mut().for_each(shorten);
    }
    let trained = loaded.instruments.iter().filter(|instrument| !instrument.test_only);
    let trained: Vec<_> = trained.map(|instrument| &instrument.series).collect();
    let inputs = options.inputs.resolve(&trained)?;
    loaded.drop_short(&inputs, options.labels().horizon)?;
    if loaded.instruments.iter().all(|instrument| instrument.test_only) {
        let reasons: Vec<String> =
            loaded.skipped.iter().map(|s| format!("\n  {}: {}", s.name, s.reason)).collect();
        return Err(format!(
            "no instrument to train on; pass other files with --data{}",
            reasons.concat()
        )
        .into());
    }
    Ok((loaded, inputs))
}

impl Loaded {
    fn add_sample(&mut self, interval: Option<Interval>) {
        let series = sample::all()
            .into_iter()
            .filter(|series| interval.is_none_or(|interval| interval == series.interval()));
        self.instruments.extend(series.map(|series| Instrument { series, test_only: false }));
    }

    fn add_path(
        &mut self,
        path: &Path,
        test_only: bool,
        options: &BacktestOptions,
    ) -> Result<(), Error> {
        for file in files(path)? {
            if let Err(error) = self.add_file(&file, test_only, options) {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.skipped.push(Skipped { name, reason: error.to_string() });
            }
        }
        Ok(())
    }

    fn add_file(
        &mut self,
        file: &Path,
        test_only: bool,
        options: &BacktestOptions,
    ) -> Result<(), Error> {
        let name = name(file);
        let mut pair = pair_of(file, &name)?;
        if test_only && self.trains_on(&pair) {
            // Both folders contain a file with this name.
            pair = pair_of(file, &format!("test/{name}"))?;
        }
        let (series, notes) = read(file, pair, options.interval, &options.reading)?;
        // Duplicated candles would count twice, and would be tested in-sample.
        let candles = series.candles();
        if let Some(other) = self.instruments.iter().find(|other| other.series.candles() == candles)
        {
            let other = other.series.pair();
            return Err(format!("{}: the same candles as {other}", file.display()).into());
        }
        let mut instruments = self.instruments.iter_mut();
        if let Some(own) = instruments.find(|other| other.series.pair() == series.pair()) {
            own.series = join(&own.series, &series, file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            let pair = own.series.pair();
            self.notes.push(format!("{}: continues the candles of {pair}", file.display()));
        } else {
            self.instruments.push(Instrument { series, test_only });
        }
        self.notes.extend(notes);
        Ok(())
    }

    /// Returns whether an instrument with this name is used for training.
    fn trains_on(&self, pair: &Pair) -> bool {
        self.instruments.iter().any(|other| other.series.pair() == pair && !other.test_only)
    }

    /// Moves instruments that are too short for a single sample to the skipped ones.
    fn drop_short(&mut self, inputs: &Inputs, horizon: usize) -> Result<(), Error> {
        let Backtest { lookback, registry, .. } = Backtest::default();
        let spec = SignalSpec { channels: inputs.channels.clone(), gaps: GapPolicy::Reset };
        let mut warm_ups = BTreeMap::new();
        for Instrument { series, .. } in &self.instruments {
            let interval = series.interval();
            warm_ups.insert(interval, SignalPipeline::new(&spec, interval, &registry)?.warm_up());
        }
        self.instruments.retain(|Instrument { series, .. }| {
            let warm_up = warm_ups[&series.interval()];
            let min_candles = warm_up + lookback + horizon;
            let long_enough = series.len() >= min_candles;
            if !long_enough {
                let reason = format!(
                    "{} candles are too few: at least {min_candles} are needed (warm-up \
                     {warm_up}, window {lookback}, outcome {horizon})",
                    series.len()
                );
                self.skipped.push(Skipped { name: series.pair().to_string(), reason });
            }
            long_enough
        });
        Ok(())
    }
}

fn pair_of(file: &Path, name: &str) -> Result<Pair, String> {
    let pair: Result<Pair, _> = name.parse();
    pair.map_err(|error| format!("{}: no pair in the file name: {error}", file.display()))
}

/// Keeps the last candles of an instrument, for a quick run.
fn shorten(instrument: &mut Instrument) {
    let series = &instrument.series;
    if let Some(first) = series.len().checked_sub(QUICK_CANDLES).and_then(|i| series.get(i)) {
        instrument.series = series.split_at(first.open_time()).1;
    }
}
