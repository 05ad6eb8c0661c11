//! Benchmarks of the six signals per candle in streaming, each alone and all together.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane::prelude::*;
use windvane::signals::{ChannelSpec, SignalPipeline};

fn per_candle(c: &mut Criterion) {
    let series = windvane_benches::candles(10_000);
    let mut group = c.benchmark_group("signals_per_candle");
    group.throughput(Throughput::Elements(series.len() as u64));
    let six = SignalSpec::default();
    let alone = six.channels.iter().map(|channel: &ChannelSpec| {
        (channel.to_string(), SignalSpec { channels: vec![channel.clone()], ..six.clone() })
    });
    for (name, spec) in alone.chain([("all six".to_string(), six.clone())]) {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default())
                    .expect("built-in");
                let mut sum = 0.0;
                for candle in &series {
                    let rows = pipeline.update(candle).expect("a whole series");
                    sum += rows.last().map_or(0.0, |row| row[0]);
                }
                sum
            });
        });
    }
    group.finish();
}

criterion_group!(benches, per_candle);
criterion_main!(benches);
