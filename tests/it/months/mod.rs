//! Months of an account, night by night: the real binary, a real sandbox, customers who become leads,
//! change their emails, buy, get refunds, cancel and come back, and everything that goes wrong with
//! requests and processes. A model that shares no code with the program says what must come of it.
//!
//! `FPRECON_MONTHS` says how many months there are to be, from the seed `FPRECON_MONTHS_FROM` on (1);
//! `FPRECON_MONTHS_SEED` repeats one.

mod model;
mod month;
mod world;

use month::Pruning;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The months that are played where nothing else is asked for: between them they have all that there is.
const SEEDS: [u64; 3] = [2, 13, 22];
/// The month that is played with a journal that is pruned: twice a night its decisions are compared.
const PRUNED_SEED: u64 = 13;
/// So many months have all that there is, whichever they are.
const MANY: usize = 60;
/// A month mostly waits: for requests that are asked again, and for limits.
const AT_A_TIME: usize = 8;

/// What the months must have had, each at least once: a generator that never makes a thing tests nothing
/// of it.
const EVERYTHING: &[&str] = &[
    "a 429",
    "a 500",
    "a 503 after the event was recorded",
    "a call with the list of leads",
    "a cancellation that is not a referral",
    "a cancellation tracked",
    "a cancellation unconfirmed",
    "a customer who comes back",
    "a cut",
    "a drip",
    "a full disk",
    "a kill",
    "a lead made at FirstPromoter",
    "a lost answer",
    "a night with a wrong key",
    "a night with two calls",
    "a night without a run",
    "a night without an answer",
    "a refund a week later, or more",
    "a refund row",
    "a refund that is not a referral",
    "a refund tracked",
    "a reset",
    "a row that is fixed the next day",
    "a running total",
    "a running total that grew",
    "a sale that is not a referral",
    "a sale that was there already",
    "a sale tracked",
    "a sale whose customer signed up since",
    "a second refund row",
    "a sign-up that was there already",
    "a sign-up tracked",
    "an email that changes",
    "an email that is corrected",
    "asked again under another email",
    "half an answer",
    "sales that wait for another night's sign-up",
    "settled by an earlier night",
    "taken over from an earlier run",
    "what was left resumed after the night's own call",
    "what was left resumed first",
];

/// What a month with a journal that is pruned every week must have had, too.
const OF_PRUNED: &[&str] = &[
    "a journal that was pruned",
    "a pruned copy that decides as the whole one does",
];

#[test]
fn months_of_nights_with_faults_come_to_what_a_model_says() {
    play_months(Pruning::Never);
}

#[test]
fn the_same_months_with_a_journal_that_is_pruned_every_week() {
    play_months(Pruning::Weekly);
}

fn play_months(pruning: Pruning) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    if let Some(seed) = number("FPRECON_MONTHS_SEED") {
        eprintln!("{:#?}", month::play(seed, pruning));
        return;
    }
    let first = number("FPRECON_MONTHS_FROM").unwrap_or(1);
    let seeds: Vec<u64> = match number("FPRECON_MONTHS") {
        Some(wanted) => (first..first + wanted).collect(),
        None => match pruning {
            Pruning::Never => SEEDS.to_vec(),
            Pruning::Weekly => vec![PRUNED_SEED],
        },
    };
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(BTreeMap::<&str, u64>::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(seeds.len()) {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(turn) else {
                        return;
                    };
                    // One that fails is no reason not to look at the others.
                    let Ok(of_month) = std::panic::catch_unwind(|| month::play(seed, pruning))
                    else {
                        eprintln!("repeat it with FPRECON_MONTHS_SEED={seed}");
                        failed.lock().unwrap().push(seed);
                        continue;
                    };
                    eprintln!("month {seed}: {of_month:?}");
                    let mut seen = seen.lock().unwrap();
                    for (what, n) in of_month {
                        *seen.entry(what).or_default() += n;
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "of {} months, these failed: {failed:?}",
        seeds.len()
    );
    let seen = seen.into_inner().unwrap();
    eprintln!("{} months: {seen:#?}", seeds.len());
    let of_months = match () {
        () if seeds == SEEDS || seeds.len() >= MANY => EVERYTHING,
        () => &[],
    };
    let of_pruned = match pruning {
        Pruning::Never => &[],
        Pruning::Weekly if number("FPRECON_MONTHS").is_some() && seeds.len() < MANY => &[],
        Pruning::Weekly => OF_PRUNED,
    };
    let missing: Vec<_> = of_months
        .iter()
        .chain(of_pruned)
        .filter(|what| !seen.contains_key(*what))
        .collect();
    assert!(missing.is_empty(), "no month had {missing:?}");
}
