//! The programs on the pages `live.md` and `tutorial.md` are those that the tests compile and run.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// Text of a source file after its header, which ends with the first empty line.
fn source(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let text = std::fs::read_to_string(file).unwrap();
    let (header, text) = text.split_once("\n\n").unwrap();
    assert!(header.lines().all(|line| line.starts_with("//!") || line.starts_with("#![")));
    text.to_string()
}

/// Code blocks of a page in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut parts = page.split("\n```");
    let mut blocks = Vec::new();
    while let Some(block) = parts.next() {
        let Some((first, code)) = block.split_once('\n') else { continue };
        if first == language || first.starts_with(&format!("{language},")) {
            blocks.push(format!("{code}\n"));
            parts.next(); // the text after the closing fence
        }
    }
    blocks
}

#[test]
fn live_page_shows_the_tested_loop() {
    assert_eq!(blocks(&page("live.md"), "rust")[0], source("live_loop.rs"));
}

#[test]
fn tutorial_page_shows_the_tested_program() {
    assert_eq!(blocks(&page("tutorial.md"), "rust").join("\n"), source("main.rs"));
}

#[test]
fn tutorial_program_prints_what_its_page_shows() {
    let folder = tempfile::tempdir().unwrap();
    let page = page("tutorial.md");
    let commands = blocks(&page, "sh").concat();
    let mut fitted = 0;
    for command in commands.lines().filter(|line| line.starts_with("windvane fit")) {
        let out = folder.path().join("model.safetensors");
        let words = command.split_whitespace().map(str::to_string);
        let out = ["--out".to_string(), out.display().to_string()];
        assert_eq!(windvane_cli::run(words.chain(out)), ExitCode::SUCCESS);
        fitted += 1;
    }
    let mut printed = String::new();
    let mut runs = 0;
    for command in commands.lines() {
        let Some(times) = command.strip_prefix("cargo run --release -- ") else { continue };
        let program = Command::new(env!("CARGO_BIN_EXE_tutorial"))
            .args(times.split_whitespace())
            .current_dir(&folder)
            .output()
            .unwrap();
        let [out, errors] = [program.stdout, program.stderr].map(|b| String::from_utf8(b).unwrap());
        assert!(program.status.success(), "{errors}");
        printed += &out;
        printed += &errors;
        runs += 1;
    }
    assert_eq!((fitted, runs), (1, 2));
    // Without the confidence: its last digits depend on the processor.
    let shown = blocks(&page, "text").concat();
    assert!(shown.lines().count() >= 6);
    for line in shown.lines().filter(|line| *line != "…") {
        let start = match line.matches(',').count() {
            4 => line.rsplit_once(',').unwrap().0,
            _ => line,
        };
        assert!(printed.lines().any(|line| line.starts_with(start)), "{line:?}\n{printed}");
    }
    // The journal has every prediction of both runs once.
    let journal = std::fs::read_to_string(folder.path().join("paper.csv")).unwrap();
    let predictions: Vec<&str> = printed.lines().filter(|line| line.starts_with("20")).collect();
    assert_eq!(journal.lines().collect::<Vec<_>>(), predictions);
}
