//! The loop of `docs/live.md` over the real outages of an exchange and every fault of a connection.
//!
//! Real candles cannot be part of the project: simulated prices stand at the real times. With
//! `WINDVANE_DATA_DIR` the same runs over every hourly series of that folder.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use live_loop::{Bot, Result, Update, run};
use windvane::candles::simulate::MarketModel;
use windvane::models::TableReader;
use windvane::prelude::*;
use windvane::readers::read_csv;

/// Candles that the exchange does not have, hourly BTCUSDT spot from 2018-03-01 to 2024-01-01: open
/// time of the first one, and their number.
const OUTAGES: [(&str, i64); 25] = [
    ("2018-06-26 02:00", 10),
    ("2018-06-27 13:00", 1),
    ("2018-07-04 01:00", 7),
    ("2018-10-19 06:00", 3),
    ("2018-11-14 02:00", 7),
    ("2019-03-12 02:00", 6),
    ("2019-05-15 03:00", 10),
    ("2019-08-15 02:00", 8),
    ("2019-11-13 02:00", 2),
    ("2019-11-25 02:00", 2),
    ("2020-02-09 02:00", 1),
    ("2020-02-19 12:00", 5),
    ("2020-03-04 10:00", 1),
    ("2020-04-25 02:00", 2),
    ("2020-06-28 02:00", 3),
    ("2020-11-30 06:00", 1),
    ("2020-12-21 15:00", 3),
    ("2020-12-25 02:00", 1),
    ("2021-02-11 04:00", 1),
    ("2021-03-06 02:00", 1),
    ("2021-04-20 02:00", 2),
    ("2021-04-25 05:00", 3),
    ("2021-08-13 02:00", 4),
    ("2021-09-29 07:00", 2),
    ("2023-03-24 13:00", 1),
];

/// Hours from 2018-03-01 00:00 to 2024-01-01 23:00.
const HOURS: usize = 51_192;

/// Candles of a page that the exchange answers with.
const PAGE: usize = 1_000;

/// Candles before the first one of the stream.
const HISTORY: usize = 300;

/// Candles that close while the bot is down between its two runs: more than a page.
const DOWN: usize = 1_500;

/// Simulated hourly candles without those of the outages.
fn market() -> CandleSeries {
    let start: Timestamp = "2018-03-01".parse().unwrap();
    let outages = OUTAGES.map(|(from, missing)| {
        let from: Timestamp = from.parse().unwrap();
        from..from.plus(Interval::HOUR, missing).unwrap()
    });
    let pair: Pair = "BTCUSDT".parse().unwrap();
    let all = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, HOURS, 1).unwrap();
    let moved = all.iter().zip(0..).map(|(candle, hour)| {
        Candle::new(start.plus(Interval::HOUR, hour).unwrap(), candle.values()).unwrap()
    });
    let there = |candle: &Candle| !outages.iter().any(|gap| gap.contains(&candle.open_time()));
    CandleSeries::new(pair, Interval::HOUR, moved.filter(there).collect()).unwrap()
}

/// Event of the stream.
enum Event {
    Message(Update),
    /// The connection ends.
    Break,
}

/// Events of a stream with every fault.
struct Script {
    events: VecDeque<Event>,
    /// Rows of the candles that are sent in time.
    sent: Vec<usize>,
    /// Number of duplicates, corrections and late candles.
    rejected: usize,
}

impl Script {
    fn new(series: &CandleSeries, rows: std::ops::Range<usize>) -> Self {
        let mut script = Self { events: VecDeque::new(), sent: Vec::new(), rejected: 0 };
        let closed = |row: usize| {
            let candle = series.candles()[row];
            Event::Message(Update::Closed(series.pair().clone(), candle))
        };
        for row in rows {
            script.events.extend((0..3).map(|_| Event::Message(Update::Forming)));
            if row % 41 == 7 {
                // The candle is lost with the connection.
                script.events.push_back(Event::Break);
                continue;
            }
            if (100..104).contains(&(row % 503)) {
                continue; // not sent
            }
            script.events.push_back(closed(row));
            script.sent.push(row);
            if row % 101 == 13 {
                script.events.push_back(closed(row));
                script.rejected += 1;
            }
            if row % 103 == 29 {
                let (time, values) =
                    (series.candles()[row].open_time(), series.candles()[row - 1].values());
                let correction = Candle::new(time, values).unwrap();
                let update = Update::Closed(series.pair().clone(), correction);
                script.events.push_back(Event::Message(update));
                script.rejected += 1;
            }
            if row % 211 == 50 {
                script.events.push_back(closed(row - 5));
                script.rejected += 1;
            }
            if row % 307 == 60 {
                script.events.extend([Event::Break, Event::Break]);
            }
            if row % 97 == 0 {
                let other = Update::Closed("OTHER".parse().unwrap(), series.candles()[row]);
                script.events.push_back(Event::Message(other));
            }
        }
        script.events.push_back(Event::Message(Update::Stop));
        script
    }
}

