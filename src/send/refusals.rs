//! Recognises the same refusal again and again: a sign that the account is refused, and not the events.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::event::Event;
use crate::tracking::Answer;

/// The factor for the number of refusals in a row that are needed once an event has succeeded.
const LATER: u32 = 10;

/// Says that a run has met too many equal refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalSeries {
    /// Nothing has succeeded, and so many events were refused in the same words.
    AtStart,
    /// Events have succeeded, and then a long series was refused in the same words.
    Later,
}

/// Counts the refusals since the run was started or resumed, each event once.
#[derive(Debug)]
pub(super) struct Refusals {
    limit: Option<NonZeroU32>,
    /// The number of refusals by text, before anything succeeded.
    at_start: Option<HashMap<String, u32>>,
    /// The last text, and its number of refusals in a row.
    row: (String, u32),
}

impl Refusals {
    /// Returns a count of zero refusals; without a limit no number of refusals is too many.
    pub(super) fn new(limit: Option<NonZeroU32>) -> Self {
        Refusals {
            limit,
            at_start: limit.map(|_| HashMap::new()),
            row: (String::new(), 0),
        }
    }

    /// Returns `true` if nothing has succeeded yet, so that the reason for refusals may be the account.
    pub(super) fn is_start(&self) -> bool {
        self.at_start.is_some()
    }

    /// Records that an event was answered otherwise.
    pub(super) fn went_well(&mut self) {
        self.at_start = None;
        self.row.1 = 0;
    }

    /// Records that an event was refused in these words. Returns the series if that is one too many.
    pub(super) fn note(&mut self, text: String) -> Option<RefusalSeries> {
        let limit = self.limit?.get();
        let most = limit.saturating_mul(LATER);
        if let Some(texts) = &mut self.at_start {
            let count = texts.entry(text.clone()).or_default();
            *count += 1;
            if *count >= limit {
                return Some(RefusalSeries::AtStart);
            }
            // So many different refusals are the events' own.
            if texts.values().sum::<u32>() >= most {
                self.at_start = None;
            }
        }
        if self.row.0 == text {
            self.row.1 += 1;
        } else {
            self.row = (text, 1);
        }
        (self.row.1 >= most).then_some(RefusalSeries::Later)
    }
}

/// The most characters of a refusal that are compared.
const COMPARED: usize = 1000;

/// Returns the words in which an event was refused, without what is particular to the event or to the request:
/// ids, times, numbers. `None` if it was not refused.
pub(super) fn refusal_of(event: &Event, answer: &Answer) -> Option<String> {
    let (status, message) = match answer {
        Answer::Refused { status, message } | Answer::NotThisEvent { status, message } => {
            (*status, message)
        }
        Answer::Conflicting { message } => (409, message),
        _ => return None,
    };
    let own = [
        Some(event.event_id()),
        event.sale_event_id.as_deref(),
        event.customer.email.as_deref(),
        event.customer.uid.as_deref(),
    ];
    let mut text = message.clone();
    for own in own.into_iter().flatten().filter(|own| !own.is_empty()) {
        text = text.replace(own, "…");
    }
    Some(format!("{status} {}", without_particulars(&text)))
}

/// Replaces the words that differ from one answer to the next by a mark: numbers, times and ids. The result is
/// cut after [`COMPARED`] characters.
fn without_particulars(text: &str) -> String {
    let mut compared = String::new();
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    for part in text.split_inclusive(|c| !is_of_word(c)) {
        let word = part.trim_end_matches(|c| !is_of_word(c));
        let (word, end) = part.split_at(word.len());
        compared.push_str(if is_particular(word) { "#" } else { word });
        compared.push_str(end);
        if compared.len() >= COMPARED {
            break;
        }
    }
    compared.chars().take(COMPARED).collect()
}

