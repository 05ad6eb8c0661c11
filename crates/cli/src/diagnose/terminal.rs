//! Diagnosis as text, at most 110 characters wide.
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use windvane::models::explain::{GATES, GateActivity, LstmTrace};

use super::diagnosis::{CandleView, ChannelView, Diagnosis, ModelView};
use super::format::{
    direction, drift_word, means, number, or_dash, outcome, percent, period, range, row_name,
    sparkline, title, vote,
};

/// Length of the longest bar, characters.
const BAR: usize = 24;

/// Maximum number of units of a dense layer that are drawn.
const MAX_UNITS: usize = 64;

pub(super) fn text(diagnosis: &Diagnosis) -> String {
    let Diagnosis { candle, model, .. } = diagnosis;
    let parts = [
        Some(head(diagnosis)),
        votes(candle),
        Some(signals(candle)),
        attention(candle),
        gates(candle),
        dense(candle),
        losses(model),
        units(model),
        saturation(model),
        gradients(model),
        Some(drift(model)),
    ];
    parts.into_iter().flatten().collect::<Vec<String>>().join("\n")
}

fn head(diagnosis: &Diagnosis) -> String {
    let CandleView { prediction, period: own, .. } = &diagnosis.candle;
    let [up, down, neutral] = prediction.probabilities.classes().map(f64::from).map(percent);
    format!(
        "{}\n\nmethod        {}\nprobabilities UP {up}   DOWN {down}   NEUTRAL {neutral}\n\
         prediction    {}\noutcome       {}\nperiod        {}\n",
        title(diagnosis),
        diagnosis.method.as_deref().unwrap_or("-"),
        direction(prediction),
        outcome(&diagnosis.candle),
        period(*own),
    )
}

fn votes(candle: &CandleView) -> Option<String> {
    let rows = candle.votes.iter().map(|member| vote(member).to_vec());
    let header = ["member", "weight", "prediction", "confidence"];
    let note = "to see the layers of a member, save it and load it alone";
    (!candle.votes.is_empty()).then(|| section("Votes", &header, rows.collect(), &[1, 3], note))
}

fn signals(candle: &CandleView) -> String {
    let effects = candle.channels.iter().map(|c| f64::from(c.occlusion.effect).abs());
    let largest = effects.fold(0.0, f64::max);
    let rows = candle.channels.iter().map(|ChannelView { raw, scaled, occlusion }| {
        let shown = scaled.as_ref().unwrap_or(raw);
        let (low, high) = range(shown);
        let effect = f64::from(occlusion.effect);
        vec![
            occlusion.channel.clone(),
            or_dash(raw.last().copied(), number),
            or_dash(scaled.as_ref().and_then(|s| s.last().copied()), |z| format!("{z:+.2}")),
            sparkline(shown.iter().copied(), low, high),
            format!("{:+.2}", 100.0 * effect),
            signed_bar(effect, largest),
        ]
    });
    let header = ["signal", "raw", "scaled", "window", "effect", "DOWN < > UP"];
    let note = "effect: change of P(UP) - P(DOWN), points, against the signal held at its median";
    section("Signals and their effects", &header, rows.collect(), &[1, 2, 4], note)
}

fn attention(candle: &CandleView) -> Option<String> {
    let weights = candle.trace.as_ref()?.attention.as_ref()?;
    let largest = weights.iter().copied().fold(0.0, f32::max);
    let rows = weights.iter().enumerate().map(|(row, weight)| {
        let back = weights.len() - 1 - row;
        let share = f64::from(*weight);
        vec![row_name(back), percent(share), bar(share, f64::from(largest))]
    });
    let note = format!(
        "0 is the newest row; equal weights would be {}",
        percent(1.0 / weights.len() as f64)
    );
    Some(section("Attention over the rows", &["row", "weight", ""], rows.collect(), &[0, 1], &note))
}

