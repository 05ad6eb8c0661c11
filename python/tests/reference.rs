//! Results of the Rust library, for comparison with those of the Python package.
//!
//! ```text
//! reference predict CSV [MODEL]   row, direction and bits of the probabilities of every live prediction
//! reference fit CSV OUT           fits `logistic` with seed 7 and the last 15 % for validation, and saves it
//! reference backtest CSV OUT      backtests v2 and logistic on 2 folds with seed 3, and writes the JSON report
//! reference time CSV CANDLES      seconds of a live loop over the prices of the file, repeated
//! reference windows MODEL F64     bits of the probabilities of each raw window in a file of f64
//! reference lightgbm TEXT OUT     imports LightGBM trees on the newest six signals, and saves them
//! reference ensemble OUT soft|hard AGREEMENT MODEL…
//!                                 saves an ensemble with the weights 1, 2, 3, … and a calibration
//! reference regimes OUT POOLED CALM
//!                                 saves a gate: CALM for the regimes 0, 1 and 4, POOLED for the others
//! ```
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use windvane::backtest::Plan;
use windvane::candles::{Candle, Pair};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::ensemble::{Ensemble, RegimeModels, Voting};
use windvane::models::trees::BoostedTrees;
use windvane::models::{Calibration, ModelId, ModelSpec};
use windvane::prelude::*;
use windvane::readers::read_file;
use windvane::signals::{Lags, WalkForward, Window};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["predict", csv] => predict(&read(csv)?, Arc::new(v32::pretrained())),
        ["predict", csv, model] => predict(&read(csv)?, load(model)?.into()),
        ["fit", csv, out] => fit(read(csv)?, out),
        ["backtest", csv, out] => backtest(read(csv)?, out),
        ["time", csv, candles] => time(&read(csv)?, candles.parse()?),
        ["windows", model, file] => windows(&*load(model)?, &std::fs::read(file)?),
        ["lightgbm", text, out] => lightgbm(&std::fs::read_to_string(text)?, out),
        ["regimes", out, pooled, calm] => regimes(out, load(pooled)?, load(calm)?),
        ["ensemble", out, voting, agreement, ref models @ ..] => {
            ensemble(out, voting == "soft", agreement.parse()?, models)
        }
        _ => Err("arguments: see the top of tests/reference.rs".into()),
    }
}

fn read(csv: &str) -> Result<CandleSeries, Box<dyn Error>> {
    Ok(read_file(csv, Pair::new("PAIR")?)?.series)
}

fn predict(series: &CandleSeries, model: Arc<dyn FittedModel>) -> Result<(), Box<dyn Error>> {
    let mut predictor = Predictor::new(model, series.interval())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (row, candle) in series.iter().enumerate() {
        let Some(prediction) = predictor.on_candle(candle)?.into_prediction() else { continue };
        let [up, down, neutral] = prediction.probabilities.classes().map(f32::to_bits);
        writeln!(out, "{row},{},{up},{down},{neutral}", prediction.direction)?;
    }
    Ok(())
}

fn learner(name: &str) -> Result<Box<dyn Learner>, Box<dyn Error>> {
    Ok(Box::new(name.parse::<ModelEntry>()?.learner(&Hyperparameters::default())))
}

fn fit(series: CandleSeries, out: &str) -> Result<(), Box<dyn Error>> {
    let spec = SignalSpec::default();
    let dataset = Dataset::from_series(&[series], &spec, 20, LabelSpec::default())?;
    let samples = dataset.samples();
    let split = Split::for_live(samples, 0.15)?;
    let model = learner("logistic")?.fit(
        &split.train(samples)?,
        &split.validation(samples)?,
        &Run::new(7),
    )?;
    Ok(model.save(out.as_ref())?)
}

fn backtest(series: CandleSeries, out: &str) -> Result<(), Box<dyn Error>> {
    let plan = Plan::WalkForward(WalkForward { folds: 2, ..WalkForward::default() });
    let settings = Backtest { plan, seed: 3, ..Backtest::default() };
    let learners = [learner("v2")?, learner("logistic")?];
    let report = settings.run(&[Instrument { series, test_only: false }], &learners, &|_| {})?;
    Ok(std::fs::write(out, report.to_json())?)
}

fn windows(model: &dyn FittedModel, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let (numbers, _) = bytes.as_chunks::<8>();
    let rows: Vec<f64> = numbers.iter().map(|number| f64::from_le_bytes(*number)).collect();
    let width = model.spec().signals.width();
    let (at, mut scratch) = ("2024-01-01".parse()?, model.scratch());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for rows in rows.chunks_exact(model.spec().lookback * width) {
        let window = Window::new(rows, width, at).ok_or("whole rows")?;
        let [up, down, neutral] =
            model.predict(window, &mut scratch)?.probabilities.classes().map(f32::to_bits);
        writeln!(out, "{up},{down},{neutral}")?;
    }
    Ok(())
}

fn lightgbm(text: &str, out: &str) -> Result<(), Box<dyn Error>> {
    let spec = ModelSpec {
        signals: SignalSpec::six(),
        interval: Interval::HOUR,
        lookback: 2,
        labels: LabelSpec::default(),
    };
    let trees = BoostedTrees::from_lightgbm(text, spec, Some(Lags::newest()), Some(0.001))?;
    Ok(trees.save(out.as_ref())?)
}

fn ensemble(
    out: &str,
    is_soft: bool,
    agreement: f32,
    models: &[&str],
) -> Result<(), Box<dyn Error>> {
    let members = models.iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let weights: Vec<f64> = (1_u32..).map(f64::from).take(members.len()).collect();
    let voting = if is_soft { Voting::Soft } else { Voting::Hard };
    let votes = Ensemble::new(ModelId::new("votes"), members, &weights, voting)?;
    let mut votes = votes.with_min_agreement(agreement)?;
    votes.set_calibration(Calibration::new(1.25, 0.01)?.with_exponent(1.5)?)?;
    Ok(votes.save(out.as_ref())?)
}

fn regimes(
    out: &str,
    pooled: Box<dyn FittedModel>,
    calm: Box<dyn FittedModel>,
) -> Result<(), Box<dyn Error>> {
    let gate = RegimeModels::new(ModelId::new("gate"), vec![pooled, calm], [1, 1, 0, 0, 1, 0])?;
    Ok(gate.save(out.as_ref())?)
}

fn time(series: &CandleSeries, candles: usize) -> Result<(), Box<dyn Error>> {
    let first = series.candles().first().ok_or("no candles")?.open_time();
    let mut all = Vec::with_capacity(candles);
    for (place, candle) in series.iter().cycle().take(candles).enumerate() {
        let time = first.plus(series.interval(), i64::try_from(place)?);
        all.push(Candle::new(time.ok_or("too many candles")?, candle.values())?);
    }
    let mut predictor = Predictor::new(v32::pretrained(), series.interval())?;
    let (started, mut predictions) = (Instant::now(), 0);
    for candle in &all {
        predictions += usize::from(predictor.on_candle(candle)?.into_prediction().is_some());
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{predictions} predictions, {seconds:.3} s")?;
    Ok(())
}
