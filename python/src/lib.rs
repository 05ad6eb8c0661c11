//! Native part of the Python package `windvane`: numpy arrays in, numpy arrays out.
//!
//! The Python files of the package convert data frames and document the functions for users.
mod audit;
mod backtest;
mod error;
mod fit;
mod model;
mod panel;
mod policy;
mod prediction;
mod predictor;
mod profile;
mod progress;
mod read;
mod series;
mod signals;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::audit::audit;
    #[pymodule_export]
    use super::backtest::{Report, backtest};
    #[pymodule_export]
    use super::error::Error;
    #[pymodule_export]
    use super::fit::{fit, models};
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::panel::PanelPredictor;
    #[pymodule_export]
    use super::policy::PositionTracker;
    #[pymodule_export]
    use super::prediction::{Outcome, Prediction};
    #[pymodule_export]
    use super::predictor::Predictor;
    #[pymodule_export]
    use super::profile::Profile;
    #[pymodule_export]
    use super::read::read;
    #[pymodule_export]
    use super::series::{Series, parse_time};
    #[pymodule_export]
    use super::signals::signals;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python packages use")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
