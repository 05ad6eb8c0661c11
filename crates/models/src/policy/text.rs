//! Text form of a policy, such as `top:5%,hold:24`, shared by commands and settings files.
use std::str::FromStr;

use super::{PolicyConfig, PositionSize};
use crate::TrainError;

/// Parses rules that are separated by commas; the first is `every` or `top:S%`.
///
/// | rule | setting |
/// |---|---|
/// | `every` | [`PolicyConfig::every_candle`] |
/// | `top:S%` | [`share`](PolicyConfig::share): the top S per cent of the validation scores |
/// | `leave:L%` | [`exit`](PolicyConfig::exit), per cent of the entry threshold; `leave:0` is the default |
/// | `hold:N` | [`max_holding`](PolicyConfig::max_holding), candles |
/// | `long-only` | [`long_only`](PolicyConfig::long_only) |
/// | `proportional` | [`PositionSize::Proportional`] |
///
/// A share without `%` is refused, because `top:1` could be 1 % or all candles.
///
/// # Errors
/// [`TrainError::PolicyText`] with the problem and the list of rules.
///
/// # Examples
/// ```
/// use windvane_models::PolicyConfig;
///
/// let config: PolicyConfig = "top:5%,leave:0,hold:24,long-only,proportional".parse()?;
/// assert_eq!((config.share, config.exit, config.max_holding), (0.05, 0.0, Some(24)));
/// assert_eq!(config.to_text(), "top:5%,hold:24,long-only,proportional");
/// assert!("top:5".parse::<PolicyConfig>().is_err());
/// # Ok::<(), windvane_models::TrainError>(())
/// ```
impl FromStr for PolicyConfig {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let config = parse(text).and_then(|config| match config.validate() {
            Ok(()) => Ok(config),
            Err(problem) => Err(problem.to_string()),
        });
        let text = text.chars().take(80).collect();
        config.map_err(|problem| TrainError::PolicyText { text, problem })
    }
}

impl PolicyConfig {
    /// Returns the text form; parsing it gives the same policy. `Display` writes the rules in words.
    pub fn to_text(&self) -> String {
        let Self { share, exit, max_holding, long_only, size } = *self;
        let mut rules = Vec::new();
        if share < 1.0 {
            rules.push(format!("top:{}", percent_text(share)));
            if exit != 0.0 {
                rules.push(format!("leave:{}", percent_text(exit)));
            }
        } else {
            rules.push("every".to_string());
        }
        rules.extend(max_holding.map(|candles| format!("hold:{candles}")));
        rules.extend(long_only.then(|| "long-only".to_string()));
        rules.extend((size == PositionSize::Proportional).then(|| "proportional".to_string()));
        rules.join(",")
    }
}

fn parse(text: &str) -> Result<PolicyConfig, String> {
    let mut rules = text.split(',').map(str::trim);
    let first = rules.next().unwrap_or_default();
    let mut config = match first.split_once(':') {
        None if first == "every" => PolicyConfig::every_candle(),
        Some(("top", share)) => {
            let share = fraction(share).filter(|share| *share > 0.0);
            let share = share.ok_or_else(|| format!("{first:?} has no share such as 5%"))?;
            PolicyConfig { share, ..PolicyConfig::default() }
        }
        _ => return Err(format!("it begins with {first:?} instead of every or top:S%")),
    };
    let mut seen = Vec::new();
    for rule in rules {
        let (name, value) = rule.split_once(':').map_or((rule, None), |(n, v)| (n, Some(v)));
        if seen.contains(&name) {
            return Err(format!("{name:?} occurs twice"));
        }
        seen.push(name);
        match (name, value) {
            ("leave", Some(_)) if config.share >= 1.0 => {
                return Err("a policy of every candle has no entry threshold to leave at".into());
            }
            ("leave", Some(level)) => {
                let level = fraction(level);
                config.exit = level.ok_or_else(|| format!("{rule:?} has no level such as 50%"))?;
            }
            ("hold", Some(candles)) => {
                let candles = candles.parse();
                let candles = candles.map_err(|_| format!("{rule:?} has no number of candles"));
                config.max_holding = Some(candles?);
            }
            ("long-only", None) => config.long_only = true,
            ("proportional", None) => config.size = PositionSize::Proportional,
            _ => return Err(format!("{rule:?} is no rule")),
        }
    }
    Ok(config)
}

