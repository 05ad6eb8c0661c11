//! Diagnosis as a single HTML page without scripts and other files.
use askama::Template;
use windvane::models::TrainingRecord;
use windvane::models::explain::{GATES, GateActivity, LstmTrace};
use windvane::prelude::{Direction, Prediction};

use super::diagnosis::{ChannelView, Diagnosis, ModelView};
use super::format::{
    direction, drift_word, number, or_dash, outcome, percent, period, range, row_name, title, vote,
};
use super::plot::{Curve, LinePlot};

/// Number of shades of a heat map on each side of zero.
const SHADES: f64 = 10.0;

/// Values of the template, which escapes all text.
#[derive(Template)]
#[template(path = "diagnose.html")]
struct DiagnosisPage<'a> {
    title: String,
    method: &'a str,
    direction: String,
    outcome: String,
    period: &'static str,
    classes: Vec<ClassRow>,
    votes: Vec<[String; 4]>,
    signals: Vec<SignalRow>,
    attention: Vec<AttentionBar>,
    layers: Vec<LstmMaps>,
    dense: Vec<DenseRow>,
    losses: Option<LinePlot>,
    record: Vec<[String; 2]>,
    windows: usize,
    units: Vec<UnitRow>,
    gates: Vec<GateRow>,
    gradient_windows: usize,
    gradients: Vec<GradientRow>,
    drift: Vec<DriftRow>,
}

struct ClassRow {
    name: &'static str,
    text: String,
    width: String,
}

/// One channel: its values in the window and its effect.
struct SignalRow {
    name: String,
    raw: String,
    scaled: String,
    plot: LinePlot,
    effect: String,
    /// Start of the bar, per cent of the field.
    from: String,
    /// Length of the bar, per cent of the field.
    width: String,
    side: &'static str,
}

struct AttentionBar {
    label: String,
    text: String,
    height: String,
}

struct LstmMaps {
    name: String,
    maps: Vec<HeatMap>,
}

/// Heat map with a row per unit and a column per candle.
struct HeatMap {
    name: &'static str,
    rows: Vec<Vec<String>>,
}

struct DenseRow {
    name: String,
    max: String,
    shades: Vec<String>,
}

struct UnitRow {
    layer: String,
    units: usize,
    dead: usize,
    indices: String,
}

struct GateRow {
    layer: String,
    gate: &'static str,
    mean: String,
    /// Saturated shares at the lower and at the upper end.
    ends: [ShareBar; 2],
    stuck: usize,
}

struct ShareBar {
    text: String,
    width: String,
}

struct GradientRow {
    tensor: String,
    weights: String,
    gradient: ShareBar,
    ratio: String,
}

struct DriftRow {
    channel: String,
    earlier: String,
    later: String,
    shift: String,
    psi: ShareBar,
    by_chance: String,
    word: &'static str,
}

pub(super) fn html(diagnosis: &Diagnosis) -> Result<String, askama::Error> {
    let Diagnosis { candle, model, .. } = diagnosis;
    let trace = candle.trace.as_ref();
    let page = DiagnosisPage {
        title: title(diagnosis),
        method: diagnosis.method.as_deref().unwrap_or("-"),
        direction: direction(&candle.prediction),
        outcome: outcome(candle),
        period: period(candle.period),
        classes: Direction::ALL.map(|class| ClassRow::new(class, &candle.prediction)).into(),
        votes: candle.votes.iter().map(vote).collect(),
        signals: signals(&candle.channels),
        attention: trace.and_then(|t| t.attention.as_deref()).map_or(Vec::new(), attention),
        layers: trace.map_or(Vec::new(), |trace| trace.lstms.iter().map(layer).collect()),
        dense: trace.map_or(Vec::new(), |trace| {
            let layers = trace.dense.iter();
            layers.map(|layer| dense(&layer.layer, &layer.outputs)).collect()
        }),
        losses: losses(model),
        record: model.record.as_ref().map_or(Vec::new(), record),
        windows: model.windows,
        units: units(model),
        gates: gates(model),
        gradient_windows: model.gradient_windows,
        gradients: gradients(model),
        drift: drift(model),
    };
    page.render()
}

