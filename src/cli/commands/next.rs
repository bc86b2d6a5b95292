//! What needs attention, and the command for it, as the terminal says it.

use anstyle::Style;

use crate::cli::tables::count;
use crate::report::steps::Step;
use crate::tracking::Version;

/// A command of ours as it has to be typed to reach the same journal again.
pub(super) fn command(words: &str, sandbox: Option<Version>) -> String {
    format!("`{}`", typed(words, sandbox))
}

fn typed(words: &str, sandbox: Option<Version>) -> String {
    match sandbox {
        None => format!("fprecon {words}"),
        Some(Version::V1) => format!("fprecon {words} --sandbox"),
        Some(version) => format!("fprecon {words} --sandbox --api {version}"),
    }
}

/// Two lines for each step: what is the matter and what to do, and below it the command. Nothing
/// where there is no step.
pub(super) fn steps(steps: &[Step], sandbox: Option<Version>) -> Option<String> {
    let whats: Vec<String> = steps.iter().map(what).collect();
    let width = whats.iter().map(String::len).max()?;
    let bold = Style::new().bold();
    let mut lines = vec![format!("{bold}Needs attention{bold:#}")];
    for (step, what) in steps.iter().zip(&whats) {
        let advice = step.trouble.advice();
        let typed = typed(step.trouble.command(), sandbox);
        lines.push(format!("  {what:<width$}  {advice}"));
        lines.push(format!("  {:width$}  {bold}{typed}{bold:#}", ""));
    }
    Some(lines.join("\n"))
}

/// `3 events failed`.
fn what(step: &Step) -> String {
    let word = step.trouble.as_str();
    format!("{} {word}", count(step.count, step.trouble.noun()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::steps::Trouble;

    #[test]
    fn every_step_names_its_command_in_eighty_columns() {
        let all = [
            Trouble::NotSent,
            Trouble::Failed,
            Trouble::Unconfirmed,
            Trouble::Held,
            Trouble::Rejected,
        ];
        let of = |trouble| Step {
            trouble,
            count: 12_345,
        };
        let text = steps(&all.map(of), None).unwrap();
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        for trouble in all {
            let command = format!("fprecon {}", trouble.command());
            assert!(text.contains(&command), "{command} in\n{text}");
        }
        assert_eq!(steps(&[], None), None);
    }

    #[test]
    fn a_sandbox_is_named_so_that_its_journal_is_found_again() {
        assert_eq!(command("resume", None), "`fprecon resume`");
        let v1 = command("resume", Some(Version::V1));
        assert_eq!(v1, "`fprecon resume --sandbox`");
        let v2 = command("resume", Some(Version::V2));
        assert_eq!(v2, "`fprecon resume --sandbox --api v2`");
    }
}
