//! Losses by epoch.
use std::sync::{Mutex, PoisonError};

use windvane_models::train::EpochReport;

use crate::report::EpochLoss;

/// Losses by epoch, in the order in which the learner reports them.
#[derive(Debug, Default)]
pub(crate) struct LossCurve(Mutex<Vec<EpochLoss>>);

impl LossCurve {
    /// Adds an epoch; an epoch number that does not increase starts the next member.
    pub(crate) fn add(&self, report: &EpochReport) {
        let mut epochs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let member = match epochs.last() {
            Some(last) if report.epoch > last.epoch => last.member,
            Some(last) => last.member + 1,
            None => 1,
        };
        let EpochReport { epoch, train_loss, validation_loss, best, .. } = *report;
        epochs.push(EpochLoss { member, epoch, train_loss, validation_loss, best });
    }

    pub(crate) fn into_epochs(self) -> Vec<EpochLoss> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use windvane_models::network::NetworkLearner;
    use windvane_models::train::{Learner, Run, TrainConfig};
    use windvane_models::v32;
    use windvane_signals::{SampleSet, SignalSpec, SignalTable, Split};

    use super::*;

    #[test]
    fn loss_curve_separates_the_epochs_of_members() {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let hour = windvane_candles::Interval::HOUR;
        let series =
            windvane_candles::simulate::MarketModel::AR1.candles(pair, hour, 400, 3).unwrap();
        let registry = crate::run::Backtest::default().registry;
        let table = SignalTable::build(&SignalSpec::default(), &registry, &series, &[]).unwrap();
        let tables = [table];
        let pool = SampleSet::collect(&tables, 5, crate::run::Backtest::default().labels).unwrap();
        let split = Split::for_live(&pool, 0.3).unwrap();
        let (train, validation) = (split.train(&pool).unwrap(), split.validation(&pool).unwrap());
        let curve = LossCurve::default();
        let on_epoch = |report: &EpochReport| {
            curve.add(report);
            std::ops::ControlFlow::Continue(())
        };
        for (seed, epochs) in [(1, 1), (2, 2), (3, 2)] {
            let training = TrainConfig { epochs, ..TrainConfig::default() };
            let learner =
                NetworkLearner { config: v32::config().with_units(2), training, ..v32::learner() };
            learner.fit(&train, &validation, &Run::new(seed).on_epoch(&on_epoch)).unwrap();
        }
        let epochs = curve.into_epochs();
        let places: Vec<(usize, usize)> = epochs.iter().map(|e| (e.member, e.epoch)).collect();
        assert_eq!(places, [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2)]);
        assert!(epochs.iter().all(|e| e.train_loss > 0.0 && e.validation_loss.is_some()));
    }
}
