//! The page in a browser, with the widths of a desktop, a tablet and a phone, in both themes.
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{BARE, REPORT};

/// Script that measures the pages in the frames.
const MEASURE: &str = include_str!("measure.js");

/// Page with each of the defects that the script must find.
const BROKEN: &str = r##"<!DOCTYPE html><html><head><title>broken</title></head><body>
<nav><ul><li><a href="#nowhere">nowhere</a></li></ul></nav>
<main><section id="unlinked"><p style="color:#888;background:#888">grey</p></section>
<table><tr><td class="n">1</td></tr></table>
<div style="width:3000px;height:5000px">wide</div><div class="figures"><figure style="width:100px">
<svg role="img" viewBox="0 0 100 100" width="100"><title>empty</title><text x="50" y="50">one</text>
<text x="52" y="51">two</text><text x="95" y="20">outside the plot</text>
<rect class="hover" width="50" height="50"/></svg></figure></div></main></body></html>"##;

/// Complaints about the broken page.
const DEFECTS: [&str; 11] = [
    "wider than",
    "low contrast",
    "a number to the left",
    "no target of the link nowhere",
    "no link to unlinked",
    "contents not sticky",
    "empty space beside the plots",
    "a narrow plot",
    "no mark",
    "overlap",
    "outside",
];

/// Browser that can open files of this folder; a sandboxed one may not be able to.
fn browser(folder: &Path) -> Option<&'static str> {
    let file = folder.join("trial.html");
    fs::write(&file, "<p>it works</p>").expect("a temporary file");
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .into_iter()
        .find(|name| dom(name, folder, 1, &file).is_some_and(|dom| dom.contains("it works")))
}

/// DOM of a file in a browser; `None` if the browser is not installed.
fn dom(browser: &str, folder: &Path, theme: usize, file: &Path) -> Option<String> {
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--window-size=1500,1000", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={theme}"))
        .arg(format!("file://{}", file.display()))
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn frame(id: &str, width: usize, page: &str) -> String {
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        "<iframe id=\"{id}\" style=\"width:{width}px;height:900px;border:0\" srcdoc=\"{page}\"></iframe>\n"
    )
}

/// Findings of the script as `id: complaint` lines.
fn complaints(browser: &str, folder: &Path, theme: usize, page: &str) -> Vec<String> {
    let frames = [
        frame("desk", 1_440, page),
        frame("tablet", 1_024, page),
        frame("phone", 400, page),
        frame("small", 360, page),
        frame("bare", 400, &BARE.to_html()),
        frame("broken", 360, BROKEN),
    ];
    let host = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><body>{}<pre id=\"found\"></pre>\
         <script>const dark = {};\n{MEASURE}</script></body>",
        frames.concat(),
        theme == 0,
    );
    let file = folder.join("host.html");
    fs::write(&file, host).expect("a temporary file");
    let dom = dom(browser, folder, theme, &file).expect("a browser that was found");
    let found =
        dom.split_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| panic!("no page: {dom:.300}"));
    assert!(
        found.contains("measured desk tablet phone small bare broken"),
        "not measured: {found}"
    );
    found.lines().filter(|line| line.contains(": ")).map(str::to_string).collect()
}

#[test]
fn page_plots_have_content_and_nothing_overflows() {
    let folder = tempfile::tempdir().unwrap();
    let Some(browser) = browser(folder.path()) else {
        eprintln!("skipped: no Chromium here");
        return;
    };
    let page = REPORT.to_html();
    for theme in [0, 1] {
        let found = complaints(browser, folder.path(), theme, &page);
        let (broken, found): (Vec<String>, Vec<String>) =
            found.into_iter().partition(|line| line.starts_with("broken: "));
        assert!(found.is_empty(), "theme {theme}:\n{}", found.join("\n"));
        for defect in DEFECTS {
            let seen = broken.iter().any(|line| line.contains(defect));
            assert!(seen, "{defect} would go unnoticed: {broken:?}");
        }
    }
}
