//! The terminal: data goes to standard output, everything else to standard error.
//!
//! This is the only module that writes to either. Control characters and invisible characters are
//! escaped, except for the program's own line breaks and styles.
//!
//! A failure to print does not end a command. The reader of standard output may be gone (`| head`),
//! or its disk may be full: the work is done all the same, the exit code shows the result, and a
//! full disk is reported at the end.
//!
//! With `--log-format json` all that goes to standard error is one JSON object a line ([`json_log`]),
//! and nothing can be asked.

mod json_log;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::Parser;
use clap::error::ErrorKind;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::arguments::{self, Arguments, Color, Common, LogFormat};
use super::error::{CliError, Exit};
use crate::invisible::{Language, shown, shown_in_strings, shown_lines};
use crate::problem::{Problem, ProblemCode, Severity};
use crate::report::json_text;
use json_log::JsonLog;

pub(super) use json_log::{Level, LogEntry};

/// The greatest number of problems that are shown without `--verbose`.
const PROBLEMS_SHOWN: usize = 12;

/// The greatest number of further lines that are named for similar problems.
const LINES_NAMED: usize = 8;

/// The output of a command, with its options.
pub(super) struct Terminal {
    json: bool,
    quiet: bool,
    verbose: bool,
    can_ask: bool,
    /// The log for programs; `None` if standard error is for people.
    log: Option<JsonLog>,
    output: RefCell<Output>,
}

/// The state of standard output.
#[derive(Debug)]
enum Output {
    /// Everything was written.
    Open,
    /// Nobody reads it any more.
    Unread,
    /// It can't be written.
    Failed(io::Error),
}

impl Terminal {
    /// Creates the terminal, and sets the use of colour for the whole process.
    pub(super) fn new(common: &Common) -> Self {
        match common.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let log = match common.log_format {
            LogFormat::Text => None,
            LogFormat::Json if common.log_emails => Some(JsonLog::with_emails()),
            LogFormat::Json => Some(JsonLog::redacted()),
        };
        Terminal {
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            // A question is not a JSON object.
            can_ask: is_terminal && !common.no_input && log.is_none(),
            log,
            output: RefCell::new(Output::Open),
        }
    }

    /// Returns how wide tables may be: 80 characters, or as many as a narrower terminal has.
    pub(super) fn width(&self) -> usize {
        const USUAL: usize = 80;
        const NARROWEST: usize = 40;
        let terminal = terminal_size::terminal_size_of(io::stdout());
        terminal.map_or(USUAL, |(width, _)| {
            usize::from(width.0).clamp(NARROWEST, USUAL)
        })
    }

    /// Returns `true` if the user wants one JSON object.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one line for people: the result of the command.
    pub(super) fn line(&self, text: &str) {
        self.own(&shown(text));
    }

    /// Writes a text of the program's own, such as a script or a profile, unchanged.
    pub(super) fn own(&self, text: &str) {
        self.stream(|out| {
            out.write_all(text.as_bytes())?;
            out.write_all(b"\n")
        });
    }

    /// Writes TOML so that it can be read back unchanged.
    pub(super) fn toml(&self, text: &str) {
        self.own(&shown_in_strings(text.to_owned(), Language::Toml));
    }

