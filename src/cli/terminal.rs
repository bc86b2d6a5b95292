//! The terminal: data on standard output, everything else on standard error.
//!
//! The only place that writes to either. Whatever goes there has its control characters and invisible
//! characters escaped, but for the lines and the styles that are the program's own.
//!
//! Printing ends no command. Who reads standard output may be gone (`| head`), or its disk be full: the
//! work is done all the same, the exit code tells what came of it, and a disk that is full is said at the
//! end.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::Parser;
use clap::error::ErrorKind;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::arguments::{self, Arguments, Color, Common};
use super::error::{CliError, Exit};
use crate::invisible::{Language, shown, shown_in_strings, shown_lines};
use crate::problem::{Problem, ProblemCode, Severity};
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

    /// Writes one line for people: what the command was called for.
    pub(super) fn line(&self, text: &str) {
        self.own(&shown(text));
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

    /// Lets the rows of a CSV be written piece by piece: as they are, unless they go to a terminal.
    pub(super) fn csv(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        self.stream(|out| match io::stdout().is_terminal() {
            true => {
                let line = Vec::new();
                write(&mut CsvOnTerminal { out, line })
            }
            false => write(out),
        });
    }

    /// Lets data be written piece by piece. What can't be written is kept for the end; nothing more is
    /// written behind it.
    fn stream(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if !matches!(*self.output.borrow(), Output::Open) {
            return;
        }
        let mut out = anstream::stdout().lock();
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            *self.output.borrow_mut() = if is_broken_pipe(&error) {
                Output::Unread
            } else {
                Output::Failed(error)
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

    /// Writes a line for people: with `--json` it is left out.
    pub(super) fn human_line(&self, text: &str) {
        if !self.json && !self.quiet {
            self.line(text);
        }
    }

    /// Writes a table or a paragraph for people: with `--json` it is left out. What is from outside in it
    /// must have gone through [`shown`], since a line break in it would pass for one of the program's.
    pub(super) fn human(&self, text: &str) {
        if !self.json && !self.quiet {
            self.own(&shown_lines(text));
        }
    }

    /// Says something on the way, in one line.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            say(&shown(text));
        }
    }

    /// Says something on the way that takes several lines, as [`Terminal::human`] does.
    pub(super) fn note_lines(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Says the one line that `--quiet` leaves over.
    pub(super) fn say_if_quiet(&self, text: &str) {
        if self.quiet {
            say(&shown(text));
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

    /// Says what a question is about, where somebody can be asked.
    pub(super) fn prompt_lines(&self, text: &str) {
        if self.may_ask() {
            say(&format!("\n{}", shown_lines(text)));
        }
    }

    /// Asks a yes-or-no question; nothing where nobody can be asked.
    pub(super) fn ask(&self, question: &str) -> Option<bool> {
        if !self.may_ask() {
            return None;
        }
        let mut err = anstream::stderr().lock();
        // If the question can't be shown, the answer can't be yes.
        write!(err, "\n{} [y/N] ", shown(question))
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
        write!(err, "{}: ", shown(what))
            .and_then(|()| err.flush())
            .ok()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
    }

    /// A bar on a terminal; elsewhere, or with `--quiet`, nothing is drawn.
    pub(super) fn bar(&self, len: Option<u64>, template: &str) -> ProgressBar {
        if self.quiet || !has_moving_lines() {
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
        !self.quiet && !has_moving_lines()
    }
}

/// Whether standard error is a terminal on which a line can be drawn again.
fn has_moving_lines() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether nobody reads the output any more, also where the CSV writer says so.
fn is_broken_pipe(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let kind = match inner.map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(inner)) => inner.kind(),
        _ => error.kind(),
    };
    kind == io::ErrorKind::BrokenPipe
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

/// Shows a panic, which is a fault of the program's own, with its control characters escaped: it may
/// quote a cell. `RUST_BACKTRACE` adds where it came from.
pub(super) fn show_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        let mut err = anstream::stderr().lock();
        // Where standard error is gone, the exit code still says it.
        let _ = writeln!(
            err,
            "fprecon panicked at {place}: {}\n  what was sent is recorded: `fprecon resume` goes on; please report this as a bug",
            shown(message)
        );
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            let _ = writeln!(err, "{}", shown_lines(&trace.to_string()));
        }
    }));
}

