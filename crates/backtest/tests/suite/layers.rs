//! Order of the modules of the crate: a module uses lower modules only.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that each top-level module may use in addition to itself. The list is acyclic: every
/// module uses only modules before it.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("error", &[]),
    ("metrics", &[]),
    ("score", &["metrics"]),
    ("report", &["error", "metrics", "score"]),
    ("run", &["error", "metrics", "report", "score"]),
    ("sweep", &["error", "metrics", "report", "run", "score"]),
    ("audit", &["error", "metrics", "run"]),
];

#[test]
fn modules_use_only_lower_modules() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    for file in files(&source) {
        let inner = file.strip_prefix(&source).expect("a file of the folder").to_path_buf();
        let module = inner.iter().next().expect("a name").to_string_lossy().to_string();
        let module = module.trim_end_matches(".rs").to_string();
        if module == "lib" {
            continue;
        }
        found.insert(module.clone());
        let (_, allowed) = *MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{module}: state its place in MAY_USE and in lib.rs"));
        let text = fs::read_to_string(&file).expect("a text");
        for used in uses(&text) {
            let lower = used == module || allowed.contains(&used.as_str());
            assert!(lower, "{}: uses crate::{used}, which {module} may not", inner.display());
        }
    }
    let stated: BTreeSet<String> = MAY_USE.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(found, stated);
}

#[test]
fn module_order_has_no_cycle() {
    for (place, (name, allowed)) in MAY_USE.iter().enumerate() {
        for used in *allowed {
            let below = MAY_USE[..place].iter().any(|(lower, _)| lower == used);
            assert!(below, "{name} may use {used}, which does not stand before it");
        }
    }
}

/// Top-level modules of this crate in a source text, without its comments.
fn uses(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for path in line.split("crate::").skip(1) {
            let name = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            used.push(name);
        }
    }
    used
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn module_uses_are_found_in_imports_and_paths() {
    let text = "use crate::run::Plan;\n// crate::audit\nlet x = crate::score::Accuracy;\n";
    assert_eq!(uses(text), ["run", "score"]);
}
