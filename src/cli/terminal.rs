//! The terminal: data on standard output, everything else on standard error.
//!
//! The only place that writes to either. Whatever goes there has its control characters and invisible
//! characters escaped, but for the lines and the styles that are the program's own.
//!
//! Printing ends no command. Who reads standard output may be gone (`| head`), or its disk be full: the
//! work is done all the same, the exit code tells what came of it, and a disk that is full is said at the
//! end.

use std::cell::RefCell;
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::arguments::{Color, Common};
use super::error::{CliError, Exit};
use crate::invisible::{Language, shown_in_strings, shown_lines};
use crate::problem::{Problem, Severity};
use crate::report::json_text;

/// How many problems are shown without `--verbose`.
const PROBLEMS_SHOWN: usize = 12;

/// Of problems that are alike, how many further lines are named.
const LINES_NAMED: usize = 8;

/// What may be said, and how.
pub(super) struct Terminal {
    json: bool,
    quiet: bool,
    verbose: bool,
    may_ask: bool,
    output: RefCell<Output>,
}

/// How standard output has fared so far.
#[derive(Debug)]
enum Output {
    /// All of it was written.
    Open,
    /// Nobody reads it any more.
    Unread,
    /// It can't be written.
    Failed(io::Error),
}

impl Terminal {
    /// Decides on colour for the whole process, too.
    pub(super) fn new(common: &Common) -> Self {
        match common.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        Terminal {
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            may_ask: is_terminal && !common.no_input,
            output: RefCell::new(Output::Open),
        }
    }

    /// Whether the user wants one JSON object.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Writes lines for people: what the command was called for.
    pub(super) fn data(&self, text: &str) {
        self.own(&shown_lines(text));
    }

    /// Writes a file of the program's own, such as a script or a profile, as it is.
    pub(super) fn own(&self, text: &str) {
        self.stream(|out| {
            out.write_all(text.as_bytes())?;
            out.write_all(b"\n")
        });
    }

    /// Writes TOML, which reads as it was.
    pub(super) fn toml(&self, text: &str) {
        self.own(&shown_in_strings(text.to_owned(), Language::Toml));
    }