/// Fraction of a text in per cent, correctly rounded; 0 needs no sign. `None` for other texts.
fn fraction(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(number) if number.bytes().all(|byte| b"0123456789.+-".contains(&byte)) => {
            format!("{number}e-2").parse().ok()
        }
        None if text == "0" => Some(0.0),
        _ => None,
    }
}

/// Per cent of a fraction. The decimal point is shifted in the text, because a multiplication by
/// 100 would round.
fn percent_text(fraction: f64) -> String {
    let digits = format!("{fraction:e}");
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0) + 2;
    let percent: f64 = format!("{mantissa}e{exponent}").parse().unwrap_or(100.0 * fraction);
    format!("{percent}%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> String {
        text.parse::<PolicyConfig>().unwrap_err().to_string()
    }

    #[test]
    fn policy_text_sets_every_rule_in_any_order() {
        let all = PolicyConfig {
            share: 0.025,
            exit: -0.5,
            max_holding: Some(24),
            long_only: true,
            size: PositionSize::Proportional,
        };
        let text = " top:2.5%, proportional,long-only,hold:24 , leave:-50%";
        assert_eq!(text.parse::<PolicyConfig>().unwrap(), all);
        assert_eq!(all.to_text(), "top:2.5%,leave:-50%,hold:24,long-only,proportional");
        assert_eq!("top:5%".parse::<PolicyConfig>().unwrap(), PolicyConfig::default());
        for every in ["every", "top:100%"] {
            assert_eq!(every.parse::<PolicyConfig>().unwrap(), PolicyConfig::every_candle());
        }
        assert_eq!("every,long-only".parse::<PolicyConfig>().unwrap().to_text(), "every,long-only");
    }

    #[test]
    fn policy_text_refuses_ambiguous_and_unknown_rules() {
        for (text, part) in [
            ("", "begins with"),
            ("long-only", "instead of every or top:S%"),
            ("top:5", "no share such as 5%"),
            ("top:1", "no share such as 5%"),
            ("top:0%", "no share such as 5%"),
            ("top:-1%", "no share such as 5%"),
            ("top:NaN%", "no share such as 5%"),
            ("top:1e1%", "no share such as 5%"),
            ("top:101%", "at most 1"),
            ("top:5%,leave:0.5", "no level such as 50%"),
            ("top:5%,leave:100%", "below 1"),
            ("top:5%,hold:0", "at least 1"),
            ("top:5%,hold:24h", "no number of candles"),
            ("top:5%,hold:2,hold:3", "\"hold\" occurs twice"),
            ("top:5%,long-only:1", "no rule"),
            ("top:5%,,long-only", "no rule"),
            ("top:5%,top:2%", "no rule"),
            ("every,leave:50%", "no entry threshold"),
        ] {
            let message = problem(text);
            assert!(message.contains(part) && message.contains("top:S%"), "{text}: {message}");
        }
        assert!(!problem("top:5%,\u{1b}[2J").contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn policy_text_gives_the_same_policy(
            share in 0.000_001..1.0_f64,
            exit in -1.0..1.0_f64,
            max_holding in prop::option::of(1..5_000_u32),
            long_only: bool,
            proportional: bool,
        ) {
            let size = if proportional { PositionSize::Proportional } else { PositionSize::Full };
            let config = PolicyConfig { share, exit, max_holding, long_only, size };
            let again: PolicyConfig = config.to_text().parse().unwrap();
            prop_assert!((again.share / share - 1.0).abs() < 1e-15);
            prop_assert!((again.exit - exit).abs() <= 1e-15);
            prop_assert_eq!(PolicyConfig { share, exit, ..again }, config);
        }

        #[test]
        fn policy_text_of_decimals_keeps_the_bits(hundredths in 1..10_000_u32) {
            let text = format!("top:{}%", f64::from(hundredths) / 100.0);
            let config: PolicyConfig = text.parse().unwrap();
            prop_assert_eq!(config.to_text(), text);
        }
    }
}
