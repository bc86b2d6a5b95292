//! `fprecon accept`: accepts items that a person has checked and that stay as they are.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::next;
use super::who::who;
#[cfg(feature = "polars")]
use crate::audit::output::words;
use crate::bounded::{Bounded, REPORT_BYTES};
use crate::cli::arguments::{AcceptArguments, Common};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::invisible::shown;
use crate::journal::{Acceptance, AcceptedRecord, AttentionCode, Item, Journal, JournalReader};
use crate::problem::{Problem, ProblemCode};
use crate::report::attention::what;
use crate::report::handed_back::{LineMatch, Unreadable, find_items, items_of_event, read_lines};
use crate::report::{Commands, SCHEMA};

/// The greatest number of refused lines that are named.
const REFUSED_NAMED: usize = 20;

/// The object that `accept --json` prints.
#[derive(Serialize)]
struct AcceptOutput {
    schema: u32,
    /// The number of items that are accepted now and were not before.
    accepted: u64,
    /// The number of items that were accepted already.
    accepted_before: u64,
    /// The number of items that are no longer accepted.
    undone: u64,
    /// The number of lines whose events need no attention.
    skipped: u64,
}

/// The object that `accept --list --json` prints.
#[derive(Serialize)]
struct ListOutput {
    schema: u32,
    accepted: Vec<ListedItem>,
    /// The accepted differences of audits.
    differences: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct ListedItem {
    code: &'static str,
    kind: Option<&'static str>,
    event_id: Option<String>,
    amount_cents: Option<i64>,
    currency: Option<&'static str>,
    file: Option<String>,
    line: Option<u64>,
    message: String,
    reason: String,
    by: String,
    at: String,
}

impl From<AcceptedRecord> for ListedItem {
    fn from(record: AcceptedRecord) -> Self {
        let AcceptedRecord {
            item, acceptance, ..
        } = record;
        ListedItem {
            code: item.code.as_str(),
            kind: item.kind.map(|kind| kind.as_str()),
            event_id: item.event_id,
            amount_cents: item.money.map(|money| money.amount_cents),
            currency: item.money.map(|money| money.currency.code()),
            file: item.file,
            line: item.line,
            message: item.message,
            reason: acceptance.reason,
            by: acceptance.by,
            at: acceptance.at.to_string(),
        }
    }
}

pub(in crate::cli) fn accept(
    common: &Common,
    arguments: &AcceptArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    let of_audit = differences(arguments)?;
    let reader = JournalReader::open(&settings.journal)?;
    if arguments.list {
        let findings = accepted_findings(&settings)?;
        let is_known = reader.is_some() || has_accepted_file(&settings);
        if !is_known && findings.is_empty() {
            return Err(CliError::no_journal(&settings.journal));
        }
        return list(reader.as_ref(), findings, terminal);
    }
    if of_audit {
        drop(reader);
        return change_findings(&settings, arguments, terminal);
    }
    let Some(reader) = reader else {
        return Err(CliError::no_journal(&settings.journal));
    };
    let commands = next::commands(common, &settings);
    let now = Timestamp::now();
    let account = reader.account()?;
    drop(reader);
    let mut journal = Journal::open(&settings.journal, &account, "accept", now)?;
    let found = find(&journal, arguments, &commands)?;
    let ended = if arguments.undo {
        undo(&mut journal, &found, now, terminal)
    } else {
        let acceptance = Acceptance {
            reason: reason(arguments)?,
            by: who(),
            at: now,
        };
        accept_items(&mut journal, &found, &acceptance, terminal)
    }?;
    journal.close()?;
    Ok(ended)
}

/// The items that the user named, each once, and the number of lines that need no attention.
struct NamedItems {
    items: Vec<Item>,
    skipped: u64,
}

fn find(
    journal: &JournalReader,
    arguments: &AcceptArguments,
    commands: &Commands,
) -> Result<NamedItems, CliError> {
    let mut named = NamedItems {
        items: Vec::new(),
        skipped: 0,
    };
    let mut refused = Vec::new();
    for path in &arguments.reports {
        match read_file(path) {
            Ok(lines) => {
                let found = find_items(journal, &lines)?;
                for (line, found) in lines.iter().zip(found) {
                    match found {
                        LineMatch::Item(item) => named.items.push(*item),
                        LineMatch::NeedsNothing => named.skipped += 1,
                        refusal => refused.push(refusal_of(path, line.line, &refusal, commands)),
                    }
                }
            }
            Err(problem) => refused.push(*problem),
        }
    }
    for id in &arguments.event {
        let items = items_of_event(journal, id)?;
        let not_sent = items.iter().any(|item| item.code == AttentionCode::NotSent);
        match items.is_empty() {
            _ if not_sent => refused.push(not_sent_yet(id, commands)),
            true => refused.push(nothing_to_accept(id, commands)),
            false => named.items.extend(items),
        }
    }
    if arguments.undo {
        named
            .items
            .extend(accepted_of_events(journal, &arguments.event)?);
    }
    let mut seen = std::collections::HashSet::new();
    named.items.retain(|item| seen.insert(item.id));
    if refused.is_empty() {
        Ok(named)
    } else {
        Err(CliError::Unusable(bounded(refused)))
    }
}

/// Returns every accepted item of some events: one may have been accepted for several reasons, one after the other.
fn accepted_of_events(journal: &JournalReader, ids: &[String]) -> Result<Vec<Item>, CliError> {
    let accepted = journal.accepted()?.into_values();
    let is_of_events = |item: &Item| {
        let id = item.event_id.as_ref();
        id.is_some_and(|id| ids.contains(id))
    };
    Ok(accepted
        .map(|record| record.item)
        .filter(is_of_events)
        .collect())
}

/// Returns the first of many refusals, and the number of the others.
fn bounded(mut refused: Vec<Problem>) -> Vec<Problem> {
    let more = refused.len().saturating_sub(REFUSED_NAMED);
    if more > 0 {
        refused.truncate(REFUSED_NAMED);
        let message = format!("{} more cannot be accepted", count(more as u64, "line"));
        refused.push(Problem::error(ProblemCode::AcceptRefused, message));
    }
    refused
}

fn read_file(path: &Path) -> Result<Vec<crate::report::handed_back::ReportLine>, Box<Problem>> {
    let name = path.display().to_string();
    let file = Bounded::open(path, REPORT_BYTES).map_err(|error| {
        let problem = Problem::error(ProblemCode::ReportUnreadable, format!("cannot be read: {error}"));
        Box::new(problem.at(&name, None).hint(
            "pass the path of a failed.csv, held.csv, rejected.csv or ignored.csv; `fprecon report` writes them again",
        ))
    })?;
    read_lines(file).map_err(|error| {
        Box::new(match error {
            Unreadable::Header(header) => Problem::error(
                ProblemCode::ReportUnknown,
                "this is not a failed.csv, held.csv, rejected.csv or ignored.csv of fprecon",
            )
            .at(&name, Some(1))
            .cell("header", &header)
            .hint("pass a report that `fprecon run` or `fprecon report` wrote, with its header and its columns unchanged"),
            Unreadable::Csv { line, cause } => {
                Problem::error(ProblemCode::ReportUnreadable, format!("not a CSV in UTF-8: {cause}"))
                    .at(&name, line)
                    .hint("save it as a CSV in UTF-8 with commas, or use the file of `fprecon report`")
            }
        })
    })
}

fn refusal_of(path: &Path, line: u64, found: &LineMatch, commands: &Commands) -> Problem {
    let report = commands.command("report");
    let (message, hint) = match found {
        LineMatch::NotSent(id) => {
            return not_sent_yet(id, commands).at(path.display().to_string(), Some(line));
        }
        LineMatch::Changed(id) => (
            format!("event `{id}` has changed since this line was written"),
            format!("`{report}` writes the reports with the current state; check the event there"),
        ),
        _ => (
            "the journal has no failed, held or rejected item like this line".to_owned(),
            format!(
                "remove the line, or accept the file as `{report}` writes it, without `--redact`; the journal must be the one of that run (`--journal FILE`)"
            ),
        ),
    };
    Problem::error(ProblemCode::AcceptRefused, message)
        .at(path.display().to_string(), Some(line))
        .hint(hint)
}

fn not_sent_yet(id: &str, commands: &Commands) -> Problem {
    let resume = commands.command("resume");
    Problem::error(
        ProblemCode::AcceptRefused,
        format!("event `{id}` is not sent yet"),
    )
    .hint(format!(
        "`{resume}` sends it; an event that is not sent cannot be accepted"
    ))
}

fn nothing_to_accept(id: &str, commands: &Commands) -> Problem {
    let message = format!("the journal has no event `{id}` that failed, is unconfirmed or is held");
    let status = commands.command("status");
    Problem::error(ProblemCode::AcceptRefused, message).hint(format!(
        "copy the id from a report; `{status}` shows what needs attention"
    ))
}

fn reason(arguments: &AcceptArguments) -> Result<String, CliError> {
    let reason = arguments.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        Err(CliError::usage(
            Problem::error(ProblemCode::ReasonMissing, "`--reason` is empty").hint(
                "give the reason why the items stay as they are; every later report shows it",
            ),
        ))
    } else {
        Ok(reason.to_owned())
    }
}

