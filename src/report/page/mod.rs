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
