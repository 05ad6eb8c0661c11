//! Anomaly gate: few false alarms on later candles, and most injected faults of a feed detected.
//!
//! Real candles cannot be part of the project: a simulated market is measured always, and the ten
//! hourly pairs of `WINDVANE_DATA_DIR` if it is set:
//! `cargo test -p windvane-models --test suite anomaly_on_real -- --nocapture`.
use crate::common;
use crate::guard::Up;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::market;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_models::{
    AnomalyGate, NeutralReason, PanelPredictor, Prediction, Predictor, TrainError, TrainingProfile,
};
use windvane_signals::{
    LabelSpec, Panel, Registry, SampleSet, SignalError, SignalSpec, SignalTable, Split, TrainSet,
};

/// Candles for which a lasting fault is injected.
const FAULT_LEN: usize = 6;

/// Faults of a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// One candle with a price times ten: its close, its high, all prices, or a tenth as its low.
    BadTick,
    /// All prices rest at the last close; the volume rests or is zero.
    StuckPrice,
    /// Open and close are swapped from now on.
    OpenClose,
    /// Any two of the five columns are swapped from now on.
    Columns,
    /// The volume is in the quote currency from now on.
    QuoteVolume,
    /// The volume is in thousands, in thousandths or in hundred millionths from now on.
    VolumeUnit,
}

impl Fault {
    const ALL: [Self; 6] = [
        Self::BadTick,
        Self::StuckPrice,
        Self::OpenClose,
        Self::Columns,
        Self::QuoteVolume,
        Self::VolumeUnit,
    ];

    /// Number of candles with the fault.
    fn candles(self) -> usize {
        if self == Self::BadTick { 1 } else { FAULT_LEN }
    }

    /// Values of a candle with the fault; `variant` chooses one of its forms.
    fn apply(self, variant: usize, before: &Candle, candle: &Candle) -> Ohlcv {
        let values = candle.values();
        let Ohlcv { open, high, low, close, volume } = values;
        match self {
            Self::BadTick => match variant % 4 {
                0 => Ohlcv { high: 10.0 * close, close: 10.0 * close, ..values },
                1 => Ohlcv { high: 10.0 * high, ..values },
                2 => Ohlcv { low: 0.1 * low, ..values },
                _ => {
                    let [open, high, low, close] = [open, high, low, close].map(|x| 10.0 * x);
                    Ohlcv { open, high, low, close, volume }
                }
            },
            Self::StuckPrice => {
                let price = before.close();
                let volume = if variant.is_multiple_of(2) { 0.0 } else { before.volume() };
                Ohlcv { open: price, high: price, low: price, close: price, volume }
            }
            Self::OpenClose => Ohlcv { open: close, close: open, ..values },
            Self::Columns => {
                let mut columns = [open, high, low, close, volume];
                let pairs = [
                    (0, 1),
                    (0, 2),
                    (0, 3),
                    (0, 4),
                    (1, 2),
                    (1, 3),
                    (1, 4),
                    (2, 3),
                    (2, 4),
                    (3, 4),
                ];
                let (a, b) = pairs[variant % 10];
                columns.swap(a, b);
                let [open, high, low, close, volume] = columns;
                Ohlcv { open, high, low, close, volume }
            }
            Self::QuoteVolume => Ohlcv { volume: volume * close, ..values },
            Self::VolumeUnit => Ohlcv { volume: volume * [1e-3, 1e3, 1e8][variant % 3], ..values },
        }
    }
}

/// Counts of one kind of fault.
#[derive(Debug, Default, Clone, Copy)]
struct Caught {
    injected: u32,
    at_first: u32,
    within_six: u32,
}

impl Caught {
    fn share(self) -> f64 {
        f64::from(self.within_six) / f64::from(self.injected)
    }
}

/// Training samples of series before a time.
fn train(series: &[CandleSeries], until: Timestamp) -> TrainSet {
    let (spec, registry) = (SignalSpec::default(), Registry::default());
    let tables = series.iter().map(|s| SignalTable::build(&spec, &registry, s, &[]).unwrap());
    let tables: Vec<SignalTable> = tables.collect();
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let test_from = Timestamp::from_millis(until.millis() + 100 * Interval::HOUR.millis());
    let split = Split::builder().validate_from(until).test_from(test_from).build().unwrap();
    split.train(&samples).unwrap()
}

fn gated(train: &TrainSet, series: &[CandleSeries]) -> Arc<TrainingProfile> {
    let gate = AnomalyGate::fit(train, series, 1).unwrap();
    Arc::new(TrainingProfile::fit(train, 250).unwrap().with_anomaly_gate(gate))
}

