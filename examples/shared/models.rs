//! Models of every kind, for examples in which it plays no part what they learn: they learn little.
use std::sync::Arc;

use windvane::candles::sample;
use windvane::ensemble::EnsembleLearner;
use windvane::models::network::NetworkLearner;
use windvane::models::{v3, v31, v32, v32_stateful};
use windvane::models::train::{Learner, Recipe, Run};
use windvane::models::v2::WeightedSignalsLearner;
use windvane::prelude::*;
use windvane::signals::LabelSpec;

type Error = Box<dyn std::error::Error>;

/// Models learn from this many of the first candles.
const LEARNED_FROM: usize = 1_000;

/// A model, or a vote of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    V2,
    V2Learned,
    V32,
    V32Stateful,
    V3,
    V31,
    Tuned,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::V2, Self::V2Learned, Self::V32, Self::V32Stateful, Self::V3, Self::V31, Self::Tuned];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V2Learned => "v2-learned",
            Self::V32 => "v32",
            Self::V32Stateful => "v32-stateful",
            Self::V3 => "v3",
            Self::V31 => "v31",
            Self::Tuned => "tuned ensemble",
        }
    }
}

/// The candles that are fed: two years of hours.
pub(crate) fn feed() -> Result<CandleSeries, Error> {
    Ok(sample::load("BTCUSDT").ok_or("the sample has no BTCUSDT")?)
}

/// A model of its usual size: v3.2 as it comes with the crate, the others after one epoch.
pub(crate) fn model(kind: Kind, feed: &CandleSeries) -> Result<Arc<dyn FittedModel>, Error> {
    if kind == Kind::V32 {
        return Ok(Arc::new(v32::pretrained()));
    }
    let until = feed.get(LEARNED_FROM).ok_or("the sample is too short")?.open_time();
    let past = feed.split_at(until).0;
    let tables = [SignalTable::build(&SignalSpec::default(), &Registry::default(), &past, &[])?];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    let split = Split::for_live(&samples, 0.3)?;
    let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
    Ok(learner(kind).fit(&train, &validation, &Run::new(1))?.into())
}

fn learner(kind: Kind) -> Arc<dyn Learner> {
    let recipe = Recipe { epochs: 1, ..Recipe::default() };
    match kind {
        Kind::V2 => Arc::new(WeightedSignalsLearner::default()),
        Kind::V2Learned => Arc::new(WeightedSignalsLearner::learned()),
        Kind::V32 => Arc::new(NetworkLearner { recipe, ..v32::learner() }),
        Kind::V32Stateful => {
            Arc::new(NetworkLearner { recipe, ..v32_stateful::learner() })
        }
        Kind::V3 => Arc::new(NetworkLearner { recipe, ..v3::learner() }),
        Kind::V31 => {
            Arc::new(NetworkLearner { recipe, ..v31::learner() })
        }
        Kind::Tuned => {
            let members = [Kind::V2Learned, Kind::V3, Kind::V31, Kind::V32].map(learner).to_vec();
            Arc::new(EnsembleLearner { members, ..EnsembleLearner::tuned() })
        }
    }
}
