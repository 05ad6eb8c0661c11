//! The diagnosis as one page: no script, no other file.
use askama::Template;
use windvane::models::TrainingRecord;
use windvane::models::explain::{GATES, LstmTrace};
use windvane::prelude::Direction;

use super::diagnosis::{ChannelView, Diagnosis, WholeView};
use super::format::{
    aftermath, call, drift_word, number, or_dash, percent, place, range, row_name, title, vote,
};
use super::plot::{Curve, Plot};

/// Shades between the ends of a heat map, the middle one included.
const SHADES: f64 = 10.0;

/// What the template fills in; it escapes all text.
#[derive(Template)]
#[template(path = "diagnose.html")]
struct Page {
    title: String,
    call: String,
    aftermath: String,
    place: &'static str,
    classes: Vec<Class>,
    votes: Vec<[String; 4]>,
    signals: Vec<Signal>,
    attention: Vec<Bar>,
    layers: Vec<Layer>,
    dense: Vec<Dense>,
    losses: Option<Plot>,
    record: Vec<[String; 2]>,
    windows: usize,
    units: Vec<UnitRow>,
    gates: Vec<GateRow>,
    gradient_windows: usize,
    gradients: Vec<GradientRow>,
    drift: Vec<DriftRow>,
}

struct Class {
    name: &'static str,
    text: String,
    width: String,
}

/// One channel: its window as a line, and what silencing it changes.
struct Signal {
    name: String,
    raw: String,
    scaled: String,
    plot: Plot,
    effect: String,
    /// Where its bar begins and how long it is, in per cent of the field.
    from: String,
    width: String,
    side: &'static str,
}

struct Bar {
    label: String,
    text: String,
    height: String,
}

struct Layer {
    name: String,
    maps: Vec<Map>,
}

/// A heat map, a row per unit and a column per candle.
struct Map {
    name: &'static str,
    rows: Vec<Vec<String>>,
}

struct Dense {
    name: String,
    most: String,
    shades: Vec<String>,
}

struct UnitRow {
    layer: String,
    units: usize,
    dead: usize,
    which: String,
}

struct GateRow {
    layer: String,
    gate: &'static str,
    mean: String,
    /// At the lower and at the upper end.
    ends: [Share; 2],
    stuck: usize,
}

struct Share {
    text: String,
    width: String,
}

struct GradientRow {
    tensor: String,
    weights: String,
    gradient: Share,
    ratio: String,
}

struct DriftRow {
    channel: String,
    earlier: String,
    later: String,
    shift: String,
    psi: Share,
    by_chance: String,
    word: &'static str,
}

pub(crate) fn html(diagnosis: &Diagnosis) -> Result<String, askama::Error> {
    let Diagnosis { candle, whole, .. } = diagnosis;
    let trace = candle.trace.as_ref();
    let class = |class: Direction| {
        let p = f64::from(candle.prediction.probabilities.of(class));
        let name = match class {
            Direction::Up => "UP",
            Direction::Down => "DOWN",
            Direction::Neutral => "NEUTRAL",
        };
        Class { name, text: percent(p), width: width(p) }
    };
    let page = Page {
        title: title(diagnosis),
        call: call(&candle.prediction),
        aftermath: aftermath(candle),
        place: place(candle.stage),
        classes: Direction::ALL.map(class).into(),
        votes: candle.votes.iter().map(vote).collect(),
        signals: signals(&candle.channels),
        attention: trace.and_then(|t| t.attention.as_deref()).map_or(Vec::new(), attention),
        layers: trace.map_or(Vec::new(), |trace| trace.lstms.iter().map(layer).collect()),
        dense: trace.map_or(Vec::new(), |trace| {
            let layers = trace.dense.iter();
            layers.map(|layer| dense(&layer.layer, &layer.outputs)).collect()
        }),
        losses: losses(whole),
        record: whole.record.as_ref().map_or(Vec::new(), record),
        windows: whole.windows,
        units: units(whole),
        gates: gates(whole),
        gradient_windows: whole.gradient_windows,
        gradients: gradients(whole),
        drift: drift(whole),
    };
    page.render()
}

