//! Reads the names of months in the languages that providers write them in.

use std::borrow::Cow;

/// The English names of months.
const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The names and abbreviations of months in German, French, Spanish, Italian, Portuguese and Dutch. No word means two months.
const OTHERS: [&[&str]; 12] = [
    &[
        "januar", "jänner", "jän", "janvier", "janv", "enero", "ene", "gennaio", "gen", "janeiro",
        "januari", "jan",
    ],
    &[
        "februar",
        "feber",
        "février",
        "févr",
        "fév",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februari",
        "feb",
    ],
    &[
        "märz", "mär", "mrz", "mars", "marzo", "março", "maart", "mrt", "mar",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile"],
    &["mai", "mayo", "may", "maggio", "mag", "maio", "mei"],
    &["juni", "jun", "juin", "junio", "giugno", "giu", "junho"],
    &[
        "juli", "jul", "juillet", "juil", "julio", "luglio", "lug", "julho",
    ],
    &["august", "aug", "août", "aout", "agosto", "ago", "augustus"],
    &[
        "september",
        "sept",
        "sep",
        "septembre",
        "septiembre",
        "setiembre",
        "settembre",
        "setembro",
        "set",
    ],
    &[
        "oktober", "okt", "octobre", "octubre", "oct", "ottobre", "ott", "outubro", "out",
    ],
    &["november", "nov", "novembre", "noviembre", "novembro"],
    &[
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
        "december",
        "dec",
    ],
];

/// The languages in which names of months are read, in words.
pub(crate) const MONTH_LANGUAGES: &str =
    "English, German, French, Spanish, Italian, Portuguese and Dutch";

/// Returns a date with its month as a pattern with `%B` or `%b` reads it, in English: `1. März 2026` as `1. March 2026`. A date
/// without such a name, and one for another pattern, stays as it is.
pub(crate) fn with_english_month<'v>(value: &'v str, pattern: &str) -> Cow<'v, str> {
    let is_whole = pattern.contains("%B");
    if !is_whole && !pattern.contains("%b") {
        return Cow::Borrowed(value);
    }
    for (start, word) in words(value) {
        let folded = word.to_lowercase();
        let month = OTHERS
            .iter()
            .position(|names| names.contains(&folded.as_str()));
        let Some(month) = month else {
            continue;
        };
        let name = if is_whole {
            ENGLISH[month]
        } else {
            &ENGLISH[month][..3]
        };
        let rest = &value[start + word.len()..];
        // An abbreviation may end with a dot.
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        return Cow::Owned(format!("{}{name}{rest}", &value[..start]));
    }
    Cow::Borrowed(value)
}

/// Returns the words of a text, each with its place.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start_of = text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.len() >= 3)
        .map(move |word| (word.as_ptr() as usize - start_of, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_two_months() {
        let mut all: Vec<&str> = OTHERS
            .iter()
            .flat_map(|names| names.iter().copied())
            .collect();
        all.sort_unstable();
        let number = all.len();
        all.dedup();
        assert_eq!(all.len(), number);
        for (month, names) in OTHERS.iter().enumerate() {
            let english = ENGLISH[month].to_lowercase();
            let is_other = |name: &&str| {
                let others = ENGLISH.iter().map(|name| name.to_lowercase());
                others
                    .filter(|other| *other != english)
                    .any(|other| other == **name)
            };
            assert_eq!(names.iter().find(|name| is_other(name)), None);
        }
    }

    #[test]
    fn a_month_is_written_as_the_pattern_reads_it() {
        for (value, pattern, expected) in [
            ("1. März 2026", "%d. %B %Y", "1. March 2026"),
            ("13 déc. 2026", "%d %b %Y", "13 Dec 2026"),
            ("1 DE MARZO DE 2026", "%d de %B de %Y", "1 DE March DE 2026"),
            ("2026-03-01", "%Y-%m-%d", "2026-03-01"),
            ("1 marca 2026", "%d %b %Y", "1 marca 2026"),
            (
                "Mar 1, 2026 10:00:00 PM",
                "%b %d, %Y %I:%M:%S %p",
                "Mar 1, 2026 10:00:00 PM",
            ),
        ] {
            assert_eq!(with_english_month(value, pattern), expected, "{value}");
        }
    }
}
