//! The items that need attention and the command for them: one home for the exit code, the machine
//! output, the terminal and the reports.
//!
//! To add a reason, add its word to [`AttentionCode`] and its lines to [`texts`]. For an event whose
//! answer settles it, write [`Entry::Flag`](crate::journal::Entry::Flag) together with the answer.

mod texts;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub(super) use self::texts::file_of;
use self::texts::{Next, advice_of, next_of, problem_of};
use super::csv_files::row_file_names;
use super::items::{Age, event_item, for_each_item};
use super::open_items::{OpenCount, OpenOfSpan, exports_beside_held, open_unplanned};
use super::words::count;
use crate::event::{Currency, Tally};
use crate::journal::{
    AcceptedItems, AttentionCode, Disposition, EventRow, EventsOf, Item, JournalError,
    JournalReader, RunId, RunRecord, Scope, Span,
};
use crate::problem::Problem;
use crate::shell_word::shell_word;

/// Items that need attention for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Attention {
    /// The reason why they need attention.
    #[serde(serialize_with = "word")]
    pub code: AttentionCode,
    /// The number of items.
    pub count: u64,
    /// The amounts of the events among them, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
    /// The number of those items that an earlier run had settled in this way before this run read
    /// them again.
    pub earlier: u64,
    /// The command that comes next.
    pub command: String,
    /// The undo that holds them, by the name of the run that it undoes, if one does.
    #[serde(skip)]
    undoes: Option<String>,
}

/// Items that were accepted for one reason in one call.
#[derive(Clone, Debug, Serialize)]
pub struct AcceptedSummary {
    /// The reason why they needed attention.
    #[serde(serialize_with = "word")]
    pub code: AttentionCode,
    /// The number of items.
    pub count: u64,
    /// The amounts of the events among them, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
    /// The reason that was given for accepting them.
    pub reason: String,
    /// The user and the host of the person who accepted them.
    pub by: String,
    /// The time of acceptance, in RFC 3339.
    pub at: String,
}

pub(super) fn word<S: serde::Serializer>(
    code: &AttentionCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

/// The items of some runs that need attention, and those that were accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttentionFigures {
    pub(crate) attention: Vec<Attention>,
    pub(crate) accepted: Vec<AcceptedSummary>,
}

impl AttentionFigures {
    /// Adds up what needs attention in one run.
    pub(crate) fn in_run(journal: &JournalReader, run: &RunRecord) -> Result<Self, JournalError> {
        let mut counter = Counter::new(journal)?;
        let runs = std::slice::from_ref(run);
        for_each_item(journal, Scope::Run(run.id), runs, |age, item| {
            counter.add(age, &item);
            Ok::<_, JournalError>(())
        })?;
        Ok(counter.finish())
    }