fn gates(candle: &CandleView) -> Option<String> {
    let trace = candle.trace.as_ref()?;
    let rows = trace.lstms.iter().flat_map(|lstm| {
        let gates = GATES.iter().zip(&lstm.gates).enumerate();
        let gates = gates.map(|(index, (name, values))| (*name, values, index == 2));
        let states = [("cell", &lstm.cell, true), ("state", &lstm.hidden, true)];
        gates.chain(states).map(|(name, values, signed)| gate_row(lstm, name, values, signed))
    });
    let header = ["layer", "gate", "mean of the units per row", "mean", "min", "max"];
    let note = "input, forget, output 0 to 1, candidate and state -1 to 1; mean, min, max: units of the newest row";
    Some(section("Gates", &header, rows.collect(), &[3, 4, 5], note))
}

fn two_places(value: f64) -> String {
    format!("{value:+.2}")
}

fn nats(loss: f64) -> String {
    format!("{loss:.4}")
}

fn gate_row(lstm: &LstmTrace, name: &str, values: &[f32], signed: bool) -> Vec<String> {
    let means = means(values, lstm.hidden_size);
    let newest = &values[values.len().saturating_sub(lstm.hidden_size)..];
    let min = newest.iter().copied().fold(f32::INFINITY, f32::min);
    let max = newest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (low, high) = if signed { range(&means) } else { (0.0, 1.0) };
    vec![
        lstm.layer.clone(),
        name.to_string(),
        sparkline(means.iter().copied(), low, high),
        or_dash(means.last().copied(), two_places),
        two_places(f64::from(min)),
        two_places(f64::from(max)),
    ]
}

fn dense(candle: &CandleView) -> Option<String> {
    let layers = &candle.trace.as_ref()?.dense;
    let rows = layers.iter().map(|layer| {
        let (count, outputs) = (layer.outputs.len(), layer.outputs.iter().map(|v| f64::from(*v)));
        let active = outputs.clone().filter(|output| *output > 0.0).count();
        let max = outputs.clone().fold(0.0, f64::max);
        vec![
            layer.layer.clone(),
            format!("{active} of {count}"),
            number(max),
            sparkline(outputs.take(MAX_UNITS), 0.0, max),
        ]
    });
    let header = ["layer", "units above 0", "max", "first 64 units"];
    (!layers.is_empty()).then(|| section("Hidden dense layers", &header, rows.collect(), &[2], ""))
}

fn losses(model: &ModelView) -> Option<String> {
    let header = ["epoch", "training", "validation", "accuracy", "kept"];
    if model.epochs.is_empty() {
        let record = model.record.as_ref().filter(|record| record.epochs > 0)?;
        let (best, all) = (record.best_epoch, record.epochs);
        let [train, validation] =
            [record.train_loss, record.validation_loss].map(|loss| or_dash(loss, nats));
        let row = vec![format!("{best} of {all}"), train, validation, "-".into(), "<".into()];
        let note = "a saved model contains only the losses of its best epoch";
        return Some(section("Loss, nats", &header, vec![row], &[1, 2, 3], note));
    }
    let kept = model.record.as_ref().map(|record| record.best_epoch);
    let rows = model.epochs.iter().map(|epoch| {
        vec![
            epoch.epoch.to_string(),
            nats(epoch.train_loss),
            or_dash(epoch.validation_loss, nats),
            or_dash(epoch.validation_accuracy, percent),
            if kept == Some(epoch.epoch) { "<".into() } else { String::new() },
        ]
    });
    let train = curve("training", model.epochs.iter().map(|e| e.train_loss).collect());
    let validation: Vec<f64> = model.epochs.iter().filter_map(|e| e.validation_loss).collect();
    let validation = curve("validation", validation);
    let note = format!("{train}   {validation}   (UP and DOWN at 50 %: 0.6931)");
    Some(section("Loss curve, nats", &header, rows.collect(), &[0, 1, 2, 3], &note))
}

fn curve(title: &str, values: Vec<f64>) -> String {
    let (low, high) = range(&values);
    format!("{title} {}", sparkline(values.into_iter(), low, high))
}

fn units(model: &ModelView) -> Option<String> {
    let rows = model.activity.iter().map(|layer| {
        let dead = layer.dead.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let (count, units) = (layer.dead.len().to_string(), layer.units.to_string());
        vec![layer.layer.clone(), units, count, shortened(&dead, 60)]
    });
    let title = format!("Dead units over {} windows", model.windows);
    let note = "dead: a ReLU never above 0, or an LSTM unit whose last state is constant (standard deviation < 0.01)";
    let header = ["layer", "units", "dead", "dead units"];
    (!model.activity.is_empty()).then(|| section(&title, &header, rows.collect(), &[1, 2], note))
}

