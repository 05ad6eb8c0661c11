//! Panels: the bits of every pair alone, for any arrival order; session closes; state.
use crate::common;

use std::time::Duration;

use common::{flat, pair, series, single, walk, wide, wide_market};
use proptest::prelude::*;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_signals::{
    ChannelSpec, GapPolicy, Panel, PanelStats, Registry, SignalError, SignalSpec, SignalTable,
    StateReader, StateWriter,
};

const NAMES: [&str; 4] = ["X", "Y", "OWN", "Z"];

/// Bits of each row of each pair; `None` for an undefined row.
type Rows = Vec<Vec<Option<Vec<u64>>>>;

/// A market of four pairs with missing candles and different session closes, and its arrivals.
#[derive(Debug, Clone)]
struct Market {
    series: Vec<CandleSeries>,
    /// Candles in order of arrival: place and candle.
    arrivals: Vec<(usize, Candle)>,
}

impl Market {
    fn interval(&self) -> Interval {
        self.series[0].interval()
    }

    fn panel(&self, spec: &SignalSpec) -> Panel {
        let pairs = self.series.iter();
        let pairs: Vec<_> = pairs.map(|s| (s.pair().clone(), s.session_close())).collect();
        let registry = Registry::default();
        let mut panel = Panel::with_sessions(spec, self.interval(), &registry, &pairs).unwrap();
        // Candles arrive up to one interval after their close.
        panel.set_max_wait(2 * length(self.interval())).unwrap();
        panel
    }

    /// Rows of each pair's table alone.
    fn rows_alone(&self, spec: &SignalSpec) -> Rows {
        let table = |own| SignalTable::build(spec, &Registry::default(), own, &self.series);
        self.series.iter().map(|own| rows_of(&table(own).unwrap())).collect()
    }

    /// The market without one candle of each of some arrivals.
    fn without(&self, dropped: &[(usize, Candle)]) -> Self {
        let series = self.series.iter().enumerate().map(|(place, series)| {
            let kept = series.iter().filter(|c| !dropped.contains(&(place, **c))).copied();
            let kept = CandleSeries::new(series.pair().clone(), series.interval(), kept.collect());
            kept.unwrap().with_session_close(series.session_close()).unwrap()
        });
        Self { series: series.collect(), arrivals: self.arrivals.clone() }
    }
}

fn length(interval: Interval) -> Duration {
    Duration::from_millis(interval.millis().unsigned_abs())
}

fn rows_of(table: &SignalTable) -> Vec<Option<Vec<u64>>> {
    (0..table.len()).map(|row| table.row(row).map(bits)).collect()
}

fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|value| value.to_bits()).collect()
}

/// Appends the rows of the closes that can be decided.
fn drain(panel: &mut Panel, into: &mut Rows) {
    let mut last = None;
    while let Some(close) = panel.next_close() {
        assert!(last.is_none_or(|last| last < close.close_time()), "closes are in order of time");
        last = Some(close.close_time());
        for (place, rows) in close.rows() {
            assert_eq!(close.pair(place), &pair(NAMES[place]));
            let rows = rows.into_iter().flat_map(|rows| (0..rows.len()).map(move |k| rows.get(k)));
            into[place].extend(rows.map(|row| row.map(bits)));
        }
    }
}

fn feed(panel: &mut Panel, arrivals: &[(usize, Candle)], into: &mut Rows) {
    for (place, candle) in arrivals {
        panel.push(&pair(NAMES[*place]), candle).unwrap();
        drain(panel, into);
    }
}

/// Ends every wait.
fn finish(panel: &mut Panel, into: &mut Rows) {
    panel.set_time(Timestamp::from_millis(i64::MAX));
    drain(panel, into);
    assert_eq!(panel.waiting_for().count(), 0);
}

fn no_rows() -> Rows {
    vec![Vec::new(); NAMES.len()]
}

