//! Any bytes at all, where the program reads what somebody else wrote: row 35 of the table in
//! `docs/reliability.md`. The exports have tests of their own beside the reader.
//!
//! `FPRECON_FUZZ_ROUNDS` says how many; `FPRECON_FUZZ_SEED` repeats them.

use std::fs;
use std::io::Write;

use crate::support::{Payment, Place, Ran, Server, respond, stripe_export};

const ROUNDS: u64 = 60;

struct Chance {
    rng: fastrand::Rng,
    rounds: u64,
}

impl Chance {
    fn new() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
        let seed = number("FPRECON_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
        eprintln!("FPRECON_FUZZ_SEED={seed} repeats these");
        Chance {
            rng: fastrand::Rng::with_seed(seed),
            rounds: number("FPRECON_FUZZ_ROUNDS").unwrap_or(ROUNDS),
        }
    }

    /// Noise, or something sound with a few bytes changed, cut out or doubled.
    fn bytes(&mut self, sound: &str) -> Vec<u8> {
        let rng = &mut self.rng;
        if rng.u8(..4) == 0 {
            let length = rng.usize(..400);
            return (0..length).map(|_| rng.u8(..)).collect();
        }
        let mut bytes = sound.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len().max(1));
            let end = (at + rng.usize(..20)).min(bytes.len());
            match rng.u8(..4) {
                0 if at < bytes.len() => bytes[at] = rng.u8(..),
                1 => drop(bytes.drain(at.min(end)..end)),
                2 => {
                    let piece = bytes[at.min(end)..end].to_vec();
                    bytes.splice(end..end, piece);
                }
                _ => bytes.insert(at.min(bytes.len()), b"\"[]={}.\n\0'#"[rng.usize(..11)]),
            }
        }
        bytes
    }
}

#[track_caller]
fn expect_an_answer(ran: &Ran, codes: &[i32], bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(
        codes.contains(&ran.code()) && !ran.stderr().contains("panicked"),
        "{} after {text}\n{}",
        ran.code(),
        ran.stderr()
    );
}

#[test]
fn row_35_any_bytes_as_a_configuration_or_a_profile_give_an_answer() {
    let mut chance = Chance::new();
    let place = Place::new();
    let config = "[api]\nversion = \"v1\"\nwid = \"w\"\naccount_currency = \"EUR\"\n\n[send]\n\
        requests_per_minute = 380\nlead_list = false\n\n[exports.shop]\nextends = \"generic\"\n\n\
        [exports.shop.columns]\nevent_id = \"Order\"\namount = \"Total\"\n";
    let profile = place
        .run(&["profiles", "show", "stripe-payments"])
        .expect(0);
    let profile = profile.stdout();
    place.write("payments.csv", &stripe_export(&[Payment::paid(1, 1)]));
    for _ in 0..chance.rounds {
        let bytes = chance.bytes(config);
        fs::write(place.path("fprecon.toml"), &bytes).unwrap();
        let first = place.run(&["config"]);
        expect_an_answer(&first, &[0, 3], &bytes);
        assert_eq!(first.0, place.run(&["config"]).0, "always the same");
        fs::remove_file(place.path("fprecon.toml")).unwrap();

        let bytes = chance.bytes(&profile);
        fs::write(place.path("mine.toml"), &bytes).unwrap();
        let plan = ["plan", "payments.csv", "--profile", "mine.toml"];
        expect_an_answer(&place.run(&plan), &[0, 1, 3], &bytes);
    }
}

#[test]
fn row_35_any_bytes_as_an_answer_of_the_api_settle_nothing_as_tracked() {
    let mut chance = Chance::new();
    let sound = "{\"id\": 1, \"type\": \"sale\", \"promoter\": {\"email\": \"p@example.com\"}}";
    let statuses = [
        "400 Bad Request",
        "404 Not Found",
        "409 Conflict",
        "422 Unprocessable",
        "500 Oh",
    ];
    for round in 0..chance.rounds / 6 {
        let noise: Vec<Vec<u8>> = (0..8).map(|_| chance.bytes(sound)).collect();
        let kept = noise.clone();
        let status = statuses[(round % 5) as usize];
        let server = Server::start(move |request, stream| {
            let place = request.len() + request.matches('1').count();
            let bytes = &kept[place % kept.len()];
            // Now and then even the head is noise.
            match place % 5 {
                0 => drop(stream.write_all(bytes)),
                _ => respond(stream, status, "content-type: application/json\r\n", bytes),
            }
        });
        let payments: Vec<Payment> = (1..=12).map(|n| Payment::paid(n, n)).collect();
        let place = Place::new();
        place.write("payments.csv", &stripe_export(&payments));
        let mut command = place.command_at(
            &server.base_url,
            &["run", "payments.csv", "--yes", "--json"],
        );
        command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
        let ran = Ran(command.output().unwrap());
        expect_an_answer(&ran, &[0, 1, 5], &noise.concat());
        let tracked = ran.json()["outcomes"]["tracked"]["count"].as_u64().unwrap();
        let requests = server.requests().len() as u64;
        // Only a 409 behind an answer that was lost says that an event is recorded.
        assert!(
            tracked == 0 || status.starts_with("409") && requests > 12,
            "{status}: {tracked}"
        );
        place.run(&["status"]).expect(0);
        place.run(&["journal", "check"]).expect(0);
    }
}
