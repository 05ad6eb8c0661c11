//! Plan file: the sweep with its inputs resolved, the hashes of the data and the bundles.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windvane::backtest::sweep::ProgramId;
use windvane::models::replace_file;
use windvane::prelude::*;
use windvane::signals::Lags;

use super::file::SweepFile;
use crate::Error;
use crate::inputs::Inputs;

/// Version of the layout.
const FORMAT: u32 = 1;

/// Plan of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PlanFile {
    format: u32,
    /// Version and kernel that the bundles need.
    program: ProgramId,
    pub(super) sweep: SweepFile,
    /// Inputs of the sweep, in its order.
    pub(super) inputs: Vec<PlannedInputs>,
    /// Files of candles with their hashes; empty for the embedded sample.
    pub(super) data: Vec<DataFile>,
    pub(super) bundles: Vec<TaskBundle>,
}

/// Inputs of models, with the channels that a name or a file stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PlannedInputs {
    pub(super) name: String,
    signals: SignalSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    lags: Option<Lags>,
}

/// File of candles and the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataFile {
    /// Path relative to the folder of the plan, or absolute.
    pub(super) file: PathBuf,
    /// XXH3 hash, 16 hexadecimal digits.
    pub(super) hash: String,
}

/// Bundle: tasks of one setting that one process runs together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskBundle {
    /// Name of the setting.
    pub(super) setting: String,
    /// Estimated duration on one core, seconds.
    pub(super) seconds: f64,
    /// Keys of the tasks; each is the name of a result.
    pub(super) tasks: Vec<String>,
}

impl TaskBundle {
    /// Creates a bundle without tasks.
    pub(super) fn new(setting: &str) -> Self {
        Self { setting: setting.to_string(), seconds: 0.0, tasks: Vec::new() }
    }
}

impl PlannedInputs {
    pub(super) fn new(name: &str, inputs: Inputs) -> Self {
        let Inputs { channels, always_open, lags } = inputs;
        let signals = SignalSpec { channels, gaps: always_open };
        Self { name: name.to_string(), signals, lags }
    }

    pub(super) fn inputs(&self) -> Inputs {
        let SignalSpec { channels, gaps } = self.signals.clone();
        Inputs { channels, always_open: gaps, lags: self.lags.clone() }
    }
}

impl PlanFile {
    /// Creates the plan of this process's version and kernel.
    pub(super) fn new(
        sweep: SweepFile,
        inputs: Vec<PlannedInputs>,
        data: Vec<DataFile>,
        bundles: Vec<TaskBundle>,
    ) -> Result<Self, Error> {
        Ok(Self { format: FORMAT, program: ProgramId::current()?, sweep, inputs, data, bundles })
    }

    /// Reads a plan and checks that this process has its version and kernel.
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        let named = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
        let plan: Self = serde_json::from_str(&text)
            .map_err(|error| named(&format!("not a plan of `windvane plan`: {error}")))?;
        if plan.format != FORMAT {
            let format = plan.format;
            return Err(named(&format!("format {format}, expected {FORMAT}; plan again")).into());
        }
        plan.program.check().map_err(|error| named(&error))?;
        plan.sweep.validate().map_err(|error| named(&error))?;
        Ok(plan)
    }

    /// Writes the plan atomically.
    pub(super) fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let written = replace_file(file, text.as_bytes());
        Ok(written.map_err(|error| crate::output::file_error(file, error))?)
    }

    /// Keys of the tasks of some bundles, by the name of their setting.
    pub(super) fn keys<'a>(
        bundles: impl Iterator<Item = &'a TaskBundle>,
    ) -> BTreeMap<&'a str, BTreeSet<String>> {
        let mut keys: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for bundle in bundles {
            keys.entry(&bundle.setting).or_default().extend(bundle.tasks.iter().cloned());
        }
        keys
    }
}

/// Folder of a plan or sweep file.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_path_buf()
}