fn live_rows(market: &Market, spec: &SignalSpec) -> (Rows, PanelStats) {
    let (mut panel, mut rows) = (market.panel(spec), no_rows());
    feed(&mut panel, &market.arrivals, &mut rows);
    finish(&mut panel, &mut rows);
    (rows, panel.stats())
}

/// Series of `len` intervals, and delays below one interval that decide the order of arrival.
fn markets(len: usize) -> impl Strategy<Value = Market> {
    let interval = prop::sample::select(vec![Interval::HOUR, Interval::FOUR_HOURS, Interval::DAY]);
    let sessions = prop_oneof![
        Just([1.0; 4]),
        prop::collection::vec(prop::sample::select(vec![0.25, 0.5, 0.875, 1.0]), 4)
            .prop_map(|shares| [shares[0], shares[1], shares[2], shares[3]]),
    ];
    let present = prop_oneof![12 => Just(1_usize), 1 => 2..6_usize, 1 => 6..30_usize];
    let steps = prop::collection::vec(prop::collection::vec(present, len), 4);
    let delays = prop::collection::vec(0.0..0.99_f64, 4 * len);
    (interval, sessions, steps, delays, 1..1_000_u64).prop_map(
        |(interval, sessions, steps, delays, seed)| {
            let made = steps.iter().enumerate();
            let made = made.map(|(k, steps)| {
                stretched(NAMES[k], interval, steps, sessions[k], seed + k as u64)
            });
            let series: Vec<CandleSeries> = made.collect();
            let mut arrivals = Vec::new();
            for (place, series) in series.iter().enumerate() {
                for (index, candle) in series.iter().enumerate() {
                    let close = series.close_time(index).unwrap().millis() as f64;
                    let delay = delays[place * steps[0].len() + index] * interval.millis() as f64;
                    arrivals.push((close + delay, place, *candle));
                }
            }
            arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
            let arrivals = arrivals.into_iter().map(|(_, place, candle)| (place, candle));
            Market { series, arrivals: arrivals.collect() }
        },
    )
}

/// Random walk with steps of one or more intervals.
fn stretched(
    name: &str,
    interval: Interval,
    steps: &[usize],
    session: f64,
    seed: u64,
) -> CandleSeries {
    let walk = walk(name, 0..steps.len() as i64, seed);
    let mut place = 400 - steps[0] as i64;
    let candles = walk.iter().zip(steps).map(|(candle, step)| {
        place += *step as i64;
        Candle::new(Timestamp::from_millis(place * interval.millis()), candle.values()).unwrap()
    });
    let series = CandleSeries::new(pair(name), interval, candles.collect()).unwrap();
    series.with_session_close(length(interval).mul_f64(session)).unwrap()
}

