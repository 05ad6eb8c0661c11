//! Models of the catalog as values of options, and their methods in tables.
use clap::builder::{PossibleValue, PossibleValuesParser, RangedI64ValueParser, TypedValueParser};
use windvane::catalog::{MODELS, ModelEntry};
use windvane::models::{Artifact, FittedModel};

/// Parser of a model's name; the help text lists every model with its method.
pub(crate) fn parser() -> impl TypedValueParser<Value = ModelEntry> {
    names().try_map(|name| name.parse::<ModelEntry>())
}

/// Parser of a model's name that returns the name.
pub(crate) fn names() -> PossibleValuesParser {
    let names = MODELS.iter().map(|entry| PossibleValue::new(entry.name).help(entry.description));
    PossibleValuesParser::new(names)
}

/// Parser of a number of seeds.
pub(crate) fn seed_count() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=1000)
}

/// Label and method of a fitted model: by its id, or by its kind if the catalog has only one model
/// of that kind; `None` for other models.
pub(crate) fn method_of(model: &dyn FittedModel) -> Option<String> {
    let artifact = model.to_artifact().ok();
    let kind = artifact.as_ref().map(Artifact::kind);
    if let Some(entry) = MODELS.iter().find(|entry| entry.name == model.id().as_str()) {
        let is_mean = kind == Some(windvane::ensemble::KIND) && kind != entry.kind;
        let seeds = if is_mean { ", mean of several seeds" } else { "" };
        return Some(format!("{}{seeds}", entry.method()));
    }
    let mut entries = MODELS.iter().filter(|entry| kind.is_some() && entry.kind == kind);
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Some(entry.method().to_string()),
        _ => None,
    }
}

/// Removes duplicates and sorts the models in the order of the catalog.
pub(crate) fn in_order(models: &[ModelEntry]) -> Vec<ModelEntry> {
    MODELS.iter().filter(|entry| models.contains(entry)).copied().collect()
}
