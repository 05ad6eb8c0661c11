//! The diagnosis as text, at most 110 characters wide.
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use windvane::models::explain::{GATES, GateActivity, LstmTrace};

use super::diagnosis::{CandleView, ChannelView, Diagnosis, WholeView};
use super::format::{
    aftermath, call, drift_word, means, number, or_dash, percent, place, range, row_name,
    sparkline, title, vote,
};

/// Longest bar.
const BAR: usize = 24;

/// Most units of a dense layer that are drawn.
const MAX_UNITS: usize = 64;

pub(super) fn text(diagnosis: &Diagnosis) -> String {
    let Diagnosis { candle, whole, .. } = diagnosis;
    let parts = [
        Some(head(diagnosis)),
        votes(candle),
        Some(signals(candle)),
        attention(candle),
        gates(candle),
        dense(candle),
        losses(whole),
        units(whole),
        saturation(whole),
        gradients(whole),
        Some(drift(whole)),
    ];
    parts.into_iter().flatten().collect::<Vec<String>>().join("\n")
}

fn head(diagnosis: &Diagnosis) -> String {
    let CandleView { prediction, stage, .. } = &diagnosis.candle;
    let [up, down, neutral] = prediction.probabilities.classes().map(f64::from).map(percent);
    format!(
        "{}\n\nsays       UP {up}   DOWN {down}   NEUTRAL {neutral}\ncall       {}\nafterwards {}\n\
         place      {}\n",
        title(diagnosis),
        call(prediction),
        aftermath(&diagnosis.candle),
        place(*stage),
    )
}

fn votes(candle: &CandleView) -> Option<String> {
    let rows = candle.votes.iter().map(|member| vote(member).to_vec());
    let header = ["member", "weight", "call", "confidence"];
    let note = "a member's own layers are shown where it is saved and loaded alone";
    (!candle.votes.is_empty()).then(|| section("Votes", &header, rows.collect(), &[1, 3], note))
}

fn signals(candle: &CandleView) -> String {
    let effects = candle.channels.iter().map(|c| f64::from(c.silenced.effect).abs());
    let largest = effects.fold(0.0, f64::max);
    let rows = candle.channels.iter().map(|ChannelView { raw, scaled, silenced }| {
        let shown = scaled.as_ref().unwrap_or(raw);
        let (low, high) = range(shown);
        let effect = f64::from(silenced.effect);
        vec![
            silenced.channel.clone(),
            or_dash(raw.last().copied(), number),
            or_dash(scaled.as_ref().and_then(|s| s.last().copied()), |z| format!("{z:+.2}")),
            sparkline(shown.iter().copied(), low, high),
            format!("{:+.2}", 100.0 * effect),
            signed_bar(effect, largest),
        ]
    });
    let header = ["signal", "raw", "scaled", "the window", "effect", "DOWN < > UP"];
    let note =
        "effect: points of P(UP) - P(DOWN) that go when the signal is held at its usual value";
    section("Signals, and what each changes", &header, rows.collect(), &[1, 2, 4], note)
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
        "0 is the newest row; without preference each has {}",
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
    let header = ["layer", "gate", "mean of the units, row by row", "now", "least", "most"];
    let note = "input, forget, output 0 to 1, candidate and state -1 to 1; now, least, most: the units at the newest row";
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
    let least = newest.iter().copied().fold(f32::INFINITY, f32::min);
    let most = newest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (low, high) = if signed { range(&means) } else { (0.0, 1.0) };
    vec![
        lstm.layer.clone(),
        name.to_string(),
        sparkline(means.iter().copied(), low, high),
        or_dash(means.last().copied(), two_places),
        two_places(f64::from(least)),
        two_places(f64::from(most)),
    ]
}

fn dense(candle: &CandleView) -> Option<String> {
    let layers = &candle.trace.as_ref()?.dense;
    let rows = layers.iter().map(|layer| {
        let (count, outputs) = (layer.outputs.len(), layer.outputs.iter().map(|v| f64::from(*v)));
        let awake = outputs.clone().filter(|output| *output > 0.0).count();
        let most = outputs.clone().fold(0.0, f64::max);
        vec![
            layer.layer.clone(),
            format!("{awake} of {count}"),
            number(most),
            sparkline(outputs.take(MAX_UNITS), 0.0, most),
        ]
    });
    let header = ["layer", "units above 0", "most", "units, the first 64"];
    (!layers.is_empty()).then(|| section("Hidden dense layers", &header, rows.collect(), &[2], ""))
}