    /// Writes what `--json` asks for.
    pub(super) fn write_json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text =
            json_text(value).map_err(|error| CliError::Io("machine output", error.into()))?;
        self.own(&text);
        Ok(())
    }

    /// Lets data be written piece by piece. What can't be written is kept for the end; nothing more is
    /// written behind it.
    pub(super) fn stream(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if !matches!(*self.output.borrow(), Output::Open) {
            return;
        }
        let mut out = anstream::stdout().lock();
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            *self.output.borrow_mut() = match error.kind() {
                io::ErrorKind::BrokenPipe => Output::Unread,
                _ => Output::Failed(error),
            };
        }
    }

    /// Refuses to go on where what was to be read first could not be written. Nothing has been sent.
    pub(super) fn check_output(&self) -> Result<(), CliError> {
        let mut output = self.output.borrow_mut();
        let Output::Failed(error) = &*output else {
            return Ok(());
        };
        let problem = not_written(error);
        // It is said here, and not once more at the end.
        *output = Output::Unread;
        Err(CliError::unusable(problem.hint(
            "nothing was sent; make room, or send the output somewhere else",
        )))
    }

    /// Returns what the program exits with after a command: a full disk is no success.
    pub(super) fn finish(&self, exit: Exit) -> Exit {
        let Output::Failed(error) = &*self.output.borrow() else {
            return exit;
        };
        say(&coloured(&not_written(error).hint(
            "the work itself is done; make room, and see `fprecon status` and `fprecon report`",
        )));
        match exit {
            Exit::Done => Exit::Unusable,
            exit => exit,
        }
    }

    /// Writes a table or a sentence for people: with `--json` it is left out.
    pub(super) fn human(&self, text: &str) {
        if !self.json && !self.quiet {
            self.data(text);
        }
    }

    /// Says something on the way.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Says the one line that `--quiet` leaves over.
    pub(super) fn say_if_quiet(&self, text: &str) {
        if self.quiet {
            say(text);
        }
    }

    /// Says what a person has to know: the first problems, errors before warnings. Those about no
    /// single export, such as totals, come last and all of them.
    ///
    /// `omitted` counts those that were not even kept.
    pub(super) fn problems(&self, problems: &[Problem], omitted: u64) {
        let wanted = problems
            .iter()
            .filter(|problem| !self.quiet || problem.severity == Severity::Error);
        let (whole, single): (Vec<&Problem>, Vec<&Problem>) =
            wanted.partition(|problem| problem.file.is_none());
        self.single_problems(&single, omitted);
        for problem in whole {
            say(&coloured(problem));
        }
    }

    /// Says what the plan of a run found. With `--quiet` the report has it, and one line at the end says
    /// whether it needs attention.
    pub(super) fn plan_problems(&self, problems: &[Problem], omitted: u64) {
        if !self.quiet {
            self.problems(problems, omitted);
        }
    }

    fn single_problems(&self, problems: &[&Problem], omitted: u64) {
        let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) = problems
            .iter()
            .partition(|problem| problem.severity == Severity::Error);
        let all: Vec<&Problem> = errors.into_iter().chain(warnings).collect();
        let alike = match self.verbose {
            true => all.iter().map(|problem| vec![*problem]).collect(),
            false => group_alike(&all),
        };
        let shown = match self.verbose {
            true => alike.len(),
            false => alike.len().min(PROBLEMS_SHOWN),
        };
        for group in &alike[..shown] {
            say(&coloured(group[0]));
            if let Some(lines) = other_lines(&group[1..]) {
                say(&lines);
            }
        }
        let not_shown: usize = alike[shown..].iter().map(Vec::len).sum();
        let more = not_shown as u64 + omitted;
        if more > 0 {
            let how = match self.verbose {
                true => "all of them are in the report",
                false => "`--verbose` shows more",
            };
            say(&format!("… and {more} more problems; {how}"));
        }
    }

    /// Whether somebody can be asked: there is a terminal, and what the question is about was read.
    fn may_ask(&self) -> bool {
        self.may_ask && matches!(*self.output.borrow(), Output::Open)
    }

    /// Asks a yes-or-no question; nothing where nobody can be asked.
    pub(super) fn ask(&self, question: &str) -> Option<bool> {
        if !self.may_ask() {
            return None;
        }
        let mut err = anstream::stderr().lock();
        // If the question can't be shown, the answer can't be yes.
        write!(err, "{} [y/N] ", shown_lines(question))
            .and_then(|()| err.flush())
            .ok()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Asks for a text; nothing where nobody can be asked, or nothing was said.
    pub(super) fn ask_for(&self, what: &str) -> Option<String> {
        if !self.may_ask() {
            return None;
        }
        let mut err = anstream::stderr().lock();
        write!(err, "{}: ", shown_lines(what))
            .and_then(|()| err.flush())
            .ok()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
    }

    /// A bar on a terminal; elsewhere, or with `--quiet`, nothing is drawn.
    pub(super) fn bar(&self, len: Option<u64>, template: &str) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = match len {
            Some(len) => ProgressBar::new(len),
            None => ProgressBar::new_spinner(),
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Whether plain lines now and then take the place of a bar.
    pub(super) fn wants_lines(&self) -> bool {
        !self.quiet && !io::stderr().is_terminal()
    }
}

/// Problems that differ in nothing but line and value, in the order of their first.
fn group_alike<'p>(problems: &[&'p Problem]) -> Vec<Vec<&'p Problem>> {
    let mut groups: Vec<Vec<&Problem>> = Vec::new();
    for &problem in problems {
        let is_alike = |group: &&mut Vec<&Problem>| {
            let first = group[0];
            first.code == problem.code
                && first.file == problem.file
                && first.column == problem.column
                && first.message == problem.message
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(problem),
            None => groups.push(vec![problem]),
        }
    }
    groups
}

/// `  also on lines 3, 7 and 12 more`.
fn other_lines(others: &[&Problem]) -> Option<String> {
    let lines: Vec<String> = others
        .iter()
        .filter_map(|problem| problem.line)
        .map(|line| line.to_string())
        .collect();
    let named = lines.len().min(LINES_NAMED);
    let more = match others.len() - named {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let word = if others.len() == 1 { "line" } else { "lines" };
    (!others.is_empty()).then(|| format!("  also on {word} {}{more}", lines[..named].join(", ")))
}

fn say(text: &str) {
    // Nobody can be told that standard error is gone.
    let _ = writeln!(anstream::stderr().lock(), "{}", shown_lines(text));
}

fn not_written(error: &io::Error) -> Problem {
    let message = format!("standard output can't be written: {error}");
    Problem::error("output-not-written", message)
}

fn coloured(problem: &Problem) -> String {
    let color = match problem.severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    let word = format!("{}:", problem.severity.as_str());
    problem
        .to_string()
        .replacen(&word, &format!("{style}{word}{style:#}"), 1)
}
