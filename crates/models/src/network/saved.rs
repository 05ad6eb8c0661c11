//! Kinds of networks in saved files, and the stored form of their configurations.
//!
//! The kinds `v3`, `v31`, `v32` and `v32-stateful` are older than [`NetworkConfig`] and keep their
//! own stored forms. Every other network has the kind `network` and stores its full configuration.
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
/// Kind of a network that is not a preset.
pub(crate) const NETWORK: &str = "network";

/// All kinds of networks.
pub(crate) const KINDS: [&str; 5] = [V3, V31, V32, V32_STATEFUL, NETWORK];

/// Loads a network of any kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(Network::from_artifact(artifact)?))
}

/// Stored configuration of v3, v3.2 and the stateful v3.2.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredLastStep {
    hidden_size: usize,
}

/// Stored configuration of v3.1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredAttention {
    hidden_size: usize,
    attention_size: usize,
    dense: Vec<usize>,
    dropout: f64,
}

/// Configuration in the stored form of its kind.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum StoredConfig {
    LastStep(StoredLastStep),
    Attention(StoredAttention),
    Whole(NetworkConfig),
}

/// Returns the kind of a configuration.
pub(crate) fn kind(config: &NetworkConfig) -> &'static str {
    let Some(bidirectional) = config.encoder.is_bidirectional_lstm() else { return NETWORK };
    let head_only = config.dense.is_empty() && config.dropout == 0.0;
    match (bidirectional, config.pooling, config.stateful) {
        (true, Pooling::LastStep, false) if head_only => V3,
        (true, Pooling::Attention { .. }, false) => V31,
        (false, Pooling::LastStep, false) if head_only => V32,
        (false, Pooling::LastStep, true) if head_only => V32_STATEFUL,
        _ => NETWORK,
    }
}

/// Converts a configuration to the stored form of its kind.
pub(super) fn to_stored(config: &NetworkConfig) -> StoredConfig {
    let hidden_size = config.encoder.units();
    match (kind(config), config.pooling) {
        (V3 | V32 | V32_STATEFUL, _) => StoredConfig::LastStep(StoredLastStep { hidden_size }),
        (V31, Pooling::Attention { units: attention_size }) => {
            let (dense, dropout) = (config.dense.clone(), config.dropout);
            StoredConfig::Attention(StoredAttention { hidden_size, attention_size, dense, dropout })
        }
        _ => StoredConfig::Whole(config.clone()),
    }
}

/// Reads the configuration of a network from a file.
///
/// # Errors
/// [`LoadError::Kind`] for a model that is not a network, [`LoadError::Damaged`] for a
/// configuration in another form.
pub(super) fn read(artifact: &Artifact) -> Result<NetworkConfig, LoadError> {
    let kind = artifact.kind();
    match kind {
        V3 | V32 | V32_STATEFUL => {
            let StoredLastStep { hidden_size: units } = artifact.config()?;
            let encoder = Encoder::Lstm { units, bidirectional: kind == V3 };
            Ok(NetworkConfig { stateful: kind == V32_STATEFUL, ..NetworkConfig::new(encoder) })
        }
        V31 => {
            let StoredAttention { hidden_size: units, attention_size, dense, dropout } =
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