fn accept_items(
    journal: &mut Journal,
    named: &NamedItems,
    acceptance: &Acceptance,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let accepted = journal.accept(&named.items, acceptance)?;
    let before = (named.items.len() as u64).saturating_sub(accepted);
    let mut lines = vec![if named.items.is_empty() {
        "Nothing was accepted.".to_owned()
    } else {
        format!(
            "Accepted by {}: {}.",
            shown(&acceptance.by),
            in_words(&named.items)
        )
    }];
    if before > 0 {
        lines.push(format!("{} accepted before.", are(before, "of them")));
    }
    if named.skipped > 0 {
        lines.push(format!("{} no attention.", need(named.skipped)));
    }
    if !named.items.is_empty() {
        lines.push(
            "Nothing was sent, and failed or held items stay failed or held. Later reports list it as accepted."
                .to_owned(),
        );
    }
    terminal.human(&lines.join("\n"));
    if terminal.is_json() {
        terminal.write_json(&AcceptOutput {
            schema: SCHEMA,
            accepted,
            accepted_before: before,
            undone: 0,
            skipped: named.skipped,
        })?;
    }
    Ok(Exit::Done)
}

fn undo(
    journal: &mut Journal,
    named: &NamedItems,
    now: Timestamp,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let ids: Vec<_> = named.items.iter().map(|item| item.id).collect();
    let undone = journal.withdraw_acceptance(&ids, &who(), now)?;
    terminal.human(&match undone {
        0 => "Nothing was changed: none of these items was accepted.".to_owned(),
        n => format!("{} no longer accepted.", are(n, "items")),
    });
    if terminal.is_json() {
        terminal.write_json(&AcceptOutput {
            schema: SCHEMA,
            accepted: 0,
            accepted_before: 0,
            undone,
            skipped: named.skipped,
        })?;
    }
    Ok(Exit::Done)
}

