//! Writes words of commands that a person pastes into a shell.

use std::borrow::Cow;

use crate::invisible::is_invisible;

/// Returns a text as one word of a shell. Invisible characters are escaped as bash, zsh and ksh read them, so
/// that none is pasted.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(is_invisible) {
        return Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")));
    }
    let mut word = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            c if is_invisible(c) => {
                // Each has three digits, so that a digit after them is not taken for one of theirs.
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    word.push_str(&format!("\\{byte:03o}"));
                }
            }
            c => word.push(c),
        }
    }
    word.push('\'');
    Cow::Owned(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_is_pasted_and_a_shell_reads_the_same() {
        assert_eq!(shell_word("a/b.csv"), "a/b.csv");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        let text = "a'b\\\n1\u{1b}]0;x\u{7}\u{202e}c";
        let word = shell_word(text);
        assert_eq!(word, r"$'a\'b\\\0121\033]0;x\007\342\200\256c'");
        let script = format!("printf %s {word}");
        // Where there is no bash, the text above says it.
        if let Ok(read) = std::process::Command::new("bash")
            .args(["-c", &script])
            .output()
        {
            assert_eq!(String::from_utf8(read.stdout).unwrap(), text);
        }
    }
}