/// Exchange with every fault; records the calls of the loop.
struct FaultyBot<'a> {
    series: &'a CandleSeries,
    events: VecDeque<Event>,
    connections: usize,
    requests: usize,
    connected: bool,
    /// True from a failure of the stream to the next message.
    stream_is_down: bool,
    disk_is_full: bool,
    /// Outages of the stream and of `fetch`.
    outages: usize,
    acted: Vec<(Timestamp, Option<Prediction>)>,
    saves: usize,
    state: Vec<u8>,
    reports: Vec<String>,
    most_failures: u32,
}

impl<'a> FaultyBot<'a> {
    fn new(series: &'a CandleSeries, events: VecDeque<Event>) -> Self {
        Self {
            series,
            events,
            connections: 0,
            requests: 0,
            connected: false,
            stream_is_down: false,
            disk_is_full: false,
            outages: 0,
            acted: Vec::new(),
            saves: 0,
            state: Vec::new(),
            reports: Vec::new(),
            most_failures: 0,
        }
    }

    /// Fails a request of the stream.
    fn lose_stream<T>(&mut self) -> Result<T> {
        self.outages += usize::from(!self.stream_is_down);
        (self.stream_is_down, self.connected) = (true, false);
        Err("connection reset by peer".into())
    }
}

impl Bot for FaultyBot<'_> {
    fn connect(&mut self) -> Result<()> {
        assert!(!self.connected, "connected twice");
        self.connections += 1;
        if !self.connections.is_multiple_of(3) {
            return self.lose_stream();
        }
        self.connected = true;
        Ok(())
    }

    fn next(&mut self) -> Result<Update> {
        assert!(self.connected, "not connected");
        match self.events.pop_front().expect("nothing is read after Stop") {
            Event::Break => self.lose_stream(),
            Event::Message(update) => {
                self.stream_is_down = false;
                Ok(update)
            }
        }
    }

    fn fetch(&mut self, pair: &Pair, from: Timestamp, to: Timestamp) -> Result<CandleSeries> {
        self.requests += 1;
        if !self.requests.is_multiple_of(4) {
            self.outages += usize::from(self.requests % 4 == 1);
            return Err("no answer within 10 s".into());
        }
        // As real exchanges: both ends are included, and a page has an end.
        let asked = self.series.between(from, to.plus(Interval::HOUR, 1).unwrap());
        let page = asked.iter().take(PAGE).copied().collect();
        Ok(CandleSeries::new(pair.clone(), Interval::HOUR, page)?)
    }

    fn act(&mut self, _: &Pair, candle: &Candle, prediction: Option<&Prediction>) {
        self.acted.push((candle.open_time(), prediction.cloned()));
    }

    fn save(&mut self, _: &Pair, state: &[u8]) -> Result<()> {
        self.saves += 1;
        self.state = state.to_vec();
        if self.disk_is_full { Err("no space left on device".into()) } else { Ok(()) }
    }

    fn report(&mut self, line: &str) {
        self.reports.push(line.to_string());
    }

    fn wait(&mut self, failures: u32) {
        self.most_failures = self.most_failures.max(failures);
    }
}

/// Predictions of the batch path, row by row.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Vec<Option<Prediction>> {
    let signals = &model.spec().signals;
    let tables = [SignalTable::build(signals, &Registry::default(), series, &[]).unwrap()];
    let mut reader = TableReader::new(model, &tables);
    (0..series.len()).map(|row| reader.predict(0, row).unwrap()).collect()
}

