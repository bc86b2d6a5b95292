//! The codes of all problems, in one list.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

/// Declares the codes with their words.
macro_rules! problem_codes {
    ($($name:ident = $word:literal,)*) => {
        /// The kind of a problem, by a word that stays as it is when messages get better.
        ///
        /// `docs/errors.md` shows each with an input that makes it.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(
                #[doc = concat!("The code `", $word, "`.")]
                $name,
            )*
            /// A code of another version of the program, as a journal has it.
            OtherVersion(Box<str>),
        }

        impl ProblemCode {
            /// Every code of this version.
            pub const ALL: &[ProblemCode] = &[$(ProblemCode::$name,)*];

            /// Returns the word in the machine output and in the journal.
            pub fn as_str(&self) -> &str {
                match self {
                    $(ProblemCode::$name => $word,)*
                    ProblemCode::OtherVersion(word) => word,
                }
            }

            /// Returns the code with this word; a word that this version does not have is kept.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($word => ProblemCode::$name,)*
                    _ => ProblemCode::OtherVersion(word.into()),
                }
            }
        }
    };
}

problem_codes! {
    AcceptMixed = "accept-mixed",
    AcceptRefused = "accept-refused",
    AcceptedNotSent = "accepted-not-sent",
    AcceptedUnusable = "accepted-unusable",
    AccountClash = "account-clash",
    AccountIdMissing = "account-id-missing",
    AccountMissing = "account-missing",
    AccountUnknown = "account-unknown",
    AlreadyFailed = "already-failed",
    AmountAmbiguous = "amount-ambiguous",
    AmountAbovePaid = "amount-above-paid",
    AmountColumnMissing = "amount-column-missing",
    AmountCut = "amount-cut",
    AmountHundredfold = "amount-hundredfold",
    AmountInvalid = "amount-invalid",
    AmountNotPositive = "amount-not-positive",
    AmountSign = "amount-sign",
    AmountsWithoutDecimals = "amounts-without-decimals",
    ApiUnreachable = "api-unreachable",
    ArchiveCutOff = "archive-cut-off",
    ArchiveDamaged = "archive-damaged",
    ArchiveEncrypted = "archive-encrypted",
    ArchiveMemberSkipped = "archive-member-skipped",
    ArchiveMethod = "archive-method",
    ArchiveNested = "archive-nested",
    ArchiveTooLarge = "archive-too-large",
    ArchiveWithoutCsv = "archive-without-csv",
    AuditMissing = "audit-missing",
    AuditNotWritten = "audit-not-written",
    BalanceDiffers = "balance-differs",
    BareCr = "bare-cr",
    CaFileUnusable = "ca-file-unusable",
    CellError = "cell-error",
    CellsMerged = "cells-merged",
    Client = "client",
    CommissionAgain = "commission-again",
    CommissionsLessThanSales = "commissions-less-than-sales",
    CommissionsMissing = "commissions-missing",
    CommissionsNotOne = "commissions-not-one",
    Compressed = "compressed",
    ConfigExists = "config-exists",
    ConfigInvalid = "config-invalid",
    ConfigMissing = "config-missing",
    ConfigNotWritten = "config-not-written",
    CountsLess = "counts-less",
    CurrencyConverted = "currency-converted",
    CurrencyDecimals = "currency-decimals",
    CurrencyHeld = "currency-held",
    CurrencySent = "currency-sent",
    CurrencyUnknown = "currency-unknown",
    CustomerSinceNotSet = "customer-since-not-set",
    CustomerSinceVersion = "customer-since-version",
    CustomerUnclear = "customer-unclear",
    DateColumnMissing = "date-column-missing",
    DateInFuture = "date-in-future",
    DateInvalid = "date-invalid",
    DateMissing = "date-missing",
    DatesNotTaken = "dates-not-taken",
    DaysMissing = "days-missing",
    DemoDirectory = "demo-directory",
    EmailInvalid = "email-invalid",
    EncodingOther = "encoding-other",
    EventConflict = "event-conflict",
    EventIdMissing = "event-id-missing",
    EventTwice = "event-twice",
    ExplainAmbiguous = "explain-ambiguous",
    ExplainUnknown = "explain-unknown",
    ExportEmpty = "export-empty",
    ExportHundredfold = "export-hundredfold",
    ExportMissing = "export-missing",
    ExportOfCommissions = "export-of-commissions",
    ExportUnreadable = "export-unreadable",
    ExportWithoutRows = "export-without-rows",
    FieldTooLong = "field-too-long",
    FolderFileSkipped = "folder-file-skipped",
    HeaderAgain = "header-again",
    HeaderBlank = "header-blank",
    HeaderTooWide = "header-too-wide",
    HeaderUnknown = "header-unknown",
    HeldNotAudited = "held-not-audited",
    HistoryNotMarked = "history-not-marked",
    IdDamaged = "id-damaged",
    Imbalance = "imbalance",
    Internal = "internal",
    Interrupted = "interrupted",
    InvisibleCharacters = "invisible-characters",
    InvoiceMissing = "invoice-missing",
    InvoiceWithoutPayment = "invoice-without-payment",
    Journal = "journal",
    JournalDamaged = "journal-damaged",
    JournalLost = "journal-lost",
    JournalMissing = "journal-missing",
    JournalNotExported = "journal-not-exported",
    KeyFileReadable = "key-file-readable",
    KeyMissing = "key-missing",
    KeyRefused = "key-refused",
    LastLineOpen = "last-line-open",
    LeadListUnusable = "lead-list-unusable",
    LeftToSend = "left-to-send",
    LeftUnconfirmed = "left-unconfirmed",
    LimitLower = "limit-lower",
    Listing = "listing",
    ListingChanges = "listing-changes",
    ListingUnordered = "listing-unordered",
    ListingNotKept = "listing-not-kept",
    ListingOld = "listing-old",
    ListingShort = "listing-short",
    ListingUnreadable = "listing-unreadable",
    MetricsNotWritten = "metrics-not-written",
    NoCustomer = "no-customer",
    NotConfirmed = "not-confirmed",
    NotCsv = "not-csv",
    NotNotified = "not-notified",
    NotPruned = "not-pruned",
    NotUtf8 = "not-utf8",
    NotWindows1252 = "not-windows-1252",
    NulByte = "nul-byte",
    OpenFiles = "open-files",
    OutOfRange = "out-of-range",
    OutputInput = "output-input",
    OutputNotWritten = "output-not-written",
    Paused = "paused",
    PayoutOpen = "payout-open",
    PeriodEmpty = "period-empty",
    ProfileIncomplete = "profile-incomplete",
    ProfileInvalid = "profile-invalid",
    ProfileMisfit = "profile-misfit",
    ProfileNotProposed = "profile-not-proposed",
    ProfileUndecided = "profile-undecided",
    ProfileUnknown = "profile-unknown",
    QuantityInvalid = "quantity-invalid",
    QuoteUnclosed = "quote-unclosed",
    RangeUndated = "range-undated",
    RateAboveLimit = "rate-above-limit",
    RateChanged = "rate-changed",
    RateOld = "rate-old",
    RatesInvalid = "rates-invalid",
    ReaderDisagreement = "reader-disagreement",
    ReasonMissing = "reason-missing",
    RedactionKey = "redaction-key",
    RefundAboveSale = "refund-above-sale",
    RefundBeforeSale = "refund-before-sale",
    RefundAfterLoss = "refund-after-loss",
    RefundFailed = "refund-failed",
    RefundUnlinked = "refund-unlinked",
    RepeatsUnconfirmed = "repeats-unconfirmed",
    Report = "report",
    ReportDirectory = "report-directory",
    RunPruned = "run-pruned",
    SalesTwice = "sales-twice",
    ReportEventUnknown = "report-event-unknown",
    ReportUnknown = "report-unknown",
    ReportUnreadable = "report-unreadable",
    ResolutionInvalid = "resolution-invalid",
    RetryEvent = "retry-event",
    RowIgnored = "row-ignored",
    RowNotCorrected = "row-not-mended",
    RowCutOff = "row-cut-off",
    RowDisputed = "row-disputed",
    RowRagged = "row-ragged",
    RowRefused = "row-refused",
    RowRemarkable = "row-remarkable",
    RowTooLong = "row-too-long",
    RowUnpaid = "row-unpaid",
    RowWithoutFirst = "row-without-first",
    RowWithoutRule = "row-without-rule",
    RowsHidden = "rows-hidden",
    RunUnknown = "run-unknown",
    SaleAfterCancellation = "sale-after-cancellation",
    SaleInAccount = "sale-in-account",
    SaleInAccountAlready = "sale-in-account-already",
    SaleNotCompared = "sale-not-compared",
    SaleOtherAmount = "sale-other-amount",
    SaleOtherCustomer = "sale-other-customer",
    SaleDenied = "sale-denied",
    SaleNotPaid = "sale-not-paid",
    SaleUndone = "sale-undone",
    SameRefusal = "same-refusal",
    Sandbox = "sandbox",
    SandboxHasNone = "sandbox-has-none",
    ServerUntrusted = "server-untrusted",
    SheetMissing = "sheet-missing",
    SheetUndecided = "sheet-undecided",
    SheetsHidden = "sheets-hidden",
    SheetsLeftOut = "sheets-left-out",
    SignupNotSent = "signup-not-sent",
    SpanEmpty = "span-empty",
    StatusUnknown = "status-unknown",
    TemporaryFile = "temporary-file",
    Threads = "threads",
    TierInvalid = "tier-invalid",
    UidShared = "uid-shared",
    UidUnclear = "uid-unclear",
    UndoHeld = "undo-held",
    UndoLeftOut = "undo-left-out",
    UndoNotCompared = "undo-not-compared",
    UndoPaid = "undo-paid",
    UndoPartial = "undo-partial",
    UndoRefused = "undo-refused",
    Usage = "usage",
    Utf16 = "utf-16",
    ValueUnknown = "value-unknown",
    ValueWithoutRule = "value-without-rule",
    VariableUnknown = "variable-unknown",
    WidMissing = "wid-missing",
    WorkbookDamaged = "workbook-damaged",
    WorkbookTooLarge = "workbook-too-large",
    ZoneUnknown = "zone-unknown",
}

impl ProblemCode {
    /// Returns `true` if it says that a row was ignored which may have been an event.
    pub(crate) fn is_left_out(&self) -> bool {
        matches!(self, ProblemCode::RowIgnored | ProblemCode::NoCustomer)
    }
}

impl Ord for ProblemCode {
    /// Codes are in the order of their words.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for ProblemCode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