/// A share as a length in CSS.
fn width(share: f64) -> String {
    format!("{:.2}%", 100.0 * share.clamp(0.0, 1.0))
}

fn share_of(value: f64, most: f64, text: String) -> Share {
    Share { text, width: width(if most > 0.0 { value / most } else { 0.0 }) }
}

fn signals(channels: &[ChannelView]) -> Vec<Signal> {
    let effects = channels.iter().map(|channel| f64::from(channel.silenced.effect).abs());
    let largest = effects.fold(0.0, f64::max);
    let signal = |ChannelView { raw, scaled, silenced }: &ChannelView| {
        let (low, high) = range(scaled.as_ref().unwrap_or(raw));
        // A quiet signal looks quiet.
        let reach = high.max(-low).max(2.0);
        let plot = match scaled {
            Some(scaled) => Plot::new(vec![Curve::new("one", "", scaled)], -reach, reach),
            None => Plot::new(vec![Curve::new("one", "", raw)], low, high),
        };
        let effect = f64::from(silenced.effect);
        let half = if largest > 0.0 { effect.abs() / largest / 2.0 } else { 0.0 };
        let newest = scaled.as_ref().and_then(|scaled| scaled.last().copied());
        Signal {
            name: silenced.channel.clone(),
            raw: or_dash(raw.last().copied(), number),
            scaled: or_dash(newest, |z| format!("{z:+.2}")),
            plot,
            effect: format!("{:+.2}", 100.0 * effect),
            from: width(if effect < 0.0 { 0.5 - half } else { 0.5 }),
            width: width(half),
            side: if effect < 0.0 { "down" } else { "up" },
        }
    };
    channels.iter().map(signal).collect()
}

fn attention(weights: &[f32]) -> Vec<Bar> {
    let largest = f64::from(weights.iter().copied().fold(0.0, f32::max));
    let bar = |(row, weight): (usize, &f32)| {
        let (weight, back) = (f64::from(*weight), weights.len() - 1 - row);
        let height = width(if largest > 0.0 { weight / largest } else { 0.0 });
        Bar { label: row_name(back), text: percent(weight), height }
    };
    weights.iter().enumerate().map(bar).collect()
}

fn layer(lstm: &LstmTrace) -> Layer {
    let cell = lstm.cell.iter().fold(1.0_f32, |most, cell| most.max(cell.abs()));
    let gates = GATES.iter().zip(&lstm.gates).enumerate();
    let mut maps: Vec<Map> = gates
        .map(|(index, (name, values))| {
            map(name, lstm, values, if index == 2 { Some(1.0) } else { None })
        })
        .collect();
    maps.push(map("cell", lstm, &lstm.cell, Some(cell)));
    maps.push(map("state", lstm, &lstm.hidden, Some(1.0)));
    Layer { name: lstm.layer.clone(), maps }
}

/// A map of shares, or of numbers between ± `reach`.
fn map(name: &'static str, lstm: &LstmTrace, values: &[f32], reach: Option<f32>) -> Map {
    let units = lstm.hidden_size;
    let class = |value: &f32| match reach {
        None => shade('s', f64::from(*value)),
        Some(reach) if *value < 0.0 => shade('n', f64::from(-value / reach)),
        Some(reach) => shade('p', f64::from(value / reach)),
    };
    let row = |unit: usize| values.iter().skip(unit).step_by(units.max(1)).map(class).collect();
    Map { name, rows: (0..units).map(row).collect() }
}

/// The class of a cell: which scale, and how far from its zero.
fn shade(scale: char, share: f64) -> String {
    format!("{scale}{:.0}", (share.clamp(0.0, 1.0) * SHADES).round())
}

fn dense(name: &str, outputs: &[f32]) -> Dense {
    let most = f64::from(outputs.iter().copied().fold(0.0, f32::max));
    let share = |output: &f32| if most > 0.0 { f64::from(*output) / most } else { 0.0 };
    let shades = outputs.iter().map(|output| shade('s', share(output))).collect();
    Dense { name: name.to_string(), most: number(most), shades }
}