    /// Writes the object for `--json`.
    pub(super) fn write_json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text =
            json_text(value).map_err(|error| CliError::Io("machine output", error.into()))?;
        self.own(&text);
        Ok(())
    }

    /// Writes the rows of a CSV piece by piece, escaped only if they go to a terminal.
    pub(super) fn csv(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        self.stream(|out| {
            if io::stdout().is_terminal() {
                let line = Vec::new();
                write(&mut CsvOnTerminal { out, line })
            } else {
                write(out)
            }
        });
    }

    /// Writes data piece by piece. An error is kept for the end; nothing more is written after it.
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

    /// Refuses to continue if a text that must be read first could not be written. Nothing has been
    /// sent.
    pub(super) fn check_output(&self) -> Result<(), CliError> {
        let mut output = self.output.borrow_mut();
        let Output::Failed(error) = &*output else {
            return Ok(());
        };
        let problem = not_written(error);
        // It is reported here, and not once more at the end.
        *output = Output::Unread;
        Err(CliError::unusable(problem.hint(
            "nothing was sent; free some space, or redirect the output",
        )))
    }

    /// Returns the exit code after a command: a full disk is not a success.
    pub(super) fn finish(&self, exit: Exit) -> Exit {
        let Output::Failed(error) = &*self.output.borrow() else {
            return exit;
        };
        self.say_problem(&not_written(error).hint(
            "the work itself is done; free some space, and see `fprecon status` and `fprecon report`",
        ));
        match exit {
            Exit::Done => Exit::Unusable,
            exit => exit,
        }
    }

    /// Writes a line for people; it is left out with `--json`.
    pub(super) fn human_line(&self, text: &str) {
        if !self.json && !self.quiet {
            self.line(text);
        }
    }

    /// Writes a table or a paragraph for people; it is left out with `--json`. Text from outside in
    /// it must be escaped by [`shown`], since a line break in it would look like one of the
    /// program's.
    pub(super) fn human(&self, text: &str) {
        if !self.json && !self.quiet {
            self.own(&shown_lines(text));
        }
    }

    /// Writes a note on progress, in one line.
    pub(super) fn note(&self, text: &str) {
        self.note_lines(&shown(text));
    }

    /// Writes a note on progress that takes several lines, like [`Terminal::human`].
    pub(super) fn note_lines(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.log {
            None => say(text),
            Some(_) if text.trim().is_empty() => {}
            Some(log) => log.write(LogEntry::new(Level::Info, "note", strip_styles(text))),
        }
    }

    /// Writes how far a command has come: its sentence for people, all of it for programs.
    pub(super) fn progress(&self, entry: LogEntry) {
        match &self.log {
            _ if self.quiet => {}
            None => say(&shown(entry.message())),
            Some(log) => log.write(entry),
        }
    }

    /// Writes an entry of the log for programs. People see the same in tables and problems.
    pub(super) fn log(&self, entry: LogEntry) {
        if let Some(log) = &self.log
            && !(self.quiet && entry.is_info())
        {
            log.write(entry);
        }
    }

    /// Names the run that what follows belongs to.
    pub(super) fn set_run(&self, name: &str) {
        if let Some(log) = &self.log {
            log.set_run(name);
        }
    }

    /// Writes the only line that `--quiet` does not suppress.
    pub(super) fn say_if_quiet(&self, text: &str) {
        match &self.log {
            _ if !self.quiet => {}
            None => say(&shown(text)),
            Some(log) => log.write(LogEntry::new(Level::Warning, "verdict", text)),
        }
    }

    /// Writes that line for a run. For programs it is the run's last entry in the log.
    pub(super) fn say_of_run_if_quiet(&self, text: &str) {
        if self.log.is_none() {
            self.say_if_quiet(text);
        }
    }

    /// Writes a problem that is shown even with `--quiet`: one of which nobody would hear otherwise.
    pub(super) fn say_problem(&self, problem: &Problem) {
        match &self.log {
            None => say(&coloured(problem)),
            Some(log) => log.problem(problem),
        }
    }

    /// Writes the problems: the first ones, errors before warnings. Those that are not about a
    /// single export, such as totals, come last and completely.
    ///
    /// `omitted` counts those that were not even kept.
    pub(super) fn problems(&self, problems: &[Problem], omitted: u64) {
        let wanted = problems
            .iter()
            .filter(|problem| !self.quiet || problem.severity == Severity::Error);
        if let Some(log) = &self.log {
            wanted.for_each(|problem| log.problem(problem));
            if omitted > 0 {
                let message = format!("and {omitted} more problems; all of them are in the report");
                let entry = LogEntry::new(Level::Warning, "problems-omitted", message);
                log.write(entry.with("count", omitted));
            }
            return;
        }
        let (whole, single): (Vec<&Problem>, Vec<&Problem>) =
            wanted.partition(|problem| problem.file.is_none());
        self.single_problems(&single, omitted);
        for problem in whole {
            say(&coloured(problem));
        }
    }

    /// Writes the problems that the plan of a run found. With `--quiet` they are only in the
    /// report, and one line at the end shows if it needs attention.
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
        let alike = if self.verbose {
            all.iter().map(|problem| vec![*problem]).collect()
        } else {
            group_alike(&all)
        };
        let shown = if self.verbose {
            alike.len()
        } else {
            alike.len().min(PROBLEMS_SHOWN)
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
            let how = if self.verbose {
                "all of them are in the report"
            } else {
                "`--verbose` shows more"
            };
            say(&format!("and {more} more problems; {how}"));
        }
    }

    /// Returns `true` if the user can be asked: there is a terminal, and the text before the
    /// question was shown.
    fn can_ask(&self) -> bool {
        self.can_ask && matches!(*self.output.borrow(), Output::Open)
    }

    /// Writes the text before a question, if the user can be asked.
    pub(super) fn prompt_lines(&self, text: &str) {
        if self.can_ask() {
            say(&format!("\n{}", shown_lines(text)));
        }
    }

    /// Asks a yes-or-no question; returns `None` if the user can't be asked.
    pub(super) fn ask(&self, question: &str) -> Option<bool> {
        if !self.can_ask() {
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

    /// Asks for a text; returns `None` if the user can't be asked, or the answer is empty.
    pub(super) fn ask_for(&self, what: &str) -> Option<String> {
        if !self.can_ask() {
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

    /// Returns a progress bar; without a terminal, or with `--quiet`, it draws nothing.
    pub(super) fn bar(&self, len: Option<u64>, template: &str) -> ProgressBar {
        if self.quiet || !self.has_moving_lines() {
            return ProgressBar::hidden();
        }
        let bar = match len {
            Some(len) => ProgressBar::new(len),
            None => ProgressBar::new_spinner(),
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Characters that every terminal has, whatever its locale.
        bar.set_style(style.progress_chars("=> ").tick_chars("-\\|/ "));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Returns `true` if plain lines now and then replace a bar.
    pub(super) fn should_print_lines(&self) -> bool {
        !self.quiet && !self.has_moving_lines()
    }

    /// Returns `true` if standard error is a terminal on which a line can be redrawn.
    fn has_moving_lines(&self) -> bool {
        self.log.is_none()
            && io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }
}

/// Returns `true` if nobody reads the output any more, also for the error of the CSV writer.
fn is_broken_pipe(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let kind = match inner.map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(inner)) => inner.kind(),
        _ => error.kind(),
    };
    kind == io::ErrorKind::BrokenPipe
}

/// Groups problems that differ only in line and value, in the order of their first.
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

/// Returns the lines of similar problems in words: `  also on lines 3, 7 and 12 more`.
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

/// Shows a panic, which is a bug of the program, with its control characters escaped: it may quote
/// a cell. `RUST_BACKTRACE` adds its origin.
pub(super) fn show_panics(format: LogFormat) {
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
        if format == LogFormat::Json {
            let message = format!("fprecon panicked at {place}: {message}");
            let entry = LogEntry::new(Level::Error, "panic", message);
            JsonLog::redacted().write(entry.with("hint", PANIC_HINT).with("backtrace", trace));
            return;
        }
        let mut err = anstream::stderr().lock();
        // If standard error is gone, the exit code still shows the panic.
        let _ = writeln!(
            err,
            "fprecon panicked at {place}: {}\n  {PANIC_HINT}",
            shown(message)
        );
        if let Some(trace) = trace {
            let _ = writeln!(err, "{}", shown_lines(&trace));
        }
    }));
}

