//! Runs the commands of a configuration, within bounds: their time, and what is read of them.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::invisible::shown;

/// The time that the output of a command that has ended may take to arrive.
const OUTPUT_TIME: Duration = Duration::from_secs(5);
/// The time between two looks at a command that runs.
const POLL_TIME: Duration = Duration::from_millis(5);
/// The number of characters that are shown of what a command says on standard error.
const SAID_MOST: usize = 500;

/// A command of a configuration: the program and its arguments, run without a shell.
#[derive(Debug)]
pub(super) struct Program<'p> {
    pub(super) words: &'p [String],
    /// The text on its standard input.
    pub(super) input: Vec<u8>,
    /// The variables that it does not get.
    pub(super) without_variables: &'p [String],
    /// The time after which it is killed.
    pub(super) time: Duration,
    /// The bytes that are read of what it prints.
    pub(super) output_bytes: u64,
}

/// What a command has printed, and how it ended.
pub(super) struct Finished {
    /// `Ok` if it ended with exit code 0, else the reason.
    pub(super) end: Result<(), String>,
    pub(super) printed: Vec<u8>,
    /// The text on standard error.
    pub(super) said: String,
}

impl Program<'_> {
    /// Runs the command to its end.
    ///
    /// # Errors
    ///
    /// It can't be started: the reason.
    pub(super) fn run(self) -> Result<Finished, String> {
        let [program, arguments @ ..] = self.words else {
            return Err("it names no program".to_owned());
        };
        let mut command = Command::new(program);
        for name in self.without_variables {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("it can't be started: {error}"))?;
        write_beside(child.stdin.take(), self.input);
        let printed = read_beside(child.stdout.take(), self.output_bytes);
        let said = read_beside(child.stderr.take(), self.output_bytes);
        let status = wait(&mut child, self.time);
        // Something that it started may hold its output open.
        let printed = printed.recv_timeout(OUTPUT_TIME).unwrap_or_default();
        let said = said.recv_timeout(OUTPUT_TIME).unwrap_or_default();
        let end = match status {
            Err(why) => Err(why),
            Ok(_) if printed.is_too_long => Err(format!(
                "it prints more than {} KiB",
                self.output_bytes >> 10
            )),
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("it ends with {status}")),
        };
        Ok(Finished {
            end,
            printed: printed.bytes,
            said: String::from_utf8_lossy(&said.bytes).into_owned(),
        })
    }
}

/// Returns a failure with what the command said on standard error.
pub(super) fn failure(what: impl Into<String>, said: &str) -> String {
    let what = what.into();
    let said = said.trim();
    if said.is_empty() {
        return what;
    }
    let lines: Vec<_> = said.lines().map(|line| shown(line.trim())).collect();
    let said = lines.join(" / ");
    let skipped = said.chars().count().saturating_sub(SAID_MOST);
    let end: String = said.chars().skip(skipped).collect();
    let dots = if skipped == 0 { "" } else { "…" };
    format!("{what}; it says: {dots}{end}")
}

/// Waits until a command ends; kills it if that takes longer than `most`.
fn wait(child: &mut Child, most: Duration) -> Result<ExitStatus, String> {
    let until = Instant::now() + most;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < until => thread::sleep(POLL_TIME),
            Ok(None) => {
                // If it has ended meanwhile, there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it has not ended after {} seconds", most.as_secs()));
            }
            Err(error) => return Err(format!("its end is not known: {error}")),
        }
    }
}

/// The output of a command, as far as it may be read.
#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    is_too_long: bool,
}

/// Reads the output of a command on a thread of its own, so that the command never waits for a reader. If it
/// is too much, the rest is not read, and the command can't write it.
fn read_beside(output: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Printed> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = Printed::default();
        if let Some(output) = output {
            // What came before an error is all that there is.
            let _ = output.take(most + 1).read_to_end(&mut printed.bytes);
            printed.is_too_long = printed.bytes.len() as u64 > most;
        }
        // Nobody waits for it any more if it took too long.
        let _ = sender.send(printed);
    });
    receiver
}

/// Writes the input of a command on a thread of its own: the command may not read it.
fn write_beside(input: Option<ChildStdin>, bytes: Vec<u8>) {
    thread::spawn(move || {
        if let Some(mut input) = input {
            // A command that does not read its input has its reasons.
            let _ = input.write_all(&bytes);
        }
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let ended = wait(&mut child, Duration::ZERO);
        assert_eq!(ended.unwrap_err(), "it has not ended after 0 seconds");
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn what_a_command_says_is_cut_and_has_no_control_characters() {
        let said = failure(
            "it ends with 1",
            &format!("\u{1b}[2J{}\nend", "x".repeat(1000)),
        );
        assert!(said.ends_with("x / end"), "{said}");
        assert!(said.contains("; it says: …xxx"), "{said}");
        assert!(said.chars().count() < SAID_MOST + 50);
        assert_eq!(failure("a", "\u{1b}[2J"), "a; it says: \\u{1b}[2J");
    }

    #[test]
    fn a_command_gets_its_input_and_may_leave_it_unread() {
        let words = |script: &str| ["sh", "-c", script].map(str::to_owned);
        let run = |script: &str, input: &[u8]| {
            let program = Program {
                words: &words(script),
                input: input.to_vec(),
                without_variables: &[],
                time: Duration::from_secs(60),
                output_bytes: 1 << 20,
            };
            program.run().unwrap()
        };
        assert_eq!(run("cat", b"abc").printed, b"abc");
        let much = vec![b'x'; 1 << 20];
        assert_eq!(run("exit 0", &much).end, Ok(()));
        assert!(run("exit 3", &much).end.unwrap_err().contains("3"));
    }
}
