//! The frame that all pages share: each page is one file that needs neither network nor other
//! files.
//!
//! `frame.html` is the page around the content, `parts.html` holds the parts that are drawn the
//! same way everywhere. A page derives `askama::Template` with `src/report/askama.toml`, extends
//! the frame, and has its [`Shell`] in a field `shell`.
//!
//! The templates escape all values that they are given. As a second barrier, the page's content
//! security policy runs no script except its own, known by its hash, and loads nothing from
//! anywhere.

pub(crate) mod chart;
pub(crate) mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The parts of a page around its content.
pub(crate) struct Shell {
    /// The title of the window.
    pub(crate) title: String,
    /// The last line.
    pub(crate) footer: String,
    /// The text of the `<style>` element.
    pub(crate) style: &'static str,
    /// The text of the `<script>` element.
    pub(crate) script: &'static str,
}

impl Shell {
    /// Creates a shell with the style and the script that all pages have.
    pub(crate) fn new(title: String, footer: String) -> Self {
        Shell {
            title,
            footer,
            style: STYLE,
            script: SCRIPT,
        }
    }

    /// Returns the hash of the style as the content security policy names it.
    pub(crate) fn style_hash(&self) -> String {
        hash(self.style)
    }

    /// Returns the hash of the script as the content security policy names it.
    pub(crate) fn script_hash(&self) -> String {
        hash(self.script)
    }
}

/// Returns the hash of a text as a content security policy names it.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the colours of each theme by name: light, dark, and on paper.
    fn themes() -> Vec<Vec<(&'static str, [u8; 3])>> {
        let themes = STYLE.split(":root {").skip(1).map(|block| {
            let block = block.split_once('}').unwrap().0;
            let colours = block.split(';').filter_map(|line| {
                let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
                let digits = value.strip_prefix('#')?;
                let pair = |at: usize| match digits.len() {
                    3 => u8::from_str_radix(&digits[at..=at].repeat(2), 16).unwrap(),
                    _ => u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap(),
                };
                Some((name, [pair(0), pair(1), pair(2)]))
            });
            colours.collect()
        });
        themes.collect()
    }

    /// Returns the contrast of two colours from 1 to 21, as the Web Content Accessibility
    /// Guidelines define it.
    #[allow(clippy::float_arithmetic, reason = "light is not money")]
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let light = |colour: [u8; 3]| {
            let [red, green, blue] = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 {
                    part / 12.92
                } else {
                    ((part + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_and_pictures_stand_out_in_every_theme() {
        assert_eq!(contrast([0; 3], [255; 3]).round(), 21.0);
        let themes = themes();
        assert_eq!(themes.len(), 3);
        for (number, theme) in themes.iter().enumerate() {
            let of = |name: &str| theme.iter().find(|(of, _)| *of == name).unwrap().1;
            for ground in ["paper", "surface"] {
                for words in ["ink", "muted", "link", "good", "bad"] {
                    let found = contrast(of(words), of(ground));
                    assert!(found >= 4.5, "theme {number}: {words} on {ground}: {found}");
                }
            }
            for part in [
                "tracked",
                "already_tracked",
                "non_referral",
                "failed",
                "unconfirmed",
                "not_sent",
                "sale",
                "refund",
            ] {
                let found = contrast(of(part), of("paper"));
                assert!(found >= 3.0, "theme {number}: {part}: {found}");
            }
        }
    }
}