/// Returns `true` if a word looks like a number, a time or an id.
fn is_particular(word: &str) -> bool {
    let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
    let is_hexadecimal = word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_mixed =
        word.len() >= 16 && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
    has(char::is_ascii_digit) || is_hexadecimal || is_mixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, ExportLine, Kind};

    fn refusals(limit: u32) -> Refusals {
        Refusals::new(NonZeroU32::new(limit))
    }

    fn note(refusals: &mut Refusals, text: &str, times: u32) -> Option<RefusalSeries> {
        let mut last = None;
        for _ in 0..times {
            assert_eq!(last, None);
            last = refusals.note(text.to_owned());
        }
        last
    }

    #[test]
    fn the_same_words_are_the_account_only_where_nothing_went_well() {
        let mut first = refusals(20);
        assert_eq!(note(&mut first, "wid is invalid", 19), None);
        assert_eq!(note(&mut first, "amount blank", 19), None, "other words");
        assert!(first.is_start());
        assert_eq!(
            note(&mut first, "wid is invalid", 1),
            Some(RefusalSeries::AtStart)
        );

        let mut later = refusals(20);
        assert_eq!(note(&mut later, "wid is invalid", 19), None);
        later.went_well();
        assert!(!later.is_start());
        assert_eq!(note(&mut later, "wid is invalid", 199), None);
        later.went_well();
        assert_eq!(note(&mut later, "wid is invalid", 199), None);
        assert_eq!(note(&mut later, "amount blank", 1), None);
        assert_eq!(
            note(&mut later, "wid is invalid", 200),
            Some(RefusalSeries::Later)
        );
    }

    #[test]
    fn many_different_refusals_are_the_events_own() {
        let mut refusals = refusals(2);
        for n in 0..20 {
            assert_eq!(note(&mut refusals, &n.to_string(), 1), None);
        }
        assert!(!refusals.is_start());
    }

    #[test]
    fn ids_times_and_numbers_tell_no_refusal_from_another() {
        let of = |id: &str, at: &str, number: u32| {
            without_particulars(&format!(
                r#"{{"errors":{{"wid":"is invalid"}},"request_id":"{id}","at":"{at}","line":{number}}}"#
            ))
        };
        let first = of(
            "0b0f6f3e-6a0c-4f0e-8b3a-1f2d3c4b5a69",
            "2026-11-29T04:14:52.123Z",
            7,
        );
        for id in ["deadbeef", "dQwhWgXcQabcdefgh", "req_8812", "01J9Z3"] {
            assert_eq!(
                of(id, "2026-11-30T23:59:01Z", 12_345).len(),
                first.len() - 2
            );
        }
        assert!(first.contains("wid") && first.contains("is invalid"));
        assert_ne!(
            without_particulars("promo_code is unknown"),
            without_particulars("tid is unknown")
        );
        let endless = "x y1 ".repeat(100_000);
        assert_eq!(without_particulars(&endless).len(), COMPARED);
    }

    #[test]
    fn without_a_limit_nothing_is_too_many() {
        let mut none = Refusals::new(None);
        assert!(!none.is_start());
        assert_eq!(note(&mut none, "no", 10_000), None);
    }

    #[test]
    fn what_is_the_events_own_tells_no_refusal_from_another() {
        let refusal = |id: &str, email: &str| {
            let customer = Customer::new(Some(email), None);
            let event = Event::new(
                Kind::Sale,
                id.into(),
                customer,
                ExportLine { input: 0, line: 2 },
            );
            let message = format!("event {id} of {email} is not allowed");
            refusal_of(
                &event,
                &Answer::Refused {
                    status: 400,
                    message,
                },
            )
        };
        assert!(refusal("s1", "a@example.com").is_some());
        assert_eq!(
            refusal("s1", "a@example.com"),
            refusal("t2", "b@example.com")
        );
        let event = Event::new(
            Kind::Sale,
            "s1".into(),
            Customer::new(Some("a@example.com"), None),
            ExportLine { input: 0, line: 2 },
        );
        assert_eq!(
            refusal_of(&event, &Answer::NotReferral { status: 204 }),
            None
        );
    }
}
