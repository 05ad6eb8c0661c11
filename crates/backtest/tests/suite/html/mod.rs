//! The HTML page of the report: its contents, and its layout in a browser.
mod browser;
use std::sync::LazyLock;

use crate::common::{boxed, coin, constant, failing, learned, run, simulated};
use roxmltree::{Document, Node, ParsingOptions};
use windvane_backtest::{Instrument, Report, Scope};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;

/// Text that would be markup without escaping.
const SCRIPT: &str = "<script>alert('1')</script>&\"";

/// Report with every kind of plot, long names and texts that would be markup.
pub(crate) static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let market = |name, interval, n| learned(simulated(MarketModel::AR1, name, interval, n));
    let instruments: Vec<Instrument> = vec![
        market("<script>alert(1)</script>", Interval::HOUR, 1_500),
        market(
            "A-PAIR-OF-MANY-WIDE-LETTERS-WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
            Interval::HOUR,
            1_500,
        ),
        market("DAYS", Interval::DAY, 520),
    ];
    let training = TrainConfig { epochs: 4, ..TrainConfig::default() };
    let small = NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
    let mut learners: Vec<Box<dyn Learner>> =
        vec![Box::new(WeightedSignalsLearner::default()), Box::new(small), failing()];
    learners.extend(boxed(vec![coin("coin", 3)]));
    let mut report = run(&instruments, &learners);
    report.run.command = Some(format!("backtest {SCRIPT} {}", "--very-long ".repeat(40)));
    report.run.notes = vec![SCRIPT.to_string(), "unbroken".repeat(60)];
    report
});

/// Report of a model without predictions on one instrument: most numbers are undefined.
pub(crate) static BARE: LazyLock<Report> = LazyLock::new(|| {
    let market = learned(simulated(MarketModel::AR1, "ONE", Interval::HOUR, 600));
    run(&[market], &boxed(vec![constant("silent", |_, _| [0.1, 0.1, 0.8])]))
});

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).expect("a well-formed page")
}

fn named<'a, 'b>(node: Node<'a, 'b>, name: &'static str) -> impl Iterator<Item = Node<'a, 'b>> {
    node.descendants().filter(move |one| one.has_tag_name(name))
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|one| one.text().filter(|_| one.is_text())).collect()
}

fn section<'a, 'b>(page: &'a Document<'b>, id: &str) -> Node<'a, 'b> {
    let mut sections = named(page.root_element(), "section");
    sections
        .find(|one| one.attribute("id") == Some(id))
        .unwrap_or_else(|| panic!("no section {id}"))
}

/// Count of the JSON with thousands separators.
fn thousands(count: &serde_json::Value) -> String {
    let count = count.as_u64().expect("a count");
    if count < 1_000 {
        count.to_string()
    } else {
        format!("{},{:03}", count / 1_000, count % 1_000)
    }
}

/// Cells of the tables of a section, by row.
fn cells(section: Node<'_, '_>) -> Vec<Vec<String>> {
    let row = |row: Node<'_, '_>| named(row, "td").map(text).collect();
    named(section, "tr").map(row).filter(|row: &Vec<String>| !row.is_empty()).collect()
}

#[test]
fn page_has_every_section_and_plots_have_marks() {
    let page = REPORT.to_html();
    let page = parse(&page);
    // Sections with the number of plots: 3 models were tested, on candles of 2 intervals.
    let sections = [
        ("failures", 0),
        ("warnings", 0),
        ("results", 2),
        ("ranking", 3),
        ("most-confident", 3),
        ("size-of-moves", 0),
        ("policies", 6),
        ("trading", 6),
        ("baselines", 0),
        ("confusion-matrix", 6),
        ("confidence", 3),
        ("reliability", 6),
        ("over-time", 6),
        ("folds", 0),
        ("training", 2),
        ("importance-of-channels", 6),
        ("instruments", 0),
        ("run", 0),
    ];
    let links: Vec<&str> =
        named(page.root_element(), "a").filter_map(|a| a.attribute("href")).collect();
    for (id, plots) in sections {
        let section = section(&page, id);
        assert_eq!(named(section, "svg").count(), plots, "{id}");
        let first = matches!(id, "failures" | "warnings");
        assert!(first || links.contains(&&*format!("#{id}")), "no link to {id}");
        assert!(named(section, "table").count() + named(section, "li").count() > 0, "{id}");
    }
    for svg in named(page.root_element(), "svg") {
        let title = named(svg, "title").next().and_then(|title| title.text()).unwrap_or_default();
        assert!(!title.is_empty() && svg.attribute("role") == Some("img"));
        let labels = named(svg, "text").count();
        assert!(labels >= 4, "{title}: {labels} labels");
        let shapes = ["circle", "polyline", "rect", "polygon"];
        let marks = svg.children().filter(|one| shapes.iter().any(|name| one.has_tag_name(*name)));
        assert!(marks.count() > 0, "{title}");
    }
}

