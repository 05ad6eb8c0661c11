//! Fuzz target: any bytes as a saved model, and as the `state_dict` of a PyTorch model.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{models, within};
use windvane_models::network::{Network, NetworkConfig};
use windvane_models::{LoadError, ModelSpec, v3, v31, v32};
use windvane_signals::Scaler;

static FITTED: LazyLock<(ModelSpec, Scaler)> = LazyLock::new(|| {
    let model = models::from_bytes(models::SAVED[4]).expect("a saved model");
    (model.spec().clone(), model.scaler().expect("networks scale").clone())
});

fuzz_target!(|bytes: &[u8]| {
    let limit = models::bound(bytes.len());
    if let Ok(model) = within(limit, || models::from_bytes(bytes)) {
        models::check(model);
    }
    for config in [v3::config(), v31::config(), v32::config()] {
        if let Ok(model) = within(limit, || state_dict(bytes, &config)) {
            models::check(Box::new(model));
        }
    }
});

fn state_dict(bytes: &[u8], config: &NetworkConfig) -> Result<Network, LoadError> {
    let (spec, scaler) = FITTED.clone();
    Network::from_state_dict(bytes, config, spec, scaler)
}