fn guarded(profile: &Arc<TrainingProfile>) -> Predictor {
    let mut predictor = Up::predictor(20);
    predictor.set_guard(Arc::clone(profile)).unwrap();
    predictor
}

/// Whether the predictor vetoes its prediction at a candle as an anomaly.
fn is_vetoed(predictor: &mut Predictor, candle: &Candle) -> bool {
    let prediction = predictor.on_candle(candle).unwrap().into_prediction();
    prediction.is_some_and(|prediction| {
        let vetoed = prediction.neutral == Some(NeutralReason::Anomaly);
        assert!(!vetoed || prediction.probabilities.classes() == [0.6, 0.4, 0.0]);
        vetoed
    })
}

/// Feeds a fault to a copy of a predictor. A candle that is invalid is rejected before it arrives,
/// which also counts as caught.
fn inject(
    predictor: &Predictor,
    fault: Fault,
    variant: usize,
    candles: &[Candle],
    caught: &mut Caught,
) {
    let mut predictor = predictor.clone();
    caught.injected += 1;
    for k in 0..fault.candles() {
        let values = fault.apply(variant, &candles[0], &candles[k + 1]);
        let faulty = Candle::new(candles[k + 1].open_time(), values);
        if faulty.map_or(true, |faulty| is_vetoed(&mut predictor, &faulty)) {
            caught.at_first += u32::from(k == 0);
            caught.within_six += 1;
            return;
        }
    }
}

/// False alarms and predictions after `until`, and faults injected there every `step` candles.
fn measure(
    profile: &Arc<TrainingProfile>,
    series: &CandleSeries,
    until: Timestamp,
    injections: usize,
    caught: &mut [Caught; 6],
) -> (u32, u32) {
    let candles = series.candles();
    let first = candles.partition_point(|candle| candle.open_time() < until);
    let mut predictor = guarded(profile);
    for candle in &candles[first.saturating_sub(500)..first] {
        predictor.on_candle(candle).unwrap();
    }
    let later = &candles[first..];
    let step = (later.len() - FAULT_LEN - 1) / injections;
    let (mut alarms, mut injected) = (0, 0);
    for (k, candle) in later.iter().enumerate() {
        alarms += u32::from(is_vetoed(&mut predictor, candle));
        if k % step == step / 2 && injected < injections {
            for (fault, caught) in Fault::ALL.into_iter().zip(&mut *caught) {
                inject(&predictor, fault, injected, &later[k..], caught);
            }
            injected += 1;
        }
    }
    (alarms, later.len() as u32)
}

#[test]
fn anomaly_gate_on_simulated_markets_has_few_false_alarms_and_detects_faults() {
    for kind in [MarketModel::AR1, MarketModel::MARTINGALE_GARCH] {
        let series = market(kind, 8_000, 3);
        let until = series.candles()[6_000].open_time();
        let all = [series];
        let profile = gated(&train(&all, until), &all);
        let mut caught = [Caught::default(); 6];
        let (alarms, candles) = measure(&profile, &all[0], until, 60, &mut caught);
        let name = kind.name();
        assert!(f64::from(alarms) <= 0.01 * f64::from(candles), "{name}: {alarms} of {candles}");
        for (fault, caught) in Fault::ALL.into_iter().zip(caught) {
            assert!(caught.share() >= 0.95, "{name}: {fault:?} {caught:?}");
        }
    }
}

fn read(path: &Path) -> CandleSeries {
    let text = std::fs::read_to_string(path).unwrap();
    let candles = text.lines().skip(1).map(|line| {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let [time, open, high, low, close, volume] = cells[..] else { panic!("{line}") };
        let values = Ohlcv { open, high, low, close, volume };
        Candle::new(Timestamp::from_millis(time as i64), values).unwrap()
    });
    let pair = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    CandleSeries::new(pair, Interval::HOUR, candles.collect()).unwrap()
}

