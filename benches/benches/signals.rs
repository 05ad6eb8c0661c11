//! Benchmarks of the channels per candle in streaming: the six, each alone, every built-in channel
//! and the named sets.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane::prelude::*;
use windvane::signals::channels::{CandlePattern, ChannelPairs};
use windvane::signals::{MarketSnapshot, SignalPipeline};

/// Number of pairs of the market.
const PAIRS: usize = 10;

type Others = Vec<(Pair, Candle)>;

fn six_per_candle(c: &mut Criterion) {
    let six = SignalSpec::default();
    let specs = each_alone(&six).into_iter().chain([("all six".to_string(), six)]);
    run(c, "signals_per_candle", specs.collect());
}

fn channels_per_candle(c: &mut Criterion) {
    let pairs = market_pairs();
    let mut channels: Vec<ChannelSpec> = Registry::built_in()
        .filter(|info| !["pattern", "on", "market_mean"].contains(&info.name))
        .map(|info| match info.pairs {
            ChannelPairs::Leader => ChannelSpec::new(info.name).reading(pairs[0].clone()),
            ChannelPairs::Market => ChannelSpec::new(info.name).reading_all(&pairs),
            _ => ChannelSpec::new(info.name),
        })
        .collect();
    let close_location = ChannelSpec::new("close_location");
    channels.push(ChannelSpec::on(Interval::DAY, ChannelSpec::new("rsi")));
    channels.push(ChannelSpec::market_mean(close_location).reading_all(&pairs));
    channels.extend(CandlePattern::names().map(ChannelSpec::pattern));
    run(c, "channels_per_candle", each_alone(&SignalSpec { channels, gaps: GapPolicy::ByClock }));
}

fn sets_per_candle(c: &mut Criterion) {
    let pairs = market_pairs();
    let sets = vec![
        ("six".to_string(), SignalSpec::six()),
        ("price_action".to_string(), SignalSpec::price_action()),
        (format!("market of {PAIRS}"), SignalSpec::market(&pairs, &pairs[0])),
    ];
    run(c, "sets_per_candle", sets);
}

fn market_pairs() -> Vec<Pair> {
    (0..PAIRS).map(|k| format!("PAIR{k}").parse().expect("a name")).collect()
}

fn each_alone(spec: &SignalSpec) -> Vec<(String, SignalSpec)> {
    let channels = spec.channels.iter();
    channels
        .map(|channel| {
            let alone = SignalSpec { channels: vec![channel.clone()], gaps: spec.gaps };
            (channel.to_string(), alone)
        })
        .collect()
}

/// Benchmarks one pass of each spec over the sample; every pair of a market has its candles.
fn run(c: &mut Criterion, name: &str, specs: Vec<(String, SignalSpec)>) {
    let series = windvane_benches::candles(10_000);
    let pairs = market_pairs();
    let market: Vec<Others> = series
        .iter()
        .map(|candle| pairs.iter().map(|pair| (pair.clone(), *candle)).collect())
        .collect();
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(series.len() as u64));
    for (name, spec) in specs {
        let reads_others = !spec.pairs().is_empty();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default())
                    .expect("built-in");
                let mut sum = 0.0;
                for (candle, others) in series.iter().zip(&market) {
                    let rows = if reads_others {
                        pipeline.update(MarketSnapshot::new(candle, others))
                    } else {
                        pipeline.update(candle)
                    };
                    let rows = rows.expect("a whole series");
                    sum += rows.last().map_or(0.0, |row| row[0]);
                }
                sum
            });
        });
    }
    group.finish();
}

criterion_group!(benches, six_per_candle, channels_per_candle, sets_per_candle);
criterion_main!(benches);
