//! Labels of every kind: values by hand, purge, no look-ahead, text form.
use crate::common;

use common::{HOUR, candle, flat, series, walk};
use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Direction, Timestamp};
use windvane_signals::{
    Band, ChannelSpec, GapPolicy, LabelSpec, Registry, Sample, SampleSet, SignalError, SignalSpec,
    SignalTable, Split,
};

use Direction::{Down, Neutral, Up};

/// Texts of a label of every kind.
const KINDS: [&str; 7] =
    ["next", "horizon:5", "band:0.5,3", "barrier:1.5,12", "barrier:3,4,8", "relative:6", "cost:20"];

fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR)
}

fn spec() -> SignalSpec {
    let channels = vec![ChannelSpec::new("momentum").with("lag", 2.0)];
    SignalSpec { channels, gaps: GapPolicy::Reset }
}

fn table(series: &CandleSeries) -> SignalTable {
    SignalTable::build(&spec(), &Registry::default(), series, &[]).unwrap()
}

fn tables(all: &[CandleSeries]) -> Vec<SignalTable> {
    all.iter().map(table).collect()
}

fn labels(text: &str) -> LabelSpec {
    text.parse().unwrap()
}

/// Candles with the highs and lows (as offsets) and closes of a list, one per hour.
fn candles(rows: &[(f64, f64, f64)]) -> Vec<Candle> {
    let rows = rows.iter().zip(0..);
    rows.map(|((high, low, close), hour)| candle(hour, [*close, *high, *low, *close, 1.0]))
        .collect()
}

/// Class and change of the label of one row.
fn label(text: &str, rows: &[(f64, f64, f64)], row: usize) -> Option<(Direction, f64)> {
    let table = table(&series("A", candles(rows)));
    labels(text).label(&table, row).map(|(class, outcome)| (class, outcome.change))
}

fn close(price: f64) -> (f64, f64, f64) {
    (price, price, price)
}

/// Two changes of +10 % and −10 %: σ = 0.1, mean 0. The close at row 2 is 99.
fn history() -> Vec<(f64, f64, f64)> {
    vec![close(100.0), close(110.0), close(99.0)]
}

fn after(rows: &[(f64, f64, f64)]) -> Vec<(f64, f64, f64)> {
    [&history()[..], rows].concat()
}

#[test]
fn label_next_horizon_and_cost_are_signs_of_the_close() {
    let rows = [100.0, 101.0, 101.0, 99.0, 100.1].map(close);
    assert_eq!(label("next", &rows, 0).unwrap().0, Up);
    assert_eq!(label("next", &rows, 1), Some((Neutral, 0.0)));
    assert_eq!(label("next", &rows, 4), None);
    assert_eq!(label("horizon:3", &rows, 0).unwrap().0, Down);
    assert_eq!(label("horizon:3", &rows, 2), None);
    // A rise of 10 basis points over four candles.
    assert_eq!(label("cost:9.9,4", &rows, 0).unwrap().0, Up);
    assert_eq!(label("cost:10.1,4", &rows, 0).unwrap().0, Neutral);
}

#[test]
fn label_band_is_a_multiple_of_the_volatility() {
    // Over 4 candles the band is K · 0.1 · 2; the close falls by 10 %.
    let rows = after(&[99.0, 99.0, 99.0, 89.1].map(close));
    assert_eq!(label("band:0.49,4,2", &rows, 2).unwrap().0, Down);
    assert_eq!(label("band:0.51,4,2", &rows, 2).unwrap().0, Neutral);
    assert_eq!(label("band:0.49,4,3", &rows, 2), None); // a history of two changes
}

#[test]
fn label_barrier_is_the_first_touch_by_high_or_low() {
    // Barriers at 99 ± 9.9 for the factor 1, over three candles.
    let quiet = (100.0, 98.0, 99.0);
    let upper = after(&[quiet, (109.0, 98.0, 98.0), (98.0, 80.0, 98.0)]);
    let (class, change) = label("barrier:1,3,2", &upper, 2).unwrap();
    assert_eq!(class, Up);
    assert!((change - 0.1).abs() < 1e-12, "{change}");
    let lower = after(&[quiet, (100.0, 89.0, 99.0), (120.0, 99.0, 120.0)]);
    let (class, change) = label("barrier:1,3,2", &lower, 2).unwrap();
    assert_eq!(class, Down);
    assert!((change + 0.1).abs() < 1e-12, "{change}");
    // The barriers of the factor 2 are not reached: the close at the end of the horizon counts.
    let (class, change) = label("barrier:2,3,2", &upper, 2).unwrap();
    assert_eq!(class, Neutral);
    assert!((change - (98.0 - 99.0) / 99.0).abs() < 1e-12, "{change}");
    // The touch of a candle beyond the horizon does not count.
    assert_eq!(label("barrier:1,1,2", &upper, 2), Some((Neutral, 0.0)));
}

