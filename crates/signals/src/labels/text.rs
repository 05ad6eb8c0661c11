//! Text form of a label, such as `barrier:2,24`, shared by commands, settings files and reports.
use std::fmt;
use std::str::FromStr;

use super::{Band, LabelSpec};
use crate::SignalError;

/// Parses the form that `Display` writes.
///
/// | text | label |
/// |---|---|
/// | `next` | direction of the next close |
/// | `horizon:H` | direction of the close H candles ahead |
/// | `band:K` or `band:K,H` or `band:K,H,N` | NEUTRAL if \|change\| ≤ K · σ · √H, H = 1 by default |
/// | `barrier:A,H` or `barrier:A,H,N` | first of +A · σ, −A · σ and H candles |
/// | `relative:H` | above or below the median of the panel over H candles |
/// | `cost:BP` or `cost:BP,H` | NEUTRAL if \|change\| ≤ BP basis points, H = 1 by default |
///
/// σ is the standard deviation of the last N one-candle changes, 20 by default.
///
/// # Errors
/// [`SignalError::LabelText`] with the list of forms.
///
/// # Examples
/// ```
/// use windvane_signals::LabelSpec;
/// for text in ["next", "horizon:4", "band:0.5", "barrier:2,24", "relative:24", "cost:7.5"] {
///     assert_eq!(text.parse::<LabelSpec>()?.to_string(), text);
/// }
/// assert!("barrier:2".parse::<LabelSpec>().is_err());
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
impl FromStr for LabelSpec {
    type Err = SignalError;

    fn from_str(text: &str) -> Result<Self, SignalError> {
        let text = text.trim();
        let spec = parse(text).and_then(|spec| match spec.validate() {
            Ok(()) => Ok(spec),
            Err(problem) => Err(problem.to_string()),
        });
        let text = text.chars().take(40).collect();
        spec.map_err(|problem| SignalError::LabelText { text, problem })
    }
}

fn parse(text: &str) -> Result<LabelSpec, String> {
    let (kind, arguments) = text.split_once(':').unwrap_or((text, ""));
    let arguments: Vec<&str> = match arguments {
        "" => Vec::new(),
        list => list.split(',').map(str::trim).collect(),
    };
    let horizon = arguments.get(1).map_or(Ok(1), |text| count(text));
    let lookback = arguments.get(2).map_or(Ok(LabelSpec::VOLATILITY_LOOKBACK), |text| count(text));
    match (kind, &arguments[..]) {
        ("next", []) if !text.contains(':') => Ok(LabelSpec::default()),
        ("horizon", [horizon]) => {
            Ok(LabelSpec { horizon: count(horizon)?, ..LabelSpec::default() })
        }
        ("band", [factor] | [factor, _] | [factor, _, _]) => {
            let (factor, lookback) = (number(factor)?, lookback?);
            Ok(LabelSpec { horizon: horizon?, band: Band::Volatility { factor, lookback } })
        }
        ("barrier", [factor, _] | [factor, _, _]) => {
            let (factor, lookback) = (number(factor)?, lookback?);
            Ok(LabelSpec { horizon: horizon?, band: Band::Barrier { factor, lookback } })
        }
        ("relative", [horizon]) => Ok(LabelSpec { horizon: count(horizon)?, band: Band::Relative }),
        ("cost", [points] | [points, _]) => {
            let width = shifted(points, -4).ok_or_else(|| not_a_number(points))?;
            Ok(LabelSpec { horizon: horizon?, band: Band::Fixed { width } })
        }
        ("next" | "horizon" | "band" | "barrier" | "relative" | "cost", _) => {
            Err(format!("{kind:?} has another number of values"))
        }
        _ => Err("unknown label".to_string()),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number of candles"))
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| not_a_number(text))
}

fn not_a_number(text: &str) -> String {
    format!("{text:?} is not a number")
}

/// Text form; parsing it gives the same bits.
impl fmt::Display for LabelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let horizon = self.horizon;
        let text = match self.band {
            Band::Fixed { width: 0.0 } if horizon == 1 => "next".to_string(),
            Band::Fixed { width: 0.0 } => format!("horizon:{horizon}"),
            Band::Fixed { width } if horizon == 1 => format!("cost:{}", basis_points(width)),
            Band::Fixed { width } => format!("cost:{},{horizon}", basis_points(width)),
            Band::Volatility { factor, lookback: LabelSpec::VOLATILITY_LOOKBACK } => {
                let horizon = if horizon == 1 { String::new() } else { format!(",{horizon}") };
                format!("band:{factor}{horizon}")
            }
            Band::Volatility { factor, lookback } => format!("band:{factor},{horizon},{lookback}"),
            Band::Barrier { factor, lookback: LabelSpec::VOLATILITY_LOOKBACK } => {
                format!("barrier:{factor},{horizon}")
            }
            Band::Barrier { factor, lookback } => format!("barrier:{factor},{horizon},{lookback}"),
            Band::Relative => format!("relative:{horizon}"),
        };
        f.pad(&text)
    }
}

/// Fraction in basis points. The decimal point is shifted in the text, because a multiplication by
/// 10,000 would round: the text must give the same bits again.
fn basis_points(width: f64) -> String {
    let digits = format!("{width:e}");
    let plain = shifted(&digits, 4).map(|points| points.to_string());
    let exact = plain.filter(|plain| shifted(plain, -4) == Some(width));
    exact.unwrap_or_else(|| {
        let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
        format!("{mantissa}e{}", exponent.parse::<i32>().unwrap_or(0) + 4)
    })
}

/// Number of a decimal text times 10^`places`, correctly rounded.
fn shifted(text: &str, places: i32) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i32>().ok()?.checked_add(places)?;
    format!("{mantissa}e{exponent}").parse().ok()
}
