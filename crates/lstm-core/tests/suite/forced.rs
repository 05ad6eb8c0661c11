//! Golden tests in child processes whose kernel is set by the environment variable.
use std::process::{Command, Output};

use windvane_lstm_core::{Biases, Kernel, LstmShape, PackedLstm};

const VARIABLE: &str = "WINDVANE_KERNEL";
const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

/// Runs this test program again with a kernel: the tests whose names contain `tests`.
fn run_with_kernel(kernel: &str, tests: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    // A child process must not start further ones, so their tests are skipped.
    let args = [tests, "--skip", "forced_kernels_", "--include-ignored", "--nocapture"];
    Command::new(program).args(args).env(VARIABLE, kernel).output().unwrap()
}

/// Checks the kernel inside a child process; the other tests run it.
#[test]
#[ignore = "run by other tests, which set the kernel"]
fn child_runs_on_the_forced_kernel() {
    let shape = LstmShape::new(2, 3, Biases::One).unwrap();
    let weights = vec![0.1_f32; shape.len()];
    let lstm = PackedLstm::new(shape, shape.params(&weights).unwrap());
    let forced = std::env::var(VARIABLE).unwrap();
    assert_eq!(lstm.unwrap_or_else(|error| panic!("{error}")).kernel().name(), forced);
}

#[test]
fn forced_kernels_reproduce_pytorch_numbers() {
    for kernel in Kernel::available() {
        for tests in ["child_runs_on", "golden_"] {
            let child = run_with_kernel(kernel.name(), tests);
            let output = String::from_utf8_lossy(&child.stdout);
            assert!(child.status.success(), "{}: {output}", kernel.name());
            assert!(!output.contains(" 0 passed"), "no test name contains {tests}");
        }
    }
}

#[test]
fn forced_kernel_missing_or_unknown_fails_with_advice() {
    let is_available =
        |name: &&str| Kernel::available().iter().any(|kernel| kernel.name() == *name);
    let missing = NAMES.into_iter().filter(|name| !is_available(name));
    for name in missing.chain(["avx9"]) {
        let child = run_with_kernel(name, "child_runs_on");
        let output = String::from_utf8_lossy(&child.stderr).into_owned();
        assert!(!child.status.success() && output.contains("unset"), "{name}: {output}");
    }
}
