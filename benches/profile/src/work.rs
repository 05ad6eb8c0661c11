//! Work whose speed is compared: one window, a batch, one step, a training.
use std::hint::black_box;

use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Run, TrainConfig};
use windvane_models::trees::BoostedTreesLearner;
use windvane_models::{
    FittedModel, gru, gru_stateful, tcn, transformer, v3, v31, v32, v32_stateful,
};
use windvane_signals::{
    LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet, ValidationSet, Window,
};

const STEPS: usize = 20;
const WINDOWS: usize = 256;

/// One call of a task.
pub type Call<'a> = Box<dyn FnMut() + 'a>;

/// Task with its name; a call is repeated until a measurement is long enough.
pub struct Task<'a> {
    pub name: String,
    pub call: Call<'a>,
}

/// Calls `run` with the tasks of all models, on a simulated market.
pub fn with_tasks(run: impl FnOnce(Vec<Task<'_>>)) {
    let pair = "SIM".parse().expect("a name");
    let series = MarketModel::AR1.candles(pair, Interval::HOUR, 1_000, 1).expect("candles");
    let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[]);
    let tables = [table.expect("a table")];
    let samples = SampleSet::collect(&tables, STEPS, LabelSpec::default()).expect("samples");
    let split = Split::for_live(&samples, 0.15).expect("a split");
    let train = split.train(&samples).expect("training samples");
    let validation = split.validation(&samples).expect("validation samples");
    let windows: Vec<Window<'_>> =
        (0..tables[0].len()).filter_map(|row| tables[0].window(row, STEPS)).take(WINDOWS).collect();

    let trees = BoostedTreesLearner { rounds: 20, patience: 20, ..BoostedTreesLearner::default() };
    let mut tasks = Vec::new();
    for learner in learners() {
        add(&mut tasks, learner.id.to_string(), &windows, {
            let (train, validation) = (&train, &validation);
            move || fit_network(&learner, train, validation)
        });
    }
    add(&mut tasks, trees.id.to_string(), &windows, || {
        Box::new(trees.fit_model(&train, &validation, &Run::new(1)).expect("trees"))
    });
    run(tasks);
}

/// Learners of the networks; an epoch shows the speed of a training.
fn learners() -> Vec<NetworkLearner> {
    let all = [
        v32::learner(),
        v32_stateful::learner(),
        v3::learner(),
        v31::learner(),
        gru::learner(),
        gru_stateful::learner(),
        tcn::learner(),
        transformer::learner(),
    ];
    let one_epoch = |learner: NetworkLearner| {
        let training = TrainConfig { epochs: 1, ..learner.training.clone() };
        NetworkLearner { training, ..learner }
    };
    all.map(one_epoch).into()
}

fn fit_network(
    learner: &NetworkLearner,
    train: &TrainSet,
    validation: &ValidationSet,
) -> Box<dyn FittedModel> {
    Box::new(learner.fit_model(train, validation, &Run::new(1)).expect("a network"))
}

/// Adds the tasks of a model: training, and one window and a batch or, for a stateful model, a step.
fn add<'a>(
    tasks: &mut Vec<Task<'a>>,
    model: String,
    windows: &'a [Window<'a>],
    fit: impl Fn() -> Box<dyn FittedModel> + 'a,
) {
    let fitted = fit();
    let mut task = |work: &str, call: Call<'a>| {
        tasks.push(Task { name: format!("{model} {work}"), call });
    };
    if fitted.stateful().is_some() {
        task("step", step(fitted, windows));
    } else {
        task("window", window(fit(), windows));
        task("batch", batch(fitted, windows));
    }
    task("training", Box::new(move || _ = black_box(fit())));
}

fn window<'a>(model: Box<dyn FittedModel>, windows: &'a [Window<'a>]) -> Call<'a> {
    let (mut scratch, mut next) = (model.scratch(), windows.iter().cycle());
    Box::new(move || {
        let window = next.next().expect("an endless sequence");
        _ = black_box(model.predict(*window, &mut scratch).expect("a prediction"));
    })
}

fn batch<'a>(model: Box<dyn FittedModel>, windows: &'a [Window<'a>]) -> Call<'a> {
    let (mut scratch, mut predictions) = (model.scratch(), Vec::new());
    Box::new(move || {
        predictions.clear();
        model.predict_batch(windows, &mut scratch, &mut predictions).expect("predictions");
        _ = black_box(&predictions);
    })
}

fn step<'a>(model: Box<dyn FittedModel>, windows: &'a [Window<'a>]) -> Call<'a> {
    let channels = windows[0].values().len() / STEPS;
    let length = model.stateful().expect("a stateful model").state_len();
    let (mut scratch, mut state) = (model.scratch(), vec![0.0; length]);
    let mut next = windows.iter().cycle();
    Box::new(move || {
        let row = &next.next().expect("an endless sequence").values()[..channels];
        let model = model.stateful().expect("a stateful model");
        model.update_state(row, &mut state, &mut scratch).expect("a state");
        _ = black_box(&state);
    })
}
