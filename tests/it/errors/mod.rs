//! The page of errors is true: its examples say what they show, and no code is missing.

mod hints;
mod hints_of_commands;
use std::fs;
use std::path::Path;

use crate::support::Place;
use fprecon::problem::ProblemCode;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    fs::read_to_string(path).unwrap()
}

/// `\0`, `\r` and `\xfc` of a block marked `escaped`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let (byte, length) = match after.as_bytes() {
            [b'0', ..] => (0, 1),
            [b'r', ..] => (b'\r', 1),
            [b'x', ..] => (u8::from_str_radix(&after[1..3], 16).unwrap(), 3),
            _ => panic!("`\\{after}`"),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// Fenced blocks of a section with their info strings.
fn blocks(section: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = section;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (info, after) = after.split_once('\n').unwrap();
        let (body, after) = match after.strip_prefix("```") {
            Some(after) => ("", after),
            None => {
                let end = after.find("\n```").unwrap() + 1;
                (&after[..end], &after[end + 3..])
            }
        };
        blocks.push((info, body));
        rest = after;
    }
    blocks
}

/// The section of a code.
fn example<'p>(page: &'p str, code: &str) -> &'p str {
    let head = format!("`{code}`\n");
    let mut sections = page.split("\n### ").skip(1);
    sections
        .find(|section| section.starts_with(&head))
        .unwrap_or_else(|| panic!("{code}"))
}

#[test]
fn examples_say_what_they_show() {
    let page = page();
    let mut examples = 0;
    for section in page.split("\n### ").skip(1) {
        let code = section.split('`').nth(1).unwrap();
        let place = Place::new();
        let mut arguments = vec!["plan", "x.csv", "--json"];
        let mut shown = None;
        for (info, body) in blocks(section) {
            match info {
                "toml" => drop(place.write("fprecon.toml", body)),
                "csv" if matches!(code, "last-line-open" | "row-cut-off") => {
                    place.write("x.csv", body.trim_end());
                }
                "csv" => drop(place.write("x.csv", body)),
                "csv escaped" => fs::write(place.path("x.csv"), unescaped(body)).unwrap(),
                "sh" => arguments.extend(body.split_whitespace().skip(3)),
                "text" => shown = Some(body),
                other => panic!("{code}: a block of `{other}`"),
            }
        }
        let ran = place.run(&arguments);
        let said = format!("exit {}\n{}", ran.code(), ran.stderr());
        assert_eq!(Some(said.as_str()), shown, "{code}");
        let json = ran.json();
        let codes = json["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| &p["code"]);
        assert!(codes.into_iter().any(|is| is == code), "{code}: {json}");
        examples += 1;
    }
    assert!(examples >= 30, "{examples}");
}

#[test]
fn the_page_has_every_code_and_no_other() {
    let page = page();
    let missing: Vec<_> = ProblemCode::ALL
        .iter()
        .filter(|code| !page.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    let headings = page.lines().filter_map(|line| {
        let code = line.strip_prefix("### `")?;
        code.strip_suffix('`')
    });
    let unknown: Vec<_> = headings
        .filter(|code| matches!(ProblemCode::from_word(code), ProblemCode::OtherVersion(_)))
        .collect();
    assert!(unknown.is_empty(), "only in docs/errors.md: {unknown:?}");
}
