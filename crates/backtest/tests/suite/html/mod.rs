//! The HTML page of the report: its contents, and its layout in a browser.
mod browser;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::common::{boxed, coin, constant, failing, learned, run, simulated};
use roxmltree::{Document, Node, ParsingOptions};
use windvane_backtest::{Instrument, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
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

/// Plots of a node; the elements within them that hold lines have no role.
fn plots_of<'a, 'b>(node: Node<'a, 'b>) -> impl Iterator<Item = Node<'a, 'b>> {
    named(node, "svg").filter(|svg| svg.attribute("role") == Some("img"))
}

/// Numbers of an attribute in per cent.
fn share(node: Node<'_, '_>, name: &str) -> f64 {
    let value = node.attribute(name).unwrap_or_default();
    value.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("{name} is {value:?}"))
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

/// Rows of the tables of a section: texts of the cells by the title of their column.
fn rows(section: Node<'_, '_>) -> Vec<HashMap<String, String>> {
    let rows = named(section, "table").flat_map(|table| {
        let titles: Vec<String> = named(table, "th").map(text).collect();
        named(table, "tr").map(move |row| titles.iter().cloned().zip(cells(row)).collect())
    });
    rows.filter(|row: &HashMap<_, _>| !row.is_empty()).collect()
}

fn cells(row: Node<'_, '_>) -> Vec<String> {
    named(row, "td").map(text).collect()
}

#[test]
fn page_has_every_section_and_plots_have_marks() {
    let page = REPORT.to_html();
    let page = parse(&page);
    // Sections with the number of plots: 3 models were tested, on candles of 2 intervals.
    let sections = [
        ("verdict", 0),
        ("failures", 0),
        ("warnings", 0),
        ("results", 2),
        ("ranking", 3),
        ("most-confident", 3),
        ("size-of-moves", 4),
        ("policies", 12),
        ("trading", 6),
        ("baselines", 0),
        ("confusion-matrix", 6),
        ("confidence", 3),
        ("reliability", 6),
        ("over-time", 6),
        ("regimes", 6),
        ("folds", 2),
        ("training", 2),
        ("importance-of-channels", 6),
        ("instruments", 0),
        ("run", 0),
    ];
    let links: Vec<&str> =
        named(page.root_element(), "a").filter_map(|a| a.attribute("href")).collect();
    for (id, plots) in sections {
        let section = section(&page, id);
        assert_eq!(plots_of(section).count(), plots, "{id}");
        assert!(links.contains(&&*format!("#{id}")), "no link to {id}");
        let parts = ["table", "li", "dd"].map(|name| named(section, name).count());
        assert!(parts.iter().sum::<usize>() > 0, "{id}");
    }
    for svg in plots_of(page.root_element()) {
        let title = named(svg, "title").next().and_then(|title| title.text()).unwrap_or_default();
        assert!(!title.is_empty() && svg.attribute("role") == Some("img"));
        let labels = named(svg, "text").count();
        assert!(labels >= 4, "{title}: {labels} labels");
        let shapes = ["circle", "polyline", "rect", "polygon"];
        let marks = svg.descendants().filter(|one| {
            one.attribute("class") != Some("hover")
                && shapes.iter().any(|name| one.has_tag_name(*name))
        });
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
    let rows = rows(section(&page, "results"));
    let results = json["results"].as_array().unwrap();
    for result in results.iter().filter(|result| result["scope"] != "interval") {
        let interval = result["interval"].as_str().unwrap_or("all");
        let of = |row: &&HashMap<String, String>| {
            row["Model"] == result["model"].as_str().unwrap()
                && row["Instrument"] == result["instrument"].as_str().unwrap()
                && row["Interval"] == interval
        };
        let row = rows.iter().find(of).unwrap_or_else(|| panic!("no row for {result}"));
        assert_eq!(row["Predictions"], thousands(&result["predictions"]));
        assert_eq!(row["Accuracy %"], per_cent(&result["accuracy"]));
        assert!(row["95 % interval"].contains(&per_cent(&result["interval_95"]["low"])), "{row:?}");
        assert_eq!(row["Coverage %"], per_cent(&result["coverage"]));
        let baseline = result["baselines"].as_array().unwrap().iter();
        let best = baseline.filter_map(|rule| rule["accuracy"].as_f64()).fold(0.0, f64::max);
        assert!(row["Best baseline %"].ends_with(&format!("{:.2}", 100.0 * best)), "{row:?}");
    }
    let ranking = self::rows(section(&page, "ranking"));
    assert_eq!(ranking.len(), REPORT.ranking.len());
    for (row, rank) in ranking.iter().zip(json["ranking"].as_array().unwrap()) {
        assert!(row["Model"].starts_with(rank["model"].as_str().unwrap()));
        assert_eq!(row["Accuracy %"], per_cent(&rank["accuracy"]));
    }
    let matrix: Vec<String> = plots_of(section(&page, "confusion-matrix"))
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
    let svg = plots_of(section(&page, "results")).next().unwrap();
    let places: Vec<f64> = named(svg, "circle").map(|dot| share(dot, "cx")).collect();
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
        assert!((place - expected).abs() <= 0.02, "{place} {expected}");
    }
}

#[test]
fn page_draws_the_benchmark_in_every_plot_and_table_of_results_of_trading() {
    let page = REPORT.to_html();
    let page = parse(&page);
    for id in ["policies", "trading"] {
        let section = section(&page, id);
        for svg in plots_of(section) {
            let grey =
                named(svg, "polyline").filter(|line| line.attribute("class") == Some("rule"));
            assert!(grey.count() > 0, "{id}: {:?}", named(svg, "title").next().map(text));
        }
        for table in named(section, "table") {
            assert!(text(table).contains("always long"), "{id}: {}", text(table));
        }
    }
}

#[test]
fn page_values_are_shown_under_the_pointer() {
    let page = REPORT.to_html();
    let page = parse(&page);
    for svg in plots_of(page.root_element()) {
        let name = named(svg, "title").next().map(text).unwrap_or_default();
        // A confusion matrix has its numbers in the cells.
        let is_matrix = named(svg, "text").any(|label| text(label) == "Predicted");
        let titles = named(svg, "title").skip(1).map(text).filter(|title| !title.is_empty());
        assert!(is_matrix || titles.count() > 0, "{name}");
    }
    let hourly = REPORT.results.iter().find(|row| row.scope == Scope::Instrument).unwrap();
    let accuracy = format!("{:.2} %", 100.0 * hourly.score.accuracy.unwrap());
    let dot = named(section(&page, "results"), "circle").next().unwrap().parent().unwrap();
    assert!(text(dot).contains(&accuracy), "{}", text(dot));
}

#[test]
fn page_curves_have_gaps_where_nothing_was_tested() {
    // Instruments of different years: the curves of the interval are not connected.
    let early = simulated(MarketModel::AR1, "EARLY", Interval::HOUR, 1_500);
    let later = early.candles().iter().map(|candle| {
        let time = Timestamp::from_millis(candle.open_time().millis() + 3 * 365 * 86_400_000);
        Candle::new(time, candle.values()).unwrap()
    });
    let later =
        CandleSeries::new("LATER".parse().unwrap(), Interval::HOUR, later.collect()).unwrap();
    let report = run(&[learned(early), learned(later)], &boxed(vec![coin("coin", 3)]));
    let page = report.to_html();
    let page = parse(&page);
    let equity = plots_of(section(&page, "trading")).next().unwrap();
    let curves = named(equity, "polyline").filter(|line| line.attribute("class") == Some("s0"));
    let curves: Vec<Vec<f64>> = curves
        .map(|line| {
            let points = line.attribute("points").unwrap().split(' ');
            points.map(|point| point.split(',').next().unwrap().parse().unwrap()).collect()
        })
        .collect();
    assert!(curves.len() >= 2, "{curves:?}");
    for line in curves {
        let widest = line.windows(2).map(|two| two[1] - two[0]).fold(0.0, f64::max);
        assert!(widest < 100.0, "a line across the gap: {line:?}");
    }
}

#[test]
fn page_says_first_that_nothing_is_left() {
    let market = learned(simulated(MarketModel::MARTINGALE_GARCH, "SIM", Interval::HOUR, 9_000));
    let report = run(&[market], &boxed(vec![coin("coin", 5)]));
    let page = report.to_html();
    let page = parse(&page);
    let verdict = section(&page, "verdict");
    let first = named(verdict, "p").next().map(text).unwrap();
    assert!(first.starts_with("Nothing is left after costs: 1h candles"), "{first}");
    let names: Vec<String> = named(verdict, "dt").map(text).collect();
    assert_eq!(names[1], "Highest accuracy, %");
    assert!(names.contains(&"In the last two quarters".to_string()), "{names:?}");
    // The numbers of the summary are those of the verdict of the other files.
    let sentence = &report.policy_verdicts()[0];
    let values: Vec<String> = named(verdict, "b").map(text).collect();
    for value in &values[values.len() - 3..] {
        assert!(sentence.contains(value.as_str()), "{value}: {sentence}");
    }
}

#[test]
fn page_is_self_contained_and_escapes_texts() {
    let page = REPORT.to_html();
    assert!(!page.contains("<script"), "a script");
    for outside in ["src=", "url(", "@import", "<link", "//cdn"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Links to the documentation load nothing.
    for link in page.split("href=\"").skip(1).filter(|link| !link.starts_with('#')) {
        assert!(link.starts_with("https://docs.rs/windvane-backtest/"), "{link:.60}");
    }
    let parsed = parse(&page);
    let command = text(named(section(&parsed, "run"), "code").next().unwrap());
    assert!(command.starts_with(&format!("backtest {SCRIPT}")), "{command}");
    assert!(text(section(&parsed, "run")).contains(SCRIPT));
    let rows = rows(section(&parsed, "results"));
    assert!(rows.iter().any(|row| row["Instrument"] == "<script>alert(1)</script>"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn page_does_not_draw_undefined_numbers() {
    assert_eq!(BARE.ranking[0].accuracy, None);
    let page = BARE.to_html();
    let parsed = parse(&page);
    assert_eq!(named(section(&parsed, "results"), "svg").count(), 0);
    let results = rows(section(&parsed, "results"));
    assert!(!results.is_empty() && results.iter().all(|row| row["Accuracy %"] == "-"));
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
