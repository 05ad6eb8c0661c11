//! Saved kinds of networks: which configuration has which kind, and its form in files.
//!
//! `v3`, `v31`, `v32` and `v32-stateful` are older than [`NetworkConfig`] and keep their own forms
//! for ever. Every other network is of the kind `network` and saves its configuration whole.
use serde::{Deserialize, Serialize};

use super::{Encoder, Network, NetworkConfig, Pooling};
use crate::{Artifact, FittedModel, Kinds, LoadError};

/// Kind of ML v3.
pub(crate) const V3: &str = "v3";
/// Kind of ML v3.1.
pub(crate) const V31: &str = "v31";
/// Kind of ML v3.2.
pub(crate) const V32: &str = "v32";
/// Kind of the stateful ML v3.2.
pub(crate) const V32_STATEFUL: &str = "v32-stateful";
/// Kind of a network that is none of the presets.
pub(crate) const NETWORK: &str = "network";

/// All kinds of networks.
pub(crate) const KINDS: [&str; 5] = [V3, V31, V32, V32_STATEFUL, NETWORK];

/// Loads a network of any kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(Network::from_artifact(artifact)?))
}

/// Stored form of v3, v3.2 and the stateful v3.2.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastState {
    hidden_size: usize,
}

/// Stored form of v3.1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attended {
    hidden_size: usize,
    attention_size: usize,
    dense: Vec<usize>,
    dropout: f64,
}

/// A configuration as its kind stores it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Stored {
    LastState(LastState),
    Attended(Attended),
    Whole(NetworkConfig),
}

/// The kind of a configuration.
pub(crate) fn kind(config: &NetworkConfig) -> &'static str {
    let Some(bidirectional) = config.encoder.lstm_directions() else { return NETWORK };
    let head_only = config.dense.is_empty() && config.dropout == 0.0;
    match (bidirectional, config.pooling, config.stateful) {
        (true, Pooling::LastStep, false) if head_only => V3,
        (true, Pooling::Attention { .. }, false) => V31,
        (false, Pooling::LastStep, false) if head_only => V32,
        (false, Pooling::LastStep, true) if head_only => V32_STATEFUL,
        _ => NETWORK,
    }
}

/// The form of a configuration in the files of its kind.
pub(super) fn stored(config: &NetworkConfig) -> Stored {
    let hidden_size = config.encoder.units();
    match (kind(config), config.pooling) {
        (V3 | V32 | V32_STATEFUL, _) => Stored::LastState(LastState { hidden_size }),
        (V31, Pooling::Attention { units: attention_size }) => {
            let (dense, dropout) = (config.dense.clone(), config.dropout);
            Stored::Attended(Attended { hidden_size, attention_size, dense, dropout })
        }
        _ => Stored::Whole(config.clone()),
    }
}

/// The configuration in a file.
///
/// # Errors
/// [`LoadError::Kind`] for a model that is no network, [`LoadError::Damaged`] for a configuration
/// of another form.
pub(super) fn read(artifact: &Artifact) -> Result<NetworkConfig, LoadError> {
    let kind = artifact.kind();
    match kind {
        V3 | V32 | V32_STATEFUL => {
            let LastState { hidden_size: units } = artifact.config()?;
            let encoder = Encoder::Lstm { units, bidirectional: kind == V3 };
            Ok(NetworkConfig { stateful: kind == V32_STATEFUL, ..NetworkConfig::new(encoder) })
        }
        V31 => {
            let Attended { hidden_size: units, attention_size, dense, dropout } =
                artifact.config()?;
            let pooling = Pooling::Attention { units: attention_size };
            let encoder = Encoder::Lstm { units, bidirectional: true };
            Ok(NetworkConfig { pooling, dense, dropout, ..NetworkConfig::new(encoder) })
        }
        NETWORK => artifact.config(),
        _ => {
            artifact.expect_kind("v3, v31, v32, v32-stateful or network")?;
            artifact.config()
        }
    }
}
