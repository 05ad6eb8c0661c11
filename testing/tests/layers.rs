//! Check of the list of layers in `docs/design.md`: it contains every crate with the dependencies
//! of its manifest, and every crate depends only on crates above it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crate and its dependencies within the workspace; the names are without the prefix.
#[derive(Clone, Debug, PartialEq)]
struct CrateLayer {
    name: String,
    dependencies: Vec<String>,
}

fn short(name: &str) -> String {
    name.strip_prefix("windvane-").unwrap_or(name).to_owned()
}

/// Layers as listed in the first code block of the section "Layers".
fn listed(page: &str) -> Vec<CrateLayer> {
    let section = page.split("\n## Layers\n").nth(1).unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().skip(2).map(listed_layer).collect()
}

/// Parses a line: name, dependencies and purpose, separated by at least two spaces.
fn listed_layer(line: &str) -> CrateLayer {
    let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    let name = columns.next().unwrap().to_owned();
    let dependencies = columns.next().unwrap();
    let dependencies = dependencies.split(", ").filter(|name| *name != "-").map(str::to_owned);
    CrateLayer { name, dependencies: dependencies.collect() }
}

/// Packages of the workspace, from `cargo metadata`.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Layers of the packages in `crates/`, from their manifests.
fn layers() -> Vec<CrateLayer> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let is_layer = |package: &Value| {
        Path::new(package["manifest_path"].as_str().unwrap()).starts_with(&crates)
    };
    packages().iter().filter(|package| is_layer(package)).map(layer).collect()
}

fn layer(package: &Value) -> CrateLayer {
    let name = short(package["name"].as_str().unwrap());
    let normal =
        |dependency: &&Value| dependency["kind"].is_null() && dependency["path"].is_string();
    let dependencies = package["dependencies"].as_array().unwrap().iter().filter(normal);
    let mut dependencies: Vec<String> =
        dependencies.map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
    dependencies.sort();
    dependencies.dedup();
    CrateLayer { name, dependencies }
}

/// Dependencies that are not above their crate.
fn upward_dependencies(layers: &[CrateLayer]) -> Vec<String> {
    let mut upward = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        for dependency in &layer.dependencies {
            if !layers[..index].iter().any(|above| above.name == *dependency) {
                upward.push(format!("{} depends on {dependency}", layer.name));
            }
        }
    }
    upward
}

#[test]
fn layers_depend_only_on_layers_above() {
    let page = include_str!("../../docs/design.md");
    let mut order = listed(page);
    assert_eq!(upward_dependencies(&order), [""; 0], "docs/design.md, section Layers");

    let mut layers = layers();
    let place = |layer: &CrateLayer| order.iter().position(|listed| listed.name == layer.name);
    layers.sort_by_key(|layer| place(layer).unwrap_or(usize::MAX));
    for layer in &mut order {
        layer.dependencies.sort();
    }
    let (documented, actual) = (text(&order), text(&layers));
    assert!(
        documented == actual,
        "docs/design.md, section Layers, has\n{documented}\nbut the manifests have\n{actual}"
    );
}

/// Text of the list of layers, without the purposes.
fn text(layers: &[CrateLayer]) -> String {
    let line =
        |layer: &CrateLayer| format!("{:<12}{}\n", layer.name, layer.dependencies.join(", "));
    layers.iter().map(line).collect()
}

#[test]
fn layers_check_finds_upward_dependency() {
    let lines = "candles  -  data\nmodels  candles, backtest  networks\nbacktest  models  tests";
    let layers: Vec<CrateLayer> = lines.lines().map(listed_layer).collect();
    assert_eq!(upward_dependencies(&layers), ["models depends on backtest"]);
}
