//! Writes the inputs that fuzzing starts from.
//!
//! Without an option: the tracked seeds in `fuzz/seeds`. With `--corpus DIR`: the large corpus, a
//! grid of formats, models and predictor lives, one folder per target, which is not tracked.

mod archives;
mod columnar;
mod lives;
mod models;
mod text;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use windvane_candles::{CandleSeries, Interval, simulate::MarketModel};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Folder that seeds are written to, and how many of them.
struct Seeds {
    folder: PathBuf,
    is_large: bool,
}

impl Seeds {
    /// Folder and size from the command line.
    fn from_arguments() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => {
                let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds");
                Ok(Self { folder, is_large: false })
            }
            ["--corpus", folder] => Ok(Self { folder: folder.into(), is_large: true }),
            _ => Err("expected no option, or --corpus DIR".into()),
        }
    }

    fn is_large(&self) -> bool {
        self.is_large
    }

    /// Lengths of the candle files.
    fn lengths(&self) -> Vec<usize> {
        if self.is_large { vec![1, 2, 8, 30, 100] } else { vec![8] }
    }

    fn keep(&self, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), bytes)?)
    }
}

/// Simulated hourly candles.
fn series(candles: usize) -> Result<CandleSeries> {
    Ok(MarketModel::REGIME.candles("SIM".parse()?, Interval::HOUR, candles, 1)?)
}

fn main() -> Result<()> {
    let seeds = Seeds::from_arguments()?;
    archives::write(&seeds)?;
    columnar::write(&seeds)?;
    models::write(&seeds)?;
    lives::write(&seeds)?;
    for entry in fs::read_dir(&seeds.folder)? {
        let folder = entry?.path();
        println!("{:5} {}", fs::read_dir(&folder)?.count(), folder.display());
    }
    Ok(())
}
