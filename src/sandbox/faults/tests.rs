use super::order::from_option;
use super::{FaultAction, Faults, Subject};
use crate::sandbox::call::{CallKind, Requested};
use crate::sandbox::promoters::stable_hash;

fn subject(kind: CallKind, event_id: Option<&str>) -> Subject<'_> {
    Subject {
        asked: Requested::Track(kind),
        event_id,
        identity: stable_hash(event_id.unwrap_or_default()),
    }
}

fn faults(seed: u64, json: &str) -> Faults {
    let mut faults = Faults::new(seed);
    faults.add(json.as_bytes()).expect("a good order");
    faults
}

#[test]
fn the_first_that_fits_is_used_so_often() {
    let mut faults = faults(
        0,
        r#"[{"action":"close","kind":"refund"},
            {"action":"status","status":500,"times":2,"event_id":"a"}]"#,
    );
    let (a, b) = (Some("a"), Some("b"));
    assert!(faults.take(subject(CallKind::Sale, b)).is_none());
    assert!(faults.take(subject(CallKind::Sale, None)).is_none());
    for _ in 0..2 {
        let fault = faults.take(subject(CallKind::Sale, a)).expect("two times");
        assert!(matches!(fault.action, FaultAction::Answer(answer) if answer.status == 500));
    }
    assert!(faults.take(subject(CallKind::Sale, a)).is_none());
    let fault = faults
        .take(subject(CallKind::Refund, a))
        .expect("any refund");
    assert!(matches!(fault.action, FaultAction::Close));
    assert!(faults.list().is_empty());
}

#[test]
fn calls_can_be_skipped_first() {
    let mut faults = faults(0, r#"{"action":"reset","skip":2}"#);
    let mut take = || faults.take(subject(CallKind::Sale, Some("a"))).is_some();
    assert_eq!(
        [take(), take(), take(), take()],
        [false, false, true, false]
    );
}

/// Returns which of a thousand events are hit, if the events come in this order.
fn hit(seed: u64, order: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut faults = faults(seed, r#"{"action":"close","percent":12.5}"#);
    let mut hit: Vec<usize> = order
        .filter(|n| {
            faults
                .take(subject(CallKind::Sale, Some(&n.to_string())))
                .is_some()
        })
        .collect();
    hit.sort_unstable();
    hit
}

#[test]
fn a_rate_is_the_seeds_and_not_the_orders() {
    let first = hit(7, 0..1000);
    assert!((90..160).contains(&first.len()), "{}", first.len());
    assert_eq!(hit(7, (0..1000).rev()), first);
    assert_ne!(hit(8, 0..1000), first);
}

#[test]
fn asking_again_is_a_new_draw() {
    let mut faults = faults(1, r#"{"action":"close","percent":"50"}"#);
    for n in 0..100 {
        let event_id = n.to_string();
        let let_through = (0..64).any(|_| {
            faults
                .take(subject(CallKind::Sale, Some(&event_id)))
                .is_none()
        });
        assert!(let_through, "half of the draws can't always hit {n}");
    }
}

#[test]
fn listings_have_faults_of_their_own() {
    let listing = Subject {
        asked: Requested::Lead,
        event_id: None,
        identity: 0,
    };
    let mut faults = faults(
        0,
        r#"[{"action":"close"},{"action":"reset","kind":"listing"}]"#,
    );
    let fault = faults.take(listing).expect("the second");
    assert!(matches!(fault.action, FaultAction::Reset));
    assert!(faults.take(listing).is_none());
}

#[test]
fn options_are_short_for_json() {
    let orders = from_option("status, status=503,retry_after=2,percent=0.5,after_effect");
    let told = serde_json::to_value(orders.expect("it is good")).expect("it is JSON");
    let expected = serde_json::json!([{
        "action": "status", "status": 503, "retry_after": 2, "percent": "0.5",
        "after_effect": true
    }]);
    assert_eq!(told, expected);
    assert!(from_option("close,event_id=12").is_ok());
    assert!(from_option(r#"[{"action":"close"}]"#).is_ok());
    for bad in ["", "explode", "status", "close,often", "close,percent=101"] {
        assert!(from_option(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_bad_order_adds_nothing() {
    let mut faults = Faults::new(0);
    for json in [
        r#"[{"action":"close"},{"action":"delay"}]"#,
        r#"{"action":"status"}"#,
        r#"{"action":"status","status":99}"#,
        r#"{"action":"close","times":0}"#,
        r#"{"action":"close","often":2}"#,
        r#"{"action":"close","percent":-1}"#,
        r#"{"action":"redirect"}"#,
        r#"{"action":"redirect","location":"http://x","status":200}"#,
        r#"{"action":"status","status":429,"retry_after":"\n"}"#,
        "",
    ] {
        assert!(faults.add(json.as_bytes()).is_err(), "{json}");
    }
    assert!(faults.list().is_empty());
}
