//! One rate, measured where requests arrive: real minutes against a real sandbox, so that these tests
//! take up to three minutes and run only where they are asked for:
//! `cargo test --test it delivery_rate -- --ignored`. `src/send/pace/tests.rs` plays hours in seconds.

use crate::support::{Payment, Place, SandboxProcess, stripe_export};
use serde_json::Value;

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];
const MINUTE_MS: u64 = 60_000;

/// Sends so many sales, each of a customer of its own, at so many a minute; gives the arrivals.
fn send(count: u32, per_minute: u32, sandbox: &SandboxProcess) -> Vec<Value> {
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    let mut command = place.command_to(sandbox, RUN);
    command.env("FPRECON_REQUESTS_PER_MINUTE", per_minute.to_string());
    let report = crate::support::Ran(command.output().unwrap())
        .expect(0)
        .json();
    assert_eq!(report["outcomes"]["tracked"]["count"], count);
    assert_eq!(sandbox.events().len(), count as usize);
    sandbox.arrivals()
}

fn at_ms(arrivals: &[Value]) -> Vec<u64> {
    let at = arrivals.iter().map(|arrival| arrival["at_ms"].as_u64());
    at.map(Option::unwrap).collect()
}

/// The most arrivals in any minute, from each arrival on, its last instant with it.
fn most_in_a_minute(at_ms: &[u64]) -> usize {
    let from = |first: &u64| {
        let end = at_ms.partition_point(|at| at - at_ms[0] <= first - at_ms[0] + MINUTE_MS);
        end - at_ms.partition_point(|at| at < first)
    };
    at_ms.iter().map(from).max().unwrap()
}

#[ignore = "takes a real minute and a half"]
#[test]
fn no_minute_at_the_server_has_more_than_the_ceiling_and_99_percent_of_it_are_used() {
    let per_minute = 2400;
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "40"]);
    let at_ms = at_ms(&send(3600, per_minute, &sandbox));
    let most = most_in_a_minute(&at_ms);
    let elapsed_ms = at_ms[at_ms.len() - 1] - at_ms[0];
    let ideal = u64::from(per_minute) * elapsed_ms / MINUTE_MS;
    let used_per_mille = (at_ms.len() - 1) as u64 * 1000 / ideal;
    println!("at most {most} of {per_minute} in a minute, {used_per_mille} per mille of it used");
    assert!(most <= per_minute as usize, "{most}");
    assert!(used_per_mille >= 990, "{used_per_mille}");
}

#[ignore = "takes nearly three real minutes"]
#[test]
fn a_lower_limit_of_the_account_is_learned_and_kept() {
    let limit = 600;
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--requests-per-minute", "600"]);
    let arrivals = send(1500, 1200, &sandbox);
    let refused = arrivals.iter().filter(|arrival| arrival["status"] == 429);
    let refused = refused.count();
    let at_ms = at_ms(&arrivals);
    let elapsed_ms = at_ms[at_ms.len() - 1] - at_ms[0];
    let used_percent = 1500 * 100 * MINUTE_MS / (limit * elapsed_ms);
    println!(
        "{refused} of {} refused, {used_percent} % of the limit used",
        arrivals.len()
    );
    assert!(refused <= 40, "{refused}");
    assert!(used_percent >= 90, "{used_percent}");
}
