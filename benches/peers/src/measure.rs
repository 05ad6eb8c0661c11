//! Measurement of the time of calls.
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::peer::Task;
use crate::workload::Workload;

/// Percentiles of one series of one peer, in microseconds per call.
#[derive(Debug, Clone, Copy)]
pub struct TimingSeries {
    pub p50: f64,
    pub p99: f64,
}

/// Measures the calls of `task` from number `next` on for `time`, after a warm-up of a tenth of it.
pub fn series(
    work: Workload,
    task: &mut Task<'_>,
    time: Duration,
    next: &mut usize,
) -> TimingSeries {
    let mut out = vec![0.0; work.output_len()];
    let calls = work.calls_per_sample();
    let mut sample = || {
        let start = Instant::now();
        for _ in 0..calls {
            task(*next, &mut out);
            black_box(&out);
            *next += 1;
        }
        start.elapsed().as_secs_f64() * 1e6 / calls as f64
    };
    let start = Instant::now();
    while start.elapsed() < time / 10 {
        sample();
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < time || times.len() < 10 {
        times.push(sample());
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    TimingSeries { p50: at(0.5), p99: at(0.99) }
}

/// Returns the median of the medians and the smallest 99th percentile of all series.
pub fn summary(all: &[TimingSeries]) -> TimingSeries {
    let mut p50: Vec<f64> = all.iter().map(|series| series.p50).collect();
    p50.sort_unstable_by(f64::total_cmp);
    let p99 = all.iter().map(|series| series.p99).fold(f64::INFINITY, f64::min);
    TimingSeries { p50: p50[p50.len() / 2], p99 }
}