    /// Adds up what needs attention now of several runs, each item once.
    pub(crate) fn in_runs(
        journal: &JournalReader,
        scope: Scope,
        runs: &[RunRecord],
        open: &OpenOfSpan,
    ) -> Result<Self, JournalError> {
        let mut counter = Counter::new(journal)?;
        let mut seen = HashSet::new();
        for_each_item(journal, scope, runs, |age, item| {
            if open.has(&item) && seen.insert(item.id) {
                counter.add(age, &item);
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(counter.finish())
    }
}

/// Returns what needs attention now, with its commands: of every event of the journal, and of what any run
/// held or rejected.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn attention_now(
    journal: &JournalReader,
    commands: &Commands,
) -> Result<Vec<Attention>, JournalError> {
    let mut counter = Counter::new(journal)?;
    let mut of_files: HashMap<EventRow, AttentionCode> = HashMap::new();
    for (of, age) in [
        (EventsOf::Sending, Age::New),
        (EventsOf::Earlier, Age::Earlier),
    ] {
        journal.for_each_needing(Scope::Span(Span::ALL), of, |code, record| {
            let counted = counter.add(age, &event_item(code, &record));
            if counted == Counted::Open && matches!(next_of(code), Next::Accept) {
                of_files.insert(record.row, code);
            }
            Ok::<_, JournalError>(())
        })?;
    }
    let last = journal.latest_run_of_exports()?.map(|run| run.id);
    // The latest run that has an item of a code is where its command leads.
    let mut runs: BTreeMap<AttentionCode, RunId> = BTreeMap::new();
    if !of_files.is_empty() {
        journal.for_each_run_of_events(|row, run| {
            if let Some(&code) = of_files.get(&row) {
                let latest = runs.entry(code).or_insert(run);
                *latest = run.max(*latest);
            }
        })?;
    }
    for (run, item) in open_unplanned(journal)? {
        if counter.add(Age::New, &item) == Counted::Open {
            let latest = runs.entry(item.code).or_insert(run);
            *latest = run.max(*latest);
        }
    }
    let mut attention = counter.finish().attention;
    for item in &mut attention {
        let run = runs.get(&item.code).copied().or(last);
        let run = run.map_or(Ok(None), |run| journal.run(run))?;
        let commands = match &run {
            Some(run) => commands.of_run(journal, run.id)?,
            None => commands.clone(),
        };
        item.command = command_in(journal, item.code, run.as_ref(), &commands)?;
        item.undoes = undone_by(journal, run.as_ref())?;
    }
    Ok(attention)
}

/// Returns the name of the run that a run undoes; `None` for a run that undoes none.
///
/// # Errors
///
/// The journal can't be read.
pub(super) fn undone_by(
    journal: &JournalReader,
    run: Option<&RunRecord>,
) -> Result<Option<String>, JournalError> {
    let Some(undone) = run.and_then(|run| run.undoes) else {
        return Ok(None);
    };
    Ok(journal.run(undone)?.map(|undone| undone.name))
}

/// Returns the command for items with this code, by the exports and the report of a run.
///
/// # Errors
///
/// The journal can't be read.
pub(super) fn command_in(
    journal: &JournalReader,
    code: AttentionCode,
    run: Option<&RunRecord>,
    commands: &Commands,
) -> Result<String, JournalError> {
    let runs = run.map_or(&[][..], std::slice::from_ref);
    let rejected = row_file_names(Disposition::Rejected, runs);
    let beside_held = match code {
        AttentionCode::Held => exports_beside_held(journal, runs)?,
        _ => Vec::new(),
    };
    let inputs = runs.iter().flat_map(|run| &run.inputs);
    let places = Places {
        directory: run.and_then(|run| run.report_dir.as_deref()),
        exports: inputs.map(|input| input.path.as_str()).collect(),
        beside_held: &beside_held,
        rejected: &rejected,
        undoes: undone_by(journal, run)?,
    };
    Ok(command_of(code, &places, commands))
}

/// Leaves out events that are about to be sent: they are no reason for anybody to act.
pub(crate) fn without_unsent(attention: Vec<Attention>, sending: &Tally) -> Vec<Attention> {
    let mut left = attention;
    left.retain_mut(|item| {
        if item.code != AttentionCode::NotSent {
            return true;
        }
        item.count = item.count.saturating_sub(sending.count());
        for (_, currency, sum) in sending.iter() {
            if let Some(cents) = currency.and_then(|currency| item.amount_cents.get_mut(&currency))
            {
                *cents -= sum.amount_cents;
            }
        }
        item.amount_cents.retain(|_, cents| *cents > 0);
        item.count > 0
    });
    left
}

/// The key of what was accepted together: why it needed attention, the reason, who and when.
type AcceptanceKey = (AttentionCode, String, String, String);

/// Tells as what an item was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Open,
    Accepted,
}

/// Adds up items by reason.
struct Counter {
    accepted_items: AcceptedItems,
    attention: BTreeMap<AttentionCode, Attention>,
    accepted: BTreeMap<AcceptanceKey, AcceptedSummary>,
}

impl Counter {
    fn new(journal: &JournalReader) -> Result<Self, JournalError> {
        Ok(Counter {
            accepted_items: journal.accepted()?,
            attention: BTreeMap::new(),
            accepted: BTreeMap::new(),
        })
    }

