//! Settings of `windvane fit`, from options or from a TOML file.
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde::{Deserialize, Deserializer, de::Error as _};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::models::PolicyConfig;
use windvane::prelude::*;
use windvane::signals::Band;

use super::channels;
use crate::inputs::{InputArgs, Inputs};
use crate::memory::MemoryBudget;
use crate::{Error, models};

/// Settings of a fit, with the same names as options and in a settings file.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FitSettings {
    /// Model to fit [default: v32]
    #[arg(long, value_name = "NAME", value_parser = models::names())]
    model: Option<String>,
    /// Files of candles for training, or folders of such files [default: the embedded sample]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Instrument of the embedded sample for training without --data [default: BTCUSDT]
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    instrument: Option<String>,
    /// Interval of the candles, such as 1h, 1h+30m or 4h@session; files of a folder with another one are skipped.
    #[arg(long, value_name = "INTERVAL")]
    interval: Option<String>,
    /// Channels of the model, such as "momentum,rsi(period=21)", instead of --inputs
    #[arg(long, value_name = "LIST", value_parser = channels::split, allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["inputs", "leader"])]
    channels: Option<channels::ChannelList>,
    /// Inputs of the model: six, price-action (own pair, normalised), market (also leader, market
    /// and clock), or a TOML file with channels, lags and gaps [default: six]
    #[arg(long, value_name = "SET|FILE")]
    inputs: Option<String>,
    /// Leader of the set market [default: the pair whose name begins with BTC]
    #[arg(long, value_name = "PAIR")]
    leader: Option<String>,
    /// Number of rows per window [default: 20]
    #[arg(long, value_name = "N")]
    lookback: Option<usize>,
    /// Label to predict, instead of --horizon and a band: next, horizon:H (H candles ahead), band:K
    /// (NEUTRAL within K volatilities), barrier:A,H (first of ±A volatilities and H candles),
    /// relative:H (above the median of the pairs), cost:BP (beyond BP basis points) [default: next]
    #[arg(long, value_name = "LABEL")]
    #[arg(conflicts_with_all = ["horizon", "band", "volatility_band"])]
    #[serde(deserialize_with = "from_text")]
    label: Option<LabelSpec>,
    /// Horizon: number of candles ahead to predict [default: 1]
    #[arg(long, value_name = "N")]
    horizon: Option<usize>,
    /// NEUTRAL band: changes up to this fraction are NEUTRAL, such as 0.002 [default: 0]
    #[arg(long, value_name = "FRACTION")]
    band: Option<f64>,
    /// NEUTRAL band: changes up to this multiple of the volatility of the last 20 changes are
    /// NEUTRAL.
    #[arg(long, value_name = "FACTOR", conflicts_with = "band")]
    volatility_band: Option<f64>,
    /// Share of the last samples for validation (early stopping, calibration) [default: 0.15]
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Start of the validation period, instead of --validation.
    #[arg(long, value_name = "DATE", conflicts_with = "validation")]
    validate_from: Option<String>,
    /// Policy from predictions to positions, saved with the model: every (every candle) or top:S%
    /// (the largest S per cent of the expected moves on the validation candles), then leave:L%
    /// (exit level, per cent of the entry threshold), hold:N (at most N candles), long-only,
    /// proportional (size), separated by commas [default: none]
    #[arg(long, value_name = "RULES")]
    #[serde(deserialize_with = "from_text")]
    policy: Option<PolicyConfig>,
    /// Seed of every random draw [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Average the predictions of N seeds of the model, or of each member of an ensemble
    /// [default: 3 of trees, v32 and mlp, of each member of mixed and of the trees of tuned; 1 of the
    /// others]
    #[arg(long, value_name = "N", value_parser = models::seed_count())]
    #[serde(deserialize_with = "seed_count")]
    average_seeds: Option<u16>,
    /// Maximum number of epochs [default: the model's own]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Epochs without a better validation loss before training stops [default: the model's own]
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// Learning rate before the schedule [default: the model's own]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// Batch size: number of windows per step [default: the model's own]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Memory budget, such as 8GiB. If candles, table values and samples need more, the values are
    /// written to a temporary file in TMPDIR, which must not be a file system in memory; the model is
    /// the same. Models with trees, second models or regimes need the values in memory [default: no
    /// limit]
    #[arg(long, value_name = "SIZE")]
    #[serde(deserialize_with = "from_text")]
    memory: Option<MemoryBudget>,
    /// File to write; the training profile is saved beside it [default: model.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads a label or a policy in its text form.
fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads a number of seeds.
fn seed_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    match u16::deserialize(deserializer)? {
        0 => Err(D::Error::custom("average-seeds is 0; give at least 1")),
        count => Ok(Some(count)),
    }
}

