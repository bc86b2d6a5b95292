//! Profiles by what they make of rows: the examples of `docs/profiles.md`, and a sample each.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use fprecon::event::{Currency, Event};
use fprecon::export::Export;
use fprecon::job::{Job, Reading};
use fprecon::journal::PlanState;
use fprecon::link::Nothing;
use fprecon::problem::Problem;
use fprecon::profile::Profiles;

/// The profiles of an `fprecon.toml`, beside the built-in ones.
fn profiles(config: &str) -> Profiles {
    let config: toml::Table = config.parse().unwrap();
    let exports = config.get("exports").and_then(toml::Value::as_table);
    let own: BTreeMap<String, toml::Table> = exports
        .into_iter()
        .flatten()
        .map(|(name, table)| (name.clone(), table.as_table().unwrap().clone()))
        .collect();
    Profiles::load(&own).unwrap()
}

fn read(config: &str, csv: &[u8]) -> Result<Job, Vec<Problem>> {
    let profiles = profiles(config);
    let reading = Reading {
        profiles: &profiles,
        profile: None,
        account_currency: Currency::from_code("USD").unwrap(),
        progress: &|_| {},
    };
    let export = Export::from_bytes("x.csv", csv.to_vec());
    let job = reading.read(vec![export])?.plan(&Nothing);
    assert!(job.rows().balance() && job.plan.balances());
    Ok(job)
}

fn event_line(event: &Event) -> String {
    let customer = &event.customer;
    let who = customer.email.as_ref().or(customer.uid.as_ref()).unwrap();
    let parts = [
        Some(event.kind.to_string()),
        Some(event.event_id.clone()),
        event
            .sale_event_id
            .as_ref()
            .map(|sale| format!("of {sale}")),
        event.money.map(|money| money.to_string()),
        event.created_at.map(|date| date.to_string()),
        Some(who.clone()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(" ")
}

/// What became of each row, a line for each event and for each row without one.
fn outcome(config: &str, csv: &[u8]) -> String {
    let job = match read(config, csv) {
        Ok(job) => job,
        Err(problems) => return format!("unusable: {}\n", problems[0].message),
    };
    let mut lines = Vec::new();
    for planned in &job.plan.events {
        let event = &planned.event;
        let what = event_line(event);
        lines.push((
            event.source.line,
            match planned.state {
                PlanState::ToSend => what,
                PlanState::Unlinked => format!("held: {what} ({})", event.note),
                state => format!("{state:?}: {what}"),
            },
        ));
    }
    for row in &job.source_rows {
        let what = if row.rejected { "rejected" } else { "ignored" };
        lines.push((row.source.line, format!("{what}: {}", row.reason)));
    }
    lines.sort_by_key(|(line, _)| *line);
    lines
        .into_iter()
        .map(|(line, text)| format!("{line}: {text}\n"))
        .collect()
}

/// Fenced blocks with their language.
fn blocks(markdown: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body = lines.by_ref().take_while(|line| *line != "```");
            let body: String = body.map(|line| format!("{line}\n")).collect();
            blocks.push((language.to_owned(), body));
        }
    }
    blocks
}

/// Every profile with rows and what becomes of them.
#[test]
fn what_the_documentation_shows_is_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let markdown = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&markdown);
    let mut examples = 0;
    for example in blocks.windows(3) {
        let [(first, config), (second, csv), (third, expected)] = example else {
            continue;
        };
        if [first, second, third] != ["toml", "csv", "text"] {
            continue;
        }
        examples += 1;
        let is = outcome(config, csv.as_bytes());
        assert_eq!(is.trim_end(), expected.trim_end(), "\n{config}\n{csv}");
    }
    let of_language = |wanted: &str| blocks.iter().filter(|(is, _)| is == wanted).count();
    assert_eq!(examples, of_language("csv"), "every row has its profile");
    assert_eq!(examples, of_language("text"), "and what becomes of it");
    assert!(examples >= 8, "{examples}");
}