#[test]
fn page_numbers_equal_the_json() {
    let page = REPORT.to_html();
    let page = parse(&page);
    let json: serde_json::Value = serde_json::from_str(&REPORT.to_json()).unwrap();
    let per_cent = |value: &serde_json::Value| {
        value.as_f64().map_or_else(|| "-".to_string(), |x| format!("{:.2}", 100.0 * x))
    };
    let rows = cells(section(&page, "results"));
    let results = json["results"].as_array().unwrap();
    for result in results.iter().filter(|result| result["scope"] != "interval") {
        let interval = result["interval"].as_str().unwrap_or("all");
        let of = |row: &&Vec<String>| {
            row[0] == result["model"].as_str().unwrap()
                && row[1] == result["instrument"].as_str().unwrap()
                && row[2] == interval
        };
        let row = rows.iter().find(of).unwrap_or_else(|| panic!("no row for {result}"));
        assert_eq!(row[3], thousands(&result["predictions"]));
        assert_eq!(row[4], per_cent(&result["accuracy"]));
        assert!(row[5].contains(&per_cent(&result["interval_95"]["low"])), "{row:?}");
        assert_eq!(row[6], per_cent(&result["coverage"]));
        let baseline = result["baselines"].as_array().unwrap().iter();
        let best = baseline.filter_map(|rule| rule["accuracy"].as_f64()).fold(0.0, f64::max);
        assert!(row[7].ends_with(&format!("{:.2}", 100.0 * best)), "{row:?}");
    }
    let ranking = cells(section(&page, "ranking"));
    for (row, rank) in ranking.iter().zip(json["ranking"].as_array().unwrap()) {
        assert!(row[1].starts_with(rank["model"].as_str().unwrap()));
        assert_eq!(row[3], per_cent(&rank["accuracy"]));
    }
    let matrix: Vec<String> = named(section(&page, "confusion-matrix"), "svg")
        .flat_map(|svg| named(svg, "text").map(text).collect::<Vec<_>>())
        .collect();
    let pooled = results.iter().filter(|result| result["scope"] == "interval");
    for count in pooled.flat_map(|row| row["confusion"].as_array().unwrap()) {
        for count in count.as_array().unwrap() {
            let count = thousands(count);
            assert!(matrix.iter().any(|text| text.trim() == count), "{count} is not drawn");
        }
    }
}

#[test]
fn page_dots_are_at_their_accuracies() {
    let page = REPORT.to_html();
    let page = parse(&page);
    let svg = named(section(&page, "results"), "svg").next().unwrap();
    let places: Vec<f64> = named(svg, "circle")
        .map(|dot| dot.attribute("cx").unwrap().parse::<f64>().unwrap())
        .collect();
    let hourly = |row: &&windvane_backtest::ResultRow| {
        row.scope == Scope::Instrument && row.interval == Some(Interval::HOUR)
    };
    let accuracies: Vec<f64> =
        REPORT.results.iter().filter(hourly).map(|row| row.score.accuracy.unwrap()).collect();
    assert_eq!((places.len(), accuracies.len()), (6, 6));
    // The axis is linear: a straight line through the outermost two dots goes through all.
    let most = (0..6).max_by(|a, b| accuracies[*a].total_cmp(&accuracies[*b])).unwrap();
    let least = (0..6).min_by(|a, b| accuracies[*a].total_cmp(&accuracies[*b])).unwrap();
    let slope = (places[most] - places[least]) / (accuracies[most] - accuracies[least]);
    assert!(slope > 0.0);
    for (place, accuracy) in places.iter().zip(&accuracies) {
        let expected = places[least] + slope * (accuracy - accuracies[least]);
        assert!((place - expected).abs() <= 2.0, "{place} {expected}");
    }
}

#[test]
fn page_is_self_contained_and_escapes_texts() {
    let page = REPORT.to_html();
    assert!(!page.contains("<script"), "a script");
    for outside in ["src=", "url(", "@import", "<link", "href=\"http", "//cdn"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let parsed = parse(&page);
    let command = text(named(section(&parsed, "run"), "code").next().unwrap());
    assert!(command.starts_with(&format!("backtest {SCRIPT}")), "{command}");
    assert!(text(section(&parsed, "run")).contains(SCRIPT));
    let rows = cells(section(&parsed, "results"));
    assert!(rows.iter().any(|row| row[1] == "<script>alert(1)</script>"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn page_does_not_draw_undefined_numbers() {
    assert_eq!(BARE.ranking[0].accuracy, None);
    let page = BARE.to_html();
    let parsed = parse(&page);
    assert_eq!(named(section(&parsed, "results"), "svg").count(), 0);
    assert!(cells(section(&parsed, "results")).iter().all(|row| row[4] == "-"));
    // The word is part of a sentence.
    let numbers = page.replace("inferred", "");
    assert!(!numbers.contains("NaN") && !numbers.contains("inf"));
}

#[test]
fn page_is_written_with_the_other_files() {
    let folder = tempfile::tempdir().unwrap();
    REPORT.write(folder.path()).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page, REPORT.to_html());
    assert!(folder.path().join("report.md").exists() && folder.path().join("report.json").exists());
}
