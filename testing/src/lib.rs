//! Shared support of the workspace's tests: golden numbers, candles, saved models, predictor
//! checks.
//!
//! Golden tests read the folder in the environment variable `WINDVANE_GOLDEN_DIR`, by default the
//! small copy in `fixtures/golden`. They use the folder's index or file list, so the same test
//! runs on every set in the same formats.
#![forbid(unsafe_code)]

mod golden;
#[cfg(feature = "candles")]
mod hours;
#[cfg(feature = "predictor")]
pub mod predictor;
#[cfg(feature = "saved")]
pub mod saved;
mod table;
mod tensors;

pub use golden::{Unsupported, golden_dir, golden_parts, json, list};
#[cfg(feature = "candles")]
pub use hours::{assert_hours, hours};
pub use table::GoldenTable;
pub use tensors::{GoldenTensor, TensorFile};

/// Asserts `max |got - want| <= tolerance * max(max |want|, floor)`; the message has the worst
/// entry.
///
/// # Panics
/// If the lengths differ, a number is NaN, or the tolerance is exceeded.
pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64, floor: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    let scale = want.iter().fold(floor, |m, w| m.max(w.abs()));
    let mut worst = (0, 0.0);
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let difference = (g - w).abs();
        assert!(!difference.is_nan(), "{what}[{i}]: got {g}, want {w}");
        if difference > worst.1 {
            worst = (i, difference);
        }
    }
    assert!(
        worst.1 <= tolerance * scale,
        "{what}[{}]: got {}, want {}, difference {:e} of scale {scale:e}, tolerance {tolerance:e}",
        worst.0,
        got[worst.0],
        want[worst.0],
        worst.1,
    );
}
