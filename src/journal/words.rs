//! The closed sets of words that stand in the journal.

/// A word that the set does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {set}")]
pub struct UnknownWord {
    word: String,
    set: &'static str,
}

impl UnknownWord {
    pub(crate) fn new(word: &str, set: &'static str) -> Self {
        UnknownWord {
            word: word.to_owned(),
            set,
        }
    }
}

/// An enum whose variants have words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $set:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word in files, in the journal and in machine output.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::journal::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok($name::$variant),)*
                    _ => Err($crate::journal::UnknownWord::new(word, $set)),
                }
            }
        }
    };
}
#[cfg(feature = "polars")]
pub(crate) use words;

words! {
    /// What came of an event in the end.
    Outcome, "outcome" {
        /// The API has recorded it for us.
        Tracked = "tracked",
        /// Someone sent it before us; its amount is unverified.
        AlreadyTracked = "already_tracked",
        /// The customer was not referred.
        NonReferral = "non_referral",
        /// Refused for good, or given up with nothing recorded.
        Failed = "failed",
        /// It may have been recorded and we cannot know.
        Unconfirmed = "unconfirmed",
    }
}

words! {
    /// What a request did at the API, by its answer.
    Effect, "effect" {
        /// The event is recorded there.
        Recorded = "recorded",
        /// Nothing was recorded.
        None = "none",
        /// It may or may not have been.
        Unknown = "unknown",
    }
}

words! {
    /// What the plan decided about an event.
    PlanState, "plan state" {
        /// New, or known and not settled.
        ToSend = "to_send",
        /// The journal has its outcome.
        Settled = "settled",
        /// The same event again in the same job.
        Duplicate = "duplicate",
        /// It contradicts another of the same id; held.
        Conflict = "conflict",
        /// A refund whose sale was not found or is ambiguous; held.
        Unlinked = "unlinked",
    }
}

impl Outcome {
    /// Returns whether the API has the event, by this run or by somebody before it.
    pub fn is_tracked(self) -> bool {
        matches!(self, Outcome::Tracked | Outcome::AlreadyTracked)
    }
}

impl PlanState {
    /// Whether a person has to look at it before it can go out.
    pub fn is_held(self) -> bool {
        matches!(self, PlanState::Conflict | PlanState::Unlinked)
    }
}

words! {
    /// Why a row of an export gave no event.
    Disposition, "disposition" {
        /// The profile says that it is not to be told.
        Ignored = "ignored",
        /// It can't be read.
        Rejected = "rejected",
    }
}

words! {
    /// Which command started a run.
    RunCommand, "command" {
        /// Exports were read.
        Run = "run",
        /// Outcomes were tried again.
        Retry = "retry",
        /// The built-in samples.
        Demo = "demo",
    }
}

words! {
    /// Why a run ended.
    EndReason, "end of a run" {
        /// Nothing was left to send.
        Done = "done",
        /// A signal.
        Interrupted = "interrupted",
        /// The API stayed away or kept failing.
        ApiUnreachable = "api_unreachable",
        /// 401 or 403, or every event refused for the same reason.
        KeyRefused = "key_refused",
        /// The journal could not be written.
        Journal = "journal",
    }
}

words! {
    /// Why a row or an event needs attention. `report/attention.rs` has the words for people.
    ///
    /// The order is the one in which they are best looked at: what is left to send comes first, since
    /// nothing has to be corrected for it.
    AttentionCode, "reason for attention" {
        /// The run ended before it was sent.
        NotSent = "not_sent",
        /// The API refused it, or nothing came of all attempts.
        Failed = "failed",
        /// It may have been recorded, and nothing says whether it was.
        Unconfirmed = "unconfirmed",
        /// The API's answer has another amount than the one that was sent.
        OtherAmount = "other_amount",
        /// A refund or cancellation of a tracked sale came back as non-referral.
        ReversalNonReferral = "reversal_non_referral",
        /// A sale that was not a referral, of a customer whom a later run has signed up.
        SignedUpSince = "signed_up_since",
        /// A sale of which exports say since that less of it counts than was sent.
        CountsLess = "counts_less",
        /// It contradicts another event of the same id, and is held.
        Conflict = "conflict",
        /// It is held for another reason, such as a refund whose sale was not found.
        Held = "held",
        /// A row that can't be read.
        Rejected = "rejected",
    }
}

/// The longest message that is kept, in bytes.
pub const MESSAGE_LIMIT: usize = 500;

/// The start of a message, cut between characters.
pub(super) fn bounded(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}
