//! Detects the delimiter once, from the header line.

use std::fmt;

/// The character between the fields of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delimiter {
    /// A comma.
    Comma,
    /// A semicolon, which spreadsheets write where the comma is the decimal separator.
    Semicolon,
    /// A tab.
    Tab,
    /// A vertical bar.
    Bar,
}

impl Delimiter {
    pub(super) const ALL: [Delimiter; 4] = [
        Delimiter::Comma,
        Delimiter::Semicolon,
        Delimiter::Tab,
        Delimiter::Bar,
    ];

    /// Returns the character's byte.
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Bar => b'|',
        }
    }

    /// Returns the delimiter that occurs most outside quotes in the header line; a comma if there
    /// is none. A vertical bar is one only where no other one is there: names may have it in them.
    ///
    /// `head` is the start of the text. A quote that is never closed hides the text after it: if
    /// nothing is left outside quotes, the first line is counted as if it had no quotes.
    pub(super) fn of_header(head: &[u8]) -> Delimiter {
        let mut outside = [0_usize; Delimiter::ALL.len()];
        let mut everywhere = [0_usize; Delimiter::ALL.len()];
        let mut quoted = false;
        let mut first_line = true;
        let mut started = false;
        for &byte in head {
            match byte {
                b'"' => {
                    quoted = !quoted;
                    started = true;
                }
                b'\r' | b'\n' if !started => {}
                b'\r' | b'\n' if !quoted => break,
                b'\r' | b'\n' => first_line = false,
                _ => {
                    started = true;
                    let place = Delimiter::ALL.iter().position(|d| d.byte() == byte);
                    if let Some(place) = place {
                        everywhere[place] += usize::from(first_line);
                        outside[place] += usize::from(!quoted);
                    }
                }
            }
        }
        let most = |counts: [usize; Delimiter::ALL.len()]| {
            let [.., bars] = counts;
            // Of equally frequent ones the first: a comma before a semicolon before a tab.
            let others = 0..counts.len() - 1;
            let place = others.rev().max_by_key(|&place| counts[place])?;
            match counts[place] {
                0 => (bars > 0).then_some(Delimiter::Bar),
                _ => Some(Delimiter::ALL[place]),
            }
        };
        most(outside)
            .or_else(|| most(everywhere))
            .unwrap_or(Delimiter::Comma)
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Delimiter::Comma => "comma",
            Delimiter::Semicolon => "semicolon",
            Delimiter::Tab => "tab",
            Delimiter::Bar => "vertical bar",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_line_decides() {
        use Delimiter::{Bar, Comma, Semicolon, Tab};
        for (head, expected) in [
            ("id,amount,currency\n1;2;3;4;5;6\n", Comma),
            ("id;amount, net;currency\n", Semicolon),
            ("id\tamount\tcurrency", Tab),
            ("id\n1;2\n", Comma),
            ("", Comma),
            ("\r\n\nid;amount\n", Semicolon),
            ("a;\"b,c,d,e\"\n", Semicolon),
            ("a;\"b\n,c,d,e\";c\n", Semicolon),
            ("a,b;c\n", Comma),
            ("id|amount|net\n", Bar),
            ("id,amount|net|gross\n", Comma),
            // A quote in the first column that is never closed.
            ("\"id;amount;net\n1;2;3\n,,,,,,,", Semicolon),
        ] {
            assert_eq!(Delimiter::of_header(head.as_bytes()), expected, "{head:?}");
        }
    }
}
