//! Reads every file of a folder of difficult files, named by `WINDVANE_CASES_DIR`, and prints what
//! becomes of each.

use std::path::{Path, PathBuf};

use windvane_candles::Pair;
use windvane_readers::read_file;

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|end| end != "md") {
            all.push(path);
        }
    }
}

#[test]
fn every_difficult_file_is_read_or_refused() {
    let Some(folder) = std::env::var_os("WINDVANE_CASES_DIR").map(PathBuf::from) else { return };
    let mut all = vec![];
    files(&folder, &mut all);
    for path in all {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match read_file(&path, Pair::new("ANY").unwrap()) {
            Ok(read) => {
                let (first, last) =
                    (read.series.get(0).unwrap(), read.series.candles().last().unwrap());
                println!(
                    "{name}: {} of {} rows, {}, {}",
                    read.series.len(),
                    read.rows,
                    read.series.interval(),
                    read.format
                );
                println!("    first {} {:?}", first.open_time(), first.values());
                println!("    last  {} {:?}", last.open_time(), last.values());
                read.notes.iter().for_each(|note| println!("    - {note}"));
            }
            Err(error) => println!(
                "{name}: REFUSED {}",
                error.to_string().replace(&folder.display().to_string(), "")
            ),
        }
    }
}
