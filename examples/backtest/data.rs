//! Instruments from the embedded sample or from folders of CSV files.
use std::path::Path;

use windvane::backtest::report::Skipped;
use windvane::backtest::{Backtest, Instrument};
use windvane::candles::csv::read_csv;
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::{GapPolicy, SignalPipeline};

use super::folder::csv_files;
use super::options::{Options, QUICK_CANDLES};

/// What was read, and what was not.
pub(crate) struct Loaded {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) skipped: Vec<Skipped>,
    /// Where candles are missing.
    pub(crate) notes: Vec<String>,
}

type Error = Box<dyn std::error::Error>;

/// Reads every instrument; one that cannot be read is listed and does not stop the others.
pub(crate) fn load(options: &Options) -> Result<Loaded, Error> {
    let mut loaded = Loaded { instruments: Vec::new(), skipped: Vec::new(), notes: Vec::new() };
    match &options.data {
        Some(folder) => loaded.add_folder(folder, false, options.interval)?,
        None => loaded.add_sample(options.interval),
    }
    if let Some(folder) = &options.test_data {
        loaded.add_folder(folder, true, options.interval)?;
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

    fn add_folder(
        &mut self,
        folder: &Path,
        test_only: bool,
        interval: Option<Interval>,
    ) -> Result<(), Error> {
        for file in csv_files(folder)? {
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
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
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
        if taken(&pair, |_| true) {
            return Err(format!("{}: there is an instrument {pair} already", file.display()).into());
        }
        let read = read_csv(file, pair, interval)?;
        let mut gaps = read.gaps().peekable();
        if let Some(first) = gaps.peek() {
            let (first, all) = (first.line, read.series.gaps());
            let (count, missing) = all.fold((0, 0), |(n, sum), gap| (n + 1, sum + gap.missing));
            self.notes.push(format!(
                "{}: {missing} candles missing in {count} gaps, the first before line {first}",
                file.display(),
            ));
        }
        drop(gaps);
        self.instruments.push(Instrument { series: read.series, test_only });
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