fn are(n: u64, of: &str) -> String {
    match (n, of) {
        (1, "items") => "1 item is".to_owned(),
        (1, _) => format!("1 {of} was"),
        (n, "items") => format!("{n} items are"),
        (n, _) => format!("{n} {of} were"),
    }
}

fn need(lines: u64) -> String {
    let verb = if lines == 1 { "needs" } else { "need" };
    format!("{} {verb}", count(lines, "other line"))
}

/// Returns the number of items by reason in words: `2 events failed, 1 row rejected`.
fn in_words(items: &[Item]) -> String {
    let mut by_code: BTreeMap<AttentionCode, u64> = BTreeMap::new();
    for item in items {
        *by_code.entry(item.code).or_default() += 1;
    }
    let words: Vec<String> = by_code.into_iter().map(|(code, n)| what(code, n)).collect();
    words.join(", ")
}

/// Returns `true` if the files are differences of an audit; all of them have to be, or none.
#[cfg(feature = "polars")]
fn differences(arguments: &AcceptArguments) -> Result<bool, CliError> {
    let is_one = |path: &&std::path::PathBuf| super::audit::accept::is_differences(path);
    let count = arguments.reports.iter().filter(is_one).count();
    match count == arguments.reports.len() && arguments.event.is_empty() {
        true => Ok(count > 0),
        false if count == 0 => Ok(false),
        false => Err(CliError::usage(
            Problem::error(
                ProblemCode::AcceptMixed,
                "differences of an audit cannot be accepted together with other reports",
            )
            .hint("accept `differences.csv` in a separate call"),
        )),
    }
}

#[cfg(not(feature = "polars"))]
fn differences(_: &AcceptArguments) -> Result<bool, CliError> {
    Ok(false)
}

/// Returns `true` if differences were accepted without a journal, even if none is any more.
#[cfg(feature = "polars")]
fn has_accepted_file(settings: &EffectiveSettings) -> bool {
    super::audit::accept::has_file(settings)
}

#[cfg(not(feature = "polars"))]
fn has_accepted_file(_: &EffectiveSettings) -> bool {
    false
}

#[cfg(feature = "polars")]
fn accepted_findings(settings: &EffectiveSettings) -> Result<Vec<AcceptedDifference>, CliError> {
    super::audit::accept::list(settings)
}

#[cfg(not(feature = "polars"))]
fn accepted_findings(_: &EffectiveSettings) -> Result<Vec<AcceptedDifference>, CliError> {
    Ok(Vec::new())
}

/// An accepted difference of an audit.
#[cfg(feature = "polars")]
type AcceptedDifference = crate::audit::accepted::AcceptedFinding;
#[cfg(not(feature = "polars"))]
type AcceptedDifference = ();

