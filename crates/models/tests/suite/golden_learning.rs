//! Accuracy of networks on the archive's sets and the markets of the golden folder.
use std::path::Path;

use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_models::network::NetworkLearner;
use windvane_models::train::{
    Clip, Init, Learner, Optimizer, Run, Schedule, SequenceShape, Sequences, TrainConfig,
};
use windvane_models::v32;
use windvane_models::{DirectionModel, TrainError};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};
use windvane_testing::{TensorFile, golden_dir, golden_parts, json};

/// One part of a set. Every channel is scaled by `scale`, or by its own mean and deviation without
/// one.
fn part(
    file: &TensorFile,
    part: &str,
    classes: usize,
    scale: Option<&[(f64, f64)]>,
) -> (Sequences, Vec<(f64, f64)>) {
    let (x, y) = (file.get(&format!("x_{part}")), file.get(&format!("y_{part}")));
    let [_, steps, channels] = x.shape[..] else { panic!("x is [n, T, C]") };
    let of = |channel: usize| {
        let own: Vec<f64> = x.data.iter().skip(channel).step_by(channels).copied().collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let square = own.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / own.len() as f64;
        (mean, square.sqrt())
    };
    let scale = scale.map_or_else(|| (0..channels).map(of).collect(), <[_]>::to_vec);
    let scaled = x.data.iter().zip(scale.iter().cycle());
    let values = scaled.map(|(v, (mean, deviation))| ((v - mean) / deviation) as f32).collect();
    let labels = y.data.iter().map(|label| *label as usize).collect();
    let shape = SequenceShape { steps, channels, classes };
    (Sequences::new(shape, values, labels).unwrap(), scale)
}

#[test]
fn golden_v32_matches_pytorch_accuracy_on_archive_sets() {
    let dir = golden_dir("g_learning");
    let (sets, measured) = (json(&dir.join("sets.json")), json(&dir.join("learning.json")));
    let training = TrainConfig {
        optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 },
        learning_rate: 0.005,
        schedule: Schedule::ExponentialDecay { rate: 0.99, every: 1.0 },
        batch: 16,
        clip: Clip::GlobalNorm(1.0),
        init: Init::Torch,
        class_priors: false,
        epochs: 100,
        ..TrainConfig::default()
    };
    let learner = NetworkLearner { training, ..v32::learner() };
    for (name, about) in sets.as_object().unwrap() {
        let file = TensorFile::read(&dir.join(format!("{name}.safetensors")));
        let classes = about["classes"].as_array().unwrap().len();
        let (train, scale) = part(&file, "train", classes, None);
        let (test, _) = part(&file, "test", classes, Some(&scale));
        let seeds = 0..4;
        let accuracies = seeds.map(|seed| {
            learner.fit_sequences(&train, &Run::new(seed)).unwrap().accuracy(&test).unwrap()
        });
        let mean = accuracies.sum::<f64>() / 4.0;
        let theirs = measured[name.as_str()]["v32"]["mean"].as_f64().unwrap();
        // The accuracy on long sequences varies by ± 0.09 between seeds, the mean of four seeds by
        // half of that.
        let spread = if train.shape().steps > 50 { 0.1 } else { 0.02 };
        assert!(mean >= theirs - spread, "{name}: {mean}, PyTorch {theirs}");
    }
}

#[test]
fn sequences_reject_inconsistent_shapes() {
    let shape = SequenceShape { steps: 3, channels: 2, classes: 2 };
    let wrong = |shape, values: Vec<f32>, labels| {
        let error = Sequences::new(shape, values, labels).unwrap_err();
        assert!(matches!(error, TrainError::Sequences { .. }), "{error}");
        error.to_string()
    };
    assert!(wrong(shape, vec![0.0; 5], vec![0]).contains("number of values must be 6, got 5"));
    assert!(wrong(shape, vec![0.0; 6], vec![2]).contains("every label must be below 2, got 2"));
    assert!(wrong(shape, vec![f32::NAN; 6], vec![1]).contains("every value must be finite"));
    assert!(wrong(SequenceShape { classes: 1, ..shape }, vec![0.0; 6], vec![0]).contains("shape"));
    let train = Sequences::new(shape, vec![0.5; 12], vec![0, 1]).unwrap();
    let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
    let learner =
        NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
    let fitted = learner.fit_sequences(&train, &Run::new(1)).unwrap();
    assert!(fitted.classify(&[0.0; 7]).is_err());
    assert!(fitted.classify(&[f32::INFINITY; 6]).is_err());
    assert_eq!(fitted.classify(&[]).unwrap(), [0; 0]);
}

fn series(path: &Path) -> CandleSeries {
    let text = std::fs::read_to_string(path).unwrap();
    let candles = text.lines().skip(1).map(|line| {
        let mut cells = line.split(',').map(|cell| cell.parse::<f64>().unwrap());
        let mut next = || cells.next().unwrap();
        let open_time = Timestamp::from_millis(next() as i64 * Interval::HOUR.millis());
        let [open, high, low, close, volume] = std::array::from_fn(|_| next());
        Candle::new(open_time, Ohlcv { open, high, low, close, volume }).unwrap()
    });
    CandleSeries::new("SIM".parse().unwrap(), Interval::HOUR, candles.collect()).unwrap()
}

#[test]
fn golden_v32_approaches_best_rule_of_markets() {
    // These files are large and may be missing; other tests use simulated markets.
    if !golden_parts().iter().any(|part| part == "h_markets") {
        return;
    }
    let dir = golden_dir("h_markets");
    for (name, about) in json(&dir.join("markets.json")).as_object().unwrap() {
        let series = series(&dir.join(format!("{name}.csv")));
        let tables =
            [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])
                .unwrap()];
        let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
        let at = |index: usize| series.close_time(index).unwrap();
        let cut = about["n_train"].as_u64().unwrap() as usize;
        let split = Split::builder()
            .validate_from(at(cut - 3_001))
            .test_from(at(cut - 1))
            .embargo(0)
            .build()
            .unwrap();
        let (train, validation) =
            (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
        let model = v32::learner().fit(&train, &validation, &Run::new(1)).unwrap();
        let (test, mut scratch) = (split.test(&samples), model.scratch());
        let correct = test.samples().iter().filter(|sample| {
            let prediction = model.predict(test.window(sample), &mut scratch).unwrap();
            (prediction.probabilities.margin() > 0.0) == (sample.outcome().change > 0.0)
        });
        let accuracy = correct.count() as f64 / test.len() as f64;
        let best = about["test_accuracy_of_bayes_rule"].as_f64().unwrap_or(0.5);
        assert!(accuracy > 0.5 + 0.85 * (best - 0.5) - 0.015, "{name}: {accuracy}, best {best}");
        assert!(accuracy < best + 0.015, "{name}: {accuracy} is above {best}: a leak");
    }
}