fn saturation(model: &ModelView) -> Option<String> {
    let rows: Vec<Vec<String>> = model
        .activity
        .iter()
        .flat_map(|layer| {
            let gates = GATES.iter().zip(layer.gates.iter().flatten());
            gates.map(|(name, GateActivity { mean, low, high, stuck, .. })| {
                let (closed, open) = (percent(*low), percent(*high));
                let (mean, bar) = (format!("{mean:+.2}"), bar(low + high, 1.0));
                let (layer, stuck) = (layer.layer.clone(), stuck.to_string());
                vec![layer, (*name).into(), mean, closed, open, stuck, bar]
            })
        })
        .collect();
    let header = ["layer", "gate", "mean", "closed", "open", "stuck units", "saturated"];
    let note =
        "closed below 0.01, open above 0.99 (candidate: -0.99, 0.99); stuck: always saturated";
    let title = format!("Saturated gates over {} windows", model.windows);
    (!rows.is_empty()).then(|| section(&title, &header, rows, &[2, 3, 4, 5], note))
}

fn gradients(model: &ModelView) -> Option<String> {
    let largest = model.gradients.iter().map(|norm| norm.gradient).fold(0.0, f64::max);
    let rows = model.gradients.iter().map(|norm| {
        let ratio = (norm.weights > 0.0).then(|| norm.gradient / norm.weights);
        let (gradient, weights) = (number(norm.gradient), number(norm.weights));
        let ratio = or_dash(ratio, |ratio| format!("{ratio:.1e}"));
        vec![norm.tensor.clone(), weights, gradient, ratio, bar(norm.gradient, largest)]
    });
    let title = format!("Gradient norms over {} training windows", model.gradient_windows);
    let header = ["tensor", "weights", "gradient", "ratio", ""];
    (!model.gradients.is_empty()).then(|| section(&title, &header, rows.collect(), &[1, 2, 3], ""))
}

fn drift(model: &ModelView) -> String {
    let title = "Signal drift since training";
    if model.drift.is_empty() {
        return format!("{title}\n  the data needs candles before and after the end of training\n");
    }
    let rows = model.drift.iter().map(|drift| {
        vec![
            drift.channel.clone(),
            number(drift.earlier),
            number(drift.later),
            or_dash(drift.shift, |shift| format!("{shift:+.2}")),
            or_dash(drift.psi, |psi| format!("{psi:.3}")),
            or_dash(drift.by_chance, |psi| format!("{psi:.3}")),
            drift_word(drift).to_string(),
        ]
    });
    let header =
        ["signal", "training median", "later median", "shift, IQR", "PSI", "by chance", "drift"];
    let note = "PSI: population stability index over training deciles; below 0.1 little drift, above 0.25 much; below\n \
         twice its mean by chance it is not significant";
    section(title, &header, rows.collect(), &[1, 2, 3, 4, 5], note)
}

/// Formats a section: title, table and note; the columns `right` are right-aligned.
fn section(
    title: &str,
    header: &[&str],
    rows: Vec<Vec<String>>,
    right: &[usize],
    note: &str,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let note = if note.is_empty() { String::new() } else { format!(" {note}\n") };
    format!("{title}\n{}\n{note}", table.trim_fmt())
}

/// Draws a bar; `max` has the full length.
fn bar(value: f64, max: f64) -> String {
    let share = if max > 0.0 { (value / max).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
    let length = (share * BAR as f64).round() as usize;
    "█".repeat(length)
}

/// Draws a bar to the left or right of a middle line.
fn signed_bar(value: f64, max: f64) -> String {
    let bar = bar(value.abs() / 2.0, max);
    let half = BAR / 2;
    if value < 0.0 { format!("{bar:>half$}|") } else { format!("{:half$}|{bar}", "") }
}

/// Shortens a text to at most `max_len` bytes, at a space.
fn shortened(text: &str, max_len: usize) -> String {
    if text.len() <= max_len {
        return text.to_string();
    }
    let end = text[..max_len].rfind(' ').unwrap_or(max_len);
    format!("{} …", &text[..end])
}
