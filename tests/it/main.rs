//! The tests of the whole program: the real binary, real files, and a real sandbox over HTTP. They are one
//! binary, so that they are linked once, and run beside each other. What changes the state of a process
//! (its folder, its environment, its limits) does so in a process that the test starts.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests: a broken set-up is a failed test, and one that is skipped says so"
)]

mod accept;
mod accounts;
mod after_run;
mod answers;
mod audit;
mod audit_generated;
mod audit_months;
mod bad_input;
mod cancellations;
mod cells;
mod command_line;
mod crash;
mod currencies;
mod customer_since;
mod customers;
mod date_range;
mod dated_commissions;
mod days_without_time;
mod delivery;
mod delivery_defaults;
mod delivery_lead_list;
mod delivery_network;
mod delivery_rate;
mod delivery_signups;
mod delivery_v2;
mod doctor;
mod errors;
mod every_export;
mod explain;
mod faults_input;
mod faults_power;
mod faults_system;
mod first_events;
mod first_run;
mod folders;
mod handed_back;
mod history;
mod hostile;
mod html_report;
mod identity;
mod init;
mod init_commissions;
mod init_not_paid;
mod init_refunds_and_tax;
mod init_rows;
mod init_values;
mod journal;
mod journal_damage;
mod journal_file;
mod key_command;
mod linking;
mod log_lines;
mod lost_journal;
mod main_job;
mod missing_dates;
mod month_report;
mod months;
mod not_paid;
#[cfg(feature = "object-store")]
mod object_storage;
mod packaging;
mod pages;
mod paid_once;
mod plan_explained;
mod profiles;
mod prune;
mod reading;
mod real_exports;
mod refund_shapes;
mod reliability;
mod report_places;
mod reports;
mod resaved;
mod sales_in_account;
mod sandbox;
mod sandbox_clients;
mod sandbox_fuzz;
mod sandbox_openapi;
mod sanity;
mod several_exports;
mod structure;
mod support;
mod terminals;
mod undo;
mod undo_account;
mod unpaid_history;
mod words;
mod workbooks;