fn losses(whole: &WholeView) -> Option<String> {
    let header = ["epoch", "training", "validation", "right", "kept"];
    if whole.epochs.is_empty() {
        let record = whole.record.as_ref().filter(|record| record.epochs > 0)?;
        let (best, all) = (record.best_epoch, record.epochs);
        let [train, validation] =
            [record.train_loss, record.validation_loss].map(|loss| or_dash(loss, nats));
        let row = vec![format!("{best} of {all}"), train, validation, "-".into(), "<".into()];
        let note = "a saved model keeps only its best epoch's losses";
        return Some(section("Loss, nats", &header, vec![row], &[1, 2, 3], note));
    }
    let kept = whole.record.as_ref().map(|record| record.best_epoch);
    let rows = whole.epochs.iter().map(|epoch| {
        vec![
            epoch.epoch.to_string(),
            nats(epoch.train_loss),
            or_dash(epoch.validation_loss, nats),
            or_dash(epoch.validation_accuracy, percent),
            if kept == Some(epoch.epoch) { "<".into() } else { String::new() },
        ]
    });
    let train = curve("training", whole.epochs.iter().map(|e| e.train_loss).collect());
    let checked: Vec<f64> = whole.epochs.iter().filter_map(|e| e.validation_loss).collect();
    let note = format!("{train}   {}   (a coin: 0.6931)", curve("validation", checked));
    Some(section("Loss curve, nats", &header, rows.collect(), &[0, 1, 2, 3], &note))
}

fn curve(title: &str, values: Vec<f64>) -> String {
    let (low, high) = range(&values);
    format!("{title} {}", sparkline(values.into_iter(), low, high))
}

fn units(whole: &WholeView) -> Option<String> {
    let rows = whole.activity.iter().map(|layer| {
        let dead = layer.dead.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let (count, units) = (layer.dead.len().to_string(), layer.units.to_string());
        vec![layer.layer.clone(), units, count, shortened(&dead, 60)]
    });
    let title = format!("Dead units over {} windows", whole.windows);
    let note = "dead: a rectifier never above 0, an LSTM's unit whose last state hardly varies (sd < 0.01)";
    let header = ["layer", "units", "dead", "which"];
    (!whole.activity.is_empty()).then(|| section(&title, &header, rows.collect(), &[1, 2], note))
}

fn saturation(whole: &WholeView) -> Option<String> {
    let rows: Vec<Vec<String>> = whole
        .activity
        .iter()
        .flat_map(|layer| {
            let gates = GATES.iter().zip(layer.gates.iter().flatten());
            gates.map(|(name, GateActivity { mean, low, high, stuck, .. })| {
                let (shut, open) = (percent(*low), percent(*high));
                let (mean, bar) = (format!("{mean:+.2}"), bar(low + high, 1.0));
                vec![layer.layer.clone(), (*name).into(), mean, shut, open, stuck.to_string(), bar]
            })
        })
        .collect();
    let header = ["layer", "gate", "mean", "shut", "open", "stuck units", "saturated"];
    let note =
        "shut below 0.01, open above 0.99 (candidate beyond -0.99, 0.99); stuck: never between";
    let title = format!("Saturated gates over {} windows", whole.windows);
    (!rows.is_empty()).then(|| section(&title, &header, rows, &[2, 3, 4, 5], note))
}

fn gradients(whole: &WholeView) -> Option<String> {
    let largest = whole.gradients.iter().map(|norm| norm.gradient).fold(0.0, f64::max);
    let rows = whole.gradients.iter().map(|norm| {
        let ratio = (norm.weights > 0.0).then(|| norm.gradient / norm.weights);
        let (gradient, weights) = (number(norm.gradient), number(norm.weights));
        let ratio = or_dash(ratio, |ratio| format!("{ratio:.1e}"));
        vec![norm.tensor.clone(), weights, gradient, ratio, bar(norm.gradient, largest)]
    });
    let title = format!("Gradient norms over {} training windows", whole.gradient_windows);
    let header = ["tensor", "weights", "gradient", "ratio", ""];
    (!whole.gradients.is_empty()).then(|| section(&title, &header, rows.collect(), &[1, 2, 3], ""))
}

fn drift(whole: &WholeView) -> String {
    let title = "Signal drift, training to later";
    if whole.drift.is_empty() {
        return format!("{title}\n  the data has no candles on both sides of the training's end\n");
    }
    let rows = whole.drift.iter().map(|drift| {
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
        ["signal", "median then", "median later", "shift, IQR", "PSI", "by chance", "drift"];
    let note = "PSI: population stability index over training deciles: below 0.1 little, above 0.25 much; below twice\n \
         the mean by chance it says nothing";
    section(title, &header, rows.collect(), &[1, 2, 3, 4, 5], note)
}

/// A titled table without borders, the given columns flush right.
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

/// A bar whose full length is `most`.
fn bar(value: f64, most: f64) -> String {
    let share = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
    let length = (share * BAR as f64).round() as usize;
    "█".repeat(length)
}

/// A bar to the left or right of a middle line.
fn signed_bar(value: f64, most: f64) -> String {
    let bar = bar(value.abs() / 2.0, most);
    let half = BAR / 2;
    if value < 0.0 { format!("{bar:>half$}|") } else { format!("{:half$}|{bar}", "") }
}

fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_string();
    }
    let end = text[..most].rfind(' ').unwrap_or(most);
    format!("{} …", &text[..end])
}
