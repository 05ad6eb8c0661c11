//! Predictions of a run in memory and in files.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use windvane_backtest::{Backtest, PredictionRow, Predictions, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Direction, Interval};
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::Combinatorial;

use crate::common::{boxed, coin, failing, learned, simulated};

fn run(backtest: &Backtest) -> (Report, Predictions) {
    let instruments = [
        learned(simulated(MarketModel::AR1, "A,\"B\"", Interval::HOUR, 1_200)),
        learned(simulated(MarketModel::AR1, "CCC", Interval::DAY, 1_000)),
    ];
    let mut learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
    learners.extend(boxed(vec![coin("coin", 5)]));
    learners.push(failing());
    backtest.run_with_predictions(&instruments, &learners, &|_| {}).unwrap()
}

/// Whether a row is counted in the results of the report.
fn counts(row: &PredictionRow<'_>) -> bool {
    row.path == 1 && row.seed == Backtest::default().seed
}

#[test]
fn prediction_rows_give_the_numbers_of_the_report() {
    let combinations = Combinatorial { groups: 4, test_groups: 2, ..Combinatorial::default() };
    let plan = windvane_backtest::Plan::Combinatorial(combinations);
    for backtest in [
        Backtest::default(),
        Backtest { seeds: 2, ..Backtest::default() },
        Backtest { plan, ..Backtest::default() },
    ] {
        let (report, predictions) = run(&backtest);
        let instruments = report.results.iter().filter(|row| row.scope == Scope::Instrument);
        assert_eq!(instruments.clone().count(), 4);
        for result in instruments {
            let own: Vec<PredictionRow<'_>> = predictions
                .iter()
                .filter(|row| row.model == result.model && row.instrument == result.instrument)
                .filter(counts)
                .collect();
            let scored = own
                .iter()
                .filter(|row| row.direction != Direction::Neutral && row.realised_return != 0.0);
            let correct = scored
                .clone()
                .filter(|row| row.direction == Direction::from_change(row.realised_return));
            assert_eq!(own.len(), result.score.candles);
            assert_eq!(scored.clone().count(), result.score.scored);
            let accuracy = correct.count() as f64 / scored.count() as f64;
            assert_eq!(Some(accuracy), result.score.accuracy);
        }
        assert!(predictions.iter().all(|row| {
            row.confidence.to_bits() == row.probabilities[row.direction.index()].to_bits()
        }));
        assert!(predictions.iter().all(|row| row.model != "failing" && row.model != "logistic"));
    }
}

#[test]
fn report_is_equal_with_and_without_predictions() {
    let instruments = [learned(simulated(MarketModel::AR1, "AAA", Interval::HOUR, 1_200))];
    let learners = boxed(vec![coin("coin", 5)]);
    let backtest = Backtest::default();
    let (report, _) = backtest.run_with_predictions(&instruments, &learners, &|_| {}).unwrap();
    let plain = backtest.run(&instruments, &learners, &|_| {}).unwrap();
    let text = crate::common::without_timing(&report);
    assert_eq!(text, crate::common::without_timing(&plain));
}

/// Splits a line of CSV into fields.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut inside) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if inside && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => inside = !inside,
            ',' if !inside => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

fn assert_line(line: &str, row: &PredictionRow<'_>) {
    let fields = fields(line);
    assert_eq!(fields.len(), Predictions::COLUMNS.len());
    assert_eq!(fields[0].parse(), Ok(row.time));
    assert_eq!([&fields[1], &fields[3]], [row.instrument, row.model]);
    assert_eq!(fields[2], row.interval.to_string());
    let numbers: Vec<u64> = fields[4..7].iter().map(|field| field.parse().unwrap()).collect();
    assert_eq!(numbers, [row.seed, row.fold as u64, row.path as u64]);
    for (field, probability) in fields[7..10].iter().zip(row.probabilities) {
        assert_eq!(field.parse::<f32>().unwrap().to_bits(), probability.to_bits());
    }
    assert_eq!(fields[10], row.direction.to_string());
    assert_eq!(fields[11].parse::<f32>().unwrap().to_bits(), row.confidence.to_bits());
    assert_eq!(fields[12].parse::<f64>().unwrap().to_bits(), row.realised_return.to_bits());
}

#[test]
fn csv_reads_back_to_the_same_bits() {
    let (_, predictions) = run(&Backtest::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    predictions.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), Predictions::COLUMNS.join(","));
    assert_eq!(lines.clone().count(), predictions.iter().len());
    for (line, row) in lines.zip(predictions.iter()) {
        assert_line(line, &row);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn predictions_to_a_missing_folder_are_an_error() {
    let (_, predictions) = run(&Backtest::default());
    let error = predictions.write("/nowhere/predictions.csv").unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/predictions.csv: "), "{error}");
}

#[cfg(not(feature = "columnar"))]
#[test]
fn parquet_without_the_feature_names_it() {
    let (_, predictions) = run(&Backtest::default());
    let folder = tempfile::tempdir().unwrap();
    let error = predictions.write(folder.path().join("predictions.parquet")).unwrap_err();
    assert!(error.to_string().contains("columnar"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(feature = "columnar")]
#[test]
fn parquet_reads_back_to_the_same_rows() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        Float32Type, Float64Type, TimestampMillisecondType, UInt32Type, UInt64Type,
    };
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let (_, predictions) = run(&Backtest { seeds: 2, ..Backtest::default() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    predictions.write(&path).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = predictions.iter();
    for batch in reader.map(Result::unwrap) {
        let names: Vec<String> =
            batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, Predictions::COLUMNS);
        for index in 0..batch.num_rows() {
            let row = rows.next().unwrap();
            let text = |column: usize| batch.column(column).as_string::<i32>().value(index);
            let share =
                |column: usize| batch.column(column).as_primitive::<Float32Type>().value(index);
            let number =
                |column: usize| batch.column(column).as_primitive::<UInt32Type>().value(index);
            let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
            let seeds = batch.column(4).as_primitive::<UInt64Type>();
            let changes = batch.column(12).as_primitive::<Float64Type>();
            assert_eq!(times.value(index), row.time.millis());
            assert_eq!([text(1), text(3)], [row.instrument, row.model]);
            assert_eq!(text(2), row.interval.to_string());
            assert_eq!(seeds.value(index), row.seed);
            assert_eq!([number(5) as usize, number(6) as usize], [row.fold, row.path]);
            assert_eq!(
                [7, 8, 9].map(|column| share(column).to_bits()),
                row.probabilities.map(f32::to_bits)
            );
            assert_eq!(text(10), row.direction.to_string());
            assert_eq!(share(11).to_bits(), row.confidence.to_bits());
            assert_eq!(changes.value(index).to_bits(), row.realised_return.to_bits());
        }
    }
    assert!(rows.next().is_none());
}
