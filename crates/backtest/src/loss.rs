//! How good the probabilities are, beside the calls.
use crate::Record;

/// Mean of −ln p(label), nats; `None` without records.
///
/// Probabilities are floored at the machine epsilon of `f64`, as scikit-learn does, so that one
/// certain miss costs 36 and not infinity. Saying 1/3 to everything costs ln 3 = 1.0986.
pub(crate) fn log_loss(records: &[Record]) -> Option<f64> {
    mean(records, |classes, label| -classes[label].max(f64::EPSILON).ln())
}

/// Brier score of the three classes: mean of `Σ_k (p_k − [label = k])²`, 0 to 2; `None` without
/// records. Saying 1/3 to everything costs 0.6667.
///
/// **Source** Brier 1950.
pub(crate) fn brier(records: &[Record]) -> Option<f64> {
    mean(records, |classes, label| {
        let part = |(k, p): (usize, &f64)| (p - f64::from(u8::from(k == label))).powi(2);
        classes.iter().enumerate().map(part).sum()
    })
}

fn mean(records: &[Record], cost: impl Fn([f64; 3], usize) -> f64) -> Option<f64> {
    let cost = |r: &Record| cost(r.probabilities.classes().map(f64::from), r.label.index());
    let sum: f64 = records.iter().map(cost).sum();
    (!records.is_empty()).then(|| sum / records.len() as f64)
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction;
    use windvane_models::Probabilities;

    use super::*;
    use crate::testing::record;

    #[test]
    fn both_equal_scikit_learn() {
        // Case "a_class_never_true"; the probabilities are rounded to f32 here, hence 1e-6.
        let cases = [
            (0, [0.782_600_2, 0.101_688_22, 0.115_711_54]),
            (1, [0.553_429, 0.096_661_7, 0.349_909_3]),
            (1, [0.091_766_18, 0.740_151_6, 0.168_082_22]),
            (0, [0.441_434_7, 0.188_249_2, 0.370_316_1]),
            (1, [0.130_032_85, 0.700_179_4, 0.169_787_72]),
            (1, [0.312_994_53, 0.413_675_37, 0.273_330_1]),
            (1, [0.818_814_15, 0.004_237_798_6, 0.176_948_02]),
            (0, [0.332_513_4, 0.352_389_7, 0.315_096_9]),
            (1, [0.509_789_8, 0.011_377_732, 0.478_832_46]),
            (0, [0.572_622_7, 0.329_310_3, 0.098_066_99]),
            (0, [0.178_748_84, 0.042_427_75, 0.778_823_4]),
            (1, [0.120_845_89, 0.748_499_9, 0.130_654_22]),
        ];
        let records: Vec<Record> = cases
            .iter()
            .map(|(label, classes)| {
                let label = Direction::from_index(*label).unwrap();
                let probabilities = Probabilities::new(*classes).unwrap();
                Record { label, probabilities, ..record(0, Direction::Up, 0.01) }
            })
            .collect();
        assert!((log_loss(&records).unwrap() - 1.545_771_568_027_996_4).abs() < 1e-6);
        assert!((brier(&records).unwrap() - 0.671_990_517_178_437).abs() < 1e-6);
    }

    #[test]
    fn a_certain_miss_is_dear_but_finite_and_nothing_is_undefined() {
        let sure = Probabilities::new([1.0, 0.0, 0.0]).unwrap();
        let miss = Record { probabilities: sure, ..record(0, Direction::Up, -0.01) };
        assert!((log_loss(&[miss]).unwrap() - 36.043_653).abs() < 1e-5);
        assert_eq!(brier(&[miss]), Some(2.0));
        assert_eq!((log_loss(&[]), brier(&[])), (None, None));
    }
}
