//! Profile of the training data for drift, novelty and anomaly detection.
use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_candles::Interval;
use windvane_signals::{Deciles, RowReader, SampleSet, SignalError, SignalSpec, TrainSet, Window};

use super::AnomalyGate;
use crate::artifact::read_file;
use crate::{LoadError, ModelSpec, SettingError, TrainError, replace_file};

/// Profile of the training windows of a model, for drift, novelty and anomaly detection by
/// [`Predictor::set_guard`](crate::Predictor::set_guard). It is saved in a file of its own.
///
/// **Drift** compares the channel values of the last `window_len` decisions with the deciles of the
/// training values by the population stability index (PSI), channel by channel. The market has
/// drifted if the PSI of a channel exceeds 2.5 times the largest PSI of any `window_len`
/// consecutive training decisions.
///
/// **Novelty** is a property of one window. With `z = (x − median) / (IQR / 1.349)`, where median
/// and IQR are those of the training rows, each channel has two features: its mean `z` (location)
/// and `ln(mean |z| + 0.01)` (spread). A window is novel if a feature lies outside its range over
/// the training windows, widened by half its width on both sides.
///
/// Drift and novelty show that the input differs from the training data, not that the model is
/// wrong. A change that leaves the distribution of every channel unchanged, such as a reversed sign
/// of the autocorrelation, is not detected.
///
/// **Anomalies** are single candles; they are detected if the profile has an [`AnomalyGate`].
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Timestamp, simulate::MarketModel};
/// use windvane_models::TrainingProfile;
/// use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, Window};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 1_500, 1)?;
/// let tables =
///     [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?];
/// let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
/// let train = Split::for_live(&samples, 0.15)?.train(&samples)?;
///
/// let profile = TrainingProfile::fit(&train, 250)?;
/// assert!(!profile.is_novel(&samples.window(&train.samples()[0])));
/// let extreme = [0.2; 120]; // for example a rise of 20 % in each of 20 hours
/// let extreme = Window::new(&extreme, 6, Timestamp::from_millis(0)).unwrap();
/// assert!(profile.is_novel(&extreme));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredProfile", into = "StoredProfile")]
pub struct TrainingProfile(StoredProfile);

/// Saved form of a profile, not validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredProfile {
    signals: SignalSpec,
    /// Interval of the candles; absent in files of earlier versions, which fit every interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    lookback: usize,
    /// Number of decisions over which drift is measured; files of format 1 call it `stretch`.
    #[serde(rename = "stretch")]
    window_len: usize,
    channels: Vec<ChannelProfile>,
    /// Absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anomaly_gate: Option<AnomalyGate>,
}

/// Distribution of one channel in the training windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelProfile {
    /// Deciles of the values; `None` for a constant channel.
    deciles: Option<Deciles>,
    /// Maximum PSI without drift; files of format 1 call it `most_psi`.
    #[serde(rename = "most_psi")]
    max_psi: f64,
    median: f64,
    /// IQR / 1.349; 0 for a channel with equal quartiles, which has no novelty features.
    scale: f64,
    /// Range of the mean z without novelty; files of format 1 call it `place`.
    #[serde(rename = "place")]
    location: (f64, f64),
    /// Range of ln(mean |z| + 0.01) without novelty.
    spread: (f64, f64),
}

impl From<TrainingProfile> for StoredProfile {
    fn from(TrainingProfile(parts): TrainingProfile) -> Self {
        parts
    }
}

impl TryFrom<StoredProfile> for TrainingProfile {
    type Error = TrainError;

    fn try_from(parts: StoredProfile) -> Result<Self, TrainError> {
        parts.signals.validate()?;
        check_window_len(parts.window_len)?;
        let (width, got) = (parts.signals.width(), parts.channels.len());
        if got != width || parts.lookback == 0 {
            let setting = "channels of a training profile";
            SettingError::refuse::<()>(setting, "as many as its spec has", got as f64)?;
        }
        for ChannelProfile { max_psi, median, scale, location, spread, .. } in &parts.channels {
            let numbers = [*max_psi, *median, *scale, location.0, location.1, spread.0, spread.1];
            if let Some(&wrong) = numbers.iter().find(|number| !number.is_finite()) {
                SettingError::refuse::<()>("every limit of a training profile", "finite", wrong)?;
            }
        }
        Ok(Self(parts))
    }
}

/// Allowed range of the window length.
const WINDOW_LEN: std::ops::RangeInclusive<usize> = 50..=10_000;
/// Minimum ratio of the number of training windows to the window length.
const MIN_WINDOWS: usize = 4;
/// Ratio of the drift threshold to the largest PSI in training.
const MARGIN: f64 = 2.5;
/// Widening of a feature's range on each side, in halves of the range.
const WIDENING: f64 = 1.0;
/// Offset that keeps the logarithm finite for a channel without movement.
const MIN_SPREAD: f64 = 0.01;
/// Interquartile range of the standard normal distribution.
const NORMAL_IQR: f64 = 1.349;

