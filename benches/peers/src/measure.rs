//! Times of calls.
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::peer::Task;
use crate::workload::Work;

/// One series of one peer, in microseconds a call.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    pub p50: f64,
    pub p99: f64,
}

/// Calls `task` for `time`, after a tenth of that to warm up, with the calls from `next` on.
pub fn series(work: Work, task: &mut Task<'_>, time: Duration, next: &mut usize) -> Series {
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
    Series { p50: at(0.5), p99: at(0.99) }
}

/// The median of the medians, and the 99th percentile of the quietest series.
pub fn summary(all: &[Series]) -> Series {
    let mut p50: Vec<f64> = all.iter().map(|series| series.p50).collect();
    p50.sort_unstable_by(f64::total_cmp);
    let p99 = all.iter().map(|series| series.p99).fold(f64::INFINITY, f64::min);
    Series { p50: p50[p50.len() / 2], p99 }
}