impl ClassRow {
    fn new(class: Direction, prediction: &Prediction) -> Self {
        let p = f64::from(prediction.probabilities.of(class));
        let name = match class {
            Direction::Up => "UP",
            Direction::Down => "DOWN",
            Direction::Neutral => "NEUTRAL",
        };
        Self { name, text: percent(p), width: width(p) }
    }
}

/// Formats a share as a CSS length.
fn width(share: f64) -> String {
    format!("{:.2}%", 100.0 * share.clamp(0.0, 1.0))
}

fn share_of(value: f64, max: f64, text: String) -> ShareBar {
    ShareBar { text, width: width(if max > 0.0 { value / max } else { 0.0 }) }
}

fn signals(channels: &[ChannelView]) -> Vec<SignalRow> {
    let effects = channels.iter().map(|channel| f64::from(channel.occlusion.effect).abs());
    let largest = effects.fold(0.0, f64::max);
    channels.iter().map(|channel| signal(channel, largest)).collect()
}

/// Row of a channel; the bar of the largest effect fills half the field.
fn signal(channel: &ChannelView, largest: f64) -> SignalRow {
    let ChannelView { raw, scaled, occlusion } = channel;
    let (low, high) = range(scaled.as_ref().unwrap_or(raw));
    // The minimum range keeps small movements small.
    let reach = high.max(-low).max(2.0);
    let plot = match scaled {
        Some(scaled) => LinePlot::new(vec![Curve::new("one", "", scaled)], -reach, reach),
        None => LinePlot::new(vec![Curve::new("one", "", raw)], low, high),
    };
    let effect = f64::from(occlusion.effect);
    let half = if largest > 0.0 { effect.abs() / largest / 2.0 } else { 0.0 };
    let newest = scaled.as_ref().and_then(|scaled| scaled.last().copied());
    SignalRow {
        name: occlusion.channel.clone(),
        raw: or_dash(raw.last().copied(), number),
        scaled: or_dash(newest, |z| format!("{z:+.2}")),
        plot,
        effect: format!("{:+.2}", 100.0 * effect),
        from: width(if effect < 0.0 { 0.5 - half } else { 0.5 }),
        width: width(half),
        side: if effect < 0.0 { "down" } else { "up" },
    }
}

fn attention(weights: &[f32]) -> Vec<AttentionBar> {
    let largest = f64::from(weights.iter().copied().fold(0.0, f32::max));
    let rows = weights.iter().enumerate().map(|(row, weight)| {
        let (weight, back) = (f64::from(*weight), weights.len() - 1 - row);
        let height = width(if largest > 0.0 { weight / largest } else { 0.0 });
        AttentionBar { label: row_name(back), text: percent(weight), height }
    });
    rows.collect()
}

fn layer(lstm: &LstmTrace) -> LstmMaps {
    let cell = lstm.cell.iter().fold(1.0_f32, |max, cell| max.max(cell.abs()));
    let gates = GATES.iter().zip(&lstm.gates).enumerate();
    let mut maps: Vec<HeatMap> = gates
        .map(|(index, (name, values))| {
            map(name, lstm, values, if index == 2 { Some(1.0) } else { None })
        })
        .collect();
    maps.push(map("cell", lstm, &lstm.cell, Some(cell)));
    maps.push(map("state", lstm, &lstm.hidden, Some(1.0)));
    LstmMaps { name: lstm.layer.clone(), maps }
}

/// Heat map of shares, or of numbers between ± `reach`.
fn map(name: &'static str, lstm: &LstmTrace, values: &[f32], reach: Option<f32>) -> HeatMap {
    let units = lstm.hidden_size;
    let rows = (0..units).map(|unit| {
        let own = values.iter().skip(unit).step_by(units.max(1));
        own.map(|value| cell(*value, reach)).collect()
    });
    HeatMap { name, rows: rows.collect() }
}

/// CSS class of a cell of a heat map.
fn cell(value: f32, reach: Option<f32>) -> String {
    match reach {
        None => shade('s', f64::from(value)),
        Some(reach) if value < 0.0 => shade('n', f64::from(-value / reach)),
        Some(reach) => shade('p', f64::from(value / reach)),
    }
}

/// CSS class of a shade: the scale and the distance from its zero.
fn shade(scale: char, share: f64) -> String {
    format!("{scale}{:.0}", (share.clamp(0.0, 1.0) * SHADES).round())
}

