//! Describes refunds that undo a run: the id says so, and which sale it is about.

use super::{Kind, Text};

const SUFFIX: &str = "_undo";

/// Returns the `event_id` of the refund that undoes a sale. A sale has only one, so that a second undo sends
/// nothing twice.
pub(crate) fn undo_id(sale_event_id: &str) -> Text {
    compact_str::format_compact!("{sale_event_id}{SUFFIX}")
}

/// Returns the id of the sale that the refund with this id undoes, if it is one that undoes.
pub(crate) fn undone_sale(event_id: &str) -> Option<&str> {
    event_id.strip_suffix(SUFFIX)
}

/// Returns `true` if an event with this id is the refund that undoes this sale.
pub(crate) fn is_undo(kind: Kind, event_id: &str, sale_event_id: Option<&str>) -> bool {
    kind == Kind::Refund
        && sale_event_id == event_id.strip_suffix(SUFFIX)
        && sale_event_id.is_some()
}

/// Tells how far the undo of a sale is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoState {
    /// The API has recorded the refund of all that was left of the sale.
    Refunded,
    /// The refund is not sent, or was not recorded.
    Open,
    /// Others have refunded all of the sale, as the account's list said when the sale was to be undone.
    RefundedByOthers,
    /// Somebody accepted that no undo is sent of the sale, which may mean that it was refunded by hand.
    Accepted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_names_the_sale_in_its_id() {
        let id = undo_id("in_1");
        assert!(is_undo(Kind::Refund, &id, Some("in_1")));
        assert!(!is_undo(Kind::Refund, &id, Some("in_2")));
        assert!(!is_undo(Kind::Sale, &id, Some("in_1")));
        assert!(!is_undo(Kind::Refund, "in_1", Some("in_1")));
        assert!(!is_undo(Kind::Refund, "in_1", None));
    }
}