    fn add(&mut self, age: Age, item: &Item) -> Counted {
        let code = item.code;
        let is_accepted = self.accepted_items.contains_key(&item.id);
        let (count, amounts) = match self.accepted_items.get(&item.id) {
            Some(record) => {
                let acceptance = &record.acceptance;
                let at = acceptance.at.to_string();
                let together = (
                    code,
                    at.clone(),
                    acceptance.by.clone(),
                    acceptance.reason.clone(),
                );
                let group = self
                    .accepted
                    .entry(together)
                    .or_insert_with(|| AcceptedSummary {
                        code,
                        count: 0,
                        amount_cents: BTreeMap::new(),
                        reason: acceptance.reason.clone(),
                        by: acceptance.by.clone(),
                        at,
                    });
                (&mut group.count, &mut group.amount_cents)
            }
            None => {
                let group = self.attention.entry(code).or_insert_with(|| Attention {
                    code,
                    count: 0,
                    amount_cents: BTreeMap::new(),
                    earlier: 0,
                    command: String::new(),
                    undoes: None,
                });
                group.earlier += u64::from(age == Age::Earlier);
                (&mut group.count, &mut group.amount_cents)
            }
        };
        *count += 1;
        if let Some(money) = item.money {
            *amounts.entry(money.currency).or_default() += i128::from(money.amount_cents);
        }
        if is_accepted {
            Counted::Accepted
        } else {
            Counted::Open
        }
    }

    fn finish(self) -> AttentionFigures {
        AttentionFigures {
            attention: self.attention.into_values().collect(),
            accepted: self.accepted.into_values().collect(),
        }
    }
}

/// Returns whether events that need attention for this reason have it beside their outcome.
pub(crate) fn is_flagged(code: AttentionCode) -> bool {
    matches!(
        code,
        AttentionCode::NotPaid
            | AttentionCode::OtherAmount
            | AttentionCode::ReversalNonReferral
            | AttentionCode::SignedUpSince
            | AttentionCode::CustomerLearned
            | AttentionCode::PlanLearned
            | AttentionCode::CountsLess
            | AttentionCode::NotDated
            | AttentionCode::UndoPaid
    )
}

/// Returns the number of items and their problem: `3 events failed`.
pub(crate) fn what(code: AttentionCode, items: u64) -> String {
    let noun = match code {
        AttentionCode::Rejected | AttentionCode::Ignored => "row",
        _ => "event",
    };
    format!("{} {}", count(items, noun), problem_of(code))
}

impl AcceptedSummary {
    /// Returns the number of items and their problem: `3 events failed`.
    pub(crate) fn what(&self) -> String {
        what(self.code, self.count)
    }
}

impl Attention {
    /// Returns the figures alone.
    pub(super) fn open(&self) -> OpenCount {
        OpenCount {
            code: self.code,
            count: self.count,
            amount_cents: self.amount_cents.clone(),
        }
    }

    /// Returns the number of items and their problem: `3 events failed, 1 of them in an earlier
    /// run`.
    pub(crate) fn what(&self) -> String {
        let what = what(self.code, self.count);
        match self.earlier {
            0 => what,
            earlier if earlier == self.count => format!("{what} in an earlier run"),
            earlier => format!("{what}, {earlier} of them in an earlier run"),
        }
    }

    /// Returns what to do before running the command.
    pub(crate) fn advice(&self) -> &'static str {
        match (self.code, &self.undoes) {
            (AttentionCode::Held, Some(_)) => "held.csv says why. Settle that, then undo the rest:",
            _ => advice_of(self.code),
        }
    }

    /// Returns the file of the report that has the items.
    pub(crate) fn file(&self) -> &'static str {
        file_of(self.code)
    }
}