#[test]
fn anomaly_on_real_hourly_pairs_has_few_false_alarms_and_detects_faults() {
    let Some(data) = std::env::var_os("WINDVANE_DATA_DIR").map(PathBuf::from) else {
        return;
    };
    let files = std::fs::read_dir(data.join("1h")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    files.sort();
    let series: Vec<CandleSeries> = files.iter().map(|path| read(path)).collect();
    let until: Timestamp = "2024-05-01".parse().unwrap();
    let train = train(&series, until);
    let profile = gated(&train, &series);
    println!(
        "{} training windows, {} bytes",
        train.len(),
        serde_json::to_vec(&*profile).unwrap().len()
    );
    let mut caught = [Caught::default(); 6];
    let (mut alarms, mut candles) = (0, 0);
    let injections = 1_000_usize.div_ceil(series.len());
    for series in &series {
        let (found, all) = measure(&profile, series, until, injections, &mut caught);
        println!("{}: {found} false alarms of {all}", series.pair());
        (alarms, candles) = (alarms + found, candles + all);
    }
    let share = f64::from(alarms) / f64::from(candles);
    println!("false alarms {alarms} of {candles}: {:.2} %", 100.0 * share);
    for (fault, caught) in Fault::ALL.into_iter().zip(caught) {
        let percent = |count: u32| 100.0 * f64::from(count) / f64::from(caught.injected);
        let (first, six) = (percent(caught.at_first), percent(caught.within_six));
        println!("{fault:?}: {first:.1} % at the first candle, {six:.1} % within six");
    }
    assert!(share <= 0.01, "{share}");
    for (fault, caught) in Fault::ALL.into_iter().zip(caught) {
        assert!(caught.share() >= 0.95, "{fault:?} {caught:?}");
    }
}

#[test]
fn anomaly_gate_ignores_candles_after_training() {
    let series = market(MarketModel::AR1, 3_000, 5);
    let until = series.candles()[2_000].open_time();
    let changed = series.candles().iter().map(|candle| {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let factor = if candle.open_time() > until { 3.0 } else { 1.0 };
        let [open, high, low, close] = [open, high, low, close].map(|price| factor * price);
        Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume }).unwrap()
    });
    let changed: Vec<Candle> = changed.collect();
    let changed = CandleSeries::new(series.pair().clone(), Interval::HOUR, changed).unwrap();
    let fit = |series: CandleSeries| {
        let all = [series];
        AnomalyGate::fit(&train(&all, until), &all, 1).unwrap()
    };
    assert_eq!(fit(changed), fit(series));
}

#[test]
fn anomaly_gate_is_the_same_on_any_number_of_threads() {
    // The first series has more rows than a block of scores.
    let series = [("ONE", 6_000), ("TWO", 1_500), ("THREE", 900)].map(|(pair, candles)| {
        MarketModel::AR1.candles(pair.parse().unwrap(), Interval::HOUR, candles, 5).unwrap()
    });
    let until = series[0].candles()[5_000].open_time();
    let train = train(&series, until);
    let gates = [1, 2, 7].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| AnomalyGate::fit(&train, &series, 1).unwrap())
    });
    assert!(gates.iter().all(|gate| *gate == gates[0]));
}

#[test]
fn anomaly_gate_survives_restart_and_allocates_nothing() {
    let series = market(MarketModel::AR1, 3_000, 5);
    let until = series.candles()[2_000].open_time();
    let all = [series];
    let profile = gated(&train(&all, until), &all);
    let mut whole = guarded(&profile);
    let candles = all[0].candles();
    for candle in &candles[2_000..2_300] {
        whole.on_candle(candle).unwrap();
    }
    let mut again = guarded(&profile);
    again.restore(&whole.save()).unwrap();
    let mut copied = whole.clone();
    let (mut allocations, mut vetoed) = (0, 0);
    for (k, candle) in candles[2_300..2_500].iter().enumerate() {
        // Every tenth candle has a hundred times the volume.
        let volume = if k % 10 == 0 { 100.0 } else { 1.0 } * candle.volume();
        let values = Ohlcv { volume, ..candle.values() };
        let candle = Candle::new(candle.open_time(), values).unwrap();
        let mut expected = false;
        let counted = allocation_counter::measure(|| expected = is_vetoed(&mut copied, &candle));
        allocations += counted.count_total;
        assert_eq!(is_vetoed(&mut whole, &candle), expected);
        assert_eq!(is_vetoed(&mut again, &candle), expected);
        assert!(expected || k % 10 != 0, "{k}");
        vetoed += u32::from(expected);
    }
    assert!(vetoed < 25, "{vetoed}");
    assert_eq!((again.save(), allocations), (whole.save(), 0));
    // A profile without the gate has another state.
    let plain = Arc::new(TrainingProfile::fit(&train(&all, until), 250).unwrap());
    assert!(guarded(&plain).restore(&whole.save()).is_err());
}

/// A candle with a hundred times the volume.
fn spoilt(candle: &Candle) -> Candle {
    let values = Ohlcv { volume: 100.0 * candle.volume(), ..candle.values() };
    Candle::new(candle.open_time(), values).unwrap()
}

fn of_pairs(names: &[Pair]) -> Panel {
    Panel::new(&SignalSpec::default(), Interval::HOUR, &Registry::default(), names).unwrap()
}

