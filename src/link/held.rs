//! Why an event is held.

use crate::event::Text;
use crate::problem::ProblemCode;

/// The most sales that are named as those that a refund may reverse.
pub(crate) const MAX_CANDIDATES: usize = 10;

/// Names why an event is held that is in no conflict with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldReason {
    /// The refund names no sale.
    NamesNoSale,
    /// Nobody has the sale that it names.
    SaleNotFound,
    /// It may be of several sales, or names what is no sale.
    SaleUnclear,
    /// It does not fit its sale, or what was refunded of that before.
    UnfitForSale,
    /// It stands for a running total that fell: less is refunded of its sale than an earlier run read.
    TotalFell,
    /// Its sale is not sent itself: that is held, was refused, or is left to an interrupted run.
    SaleNotSent,
    /// An undo of its sale is to refund all that is left of that, and has not done so yet.
    UndoOpen,
    /// The journal lost commits that may have refunded its sale.
    AfterLoss,
    /// Its customer was corrected in a report, and that of its sale was not.
    CorrectedAlone,
    /// The sale with the id that it names may be another provider's.
    OtherProvider,
    /// Its currency.
    Currency,
    /// Nothing says whose it is.
    Customer,
    /// Nothing says whether its uid is the id of one customer.
    UidUnclear,
    /// Nothing says what of it counts.
    Invoice,
    /// It is an invoice, and an earlier run holds its payment.
    Payment,
    /// Nothing says whether it is in the range of dates that the user chose.
    Undated,
    /// An earlier run sent a sale whose row says now that it was not paid: nobody has refunded it.
    NotPaid,
    /// It stands for a sale that was paid after all: an earlier run refunded it, since it was not paid then.
    PaidAfterAll,
    /// One export has the sale as paid and another one as not paid, and nothing says which of the two is later.
    PaidUnclear,
    /// An earlier run sent a refund whose row says now that nothing was paid back.
    RefundFailed,
    /// It is of a report that was handed back, and the journal does not know it.
    ReportUnknown,
    /// Its profile holds it for a person to look at.
    Profile,
    /// The account may have it under another id.
    InAccount,
    /// The commission of its sale is denied in the account.
    SaleDenied,
    /// Somebody has accepted that it is not sent, when it was held for another reason.
    Accepted,
    /// Somebody has accepted that it is not sent, since the account may have it under another id.
    AcceptedInAccount,
}

impl HeldReason {
    /// Returns the code of the problem that says so.
    pub fn code(self) -> ProblemCode {
        match self {
            HeldReason::NamesNoSale
            | HeldReason::SaleNotFound
            | HeldReason::SaleUnclear
            | HeldReason::UnfitForSale
            | HeldReason::TotalFell
            | HeldReason::SaleNotSent
            | HeldReason::UndoOpen
            | HeldReason::CorrectedAlone
            | HeldReason::OtherProvider => ProblemCode::RefundUnlinked,
            HeldReason::AfterLoss => ProblemCode::RefundAfterLoss,
            HeldReason::Currency => ProblemCode::CurrencyHeld,
            HeldReason::Customer => ProblemCode::CustomerUnclear,
            HeldReason::UidUnclear => ProblemCode::UidUnclear,
            HeldReason::Invoice | HeldReason::Payment => ProblemCode::InvoiceMissing,
            HeldReason::Undated => ProblemCode::RangeUndated,
            HeldReason::NotPaid
            | HeldReason::PaidAfterAll
            | HeldReason::PaidUnclear
            | HeldReason::Profile => ProblemCode::SaleNotPaid,
            HeldReason::RefundFailed => ProblemCode::RefundFailed,
            HeldReason::InAccount => ProblemCode::SaleInAccount,
            HeldReason::SaleDenied => ProblemCode::SaleDenied,
            HeldReason::Accepted | HeldReason::AcceptedInAccount => ProblemCode::AcceptedNotSent,
            HeldReason::ReportUnknown => ProblemCode::ReportEventUnknown,
        }
    }

    /// Returns `true` if the refund stands for one that is not there any more, so that it takes nothing from its sale.
    pub(crate) fn is_of_undone_refund(self) -> bool {
        matches!(self, HeldReason::TotalFell | HeldReason::RefundFailed)
    }

    /// Returns `true` if the event stands for something that is not right any more about what was sent.
    pub(crate) fn is_about_sent(self) -> bool {
        matches!(self, HeldReason::NotPaid | HeldReason::PaidAfterAll) || self.is_of_undone_refund()
    }

    /// Returns whether there is nothing to say which sale a refund undoes, so that it can go without one.
    pub(super) fn is_without_sale(self) -> bool {
        matches!(self, HeldReason::NamesNoSale | HeldReason::SaleNotFound)
    }
}

/// An event that is not sent, for a person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The reason why it is held.
    pub reason: HeldReason,
    /// The reason in words, with what to do.
    pub note: String,
    /// The `event_id`s of the sales that a refund may reverse: at most `MAX_CANDIDATES`.
    pub candidates: Vec<Text>,
}

impl Held {
    /// Returns an event that is held for a reason, in words.
    pub fn new(reason: HeldReason, note: impl Into<String>) -> Self {
        Held {
            reason,
            note: note.into(),
            candidates: Vec::new(),
        }
    }

    /// Returns the same with sales that the refund may undo.
    #[must_use]
    pub fn with_candidates(self, candidates: impl IntoIterator<Item = Text>) -> Self {
        Held {
            candidates: candidates.into_iter().take(MAX_CANDIDATES).collect(),
            ..self
        }
    }
}
