//! Colours of the plots: one value for a light background and one for a dark one.
use std::fmt::Write as _;

/// Colour of a mark, by its role.
///
/// Marks have the name of their colour as their class; the style sheet of the page defines both
/// values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlotColour {
    /// Text on the page.
    Text,
    /// Lines of the grid.
    Grid,
    /// Baselines and benchmarks.
    Rule,
    /// Marks without a model.
    Plain,
    /// Series of a model or a line, by index.
    Series(usize),
}

/// Text colour, light and dark, 0xRRGGBB. The series can be distinguished by colour-blind readers
/// (after Okabe and Ito 2008) and have a contrast of at least 3 on both backgrounds.
const TEXT: [u32; 2] = [0x1C_1C1E, 0xE8_E8EA];
const GRID: [u32; 2] = [0xDE_DEE2, 0x3A_3A40];
const RULE: [u32; 2] = [0x6B_6B70, 0xA2_A2A8];
const PLAIN: [u32; 2] = [0x3F_6C8F, 0x86_B4D8];
const SERIES: [[u32; 2]; 8] = [
    [0x00_72B2, 0x4D_A8E6],
    [0xD5_5E00, 0xFF_8B45],
    [0x00_7F5F, 0x3D_C79D],
    [0xA8_4C8C, 0xDD_92C4],
    [0x8A_6D00, 0xD9_B640],
    [0x5B_45A8, 0xAE_9CF2],
    [0x2B_90C9, 0x9A_D7F7],
    [0x8C_2A3C, 0xEF_8C9C],
];

impl PlotColour {
    /// Name of the class and the variable in the style sheet: `s0` for the first series.
    pub(crate) fn class(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Grid => "grid".into(),
            Self::Rule => "rule".into(),
            Self::Plain => "plain".into(),
            Self::Series(index) => format!("s{}", index % SERIES.len()),
        }
    }

    /// Symbol of the colour in a legend.
    pub(crate) fn sign(self) -> char {
        if self == Self::Rule { '▬' } else { '●' }
    }

    fn both(self) -> [u32; 2] {
        match self {
            Self::Text => TEXT,
            Self::Grid => GRID,
            Self::Rule => RULE,
            Self::Plain => PLAIN,
            Self::Series(index) => SERIES[index % SERIES.len()],
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let named = [Self::Text, Self::Grid, Self::Rule, Self::Plain];
        named.into_iter().chain((0..SERIES.len()).map(Self::Series))
    }
}

/// Rules of the style sheet that define both values of every colour. A print is always light.
pub(crate) fn css() -> String {
    let mut css = String::new();
    let themes =
        [(":root{", "}\n"), ("@media screen and (prefers-color-scheme:dark){:root{", "}}\n")];
    for (theme, (before, after)) in themes.into_iter().enumerate() {
        css.push_str(before);
        for colour in PlotColour::all() {
            // Writing to a String cannot fail.
            let _ = write!(css, "--{}:#{:06X};", colour.class(), colour.both()[theme]);
        }
        css.push_str(after);
    }
    for colour in PlotColour::all() {
        let class = colour.class();
        let _ = writeln!(css, ".{class}{{color:var(--{class})}}");
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_distinct() {
        let mut colours: Vec<u32> = PlotColour::all().map(|colour| colour.both()[0]).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), PlotColour::all().count());
    }

    /// Contrast of two colours by WCAG, 1 to 21.
    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(colour: u32) -> f64 {
        let [_, r, g, b] = colour.to_be_bytes().map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn linear(byte: u8) -> f64 {
        let share = f64::from(byte) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    }

    #[test]
    fn colours_have_enough_contrast_on_both_backgrounds() {
        let grounds = [0xFF_FFFF, 0x16_161A];
        for colour in PlotColour::all().filter(|colour| *colour != PlotColour::Grid) {
            let least = if matches!(colour, PlotColour::Text) { 7.0 } else { 3.0 };
            for (value, ground) in colour.both().into_iter().zip(grounds) {
                let got = contrast(value, ground);
                assert!(got >= least, "{colour:?} on {ground:06X}: {got:.2}");
            }
        }
    }
}
