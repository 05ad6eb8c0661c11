//! Numbers and times as texts of the report.
use crate::metrics::Bounds;
use crate::score::{BaselineResult, ExcessAccuracy, PolicyResult, ResultRow};

pub(crate) use crate::score::text::{date, thousands};

/// Text of an undefined number.
pub(crate) const UNDEFINED: &str = "-";

/// Escapes control characters except line breaks, such as those that a terminal executes.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Escapes a text for Markdown: tags, links and code of names from files are shown, not rendered.
pub(crate) fn markdown(text: &str) -> String {
    let text = printable(text);
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let special = match character {
            // A comparison such as `p < 0.001` is no tag, and an interval is no link.
            '<' => next.is_some_and(|next| next.is_alphabetic() || "/!?".contains(next)),
            '&' => next.is_some_and(|next| next.is_alphanumeric() || next == '#'),
            ']' => next.is_some_and(|next| "([:".contains(next)),
            '`' => true,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Writes a text as code of Markdown, in more backticks than it contains in a row.
pub(crate) fn code(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Returns the text, or the dash of an undefined number.
pub(crate) fn text(text: Option<String>) -> String {
    text.unwrap_or_else(|| UNDEFINED.to_string())
}

/// Interval of the candles of a row, or `all`.
pub(crate) fn interval(row: &ResultRow) -> String {
    row.interval.map_or_else(|| "all".to_string(), |interval| interval.to_string())
}

/// Writes a fraction in per cent with two decimals.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    number(fraction.map(|x| 100.0 * x))
}

/// Writes a number with two decimals and a true minus sign.
pub(crate) fn number(value: Option<f64>) -> String {
    text(value.map(|x| with_minus(&format!("{x:.2}"))))
}

/// Writes a fraction in percentage points with its sign.
pub(crate) fn signed(fraction: f64) -> String {
    with_sign(100.0 * fraction, 2)
}

/// Writes a fraction in basis points with its sign.
pub(crate) fn points(fraction: Option<f64>) -> String {
    text(fraction.map(|x| with_sign(1e4 * x, 2)))
}

/// Writes a number with its sign; a rounded zero is positive.
pub(crate) fn with_sign(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        return text.replace('-', "+");
    }
    with_minus(&text)
}

/// Replaces the hyphen of a number by a minus sign.
fn with_minus(number: &str) -> String {
    number.replace('-', "−")
}

/// Writes the ends of an interval in per cent.
pub(crate) fn bounds(bounds: Option<Bounds>) -> String {
    text(bounds.map(|b| {
        format!("[{}, {}]{}", percent(Some(b.low)), percent(Some(b.high)), few_blocks(&b))
    }))
}

/// Writes the ends of an interval in basis points.
pub(crate) fn point_bounds(bounds: Option<Bounds>) -> String {
    text(
        bounds.map(|b| {
            format!("[{}, {}]{}", points(Some(b.low)), points(Some(b.high)), few_blocks(&b))
        }),
    )
}

/// Mark of an interval that is not reliable, because it has few blocks.
pub(crate) fn few_blocks(bounds: &Bounds) -> &'static str {
    if bounds.few_blocks { "†" } else { "" }
}

/// Writes the number of trials of a run, with those of earlier experiments if there are any.
pub(crate) fn trials(own: usize, earlier: usize) -> String {
    if earlier == 0 {
        return thousands(own);
    }
    format!("{} of this run + {} before", thousands(own), thousands(earlier))
}

/// Mean return of a policy a day from the mean per period.
pub(crate) fn a_day(policy: &PolicyResult, mean: f64) -> Option<f64> {
    Some(mean * policy.periods_per_day?)
}

/// Interval of the mean return of a policy a day.
pub(crate) fn scaled(policy: &PolicyResult, bounds: Bounds) -> Bounds {
    let days = policy.periods_per_day.unwrap_or(1.0);
    Bounds { low: bounds.low * days, high: bounds.high * days, ..bounds }
}