impl FitSettings {
    /// Reads a settings file; its relative paths are relative to its folder.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, with line and column.
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let mut settings: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        settings.check_exclusive().map_err(|error| format!("{}: {error}", file.display()))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for path in settings.data.iter_mut().chain(&mut settings.out) {
            *path = folder.join(&*path);
        }
        let is_file = |inputs: &&mut String| Path::new(inputs.as_str()).extension().is_some();
        if let Some(inputs) = settings.inputs.as_mut().filter(is_file) {
            *inputs = folder.join(&*inputs).display().to_string();
        }
        Ok(settings)
    }

    /// Checks that a file has no two settings that exclude each other.
    fn check_exclusive(&self) -> Result<(), String> {
        let pairs = [
            ("data and instrument", !self.data.is_empty() && self.instrument.is_some()),
            (
                "channels and inputs",
                self.channels.is_some() && (self.inputs.is_some() || self.leader.is_some()),
            ),
            (
                "label and horizon, band or volatility-band",
                self.label.is_some() && self.sets_band(),
            ),
            ("band and volatility-band", self.band.is_some() && self.volatility_band.is_some()),
            (
                "validation and validate-from",
                self.validation.is_some() && self.validate_from.is_some(),
            ),
        ];
        match pairs.iter().find(|(_, both)| *both) {
            Some((names, _)) => Err(format!("{names} exclude each other; remove one of them")),
            None => Ok(()),
        }
    }

    /// Returns whether a setting other than the label determines a part of it.
    fn sets_band(&self) -> bool {
        self.horizon.is_some() || self.band.is_some() || self.volatility_band.is_some()
    }

    /// Returns these settings, completed with those of a file.
    pub(super) fn or(self, file: Self) -> Self {
        // A label and the parts of one exclude each other, so the file completes only its own kind.
        let label = if self.sets_band() { None } else { self.label.or(file.label) };
        let horizon = if label.is_some() { None } else { self.horizon.or(file.horizon) };
        let data_given = !self.data.is_empty() || self.instrument.is_some();
        let (data, instrument) =
            if data_given { (self.data, self.instrument) } else { (file.data, file.instrument) };
        let (band, volatility_band) = if label.is_some() {
            (None, None)
        } else if self.band.is_some() || self.volatility_band.is_some() {
            (self.band, self.volatility_band)
        } else {
            (file.band, file.volatility_band)
        };
        let (channels, inputs, leader) =
            if self.channels.is_some() || self.inputs.is_some() || self.leader.is_some() {
                (self.channels, self.inputs, self.leader)
            } else {
                (file.channels, file.inputs, file.leader)
            };
        let (validation, validate_from) =
            if self.validation.is_some() || self.validate_from.is_some() {
                (self.validation, self.validate_from)
            } else {
                (file.validation, file.validate_from)
            };
        Self {
            model: self.model.or(file.model),
            data,
            instrument,
            interval: self.interval.or(file.interval),
            channels,
            inputs,
            leader,
            lookback: self.lookback.or(file.lookback),
            label,
            horizon,
            band,
            volatility_band,
            validation,
            validate_from,
            policy: self.policy.or(file.policy),
            seed: self.seed.or(file.seed),
            average_seeds: self.average_seeds.or(file.average_seeds),
            epochs: self.epochs.or(file.epochs),
            patience: self.patience.or(file.patience),
            learning_rate: self.learning_rate.or(file.learning_rate),
            batch: self.batch.or(file.batch),
            memory: self.memory.or(file.memory),
            out: self.out.or(file.out),
        }
    }

    /// Entry of the model to fit.
    ///
    /// # Errors
    /// An unknown name, or a model without a saved form.
    pub(super) fn model(&self) -> Result<ModelEntry, Error> {
        let entry: ModelEntry = self.model.as_deref().unwrap_or("v32").parse()?;
        if entry.kind.is_none() {
            return Err(format!(
                "model {} has no saved form and can only be backtested; choose another --model",
                entry.name
            )
            .into());
        }
        Ok(entry)
    }

    pub(super) fn data(&self) -> &[PathBuf] {
        &self.data
    }

    pub(super) fn instrument(&self) -> &str {
        self.instrument.as_deref().unwrap_or("BTCUSDT")
    }

    pub(super) fn interval(&self) -> Result<Option<Interval>, Error> {
        Ok(self.interval.as_deref().map(str::parse).transpose()?)
    }

    /// The inputs for a model of these series.
    pub(super) fn inputs(&self, all: &[CandleSeries]) -> Result<Inputs, Error> {
        if let Some(channels) = &self.channels {
            return Ok(Inputs::of(channels.specs()));
        }
        let args = InputArgs { inputs: self.inputs.clone(), leader: self.leader.clone() };
        args.resolve(&all.iter().collect::<Vec<_>>())
    }

    pub(super) fn lookback(&self) -> usize {
        self.lookback.unwrap_or(20)
    }

    pub(super) fn labels(&self) -> LabelSpec {
        if let Some(label) = self.label {
            return label;
        }
        let lookback = LabelSpec::VOLATILITY_LOOKBACK;
        let band = match (self.volatility_band, self.band) {
            (Some(factor), _) => Band::Volatility { factor, lookback },
            (None, Some(width)) => Band::Fixed { width },
            (None, None) => LabelSpec::default().band,
        };
        LabelSpec { horizon: self.horizon.unwrap_or(1), band }
    }

    /// Split of the samples into training and validation, without a test period.
    pub(super) fn split(&self, samples: &SampleSet) -> Result<Split, Error> {
        Ok(match &self.validate_from {
            Some(date) => Split::for_live_from(samples, date.parse()?)?,
            None => Split::for_live(samples, self.validation.unwrap_or(0.15))?,
        })
    }

    pub(super) fn policy(&self) -> Option<PolicyConfig> {
        self.policy
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    pub(super) fn training(&self, inputs: &Inputs) -> Hyperparameters {
        Hyperparameters {
            epochs: self.epochs,
            patience: self.patience,
            learning_rate: self.learning_rate,
            batch: self.batch,
            lags: inputs.lags.clone(),
            seeds: self.average_seeds.map(usize::from),
        }
    }

    pub(super) fn memory(&self) -> Option<MemoryBudget> {
        self.memory
    }

    pub(super) fn out(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("model.safetensors"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_options_take_precedence_over_file() {
        let file: FitSettings = toml::from_str(
            "model = 'v3'\nchannels = ['rsi(period=21)', 'momentum']\nvalidation = 0.2\nepochs = 3\nband = 0.1",
        )
        .unwrap();
        let flags = FitSettings {
            epochs: Some(5),
            validate_from: Some("2023-01-01".to_string()),
            volatility_band: Some(0.5),
            ..FitSettings::default()
        };
        let both = flags.or(file);
        assert_eq!((both.model.as_deref(), both.epochs), (Some("v3"), Some(5)));
        assert_eq!((both.validation, both.band), (None, None));
        assert_eq!(both.inputs(&[]).unwrap().channels[0].to_string(), "rsi(period=21)");
    }

    #[test]
    fn fit_rejects_unknown_and_exclusive_settings() {
        let error = toml::from_str::<FitSettings>("epoch = 3").unwrap_err().to_string();
        assert!(error.contains("unknown field `epoch`"), "{error}");
        let both: FitSettings = toml::from_str("band = 0.1\nvolatility-band = 0.1").unwrap();
        assert!(both.check_exclusive().unwrap_err().contains("band and volatility-band"));
        let both: FitSettings = toml::from_str("label = 'band:0.5'\nhorizon = 2").unwrap();
        assert!(both.check_exclusive().unwrap_err().contains("label and horizon"));
        let error = toml::from_str::<FitSettings>("average-seeds = 0").unwrap_err().to_string();
        assert!(error.contains("at least 1"), "{error}");
        let error = toml::from_str::<FitSettings>("label = 'tomorrow'").unwrap_err().to_string();
        assert!(error.contains("unknown label") && error.contains("barrier:A,H"), "{error}");
    }

    #[test]
    fn fit_policy_is_read_from_its_text() {
        let file: FitSettings = toml::from_str("policy = 'top:2%,hold:24'").unwrap();
        assert_eq!(file.policy().unwrap().to_text(), "top:2%,hold:24");
        let own = FitSettings { policy: "every".parse().ok(), ..FitSettings::default() };
        assert_eq!(own.or(file).policy(), Some(PolicyConfig::every_candle()));
        let error = toml::from_str::<FitSettings>("policy = 'top:2'").unwrap_err().to_string();
        assert!(error.contains("no share such as 5%"), "{error}");
    }

    #[test]
    fn fit_label_excludes_its_parts_in_the_other_source() {
        let text = |settings: FitSettings| settings.labels().to_string();
        let file = |text: &str| toml::from_str::<FitSettings>(text).unwrap();
        let label = FitSettings { label: "barrier:2,24".parse().ok(), ..FitSettings::default() };
        let parts = FitSettings { horizon: Some(4), ..FitSettings::default() };
        assert_eq!(text(label.or(file("horizon = 2\nband = 0.1"))), "barrier:2,24");
        assert_eq!(text(parts.clone().or(file("label = 'relative:24'"))), "horizon:4");
        assert_eq!(text(parts.or(file("volatility-band = 0.5"))), "band:0.5,4");
        assert_eq!(text(FitSettings::default().or(file("label = 'cost:7.5,2'"))), "cost:7.5,2");
        assert_eq!(text(FitSettings::default()), "next");
    }
}