fn check_window_len(window_len: usize) -> Result<(), SettingError> {
    if WINDOW_LEN.contains(&window_len) {
        return Ok(());
    }
    let (setting, expected) = ("window_len of a training profile", "50 to 10,000 decisions");
    SettingError::refuse(setting, expected, window_len as f64)
}

impl TrainingProfile {
    /// Measures the profile of training windows. Drift is measured over `window_len` decisions, for
    /// example 250: a smaller number detects drift earlier, a larger one detects smaller drift.
    ///
    /// Everything that occurs in the training windows counts as normal. A profile of one calm year
    /// is more sensitive than a profile of several years that include a crash.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if `window_len` is not from 50 to 10,000,
    /// [`TrainError::TooFewWindows`] for fewer than `4 × window_len` training windows,
    /// [`TrainError::Signal`] if the tables are in a file that cannot be read.
    pub fn fit(train: &TrainSet, window_len: usize) -> Result<Self, TrainError> {
        check_window_len(window_len)?;
        let (expected, got) = (MIN_WINDOWS * window_len, train.len());
        let Some(table) = train.tables().first().filter(|_| got >= expected) else {
            return Err(TrainError::TooFewWindows { expected, got });
        };
        let ends = WindowEnds::new(train);
        let channels =
            (0..train.width()).map(|channel| ChannelProfile::fit(&ends, channel, window_len));
        let channels = channels.collect::<Result<Vec<_>, SignalError>>()?;
        Ok(Self(StoredProfile {
            signals: table.spec().clone(),
            interval: Some(table.interval()),
            lookback: train.lookback(),
            window_len,
            channels,
            anomaly_gate: None,
        }))
    }

    /// Adds an anomaly gate, so that the guard also detects anomalous candles.
    #[must_use]
    pub fn with_anomaly_gate(mut self, gate: AnomalyGate) -> Self {
        self.0.anomaly_gate = Some(gate);
        self
    }

