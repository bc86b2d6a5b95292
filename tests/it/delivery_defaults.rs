//! What every request carries unless the user says otherwise, and by which way it goes.

use crate::support::{KEY, Place, Ran, SandboxProcess, Server, form, respond};
use serde_json::Value;

const RUN: &[&str] = &["run", "events.csv", "--yes", "--json"];
const EXPORT: &str = "\
kind,event_id,sale_event_id,email,uid,amount,created_at,plan,mrr,promo_code,quantity,first_name,last_name
sale,s1,,ann@example.com,u1,20.00,2026-01-05T10:30:00Z,pro,9.50,ANN10,3,Ann,Lee
refund,r1,s1,ann@example.com,u1,5.00,2026-01-06T08:00:00Z,,,,,,
cancellation,c1,,ann@example.com,u1,,2026-02-01T00:00:00Z,,,,,,
sale,s2,,bo@example.com,,7.00,2026-01-07T00:00:00Z,,,,,,
cancellation,c2,,bo@example.com,,,,,,,,,
";

fn arrivals(configuration: &str) -> Vec<Value> {
    let place = Place::new();
    place
        .write("events.csv", EXPORT)
        .write("fprecon.toml", configuration);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.run_to(&sandbox, RUN).expect(0);
    sandbox.arrivals()
}

fn of<'a>(arrivals: &'a [Value], kind: &str, email: &str) -> &'a Value {
    let path = format!("/api/v1/track/{kind}");
    let found = arrivals.iter().find(|arrival| {
        arrival["path"] == path.as_str() && form(arrival, "email").as_deref() == Some(email)
    });
    found.unwrap()
}

#[test]
fn dates_go_along_and_promoters_are_not_notified() {
    let arrivals = arrivals("");
    assert_eq!(arrivals.len(), 5);
    for arrival in &arrivals {
        let skips = form(arrival, "skip_email_notification");
        assert_eq!(skips.as_deref(), Some("true"), "{arrival}");
        assert_eq!(form(arrival, "wid").as_deref(), Some("wid-1"));
    }
    for (kind, date) in [
        ("sale", "2026-01-05T10:30:00Z"),
        ("refund", "2026-01-06T08:00:00Z"),
        ("cancellation", "2026-02-01T00:00:00Z"),
    ] {
        let arrival = of(&arrivals, kind, "ann@example.com");
        assert_eq!(form(arrival, "created_at").as_deref(), Some(date), "{kind}");
    }
    let undated = of(&arrivals, "cancellation", "bo@example.com");
    assert_eq!(form(undated, "created_at"), None, "no date is made up");
}

#[test]
fn what_the_export_has_goes_along() {
    let arrivals = arrivals("");
    let sale = of(&arrivals, "sale", "ann@example.com");
    for (name, value) in [
        ("event_id", "s1"),
        ("uid", "u1"),
        ("amount", "2000"),
        ("plan", "pro"),
        ("mrr", "950"),
        ("promo_code", "ANN10"),
        ("quantity", "3"),
        ("first_name", "Ann"),
        ("last_name", "Lee"),
    ] {
        assert_eq!(form(sale, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(form(sale, "currency"), None, "it is the account's");
    let refund = of(&arrivals, "refund", "ann@example.com");
    assert_eq!(form(refund, "sale_event_id").as_deref(), Some("s1"));
    let bare = of(&arrivals, "sale", "bo@example.com");
    for name in ["uid", "plan", "mrr", "promo_code", "quantity", "first_name"] {
        assert_eq!(form(bare, name), None, "{name}");
    }
    let cancellation = of(&arrivals, "cancellation", "ann@example.com");
    assert_eq!(
        form(cancellation, "event_id"),
        None,
        "the original API takes none"
    );
}

#[test]
fn promoters_are_notified_where_the_user_wants_that() {
    for arrival in arrivals("[send]\nnotify_promoters = true\n") {
        assert_eq!(form(&arrival, "skip_email_notification"), None);
    }
}

/// A proxy that lets nobody through.
fn proxy() -> (Server, String) {
    let server = Server::start(|_, stream| respond(stream, "502 Bad Gateway", "", b""));
    let address = server.base_url.trim_end_matches("/api/v1").to_owned();
    (server, address)
}

/// A run to an address outside, by way of these variables.
fn run_outside(variables: &[(&str, &str)]) -> Ran {
    let place = Place::new();
    place.write("events.csv", EXPORT);
    let mut command = place.command_at("https://api.firstpromoter.test/api/v1", RUN);
    command
        .envs(variables.iter().copied())
        .env("FPRECON_CONNECT_TIMEOUT_SECONDS", "2")
        .env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(command.output().unwrap())
}

#[test]
fn the_usual_variables_name_a_proxy_and_it_sees_no_key() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let (proxy, address) = proxy();
        let report = run_outside(&[(name, &address)]).expect(5).json();
        assert_eq!(report["outcomes"]["not_sent"]["count"], 5, "{name}");
        let requests = proxy.requests();
        assert!(!requests.is_empty(), "{name}");
        for request in requests {
            let line = "CONNECT api.firstpromoter.test:443 ";
            assert!(request.starts_with(line), "{name}: {request}");
            assert!(
                !request.contains(KEY) && !request.contains("ann@"),
                "{request}"
            );
        }
    }
    let (proxy, address) = proxy();
    let variables = [
        ("HTTPS_PROXY", &*address),
        ("NO_PROXY", "firstpromoter.test"),
    ];
    run_outside(&variables).expect(5);
    assert_eq!(proxy.requests().len(), 0, "not for this host");
}

#[test]
fn what_is_meant_for_this_machine_goes_past_every_proxy() {
    let (proxy, address) = proxy();
    let place = Place::new();
    place.write("events.csv", EXPORT);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let mut command = place.command_to(&sandbox, RUN);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, &address);
    }
    Ran(command.output().unwrap()).expect(0);
    assert_eq!(proxy.requests().len(), 0);
    assert_eq!(sandbox.arrivals().len(), 5);
}

#[test]
fn nothing_but_https_goes_out_of_this_machine() {
    let place = Place::new();
    place.write("events.csv", EXPORT);
    for base_url in [
        "http://api.firstpromoter.test/api/v1",
        "http://127.0.0.1.firstpromoter.test/api/v1",
        "http://localhost.firstpromoter.test/api/v1",
        "http://10.0.0.1/api/v1",
        "http://0.0.0.0/api/v1",
        "ftp://127.0.0.1/api/v1",
        "file:///etc/passwd",
    ] {
        let ran = Ran(place.command_at(base_url, RUN).output().unwrap()).expect(3);
        assert!(
            ran.stderr().contains("not HTTPS"),
            "{base_url}: {}",
            ran.stderr()
        );
        assert!(
            !place.path("fprecon.journal").exists(),
            "nothing is recorded"
        );
    }
    for base_url in [
        "https://user:pass@api.firstpromoter.test/api/v1",
        "https://x.test/v1?a=b",
    ] {
        let ran = Ran(place.command_at(base_url, RUN).output().unwrap()).expect(3);
        assert!(!ran.stderr().contains("pass@"), "{}", ran.stderr());
    }
}