#[test]
fn label_barrier_of_a_candle_that_reaches_both_is_neutral() {
    let both = after(&[(120.0, 80.0, 118.0), (130.0, 110.0, 120.0)]);
    assert_eq!(label("barrier:1,2,2", &both, 2), Some((Neutral, 0.0)));
}

#[test]
fn label_barrier_needs_volatility_and_the_whole_horizon() {
    let flat = [100.0, 100.0, 100.0, 120.0].map(close);
    assert_eq!(label("barrier:1,1,2", &flat, 2), None);
    // An early touch does not give the last rows a label: it would select volatile ones.
    let touched = after(&[close(120.0), close(121.0)]);
    assert!(label("barrier:1,2,2", &touched, 2).is_some());
    assert_eq!(label("barrier:1,3,2", &touched, 2), None);
    // The outcome is settled at the end of the horizon, not at the touch.
    let table = table(&series("A", candles(&touched)));
    let (_, outcome) = labels("barrier:1,2,2").label(&table, 2).unwrap();
    assert_eq!(Some(outcome.settled_at), table.close_time(4));
}

#[test]
fn label_barrier_is_not_touched_by_filled_in_rows() {
    let mut rows = candles(&after(&[(100.0, 98.0, 99.0), (109.0, 98.0, 98.0), close(98.0)]));
    rows.remove(3);
    let spec = SignalSpec { gaps: GapPolicy::Hold { max_missing: 2 }, ..spec() };
    let table = SignalTable::build(&spec, &Registry::default(), &series("A", rows), &[]).unwrap();
    assert!(table.is_held(3));
    assert_eq!((table.high(3), table.low(3)), (Some(99.0), Some(99.0)));
    assert_eq!(labels("barrier:1,3,2").label(&table, 2).unwrap().0, Up);
}

/// Panel of flat candles with the given closes, one series per list.
fn panel(closes: &[&[f64]]) -> Vec<SignalTable> {
    let names = ["A", "B", "C", "D"];
    let all = closes.iter().zip(names).map(|(closes, name)| {
        let candles = closes.iter().zip(0..).filter(|(close, _)| **close > 0.0);
        series(name, candles.map(|(close, hour)| flat(hour, *close)).collect())
    });
    tables(&all.collect::<Vec<_>>())
}

/// Class and change of the sample of a table at a row.
fn relative(
    tables: &[SignalTable],
    text: &str,
    table: usize,
    row: usize,
) -> Option<(Direction, f64)> {
    let samples = SampleSet::collect(tables, 1, labels(text)).unwrap();
    let found = samples.samples().iter().find(|one| (one.table(), one.row()) == (table, row));
    found.map(|one| (one.label(), one.outcome().change))
}

#[test]
fn label_relative_compares_with_the_median_of_the_panel() {
    let moved = panel(&[
        &[100.0, 100.0, 100.0, 110.0, 120.0],
        &[50.0, 50.0, 50.0, 51.0, 50.0],
        &[10.0, 10.0, 10.0, 9.0, 11.0],
    ]);
    let (class, change) = relative(&moved, "relative:1", 0, 2).unwrap();
    assert_eq!(class, Up);
    assert!((change - (1.1_f64.ln() - 1.02_f64.ln())).abs() < 1e-12, "{change}");
    // The median pair itself is NEUTRAL; C falls.
    assert_eq!(relative(&moved, "relative:1", 1, 2), Some((Neutral, 0.0)));
    assert_eq!(relative(&moved, "relative:1", 2, 2).unwrap().0, Down);
    // Over two candles A rises by 20 %, B not, C by 10 %.
    assert_eq!(relative(&moved, "relative:2", 2, 2), Some((Neutral, 0.0)));
    assert_eq!(relative(&moved, "relative:2", 1, 2).unwrap().0, Down);
    assert_eq!(relative(&moved, "relative:2", 1, 3), None);
}

#[test]
fn label_relative_with_an_even_panel_has_the_mean_of_the_middle_two() {
    let even = panel(&[
        &[100.0, 100.0, 100.0, 110.0],
        &[100.0, 100.0, 100.0, 104.0],
        &[100.0, 100.0, 100.0, 102.0],
        &[100.0, 100.0, 100.0, 90.0],
    ]);
    let middle = f64::midpoint(1.02_f64.ln(), 1.04_f64.ln());
    for (table, close) in [110.0_f64, 104.0, 102.0, 90.0].iter().enumerate() {
        let (class, change) = relative(&even, "relative:1", table, 2).unwrap();
        assert!((change - ((close / 100.0).ln() - middle)).abs() < 1e-12, "{change}");
        assert_eq!(class, if table < 2 { Up } else { Down });
    }
}

