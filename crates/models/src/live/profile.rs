//! Training-data profile for drift and novelty detection.
use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::{Deciles, SampleSet, SignalSpec, TrainSet, Window};

use crate::artifact::read_file;
use crate::{LoadError, SettingError, TrainError, replace_file};

/// Profile of the training windows of a model, for drift and novelty detection in
/// [`Predictor::set_guard`](crate::Predictor::set_guard). It is saved in a file of its own.
///
/// **Drift** compares the channel values of the last `window_len` decisions with the deciles of the
/// training's by the population stability index, channel by channel. The market has drifted when
/// a channel's index is above 2.5 times the largest of any run of as many decisions in
/// training.
///
/// **Novelty** looks at one window: with `z = (x − median) / (IQR / 1.349)` of the training's rows,
/// each channel has two features, its mean `z` (where it is) and `ln(mean |z| + 0.01)` (how wildly
/// it moves). A window is novel when a feature lies outside the training windows' range, made
/// half as wide again on both sides.
///
/// Both mean "unlike the training", not "the model is wrong", and a change that moves no
/// channel's values, such as a sign of autocorrelation that turns, shows in neither.
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
/// let wild = [0.2; 120]; // a rise of 20 % in each of 20 hours, among other things
/// let wild = Window::new(&wild, 6, Timestamp::from_millis(0)).unwrap();
/// assert!(profile.is_novel(&wild));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredProfile", into = "StoredProfile")]
pub struct TrainingProfile(StoredProfile);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredProfile {
    signals: SignalSpec,
    lookback: usize,
    /// Decisions that drift is measured over.
    #[serde(rename = "stretch")]
    window_len: usize,
    channels: Vec<ChannelProfile>,
}

/// One channel in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelProfile {
    /// `None` for one that did not vary.
    deciles: Option<Deciles>,
    /// The largest index that is no drift.
    #[serde(rename = "most_psi")]
    max_psi: f64,
    median: f64,
    /// 0 for a channel whose quartiles meet: it has no features.
    scale: f64,
    /// Least and largest mean z and log mean |z| that are not novel.
    place: (f64, f64),
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
        parts.signals.check()?;
        check_window_len(parts.window_len)?;
        let (width, got) = (parts.signals.width(), parts.channels.len());
        if got != width || parts.lookback == 0 {
            let setting = "channels of a training profile";
            SettingError::refuse::<()>(setting, "as many as its spec has", got as f64)?;
        }
        for ChannelProfile { max_psi, median, scale, place, spread, .. } in &parts.channels {
            let numbers = [*max_psi, *median, *scale, place.0, place.1, spread.0, spread.1];
            if let Some(&wrong) = numbers.iter().find(|number| !number.is_finite()) {
                SettingError::refuse::<()>("limits of a training profile", "finite", wrong)?;
            }
        }
        Ok(Self(parts))
    }
}

/// Range of the window length.
const WINDOW_LEN: std::ops::RangeInclusive<usize> = 50..=10_000;
/// Number of runs of that length that the training windows must cover.
const MIN_WINDOWS: usize = 4;
/// Of the largest index in training.
const MARGIN: f64 = 2.5;
/// Of half the range of a feature in training, on either side.
const WIDENING: f64 = 1.0;
/// Keeps the logarithm of a channel at rest finite.
const MIN_SPREAD: f64 = 0.01;
/// Distance of the quartiles of a standard normal variable.
const NORMAL_IQR: f64 = 1.349;

fn check_window_len(window_len: usize) -> Result<(), SettingError> {
    if WINDOW_LEN.contains(&window_len) {
        return Ok(());
    }
    let (setting, expected) = ("window_len of a training profile", "50 to 10000 decisions");
    Err(SettingError { setting, expected, got: window_len as f64 })
}