fn predictors(model: &Arc<dyn FittedModel>, pair: &Pair) -> BTreeMap<Pair, Predictor> {
    let builder = Predictor::builder(Arc::clone(model), Interval::HOUR).pair(pair.clone());
    BTreeMap::from([(pair.clone(), builder.build().unwrap())])
}

/// Checks the loop over a series in two runs, with a restart from the saved state between them;
/// returns the reports.
fn survives(series: &CandleSeries) -> Vec<String> {
    let model: Arc<dyn FittedModel> = Arc::new(v32::pretrained());
    let expected = batch(&*model, series);
    assert!(expected.iter().flatten().count() > series.len() / 4);
    let gaps: Vec<usize> = series.gaps().map(|gap| gap.after).collect();
    let (pair, middle) = (series.pair(), series.len() / 2);
    let (mut state, mut last, mut reports) = (Vec::new(), 0, Vec::new());
    for rows in [HISTORY..middle, middle + DOWN..series.len()] {
        let Script { events, sent, rejected } = Script::new(series, rows);
        let mut bot = FaultyBot::new(series, events);
        let mut predictors = predictors(&model, pair);
        if !state.is_empty() {
            predictors.get_mut(pair).unwrap().restore(&state).unwrap();
        }
        run(&mut bot, &mut predictors);

        assert!(bot.events.is_empty(), "the loop ended early");
        assert_eq!(bot.acted.len(), sent.len());
        for ((time, prediction), &row) in bot.acted.iter().zip(&sent) {
            assert_eq!(*time, series.candles()[row].open_time());
            assert_eq!(*prediction, expected[row], "{time}");
        }
        assert_eq!(bot.saves, sent.len(), "one state per consumed candle");
        assert_eq!(bot.state, predictors[pair].save());
        // One line per outage of the connection, rejected candle and gap of the exchange.
        let mut crossed = 0;
        for &row in &sent {
            crossed += usize::from(gaps.iter().any(|gap| (last..row).contains(gap)));
            last = row;
        }
        assert_eq!(bot.reports.len(), bot.outages + rejected + crossed);
        let lines = bot.reports.iter().filter(|line| line.contains("exchange gap before"));
        assert_eq!(lines.count(), crossed);
        assert_eq!(predictors[pair].feed_stats().unfinished, 0);
        assert!(bot.outages > 20 && bot.most_failures >= 3);
        state = bot.state;
        reports.extend(bot.reports);
    }
    reports
}

#[test]
fn live_loop_over_known_outages_equals_batch() {
    let series = market();
    assert_eq!(series.gaps().count(), OUTAGES.len());
    assert_eq!(series.len(), HOURS - 87);
    let reports = survives(&series);
    let outage = "exchange gap before 2023-03-24T14:00:00Z, 44 candles of warm-up";
    assert!(reports.iter().any(|line| line.contains(outage)), "{reports:?}");
}

#[test]
fn live_loop_continues_on_a_full_disk() {
    let series = market();
    let Script { events, sent, .. } = Script::new(&series, HISTORY..HISTORY + 100);
    let mut bot = FaultyBot { disk_is_full: true, ..FaultyBot::new(&series, events) };
    let model: Arc<dyn FittedModel> = Arc::new(v32::pretrained());
    run(&mut bot, &mut predictors(&model, series.pair()));
    assert_eq!((bot.acted.len(), bot.saves), (sent.len(), sent.len()));
    let lines = bot.reports.iter().filter(|line| line.contains("state not saved: no space left"));
    assert_eq!(lines.count(), sent.len());
}

/// Paths in a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn live_loop_over_real_hourly_series_equals_batch() {
    let Some(data) = std::env::var_os("WINDVANE_DATA_DIR").map(PathBuf::from) else {
        return;
    };
    let folders = entries(&data).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| entries(&folder));
    let csv = files.filter(|path| path.extension().is_some_and(|end| end == "csv"));
    let (mut played, mut outages) = (0, 0);
    for path in csv {
        // Files that show damage are for the tests of the readers.
        let Ok(read) = read_csv(&path, "REAL".parse().unwrap(), None) else { continue };
        if read.series.interval() == Interval::HOUR && read.series.len() > 3 * DOWN {
            survives(&read.series);
            played += 1;
            outages += read.series.gaps().count();
        }
    }
    println!("{played} hourly series with {outages} gaps");
    assert!(played > 0, "no hourly series in {}", data.display());
}