fn losses(whole: &WholeView) -> Option<Plot> {
    let train: Vec<f64> = whole.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let checked: Vec<f64> = whole.epochs.iter().filter_map(|e| e.validation_loss).collect();
    let (low, high) = range(&[&train[..], &checked].concat());
    let curves =
        || vec![Curve::new("one", "training", &train), Curve::new("two", "validation", &checked)];
    (!train.is_empty()).then(|| Plot::new(curves(), low, high))
}

fn record(record: &TrainingRecord) -> Vec<[String; 2]> {
    let loss = |loss| or_dash(loss, |loss| format!("{loss:.4} nats"));
    let windows = format!("{} to learn, {} to choose", record.windows, record.validation_windows);
    let rows = [
        ("pairs", record.pairs.join(", ")),
        ("windows", windows),
        ("learned from", format!("{} to {}", record.from, record.until)),
        ("chosen until", record.validated_until.to_string()),
        ("epoch kept", format!("{} of {}", record.best_epoch, record.epochs)),
        ("training loss", loss(record.train_loss)),
        ("validation loss", loss(record.validation_loss)),
        ("seed", record.seed.to_string()),
        ("constant channels", record.constant_channels.join(", ")),
    ];
    let mut rows: Vec<[String; 2]> =
        rows.into_iter().map(|(name, value)| [name.to_string(), value]).collect();
    rows.extend(record.held_out.iter().map(|measured| ["measured".into(), measured.to_string()]));
    rows.extend(record.notes.iter().map(|note| ["note".to_string(), note.clone()]));
    rows.retain(|[_, value]| !value.is_empty());
    rows
}

fn units(whole: &WholeView) -> Vec<UnitRow> {
    let activity = whole.activity.iter();
    activity
        .map(|layer| UnitRow {
            layer: layer.layer.clone(),
            units: layer.units,
            dead: layer.dead.len(),
            which: layer.dead.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        })
        .collect()
}

fn gates(whole: &WholeView) -> Vec<GateRow> {
    let layers = whole.activity.iter().flat_map(|layer| {
        let gates = GATES.into_iter().zip(layer.gates.iter().flatten());
        gates.map(|(gate, activity)| (layer.layer.clone(), gate, *activity))
    });
    let row = |(layer, gate, activity): (String, &'static str, _)| {
        let windvane::models::explain::GateActivity { mean, low, high, stuck, .. } = activity;
        let ends = [low, high].map(|share| share_of(share, 1.0, percent(share)));
        GateRow { layer, gate, mean: format!("{mean:+.2}"), ends, stuck }
    };
    layers.map(row).collect()
}

fn gradients(whole: &WholeView) -> Vec<GradientRow> {
    let largest = whole.gradients.iter().map(|norm| norm.gradient).fold(0.0, f64::max);
    let row = |norm: &windvane::models::explain::GradientNorm| GradientRow {
        tensor: norm.tensor.clone(),
        weights: number(norm.weights),
        gradient: share_of(norm.gradient, largest, number(norm.gradient)),
        ratio: or_dash((norm.weights > 0.0).then(|| norm.gradient / norm.weights), |ratio| {
            format!("{ratio:.1e}")
        }),
    };
    whole.gradients.iter().map(row).collect()
}

fn drift(whole: &WholeView) -> Vec<DriftRow> {
    let row = |drift: &windvane::signals::ChannelDrift| DriftRow {
        channel: drift.channel.clone(),
        earlier: number(drift.earlier),
        later: number(drift.later),
        shift: or_dash(drift.shift, |shift| format!("{shift:+.2}")),
        psi: share_of(drift.psi.unwrap_or(0.0), 1.0, or_dash(drift.psi, |psi| format!("{psi:.3}"))),
        by_chance: or_dash(drift.by_chance, |psi| format!("{psi:.3}")),
        word: drift_word(drift),
    };
    whole.drift.iter().map(row).collect()
}