/// The options that commands need so that they can be pasted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Commands {
    /// The options that select the same journal and account, each with its value, which may be empty.
    options: Vec<(String, String)>,
    /// Further options for the reading of exports.
    reading: Vec<(String, String)>,
}

impl Commands {
    /// Creates commands with these options, and with these further ones where exports are read.
    pub fn new(options: &[(&str, String)], reading: &[(&str, String)]) -> Self {
        Commands {
            options: owned(options),
            reading: owned(reading),
        }
    }

    /// Adds an option for the reading of exports.
    pub fn with_reading(mut self, name: &str, value: String) -> Self {
        self.reading.push((name.to_owned(), value));
        self
    }

    /// Returns the options as the journal keeps them with a run; `None` if there are none.
    pub fn to_kept(&self) -> Option<String> {
        let is_empty = self.options.is_empty() && self.reading.is_empty();
        let text = serde_json::to_string(self).ok();
        text.filter(|_| !is_empty)
    }

    /// Adds the options that the journal keeps with a run and that this call does not have.
    fn with_kept(&self, kept: &str) -> Self {
        let Ok(of_run) = serde_json::from_str::<Commands>(kept) else {
            return self.clone();
        };
        let join = |own: &[(String, String)], of_run: Vec<(String, String)>| {
            let is_missing = |(name, _): &(String, String)| own.iter().all(|(own, _)| own != name);
            let missing = of_run.into_iter().filter(is_missing);
            own.iter().cloned().chain(missing).collect()
        };
        Commands {
            options: join(&self.options, of_run.options),
            reading: join(&self.reading, of_run.reading),
        }
    }

    /// Returns the commands with the options that a run was started with, as far as this call has no others, so
    /// that they reach what the run has reached.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn of_run(&self, journal: &JournalReader, run: RunId) -> Result<Self, JournalError> {
        let kept = journal.options_of(run)?;
        Ok(kept.map_or_else(|| self.clone(), |kept| self.with_kept(&kept)))
    }

    fn options(&self) -> String {
        option_words(&self.options)
    }

    /// Returns a command, ready to be pasted: `fprecon resume --journal books.journal`.
    pub fn command(&self, words: &str) -> String {
        format!("fprecon {words}{}", self.options())
    }

    /// Adds the options to each command of a hint that needs the same journal and account, so that
    /// it can be pasted: `fprecon resume` becomes `fprecon resume --journal books.journal`.
    pub(crate) fn complete(&self, problem: &mut Problem) {
        const COMMANDS: [&str; 6] = ["accept", "report", "resume", "retry", "status", "undo"];
        let options = self.options();
        let Some(hint) = problem.hint.as_mut().filter(|_| !options.is_empty()) else {
            return;
        };
        // Between backticks, every second piece is a command or a value.
        let pieces = hint.split('`').enumerate().map(|(place, piece)| {
            let words = piece.strip_prefix("fprecon ").filter(|_| place % 2 == 1);
            let name = words.and_then(|words| words.split(' ').next());
            if name.is_some_and(|name| COMMANDS.contains(&name)) && !piece.ends_with(&options) {
                Cow::Owned(format!("{piece}{options}"))
            } else {
                Cow::Borrowed(piece)
            }
        });
        *hint = pieces.collect::<Vec<_>>().join("`");
    }

    fn run(&self, exports: &[String]) -> String {
        let exports: Vec<Cow<'_, str>> = exports.iter().map(|path| shell_word(path)).collect();
        let words = format!("run {}{}", exports.join(" "), option_words(&self.reading));
        self.command(&words)
    }

    /// Returns the command that accepts the items of files.
    pub(crate) fn accept<'f>(&self, files: impl Iterator<Item = &'f str>) -> String {
        let files: Vec<Cow<'_, str>> = files.map(shell_word).collect();
        self.command(&format!("accept {} --reason TEXT", files.join(" ")))
    }
}

