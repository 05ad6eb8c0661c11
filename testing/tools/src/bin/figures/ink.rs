//! Named colours with one value for the light and one for the dark theme.
use std::fmt::Write as _;

use plotters::style::RGBColor;

/// Colour of a mark in the light and the dark theme, 0xRRGGBB.
///
/// A figure is drawn with the light values on its own background, so it is legible on any page. Its
/// style sheet replaces them by value if the reader prefers the dark theme.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink(u32, u32);

pub(crate) const GROUND: Ink = Ink(0xFF_FFFF, 0x16_161A);
pub(crate) const TEXT: Ink = Ink(0x1C_1C1E, 0xE8_E8EA);
pub(crate) const GRID: Ink = Ink(0xDE_DEE2, 0x3A_3A40);
pub(crate) const RULE: Ink = Ink(0x6B_6B70, 0xA2_A2A8);
/// Colours of lines, distinguishable with colour blindness (after Okabe and Ito 2008).
pub(crate) const BLUE: Ink = Ink(0x00_72B2, 0x4D_A8E6);
pub(crate) const ORANGE: Ink = Ink(0xD5_5E00, 0xFF_8B45);
pub(crate) const GREEN: Ink = Ink(0x00_7F5F, 0x3D_C79D);
/// Shades of values above 0, from small to large; `BELOW` has those of values below 0.
pub(crate) const ABOVE: [Ink; 4] = [
    Ink(0xC9_E0F2, 0x1D_3448),
    Ink(0x8D_BEE2, 0x2C_5F88),
    Ink(0x3F_8DC6, 0x3F_8FCB),
    Ink(0x00_4F82, 0x9A_D7F7),
];
pub(crate) const BELOW: [Ink; 4] = [
    Ink(0xFB_E0CC, 0x45_2B1B),
    Ink(0xF5_B785, 0x85_4A1F),
    Ink(0xE3_7F2F, 0xD5_7329),
    Ink(0x9C_4300, 0xFF_C08F),
];

impl Ink {
    /// Returns the colour of the light theme.
    pub(crate) fn colour(self) -> RGBColor {
        let [_, r, g, b] = self.0.to_be_bytes();
        RGBColor(r, g, b)
    }
}

/// Returns the style sheet with the dark value of every colour in `drawing`.
pub(crate) fn css(drawing: &str) -> String {
    let named = [GROUND, TEXT, GRID, RULE, BLUE, ORANGE, GREEN];
    let mut css = String::from("<style>@media (prefers-color-scheme:dark){");
    for Ink(light, dark) in named.into_iter().chain(ABOVE).chain(BELOW) {
        for attribute in ["fill", "stroke"] {
            if drawing.contains(&format!("{attribute}=\"#{light:06X}\"")) {
                // Writing to a String cannot fail.
                let _ = write!(css, "[{attribute}=\"#{light:06X}\"]{{{attribute}:#{dark:06X}}}");
            }
        }
    }
    css.push_str("}</style>");
    css
}
