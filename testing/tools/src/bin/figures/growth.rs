//! Figures of the growth with the number of candles, as measured by the program `growth`.
use super::chart::{ChartAxis, ChartLine, LineChart};
use super::ink::Ink;
use super::{Error, Figure, ink};

/// Step of the table of docs/performance.md.
struct Step {
    ink: Ink,
    name: &'static str,
    /// Distance of the name from the end of the line of seconds and of MiB, in powers of ten.
    above: [f64; 2],
    /// Millions of candles, seconds and MiB.
    measured: &'static [(f64, f64, f64)],
}

const STEPS: [Step; 4] = [
    Step {
        ink: ink::GREEN,
        name: "signals",
        above: [-0.09, -0.09],
        measured: &[(0.432, 0.3, 19.0), (4.32, 3.2, 19.0), (43.2, 35.0, 20.0)],
    },
    Step {
        ink: ink::ORANGE,
        name: "predictions",
        above: [0.07, 0.07],
        measured: &[(0.432, 1.3, 23.0), (4.32, 12.0, 27.0), (43.2, 203.0, 25.0)],
    },
    Step {
        ink: ink::BLUE,
        name: "fit",
        above: [0.07, 0.07],
        measured: &[(0.432, 7.4, 60.0), (4.32, 71.1, 397.0), (43.2, 746.8, 3637.0)],
    },
    Step {
        ink: ink::TEXT,
        name: "backtest",
        above: [-0.12, 0.07],
        measured: &[(0.432, 6.2, 126.0), (4.32, 63.4, 1096.0)],
    },
];

/// Draws seconds and memory over the number of candles, all on logarithmic axes.
pub(crate) fn figures() -> Result<[Figure; 2], Error> {
    let seconds = chart(0, "seconds", -1.0..3.4);
    let memory = chart(1, "MiB", 1.0..4.2);
    Ok([("growth-time".to_string(), seconds.svg()?), ("growth-memory".to_string(), memory.svg()?)])
}

/// Chart of the seconds (0) or the memory (1) of all steps.
fn chart(quantity: usize, label: &'static str, ends: std::ops::Range<f64>) -> LineChart {
    let point = |&(candles, seconds, memory): &(f64, f64, f64)| {
        (candles.log10(), [seconds, memory][quantity].log10())
    };
    let line = |step: &Step| {
        let points: Vec<(f64, f64)> = step.measured.iter().map(point).collect();
        let (x, y) = points[points.len() - 1];
        let name = Some(((x + 0.03, y + step.above[quantity]), step.name.to_string()));
        ChartLine { name, ..ChartLine::new(step.ink, points) }
    };
    let power = |value: f64| format!("{}", (10f64.powf(value) * 1e3).round() / 1e3);
    let x = ChartAxis { ends: -0.5..2.3, ticks: 3, text: power, label: "millions of candles" };
    let y = ChartAxis { ends, ticks: 5, text: power, label };
    LineChart { size: (560, 300), x, y, lines: STEPS.iter().map(line).collect() }
}