/// Every market channel alone by the clock, some under other policies, and the default six.
fn specs() -> Vec<SignalSpec> {
    let mut specs = single(&wide_market());
    let gaps = GapPolicy::Sessions { max_missing: 3 };
    specs.push(SignalSpec { gaps, ..wide_market() });
    specs.push(SignalSpec { gaps: GapPolicy::Reset, ..wide_market() });
    specs.push(SignalSpec { gaps: GapPolicy::Hold { max_missing: 3 }, ..SignalSpec::default() });
    let mut all = wide_market();
    all.channels.retain(|channel| !channel.to_string().contains("OWN"));
    all.channels.extend(wide().channels);
    all.channels.retain(|channel| channel.name() != "on"); // other intervals than hours
    specs.push(all);
    specs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn panel_rows_equal_tables_of_each_pair_alone(market in markets(110)) {
        for spec in specs() {
            let alone = market.rows_alone(&spec);
            let (live, stats) = live_rows(&market, &spec);
            prop_assert_eq!(&live, &alone, "{:?}", spec.channels);
            prop_assert_eq!(stats.taken, market.arrivals.len() as u64);
            prop_assert_eq!(stats.late, 0);
            let tables = SignalTable::build_all(&spec, &Registry::default(), &market.series);
            let tables: Rows = tables.unwrap().iter().map(rows_of).collect();
            prop_assert_eq!(&tables, &alone, "{:?}", spec.channels);
        }
    }

    #[test]
    fn panel_late_candles_are_counted_and_enter_no_row(
        market in markets(60),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..9),
    ) {
        let mut late: Vec<usize> =
            late.into_iter().map(|index| index.index(market.arrivals.len() * 3 / 4)).collect();
        late.sort_unstable();
        late.dedup();
        let dropped: Vec<_> = late.iter().map(|index| market.arrivals[*index]).collect();
        let spec = wide_market();
        let (mut panel, mut rows) = (market.panel(&spec), no_rows());
        for arrival in market.arrivals.iter().filter(|arrival| !dropped.contains(arrival)) {
            feed(&mut panel, &[*arrival], &mut rows);
        }
        finish(&mut panel, &mut rows);
        for (place, candle) in &dropped {
            let error = panel.push(&pair(NAMES[*place]), candle).unwrap_err();
            prop_assert!(matches!(error, SignalError::Late { .. } ), "{}", error);
        }
        prop_assert_eq!(panel.stats().late, dropped.len() as u64);
        prop_assert_eq!(rows, market.without(&dropped).rows_alone(&spec));
    }

    #[test]
    fn panel_restored_in_the_middle_of_a_close_continues_with_the_same_bits(
        market in markets(80),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(market.arrivals.len());
        for spec in [wide_market(), SignalSpec { gaps: GapPolicy::Reset, ..wide_market() }] {
            let (mut before, mut rows) = (market.panel(&spec), no_rows());
            feed(&mut before, &market.arrivals[..cut], &mut rows);
            let words = saved(&before);
            let mut after = market.panel(&spec);
            // A panel that has seen other candles is overwritten.
            feed(&mut after, &market.arrivals[..cut / 2], &mut no_rows());
            let mut reader = StateReader::new(&words);
            after.restore(&mut reader).unwrap();
            reader.finish().unwrap();
            prop_assert_eq!(saved(&after), words);
            feed(&mut after, &market.arrivals[cut..], &mut rows);
            finish(&mut after, &mut rows);
            prop_assert_eq!(&rows, &market.rows_alone(&spec));
        }
    }

    #[test]
    fn panel_state_with_arbitrary_words_never_panics(
        market in markets(40),
        cut in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        word in prop_oneof![any::<u64>(), 0..4_u64],
    ) {
        let cut = cut.index(market.arrivals.len());
        let (mut panel, spec) = (market.panel(&wide_market()), wide_market());
        feed(&mut panel, &market.arrivals[..cut], &mut no_rows());
        let mut words = saved(&panel);
        let place = place.index(words.len());
        words[place] = word;
        let mut other = market.panel(&spec);
        if other.restore(&mut StateReader::new(&words)).is_ok() {
            for (place, candle) in &market.arrivals[cut..] {
                // A changed time can make candles late.
                let _ = other.push(&pair(NAMES[*place]), candle);
                while other.next_close().is_some() {}
            }
        }
    }

    #[test]
    fn table_rows_are_independent_of_candles_that_close_later(
        market in markets(90),
        cut in 0.2..0.9_f64,
    ) {
        let times: Vec<Timestamp> =
            market.series.iter().flat_map(|s| (0..s.len()).map(|k| s.close_time(k).unwrap())).collect();
        let now = times[(times.len() as f64 * cut) as usize];
        let mut changed = market.clone();
        for series in &mut changed.series {
            let candles = series.iter().enumerate().map(|(k, candle)| {
                let doubled = |x: f64| if series.close_time(k).unwrap() > now { 2.0 * x } else { x };
                let Ohlcv { open, high, low, close, volume } = candle.values();
                let [open, high, low, close] = [open, high, low, close].map(doubled);
                Candle::new(candle.open_time(), Ohlcv { open, high, low, close, volume }).unwrap()
            });
            let made = CandleSeries::new(series.pair().clone(), series.interval(), candles.collect());
            *series = made.unwrap().with_session_close(series.session_close()).unwrap();
        }
        for spec in specs() {
            for (own, other) in market.series.iter().zip(&changed.series) {
                let build = |own, all| SignalTable::build(&spec, &Registry::default(), own, all).unwrap();
                let (one, two) = (build(own, &market.series), build(other, &changed.series));
                for row in (0..one.len()).filter(|row| one.close_time(*row) <= Some(now)) {
                    prop_assert_eq!(one.row(row).map(bits), two.row(row).map(bits));
                }
            }
        }
    }
}