    /// Anomaly gate of the profile, if it has one.
    pub fn anomaly_gate(&self) -> Option<&AnomalyGate> {
        self.0.anomaly_gate.as_ref()
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::TooLarge`], and [`LoadError::Damaged`] for a file that is
    /// not a valid profile.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let parsed = serde_json::from_slice(&read_file(path)?);
        parsed.map_err(|error| LoadError::Damaged {
            file: path.display().to_string(),
            problem: error.to_string(),
        })
    }

    /// Writes the profile to a JSON file by an atomic replacement.
    ///
    /// # Errors
    /// [`LoadError::Io`]; the old file is unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), LoadError> {
        let path = path.as_ref();
        let written = serde_json::to_vec(self).map_err(std::io::Error::from);
        let written = written.and_then(|json| replace_file(path, &json));
        written.map_err(|source| LoadError::Io { path: path.to_path_buf(), source })
    }

    /// Channels and gap policy of the windows.
    pub fn signals(&self) -> &SignalSpec {
        &self.0.signals
    }

    /// Interval of the candles; `None` for a profile of an earlier version, which does not store it.
    pub fn interval(&self) -> Option<Interval> {
        self.0.interval
    }

    /// Number of rows per window.
    pub fn lookback(&self) -> usize {
        self.0.lookback
    }

    /// Number of decisions over which drift is measured.
    pub fn window_len(&self) -> usize {
        self.0.window_len
    }

    /// Returns whether the window lies outside the range of the training windows; `false` for a
    /// window with another number of channels.
    pub fn is_novel(&self, window: &Window<'_>) -> bool {
        window.width() == self.0.channels.len()
            && self.0.channels.iter().enumerate().any(|(index, channel)| {
                channel.features(index, window).is_some_and(|[location, spread]| {
                    is_outside(channel.location, location) || is_outside(channel.spread, spread)
                })
            })
    }

    /// First property in which the profile differs from a model's spec: its name, the value of the
    /// spec and that of the profile. `None` if they fit.
    pub(super) fn difference(&self, spec: &ModelSpec) -> Option<(&'static str, String, String)> {
        let StoredProfile { signals, interval, lookback, .. } = &self.0;
        if let Some(interval) = interval.filter(|own| *own != spec.interval) {
            return Some(("interval", spec.interval.to_string(), interval.to_string()));
        }
        if *lookback != spec.lookback {
            return Some(("lookback", spec.lookback.to_string(), lookback.to_string()));
        }
        let text = |signals: &SignalSpec| {
            let channels = signals.channels.iter().map(ToString::to_string);
            format!("{} ({})", channels.collect::<Vec<_>>().join(", "), signals.gaps)
        };
        let differ = *signals != spec.signals;
        differ.then(|| ("channels and gap policy", text(&spec.signals), text(signals)))
    }

    /// Returns the decile bin of a channel's value; 0 for a constant channel.
    pub(crate) fn bin(&self, channel: usize, value: f64) -> u8 {
        let deciles = self.0.channels[channel].deciles.as_ref();
        deciles.map_or(0, |deciles| u8::try_from(deciles.bin(value)).unwrap_or(0))
    }

    /// Returns whether a channel has drifted, given the counts of its bins.
    pub(crate) fn has_drifted(&self, counts: &[[u64; 10]]) -> bool {
        self.0.channels.iter().zip(counts).any(|(channel, counts)| {
            let deciles = channel.deciles.as_ref();
            deciles.is_some_and(|deciles| deciles.psi(&counts[..deciles.bins()]) > channel.max_psi)
        })
    }
}

/// Rows at which the training windows end, in order, table by table: in a file, neighbouring windows
/// are then read at once.
struct WindowEnds<'a> {
    train: &'a SampleSet,
    /// Whether a window ends at each row of each table.
    ends: Vec<Vec<bool>>,
}

impl<'a> WindowEnds<'a> {
    fn new(train: &'a SampleSet) -> Self {
        let mut ends: Vec<Vec<bool>> =
            train.tables().iter().map(|table| vec![false; table.len()]).collect();
        for sample in train.samples() {
            ends[sample.table()][sample.row()] = true;
        }
        Self { train, ends }
    }

    /// Rows of a table.
    fn of_table(&self, table: usize) -> impl Iterator<Item = usize> {
        let rows = self.ends[table].iter().enumerate();
        rows.filter(|(_, end)| **end).map(|(row, _)| row)
    }

    /// Values of a channel at the ends of the windows of a table.
    fn values(
        &self,
        reader: &mut RowReader<'_>,
        table: usize,
        channel: usize,
        values: &mut Vec<f64>,
    ) -> Result<(), SignalError> {
        for row in self.of_table(table) {
            values.extend(reader.row(table, row)?.map(|row| row[channel]));
        }
        Ok(())
    }
}

impl ChannelProfile {
    fn fit(ends: &WindowEnds<'_>, channel: usize, window_len: usize) -> Result<Self, SignalError> {
        let (train, mut reader) = (ends.train, ends.train.reader());
        let tables = 0..ends.ends.len();
        let mut sorted = Vec::with_capacity(train.len());
        for table in tables.clone() {
            ends.values(&mut reader, table, channel, &mut sorted)?;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let [q1, median, q3] = [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4]);
        let deciles = Deciles::from_sorted(&sorted);
        drop(sorted); // as large as all windows
        let (mut values, mut largest) = (Vec::new(), 0.0_f64);
        for table in tables.clone() {
            let Some(deciles) = &deciles else { break };
            values.clear();
            ends.values(&mut reader, table, channel, &mut values)?;
            largest = largest.max(largest_psi(deciles, &values, window_len));
        }
        let (max_psi, scale) = (MARGIN * largest, (q3 - q1) / NORMAL_IQR);
        let mut fitted =
            Self { deciles, max_psi, median, scale, location: (0.0, 0.0), spread: (0.0, 0.0) };
        let (mut location, mut spread) = (None, None);
        for table in tables {
            for row in ends.of_table(table) {
                let window = reader.window(table, row, train.lookback())?;
                let features = window.and_then(|window| fitted.features(channel, &window));
                let Some([own_location, own_spread]) = features else { continue };
                (location, spread) =
                    (Some(extended(location, own_location)), Some(extended(spread, own_spread)));
            }
        }
        (fitted.location, fitted.spread) = (widened(location), widened(spread));
        Ok(fitted)
    }

    /// Mean z and ln(mean |z| + 0.01) of a channel; `None` if its scale is 0.
    fn features(&self, channel: usize, window: &Window<'_>) -> Option<[f64; 2]> {
        if self.scale <= 0.0 {
            return None;
        }
        let (mut sum, mut size) = (0.0, 0.0);
        for step in 0..window.steps() {
            let z = (window.row(step)[channel] - self.median) / self.scale;
            (sum, size) = (sum + z, size + z.abs());
        }
        let steps = window.steps() as f64;
        Some([sum / steps, (size / steps + MIN_SPREAD).ln()])
    }
}

/// Largest PSI of any `window_len` consecutive values; 0 for fewer values.
fn largest_psi(deciles: &Deciles, values: &[f64], window_len: usize) -> f64 {
    let mut counts = vec![0; deciles.bins()];
    let mut largest: f64 = 0.0;
    for (index, value) in values.iter().enumerate() {
        counts[deciles.bin(*value)] += 1;
        if index >= window_len {
            counts[deciles.bin(values[index - window_len])] -= 1;
        }
        if index + 1 >= window_len {
            largest = largest.max(deciles.psi(&counts));
        }
    }
    largest
}

fn is_outside((low, high): (f64, f64), value: f64) -> bool {
    value < low || value > high
}

/// Range extended to a value.
fn extended(range: Option<(f64, f64)>, value: f64) -> (f64, f64) {
    range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)))
}

/// Widened range; (0, 0) without one.
fn widened(range: Option<(f64, f64)>) -> (f64, f64) {
    let (low, high) = range.unwrap_or_default();
    let margin = WIDENING * (high - low) / 2.0;
    (low - margin, high + margin)
}
