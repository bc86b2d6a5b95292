//! What following each hint literally leads to. Every code that the program can give is in one of these
//! lists: a new code without an entry fails the test.

use super::{blocks, example, page, unescaped};
use crate::support::Place;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fprecon::problem::ProblemCode;

/// What a hint says to do, on the example of its code in `docs/errors.md`.
enum Do {
    /// Add this to `fprecon.toml`.
    Configure(&'static str),
    /// Write `fprecon.toml` anew.
    Rewrite(&'static str),
    /// Replace a text of the export.
    Fix(&'static [(&'static str, &'static str)]),
    /// Give these arguments instead of those of the example.
    Call(&'static [&'static str]),
    /// Give this export as well.
    Add(&'static str),
}

/// Code, what to do, and what comes of it: the exit code and the events with their states.
const FOLLOWED: &[(&str, Do, &str)] = &[
    (
        "amount-invalid",
        Do::Fix(&[
            ("1e3", "1000.00"),
            ("\"1.234,56\"", "1234.56"),
            ("8.0050", "8.01"),
            ("$8.00", "8.00"),
        ]),
        "exit 0: sale s1 100000 to_send, sale s2 123456 to_send, sale s3 801 to_send, sale s4 800 to_send",
    ),
    (
        "amount-above-paid",
        Do::Fix(&[("100.00", "84.00")]),
        "exit 0: sale 1001 8400 to_send",
    ),
    (
        "amount-column-missing",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.columns]\namount = \"total\"\n",
        ),
        "exit 0: sale s1 800 to_send, sale s2 900 to_send",
    ),
    (
        "amount-not-positive",
        Do::Fix(&[(
            "sale,s1,,ana@example.com,-8.00,USD,2026-03-01T10:00:00Z",
            "sale,s1,,ana@example.com,9.00,USD,2026-03-01T10:00:00Z\nrefund,r1,s1,ana@example.com,8.00,USD,2026-03-01T10:00:00Z",
        )]),
        "exit 0: refund r1 800 to_send, sale s1 900 to_send",
    ),
    (
        "amount-sign",
        // Its sale is not in the export.
        Do::Fix(&[("usd,5.00,0.00,5.00", "usd,-5.00,0.00,5.00")]),
        "exit 1: refund txn_1 500 unlinked",
    ),
    (
        "amount-ambiguous",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.money.format]\ndecimal = \",\"\nthousands = \".\"\n",
        ),
        "exit 0: sale s1 100000 to_send",
    ),
    (
        "amounts-without-decimals",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.money.format]\nunit = \"minor\"\n",
        ),
        "exit 0: sale s1 4900 to_send, sale s2 9900 to_send",
    ),
    (
        "email-invalid",
        Do::Fix(&[
            ("ana@example.com;ben@example.com", "ana@example.com"),
            ("ben@example,", "ben@example.com,"),
            ("walk-in at the fair", ""),
        ]),
        "exit 0: sale s1 800 to_send, sale s2 900 to_send, sale s3 700 to_send",
    ),
    (
        "currency-decimals",
        Do::Configure("[currencies.decimals]\nISK = 2\n"),
        "exit 0: sale s1 5000 to_send",
    ),
    (
        "currency-unknown",
        Do::Fix(&[("usdt", "USD")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "date-invalid",
        Do::Fix(&[("03/01/2026 10:00", "2026-03-01 10:00")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "event-id-missing",
        Do::Fix(&[("sale,,,", "sale,s7,,")]),
        "exit 0: sale s7 800 to_send",
    ),
    (
        "quantity-invalid",
        Do::Fix(&[("two", "2")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "value-without-rule",
        Do::Configure(
            "[exports.mine.read_as.kind]\n\"chargeback\" = { ignore = \"your reason\" }\n",
        ),
        "exit 0: ",
    ),
    (
        "zone-unknown",
        Do::Configure("[exports.braintree-transactions.dates.zones]\n\"XYZ\" = \"-05:00\"\n"),
        "exit 0: sale t1 800 to_send",
    ),
    (
        "no-customer",
        Do::Fix(&[("s1,,,", "s1,,ana@example.com,")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "uid-unclear",
        Do::Configure("[link]\ncustomer_uids = [\"77\"]\n"),
        "exit 0: sale s1 1000 to_send, sale s2 2000 to_send, sale s3 3000 to_send",
    ),
    (
        "customer-unclear",
        Do::Fix(&[("s3,0,,", "s3,0,cyd@example.com,")]),
        "exit 0: sale s1 1000 to_send, sale s2 2000 to_send, sale s3 3000 to_send",
    ),
    (
        "row-cut-off",
        Do::Fix(&[("1308.2\n", "1308.26\n")]),
        "exit 0: sale s1 800 to_send, sale s2 130826 to_send",
    ),
    (
        "row-ragged",
        Do::Fix(&[("8.00\n", "8.00,USD,2026-03-01T10:00:00Z\n")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "row-refused",
        Do::Fix(&[("20.00,0.00", "20.00,5.00")]),
        "exit 0: refund in_1_refund_500 500 to_send, sale in_1 2000 to_send",
    ),
    (
        "row-without-rule",
        Do::Configure(
            "[[exports.mine.ignore]]\nwhen = { amount = { sign = \"negative\" } }\nreason = \"not a payment\"\n",
        ),
        "exit 0: ",
    ),
    (
        "row-not-mended",
        Do::Fix(&[(
            "ana@example.com,1,USD,2026-03-01T10:00:00Z,x.csv,2,the row has 8 fields and the header has 7,USD",
            "ana@example.com,1.00,USD,2026-03-01T10:00:00Z,x.csv,2,the row has 8 fields and the header has 7",
        )]),
        "exit 0: sale s1 100 to_send",
    ),
    (
        "event-conflict",
        Do::Fix(&[(
            "sale,s1,,ana@example.com,9.00,USD,2026-03-01T10:00:00Z\n",
            "",
        )]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "refund-unlinked",
        Do::Add(
            "kind,event_id,sale_event_id,email,amount,currency,created_at\nsale,s9,,ana@example.com,8.00,USD,2026-02-01T10:00:00Z\n",
        ),
        "exit 0: refund r1 800 to_send, sale s9 800 to_send",
    ),
    (
        "out-of-range",
        Do::Call(&[]),
        "exit 0: sale s1 800 to_send, sale s2 900 to_send",
    ),
    (
        "range-undated",
        Do::Fix(&[(
            "ana@example.com,,,",
            "ana@example.com,,,2026-03-09T10:00:00Z",
        )]),
        "exit 0: cancellation c1  to_send",
    ),
    (
        "date-missing",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.dates]\nmissing = \"today\"\n",
        ),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "date-column-missing",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.columns]\ncreated_at = \"date\"\n",
        ),
        "exit 0: sale s1 800 to_send, sale s2 900 to_send",
    ),
    (
        "currency-held",
        Do::Rewrite("[currencies]\nforeign = \"send\"\n"),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "currency-sent",
        Do::Configure("[currencies]\nforeign = \"hold\"\n"),
        "exit 1: sale s1 800 unlinked",
    ),
    (
        "header-unknown",
        Do::Configure(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.columns]\nevent_id = \"Order\"\namount = \"Total\"\nuid = \"Order\"\n[exports.mine.dates]\nmissing = \"today\"\n",
        ),
        "exit 0: sale 1 800 to_send",
    ),
    (
        "header-blank",
        Do::Fix(&[(
            ",,\n1,2,3\n",
            "event_id,email,amount,created_at\n1,ana@example.com,3.00,2026-03-01\n",
        )]),
        "exit 0: sale 1 300 to_send",
    ),
    (
        "profile-misfit",
        Do::Call(&[]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "profile-incomplete",
        Do::Configure(
            "[exports.mine]\nextends = \"chargebee-invoices\"\n[exports.mine.money]\ncurrency = \"USD\"\n[exports.mine.money.format]\nunit = \"minor\"\n",
        ),
        "exit 0: sale 1 900 to_send",
    ),
    (
        "profile-undecided",
        Do::Call(&["--profile", "paypal-activity=x.csv"]),
        "exit 0: sale T1 800 to_send",
    ),
    (
        "quote-unclosed",
        Do::Fix(&[(
            "sale,s1,,\"ana@example.com,8.00",
            "sale,s1,,\"ana@example.com\",8.00",
        )]),
        "exit 0: sale s1 800 duplicate, sale s1 800 duplicate, sale s1 800 to_send",
    ),
    (
        "bare-cr",
        Do::Fix(&[("\\r", "\n")]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "not-utf8",
        Do::Call(&["--encoding", "windows-1252"]),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "config-invalid",
        Do::Rewrite("[send]\nrequests_per_minute = 400\n"),
        "exit 0: sale s1 800 to_send",
    ),
    (
        "profile-invalid",
        Do::Rewrite(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.columns]\nnumber = \"event_id\"\nevent_id = \"event_id\"\namount = \"amount\"\n[[exports.mine.event]]\nkind = \"sale\"\nwhen = { kind = \"sale\" }\nevent_id = [\"{number}\"]\namount = \"amount\"\ncreated_at = [\"created_at\"]\n",
        ),
        "exit 0: sale s1 800 to_send",
    ),
];

/// What a command says, and the command that its hint names: the code, the command, what its hint has in
/// it, the command again as the hint says, and the exit code that it then has.
type Called = (&'static str, &'static str, &'static str, &'static str, i32);

/// In a folder with `x.csv`, a sale, `c.csv`, its commission, and `new.csv`, another sale, where an earlier run in a
/// sandbox has been.
const CALLED: &[Called] = &[
    (
        "profile-unknown",
        "plan x.csv --profile nope",
        "`generic`",
        "plan x.csv --profile generic",
        0,
    ),
    (
        "not-confirmed",
        "run new.csv --sandbox",
        "`--yes`",
        "run new.csv --sandbox --yes",
        0,
    ),
    (
        "config-exists",
        "init x.csv",
        "`--config FILE` writes it elsewhere",
        "init x.csv --config other.toml",
        0,
    ),
    (
        "export-of-commissions",
        "plan c.csv",
        "`fprecon audit --commissions FILE`",
        "audit x.csv --commissions c.csv",
        0,
    ),
    (
        "commissions-missing",
        "audit x.csv",
        "`--commissions",
        "audit x.csv --commissions c.csv",
        0,
    ),
    (
        "journal-missing",
        "status --sandbox --journal no.journal",
        "`--journal FILE`",
        "status --sandbox --journal fprecon-sandbox.journal",
        0,
    ),
    (
        "run-unknown",
        "report --sandbox --run 99",
        "`fprecon status",
        "status --sandbox",
        0,
    ),
    (
        "span-empty",
        "report --sandbox --from 2026-03-05 --to 2026-03-01",
        "set the first day with `--from`",
        "report --sandbox --from 2000-01-01 --to 2100-01-01",
        0,
    ),
    (
        "days-missing",
        "report --sandbox --by sale-date",
        "add the first day with `--from`",
        "report --sandbox --by sale-date --from 2000-01-01",
        0,
    ),
    (
        "period-empty",
        "audit x.csv --commissions c.csv --from 2026-03-05 --to 2026-03-01",
        "`--from` is the first day",
        "audit x.csv --commissions c.csv --from 2026-03-01 --to 2026-03-05",
        0,
    ),
    (
        "explain-unknown",
        "explain --sandbox nope",
        "`fprecon journal export",
        "journal export --sandbox",
        0,
    ),
    (
        "retry-event",
        "retry --sandbox --event nope --yes",
        "`fprecon journal export` lists the events",
        "journal export --sandbox",
        0,
    ),
    (
        "commissions-not-one",
        "audit x.csv --commissions *.csv",
        "name the list of commissions alone",
        "audit x.csv --commissions c.csv",
        0,
    ),
    (
        "resolution-invalid",
        "plan x.csv --link bad.csv",
        "`refund_event_id,sale_event_id`",
        "plan x.csv --link good.csv",
        0,
    ),
];

/// Codes whose hints are followed in another file of tests: that file, and the name of the test.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "explain-ambiguous",
        "explain.rs",
        "a_name_of_several_exports_is_said_and_one_of_them_can_be_pasted",
    ),
    (
        "api-unreachable",
        "delivery.rs",
        "an_api_that_keeps_failing_ends_the_run_and_resume_sends_the_rest",
    ),
    (
        "interrupted",
        "delivery.rs",
        "sigint_waits_for_what_is_under_way_and_resume_sends_the_rest",
    ),
    (
        "key-refused",
        "delivery.rs",
        "a_wrong_key_stops_the_run_at_once",
    ),
    (
        "left-to-send",
        "answers/left.rs",
        "what_an_earlier_run_left_to_send_is_said_and_goes_out_first",
    ),
    (
        "left-unconfirmed",
        "answers/left.rs",
        "what_an_earlier_run_left_unconfirmed_is_said_and_not_sent_again",
    ),
    (
        "same-refusal",
        "answers/refusals.rs",
        "a_run_of_which_nothing_goes_well_stops_and_resume_sends_all_of_it",
    ),
    (
        "signup-not-sent",
        "answers/customers.rs",
        "sales_wait_for_a_sign_up_that_an_earlier_night_could_not_send",
    ),
    (
        "commission-again",
        "audit/lists.rs",
        "a_commission_that_stands_twice_counts_once_or_not_at_all",
    ),
    (
        "commissions-less-than-sales",
        "dated_commissions.rs",
        "what_a_commission_can_not_say_fails_and_is_not_guessed",
    ),
    (
        "sale-in-account",
        "sales_in_account.rs",
        "held_sales_stay_held_until_somebody_sends_them",
    ),
    (
        "sale-in-account-already",
        "sales_in_account.rs",
        "sales_that_are_there_under_other_ids_are_named_and_nothing_is_sent",
    ),
    (
        "sale-not-compared",
        "sales_in_account.rs",
        "what_can_not_be_compared_is_said_and_held",
    ),
    (
        "sale-undone",
        "undo.rs",
        "later_exports_neither_send_the_sale_again_nor_refund_it_twice",
    ),
    (
        "customer-since-not-set",
        "customer_since.rs",
        "what_leads_to_no_lead_or_to_two_is_left_alone_and_reported",
    ),
    (
        "customer-since-version",
        "customer_since.rs",
        "version_2_has_no_call_for_it",
    ),
    (
        "history-not-marked",
        "history.rs",
        "version_1_marks_a_promoter_whose_every_unpaid_commission_is_in_the_range",
    ),
    (
        "undo-held",
        "undo.rs",
        "a_sale_with_a_refund_that_is_not_settled_is_held_until_that_is",
    ),
    (
        "sale-other-amount",
        "sales_in_account.rs",
        "another_amount_under_the_same_id_is_said_and_held",
    ),
    (
        "sale-other-customer",
        "sales_in_account.rs",
        "a_sale_of_another_customer_under_the_same_id_needs_attention",
    ),
    (
        "sale-denied",
        "sales_in_account.rs",
        "a_refund_of_a_denied_sale_is_held",
    ),
    (
        "undo-left-out",
        "undo.rs",
        "the_rest_after_the_first_events_is_not_buried_by_their_undo",
    ),
    (
        "undo-not-compared",
        "undo_account.rs",
        "without_a_complete_list_nothing_is_undone_unless_somebody_says_so",
    ),
    (
        "undo-paid",
        "undo_account.rs",
        "commissions_that_are_marked_as_paid_are_named_before_the_question",
    ),
    (
        "undo-partial",
        "undo.rs",
        "neither_an_undo_nor_what_others_sent_is_undone",
    ),
    (
        "undo-refused",
        "undo.rs",
        "an_undo_that_is_interrupted_is_finished_by_resume",
    ),
    (
        "paused",
        "first_events.rs",
        "the_first_events_are_sent_alone_and_resume_sends_the_rest",
    ),
    (
        "listing-changes",
        "audit/fetching.rs",
        "a_list_that_changes_while_it_is_read_is_read_anew",
    ),
    (
        "listing-unordered",
        "audit/theirs.rs",
        "a_list_without_order_that_moves_is_no_ground_for_a_verdict",
    ),
    (
        "listing-unreadable",
        "audit/fetching.rs",
        "fetching_goes_on_where_the_api_failed",
    ),
    (
        "limit-lower",
        "reports.rs",
        "a_limit_that_sending_has_found_is_said_everywhere",
    ),
    (
        "variable-unknown",
        "errors/hints_of_commands.rs",
        "a_misspelled_variable_is_refused_with_the_one_that_was_meant",
    ),
    (
        "account-id-missing",
        "errors/hints_of_commands.rs",
        "without_an_id_of_the_account_the_configuration_gives_one",
    ),
    (
        "account-missing",
        "accounts.rs",
        "without_a_name_nothing_is_sent_and_the_accounts_are_named",
    ),
    (
        "account-unknown",
        "accounts.rs",
        "without_a_name_nothing_is_sent_and_the_accounts_are_named",
    ),
    (
        "wid-missing",
        "errors/hints_of_commands.rs",
        "without_an_id_of_the_account_the_configuration_gives_one",
    ),
    (
        "key-missing",
        "errors/hints_of_commands.rs",
        "without_a_key_the_environment_or_a_file_gives_one",
    ),
    (
        "report",
        "errors/hints_of_commands.rs",
        "a_report_that_cannot_be_written_is_made_again",
    ),
    (
        "sandbox-has-none",
        "errors/hints_of_commands.rs",
        "the_sandbox_inside_has_no_commissions_and_one_of_its_own_has",
    ),
    (
        "held-not-audited",
        "errors/hints_of_commands.rs",
        "what_is_held_and_not_audited_is_said_by_plan",
    ),
    (
        "redaction-key",
        "errors/hints_of_commands.rs",
        "an_old_journal_is_brought_up_to_date_by_the_command_of_the_hint",
    ),
    (
        "sheet-undecided",
        "workbooks.rs",
        "of_several_sheets_the_hint_leads_to_the_right_one",
    ),
    (
        "counts-less",
        "identity.rs",
        "a_payment_that_was_sent_whole_and_of_which_less_counts_needs_attention",
    ),
    (
        "value-unknown",
        "words.rs",
        "each_answer_to_an_unknown_word_followed_literally_leads_to_what_it_says",
    ),
    (
        "report-event-unknown",
        "handed_back.rs",
        "a_row_of_a_report_keeps_its_event_id",
    ),
    (
        "refund-failed",
        "not_paid.rs",
        "a_refund_that_was_sent_and_failed_needs_attention",
    ),
    (
        "sale-not-paid",
        "not_paid.rs",
        "a_sale_that_was_sent_and_was_not_paid_has_its_refund_held",
    ),
    (
        "repeats-unconfirmed",
        "answers/retry.rs",
        "what_a_report_has_as_unconfirmed_is_said_and_asked_for_before_anything_else",
    ),
    (
        "journal-lost",
        "journal_damage.rs",
        "row_36_a_backup_that_is_restored_is_refused_and_goes_on_where_somebody_says_so",
    ),
    (
        "sales-twice",
        "several_exports.rs",
        "two_kinds_with_the_same_sales_under_other_ids_are_refused",
    ),
    (
        "report-directory",
        "journal_file.rs",
        "a_directory_in_which_the_report_would_overwrite_an_input_is_refused",
    ),
    (
        "accepted-not-sent",
        "sales_in_account.rs",
        "what_was_accepted_as_held_is_not_sent_once_nothing_holds_it",
    ),
    (
        "refund-after-loss",
        "lost_journal.rs",
        "after_an_older_copy_only_what_is_new_of_a_running_total_is_sent",
    ),
    (
        "payout-open",
        "history.rs",
        "a_payout_that_was_left_open_is_said_until_it_is_settled",
    ),
    (
        "accept-refused",
        "accept.rs",
        "what_is_not_sent_is_sent_before_it_can_be_accepted",
    ),
    (
        "header-again",
        "reading.rs",
        "a_header_in_the_midst_of_a_file_is_not_a_row",
    ),
    (
        "output-input",
        "hostile/system.rs",
        "row_39c_no_file_that_is_needed_is_overwritten",
    ),
    (
        "run-pruned",
        "prune.rs",
        "reports_of_what_was_pruned_are_refused_by_name",
    ),
    (
        "rate-above-limit",
        "doctor.rs",
        "a_rate_above_the_documented_limit_warns_in_plan_run_and_doctor",
    ),
    (
        "key-file-readable",
        "hostile/secrets.rs",
        "row_43c_a_key_file_that_others_can_read_warns_with_the_command",
    ),
    (
        "open-files",
        "hostile/system.rs",
        "row_25b_too_few_open_files_are_an_error_with_a_hint",
    ),
    (
        "threads",
        "hostile/system.rs",
        "row_25c_too_few_threads_are_an_error_with_a_hint",
    ),
    (
        "output-not-written",
        "hostile/pipes.rs",
        "row_41a_a_full_disk_under_standard_output_is_said",
    ),
];

/// Codes whose hint names nothing that this program could do: a person has to look something up, to
/// export a file again, or to report a bug; or there is no hint at all.
const FOR_A_PERSON: &[&str] = &[
    "not-pruned",
    "metrics-not-written",
    "not-notified",
    "reason-missing",
    "accept-mixed",
    "accepted-unusable",
    "report-unknown",
    "report-unreadable",
    "config-missing",
    "config-not-written",
    "demo-directory",
    "sandbox",
    "tier-invalid",
    "usage",
    "account-clash",
    "already-failed",
    "amount-cut",
    "amount-hundredfold",
    "archive-cut-off",
    "archive-damaged",
    "archive-encrypted",
    "archive-member-skipped",
    "folder-file-skipped",
    "archive-method",
    "archive-nested",
    "archive-too-large",
    "archive-without-csv",
    "audit-missing",
    "audit-not-written",
    "balance-differs",
    "ca-file-unusable",
    "client",
    "compressed",
    "currency-converted",
    "cell-error",
    "cells-merged",
    "date-in-future",
    "dates-not-taken",
    "encoding-other",
    "export-empty",
    "export-hundredfold",
    "export-missing",
    "export-unreadable",
    "export-without-rows",
    "field-too-long",
    "header-too-wide",
    "id-damaged",
    "imbalance",
    "internal",
    "invoice-missing",
    "invisible-characters",
    "invoice-without-payment",
    "journal",
    "journal-damaged",
    "journal-not-exported",
    "last-line-open",
    "lead-list-unusable",
    "listing",
    "listing-not-kept",
    "not-csv",
    "not-windows-1252",
    "nul-byte",
    "rate-changed",
    "rate-old",
    "rates-invalid",
    "reader-disagreement",
    "refund-above-sale",
    "refund-before-sale",
    "row-ignored",
    "row-disputed",
    "row-remarkable",
    "row-too-long",
    "row-unpaid",
    "row-without-first",
    "rows-hidden",
    "sale-after-cancellation",
    "sheet-missing",
    "sheets-hidden",
    "sheets-left-out",
    "server-untrusted",
    "status-unknown",
    "temporary-file",
    "uid-shared",
    "utf-16",
    "workbook-damaged",
    "workbook-too-large",
];

/// Codes with a hint that no test follows, and why.
const NOT_FOLLOWED: &[(&str, &str)] = &[
    (
        "event-twice",
        "an error of the audit without a hint: both places are in the message",
    ),
    (
        "listing-old",
        "the listing has to be a day old, and no test turns the clock of `audit`",
    ),
    (
        "listing-short",
        "the sandbox never counts otherwise than it lists; the hint is that of `listing-unreadable`",
    ),
    (
        "profile-not-proposed",
        "what is missing in the file has to be exported again",
    ),
];

#[test]
fn each_hint_followed_literally_leads_to_what_it_says() {
    let page = page();
    let mut wrong = Vec::new();
    for (code, step, right) in FOLLOWED {
        let section = example(&page, code);
        let place = Place::new();
        let (mut config, mut csv) = (String::new(), String::new());
        let mut bytes = Vec::new();
        let mut arguments = vec!["plan", "x.csv", "--json", "--events", "events.csv"];
        let mut given: Vec<&str> = Vec::new();
        for (info, body) in blocks(section) {
            match info {
                "toml" => config = body.to_owned(),
                "csv" => csv = body.to_owned(),
                "csv escaped" => {
                    csv = body.to_owned();
                    bytes = unescaped(body);
                }
                "sh" => given = body.split_whitespace().skip(3).collect(),
                _ => {}
            }
        }
        match step {
            Do::Configure(more) => config += more,
            Do::Rewrite(all) => config = (*all).to_owned(),
            Do::Fix(cells) => {
                bytes.clear();
                for (from, to) in *cells {
                    assert!(csv.contains(from), "{code}: `{from}`");
                    csv = csv.replace(from, to);
                }
            }
            Do::Call(with) => given = with.to_vec(),
            Do::Add(export) => {
                place.write("y.csv", export);
                given.push("y.csv");
            }
        }
        arguments.extend(given);
        if bytes.is_empty() {
            place.write("x.csv", &csv);
        } else {
            fs::write(place.path("x.csv"), &bytes).unwrap();
        }
        place.write("fprecon.toml", &config);
        let ran = place.run(&arguments);
        let mut events = Vec::new();
        if place.path("events.csv").is_file() {
            let records = place.csv("events.csv");
            let column = |name: &str| records[0].iter().position(|is| is == name).unwrap();
            let columns = ["kind", "event_id", "amount_cents", "plan_state"].map(|name| {
                records[0]
                    .iter()
                    .position(|is| is == name)
                    .unwrap_or_else(|| column("state"))
            });
            for record in &records[1..] {
                events.push(columns.map(|column| record[column].as_str()).join(" "));
            }
        }
        events.sort();
        let is = format!("exit {}: {}", ran.code(), events.join(", "));
        if is != *right {
            wrong.push(format!(
                "{code}\n  is    {is}\n  right {right}\n  {}",
                ran.stderr()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[cfg_attr(not(feature = "polars"), ignore = "this build has no audit")]
fn each_command_that_a_hint_names_does_what_it_says() {
    let place = Place::new();
    place
        .write(
            "x.csv",
            "kind,event_id,email,amount,created_at\nsale,s1,ana@example.com,8.00,2026-03-01\n",
        )
        .write(
            "c.csv",
            "commission_amount,promoter_email,event_id\n1.60,ada@example.com,s1\n",
        )
        .write(
            "new.csv",
            "kind,event_id,email,amount,created_at\nsale,s2,ana@example.com,8.00,2026-03-01\n",
        )
        .write("bad.csv", "a,b\n1,2\n")
        .write("good.csv", "refund_event_id,sale_event_id\n")
        .write("fprecon.toml", "[[audit.rule]]\nrate = \"20\"\n");
    let ran = place.run(&["run", "x.csv", "--sandbox", "--yes"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let mut wrong = Vec::new();
    for (code, command, hint, as_said, exit) in CALLED {
        let arguments: Vec<&str> = command.split(' ').chain(["--json"]).collect();
        let ran = place.run(&arguments);
        let said = format!("{}{}", ran.stdout(), ran.stderr());
        if !said.contains(hint) || ran.code() == 0 {
            wrong.push(format!("{code}: {command}: {} {said}", ran.code()));
        }
        let ran = place.run(&as_said.split(' ').collect::<Vec<_>>());
        if ran.code() != *exit {
            wrong.push(format!(
                "{code}: {as_said}: {} {}",
                ran.code(),
                ran.stderr()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of a hint that are to be added to a file.
fn lines_of_hint(said: &str, code: &str) -> String {
    let hint = said
        .split("  hint: ")
        .nth(1)
        .unwrap_or_else(|| panic!("{code}: {said}"));
    let lines = hint
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("    "));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

/// `row-without-rule`: the lines of the hint are added as they are printed, after the rules that
/// `profiles show` prints where the profile has none of its own.
#[test]
fn a_row_without_a_rule_is_ignored_by_the_lines_of_its_hint() {
    let event = |when: &str| {
        format!(
            "[[exports.mine.event]]\nkind = \"sale\"\nwhen = {{ {when} }}\nevent_id = [\"{{event_id}}\"]\namount = \"amount\"\ncreated_at = [\"created_at\"]\n"
        )
    };
    for (columns, when, zero, odd) in [
        ("", "amount = { sign = \"positive\" }", "0.00,a", "-8.00,a"),
        (
            "[exports.mine.columns]\nshop = \"shop\"\n",
            "shop = [\"a\", \"b\"]",
            "0.00,a",
            "8.00,\"the \"\"c\"\" shop\"",
        ),
        (
            "[exports.mine.columns]\nshop = \"shop\"\n",
            "shop = [\"a\", \"b\"]",
            "0.00,a",
            "8.00,",
        ),
    ] {
        let place = Place::new();
        let mine = format!(
            "[exports.mine]\nextends = \"generic\"\nknown = {{}}\n{columns}{}",
            event(when)
        );
        place.write("fprecon.toml", &mine).write(
            "x.csv",
            &format!("event_id,email,created_at,amount,shop\ns1,ana@example.com,2026-03-01,8.00,a\ns2,ana@example.com,2026-03-01,{zero}\ns3,ana@example.com,2026-03-01,{odd}\n"),
        );
        let said = place.run(&["plan", "x.csv"]).expect(1).stderr();
        assert!(
            said.contains("first copy those that `fprecon profiles show mine` prints"),
            "{said}"
        );
        let shown = place.run(&["profiles", "show", "mine"]).expect(0).stdout();
        let inherited = shown.lines().filter_map(|line| line.strip_prefix('#'));
        let rules = inherited
            .map(str::trim)
            .skip_while(|line| *line != "[[ignore]]");
        let rules: Vec<&str> = rules.take_while(|line| *line != "[known]").collect();
        let copied = rules
            .join("\n")
            .replace("[[ignore]]", "[[exports.mine.ignore]]");
        assert!(copied.contains("zero amount"), "{shown}");
        let copied = copied.replace("[ignore.", "[exports.mine.ignore.");
        let lines = lines_of_hint(&said, "row-without-rule");
        place.write("fprecon.toml", &format!("{mine}{copied}\n{lines}"));
        let planned = place.run(&["plan", "x.csv", "--json"]).expect(0).json();
        assert_eq!(planned["events"]["total"], 1, "{lines}");
        let ignored = planned["ignored"].as_array().unwrap().iter();
        let mut ignored: Vec<String> = ignored
            .map(|of| format!("{} {}", of["rows"], of["reason"].as_str().unwrap()))
            .collect();
        ignored.sort();
        assert_eq!(ignored, ["1 your reason", "1 zero amount"], "{lines}");
    }
}

/// `amount-sign` of a running total: the row is corrected in `rejected.csv`, which is then run.
#[test]
fn a_running_total_with_a_sign_corrected_as_the_hint_says_is_a_refund() {
    let place = Place::new();
    place
        .write(
            "fprecon.toml",
            "[exports.woocommerce-orders]\ndates = { zone = \"Europe/Berlin\" }\n",
        )
        .write(
            "x.csv",
            "Order Number,Order Status,Order Date,Paid Date,Email (Billing),Currency,Order Subtotal Amount,Cart Discount Amount,Order Shipping Amount,Order Total Tax Amount,Order Total Amount,Order Refund Amount\n4,Completed,2026-03-01 10:00,2026-03-01 10:01,dan@example.com,USD,100.00,0,0,0,100.00,-30.00\n",
        );
    let run = ["run", "--sandbox", "--yes", "--dir", "reports", "x.csv"];
    let ran = place.run(&run);
    assert_eq!(ran.code(), 1);
    assert!(
        ran.stderr()
            .contains("write it into `Order Refund Amount` without a sign in the report's file of rejected rows"),
        "{}",
        ran.stderr()
    );
    let rejected = place.path("reports/rejected.csv");
    let text = fs::read_to_string(&rejected).unwrap();
    assert!(text.contains("-30.00"), "{text}");
    // A spreadsheet would run a cell that begins with a sign, so it stands behind an apostrophe.
    let text = text.replace("'-30.00", "30.00").replace("-30.00", "30.00");
    place.write("corrected.csv", &text);
    let ran = place.run(&["plan", "corrected.csv", "--events", "events.csv"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let events = place.read("events.csv");
    assert!(events.contains("4_refund_3000"), "{events}");
}

#[test]
fn every_code_is_in_one_of_the_lists() {
    let found: BTreeSet<&str> = ProblemCode::ALL.iter().map(ProblemCode::as_str).collect();
    let followed = FOLLOWED.iter().map(|(code, _, _)| *code);
    let elsewhere = ELSEWHERE.iter().map(|(code, _, _)| *code);
    let lists = followed
        .chain(elsewhere)
        .chain(CALLED.iter().map(|(code, ..)| *code))
        .chain(FOR_A_PERSON.iter().copied())
        .chain(NOT_FOLLOWED.iter().map(|(code, _)| *code));
    let mut listed = BTreeSet::new();
    for code in lists {
        assert!(listed.insert(code), "{code} is in two lists");
    }
    let missing: Vec<_> = found
        .iter()
        .filter(|code| !listed.contains(**code))
        .collect();
    let extra: Vec<_> = listed
        .iter()
        .filter(|code| !found.contains(**code))
        .collect();
    assert!(
        missing.is_empty(),
        "say what their hints lead to: {missing:?}"
    );
    assert!(extra.is_empty(), "not in the program: {extra:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (code, file, test) in ELSEWHERE {
        let text = fs::read_to_string(root.join("tests/it").join(file)).unwrap();
        assert!(
            text.contains(&format!("fn {test}()")),
            "{code}: {file} has no {test}"
        );
    }
}
