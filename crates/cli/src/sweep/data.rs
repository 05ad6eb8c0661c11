//! Candles of a sweep: hashes of the files, and reading.
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::file::SweepFile;
use super::plan_file::{DataFile, PlanFile, PlannedInputs};
use crate::Error;
use crate::backtest::data::Loaded;
use crate::inputs::InputArgs;
use crate::reading::ReadArgs;
use crate::source::sources;

/// Number of bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// Hashes the candle files of a sweep; `folder` is that of its relative paths.
pub(super) fn hashes(sweep: &SweepFile, folder: &Path) -> Result<Vec<DataFile>, Error> {
    let mut all = Vec::new();
    for path in [&sweep.data, &sweep.test_data].into_iter().flatten() {
        for source in sources(&folder.join(path), &ReadArgs::default())? {
            for file in source.files() {
                let hash = hash(file).map_err(|error| crate::output::file_error(file, error))?;
                let file = file.strip_prefix(folder).unwrap_or(file).to_path_buf();
                all.push(DataFile { file, hash });
            }
        }
    }
    Ok(all)
}

fn hash(file: &Path) -> std::io::Result<String> {
    let (mut file, mut hash) = (std::fs::File::open(file)?, Xxh3::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        match std::io::Read::read(&mut file, &mut chunk)? {
            0 => return Ok(format!("{:016x}", hash.digest())),
            count => hash.update(&chunk[..count]),
        }
    }
}

impl PlanFile {
    /// Checks that the candle files are those of the plan.
    pub(super) fn check_data(&self, folder: &Path) -> Result<(), Error> {
        let found = hashes(&self.sweep, folder)?;
        let shown = |file: &PathBuf| folder.join(file).display().to_string();
        for DataFile { file, hash } in &self.data {
            match found.iter().find(|other| other.file == *file) {
                None => {
                    return Err(
                        format!("{}: the file is missing; the plan needs it", shown(file)).into()
                    );
                }
                Some(other) if other.hash != *hash => {
                    return Err(format!(
                        "{}: the file has changed since the plan: its hash is {}, expected {hash}; \
                         restore it, or plan again",
                        shown(file),
                        other.hash
                    )
                    .into());
                }
                Some(_) => {}
            }
        }
        match found.iter().find(|other| self.data.iter().all(|own| own.file != other.file)) {
            Some(new) => Err(format!(
                "{}: the file is not part of the plan; remove it, or plan again",
                shown(&new.file)
            )
            .into()),
            None => Ok(()),
        }
    }
}

/// Reads the candles of a sweep. Notes and names do not contain the folder, so that they are the
/// same on every machine.
pub(super) fn load(sweep: &SweepFile, folder: &Path) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    let (interval, reading) = (sweep.interval()?, ReadArgs::default());
    match &sweep.data {
        Some(path) => loaded.add_path(&folder.join(path), false, interval, &reading)?,
        None => loaded.add_sample(interval),
    }
    if let Some(path) = &sweep.test_data {
        loaded.add_path(&folder.join(path), true, interval, &reading)?;
    }
    if let Some(candles) = sweep.last_candles {
        loaded.keep_last(candles);
    }
    let prefix = folder.join("").display().to_string();
    if !prefix.is_empty() {
        for note in &mut loaded.notes {
            *note = note.replace(&prefix, "");
        }
        for skipped in &mut loaded.skipped {
            skipped.reason = skipped.reason.replace(&prefix, "");
        }
    }
    Ok(loaded)
}

/// Resolves the inputs of a sweep for its candles.
pub(super) fn inputs(
    sweep: &SweepFile,
    loaded: &Loaded,
    folder: &Path,
) -> Result<Vec<PlannedInputs>, Error> {
    let mut all = Vec::new();
    for name in &sweep.inputs {
        let is_file = Path::new(name).extension().is_some();
        let inputs = if is_file { folder.join(name).display().to_string() } else { name.clone() };
        let leader = sweep.leader.clone().filter(|_| name == "market");
        let args = InputArgs { inputs: Some(inputs), leader };
        all.push(PlannedInputs::new(name, args.resolve(&loaded.trained())?));
    }
    Ok(all)
}

/// Moves the instruments that are too short for one of the settings to the skipped ones, so that all
/// settings have the same instruments.
pub(super) fn drop_short(
    loaded: &mut Loaded,
    sweep: &SweepFile,
    inputs: &[PlannedInputs],
) -> Result<(), Error> {
    let lookback = sweep.lookbacks.iter().copied().max().unwrap_or(1);
    let horizon = sweep.labels()?.iter().map(|label| label.horizon).max().unwrap_or(1);
    for inputs in inputs {
        loaded.drop_short(&inputs.inputs(), lookback, horizon)?;
    }
    loaded.check_trained()
}