#[test]
fn label_relative_counts_only_pairs_with_both_closes() {
    // D lacks the candle of hour 4, so the move from hour 3 has three pairs and that from hour 2
    // four; without C at hour 5 two pairs are left.
    let closes: [&[f64]; 4] = [
        &[100.0, 100.0, 100.0, 100.0, 103.0, 103.0],
        &[100.0, 100.0, 100.0, 100.0, 102.0, 102.0],
        &[100.0, 100.0, 100.0, 100.0, 101.0, 0.0],
        &[100.0, 100.0, 100.0, 100.0, 0.0, 100.0],
    ];
    let tables = panel(&closes);
    assert_eq!(relative(&tables, "relative:1", 1, 3), Some((Neutral, 0.0)));
    assert_eq!(relative(&tables, "relative:1", 0, 4), None);
    assert_eq!(relative(&tables, "relative:2", 1, 3), Some((Neutral, 0.0)));
    let few = SampleSet::collect(&tables[..2], 1, labels("relative:1")).unwrap_err();
    assert_eq!(few, SignalError::SmallPanel { expected: 3, got: 2 });
    assert!(few.to_string().contains("give more pairs"), "{few}");
    assert!(labels("relative:1").label(&tables[0], 2).is_none());
}

#[test]
fn labels_of_every_kind_do_not_overlap_a_later_period() {
    let pairs = [walk("A", 0..400, 3), walk("B", 50..420, 4), walk("C", 0..390, 5)];
    let tables = tables(&pairs);
    for text in KINDS {
        let labels = labels(text);
        let pool = SampleSet::collect(&tables, 5, labels).unwrap();
        for embargo in [0, 2] {
            let split = Split::builder().validate_from(at(200)).test_from(at(300));
            let split = split.embargo(embargo).build().unwrap();
            // The end of the span, independent of the outcome of the sample.
            let end = |sample: &Sample| {
                sample.decided_at.millis() + i64::try_from(labels.horizon).unwrap() * HOUR
            };
            let embargo = i64::from(embargo);
            let train = split.train(&pool).unwrap();
            let last = train.samples().iter().map(end).max();
            assert_eq!(last, Some((200 - embargo) * HOUR), "{text}: the purge is exact");
            let validation = split.validation(&pool).unwrap();
            let last = validation.samples().iter().map(end).max();
            assert_eq!(last, Some((300 - embargo) * HOUR), "{text}");
            let rows = |samples: &SampleSet| samples.samples().iter().map(|s| s.decided_at).min();
            assert!(
                rows(&validation) >= Some(at(200)) && rows(&split.test(&pool)) >= Some(at(300))
            );
        }
    }
}

#[test]
fn labels_of_every_kind_are_independent_of_candles_after_their_span() {
    let before = [walk("A", 0..300, 3), walk("B", 0..300, 4), walk("C", 0..300, 5)];
    let cut = at(200);
    // From the cut on, every pair has the candles of another walk, a third of the price.
    let changed = before.each_ref().map(|own| {
        let other = walk("X", 200..300, 77);
        let scaled = other.iter().map(|c| {
            let v = c.values();
            let [o, h, l, c2] = [v.open, v.high, v.low, v.close].map(|price| price / 3.0);
            candle(c.open_time().millis() / HOUR, [o, h, l, c2, v.volume])
        });
        let kept = own.iter().copied().filter(|candle| candle.open_time() < cut);
        series(own.pair().as_str(), kept.chain(scaled).collect())
    });
    let (before, changed) = (tables(&before), tables(&changed));
    for text in KINDS {
        let [one, two] =
            [&before, &changed].map(|tables| SampleSet::collect(tables, 5, labels(text)).unwrap());
        let settled = |samples: &SampleSet| -> Vec<Sample> {
            let samples = samples.samples().iter();
            samples.filter(|sample| sample.settled_at() <= cut).copied().collect()
        };
        assert_eq!(settled(&one), settled(&two), "{text}");
        assert!(settled(&one).len() > 400, "{text}");
        // Windows decided up to the cut have the same bits, also if their labels differ.
        let decided = |samples: &SampleSet| -> Vec<Vec<u64>> {
            let kept = samples.samples().iter().filter(|sample| sample.decided_at <= cut);
            let bits =
                |sample| samples.window(sample).values().iter().map(|x| x.to_bits()).collect();
            kept.map(bits).collect()
        };
        assert_eq!(decided(&one), decided(&two), "{text}");
        let open = |samples: &SampleSet| -> Vec<Direction> {
            let open = |sample: &&Sample| sample.decided_at <= cut && sample.settled_at() > cut;
            samples.samples().iter().filter(open).map(Sample::label).collect()
        };
        assert!(!open(&one).is_empty(), "{text}");
        if !text.starts_with("relative") {
            assert_ne!(open(&one), open(&two), "{text}: the changed candles are in the span");
        }
    }
}

