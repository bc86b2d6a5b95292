//! Names the rows, events and lines that an audit does not have, of either side.

use serde::{Serialize, Serializer};

use crate::journal::{AttentionCode, words};

words! {
    /// The kind of what an audit does not have.
    UnreadCode, "what an audit has not" {
        /// Rows of ours that can't be read.
        Rejected = "rejected",
        /// Rows of ours that were ignored with a warning.
        Ignored = "ignored",
        /// Events of ours that are held.
        Held = "held",
        /// Events of ours that are held for a conflict.
        Conflict = "conflict",
        /// Events of ours that failed, or were settled with a question.
        Failed = "failed",
        /// Events of ours of which nobody knows whether they are recorded.
        Unconfirmed = "unconfirmed",
        /// Events of ours that are left to send.
        NotSent = "not_sent",
        /// Commissions of theirs that can't be read.
        Unreadable = "unreadable",
        /// Payouts of theirs that can't be read.
        Payouts = "payouts",
        /// Errors in the files that are about no row.
        Error = "error",
    }
}

impl UnreadCode {
    /// The kinds that are single rows and events of ours.
    pub(crate) const OF_ITEMS: [UnreadCode; 7] = [
        UnreadCode::Rejected,
        UnreadCode::Ignored,
        UnreadCode::Held,
        UnreadCode::Conflict,
        UnreadCode::Failed,
        UnreadCode::Unconfirmed,
        UnreadCode::NotSent,
    ];
}

impl From<AttentionCode> for UnreadCode {
    fn from(code: AttentionCode) -> Self {
        match code {
            AttentionCode::Rejected => UnreadCode::Rejected,
            AttentionCode::Ignored => UnreadCode::Ignored,
            AttentionCode::Held => UnreadCode::Held,
            AttentionCode::Conflict => UnreadCode::Conflict,
            AttentionCode::NotSent => UnreadCode::NotSent,
            AttentionCode::Unconfirmed | AttentionCode::NotCompared => UnreadCode::Unconfirmed,
            _ => UnreadCode::Failed,
        }
    }
}

impl Serialize for UnreadCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