/// Returns the arguments of the process, or ends it with what is wrong in them, or with the help that they ask
/// for.
pub(super) fn parse_arguments() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| {
        if error.kind() == ErrorKind::DisplayHelp
            && let Err(help) = arguments::for_help().try_get_matches()
        {
            help.exit();
        }
        // The names of files may be among them, whatever these are made of.
        let shown = std::env::args_os()
            .map(|argument| shown(&argument.to_string_lossy()).into_owned())
            .collect::<Vec<_>>();
        Arguments::try_parse_from(shown)
            .err()
            .unwrap_or(error)
            .exit()
    })
}

/// CSV on its way to a terminal: whatever stands in its cells stays on their line, and is shown escaped.
struct CsvOnTerminal<'w> {
    out: &'w mut dyn Write,
    /// The bytes of a line that is not whole yet.
    line: Vec<u8>,
}

impl CsvOnTerminal<'_> {
    /// Whether a line break ends the row: it is not within quotation marks.
    fn is_row_whole(&self) -> bool {
        let quotes = self.line.iter().filter(|byte| **byte == b'"').count();
        quotes % 2 == 0
    }
}

impl Write for CsvOnTerminal<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            if byte == b'\n' && self.is_row_whole() {
                let line = String::from_utf8_lossy(&self.line);
                writeln!(self.out, "{}", shown(&line))?;
                self.line.clear();
            } else {
                self.line.push(byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn not_written(error: &io::Error) -> Problem {
    let message = format!("standard output can't be written: {error}");
    Problem::error(ProblemCode::OutputNotWritten, message)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::invisible::is_invisible;

    fn on_terminal(rows: &[&[&str]], chunk: usize) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            writer.write_record(*row).unwrap();
        }
        let mut shown = Vec::new();
        let mut out = CsvOnTerminal {
            out: &mut shown,
            line: Vec::new(),
        };
        for piece in writer.into_inner().unwrap().chunks(chunk) {
            out.write_all(piece).unwrap();
        }
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_csv_on_a_terminal_is_one_line_a_row() {
        let rows: [&[&str]; 2] = [&["id", "note"], &["1", "a\"\nerror: b\u{1b}[2Jé"]];
        assert_eq!(
            on_terminal(&rows, 3),
            "id,note\n1,\"a\"\"\\nerror: b\\u{1b}[2Jé\"\n"
        );
    }

    proptest! {
        #[test]
        fn no_cell_gets_out_of_its_line_on_a_terminal(cell in "(?s).{0,20}", chunk in 1_usize..9) {
            let text = on_terminal(&[&["id", "note"], &["1", &cell]], chunk);
            prop_assert_eq!(text.lines().count(), 2);
            prop_assert!(text.chars().all(|c| c == '\n' || !is_invisible(c)));
        }

        #[test]
        fn no_problem_says_more_than_its_own_lines(texts in prop::array::uniform5("(?s).{0,20}|(\n|\r|\u{1b}\\[2J|error: |hint: |    ){0,6}")) {
            let [file, column, value, message, hint] = &texts;
            let problem = Problem::error(ProblemCode::Usage, message.as_str()).at(file, Some(1)).cell(column, value).hint(hint);
            let text = shown_lines(&problem.to_string()).into_owned();
            prop_assert!(text.chars().all(|c| c == '\n' || !is_invisible(c)));
            for (number, line) in text.lines().enumerate() {
                prop_assert!(number == 0 || line.starts_with("  "), "{:?}", text);
                let is_own = number == 0 || line.starts_with("  column ") || line.starts_with("  hint: ");
                prop_assert!(is_own || line.starts_with("    "), "{:?}", text);
            }
        }
    }
}