fn owned(options: &[(&str, String)]) -> Vec<(String, String)> {
    let options = options.iter();
    let options = options.map(|(name, value)| ((*name).to_owned(), value.clone()));
    options.collect()
}

fn option_words(options: &[(String, String)]) -> String {
    let words = options.iter().map(|(name, value)| match value.as_str() {
        "" => format!(" {name}"),
        value => format!(" {name} {}", shell_word(value)),
    });
    words.collect()
}

/// The paths of the files that commands name.
pub(crate) struct Places<'p> {
    /// The directory of the report.
    pub(crate) directory: Option<&'p str>,
    /// The paths of the run's exports.
    pub(crate) exports: Vec<&'p str>,
    /// The paths of the exports that held sales need beside these.
    pub(crate) beside_held: &'p [String],
    /// The names of the files of rejected rows.
    pub(crate) rejected: &'p [String],
    /// The name of the run that the run undoes, if it does.
    pub(crate) undoes: Option<String>,
}

impl Places<'_> {
    fn in_report(&self, name: &str) -> String {
        match self.directory {
            None => name.to_owned(),
            Some(directory) => std::path::Path::new(directory)
                .join(name)
                .display()
                .to_string(),
        }
    }

    fn rejected_files(&self) -> Vec<String> {
        self.rejected
            .iter()
            .map(|name| self.in_report(name))
            .collect()
    }

    /// Returns the exports as a command can name them: a member of an archive by the archive.
    fn exports(&self, code: AttentionCode) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let beside = self.beside_held.iter().map(String::as_str);
        let beside = beside.filter(|_| code == AttentionCode::Held);
        for path in self.exports.iter().copied().chain(beside) {
            let name = match path.to_ascii_lowercase().find(".zip/") {
                Some(at) => &path[..at + ".zip".len()],
                None => path,
            };
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Returns the files of the report that have these items.
    pub(crate) fn files_of(&self, attention: &[Attention]) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        // Events that are not sent can't be accepted: they will be sent.
        let items = attention
            .iter()
            .filter(|item| item.code != AttentionCode::NotSent);
        for item in items {
            let of_item = match item.code {
                AttentionCode::Rejected => self.rejected_files(),
                _ => vec![self.in_report(item.file())],
            };
            for file in of_item {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }
}

/// Sets the command of every item.
pub(crate) fn name_commands(attention: &mut [Attention], places: &Places<'_>, commands: &Commands) {
    for item in attention {
        item.command = command_of(item.code, places, commands);
        item.undoes = places.undoes.clone();
    }
}

fn command_of(code: AttentionCode, places: &Places<'_>, commands: &Commands) -> String {
    match next_of(code) {
        Next::Words(words) => commands.command(words),
        Next::RunExports => match &places.undoes {
            Some(run) => commands.command(&format!("undo {run} --yes")),
            None => commands.run(&places.exports(code)),
        },
        Next::RunRejected => commands.run(&places.rejected_files()),
        Next::Accept => {
            let file = places.in_report(file_of(code));
            commands.accept(std::iter::once(file.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemCode;

    fn all() -> Vec<Attention> {
        let items = AttentionCode::ALL.iter().map(|&code| Attention {
            code,
            count: 2,
            amount_cents: BTreeMap::new(),
            earlier: 0,
            command: String::new(),
            undoes: None,
        });
        items.collect()
    }

    #[test]
    fn every_reason_has_a_command_that_reaches_the_same_journal() {
        let rejected = ["rejected.csv".to_owned(), "rejected-2.csv".to_owned()];
        let beside_held = ["payments.csv".to_owned()];
        let places = Places {
            directory: Some("my reports/1"),
            exports: vec!["a.csv", "b.zip/one.csv", "b.zip/two.csv"],
            beside_held: &beside_held,
            rejected: &rejected,
            undoes: None,
        };
        let commands = Commands::new(
            &[
                ("--sandbox", String::new()),
                ("--journal", "it's.journal".to_owned()),
            ],
            &[("--profile", "generic".to_owned())],
        );
        let mut attention = all();
        name_commands(&mut attention, &places, &commands);
        let options = r"--sandbox --journal 'it'\''s.journal'";
        let of = |code| {
            let item = attention.iter().find(|item| item.code == code);
            item.map_or("", |item| item.command.as_str())
        };
        for item in &attention {
            assert!(item.command.starts_with("fprecon "), "{item:?}");
            assert!(item.command.ends_with(options), "{item:?}");
            assert!(item.what().starts_with("2 "), "{item:?}");
            assert!(item.advice().ends_with(':'), "{item:?}");
        }
        assert_eq!(
            of(AttentionCode::Held),
            format!("fprecon run a.csv b.zip payments.csv --profile generic {options}")
        );
        assert_eq!(
            of(AttentionCode::Conflict),
            format!("fprecon run a.csv b.zip --profile generic {options}")
        );
        assert_eq!(
            of(AttentionCode::Rejected),
            format!(
                "fprecon run 'my reports/1/rejected.csv' 'my reports/1/rejected-2.csv' --profile generic {options}"
            )
        );
        assert_eq!(
            of(AttentionCode::OtherAmount),
            format!("fprecon accept 'my reports/1/tracked.csv' --reason TEXT {options}")
        );
    }

    #[test]
    fn a_call_goes_before_the_options_of_a_run() {
        let option = |name: &'static str, value: &str| (name, value.to_owned());
        let run = Commands::new(
            &[
                option("--journal", "a"),
                option("--base-url", "http://localhost:1"),
            ],
            &[option("--profile", "mine")],
        );
        let call = Commands::new(&[option("--journal", "b")], &[]);
        let both = call.with_kept(&run.to_kept().unwrap());
        assert_eq!(
            both.run(&["x.csv".to_owned()]),
            "fprecon run x.csv --profile mine --journal b --base-url http://localhost:1"
        );
        assert_eq!(Commands::default().to_kept(), None);
        let damaged = call.with_kept("no json").command("status");
        assert_eq!(damaged, "fprecon status --journal b");
    }

    #[test]
    fn what_is_not_sent_can_not_be_accepted() {
        let places = Places {
            directory: None,
            exports: Vec::new(),
            beside_held: &[],
            rejected: &[],
            undoes: None,
        };
        let not_sent = &all()[..1];
        assert_eq!(not_sent[0].code, AttentionCode::NotSent);
        assert_eq!(places.files_of(not_sent), [""; 0]);
        assert_eq!(places.files_of(&all()[..3]), ["failed.csv"]);
    }

    #[test]
    fn the_commands_of_a_hint_reach_the_same_journal() {
        let commands = Commands::new(&[("--journal", "my books".to_owned())], &[]);
        let complete = |hint: &str| {
            let mut problem = Problem::error(ProblemCode::EventConflict, "x").hint(hint);
            commands.complete(&mut problem);
            problem.hint.unwrap()
        };
        assert_eq!(
            complete(
                "`fprecon resume` first, then `fprecon accept --event s1 --reason TEXT`; not `resume` or `fprecon init`"
            ),
            "`fprecon resume --journal 'my books'` first, then `fprecon accept --event s1 --reason TEXT --journal 'my books'`; not `resume` or `fprecon init`"
        );
        let whole = complete(&format!("`{}`", commands.command("status")));
        assert_eq!(whole, "`fprecon status --journal 'my books'`");
        assert_eq!(
            complete("no command, one ` alone"),
            "no command, one ` alone"
        );
    }

    #[test]
    fn items_of_an_earlier_run_are_said_to_be() {
        let mut item = all().remove(1);
        assert_eq!(item.what(), "2 events failed");
        item.earlier = 1;
        assert_eq!(item.what(), "2 events failed, 1 of them in an earlier run");
        item.earlier = 2;
        assert_eq!(item.what(), "2 events failed in an earlier run");
    }
}
