//! ONNX files of ensembles: all members and their vote in one graph.
use windvane_models::onnx::{Attribute, Graph, OnnxError, probabilities};
use windvane_models::{DirectionModel, FittedModel, ModelSpec};

use crate::ensemble::TIE;
use crate::regime_gate::{REGIMES, RegimeGate};
use crate::{Ensemble, RegimeModels, Voting};

/// Prediction of a model in the graph.
struct Answer {
    /// Probabilities of UP, DOWN, NEUTRAL, f32 `[batch, 3]`.
    probabilities: String,
    /// Predicted direction: 1 for it and 0 for the others, f32 `[batch, 3]`.
    direction: String,
}

/// Returns a model of any kind as the bytes of an ONNX file: raw channel values in, calibrated
/// probabilities out. For a single model the file is that of
/// [`windvane_models::onnx::to_onnx`].
///
/// The graph of an ensemble contains the members, each with its scaler and its calibration, the
/// vote and the calibration of the vote. The input `window` has all channels of the ensemble and its
/// longest lookback. The direction is the caller's work: minimum margin and minimum agreement are in
/// the card, which is the metadata `windvane`.
///
/// An ensemble with stateful members has more inputs and outputs: `h_0` and `h_0_out`, of an LSTM
/// also `c_0` and `c_0_out`, f32 `[batch, H]`, with the number of the member among the stateful ones.
/// The states are zeros before the first row; the members read the last row of `window`. Before there
/// are enough rows for a window, repeat the first one and use the states alone.
///
/// # Errors
/// [`OnnxError::Kind`] for a member of a kind without an ONNX form, [`OnnxError::Unsupported`] for
/// weights that follow the outcomes and for a second model, which reads the hour,
/// [`OnnxError::Card`] if the card cannot be serialised.
///
/// # Examples
/// ```
/// use windvane_models::FittedModel;
/// # fn save(model: &dyn FittedModel) -> Result<(), Box<dyn std::error::Error>> {
/// std::fs::write("model.onnx", windvane_ensemble::to_onnx(model)?)?;
/// # Ok(()) }
/// ```
pub fn to_onnx(model: &dyn FittedModel) -> Result<Vec<u8>, OnnxError> {
    let is_own = model.downcast_ref::<Ensemble>().is_some()
        || model.downcast_ref::<RegimeModels>().is_some();
    if !is_own {
        return windvane_models::onnx::to_onnx(model);
    }
    let mut graph = Graph::default();
    let window = graph.window(model.spec());
    let found = answer(&mut graph, model, &window)?;
    graph.file(model, &found.probabilities)
}

/// Adds a model over a window of its own rows and channels.
fn answer(graph: &mut Graph, model: &dyn FittedModel, window: &str) -> Result<Answer, OnnxError> {
    if let Some(ensemble) = model.downcast_ref::<Ensemble>() {
        return vote(graph, ensemble, window);
    }
    if let Some(regimes) = model.downcast_ref::<RegimeModels>() {
        return gate(graph, regimes, window);
    }
    let probabilities = probabilities(graph, model, window)?;
    let direction = direction(graph, &probabilities, model.calibration().min_margin());
    Ok(Answer { probabilities, direction })
}

/// Adds the members of an ensemble and their vote.
fn vote(graph: &mut Graph, ensemble: &Ensemble, window: &str) -> Result<Answer, OnnxError> {
    let unsupported = |problem: &str| OnnxError::Unsupported {
        model: ensemble.id().to_string(),
        problem: problem.to_string(),
    };
    if ensemble.second().is_some() {
        return Err(unsupported(
            "its second model reads the time of the decision, which the graph does not have; \
             export an ensemble that votes, or the members",
        ));
    }
    if ensemble.fixed_share().is_some() {
        return Err(unsupported(
            "its weights follow the outcomes, which the graph does not have; export an ensemble \
             with fixed weights, or the members",
        ));
    }
    let (mut soft, mut hard) = (None, None);
    for (model, weight) in ensemble.members() {
        let own = part(graph, window, ensemble.spec(), model.spec());
        let found = answer(graph, model, &own)?;
        let weight = graph.float(weight);
        let weighted = graph.node("Mul", &[&found.probabilities, &weight], &[]);
        soft = Some(added(graph, soft, weighted));
        let weighted = graph.node("Mul", &[&found.direction, &weight], &[]);
        hard = Some(added(graph, hard, weighted));
    }
    let (soft, hard) = (soft.unwrap_or_default(), hard.unwrap_or_default());
    let shares = if ensemble.voting() == Voting::Soft { &soft } else { &hard };
    // Because of rounding, shares may sum to slightly more than 1.
    let one = graph.float(1.0);
    let classes = graph.node("Min", &[shares, &one], &[]);
    let calibration = ensemble.calibration();
    let probabilities = if calibration == windvane_models::Calibration::NONE {
        classes.clone()
    } else {
        let logits = graph.node("Log", &[&classes], &[]);
        graph.calibrated(calibration, &logits)
    };
    let direction = direction(graph, &probabilities, calibration.min_margin());
    let direction = agreed(graph, ensemble, &classes, &hard, &direction);
    Ok(Answer { probabilities, direction })
}