fn saved(panel: &Panel) -> Vec<u64> {
    let mut state = StateWriter::default();
    panel.save(&mut state);
    state.into_words()
}

#[test]
fn table_joins_a_pair_that_closes_later_with_its_previous_candle() {
    let days = vec![1; 40];
    let own = stretched("OWN", Interval::DAY, &days, 0.25, 1);
    let leader = stretched("X", Interval::DAY, &days, 0.875, 2);
    let spec = |channel| SignalSpec { channels: vec![channel], gaps: GapPolicy::ByClock };
    let leader_return = spec(ChannelSpec::new("leader_return").reading(pair("X")));
    let returns = spec(ChannelSpec::new("normalized_return"));
    let build = |spec, own, others: &[CandleSeries]| {
        SignalTable::build(spec, &Registry::default(), own, others).unwrap()
    };
    let other = build(&returns, &leader, &[]);
    let early = build(&leader_return, &own, std::slice::from_ref(&leader));
    let late = own.clone().with_session_close(Duration::from_secs(21 * 3_600)).unwrap();
    let late = build(&leader_return, &late, std::slice::from_ref(&leader));
    for day in 30..40 {
        assert_eq!(early.row(day), other.row(day - 1), "the leader's candle has not closed yet");
        assert_eq!(late.row(day), other.row(day));
        assert_eq!(early.close_time(day), own.close_time(day));
    }
    assert_eq!(early.outcome(30, 1).unwrap().settled_at, own.close_time(31).unwrap());
}

fn three() -> Panel {
    let pairs = ["X", "Y", "OWN"].map(pair);
    let channels = vec![ChannelSpec::new("market_breadth").reading_all(&pairs)];
    let spec = SignalSpec { channels, gaps: GapPolicy::ByClock };
    Panel::new(&spec, Interval::HOUR, &Registry::default(), &pairs).unwrap()
}

