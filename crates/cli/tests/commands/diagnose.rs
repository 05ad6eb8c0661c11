//! `windvane diagnose`: sections, drawings and error messages.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windvane::candles::simulate::MarketModel;
use windvane::models::train::TrainConfig;
use windvane::prelude::*;
use windvane::readers::read_csv;

use crate::support::{text as path, windvane};

/// A folder with 500 daily candles of the pairs SIM and OTHER.
fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "SIM"), (2, "OTHER")] {
        let series =
            MarketModel::AR1.candles(name.parse().unwrap(), Interval::DAY, 500, seed).unwrap();
        let rows = series.iter().map(|candle| {
            let (open, high, low) = (candle.open(), candle.high(), candle.low());
            let (close, volume) = (candle.close(), candle.volume());
            format!("{},{open},{high},{low},{close},{volume}\n", candle.open_time().millis())
        });
        let text: String = ["open_time,open,high,low,close,volume\n".to_string()]
            .into_iter()
            .chain(rows)
            .collect();
        fs::write(folder.path().join(format!("{name}.csv")), text).unwrap();
    }
    folder
}

fn run(data: &Path, arguments: &[&str]) -> Result<String, String> {
    let folder = ["diagnose", "--quick", "--data", path(data), "--pair", "SIM"];
    let ended = windvane(&[&folder, arguments].concat());
    if ended.code == Some(0) { Ok(ended.ok()) } else { Err(ended.error()) }
}

fn series(data: &Path) -> CandleSeries {
    read_csv(data.join("SIM.csv"), "SIM".parse().unwrap(), None).unwrap().series
}

const PER_CANDLE: [&str; 3] = ["probabilities ", "outcome ", "Signals and their effects"];
const OF_NETWORKS: [&str; 5] =
    ["Gates", "Loss curve, nats", "Dead units over", "Saturated gates over", "Gradient norms over"];

#[test]
fn diagnose_attention_network_has_all_sections() {
    let data = data();
    let page = data.path().join("page.html");
    let text = run(data.path(), &["--model", "v31", "--html", path(&page)]).unwrap();
    let own = ["Attention over the rows", "Hidden dense layers", "Signal drift since training"];
    for section in PER_CANDLE.iter().chain(&OF_NETWORKS).chain(&own) {
        assert!(text.contains(section), "no {section:?} in\n{text}");
    }
    let widest = text.lines().filter(|line| !line.contains("page: ")).map(|l| l.chars().count());
    assert!(widest.max().unwrap() <= 110, "{text}");
    assert!(text.contains("after the training and validation periods"), "{text}");
    assert!(text.contains("v3.1 (bidirectional LSTM"), "{text}");
    for number in ["NaN", "inf"] {
        assert!(!text.contains(number), "{text}");
    }

    let page = fs::read_to_string(page).unwrap();
    let own = ["Attention over the rows", "Hidden dense layers", "Signal drift", "Loss by epoch"];
    for section in OF_NETWORKS[2..].iter().map(|s| s.trim_end_matches(" over")).chain(own) {
        assert!(page.contains(section), "no {section:?} on the page");
    }
    assert!(!page.contains("<script") && !page.contains("http"), "one file, no script");
    let cells = page.matches("<td class=").count();
    // Two directions with six maps, one row per unit and one column per candle, and small tables.
    assert!((2 * 6 * 64 * 20..2 * 6 * 64 * 20 + 300).contains(&cells), "{cells}");
    // Six signals and two losses.
    assert_eq!(page.matches("<polyline").count(), 8);
}

#[test]
fn diagnose_model_without_layers_omits_layer_sections() {
    let data = data();
    for model in ["v2", "v2-learned"] {
        let text = run(data.path(), &["--model", model]).unwrap();
        assert!(PER_CANDLE.iter().all(|section| text.contains(section)), "{text}");
        assert!(OF_NETWORKS.iter().all(|section| !text.contains(section)), "{text}");
        assert!(text.contains("Signal drift since training\n signal"), "{text}");
    }
}

#[test]
fn diagnose_same_command_gives_same_text() {
    let data = data();
    let again = || run(data.path(), &["--model", "v32", "--seed", "5"]).unwrap();
    assert_eq!(again(), again());
}