#[cfg(not(feature = "polars"))]
fn change_findings(
    settings: &EffectiveSettings,
    _: &AcceptArguments,
    _: &Terminal,
) -> Result<Exit, CliError> {
    Err(CliError::no_journal(&settings.journal))
}

/// Accepts differences of an audit, or reverses that.
#[cfg(feature = "polars")]
fn change_findings(
    settings: &EffectiveSettings,
    arguments: &AcceptArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let reason = if arguments.undo {
        None
    } else {
        Some(reason(arguments)?)
    };
    let changed = super::audit::accept::change(settings, &arguments.reports, reason.as_deref())?;
    let mut lines = vec![match (arguments.undo, changed.accepted, changed.undone) {
        (true, _, 0) => "Nothing was changed: none of these was accepted.".to_owned(),
        (true, _, n) => format!("{} no longer accepted.", are(n, "items")),
        (false, n, _) => format!("Accepted by {}: {}.", shown(&who()), count(n, "difference")),
    }];
    if changed.accepted_before > 0 {
        lines.push(format!(
            "{} accepted before.",
            are(changed.accepted_before, "of them")
        ));
    }
    if !arguments.undo {
        lines.push("Later audits list them as accepted, as long as they do not change.".to_owned());
    }
    if let Some(file) = &changed.file {
        let file = file.display().to_string();
        lines.push(format!(
            "Kept in {}, since there is no journal.",
            shown(&file)
        ));
    }
    terminal.human(&lines.join("\n"));
    if terminal.is_json() {
        terminal.write_json(&AcceptOutput {
            schema: SCHEMA,
            accepted: changed.accepted,
            accepted_before: changed.accepted_before,
            undone: changed.undone,
            skipped: 0,
        })?;
    }
    Ok(Exit::Done)
}

/// Returns two lines for an accepted difference: the difference, and the reason for accepting it.
#[cfg(feature = "polars")]
fn listed_difference(own: &AcceptedDifference) -> String {
    let kind = match own.kind.parse() {
        Ok(kind) => words::kind(kind),
        Err(_) => &own.kind,
    };
    let what = format!("{kind}: {} (difference {})", own.message, own.id);
    let day = own.at.get(..10).unwrap_or_default();
    let why = format!("{day} by {}: {}", own.by, own.reason);
    format!("{}\n  {}", shown(&what), shown(&why))
}

#[cfg(not(feature = "polars"))]
fn listed_difference(_: &AcceptedDifference) -> String {
    String::new()
}

/// Prints the accepted items, the oldest first; then the differences of audits.
fn list(
    journal: Option<&JournalReader>,
    findings: Vec<AcceptedDifference>,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut accepted = Vec::new();
    if let Some(journal) = journal {
        journal.for_each_accepted(|record| {
            if record.withdrawn.is_none() {
                accepted.push(record);
            }
        })?;
    }
    if terminal.is_json() {
        terminal.write_json(&ListOutput {
            schema: SCHEMA,
            accepted: accepted.into_iter().map(ListedItem::from).collect(),
            differences: findings
                .iter()
                .filter_map(|own| serde_json::to_value(own).ok())
                .collect(),
        })?;
        return Ok(Exit::Done);
    }
    if accepted.is_empty() && findings.is_empty() {
        terminal.human("Nothing is accepted.");
    }
    for record in &accepted {
        terminal.human(&listed(record));
    }
    for own in &findings {
        terminal.human(&listed_difference(own));
    }
    Ok(Exit::Done)
}

/// Returns two lines for an accepted item: the item, and the reason for accepting it.
fn listed(record: &AcceptedRecord) -> String {
    let AcceptedRecord {
        item, acceptance, ..
    } = record;
    let what = match (&item.event_id, item.kind) {
        (Some(id), Some(kind)) => format!("{kind} {id}"),
        _ => "row".to_owned(),
    };
    let amount = item
        .money
        .map_or(String::new(), |money| format!(", {money}"));
    let place = match (&item.file, item.line) {
        (Some(file), Some(line)) => format!(", {file}:{line}"),
        _ => String::new(),
    };
    let message = match item.message.as_str() {
        "" => String::new(),
        message => format!(" ({message})"),
    };
    let code = item.code.as_str().replace('_', " ");
    let day = acceptance.at.strftime("%Y-%m-%d");
    // Ids, messages and paths come from outside: they must not contain commands to the terminal.
    let what = format!("{code}: {what}{amount}{place}{message}");
    let why = format!("{day} by {}: {}", acceptance.by, acceptance.reason);
    format!("{}\n  {}", shown(&what), shown(&why))
}