impl TrainingProfile {
    /// Measures training windows; drift is measured over the last `window_len` decisions. 250 is a fair
    /// number: fewer see a drift sooner, more see a smaller one. All that the windows hold counts
    /// as known: a profile of the last year sees more than one of years with a crash in them.
    ///
    /// # Errors
    /// [`TrainError::Setting`] unless `window_len` is 50 to 10,000, [`TrainError::TooFewWindows`]
    /// for fewer training windows than four times that.
    pub fn fit(train: &TrainSet, window_len: usize) -> Result<Self, TrainError> {
        check_window_len(window_len)?;
        let (expected, got) = (MIN_WINDOWS * window_len, train.len());
        let Some(table) = train.tables().first().filter(|_| got >= expected) else {
            return Err(TrainError::TooFewWindows { expected, got });
        };
        let channels = 0..train.width();
        let channels =
            channels.map(|channel| ChannelProfile::fit(train, channel, window_len)).collect();
        let (signals, lookback) = (table.spec().clone(), train.lookback());
        Ok(Self(StoredProfile { signals, lookback, window_len, channels }))
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::TooLarge`], and [`LoadError::Damaged`] for a file that
    /// is no profile.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let parsed = serde_json::from_slice(&read_file(path)?);
        parsed.map_err(|error| LoadError::Damaged {
            file: path.display().to_string(),
            problem: error.to_string(),
        })
    }

    /// Writes the profile to a file of JSON, replacing it whole or not at all.
    ///
    /// # Errors
    /// [`LoadError::Io`] with the old file as it was.
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

    /// Rows of the windows.
    pub fn lookback(&self) -> usize {
        self.0.lookback
    }

    /// Decisions that drift is measured over.
    pub fn window_len(&self) -> usize {
        self.0.window_len
    }

    /// Whether the window is unlike all of training; `false` for one of another shape.
    pub fn is_novel(&self, window: &Window<'_>) -> bool {
        window.width() == self.0.channels.len()
            && self.0.channels.iter().enumerate().any(|(index, channel)| {
                channel.features(index, window).is_some_and(|[place, spread]| {
                    is_outside(channel.place, place) || is_outside(channel.spread, spread)
                })
            })
    }

    /// The bin of a channel's value, 0 for a channel that did not vary.
    pub(crate) fn bin(&self, channel: usize, value: f64) -> u8 {
        let deciles = self.0.channels[channel].deciles.as_ref();
        deciles.map_or(0, |deciles| u8::try_from(deciles.bin(value)).unwrap_or(0))
    }

    /// Whether values that fell into the channels' bins so often have drifted; ten counts per
    /// channel.
    pub(crate) fn has_drifted(&self, counts: &[[u64; 10]]) -> bool {
        self.0.channels.iter().zip(counts).any(|(channel, counts)| {
            let deciles = channel.deciles.as_ref();
            deciles.is_some_and(|deciles| deciles.psi(&counts[..deciles.bins()]) > channel.max_psi)
        })
    }
}

impl ChannelProfile {
    fn fit(train: &SampleSet, channel: usize, window_len: usize) -> Self {
        // The values of the decisions, table by table in order of time.
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); train.tables().len()];
        for sample in train.samples() {
            let window = train.window(sample);
            values[sample.table].push(window.row(window.steps() - 1)[channel]);
        }
        let mut sorted = values.concat();
        sorted.sort_by(f64::total_cmp);
        let [q1, median, q3] = [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4]);
        let deciles = Deciles::from_sorted(&sorted);
        let max_psi = deciles.as_ref().map_or(0.0, |deciles| {
            let largest = values.iter().map(|values| largest_psi(deciles, values, window_len));
            MARGIN * largest.fold(0.0, f64::max)
        });
        let scale = (q3 - q1) / NORMAL_IQR;
        let mut fitted =
            Self { deciles, max_psi, median, scale, place: (0.0, 0.0), spread: (0.0, 0.0) };
        let features = train.samples().iter();
        let features: Vec<[f64; 2]> =
            features.filter_map(|s| fitted.features(channel, &train.window(s))).collect();
        fitted.place = widened(features.iter().map(|[place, _]| *place));
        fitted.spread = widened(features.iter().map(|[_, spread]| *spread));
        fitted
    }

    /// Mean z and log mean |z| of a channel; `None` for one without a scale.
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

/// Largest index of any run of neighbouring values; 0 where there is none.
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

fn is_outside((least, most): (f64, f64), value: f64) -> bool {
    value < least || value > most
}

/// The range of values, made wider; (0, 0) without any.
fn widened(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let range = values.fold(None, |range: Option<(f64, f64)>, value| {
        Some(range.map_or((value, value), |(least, most)| (least.min(value), most.max(value))))
    });
    let (least, most) = range.unwrap_or_default();
    let more = WIDENING * (most - least) / 2.0;
    (least - more, most + more)
}
