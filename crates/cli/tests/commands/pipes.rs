//! Closed pipes and help texts.
use std::fs;
use std::process::Stdio;

use crate::support::{candles, command, text, windvane};

/// Runs the command with closed readers of standard output and standard error.
fn with_closed_pipes(arguments: &[&str]) -> Option<i32> {
    let mut child =
        command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().unwrap().code()
}

#[test]
fn closed_pipe_is_no_error_and_report_is_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("W.csv"), candles(400, 0.0)).unwrap();
    let (data, out) = (folder.path().join("W.csv"), folder.path().join("out"));
    let arguments = ["backtest", "--quick", "--models", "v2", "--data", text(&data)];
    let code = with_closed_pipes(&[&arguments[..], &["--out", text(&out)]].concat());
    assert_eq!(code, Some(0));
    for file in ["report.html", "report.md", "report.json"] {
        assert!(out.join(file).exists(), "{file}");
    }
    assert_eq!(with_closed_pipes(&["inspect", text(&data)]), Some(0));
    assert_eq!(with_closed_pipes(&["--help"]), Some(0));
}

#[test]
fn help_lists_commands_and_models() {
    let help = windvane(&["--help"]).ok();
    for command in ["backtest", "fit", "predict", "inspect", "diagnose", "export", "latency"] {
        assert!(help.contains(&format!("  {command} ")), "{help}");
        let own = windvane(&[command, "--help"]).ok();
        assert!(own.contains(&format!("Usage: windvane {command}")), "{own}");
    }
    let own = windvane(&["backtest", "--help"]).ok();
    assert!(own.contains("v3.2 (LSTM, 32 units)"), "{own}");
}

#[test]
fn unknown_command_is_an_error_and_other_programs_run() {
    let error = windvane(&["backtes"]).error();
    assert!(error.contains("no command is named backtes"), "{error}");
    let error = windvane(&["download", "--pair", "BTCUSDT"]).error();
    assert!(error.contains("integrations/exchange"), "{error}");
    assert_eq!(windvane(&["no/such"]).code, Some(1));
}