/// Adds a value to a sum; the first one is the sum.
fn added(graph: &mut Graph, sum: Option<String>, value: String) -> String {
    match sum {
        Some(sum) => graph.node("Add", &[&sum, &value], &[]),
        None => value,
    }
}

/// Makes directions NEUTRAL for which the votes tie or too few members vote.
fn agreed(
    graph: &mut Graph,
    ensemble: &Ensemble,
    classes: &str,
    votes: &str,
    direction: &str,
) -> String {
    let mut kept = direction.to_string();
    if ensemble.min_agreement() > 0.0 {
        let own = graph.node("Mul", &[&kept, votes], &[]);
        let last = graph.ints(&[1]);
        let own = graph.node("ReduceSum", &[&own, &last], &[]);
        let least = graph.float(ensemble.min_agreement());
        let is_few = graph.node("Less", &[&own, &least], &[]);
        kept = neutral_where(graph, &is_few, &kept);
    }
    if ensemble.voting() == Voting::Hard {
        let [up, down, neutral] = split(graph, classes);
        let margin = graph.node("Sub", &[&up, &down], &[]);
        let margin = graph.node("Abs", &[&margin], &[]);
        let tie = graph.float(TIE);
        let is_small = graph.node("Less", &[&margin, &tie], &[]);
        let is_directed = graph.node("Less", &[&neutral, &up], &[]);
        let is_tie = graph.node("And", &[&is_small, &is_directed], &[]);
        kept = neutral_where(graph, &is_tie, &kept);
    }
    kept
}

/// Replaces a direction by NEUTRAL where a condition holds.
fn neutral_where(graph: &mut Graph, condition: &str, direction: &str) -> String {
    let neutral = graph.floats(&[1, 3], &[0.0, 0.0, 1.0]);
    graph.node("Where", &[condition, &neutral, direction], &[])
}

/// Adds the direction of probabilities, as [`Prediction`](windvane_models::Prediction) has it.
fn direction(graph: &mut Graph, probabilities: &str, min_margin: f32) -> String {
    let [up, down, neutral] = split(graph, probabilities);
    let margin = graph.node("Sub", &[&up, &down], &[]);
    let is_up = graph.node("Less", &[&down, &up], &[]);
    let largest = graph.node("Max", &[&up, &down], &[]);
    let is_class = graph.node("GreaterOrEqual", &[&neutral, &largest], &[]);
    let is_tie = graph.node("Equal", &[&up, &down], &[]);
    let distance = graph.node("Abs", &[&margin], &[]);
    let least = graph.float(min_margin);
    let is_unsure = graph.node("Less", &[&distance, &least], &[]);
    let is_neutral = graph.node("Or", &[&is_class, &is_tie], &[]);
    let is_neutral = graph.node("Or", &[&is_neutral, &is_unsure], &[]);
    let one_of = |graph: &mut Graph, values| graph.floats(&[1, 3], values);
    let (yes, no) = (one_of(graph, &[1.0, 0.0, 0.0]), one_of(graph, &[0.0, 1.0, 0.0]));
    let directed = graph.node("Where", &[&is_up, &yes, &no], &[]);
    neutral_where(graph, &is_neutral, &directed)
}