fn dense(name: &str, outputs: &[f32]) -> DenseRow {
    let max = f64::from(outputs.iter().copied().fold(0.0, f32::max));
    let shades = outputs.iter().map(|output| {
        let share = if max > 0.0 { f64::from(*output) / max } else { 0.0 };
        shade('s', share)
    });
    DenseRow { name: name.to_string(), max: number(max), shades: shades.collect() }
}

fn losses(model: &ModelView) -> Option<LinePlot> {
    let train: Vec<f64> = model.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let validation: Vec<f64> = model.epochs.iter().filter_map(|e| e.validation_loss).collect();
    let (low, high) = range(&[&train[..], &validation].concat());
    if train.is_empty() {
        return None;
    }
    let curves =
        vec![Curve::new("one", "training", &train), Curve::new("two", "validation", &validation)];
    Some(LinePlot::new(curves, low, high))
}

fn record(record: &TrainingRecord) -> Vec<[String; 2]> {
    let (training, validation) = (record.windows, record.validation_windows);
    let rows = [
        ("pairs", record.pairs.join(", ")),
        ("windows", format!("{training} for training, {validation} for validation")),
        ("training period", format!("{} to {}", record.from, record.until)),
        ("validation until", record.validated_until.to_string()),
        ("epoch kept", format!("{} of {}", record.best_epoch, record.epochs)),
        ("training loss", nats(record.train_loss)),
        ("validation loss", nats(record.validation_loss)),
        ("seed", record.seed.to_string()),
        ("constant channels", record.constant_channels.join(", ")),
    ];
    let mut rows: Vec<[String; 2]> =
        rows.into_iter().map(|(name, value)| [name.to_string(), value]).collect();
    let held_out = record.held_out.iter();
    rows.extend(held_out.map(|held_out| ["held-out accuracy".into(), held_out.to_string()]));
    rows.extend(record.notes.iter().map(|note| ["note".to_string(), note.clone()]));
    rows.retain(|[_, value]| !value.is_empty());
    rows
}

fn nats(loss: Option<f64>) -> String {
    or_dash(loss, |loss| format!("{loss:.4} nats"))
}

fn units(model: &ModelView) -> Vec<UnitRow> {
    let activity = model.activity.iter();
    activity
        .map(|layer| UnitRow {
            layer: layer.layer.clone(),
            units: layer.units,
            dead: layer.dead.len(),
            indices: layer.dead.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        })
        .collect()
}

fn gates(model: &ModelView) -> Vec<GateRow> {
    let layers = model.activity.iter().flat_map(|layer| {
        let gates = GATES.into_iter().zip(layer.gates.iter().flatten());
        gates.map(|(gate, activity)| (layer.layer.clone(), gate, *activity))
    });
    let rows = layers.map(|(layer, gate, activity)| {
        let GateActivity { mean, low, high, stuck, .. } = activity;
        let ends = [low, high].map(|share| share_of(share, 1.0, percent(share)));
        GateRow { layer, gate, mean: format!("{mean:+.2}"), ends, stuck }
    });
    rows.collect()
}

fn gradients(model: &ModelView) -> Vec<GradientRow> {
    let largest = model.gradients.iter().map(|norm| norm.gradient).fold(0.0, f64::max);
    let rows = model.gradients.iter().map(|norm| GradientRow {
        tensor: norm.tensor.clone(),
        weights: number(norm.weights),
        gradient: share_of(norm.gradient, largest, number(norm.gradient)),
        ratio: or_dash((norm.weights > 0.0).then(|| norm.gradient / norm.weights), |ratio| {
            format!("{ratio:.1e}")
        }),
    });
    rows.collect()
}

fn drift(model: &ModelView) -> Vec<DriftRow> {
    let rows = model.drift.iter().map(|drift| DriftRow {
        channel: drift.channel.clone(),
        earlier: number(drift.earlier),
        later: number(drift.later),
        shift: or_dash(drift.shift, |shift| format!("{shift:+.2}")),
        psi: share_of(drift.psi.unwrap_or(0.0), 1.0, or_dash(drift.psi, |psi| format!("{psi:.3}"))),
        by_chance: or_dash(drift.by_chance, |psi| format!("{psi:.3}")),
        word: drift_word(drift),
    });
    rows.collect()
}
