//! Figures of the six signals over a real week, and of the convergence of RSI and MACD.
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::SignalPipeline;

use super::chart::{ChartAxis, ChartLine, LineChart};
use super::{Error, Figure, ink};

/// Week of the figures, in which bitcoin fell by a tenth and rose by a third.
const WEEK: [&str; 2] = ["2023-03-09", "2023-03-16"];

/// Names and units of the default channels.
const CHANNELS: [(&str, &str); 6] = [
    ("momentum", "fraction"),
    ("trend", "fraction"),
    ("rsi", "0 to 100"),
    ("macd", "fraction"),
    ("volatility", "fraction"),
    ("volume_change", "fraction"),
];

fn series() -> Result<CandleSeries, Error> {
    Ok(sample::load("BTCUSDT").ok_or("the sample has BTCUSDT")?)
}

/// Computes the rows of the whole series.
pub(crate) fn table() -> Result<SignalTable, Error> {
    Ok(SignalTable::build(&SignalSpec::default(), &Registry::default(), &series()?, &[])?)
}

/// Draws the close over the week, then each channel.
pub(crate) fn figures() -> Result<Vec<Figure>, Error> {
    let (series, table) = (series()?, table()?);
    let [from, until]: [Timestamp; 2] = [WEEK[0].parse()?, WEEK[1].parse()?];
    let within = |row: &usize| {
        table.open_time(*row).is_some_and(|open_time| open_time >= from && open_time <= until)
    };
    let rows: Vec<usize> = (0..table.len()).filter(within).collect();
    // The values of a candle are known at its close.
    let day = |row: usize| {
        let close = table.close_time(row).map_or(0, |close| close.millis() - from.millis());
        close as f64 / 86_400_000.0
    };
    let ranges = rows.iter().map(|&row| {
        let candle = &series.candles()[row];
        ChartLine::new(ink::RULE, vec![(day(row), candle.low()), (day(row), candle.high())])
    });
    let closes = rows.iter().map(|&row| (day(row), series.candles()[row].close())).collect();
    let lines = ranges.chain([ChartLine::new(ink::BLUE, closes)]).collect();
    let mut figures = vec![("week-close".to_string(), week(lines, "USDT", 190)?)];
    for (channel, (name, label)) in CHANNELS.into_iter().enumerate() {
        let value = |row: &usize| table.row(*row).map(|values| (day(*row), values[channel]));
        let points = rows.iter().filter_map(value).collect();
        let svg = week(vec![ChartLine::new(ink::BLUE, points)], label, 150)?;
        figures.push((format!("week-{}", name.replace('_', "-")), svg));
    }
    Ok(figures)
}

fn week(lines: Vec<ChartLine>, label: &'static str, height: u32) -> Result<String, Error> {
    let heights = || lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y);
    let (low, high) = heights().fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(y), h.max(y)));
    let room = 0.06 * (high - low);
    let x =
        ChartAxis { ends: 0.0..7.0, ticks: 8, text: |day| format!("{} Mar", 9.0 + day), label: "" };
    let y = ChartAxis { ends: low - room..high + room, ticks: 5, text: number, label };
    LineChart { size: (760, height), x, y, lines }.svg()
}

/// Formats the number of a tick without trailing zeros.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_string() } else { text.replace('-', "−") }
}

/// Indices of the candles at which a feed starts.
const STARTS: std::ops::Range<usize> = 1_000..10_000;
/// Number of candles after each start.
const CANDLES: usize = 260;

/// Draws the largest difference of RSI and MACD from those of a feed with a long history, over many
/// starts.
pub(crate) fn warm_up(table: &SignalTable) -> Result<Figure, Error> {
    let series = series()?;
    let mut worst = [vec![0.0_f64; CANDLES], vec![0.0_f64; CANDLES]];
    for start in STARTS.step_by(100) {
        let mut pipeline =
            SignalPipeline::new(&SignalSpec::default(), series.interval(), &Registry::default())?;
        for (age, candle) in series.candles()[start..start + CANDLES].iter().enumerate() {
            let (young, old) = (pipeline.update(candle)?, table.row(start + age));
            let (Some(young), Some(old)) = (young.last(), old) else { continue };
            // The RSI relative to its range, the MACD relative to the price.
            let apart = [(young[2] - old[2]).abs() / 100.0, (young[3] - old[3]).abs()];
            for (worst, apart) in worst.iter_mut().zip(apart) {
                worst[age] = worst[age].max(apart);
            }
        }
    }
    let line = |values: &[f64]| -> Vec<(f64, f64)> {
        let points = values.iter().enumerate().filter(|(_, value)| **value > 0.0);
        points.map(|(age, value)| (age as f64 + 1.0, value.log10())).collect()
    };
    let named = |ink, values: &[f64], at, name: &str| ChartLine {
        name: Some((at, name.to_string())),
        ..ChartLine::new(ink, line(values))
    };
    let bound = ChartLine::new(ink::RULE, vec![(0.0, -6.0), (CANDLES as f64, -6.0)]);
    let lines = vec![
        bound,
        named(ink::BLUE, &worst[0], (70.0, -1.4), "RSI, of its range"),
        named(ink::ORANGE, &worst[1], (34.0, -5.2), "MACD, of the price"),
    ];
    let x = ChartAxis {
        ends: 0.0..CANDLES as f64,
        ticks: 14,
        text: |age| format!("{age}"),
        label: "candles since the feed began",
    };
    let text = |power: f64| format!("1e{power}").replace('-', "−");
    let y = ChartAxis { ends: -9.0..0.0, ticks: 5, text, label: "difference" };
    Ok(("warm-up".to_string(), LineChart { size: (760, 260), x, y, lines }.svg()?))
}
