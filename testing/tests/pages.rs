//! Checks of the Markdown files: every relative link has a target and every anchor a heading; every
//! page of the book is in its summary, has no relative link out of the book, and its Rust code is
//! compiled.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Collects every Markdown file of a folder and its subfolders.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let skipped = name == "target" || name.to_string_lossy().starts_with('.');
        if path.is_dir() && !skipped {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Lines of a page outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// Removes inline code from a line.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Targets of the inline links and images of a page, without those that rustdoc resolves.
fn links(text: &str) -> Vec<String> {
    let targets = |line: &str| -> Vec<String> {
        let line = without_code(line);
        let after = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        after.map(str::to_string).collect()
    };
    let local = |target: &String| !target.contains("://") && !target.contains("::");
    prose(text).flat_map(targets).filter(local).collect()
}

/// Anchors of a page's headings by the rule of GitHub and mdbook: the letters, digits, `_` and `-`
/// of the lower-case text, with `-` in place of spaces.
fn anchors(text: &str) -> BTreeSet<String> {
    let of = |line: &str| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
        Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
    };
    prose(text).filter_map(of).collect()
}

/// Removes `.` and `..` from a path.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Returns the fault of a link; `None` if the link is valid.
fn fault(page: &Path, text: &str, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = if file.is_empty() { page.into() } else { plain(&page.parent()?.join(file)) };
    if !to.exists() {
        return Some("has no target");
    }
    let docs = root().join("docs");
    if page.starts_with(&docs) && !to.starts_with(&docs) {
        return Some("leaves the book");
    }
    let target =
        if file.is_empty() { Some(text.to_string()) } else { std::fs::read_to_string(to).ok() };
    let known = anchor.is_empty() || target.is_some_and(|target| anchors(&target).contains(anchor));
    (!known).then_some("has no such heading")
}

#[test]
fn pages_have_no_broken_links() {
    let (mut found, mut faults, mut links_seen) = (Vec::new(), Vec::new(), 0);
    pages(&root(), &mut found);
    for page in &found {
        let text = std::fs::read_to_string(page).unwrap();
        for target in links(&text) {
            links_seen += 1;
            if let Some(fault) = fault(page, &text, &target) {
                faults.push(format!("{}: {target} {fault}", page.display()));
            }
        }
    }
    assert!(found.len() > 20 && links_seen > 100, "{} pages, {links_seen} links", found.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pages_are_in_summary_exactly_once() {
    let docs = root().join("docs");
    let mut listed = links(&std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap());
    listed.sort();
    let mut there = Vec::new();
    pages(&docs, &mut there);
    let name = |page: &PathBuf| page.strip_prefix(&docs).unwrap().to_string_lossy().into_owned();
    let mut there: Vec<String> =
        there.iter().map(name).filter(|name| name != "SUMMARY.md").collect();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn pages_with_rust_code_are_doc_tests() {
    let libraries = std::fs::read_dir(root().join("crates")).unwrap();
    let libraries = libraries.map(|entry| entry.unwrap().path().join("src/lib.rs"));
    let included: String = libraries.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut found = Vec::new();
    pages(&root().join("docs"), &mut found);
    let with_rust = |page: &&PathBuf| std::fs::read_to_string(page).unwrap().contains("```rust");
    let with_rust: Vec<&PathBuf> = found.iter().filter(with_rust).collect();
    assert!(with_rust.len() > 5, "{with_rust:?}");
    for page in with_rust {
        let name = page.file_name().unwrap().to_string_lossy();
        assert!(included.contains(&format!("docs/{name}\")")), "no lib.rs includes {name}");
    }
}

#[test]
fn pages_check_finds_broken_links() {
    let text = "# A page\n## What it is: `code`, and\n[a](#what-it-is-code-and) `[b](c.md)`\n\n```\n[d](e.md)\n# no\n```\n";
    assert_eq!(links(text), ["#what-it-is-code-and"]);
    let page = root().join("docs/README.md");
    assert_eq!(fault(&page, text, "#what-it-is-code-and"), None);
    assert_eq!(fault(&page, text, "#no"), Some("has no such heading"));
    assert_eq!(fault(&page, text, "none.md"), Some("has no target"));
    assert_eq!(fault(&page, text, "../README.md"), Some("leaves the book"));
    assert_eq!(fault(&page, text, "signals.md#gaps"), None);
    assert_eq!(fault(&page, text, "signals.md#gap"), Some("has no such heading"));
}
