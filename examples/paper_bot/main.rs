//! A bot: connects to a stream of candles, predicts at each close, trades the calls on paper, and
//! leaves the report of a backtest behind.
//!
//! Start an exchange to practise on, `cargo run --release --example replay_exchange`, and beside it
//! `cargo run --release --example paper_bot`. Ctrl-C ends it; `-- --help` lists the options.
#[path = "../shared/candles.rs"]
mod candles;
mod connection;
pub(crate) mod feed;
#[allow(dead_code, reason = "the exchange writes what the bot reads")]
#[path = "../shared/kline.rs"]
pub(crate) mod kline;
pub(crate) mod options;
mod report;
pub(crate) mod trader;
mod view;

use windvane::models::v32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use windvane::backtest::Report;
use windvane::ensemble;
use windvane::prelude::*;

use connection::{Connection, Heard};
use feed::Feed;
use options::Options;
use trader::Trader;
use view::View;

type Error = Box<dyn std::error::Error>;

/// What a run leaves behind.
pub(crate) struct Outcome {
    pub(crate) trader: Trader,
    pub(crate) feed: Feed,
    pub(crate) report: Report,
}

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    let listening = ctrlc::set_handler(move || set.store(true, Ordering::Relaxed));
    match listening.map_err(Error::from).and_then(|()| run(&options, &stop)) {
        Ok(Outcome { trader, feed, report }) => {
            let predicted = trader.decisions.len();
            let (streamed, missing) = (trader.streamed(), feed.ledger.missing);
            println!("\n{streamed} candles streamed, {predicted} predicted, {missing} never came");
            println!("{}", report.verdict());
            println!("report.html, report.md and report.json are in {}", options.out.display());
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Trades until the stream ends or the bot is told to stop, then writes the report.
pub(crate) fn run(options: &Options, stop: &AtomicBool) -> Result<Outcome, Error> {
    if !(0.0..=1e4).contains(&options.cost) {
        return Err(format!("--cost {}: 0 to 10000 basis points", options.cost).into());
    }
    let series = candles::candles(options.data.as_deref(), &options.pair)?;
    let model: Arc<dyn FittedModel> = match &options.model {
        Some(file) => ensemble::kinds().load(file)?.into(),
        None => Arc::new(v32::pretrained()),
    };
    let (pair, interval) = (series.pair().clone(), series.interval());
    let mut trader = Trader::new(model, pair, interval, options.cost)?;
    let mut feed = Feed::new(&series);
    let ended = trade(options, stop, &mut trader, &mut feed)?;
    if let Some(reason) = ended {
        eprintln!("trading ended: {reason}");
    }
    let report = report::report(&trader, &feed.ledger)?;
    report.write(&options.out)?;
    Ok(Outcome { trader, feed, report })
}

/// Follows the stream; what comes back is why it could not go on, if it could not.
fn trade(
    options: &Options,
    stop: &AtomicBool,
    trader: &mut Trader,
    feed: &mut Feed,
) -> Result<Option<String>, Error> {
    let mut view = View::new();
    let history = usize::try_from(options.history)?;
    let most = options.candles.map_or(Ok(usize::MAX), usize::try_from)?;
    let Some(mut connection) = Connection::open(&options.url, stop)? else { return Ok(None) };
    let mut reason = None;
    while !stop.load(Ordering::Relaxed) && trader.streamed() < most {
        match connection.hear() {
            Heard::Text(text) => {
                let news = feed.hear(&text);
                if let Some(question) = news.ask {
                    connection.send(question);
                }
                let past = news.closed.iter().filter(|candle| !feed.streams(candle)).count();
                for candle in news.closed.iter().skip(past.saturating_sub(history)) {
                    let streamed = feed.streams(candle);
                    if trader.streamed() == most {
                        break;
                    }
                    if let Err(error) = trader.on_candle(candle, streamed) {
                        return Ok(Some(error.to_string()));
                    }
                    if streamed {
                        view.closed(trader);
                    }
                }
                view.draw(trader, feed, "connected", false);
            }
            Heard::Nothing => view.draw(trader, feed, "connected", false),
            Heard::End => break,
            Heard::Broken => {
                feed.disconnected();
                view.draw(trader, feed, "connecting again", false);
                match Connection::open(&options.url, stop) {
                    Ok(Some(again)) => connection = again,
                    Ok(None) => break,
                    Err(error) => {
                        reason = Some(error);
                        break;
                    }
                }
            }
        }
    }
    connection.close();
    view.draw(trader, feed, "stopped", true);
    Ok(reason)
}