/// Writes a baseline with its accuracy in per cent.
pub(crate) fn baseline(best: Option<&BaselineResult>) -> String {
    text(best.map(|best| format!("{} {}", best.rule, percent(best.score.accuracy))))
}

/// Writes an excess accuracy in percentage points, with its interval.
pub(crate) fn edge(excess: Option<ExcessAccuracy>) -> String {
    let Some(ExcessAccuracy { value, interval_95, .. }) = excess else {
        return UNDEFINED.to_string();
    };
    let interval =
        interval_95.map(|b| format!("[{}, {}]{}", signed(b.low), signed(b.high), few_blocks(&b)));
    let interval = text(interval);
    format!("{} {interval}", signed(value))
}

/// Writes a p-value with three decimals.
pub(crate) fn p_value(p: Option<f64>) -> String {
    match p {
        None => UNDEFINED.to_string(),
        Some(p) if p < 0.001 => "< 0.001".to_string(),
        Some(p) => format!("{p:.3}"),
    }
}

/// Writes a p-value as an equation, `p = 0.012`.
pub(crate) fn p_equation(p: Option<f64>) -> String {
    let value = p_value(p);
    if value.starts_with('<') { format!("p {value}") } else { format!("p = {value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_tags_links_code_and_control_characters() {
        for (text, expected) in [
            ("p < 0.001, [50.00, 55.00] (v2)", "p < 0.001, [50.00, 55.00] (v2)"),
            ("<img src=x onerror=alert(1)>.csv", "\\<img src=x onerror=alert(1)>.csv"),
            ("</p><!-- <?x", "\\</p>\\<!-- \\<?x"),
            ("[click](javascript:x)", "[click\\](javascript:x)"),
            ("a&lt;b & c", "a\\&lt;b & c"),
            ("`x`", "\\`x\\`"),
            ("\u{1b}[2Jclear\u{7}", "\\u{1b}[2Jclear\\u{7}"),
        ] {
            assert_eq!(markdown(text), expected);
        }
        assert_eq!(code("windvane backtest"), "`windvane backtest`");
        assert_eq!(code("a `` b"), "``` a `` b ```");
    }

    #[test]
    fn numbers_have_two_decimals_and_undefined_is_a_dash() {
        assert_eq!(percent(Some(0.528_149)), "52.81");
        assert_eq!(percent(None), "-");
        assert_eq!(number(Some(-0.5)), "−0.50");
        assert_eq!(bounds(Some(Bounds::new(0.5, 0.55))), "[50.00, 55.00]");
        assert_eq!(bounds(None), "-");
        let few = Bounds { few_blocks: true, ..Bounds::new(0.5, 0.55) };
        assert_eq!(bounds(Some(few)), "[50.00, 55.00]†");
        assert_eq!(point_bounds(Some(few)), "[+5000.00, +5500.00]†");
        let bare = ExcessAccuracy { value: -1e-9, interval_95: None, p_value: None };
        assert_eq!(edge(Some(bare)), "+0.00 -");
        let interval_95 = Some(Bounds::new(-0.01, 0.02));
        let whole = ExcessAccuracy { value: 0.005, interval_95, p_value: Some(0.2) };
        assert_eq!(edge(Some(whole)), "+0.50 [−1.00, +2.00]");
        assert_eq!(edge(None), "-");
        assert_eq!([trials(8, 0), trials(8, 1_040)], ["8", "8 of this run + 1,040 before"]);
        assert_eq!([Some(0.000_9), Some(0.05)].map(p_equation), ["p < 0.001", "p = 0.050"]);
    }

    #[test]
    fn basis_points_have_a_sign_and_zero_is_positive() {
        assert_eq!(points(Some(0.000_123)), "+1.23");
        assert_eq!(points(Some(-1e-9)), "+0.00");
        assert_eq!(points(None), "-");
        assert_eq!(point_bounds(Some(Bounds::new(-1e-4, 2e-4))), "[−1.00, +2.00]");
    }
}
