//! What a report says of each reason for attention: the problem, the file with the items, and what to do.

use crate::journal::AttentionCode as Code;

/// The command to run next.
pub(super) enum Next {
    /// These words after `fprecon`.
    Words(&'static str),
    /// `run`, with the exports of this run.
    RunExports,
    /// `run`, with the rows that were rejected.
    RunRejected,
    /// `accept`, with the file that has the items.
    Accept,
}

/// Returns the problem, as it follows `2 events`.
pub(super) const fn problem_of(code: Code) -> &'static str {
    match code {
        Code::NotSent => "not sent",
        Code::Failed => "failed",
        Code::LeftOut => "not sent or failed, in a run that was undone",
        Code::Unconfirmed => "unconfirmed",
        Code::NotCompared => "not sent: all or a part of each may be in FirstPromoter",
        Code::NotPaid => "withdrawn, since a later export has it as not paid",
        Code::InAccount => "not sent: FirstPromoter has them under other ids",
        Code::OtherAmount => "recorded with another amount",
        Code::ReversalNonReferral => {
            "not recorded: FirstPromoter has the sale and does not know its customer"
        }
        Code::SignedUpSince => "not recorded when sent, of customers who signed up since",
        Code::CustomerLearned => {
            "not recorded as it was first sent, and an export names the customer more fully"
        }
        Code::PlanLearned => "sent without a plan that is known now",
        Code::CountsLess => "sent with more than counts",
        Code::NotDated => "dated by the day on which they were sent, and not by their own",
        Code::UndoPaid => "of undone sales whose commissions are marked as paid",
        Code::Conflict => "in conflict",
        Code::Held => "held",
        Code::Rejected => "rejected",
        Code::Ignored => "ignored with a warning",
    }
}

/// Returns the file of the report that has the items.
pub(in crate::report) const fn file_of(code: Code) -> &'static str {
    match code {
        Code::NotSent
        | Code::Failed
        | Code::LeftOut
        | Code::Unconfirmed
        | Code::NotCompared
        | Code::NotPaid
        | Code::InAccount => "failed.csv",
        Code::OtherAmount
        | Code::PlanLearned
        | Code::CountsLess
        | Code::NotDated
        | Code::UndoPaid => "tracked.csv",
        Code::ReversalNonReferral | Code::SignedUpSince | Code::CustomerLearned => {
            "non_referral.csv"
        }
        Code::Conflict | Code::Held => "held.csv",
        Code::Rejected => "rejected.csv",
        Code::Ignored => "ignored.csv",
    }
}

/// Returns what to do before running the command.
pub(super) const fn advice_of(code: Code) -> &'static str {
    match code {
        Code::NotSent => "Nothing is lost. Send the rest:",
        Code::Failed => {
            "Fix the rows in failed.csv (add the column if it lacks the wrong one, such as ref_id or plan) and run that file, or fix the cause and try again:"
        }
        Code::LeftOut => {
            "Nothing sends them by itself. `fprecon run` of that failed.csv sends all of them after all, and `fprecon retry --event ID` one. Accept the others:"
        }
        Code::Unconfirmed => {
            "Look them up in FirstPromoter first. If sent again, they may count twice:"
        }
        Code::NotCompared => {
            "Run the exports again: the account's list is read first, and only what is missing is sent:"
        }
        Code::NotPaid => {
            "What was paid nevertheless is sent by `fprecon retry --event ID`. Accept the others:"
        }
        Code::InAccount => {
            "Look them up in FirstPromoter. One that is not there is sent by `fprecon retry --event ID`. Accept the others:"
        }
        Code::OtherAmount => "Compare the amounts in FirstPromoter, then accept them:",
        Code::ReversalNonReferral => "Look up the customers in FirstPromoter, then try again:",
        Code::SignedUpSince => "Accept what is from before the sign-up. Ask for the others again:",
        Code::CustomerLearned => "Ask again with what the exports say:",
        Code::PlanLearned => {
            "Compare the commissions with those of the plan in FirstPromoter, then accept them:"
        }
        Code::CountsLess => "Refund the difference as the warning shows, or accept them:",
        Code::NotDated => {
            "`history = \"commissions\"` was removed before they were sent. Correct the dates of their commissions in FirstPromoter where that matters, then accept them:"
        }
        Code::UndoPaid => {
            "The next payouts of their promoters are less by it. If they did not get this money, deny the commissions of these refunds in FirstPromoter first. Then accept them:"
        }
        Code::Conflict => {
            "held.csv shows the difference, and the errors of the run say how to settle it. Then run the exports:"
        }
        Code::Held => "held.csv says why. Add what is missing, then run the exports again:",
        Code::Rejected => "Fix the rows in rejected.csv, then run that file:",
        Code::Ignored => {
            "If they belong to no customer, accept them; else add what is missing, and run the exports again:"
        }
    }
}

/// Returns the command that comes next.
pub(super) const fn next_of(code: Code) -> Next {
    match code {
        Code::NotSent => Next::Words("resume"),
        Code::Failed => Next::Words("retry --failed"),
        Code::Unconfirmed => Next::Words("retry --unconfirmed"),
        Code::NotCompared | Code::CustomerLearned | Code::Conflict | Code::Held => Next::RunExports,
        Code::LeftOut
        | Code::NotPaid
        | Code::InAccount
        | Code::OtherAmount
        | Code::PlanLearned
        | Code::CountsLess
        | Code::NotDated
        | Code::UndoPaid
        | Code::Ignored => Next::Accept,
        Code::ReversalNonReferral | Code::SignedUpSince => Next::Words("retry --non-referral"),
        Code::Rejected => Next::RunRejected,
    }
}
