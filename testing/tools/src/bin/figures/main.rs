//! Figures of `docs/`, drawn from the embedded sample, the pretrained model and measured tables.
//!
//! `cargo run --release -p windvane-tools --bin figures` writes them into `docs/images`.
mod chart;
mod curves;
mod gates;
mod growth;
mod ink;
mod signals;

use std::path::PathBuf;

use clap::Parser;

/// Name and content of a figure's file.
pub(crate) type Figure = (String, String);

pub(crate) type Error = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(about = "Draw the figures of docs/")]
struct FiguresOptions {
    /// Folder to write into.
    #[arg(long, default_value = "docs/images")]
    out: PathBuf,
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command-line program")]
fn run() -> Result<(), Error> {
    let options = FiguresOptions::parse();
    std::fs::create_dir_all(&options.out)?;
    let (signals, table) = (signals::figures()?, signals::table()?);
    let others = [
        signals::warm_up(&table)?,
        curves::schedules()?,
        curves::calibration()?,
        gates::figure(&table)?,
    ];
    for (name, svg) in signals.into_iter().chain(others).chain(growth::figures()?) {
        let path = options.out.join(format!("{name}.svg"));
        std::fs::write(&path, &svg)?;
        println!("{} {} bytes", path.display(), svg.len());
    }
    Ok(())
}
