//! Defines the closed sets of words that the journal stores.

/// Reports a word that the set does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a valid {set}")]
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

/// Defines an enum whose variants have words.
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
            /// All variants, in the order in which they are shown.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Returns the word in files, in the journal and in machine output.
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
    /// Names the outcome of an event.
    Outcome, "outcome" {
        /// The API has recorded it for this account.
        Tracked = "tracked",
        /// The API had it before this request; its amount is not verified.
        AlreadyTracked = "already_tracked",
        /// The customer was not referred.
        NonReferral = "non_referral",
        /// The API refused it for good, or all attempts failed with nothing recorded.
        Failed = "failed",
        /// It may have been recorded, and nothing can tell.
        Unconfirmed = "unconfirmed",
    }
}

words! {
    /// Names the effect of a request at the API, by its answer.
    Effect, "effect" {
        /// The API has recorded the event.
        Recorded = "recorded",
        /// The API has recorded nothing.
        None = "none",
        /// The API may or may not have recorded it.
        Unknown = "unknown",
    }
}

words! {
    /// Names what the plan decided about an event.
    PlanState, "plan state" {
        /// The event is new, or known and not settled.
        ToSend = "to_send",
        /// The journal has its outcome.
        Settled = "settled",
        /// Another row of this job has this event already.
        Duplicate = "duplicate",
        /// It contradicts another event with the same id, and is held.
        Conflict = "conflict",
        /// It is a refund whose sale was not found or is ambiguous, and is held.
        Unlinked = "unlinked",
        /// It is dated outside of the range that the user chose, and is not sent.
        OutOfRange = "out_of_range",
    }
}

impl Outcome {
    /// Returns `true` if the API has the event, from this run or from an earlier sender.
    pub fn is_tracked(self) -> bool {
        matches!(self, Outcome::Tracked | Outcome::AlreadyTracked)
    }
}

impl PlanState {
    /// Returns `true` if a person has to look at it before it can be sent.
    pub fn is_held(self) -> bool {
        matches!(self, PlanState::Conflict | PlanState::Unlinked)
    }
}

words! {
    /// Names why a row of an export gave no event.
    Disposition, "disposition" {
        /// The profile says that it is not to be sent.
        Ignored = "ignored",
        /// It can't be read.
        Rejected = "rejected",
    }
}

words! {
    /// Names the command that started a run.
    RunCommand, "command" {
        /// The command read exports.
        Run = "run",
        /// The command tried outcomes again.
        Retry = "retry",
        /// The command used the built-in samples.
        Demo = "demo",
        /// The command refunded the sales of an earlier run.
        Undo = "undo",
    }
}

words! {
    /// Names why a run ended.
    EndReason, "end of a run" {
        /// Nothing was left to send.
        Done = "done",
        /// A signal ended it.
        Interrupted = "interrupted",
        /// The API could not be reached or kept failing.
        ApiUnreachable = "api_unreachable",
        /// The API answered 401 or 403, or refused every event for the same reason.
        KeyRefused = "key_refused",
        /// The journal could not be written.
        Journal = "journal",
    }
}

words! {
    /// Names why a row or an event needs attention. `report/attention.rs` has the words for people.
    ///
    /// The order is the one in which they are best looked at: what is left to send comes first, since nothing
    /// has to be corrected for it.
    AttentionCode, "reason for attention" {
        /// The run ended before it was sent.
        NotSent = "not_sent",
        /// The API refused it, or all attempts failed.
        Failed = "failed",
        /// It failed, or was not sent, in a run that was undone: nothing sends it again by itself.
        LeftOut = "left_out",
        /// It may have been recorded, and nothing says whether it was.
        Unconfirmed = "unconfirmed",
        /// It is a running total of refunds that was not sent: a part of it may be there, and nothing was compared.
        NotCompared = "not_compared",
        /// It is a sale that was not sent before a later export said that it was not paid.
        NotPaid = "not_paid",
        /// It was not sent: an earlier run had left it, and the account has it under another id.
        InAccount = "in_account",
        /// The API's answer has another amount than the one that was sent.
        OtherAmount = "other_amount",
        /// A refund or cancellation of a tracked sale was answered as not a referral.
        ReversalNonReferral = "reversal_non_referral",
        /// It is a sale that was not a referral, of a customer whom a later run has signed up.
        SignedUpSince = "signed_up_since",
        /// It was not a referral as an earlier run had recorded it, and an export names its customer more fully.
        CustomerLearned = "customer_learned",
        /// It is a sale that was sent without a plan, and the plan of its subscription is known since then.
        PlanLearned = "plan_learned",
        /// It is a sale of which exports say since then that less of it counts than was sent.
        CountsLess = "counts_less",
        /// It is a sale of a run that sent sales as commissions with their days, and came by a tracking call, without its day.
        NotDated = "not_dated",
        /// It undoes a sale whose commission is marked as paid.
        UndoPaid = "undo_paid",
        /// It contradicts another event with the same id, and is held.
        Conflict = "conflict",
        /// It is held for another reason, such as a refund whose sale was not found.
        Held = "held",
        /// It is a row that can't be read.
        Rejected = "rejected",
        /// It is a row that was ignored with a warning. Only an audit needs it: it has no verdict before that is accepted.
        Ignored = "ignored",
    }
}

impl AttentionCode {
    /// Returns the same reason for an event of a run that was undone.
    pub(crate) fn in_undone_run(self) -> AttentionCode {
        match self {
            AttentionCode::Failed => AttentionCode::LeftOut,
            other => other,
        }
    }

    /// Returns why an event with this outcome, or none, needs attention, if it does. `flag` is the reason that was
    /// recorded beside the outcome.
    pub(crate) fn from_result(
        outcome: Option<Outcome>,
        flag: Option<AttentionCode>,
    ) -> Option<AttentionCode> {
        let is_open = matches!(outcome, Some(Outcome::Failed | Outcome::Unconfirmed));
        match (outcome, flag) {
            (None, _) => Some(AttentionCode::NotSent),
            (_, Some(code @ (AttentionCode::NotPaid | AttentionCode::InAccount))) => {
                is_open.then_some(code)
            }
            (_, Some(AttentionCode::NotCompared)) if is_open => Some(AttentionCode::NotCompared),
            (_, Some(AttentionCode::NotCompared)) => None,
            (Some(Outcome::Failed), _) => Some(AttentionCode::Failed),
            (Some(Outcome::Unconfirmed), _) => Some(AttentionCode::Unconfirmed),
            // Of what is not there, nothing counts too much.
            (
                Some(outcome),
                Some(
                    code @ (AttentionCode::CountsLess
                    | AttentionCode::PlanLearned
                    | AttentionCode::NotDated
                    | AttentionCode::UndoPaid),
                ),
            ) => outcome.is_tracked().then_some(code),
            (Some(outcome), Some(AttentionCode::CustomerLearned)) => {
                let is_lost = outcome == Outcome::NonReferral;
                is_lost.then_some(AttentionCode::CustomerLearned)
            }
            (Some(_), flag) => flag,
        }
    }
}

/// The longest message that is kept, in bytes.
pub(crate) const MESSAGE_LIMIT: usize = 500;

/// Returns the start of a message, cut between characters.
pub(super) fn bounded(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}
