//! Comparison of windvane with other libraries on the same work; prints a table.
mod data;
mod fitted;
mod indicator;
mod measure;
mod network;
mod peer;
mod peer_windvane;
mod reference;
mod table;
mod workload;

#[cfg(any(feature = "ort", feature = "rten", feature = "tract"))]
mod onnx;
#[cfg(feature = "burn")]
mod peer_burn;
#[cfg(feature = "candle")]
mod peer_candle;
#[cfg(any(feature = "csv", feature = "polars"))]
mod peer_csv;
#[cfg(feature = "kand")]
mod peer_kand;
#[cfg(feature = "ort")]
mod peer_ort;
#[cfg(feature = "rten")]
mod peer_rten;
#[cfg(feature = "rust-lstm")]
mod peer_rust_lstm;
#[cfg(feature = "ta")]
mod peer_ta;
#[cfg(feature = "tract")]
mod peer_tract;
#[cfg(feature = "yata")]
mod peer_yata;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use data::Data;
use peer::{Offer, Peer, Task};
use table::PeerRow;
use workload::Workload;

const USAGE: &str = "\
usage: windvane-peers [--series N] [--seconds S] [--peers NAME,..] [WORK ..]
  --series N    number of series per peer; the series of the peers alternate (3)
  --seconds S   length of one series (1)
  --peers ..    only peers whose name begins with one of these (windvane included)
  WORK          only work whose name contains this: v32-window, batch, train, step, signals, ..";

struct Settings {
    series: usize,
    time: Duration,
    peers: Vec<String>,
    works: Vec<Workload>,
}

fn main() -> ExitCode {
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let data = Data::new();
    let wanted = |peer: &Box<dyn Peer>| {
        settings.peers.is_empty() || settings.peers.iter().any(|name| peer.name().starts_with(name))
    };
    let peers: Vec<Box<dyn Peer>> = peer::all().into_iter().filter(wanted).collect();
    let (mut missing, mut wrong) = (BTreeSet::new(), false);
    println!("{}", table::HEAD);
    for work in &settings.works {
        let rows = run(*work, &peers, &data, &settings, &mut missing);
        print!("{}", table::section(*work, &rows));
        wrong |= rows.iter().any(|row| !row.passes && row.peer == "windvane");
    }
    for (peer, why) in missing {
        println!("\n{peer} is omitted: {why}");
    }
    if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Checks the outputs of every peer, then measures them in alternating series.
fn run(
    work: Workload,
    peers: &[Box<dyn Peer>],
    data: &Data,
    settings: &Settings,
    missing: &mut BTreeSet<(&'static str, String)>,
) -> Vec<PeerRow> {
    let expected = reference::expected(work, data);
    let (mut rows, mut tasks): (Vec<PeerRow>, Vec<(Task<'_>, usize)>) = (Vec::new(), Vec::new());
    for peer in peers {
        let task = match peer.offer(work, data, false) {
            Offer::Task(task) => task,
            Offer::Nothing => continue,
            Offer::Missing(why) => {
                missing.insert((peer.name(), why));
                continue;
            }
        };
        let difference = reference::difference(work, &reference::outputs(work, task), &expected);
        let passes = difference <= reference::TOLERANCE;
        if let Offer::Task(task) = peer.offer(work, data, true) {
            tasks.push((task, 0));
            rows.push(PeerRow { peer: peer.name(), difference, passes, series: Vec::new() });
        }
    }
    for _ in 0..settings.series {
        for (row, (task, next)) in rows.iter_mut().zip(&mut tasks) {
            eprintln!("{}: {}", work.name(), row.peer);
            row.series.push(measure::series(work, task, settings.time, next));
        }
    }
    rows
}

fn settings(mut args: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings =
        Settings { series: 3, time: Duration::from_secs(1), peers: Vec::new(), works: Vec::new() };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match &arg[..] {
            "--series" => {
                settings.series = value()?
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or("--series needs a whole number above 0")?;
            }
            "--seconds" => {
                let seconds: f64 = value()?.parse().map_err(|_| "--seconds needs a number")?;
                settings.time = Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())?;
            }
            "--peers" => settings.peers = value()?.split(',').map(str::to_string).collect(),
            name => {
                let found = |work: &Workload| work.name().contains(name);
                let before = settings.works.len();
                settings.works.extend(Workload::all().into_iter().filter(found));
                if settings.works.len() == before {
                    return Err(format!("no work has a name with {name:?}"));
                }
            }
        }
    }
    if settings.works.is_empty() {
        settings.works = Workload::all();
    }
    Ok(settings)
}
