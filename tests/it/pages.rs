//! The pages under docs/ are executed: the files that they show are written, their commands are run, and each
//! line that they show is what the program prints.

use std::fs;
use std::path::Path;

use crate::support::{Place, Ran, SandboxProcess};

/// The fenced blocks: what stands behind the fence, and the lines.
pub fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The words of a command; what stands in quotes is one.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in command.split('\'').enumerate() {
        match place % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Executes a page with `run`, and returns how many commands it has. A block of kind `console` is a command
/// and lines that it prints; `… file=NAME` is a file, and a line `exit N` behind a command is its exit code.
pub fn walk(page: &str, place: &Place, run: impl Fn(&[&str]) -> Ran) -> usize {
    let mut commands = 0;
    for (kind, body) in blocks(page) {
        if let Some((_, file)) = kind.split_once(" file=") {
            place.write(file, &body);
        } else if kind == "console" {
            let (command, shown) = body.split_once('\n').unwrap();
            let command = command.strip_prefix("$ fprecon ").unwrap();
            let arguments = words(command);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            expect_shown(command, &run(&arguments), shown);
            commands += 1;
        }
    }
    commands
}

#[track_caller]
fn expect_shown(command: &str, ran: &Ran, shown: &str) {
    let said = ran.stdout() + &ran.stderr();
    // Who accepts, and when, is another one on each machine.
    for line in shown.lines().filter(|line| !line.contains("you@host")) {
        let is_said = match line.strip_prefix("exit ") {
            Some(code) => ran.code().to_string() == code,
            None => said.lines().any(|own| own == line),
        };
        assert!(
            is_said,
            "`{command}` does not print `{line}`, exit {}:\n{said}",
            ran.code()
        );
    }
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// Executes a page against an account of its own.
fn walk_to_an_account(name: &str) -> usize {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    walk(&page(name), &place, |arguments| {
        place.run_to(&sandbox, arguments)
    })
}

#[test]
fn the_import_page_prints_what_it_shows() {
    assert!(walk_to_an_account("import.md") >= 6);
}

#[test]
fn the_page_of_a_nightly_job_prints_what_it_shows() {
    assert!(walk_to_an_account("nightly.md") >= 6);
}

/// Every page is in the index, and every link of a page leads to a file.
#[test]
fn the_index_has_every_page_and_no_link_is_dead() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    let index = page("README.md");
    for path in &pages {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "{name}"
        );
    }
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        pages.push(root.join(name));
    }
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap();
            let is_elsewhere = target.is_empty() || target.contains("://");
            let linked = path.parent().unwrap().join(target);
            assert!(
                is_elsewhere || linked.exists(),
                "{}: {target}",
                path.display()
            );
        }
    }
}
