//! Models of the catalog as values on the command line.
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use windvane::catalog::{MODELS, ModelEntry};

/// Parser of a model's name; help lists every model with its description.
pub(crate) fn parser() -> impl TypedValueParser<Value = ModelEntry> {
    names().try_map(|name| name.parse::<ModelEntry>())
}

/// Parser of a model's name that keeps the name.
pub(crate) fn names() -> PossibleValuesParser {
    let names = MODELS.iter().map(|entry| PossibleValue::new(entry.name).help(entry.description));
    PossibleValuesParser::new(names)
}

/// Each model once, in the order of the catalog.
pub(crate) fn in_order(models: &[ModelEntry]) -> Vec<ModelEntry> {
    MODELS.iter().filter(|entry| models.contains(entry)).copied().collect()
}
