//! The golden numbers once more in processes whose kernel is forced by the environment.
use std::process::{Command, Output};

use windvane_lstm_core::{Biases, Kernel, LstmShape, PackedLstm};

const VARIABLE: &str = "WINDVANE_KERNEL";
const LEVELS: [&str; 3] = ["portable", "avx2", "avx512"];

/// This test program again, the tests whose names hold `tests`, under a kernel of that name.
fn under(kernel: &str, tests: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    // Without the tests that start this program: they would start it without end.
    let args = [tests, "--skip", "forced_kernels", "--include-ignored", "--nocapture"];
    Command::new(program).args(args).env(VARIABLE, kernel).output().unwrap()
}

/// Not a test of its own: what the others run under a forced kernel.
#[test]
#[ignore = "needs a forced kernel"]
fn child_runs_on_the_forced_kernel() {
    let shape = LstmShape::new(2, 3, Biases::One).unwrap();
    let weights = vec![0.1_f32; shape.len()];
    let lstm = PackedLstm::new(shape, shape.params(&weights).unwrap());
    let forced = std::env::var(VARIABLE).unwrap();
    assert_eq!(lstm.unwrap_or_else(|error| panic!("{error}")).kernel().name(), forced);
}

#[test]
fn forced_kernels_reproduce_reference_results() {
    for kernel in Kernel::available() {
        for tests in ["child_runs_on", "golden_"] {
            let ran = under(kernel.name(), tests);
            let said = String::from_utf8_lossy(&ran.stdout);
            assert!(ran.status.success(), "{}: {said}", kernel.name());
            assert!(!said.contains(" 0 passed"), "no test is named like {tests}");
        }
    }
}

#[test]
fn forced_kernel_missing_or_unknown_fails_with_advice() {
    let there = |level: &&str| Kernel::available().iter().any(|kernel| kernel.name() == *level);
    let missing = LEVELS.into_iter().filter(|level| !there(level));
    for level in missing.chain(["avx9"]) {
        let ran = under(level, "child_runs_on");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && said.contains("unset it"), "{level}: {said}");
    }
}
