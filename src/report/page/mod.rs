//! What every page of ours has: one file that needs nothing beside it, neither network nor script.
//!
//! `frame.html` is the page around what a page has to say, `parts.html` the parts that are drawn in
//! the same way everywhere. A page derives `askama::Template` with `src/report/askama.toml`, extends
//! the frame, and has its [`Shell`] in a field `shell`.
//!
//! The templates escape whatever they are given. Should something slip through all the same, the
//! page's policy lets no script run but its own, known by its hash, and nothing load from anywhere.

pub(crate) mod chart;
pub(crate) mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What stands around a page.
pub(crate) struct Shell {
    /// The title of the window.
    pub(crate) title: String,
    /// The last line.
    pub(crate) footer: String,
    /// What stands between `<style>` and its end.
    pub(crate) style: &'static str,
    /// What stands between `<script>` and its end.
    pub(crate) script: &'static str,
}

impl Shell {
    /// With the style and the script that all pages have.
    pub(crate) fn new(title: String, footer: String) -> Self {
        Shell {
            title,
            footer,
            style: STYLE,
            script: SCRIPT,
        }
    }

    /// The style as the policy names it.
    pub(crate) fn style_hash(&self) -> String {
        hash(self.style)
    }

    /// The script as the policy names it.
    pub(crate) fn script_hash(&self) -> String {
        hash(self.script)
    }
}

/// As a content security policy names it.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours of each theme, by name: light, dark, and on paper.
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

    /// As the Web Content Accessibility Guidelines reckon it: from 1 to 21.
    #[allow(clippy::float_arithmetic, reason = "light is no money")]
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let light = |colour: [u8; 3]| {
            let [red, green, blue] = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                match part <= 0.04045 {
                    true => part / 12.92,
                    false => ((part + 0.055) / 1.055).powf(2.4),
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