/// Adds the models of single regimes and their gate.
fn gate(graph: &mut Graph, regimes: &RegimeModels, window: &str) -> Result<Answer, OnnxError> {
    let regime = regime(graph, regimes.gate(), window);
    let mut answers = vec![(regimes.pooled(), answer(graph, regimes.pooled(), window)?)];
    let mut of_regime = [0; REGIMES];
    for (number, index) in of_regime.iter_mut().enumerate() {
        let model = regimes.model_of(number);
        let known = answers.iter().position(|(other, _)| std::ptr::addr_eq(*other, model));
        *index = known.unwrap_or(answers.len());
        if known.is_none() {
            answers.push((model, answer(graph, model, window)?));
        }
    }
    let (mut probabilities, mut direction) =
        (answers[0].1.probabilities.clone(), answers[0].1.direction.clone());
    for (number, index) in of_regime.into_iter().enumerate().filter(|(_, index)| *index > 0) {
        let own = &answers[index].1;
        let [number, half] = [number as f64, 0.5].map(|value| graph.doubles(&[], &[value]));
        let distance = graph.node("Sub", &[&regime, &number], &[]);
        let distance = graph.node("Abs", &[&distance], &[]);
        let is_own = graph.node("Less", &[&distance, &half], &[]);
        let chosen = [&is_own[..], &own.probabilities, &probabilities];
        probabilities = graph.node("Where", &chosen, &[]);
        direction = graph.node("Where", &[&is_own, &own.direction, &direction], &[]);
    }
    Ok(Answer { probabilities, direction })
}

/// Adds the regime at the last row, f64 `[batch, 1]`; NaN where it is undefined.
fn regime(graph: &mut Graph, gate: &RegimeGate, window: &str) -> String {
    let ([volatility, trend], limits) = match gate {
        RegimeGate::Channel(column) => return last(graph, window, *column),
        RegimeGate::Terciles { columns, limits } => (*columns, limits),
    };
    let (volatility, trend) = (last(graph, window, volatility), last(graph, window, trend));
    let low = above(graph, &volatility, limits.low);
    let high = above(graph, &volatility, limits.high);
    let up = above(graph, &trend, 0.0);
    let tercile = graph.node("Add", &[&low, &high], &[]);
    let tercile = graph.node("Add", &[&tercile, &tercile], &[]);
    let mut regime = graph.node("Add", &[&tercile, &up], &[]);
    // A difference of a value and itself is 0, and NaN for an undefined value.
    for value in [&volatility, &trend] {
        let nothing = graph.node("Sub", &[value, value], &[]);
        regime = graph.node("Add", &[&regime, &nothing], &[]);
    }
    regime
}

/// Adds 1 where a value exceeds a limit, and 0 elsewhere, f64.
fn above(graph: &mut Graph, value: &str, limit: f64) -> String {
    /// Number of f64 among the types of ONNX.
    const DOUBLE: i64 = 11;
    let limit = graph.doubles(&[], &[limit]);
    let is_above = graph.node("Greater", &[value, &limit], &[]);
    graph.node("Cast", &[&is_above], &[Attribute::Int("to", DOUBLE)])
}

/// Adds the last value of a column, f64 `[batch, 1]`.
fn last(graph: &mut Graph, window: &str, column: usize) -> String {
    let row = columns(graph, window, &[column], 1);
    let one = graph.ints(&[1]);
    graph.node("Squeeze", &[&row, &one], &[])
}

/// Adds the part of an ensemble's window that a member reads: its last rows and its columns.
fn part(graph: &mut Graph, window: &str, spec: &ModelSpec, own: &ModelSpec) -> String {
    let is_whole = own.signals == spec.signals && own.lookback == spec.lookback;
    match spec.signals.columns_of(&own.signals) {
        Some(own_columns) if !is_whole => columns(graph, window, &own_columns, own.lookback),
        _ => window.to_string(),
    }
}

/// Adds some columns of the last rows of a window.
fn columns(graph: &mut Graph, window: &str, columns: &[usize], rows: usize) -> String {
    let [from, to, axis] = [-integer(rows), i64::MAX, 1].map(|number| graph.ints(&[number]));
    let rows = graph.node("Slice", &[window, &from, &to, &axis], &[]);
    let columns: Vec<i64> = columns.iter().copied().map(integer).collect();
    let columns = graph.ints(&columns);
    graph.node("Gather", &[&rows, &columns], &[Attribute::Int("axis", 2)])
}

/// Splits `[batch, 3]` into its columns.
fn split(graph: &mut Graph, classes: &str) -> [String; 3] {
    graph.node_of("Split", &[classes], &[Attribute::Int("axis", 1)])
}

fn integer(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
