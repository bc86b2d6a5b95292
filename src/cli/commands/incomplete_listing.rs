//! Says why a listing of the account is not complete.

use crate::cli::error::Exit;
use crate::problem::{Problem, ProblemCode};
use crate::send::{IncompleteListing, OrderCheck};
use crate::tracking::Answer;

/// Returns the exit code for a listing that is not complete, and the reason. `name` is what it lists, and
/// `interrupted` is the code for an interruption.
pub(super) fn incomplete_listing(
    name: &str,
    unlisted: &IncompleteListing,
    interrupted: Exit,
) -> (Exit, Problem) {
    let (code, message) = match unlisted {
        IncompleteListing::Interrupted => {
            let message = format!("fetching the {name} was interrupted");
            return (
                interrupted,
                Problem::warning(ProblemCode::Interrupted, message),
            );
        }
        IncompleteListing::Page {
            answer: answer @ Answer::KeyRefused { message, .. },
            ..
        } => {
            let message = match answer.status() {
                Some(status) if message.is_empty() => format!("HTTP {status}"),
                _ => message.clone(),
            };
            let message = format!("the API refused the key for the list of {name}: {message}");
            return (
                Exit::Refused,
                Problem::error(ProblemCode::KeyRefused, message),
            );
        }
        IncompleteListing::Page { number, answer } => {
            let said = match answer.status() {
                Some(status) => format!("HTTP {status}: {}", answer.message()),
                None => answer.message().to_owned(),
            };
            let message = format!("page {number} of the {name} can't be read: {said}");
            (ProblemCode::ListingUnreadable, message)
        }
        IncompleteListing::Changing => {
            let message = format!("the list of {name} keeps changing while it is read");
            (ProblemCode::ListingChanges, message)
        }
        IncompleteListing::Unordered(order) => {
            let doubt = order_words(name, *order).unwrap_or_default();
            let message = format!("{doubt}, and no two readings of it agree: lines may be missing");
            (ProblemCode::ListingUnordered, message)
        }
        IncompleteListing::Repeating { number } => {
            let message = format!(
                "page {number} of the {name} repeats the pages before it: lines may be missing"
            );
            (ProblemCode::ListingUnordered, message)
        }
        IncompleteListing::Short { lines, total } => {
            let message = format!("the list has {lines} {name}, and says that there are {total}");
            (ProblemCode::ListingShort, message)
        }
        IncompleteListing::Sink(error) => {
            let message = format!("the {name} can't be kept: {error}");
            (ProblemCode::ListingNotKept, message)
        }
    };
    (Exit::Incomplete, Problem::error(code, message))
}

/// Says what was not as it was asked for in a listing without a total.
pub(super) fn order_words(name: &str, order: OrderCheck) -> Option<String> {
    match (order.is_broken, order.has_repeats) {
        (true, _) => Some(format!("the list of {name} is not in the requested order")),
        (false, true) => Some(format!("the list of {name} has lines twice")),
        (false, false) => None,
    }
}
