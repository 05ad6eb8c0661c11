//! Instruments of a backtest from the embedded sample or from files.
use std::collections::BTreeMap;
use std::path::Path;

use windvane::backtest::report::Skipped;
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::SignalPipeline;

use super::options::{BacktestOptions, QUICK_CANDLES};
use crate::Error;
use crate::files::join;
use crate::inputs::Inputs;
use crate::reading::ReadArgs;
use crate::source::{CandleSource, sources};

/// Instruments of a backtest, and skipped files.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) skipped: Vec<Skipped>,
    /// Notes on repairs and gaps, per file.
    pub(crate) notes: Vec<String>,
}

/// Reads all instruments, and resolves the inputs for those that models are trained on. Files that
/// cannot be read are listed and skipped.
pub(super) fn load(options: &BacktestOptions) -> Result<(Loaded, Inputs), Error> {
    let mut loaded = Loaded::default();
    let (interval, reading) = (options.interval, &options.reading);
    match &options.data {
        Some(path) => loaded.add_path(path, false, interval, reading)?,
        None => loaded.add_sample(interval),
    }
    if let Some(path) = &options.test_data {
        loaded.add_path(path, true, interval, reading)?;
    }
    if options.quick {
        loaded.keep_last(QUICK_CANDLES);
    }
    let inputs = options.inputs.resolve(&loaded.trained())?;
    loaded.drop_short(&inputs, Backtest::default().lookback, options.labels().horizon)?;
    loaded.check_trained()?;
    Ok((loaded, inputs))
}

impl Loaded {
    /// Series of the instruments that models are trained on.
    pub(crate) fn trained(&self) -> Vec<&CandleSeries> {
        let trained = self.instruments.iter().filter(|instrument| !instrument.test_only);
        trained.map(|instrument| &instrument.series).collect()
    }

    /// Checks that there is an instrument to train on.
    pub(crate) fn check_trained(&self) -> Result<(), Error> {
        if self.instruments.iter().any(|instrument| !instrument.test_only) {
            return Ok(());
        }
        let skipped = self.skipped.iter().map(|s| format!("\n  {}: {}", s.name, s.reason));
        let reasons: String = skipped.collect();
        Err(format!("no instrument to train on; pass other files with --data{reasons}").into())
    }

    pub(crate) fn add_sample(&mut self, interval: Option<Interval>) {
        let series = sample::all()
            .into_iter()
            .filter(|series| interval.is_none_or(|interval| interval == series.interval()));
        self.instruments.extend(series.map(|series| Instrument { series, test_only: false }));
    }

    pub(crate) fn add_path(
        &mut self,
        path: &Path,
        test_only: bool,
        interval: Option<Interval>,
        reading: &ReadArgs,
    ) -> Result<(), Error> {
        for source in sources(path, reading)? {
            if let Err(error) = self.add(&source, test_only, interval, reading) {
                let name = match &source {
                    CandleSource::File(file) => {
                        file.file_name().unwrap_or_default().to_string_lossy().into_owned()
                    }
                    CandleSource::Partitions(pair) => pair.pair().to_string(),
                };
                self.skipped.push(Skipped { name, reason: error.to_string() });
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        source: &CandleSource,
        test_only: bool,
        interval: Option<Interval>,
        reading: &ReadArgs,
    ) -> Result<(), Error> {
        let name = source.name();
        let mut pair = pair_of(source, &name)?;
        if test_only && self.trains_on(&pair) {
            // Both folders contain this name.
            pair = pair_of(source, &format!("test/{name}"))?;
        }
        let (series, notes) = source.read(pair, interval, reading)?;
        // Duplicated candles would count twice, and would be tested in-sample.
        let candles = series.candles();
        if let Some(other) = self.instruments.iter().find(|other| other.series.candles() == candles)
        {
            let other = other.series.pair();
            return Err(format!("{source}: the same candles as {other}").into());
        }
        let mut instruments = self.instruments.iter_mut();
        if let Some(own) = instruments.find(|other| other.series.pair() == series.pair()) {
            own.series = join(&own.series, &series, source.path())
                .map_err(|error| format!("{source}: {error}"))?;
            let pair = own.series.pair();
            self.notes.push(format!("{source}: continues the candles of {pair}"));
        } else {
            self.instruments.push(Instrument { series, test_only });
        }
        self.notes.extend(notes);
        Ok(())
    }

    /// Keeps the last candles of every instrument.
    pub(crate) fn keep_last(&mut self, candles: usize) {
        for instrument in &mut self.instruments {
            let series = &instrument.series;
            if let Some(first) = series.len().checked_sub(candles).and_then(|i| series.get(i)) {
                instrument.series = series.split_at(first.open_time()).1;
            }
        }
    }

    /// Returns whether an instrument with this name is used for training.
    fn trains_on(&self, pair: &Pair) -> bool {
        self.instruments.iter().any(|other| other.series.pair() == pair && !other.test_only)
    }

    /// Moves instruments that are too short for a single sample to the skipped ones.
    pub(crate) fn drop_short(
        &mut self,
        inputs: &Inputs,
        lookback: usize,
        horizon: usize,
    ) -> Result<(), Error> {
        let registry = Registry::default();
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

fn pair_of(source: &CandleSource, name: &str) -> Result<Pair, String> {
    let pair: Result<Pair, _> = name.parse();
    pair.map_err(|error| format!("{source}: no pair in the file name: {error}"))
}
