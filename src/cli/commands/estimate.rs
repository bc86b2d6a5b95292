//! Estimates the requests of a run, and how long they take.

use serde::Serialize;

use crate::cli::settings::EffectiveSettings;
use crate::send::LeadList;

/// The greatest number of requests and the duration of sending.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Estimate {
    pub(super) requests: u64,
    pub(super) seconds: u64,
    /// The effect of the list of leads, if it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lead_list: Option<ListEstimate>,
}

/// The part of an estimate that depends on the list of leads, and the estimate without it.
#[derive(Clone, Copy, Serialize)]
pub(super) struct ListEstimate {
    pub(super) leads: u64,
    /// The requests for the list itself; all others are one for each event.
    pub(super) requests: u64,
    pub(super) requests_without: u64,
    pub(super) seconds_without: u64,
}

impl Estimate {
    /// Estimates one request for each event, at the greatest request rate.
    pub(super) fn new(to_send: u64, settings: &EffectiveSettings) -> Self {
        let per_minute = u64::from(settings.send.requests_per_minute.get());
        Estimate {
            requests: to_send,
            seconds: (to_send * 60).div_ceil(per_minute),
            lead_list: None,
        }
    }

    /// Returns the estimate with the list of leads, which settles all events except `asked_for`.
    pub(super) fn with_list(
        self,
        list: &LeadList,
        asked_for: u64,
        settings: &EffectiveSettings,
    ) -> Self {
        Estimate {
            lead_list: Some(ListEstimate {
                leads: list.len() as u64,
                requests: list.requests,
                requests_without: self.requests,
                seconds_without: self.seconds,
            }),
            ..Self::new(list.requests + asked_for, settings)
        }
    }

    /// Returns the time in words: `13 min`, `42 h 5 min`.
    pub(super) fn in_words(self) -> String {
        time_in_words(self.seconds)
    }
}

/// Returns a time in words: `40 s`, `13 min`, `42 h 5 min`.
pub(super) fn time_in_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => {
            let minutes = seconds.div_ceil(60);
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}