#[test]
fn diagnose_at_uses_last_closed_candle() {
    let data = data();
    let close = |index: usize| series(data.path()).close_time(index).unwrap();
    let at = |time: Timestamp| run(data.path(), &["--model", "v2", "--at", &time.to_string()]);
    let text = at(close(100)).unwrap();
    assert!(text.contains(&format!("decided at {},", close(100))), "{text}");
    assert!(text.contains("TRAINING: this prediction is in-sample"), "{text}");
    let between = Timestamp::from_millis(close(480).millis() + 5_000);
    assert!(at(between).unwrap().contains(&format!("decided at {},", close(480))));
    let newest = at(close(499)).unwrap();
    assert!(newest.contains("not known yet"), "{newest}");

    for outside in [close(0), close(499).plus(Interval::DAY, 1).unwrap()] {
        let error = at(outside).unwrap_err();
        assert!(error.contains(&format!("--at {outside} is outside the data")), "{error}");
        assert!(error.contains(&close(499).to_string()), "{error}");
        assert!(error.contains("choose a time between them"), "{error}");
    }
}

#[test]
fn diagnose_unknown_pair_lists_known_pairs() {
    let data = data();
    let folder = path(data.path());
    let error = |arguments: &[&str]| windvane(&[&["diagnose"], arguments].concat()).error();
    let sample = error(&["--pair", "DOGEUSDT"]);
    assert!(sample.contains("\"DOGEUSDT\"") && sample.contains("BTCUSDT, EURUSD"), "{sample}");
    let files = error(&["--pair", "DOGEUSDT", "--data", folder]);
    assert!(files.trim_end().ends_with("has OTHER, SIM"), "{files}");
}

/// Saves the model that `learner` fits to the first 400 candles.
fn saved(data: &Path, learner: &dyn Learner) -> PathBuf {
    let series = series(data);
    let tables =
        [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[]).unwrap()];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |index| series.close_time(index).unwrap();
    let split =
        Split::builder().validate_from(at(300)).test_from(at(400)).embargo(0).build().unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let file = data.join("model.safetensors");
    learner.fit(&train, &validation, &Run::new(1)).unwrap().save(&file).unwrap();
    file
}

#[test]
fn diagnose_loads_saved_model_and_escapes_its_name() {
    let data = data();
    let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
    let learner = NetworkLearner { id: ModelId::new("<b>bold</b>"), training, ..v32::learner() };
    let (file, page) = (saved(data.path(), &learner), data.path().join("page.html"));
    let load = ["--load", path(&file), "--html", path(&page)];
    let text = run(data.path(), &load).unwrap();
    assert!(text.contains("model <b>bold</b>") && text.contains("1 of 1"), "{text}");
    assert!(text.contains("a saved model contains only the losses of its best epoch"), "{text}");
    assert!(text.contains("Signal drift since training\n signal"), "{text}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("bold") && !page.contains("<b>bold"), "the page's text is escaped");

    // A model of hourly candles.
    let hourly = data.path().join("hourly.safetensors");
    v32::pretrained().save(&hourly).unwrap();
    let error = run(data.path(), &["--load", path(&hourly)]).unwrap_err();
    assert!(error.contains("fitted on 1h candles") && error.contains("1d"), "{error}");
}

#[test]
fn diagnose_ensemble_shows_votes() {
    let data = data();
    let members: Vec<Arc<dyn Learner>> = vec![
        Arc::new(WeightedSignalsLearner::default()),
        Arc::new(WeightedSignalsLearner::learned()),
    ];
    let learner = EnsembleLearner::new(ModelId::new("pair"), members);
    let (file, page) = (saved(data.path(), &learner), data.path().join("page.html"));
    let load = ["--load", path(&file), "--html", path(&page)];
    let text = run(data.path(), &load).unwrap();
    assert!(text.contains("Votes\n member") && text.contains("\n v2-learned "), "{text}");
    assert!(OF_NETWORKS.iter().all(|section| !text.contains(section)), "{text}");
    assert!(fs::read_to_string(page).unwrap().contains("<td>v2-learned<td>"));
}

#[test]
fn diagnose_rejects_conflicting_options() {
    let refuse = |arguments: &[&str]| windvane(&[&["diagnose"], arguments].concat()).error();
    assert!(refuse(&["--load", "a", "--model", "v3"]).contains("cannot be used with"));
    assert!(refuse(&["--model", "v9"]).contains("v2, v2-learned, "));
    assert!(refuse(&["--at", "soon"]).contains("soon"));
    assert!(refuse(&["--quick", "--test-months", "2"]).contains("cannot be used with"));
}
