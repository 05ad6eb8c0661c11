//! Report of the parts of the golden set that no test reads.
use std::io::Write as _;

use windvane_testing::golden_parts;

/// Parts that a test reads.
const READ: [&str; 10] = [
    "a_lstm",
    "b_models",
    "c_training",
    "d_signals",
    "e_onnx",
    "f_metrics",
    "g_learning",
    "h_markets",
    "i_layers",
    "j_models",
];

#[test]
fn golden_parts_without_test_are_reported() {
    let parts = golden_parts();
    assert!(!parts.is_empty(), "the golden folder has no part");
    let unread: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !READ.contains(part)).collect();
    if !unread.is_empty() {
        let (count, names) = (unread.len(), unread.join(", "));
        let _ = writeln!(std::io::stderr(), "golden: {count} parts are not supported: {names}");
    }
}
