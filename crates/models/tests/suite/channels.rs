//! Allocations of the signal pipeline, measured where the counting allocator is a dependency.
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Pair};
use windvane_signals::channels::{CandlePattern, ChannelPairs};
use windvane_signals::{
    ChannelSpec, GapPolicy, MarketSnapshot, Registry, SignalPipeline, SignalSpec,
};

fn walk(name: &str, seed: u64) -> CandleSeries {
    MarketModel::AR1.candles(name.parse().unwrap(), Interval::HOUR, 700, seed).unwrap()
}

/// Every built-in channel with its default parameters, and all patterns.
fn all_channels(pairs: &[Pair]) -> Vec<ChannelSpec> {
    let mut channels: Vec<ChannelSpec> = CandlePattern::names().map(ChannelSpec::pattern).collect();
    let close_location = ChannelSpec::new("close_location");
    channels.push(ChannelSpec::on(Interval::DAY, ChannelSpec::new("rsi")));
    channels.push(ChannelSpec::market_mean(close_location).reading_all(pairs));
    for info in Registry::built_in() {
        let channel = ChannelSpec::new(info.name);
        match (info.name, info.pairs) {
            ("pattern" | "on" | "market_mean", _) => {}
            (_, ChannelPairs::Leader) => channels.push(channel.reading(pairs[0].clone())),
            (_, ChannelPairs::Market) => channels.push(channel.reading_all(pairs)),
            _ => channels.push(channel),
        }
    }
    channels
}

#[test]
fn pipeline_update_of_every_channel_allocates_nothing() {
    let pairs: Vec<Pair> = ["A", "B", "C"].map(|name| name.parse().unwrap()).to_vec();
    let series: Vec<CandleSeries> =
        (1..=3).map(|k| walk(pairs[k - 1].as_str(), k as u64)).collect();
    let spec = SignalSpec { channels: all_channels(&pairs), gaps: GapPolicy::ByClock };
    let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default()).unwrap();
    let closes: Vec<Vec<_>> = (0..700)
        .map(|row| (0..3).map(|k| (pairs[k].clone(), series[k].candles()[row])).collect())
        .collect();
    let mut complete = 0;
    let memory = allocation_counter::measure(|| {
        for (row, others) in closes.iter().enumerate() {
            let own = &series[0].candles()[row];
            if row % 50 == 49 {
                pipeline.advance(own.open_time(), &others[1..]).unwrap();
                continue;
            }
            let rows = pipeline.update(MarketSnapshot::new(own, others)).unwrap();
            complete += usize::from(rows.last().is_some());
        }
    });
    assert_eq!(memory.count_total, 0);
    assert!(complete > 100, "{complete} complete rows");
}
