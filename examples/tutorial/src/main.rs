//! Program of `docs/tutorial.md`; the text after these lines is that of its blocks, in order.
#![expect(clippy::print_stdout, reason = "a bot prints its predictions")]

mod live_loop;

use std::collections::{BTreeMap, VecDeque};
use std::{fs::File, io::Write, sync::Arc};

use live_loop::{Bot, Result, Update, run};
use windvane::candles::simulate::MarketModel;
use windvane::{models::TrainingProfile, prelude::*};

const PAIRS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/// Bot on paper, connected to an exchange that plays simulated candles.
struct PaperBot {
    market: BTreeMap<Pair, CandleSeries>,
    updates: VecDeque<Update>,
    requests: usize,
    journal: File,
}

impl PaperBot {
    /// Plays the candles between two times.
    fn new(from: Timestamp, to: Timestamp) -> Result<Self> {
        let outage: (Timestamp, Timestamp) = ("2020-02-06".parse()?, "2020-02-06 02:00".parse()?);
        let mut market = BTreeMap::new();
        let mut closed = Vec::new();
        for (name, seed) in PAIRS.into_iter().zip(1..) {
            let pair: Pair = name.parse()?;
            let all = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, 2_000, seed)?;
            let mut candles = all.candles().to_vec();
            candles.retain(|candle| !(outage.0..outage.1).contains(&candle.open_time()));
            let series = CandleSeries::new(pair.clone(), Interval::HOUR, candles)?;
            closed.extend(series.between(from, to).iter().map(|candle| (pair.clone(), *candle)));
            market.insert(pair, series);
        }
        closed.sort_by_key(|(_, candle)| candle.open_time());
        let updates = closed.into_iter().flat_map(|(pair, candle)| {
            [Update::Forming, Update::Forming, Update::Closed(pair, candle)]
        });
        let journal = File::options().append(true).create(true).open("paper.csv")?;
        Ok(Self { market, updates: updates.collect(), requests: 0, journal })
    }
}

impl Bot for PaperBot {
    fn connect(&mut self) -> Result<()> {
        Ok(())
    }

    fn next(&mut self) -> Result<Update> {
        let update = self.updates.pop_front().unwrap_or(Update::Stop);
        if self.updates.len() % 99 == 48 {
            return Err("connection lost".into()); // and with it an update
        }
        Ok(update)
    }

    fn fetch(&mut self, pair: &Pair, from: Timestamp, to: Timestamp) -> Result<CandleSeries> {
        self.requests += 1;
        if self.requests % 5 == 2 {
            return Err("no answer within 10 s".into());
        }
        let series = self.market.get(pair).ok_or("unknown pair")?;
        Ok(series.between(from, to))
    }

    fn act(&mut self, pair: &Pair, candle: &Candle, prediction: Option<&Prediction>) {
        let Some(prediction) = prediction else { return };
        let (time, close) = (prediction.decided_at, candle.close());
        let (direction, confidence) = (prediction.direction, prediction.confidence);
        let line = format!("{time},{pair},{close},{direction},{confidence:.3}");
        println!("{line}");
        if let Err(error) = writeln!(self.journal, "{line}") {
            self.report(&format!("paper.csv: {error}"));
        }
    }

    fn wait(&mut self, _: u32) {} // the practice exchange is always back at once
}

fn main() -> Result<()> {
    let times: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &times[..] else { return Err("usage: paper-bot FROM TO".into()) };
    let mut bot = PaperBot::new(from.parse()?, to.parse()?)?;

    let model: Arc<dyn FittedModel> = load("model.safetensors")?.into();
    let profile = Arc::new(TrainingProfile::load("model.profile.json")?);
    let mut predictors = BTreeMap::new();
    for name in PAIRS {
        let mut predictor = Predictor::builder(Arc::clone(&model), Interval::HOUR)
            .pair(name.parse()?)
            .expire_after(24 * 90) // candles after the end of training
            .guard(Arc::clone(&profile))
            .build()?;
        if let Ok(state) = std::fs::read(format!("{name}.state"))
            && let Err(error) = predictor.restore(&state)
        {
            eprintln!("{name}: {error}; starting from history");
        }
        predictors.insert(name.parse()?, predictor);
    }
    run(&mut bot, &mut predictors);
    Ok(())
}
