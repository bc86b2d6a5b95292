//! docs/audit.md is executed: its files are written, its commands are run, and each line that it shows
//! is what the program prints.

use crate::support::Place;

/// The fenced blocks: what stands behind the fence, and the lines.
fn blocks(text: &str) -> Vec<(String, String)> {
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

#[test]
fn the_walk_through_a_monthly_close_prints_what_the_page_shows() {
    let page = include_str!("../../../docs/audit.md");
    let place = Place::new();
    let mut commands = 0;
    for (kind, body) in blocks(page) {
        if let Some((_, file)) = kind.split_once(" file=") {
            place.write(file, &body);
        } else if kind == "console" {
            let (command, shown) = body.split_once('\n').unwrap();
            let command = command.strip_prefix("$ fprecon ").unwrap();
            let arguments = words(command);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ran = place.run(&arguments);
            let said = ran.stdout();
            // Who accepts, and when, is another one on each machine.
            for line in shown.lines().filter(|line| !line.contains("you@host")) {
                assert!(
                    said.lines().any(|own| own == line),
                    "`{command}` does not print `{line}`:\n{said}{}",
                    ran.stderr()
                );
            }
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands}");
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
