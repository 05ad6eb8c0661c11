//! Writers that are killed: the file is whole at every moment, and what they leave is swept up.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use windvane_models::v32::FastLstm;
use windvane_models::{DirectionModel, load};

const FILE: &str = "WINDVANE_TEST_SAVES_TO";
const KILLS: u64 = 50;

fn model() -> FastLstm {
    FastLstm::from_bytes(include_bytes!("data/v32.format1.safetensors")).unwrap()
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "runs until it is killed"]
fn a_child_that_saves_until_it_is_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let model = model();
    loop {
        model.save(Path::new(&path)).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model().save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for kill in 0..KILLS {
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_that_saves_until_it_is_killed", "--ignored"])
            .env(FILE, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Once it writes, at another moment of its loop each time.
        while std::fs::metadata(&path).unwrap().modified().unwrap() == before {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(kill * 137 % 3_000));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole, "kill {kill}");
        load(&path).unwrap();
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count() - 1;
    assert!(left as u64 <= KILLS, "at most one temporary file per killed writer: {left}");
}

#[test]
fn old_temporary_files_are_swept_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, age: u64| {
        let file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    for gone in [".model.17.0.tmp", ".model.4711.12.tmp"] {
        make(gone, 3_600);
    }
    let others =
        [".model.17.1.tmp", ".model.tmp", ".model.17.x.tmp", ".model.b.1.2.tmp", "model.1.2.tmp"];
    for (index, stays) in others.iter().enumerate() {
        make(stays, if index == 0 { 5 } else { 3_600 });
    }
    model().save(&folder.path().join("model")).unwrap();
    let names = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected: Vec<String> = others.iter().map(|name| (*name).to_string()).collect();
    expected.push("model".into());
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
