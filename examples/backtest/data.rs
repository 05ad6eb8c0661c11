//! Instruments from the embedded sample or from files.
use std::path::Path;

use windvane::backtest::report::Skipped;
use windvane::backtest::{Backtest, Instrument};
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::{GapPolicy, SignalPipeline};

use super::files::{files, join, name, read};
use super::options::{Options, QUICK_CANDLES};

/// What was read, and what was not.
pub(crate) struct Loaded {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) skipped: Vec<Skipped>,
    /// What had to be done to read them, and where candles are missing.
    pub(crate) notes: Vec<String>,
}

type Error = Box<dyn std::error::Error>;

/// Reads every instrument; one that cannot be read is listed and does not stop the others.
pub(crate) fn load(options: &Options) -> Result<Loaded, Error> {
    let mut loaded = Loaded { instruments: Vec::new(), skipped: Vec::new(), notes: Vec::new() };
    match &options.data {
        Some(path) => loaded.add_path(path, false, options.interval)?,
        None => loaded.add_sample(options.interval),
    }
    if let Some(path) = &options.test_data {
        loaded.add_path(path, true, options.interval)?;
    }
    if options.quick {
        loaded.instruments.iter_mut().for_each(shorten);
    }
    loaded.drop_short()?;
    if loaded.instruments.iter().all(|instrument| instrument.test_only) {
        let reasons: Vec<String> =
            loaded.skipped.iter().map(|s| format!("\n  {}: {}", s.name, s.reason)).collect();
        return Err(format!("no instrument to learn from{}", reasons.concat()).into());
    }
    Ok(loaded)
}

impl Loaded {
    fn add_sample(&mut self, interval: Option<Interval>) {
        let wanted = |series: &CandleSeries| interval.is_none_or(|i| i == series.interval());
        let series = sample::all().into_iter().filter(wanted);
        self.instruments.extend(series.map(|series| Instrument { series, test_only: false }));
    }

    fn add_path(
        &mut self,
        path: &Path,
        test_only: bool,
        interval: Option<Interval>,
    ) -> Result<(), Error> {
        for file in files(path)? {
            if let Err(error) = self.add_file(&file, test_only, interval) {
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
        interval: Option<Interval>,
    ) -> Result<(), Error> {
        let name = name(file);
        let named = |name: &str| {
            let pair: Result<Pair, _> = name.parse();
            pair.map_err(|error| format!("{}: the file's name: {error}", file.display()))
        };
        let taken = |pair: &Pair, by: fn(&Instrument) -> bool| {
            self.instruments.iter().any(|other| other.series.pair() == pair && by(other))
        };
        let mut pair = named(&name)?;
        if test_only && taken(&pair, |other| !other.test_only) {
            // The same name in both folders: the tested one is told apart.
            pair = named(&format!("test/{name}"))?;
        }
        let (series, notes) = read(file, pair, interval)?;
        // They would count twice, and a test of what was learned by heart tests nothing.
        let same = |other: &&Instrument| other.series.candles() == series.candles();
        if let Some(other) = self.instruments.iter().find(same) {
            let other = other.series.pair();
            return Err(format!("{}: the same candles as {other}", file.display()).into());
        }
        let own = |other: &&mut Instrument| other.series.pair() == series.pair();
        if let Some(own) = self.instruments.iter_mut().find(own) {
            own.series = join(&own.series, &series)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            let pair = own.series.pair();
            self.notes.push(format!("{}: goes on from the candles of {pair}", file.display()));
        } else {
            self.instruments.push(Instrument { series, test_only });
        }
        self.notes.extend(notes);
        Ok(())
    }

    /// Moves instruments too short for a single sample to the skipped ones.
    fn drop_short(&mut self) -> Result<(), Error> {
        let Backtest { channels, lookback, labels, registry, .. } = Backtest::default();
        let spec = SignalSpec { channels, gaps: GapPolicy::Reset };
        let warm_up = SignalPipeline::new(&spec, Interval::HOUR, &registry)?.warm_up();
        let least = warm_up + lookback + labels.horizon;
        self.instruments.retain(|Instrument { series, .. }| {
            let long_enough = series.len() >= least;
            if !long_enough {
                let reason = format!(
                    "{} candles are too few: warm-up {warm_up}, window {lookback} and {} for the \
                     outcome need {least}",
                    series.len(),
                    labels.horizon
                );
                self.skipped.push(Skipped { name: series.pair().to_string(), reason });
            }
            long_enough
        });
        Ok(())
    }
}

/// Keeps the last candles.
fn shorten(instrument: &mut Instrument) {
    let series = &instrument.series;
    if let Some(first) = series.len().checked_sub(QUICK_CANDLES).and_then(|i| series.get(i)) {
        instrument.series = series.split_at(first.open_time()).1;
    }
}