/// What to do after a panic.
pub(super) const PANIC_HINT: &str =
    "what was sent is recorded: `fprecon resume` continues; please report this as a bug";

/// Returns the arguments of the process.
///
/// # Errors
///
/// They are not valid, or request help, which is shown by now: the exit code.
pub(super) fn parse_arguments() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        let error = match error.kind() {
            ErrorKind::DisplayHelp => arguments::for_help().try_get_matches().err(),
            _ => {
                // File names may be among them, which can contain any bytes.
                let shown = std::env::args_os()
                    .map(|argument| shown(&argument.to_string_lossy()).into_owned())
                    .collect::<Vec<_>>();
                Arguments::try_parse_from(shown).err()
            }
        }
        .unwrap_or(error);
        let log = wanted_log(std::env::args_os().skip(1));
        if error.use_stderr() && log == LogFormat::Json {
            let text = strip_styles(&error.to_string());
            JsonLog::redacted().write(LogEntry::new(Level::Error, "usage", text));
        } else if let Err(unwritten) = error.print()
            && !error.use_stderr()
            && unwritten.kind() != io::ErrorKind::BrokenPipe
        {
            say(&not_written(&unwritten).to_string());
            return ExitCode::from(Exit::Unusable as u8);
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
    })
}

/// Returns the form of the log that arguments ask for which could not be read.
fn wanted_log(arguments: impl Iterator<Item = OsString>) -> LogFormat {
    let mut wanted = std::env::var_os(arguments::LOG_FORMAT_VARIABLE);
    let mut is_next = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        if is_next {
            wanted = Some((&*argument).into());
        } else if let Some(value) = argument.strip_prefix("--log-format=") {
            wanted = Some(value.into());
        }
        is_next = argument == "--log-format";
    }
    match wanted {
        Some(word) if word == "json" => LogFormat::Json,
        _ => LogFormat::Text,
    }
}

/// Returns a text of the program without its styles.
fn strip_styles(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A writer of CSV to a terminal: the text of cells stays on their line, and is escaped.
struct CsvOnTerminal<'w> {
    out: &'w mut dyn Write,
    /// The bytes of a line that is not complete yet.
    line: Vec<u8>,
}

impl CsvOnTerminal<'_> {
    /// Returns `true` if a line break ends the row: it is not within quotation marks.
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