#[test]
fn panel_waits_for_missing_pairs_and_counts_them() {
    let mut panel = three();
    let [x, y, own] = ["X", "Y", "OWN"].map(pair);
    panel.push(&x, &flat(0, 1.0)).unwrap();
    panel.push(&own, &flat(0, 1.0)).unwrap();
    assert!(panel.next_close().is_none());
    assert_eq!(panel.waiting_for().collect::<Vec<_>>(), [&y]);
    // A candle of the next close ends the default wait of one interval.
    panel.push(&x, &flat(1, 2.0)).unwrap();
    let close = panel.next_close().unwrap();
    assert_eq!(close.open_time(), Timestamp::from_millis(0));
    assert_eq!(close.close_time(), Timestamp::from_millis(common::HOUR));
    assert_eq!(
        close.rows().map(|(_, rows)| rows.is_some()).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert!(panel.next_close().is_none());
    // A time ends it as well.
    panel.set_max_wait(Duration::from_secs(30)).unwrap();
    panel.set_time(Timestamp::from_millis(2 * common::HOUR + 29_999));
    assert!(panel.next_close().is_none());
    panel.set_time(Timestamp::from_millis(2 * common::HOUR + 30_000));
    assert!(panel.next_close().is_some());
    assert_eq!((panel.stats().closes, panel.stats().missing), (2, 3));
    let error = panel.set_max_wait(Duration::from_secs(101 * 3_600)).unwrap_err().to_string();
    assert!(error.contains("max_wait of the panel in seconds must be at most 100"), "{error}");
}

#[test]
fn panel_rejects_candles_that_do_not_fit_without_state_change() {
    let mut panel = three();
    let x = pair("X");
    panel.push(&x, &flat(1, 1.0)).unwrap();
    let unknown = panel.push(&pair("Z"), &flat(1, 1.0)).unwrap_err();
    assert_eq!(unknown, SignalError::UnknownPair { pair: pair("Z") });
    let open_time = flat(1, 1.0).open_time();
    assert_eq!(panel.push(&x, &flat(1, 5.0)), Err(SignalError::Duplicate { open_time }));
    let off = Candle::new(Timestamp::from_millis(1), flat(1, 1.0).values()).unwrap();
    assert!(matches!(panel.push(&x, &off), Err(SignalError::Misaligned { .. })));
    // An earlier candle is not late while no later close is decided.
    panel.push(&x, &flat(0, 1.0)).unwrap();
    for name in ["Y", "OWN"] {
        panel.push(&pair(name), &flat(1, 1.0)).unwrap();
    }
    while panel.next_close().is_some() {}
    let open_time = flat(0, 1.0).open_time();
    let last = flat(1, 1.0).open_time();
    assert_eq!(panel.push(&pair("Y"), &flat(0, 1.0)), Err(SignalError::Late { open_time, last }));
    let stats = panel.stats();
    assert_eq!((stats.taken, stats.late, stats.duplicates, stats.misaligned), (4, 1, 1, 1));
    // A candle of the last close arrives again.
    let open_time = last;
    assert_eq!(panel.push(&x, &flat(1, 1.0)), Err(SignalError::Duplicate { open_time }));
    assert_eq!(panel.received(&x, open_time), Some(&flat(1, 1.0)));
}

#[test]
fn tables_of_a_market_accept_a_gap_longer_than_the_bound_of_a_feed() {
    let series = |name: &str, phase: f64| {
        let hours = (0..60).chain(30_000..30_060);
        let candles = hours.map(|hour| flat(hour, 100.0 + (hour as f64 + phase).sin())).collect();
        CandleSeries::new(pair(name), Interval::HOUR, candles).unwrap()
    };
    let market = [series("X", 0.0), series("Y", 1.0), series("OWN", 2.0)];
    let spec = wide_market();
    let tables = SignalTable::build_all(&spec, &Registry::default(), &market).unwrap();
    for (own, table) in market.iter().zip(&tables) {
        let alone = SignalTable::build(&spec, &Registry::default(), own, &market).unwrap();
        assert_eq!(rows_of(table), rows_of(&alone), "{}", own.pair());
    }
}

#[test]
fn panel_rejects_candle_far_ahead_and_takes_the_next_one() {
    let mut panel = three();
    let x = pair("X");
    panel.push(&x, &flat(1, 1.0)).unwrap();
    panel.push(&x, &flat(10_001, 1.0)).unwrap(); // at the bound
    let mut panel = three();
    panel.push(&x, &flat(1, 1.0)).unwrap();
    let (open_time, last) = (flat(10_002, 1.0).open_time(), flat(1, 1.0).open_time());
    let error = panel.push(&x, &flat(10_002, 1.0)).unwrap_err();
    let (interval, max_ahead) = (Interval::HOUR, 10_000);
    assert_eq!(error, SignalError::FarAhead { open_time, last, interval, max_ahead });
    for name in ["Y", "OWN"] {
        panel.push(&pair(name), &flat(1, 1.0)).unwrap(); // not late
    }
    assert!(panel.next_close().is_some());
    assert_eq!((panel.stats().misaligned, panel.stats().late), (1, 0));
    panel.set_max_ahead(1).unwrap();
    assert!(panel.push(&x, &flat(3, 1.0)).is_err());
    assert!(panel.set_max_ahead(0).unwrap_err().to_string().contains("max_ahead of the panel"));
}

#[test]
fn panel_rejects_declarations_that_do_not_fit() {
    let build = |spec: &SignalSpec, pairs: &[Pair]| {
        Panel::new(spec, Interval::HOUR, &Registry::default(), pairs).map(|_| ()).unwrap_err()
    };
    let six = SignalSpec::default();
    assert!(matches!(build(&six, &[]), SignalError::Setting { setting: "number of pairs", .. }));
    let twice = ["X", "X"].map(pair);
    assert_eq!(build(&six, &twice), SignalError::RepeatedPair { pair: pair("X") });
    let missing = build(&wide_market(), &["X", "OWN"].map(pair));
    assert_eq!(missing, SignalError::MissingPair { pair: pair("Y") });
    let strict = SignalSpec { gaps: GapPolicy::Error, ..six.clone() };
    assert_eq!(build(&strict, &twice[..1]), SignalError::PanelGaps);
    let names_x_twice = ChannelSpec::new("market_return").reading_all(&twice);
    let spec = SignalSpec { channels: vec![names_x_twice], gaps: GapPolicy::ByClock };
    let problem = build(&spec, &["X", "OWN"].map(pair)).to_string();
    assert!(problem.contains("its spec names X twice; remove one"), "{problem}");
    let day = [(pair("X"), Duration::from_secs(86_400))];
    let error = Panel::with_sessions(&six, Interval::HOUR, &Registry::default(), &day).unwrap_err();
    assert!(matches!(error, SignalError::SessionClose { .. }), "{error}");
    let mixed = [walk("X", 0..9, 1), series("Y", vec![])];
    let days = CandleSeries::new(pair("Z"), Interval::DAY, vec![]).unwrap();
    assert!(SignalTable::build_all(&six, &Registry::default(), &mixed).is_ok());
    let mixed = [&mixed[..], &[days]].concat();
    let error = SignalTable::build_all(&six, &Registry::default(), &mixed).unwrap_err();
    assert!(matches!(error, SignalError::WrongInterval { .. }), "{error}");
}

#[test]
fn panel_restore_names_the_difference_and_keeps_its_state() {
    let mut state = three();
    state.push(&pair("X"), &flat(0, 1.0)).unwrap();
    let words = saved(&state);
    let panel = |names: &[&str], channel: ChannelSpec, gaps, interval| {
        let pairs: Vec<Pair> = names.iter().map(|name| pair(name)).collect();
        let spec = SignalSpec { channels: vec![channel.reading_all(&pairs[..2])], gaps };
        Panel::new(&spec, interval, &Registry::default(), &pairs).unwrap()
    };
    let breadth = || ChannelSpec::new("market_breadth");
    let all = ["X", "Y", "OWN"];
    let (clock, hour) = (GapPolicy::ByClock, Interval::HOUR);
    let cases = [
        (panel(&["X", "Z", "OWN"], breadth(), clock, hour), "its pair is Y, expected Z"),
        (panel(&all[..2], breadth(), clock, hour), "its number of pairs is 3, expected 2"),
        (panel(&all, ChannelSpec::new("market_return"), clock, hour), "its channel is"),
        (panel(&all, breadth(), GapPolicy::Reset, hour), "its gap policy is ByClock"),
        (panel(&all, breadth(), clock, Interval::DAY), "its interval is 1h, expected 1d"),
    ];
    for (mut other, want) in cases {
        let before = saved(&other);
        let error = other.restore(&mut StateReader::new(&words)).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
        assert_eq!(saved(&other), before);
    }
    for len in 0..words.len() {
        let mut other = three();
        other.push(&pair("Y"), &flat(7, 1.0)).unwrap();
        let before = saved(&other);
        assert!(other.restore(&mut StateReader::new(&words[..len])).is_err());
        assert_eq!(saved(&other), before);
    }
}
