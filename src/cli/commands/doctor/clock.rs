//! Checks the clock of this machine, by which runs are named and dates are judged.

use jiff::{SignedDuration, Timestamp};

use super::{Check, CheckState, Findings};

const CHECK: Check = Check::Clock;

/// The time by which clocks may differ.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The year before which no clock is right: this program is younger.
const FIRST_YEAR: i16 = 2026;
/// The year from which on a clock is taken for wrong.
const LAST_YEAR: i16 = 2100;

const HINT: &str = "set the clock, such as by NTP";

/// Compares the clock with what is known: the last run of the journal, and the time that the server gave together
/// with that of this machine at that moment.
pub(super) fn check(
    last_run: Option<Timestamp>,
    times: Option<(Timestamp, Timestamp)>,
    findings: &mut Findings,
) {
    let now = Timestamp::now();
    let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    let before = findings.results.len();
    let shown = now.strftime("%Y-%m-%d %H:%M:%S UTC");
    let mut warn =
        |message: String| findings.add_with_hint(CHECK, CheckState::Warning, message, HINT);
    if !(FIRST_YEAR..LAST_YEAR).contains(&year) {
        warn(format!("it is {shown}, which cannot be right"));
    }
    if let Some(last) = last_run.filter(|last| last.duration_since(now) > TOLERANCE) {
        warn(format!(
            "it is {shown}, and the journal has a run of {last}"
        ));
    }
    if let Some((server, own)) = times {
        let ahead = own.duration_since(server);
        if ahead.abs() > TOLERANCE {
            let side = if ahead.is_negative() {
                "behind"
            } else {
                "ahead of"
            };
            let seconds = ahead.abs().as_secs();
            warn(format!(
                "it is {shown}, {seconds} s {side} the server's clock"
            ));
        }
    }
    if findings.results.len() > before {
        return;
    }
    let compared = match times {
        Some(_) => "as the server's clock",
        None => "not compared with a server's clock",
    };
    findings.add(CHECK, CheckState::Ok, format!("{shown}, {compared}"));
}
