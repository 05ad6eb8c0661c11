//! The list of layers in `docs/design.md` has every crate, in an order in which a crate depends only
//! on crates above it, with the direct dependencies of its manifest.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// One crate and the crates of the workspace that it depends on, names without the prefix.
#[derive(Clone, Debug, PartialEq)]
struct Layer {
    name: String,
    dependencies: Vec<String>,
}

fn short(name: &str) -> String {
    name.strip_prefix("windvane-").unwrap_or(name).to_owned()
}

/// Layers as listed in the first code block of the section "Layers".
fn listed(page: &str) -> Vec<Layer> {
    let section = page.split("\n## Layers\n").nth(1).unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().skip(2).map(listed_layer).collect()
}

/// A line: name, dependencies and purpose, at least two blanks apart.
fn listed_layer(line: &str) -> Layer {
    let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    let name = columns.next().unwrap().to_owned();
    let dependencies = columns.next().unwrap();
    let dependencies = dependencies.split(", ").filter(|name| *name != "-").map(str::to_owned);
    Layer { name, dependencies: dependencies.collect() }
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

/// The published layers: packages in `crates/`.
fn layers() -> Vec<Layer> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let is_layer = |package: &Value| {
        Path::new(package["manifest_path"].as_str().unwrap()).starts_with(&crates)
    };
    packages().iter().filter(|package| is_layer(package)).map(layer).collect()
}

fn layer(package: &Value) -> Layer {
    let name = short(package["name"].as_str().unwrap());
    let normal =
        |dependency: &&Value| dependency["kind"].is_null() && dependency["path"].is_string();
    let dependencies = package["dependencies"].as_array().unwrap().iter().filter(normal);
    let mut dependencies: Vec<String> =
        dependencies.map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
    dependencies.sort();
    dependencies.dedup();
    Layer { name, dependencies }
}

/// Dependencies that are not above their crate.
fn upward_dependencies(layers: &[Layer]) -> Vec<String> {
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
    let place = |layer: &Layer| order.iter().position(|listed| listed.name == layer.name);
    layers.sort_by_key(|layer| place(layer).unwrap_or(usize::MAX));
    for layer in &mut order {
        layer.dependencies.sort();
    }
    let (drawn, actual) = (text(&order), text(&layers));
    assert!(
        drawn == actual,
        "docs/design.md, section Layers, has\n{drawn}\nthe manifests have\n{actual}"
    );
}

/// Names and dependencies as in the list, without the purposes.
fn text(layers: &[Layer]) -> String {
    let line = |layer: &Layer| format!("{:<12}{}\n", layer.name, layer.dependencies.join(", "));
    layers.iter().map(line).collect()
}

#[test]
fn upward_dependency_is_found() {
    let lines = "candles  -  data\nmodels  candles, backtest  networks\nbacktest  models  tests";
    let layers: Vec<Layer> = lines.lines().map(listed_layer).collect();
    assert_eq!(upward_dependencies(&layers), ["models depends on backtest"]);
}