#[test]
fn anomaly_gate_of_a_panel_vetoes_like_predictors_of_its_pairs() {
    let names: Vec<Pair> = ["A", "B", "C"].map(|name| name.parse().unwrap()).into();
    let all: Vec<CandleSeries> = (0..)
        .zip(&names)
        .map(|(k, pair)| {
            MarketModel::AR1.candles(pair.clone(), Interval::HOUR, 2_600, 20 + k).unwrap()
        })
        .collect();
    let profile = gated(&train(&all, all[0].candles()[2_000].open_time()), &all);
    let panel = || {
        let mut predictor = PanelPredictor::new(Up::new(20), of_pairs(&names)).unwrap();
        // The last pair has no guard.
        for pair in &names[..2] {
            predictor.set_guard(pair, Arc::clone(&profile)).unwrap();
        }
        predictor
    };
    let mut alone = [guarded(&profile), guarded(&profile), Up::predictor(20)];
    let (mut whole, mut vetoed) = (panel(), [0; 3]);
    for hour in 2_000..2_600 {
        if hour == 2_300 {
            let bytes = whole.save();
            whole = panel();
            whole.restore(&bytes).unwrap();
            assert_eq!(whole.save(), bytes);
        }
        let candles: Vec<Candle> = (0..3)
            .map(|place| {
                let candle = all[place].candles()[hour];
                if hour % 10 == place { spoilt(&candle) } else { candle }
            })
            .collect();
        for place in 0..2 {
            assert!(
                whole.on_candle(&names[place], &candles[place]).unwrap().predictions.is_empty()
            );
        }
        let update = whole.on_candle(&names[2], &candles[2]).unwrap();
        let got: Vec<Prediction> = update.predictions.iter().map(|(_, own)| own.clone()).collect();
        let expected = alone.iter_mut().zip(&candles).filter_map(|(predictor, candle)| {
            predictor.on_candle(candle).unwrap().into_prediction()
        });
        assert_eq!(got, expected.collect::<Vec<Prediction>>(), "{hour}");
        for (count, own) in vetoed.iter_mut().zip(&got) {
            *count += usize::from(own.neutral == Some(NeutralReason::Anomaly));
        }
    }
    assert!(vetoed[0] >= 50 && vetoed[1] >= 50 && vetoed[2] == 0, "{vetoed:?}");
    // A state with guards does not fit a panel without them.
    let bytes = whole.save();
    let mut plain = PanelPredictor::new(Up::new(20), of_pairs(&names)).unwrap();
    let before = plain.save();
    assert!(plain.restore(&bytes).unwrap_err().to_string().contains("same guards"));
    assert_eq!(plain.save(), before);
    assert!(panel().restore(&before).unwrap_err().to_string().contains("same guards"));
}

#[test]
fn anomaly_gate_is_saved_and_rejects_damage() {
    let series = market(MarketModel::AR1, 1_500, 5);
    let until = series.candles()[1_400].open_time();
    let all = [series];
    let profile = gated(&train(&all, until), &all);
    let text = serde_json::to_string(&*profile).unwrap();
    assert_eq!(serde_json::from_str::<TrainingProfile>(&text).unwrap(), *profile);
    for (right, wrong) in [
        ("\"max_distance\":", "\"max_distance\":-1,\"old\":"),
        ("\"max_score\":", "\"max_score\":1e999,\"old\":"),
        ("\"mahalanobis\":{\"mean\":[", "\"mahalanobis\":{\"mean\":[0.0,"),
        ("\"forest\":[[", "\"forest\":[[[0,0.5,9999],"),
    ] {
        assert!(text.contains(right), "{right}");
        let damaged = text.replacen(right, wrong, 1);
        assert!(serde_json::from_str::<TrainingProfile>(&damaged).is_err(), "{wrong}");
    }
}

#[test]
fn anomaly_gate_rejects_missing_series_and_few_candles() {
    let series = market(MarketModel::AR1, 1_500, 5);
    let until = series.candles()[1_400].open_time();
    let all = [series];
    let enough = train(&all, until);
    let missing = AnomalyGate::fit(&enough, &[], 1).unwrap_err();
    let expected = SignalError::MissingPair { pair: "SIM".parse().unwrap() };
    assert_eq!(missing.to_string(), expected.to_string());
    let few = train(&all, all[0].candles()[540].open_time());
    let few = AnomalyGate::fit(&few, &all, 1).unwrap_err();
    assert!(matches!(few, TrainError::TooFewWindows { expected: 500, .. }), "{few}");
}
