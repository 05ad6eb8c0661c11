//! Any bytes as a saved model, and as the weights of a PyTorch model.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use windvane_ensemble::kinds;
use windvane_fuzz::{models, within};
use windvane_models::network::Network;
use windvane_models::{v3, v31, v32};
use windvane_models::{FittedModel, LoadError, ModelSpec};
use windvane_signals::Scaler;

static FITTED: LazyLock<(ModelSpec, Scaler)> = LazyLock::new(|| {
    let model = kinds().from_bytes(models::SAVED[4]).expect("a saved model");
    (model.spec().clone(), model.scaler().expect("networks scale").clone())
});

fuzz_target!(|bytes: &[u8]| {
    let most = models::bound(bytes.len());
    if let Ok(model) = within(most, || kinds().from_bytes(bytes)) {
        models::check(model);
    }
    let (spec, scaler) = &*FITTED;
    let boxed = |model: Result<Box<dyn FittedModel>, LoadError>| {
        model.into_iter().for_each(models::check)
    };
    let (v3, v31, v32) = within(3 * most, || {
        let given = || (spec.clone(), scaler.clone());
        let v3 = Network::from_state_dict(bytes, &v3::config(), given().0, given().1);
        let v31 = Network::from_state_dict(bytes, &v31::config(), given().0, given().1);
        (v3, v31, Network::from_state_dict(bytes, &v32::config(), given().0, given().1))
    });
    boxed(v3.map(|model| Box::new(model) as _));
    boxed(v31.map(|model| Box::new(model) as _));
    boxed(v32.map(|model| Box::new(model) as _));
});