#[test]
fn label_text_of_every_kind_round_trips() {
    for text in KINDS {
        assert_eq!(labels(text).to_string(), text);
    }
    for (text, same) in [
        ("horizon:1", "next"),
        ("cost:0", "next"),
        (" cost:20 ", "cost:20"),
        ("cost:2e1,1", "cost:20"),
        ("band:0.50,1,20", "band:0.5"),
        ("barrier:2, 24", "barrier:2,24"),
    ] {
        assert_eq!(labels(text).to_string(), same);
    }
    assert_eq!(labels("cost:7.5").band, Band::Fixed { width: 0.000_75 });
    assert_eq!(labels("band:0.5").band, Band::Volatility { factor: 0.5, lookback: 20 });
    assert_eq!(labels("next"), LabelSpec::default());
}

#[test]
fn label_text_that_is_wrong_is_refused_with_the_forms() {
    for text in [
        "",
        "tomorrow",
        "next:",
        "next:1",
        "horizon",
        "horizon:",
        "horizon:0",
        "horizon:1.5",
        "horizon:20000",
        "horizon:1,2",
        "band",
        "band:x",
        "band:-1",
        "band:nan",
        "band:inf",
        "band:1,2,1",
        "band:1,2,3,4",
        "barrier:2",
        "barrier:0,4",
        "barrier:-1,4",
        "barrier:2,0",
        "relative",
        "relative:0",
        "relative:-3",
        "cost:",
        "cost:-1",
        "cost:nan",
        "cost:inf",
        "cost:1e999",
        "cost:1e99999999999",
        "cost:e",
        "NEXT",
    ] {
        let error = text.parse::<LabelSpec>().unwrap_err();
        assert!(matches!(error, SignalError::LabelText { .. }), "{text}: {error}");
        let shown = error.to_string();
        for form in ["next", "horizon:H", "band:K", "barrier:A,H", "relative:H", "cost:BP"] {
            assert!(shown.contains(form), "{text}: {shown}");
        }
    }
}

fn any_label() -> impl Strategy<Value = LabelSpec> {
    let size = prop_oneof![Just(0.0), 1e-9..1.0_f64, 1e-6..1e3_f64];
    let above = prop_oneof![1e-9..1.0_f64, 1e-6..1e3_f64];
    let lookback = prop_oneof![Just(20_usize), 2..10_000_usize];
    let band = prop_oneof![
        size.clone().prop_map(|width| Band::Fixed { width }),
        (size, lookback.clone())
            .prop_map(|(factor, lookback)| Band::Volatility { factor, lookback }),
        (above, lookback).prop_map(|(factor, lookback)| Band::Barrier { factor, lookback }),
        Just(Band::Relative),
    ];
    (prop_oneof![Just(1_usize), 1..10_000_usize], band)
        .prop_map(|(horizon, band)| LabelSpec { horizon, band })
}

proptest! {
    #[test]
    fn label_text_has_the_bits_of_the_label(spec in any_label()) {
        prop_assert!(spec.validate().is_ok());
        let again: LabelSpec = spec.to_string().parse().unwrap();
        prop_assert_eq!(again, spec, "{}", spec);
    }

    #[test]
    fn label_text_parser_never_panics(text in "[a-z:,.0-9e+-]{0,20}") {
        if let Ok(spec) = text.parse::<LabelSpec>() {
            prop_assert!(spec.validate().is_ok());
        }
    }
}

#[cfg(feature = "serde")]
#[test]
fn label_files_of_earlier_versions_load() {
    let old = r#"{"horizon":4,"band":{"kind":"volatility","factor":0.5,"lookback":20}}"#;
    assert_eq!(serde_json::from_str::<LabelSpec>(old).unwrap(), labels("band:0.5,4"));
    let old = r#"{"horizon":1,"band":{"kind":"fixed","width":0.0}}"#;
    assert_eq!(serde_json::from_str::<LabelSpec>(old).unwrap(), LabelSpec::default());
    assert_eq!(serde_json::to_string(&LabelSpec::default()).unwrap(), old);
    for text in KINDS {
        let saved = serde_json::to_string(&labels(text)).unwrap();
        assert_eq!(serde_json::from_str::<LabelSpec>(&saved).unwrap(), labels(text));
    }
}
