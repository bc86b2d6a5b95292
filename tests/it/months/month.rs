//! One month: what is done each night, and what is looked at afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::model::{self, Model, Outcome, Reading, Weather, Who};
use super::world::{Kind, NIGHTS, Path, World};
use crate::prune::expect_same_decisions;
use crate::support::{Place, Ran, SandboxProcess, form};

/// Says whether the journal is pruned in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruning {
    Never,
    /// Every seventh night, of everything that can go. Before each call, a journal that is pruned has to decide about
    /// every event as the whole one does.
    Weekly,
}

/// Plays the month of a seed and says what it has had.
pub fn play(seed: u64, pruning: Pruning) -> BTreeMap<&'static str, u64> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let world = World::new(&mut rng);
    let have_cancellations_ids = seed % 4 == 3;
    let place = Place::new();
    place.write(
        "start.toml",
        "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\nemail = \"nora@example.com\"\npromo_code = \"NORA10\"\n",
    );
    place.write("before.csv", &world.leads_before());
    let (start, before) = (place.path("start.toml"), place.path("before.csv"));
    let seed_text = seed.to_string();
    let mut options = vec!["--start", start.to_str().unwrap(), "--seed", &seed_text];
    options.extend(["--start", before.to_str().unwrap()]);
    if have_cancellations_ids {
        options.push("--cancellation-event-id");
    }
    let mut month = Month {
        side: fastrand::Rng::with_seed(seed ^ 0x5eed),
        is_key_wrong: false,
        sandbox: SandboxProcess::start(&options),
        model: Model::new(&world, have_cancellations_ids),
        place,
        world,
        rng,
        have_cancellations_ids,
        pruning,
        foreign: BTreeSet::new(),
        signed_up_there: 0,
        was_skipped: false,
        outages: 0,
        said: String::new(),
        was_killed: false,
    };
    model::see_world(&mut month.model, &month.world);
    for night in 1..=NIGHTS {
        month.night(night);
        month.prune(night);
    }
    month.end()
}

struct Month {
    place: Place,
    sandbox: SandboxProcess,
    world: World,
    model: Model,
    rng: fastrand::Rng,
    /// What decides about what came to the months later, so that a seed keeps its month.
    side: fastrand::Rng,
    /// Whether the API refuses the key tonight.
    is_key_wrong: bool,
    have_cancellations_ids: bool,
    pruning: Pruning,
    /// Sales that somebody else has sent.
    foreign: BTreeSet<String>,
    /// Sign-ups at FirstPromoter itself.
    signed_up_there: usize,
    was_skipped: bool,
    /// Nights in a row.
    outages: u32,
    /// What the last commands wrote to standard error.
    said: String,
    /// Whether one of them was killed.
    was_killed: bool,
}

/// The exports of one call.
struct Call {
    files: Vec<String>,
    readings: Vec<Reading>,
    /// The rows that can't be read.
    rejected: usize,
}

/// Faults of which a night has some. `percent` keeps them rare enough that asking again helps.
fn faults() -> Vec<(&'static str, Value)> {
    let rare = |value: Value| {
        let mut value = value;
        value["percent"] = json!(6);
        value
    };
    vec![
        ("a 500", rare(json!({"action": "status", "status": 500}))),
        (
            "a 503 after the event was recorded",
            rare(json!({"action": "status", "status": 503, "after_effect": true})),
        ),
        ("a reset", rare(json!({"action": "reset"}))),
        (
            "a lost answer",
            rare(json!({"action": "close", "after_effect": true})),
        ),
        (
            "a drip",
            rare(json!({"action": "drip", "bytes": 64, "delay_ms": 3})),
        ),
        ("half an answer", rare(json!({"action": "truncate"}))),
        ("a cut", rare(json!({"action": "cut"}))),
        (
            "a 429",
            json!({"action": "status", "status": 429, "retry_after": 1, "times": 1}),
        ),
    ]
}

impl Month {
    fn night(&mut self, night: u32) {
        let is_last = night == NIGHTS;
        let dice = self.rng.u32(..100);
        let was_left = self.model.is_any_left();
        // An export covers a few days: what was missed for longer would be missed for good.
        if dice < 5 && !is_last && !self.was_skipped && self.outages == 0 {
            self.was_skipped = true;
            self.model.see("a night without a run");
            return;
        }
        self.was_skipped = false;
        let weather = match dice {
            _ if is_last => Weather::Calm,
            0..25 if self.outages < 2 => Weather::Outage,
            _ if was_left && self.rng.bool() => Weather::Calm,
            0..70 => Weather::Rough,
            _ => Weather::Calm,
        };
        self.between(night);
        self.send_by_hand(night);
        // Where the night's own call goes first, nothing may mix it with what earlier ones left.
        let runs_first = was_left && weather == Weather::Calm && self.rng.u32(..3) > 0;
        if weather == Weather::Outage {
            self.outages += 1;
            self.model.see("a night without an answer");
        } else {
            self.outages = 0;
        }
        self.is_key_wrong = weather == Weather::Outage && self.side.u32(..3) == 0;
        self.set_faults(weather);
        if was_left && weather != Weather::Outage && !runs_first {
            self.model.see("what was left resumed first");
            let code = self.finish(&["resume", "--json"], weather);
            let runs = self.model.resume(weather);
            self.compare(night, weather);
            self.check_code(night, "resume", code, &runs);
        }
        for call in self.calls(night) {
            self.call(night, &call, weather, runs_first);
        }
        self.sandbox.forget_faults();
    }

    /// What happens at FirstPromoter itself before the night's run.
    fn between(&mut self, night: u32) {
        let came: Vec<Who> = self
            .world
            .customers
            .iter()
            .filter(|customer| {
                matches!(customer.path, Path::AtFirstPromoter(on) | Path::Twice(on, _) if on == night)
            })
            .map(|customer| Who {
                email: customer.true_email(night).to_owned(),
                uid: customer.uid.clone(),
            })
            .collect();
        for who in came {
            let uid = who.uid.as_ref().map(|uid| format!("&uid={uid}"));
            let uid = uid.unwrap_or_default();
            let form = format!("email={}{uid}&ref_id=nora", who.email);
            if self.model.leads.sign_up(&who) {
                self.sandbox.track("signup", &form);
                self.signed_up_there += 1;
                self.model.see("a lead made at FirstPromoter");
            }
        }
    }

    /// Somebody else sends a sale of a lead before the night's run does.
    fn send_by_hand(&mut self, night: u32) {
        let sales =
            self.world.deeds.iter().filter(|deed| {
                deed.kind == Kind::Sale && deed.day == night && !deed.has_promo_code
            });
        let sales: Vec<_> = sales.cloned().collect();
        for sale in sales {
            let customer = &self.world.customers[sale.customer];
            let who = Who {
                email: customer.email(sale.day, night).to_owned(),
                uid: customer.uid.clone(),
            };
            if self.rng.u32(..100) >= 15 || !self.model.leads.takes(&who, false) {
                continue;
            }
            let uid = who.uid.as_ref().map(|uid| format!("&uid={uid}"));
            let uid = uid.unwrap_or_default();
            let form = format!(
                "email={}{uid}&event_id={}&amount={}",
                who.email, sale.id, sale.cents
            );
            self.sandbox.track("sale", &form);
            self.foreign.insert(sale.id.clone());
            self.model.foreign.insert(sale.id);
        }
    }

    fn set_faults(&mut self, weather: Weather) {
        match weather {
            Weather::Calm => {}
            Weather::Rough => {
                let mut all = faults();
                self.rng.shuffle(&mut all);
                for (what, fault) in &all[..3] {
                    self.model.see(what);
                    self.sandbox.fault(fault);
                }
            }
            Weather::Outage if self.is_key_wrong => {
                self.model.see("a night with a wrong key");
                let refused = json!({"action": "status", "status": 401, "percent": 100});
                self.sandbox.fault(&refused);
            }
            Weather::Outage => {
                let action = match self.rng.u32(..3) {
                    0 => json!({"action": "close", "percent": 100}),
                    1 => json!({"action": "reset", "percent": 100}),
                    _ => json!({"action": "status", "status": 500, "percent": 100}),
                };
                self.sandbox.fault(&action);
            }
        }
    }

    /// The exports of a night, in one call or in two.
    fn calls(&mut self, night: u32) -> Vec<Call> {
        let is_last = night == NIGHTS;
        // Refunds that come weeks later are in none but a long export.
        let is_long = is_last || night.is_multiple_of(5);
        let days = if is_long { NIGHTS } else { self.rng.u32(5..9) };
        let from = (night + 1).saturating_sub(days).max(1);
        let write = |name: &str, text: String| {
            let file = format!("night-{night:02}/{name}.csv");
            self.place.write(&file, &text);
            file
        };
        let stripe = write("stripe", self.world.stripe(from, night));
        let own = write("own", self.world.own(from, night));
        let stripe_readings = model::of_stripe(&self.world, from, night);
        let own_readings = model::of_own(&self.world, from, night);
        let listed = model::of_leads(&self.world, from, night);
        let leads = write("leads", self.world.leads(from, night));
        let rejected = model::rejected_of_own(&self.world, from, night);
        if rejected > 0 {
            self.model.see("a row that is fixed the next day");
        }
        let mut first = Call {
            files: vec![stripe],
            readings: stripe_readings,
            rejected: 0,
        };
        if (is_last || self.rng.bool()) && !listed.is_empty() {
            first.files.push(leads);
            first.readings.extend(listed);
        }
        if self.rng.u32(..4) == 0 {
            self.model.see("a night with two calls");
            let second = Call {
                files: vec![own],
                readings: own_readings,
                rejected,
            };
            return vec![first, second];
        }
        first.files.push(own);
        first.readings.extend(own_readings);
        first.rejected = rejected;
        self.rng.shuffle(&mut first.files);
        vec![first]
    }

    /// Removes every seventh night what can go, and through a kill every other time.
    fn prune(&mut self, night: u32) {
        if self.pruning == Pruning::Never || !night.is_multiple_of(7) || self.journal().is_none() {
            return;
        }
        let prune = [
            "journal",
            "prune",
            "--before",
            "2099-12-31",
            "--yes",
            "--json",
        ];
        if night.is_multiple_of(2) {
            let after = Duration::from_micros(self.side.u64(..60_000));
            let mut command = self.command(&prune, Weather::Calm);
            run_until(&mut command, Some(after));
        }
        let mut command = self.command(&prune, Weather::Calm);
        let pruned = Ran(command.output().unwrap()).expect(0).json();
        self.place.run(&["journal", "check"]).expect(0);
        if pruned["runs"].as_u64() > Some(0) {
            self.model.see("a journal that was pruned");
        }
    }

    /// Expects of a pruned copy of the journal that it decides about the exports of a call, and about all exports of the
    /// nights before, as the whole one does.
    fn expect_pruned_decides_alike(&mut self, call: &Call, night: u32) {
        if self.pruning == Pruning::Never || self.journal().is_none() {
            return;
        }
        let earlier = format!("night-{:02}", self.side.u32(1..=night));
        let command = |arguments: &[&str]| self.command(arguments, Weather::Calm);
        let files: Vec<&str> = call.files.iter().map(String::as_str).collect();
        let pruned = expect_same_decisions(&self.place, &files, command);
        let earlier = ["stripe", "own", "leads"].map(|name| format!("{earlier}/{name}.csv"));
        let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
        if earlier.iter().all(|file| self.place.path(file).exists()) {
            expect_same_decisions(&self.place, &earlier, command);
        }
        if pruned["attempts"].as_u64() > Some(0) {
            self.model
                .see("a pruned copy that decides as the whole one does");
        }
    }

    fn call(&mut self, night: u32, call: &Call, weather: Weather, runs_first: bool) {
        self.expect_pruned_decides_alike(call, night);
        let mut arguments = vec!["run", "--yes", "--json"];
        arguments.extend(call.files.iter().map(String::as_str));
        if weather != Weather::Outage && self.rng.u32(..5) == 0 {
            self.model.see("a call with the list of leads");
            arguments.push("--lead-list");
        }
        let run = self.model.plan(&call.readings, call.rejected);
        let code = self.finish(&arguments, weather);
        if weather == Weather::Outage {
            self.model.try_in_vain(run);
            self.compare(night, weather);
            if self.model.is_left(run) {
                let expected = if self.is_key_wrong { 4 } else { 5 };
                assert_eq!(code, expected, "night {night}: an outage leaves events");
                return;
            }
            return self.check_code(night, "run in an outage", code, &[run]);
        }
        self.model.send(run, weather);
        let waits = self.model.is_left(run);
        let is_any_left = self.model.is_any_left();
        let (mut codes, mut runs) = (vec![code], vec![run]);
        if waits {
            self.model
                .see("sales that wait for another night's sign-up");
            assert_eq!(code, 5, "night {night}: sales wait for a sign-up");
            codes.clear();
        }
        if self.model.has_read_what_is_left(run) {
            assert!(matches!(code, 1 | 5), "night {night}: a refund is left");
            codes.clear();
        }
        if is_any_left {
            assert!(runs_first, "night {night}: something is left");
            self.model
                .see("what was left resumed after the night's own call");
            codes.push(self.finish(&["resume", "--json"], weather));
            runs.extend(self.model.resume(weather));
        }
        self.compare(night, weather);
        let code = codes.into_iter().max().unwrap();
        self.check_code(night, "run", code, &runs);
    }

    fn check_code(&self, night: u32, what: &str, code: i32, runs: &[usize]) {
        let attention: Vec<_> = runs
            .iter()
            .flat_map(|run| self.model.attention(*run))
            .collect();
        let is_needed = !attention.is_empty();
        // A process that is killed takes with it what it would have ended with, and one that finds nothing left to
        // send ends with the verdict of the latest run.
        let is_lost = self.was_killed && is_needed && code == 0;
        let is_of_latest = self.was_killed && code == 1 && self.model.is_latest_open();
        assert!(
            is_lost || is_of_latest || code == i32::from(is_needed),
            "night {night}, {what}: {code}, with {attention:?}\n{}",
            self.said
        );
    }

    /// Runs a command to its end, through kills and through what keeps failing, and says with what it
    /// ended.
    fn finish(&mut self, original: &[&str], weather: Weather) -> i32 {
        // How often there is a kill depends on the machine: nothing else of the month may.
        let mut rng = self.rng.fork();
        let mut kills = match weather {
            Weather::Rough => rng.u32(..3),
            _ => 0,
        };
        let resume = ["resume", "--json"].as_slice();
        let mut arguments = original;
        let (mut codes, mut is_settled) = (Vec::new(), false);
        self.said.clear();
        self.was_killed = false;
        for attempt in 0..40 {
            let has_little_room = weather == Weather::Rough && attempt == 0 && self.side.bool();
            let after = Duration::from_micros(rng.u64(..160_000));
            let kill_after = (kills > 0 && !has_little_room).then_some(after);
            kills = kills.saturating_sub(1);
            let ran = self.try_once(arguments, weather, has_little_room, kill_after);
            let ran = match ran {
                Ok(ran) => ran,
                Err(interruption) => {
                    self.model.see(interruption);
                    self.was_killed = true;
                    is_settled = false;
                    // Where nothing was recorded yet, there is nothing to resume.
                    arguments = if rng.bool() && self.is_recorded() {
                        resume
                    } else {
                        original
                    };
                    continue;
                }
            };
            self.said
                .push_str(&format!("{arguments:?}: {}\n{}", ran.code(), ran.stderr()));
            match ran.code() {
                5 if weather == Weather::Rough => {
                    if attempt > 3 {
                        self.sandbox.forget_faults();
                    }
                    self.model.see("a run that gave up and was resumed");
                    arguments = resume;
                    continue;
                }
                4 if self.is_key_wrong => codes.push(4),
                code @ (0 | 1 | 5) => codes.push(code),
                code => panic!("{arguments:?}: {code}\n{}", self.said),
            }
            // What was killed before it was recorded is run again; what after, has its end by `resume`.
            if is_settled || !self.was_killed {
                return codes.into_iter().max().unwrap();
            }
            is_settled = true;
            arguments = if arguments == original {
                resume
            } else {
                original
            };
        }
        panic!("{arguments:?} does not end");
    }

    /// Runs a command once; returns what interrupted it, if that was a kill or a disk with little room.
    fn try_once(
        &mut self,
        arguments: &[&str],
        weather: Weather,
        has_little_room: bool,
        kill_after: Option<Duration>,
    ) -> Result<Ran, &'static str> {
        let is_quiet = weather == Weather::Calm && self.side.bool();
        let words = if is_quiet {
            quietly(arguments)
        } else {
            arguments.to_vec()
        };
        let mut command = self.command(&words, weather);
        if has_little_room {
            command = with_little_room(&command, self.side.u32(40..900));
        }
        let ran = run_until(&mut command, kill_after).ok_or("a kill")?;
        if is_quiet {
            expect_one_line(&ran);
        }
        if has_little_room && matches!(ran.code(), 3 | 6) {
            return Err("a full disk");
        }
        Ok(ran)
    }

    fn is_recorded(&self) -> bool {
        let journal = self.journal();
        journal.is_some_and(|journal| {
            let sql = "SELECT count(*) FROM run WHERE ended_ms IS NULL";
            journal
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .unwrap_or(0)
                > 0
        })
    }

    fn journal(&self) -> Option<Connection> {
        let path = self.place.path("fprecon.journal");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
    }

    fn command(&self, arguments: &[&str], weather: Weather) -> Command {
        let mut command = self.place.command_to(&self.sandbox, arguments);
        if self.have_cancellations_ids {
            command.env("FPRECON_CANCELLATION_EVENT_ID", "true");
        }
        if weather == Weather::Outage {
            command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
        }
        command
    }

    /// Compares the journal and the account with the model, event by event, and takes what chance decided.
    fn compare(&mut self, night: u32, weather: Weather) {
        let said = self.recorded();
        let ids: BTreeSet<&String> = said.keys().collect();
        let wanted: BTreeSet<&String> = self.model.events.keys().collect();
        let differ: Vec<_> = ids.symmetric_difference(&wanted).collect();
        assert!(differ.is_empty(), "night {night}: {differ:?}");
        for (id, said) in &said {
            let event = &self.model.events[id];
            assert_eq!(event.kind.word(), said.kind, "night {night}: {id}");
            assert_eq!(event.who, said.who, "night {night}: {id}");
            let cents = event.cents;
            assert_eq!(cents, said.cents, "night {night}: {id}");
            match said.outcome {
                Some(outcome) if event.outcomes.is_empty() && weather == Weather::Outage => {
                    self.model.take_outage(id, outcome);
                }
                Some(outcome) => assert!(
                    event.outcomes.contains(&outcome),
                    "night {night}: {id} is {outcome:?}, not {:?}",
                    event.outcomes
                ),
                None => assert!(
                    event.outcomes.is_empty(),
                    "night {night}: {id} is not sent, but {:?}",
                    event.outcomes
                ),
            }
            if let Some(outcome) = said.outcome {
                self.model.events.get_mut(id).unwrap().outcomes = vec![outcome];
            }
        }
        self.compare_account(night);
    }

    /// Compares what took effect with what must have: sales and refunds by id, cancellations by customer
    /// and minute, sign-ups by their number.
    fn compare_account(&self, night: u32) {
        let mut money: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut cancelled = BTreeSet::new();
        let mut signups = 0;
        for effect in self.sandbox.events() {
            match effect["kind"].as_str().unwrap() {
                "signup" => signups += 1,
                "cancellation" => {
                    let at = [&effect["email"], &effect["created_at"]];
                    let at = at.map(|text| text.as_str().unwrap().to_owned());
                    assert!(cancelled.insert(at), "night {night}: twice: {effect}");
                }
                _ => {
                    let id = effect["event_id"].as_str().unwrap().to_owned();
                    money.entry(id).or_default().push(effect);
                }
            }
        }
        let events = self.model.events.values();
        let ours = events
            .filter(|event| event.kind == Kind::Signup && event.outcomes == [Outcome::Tracked]);
        // One whose answer was lost may be ours or not.
        let (ours, there) = (ours.count(), self.signed_up_there);
        assert!(
            (there.max(ours)..=ours + there).contains(&signups),
            "night {night}: {signups} sign-ups, {ours} of ours, {there} there"
        );
        self.compare_cancellations(night, cancelled);
        self.compare_money(night, money);
    }

    fn compare_cancellations(&self, night: u32, mut cancelled: BTreeSet<[String; 2]>) {
        for (id, event) in &self.model.events {
            if event.kind != Kind::Cancellation {
                continue;
            }
            let (day, minute) = event.at;
            let (hour, minute) = (minute / 60, minute % 60);
            let at = format!("2026-03-{day:02}T{hour:02}:{minute:02}:00.000Z");
            let is_there = cancelled.remove(&[event.who.email.clone(), at]);
            match event.outcomes[..] {
                [Outcome::Tracked] => assert!(is_there, "night {night}: {id} is not there"),
                [Outcome::Unconfirmed] => {}
                _ => assert!(!is_there, "night {night}: {id} is there"),
            }
        }
        assert!(
            cancelled.is_empty(),
            "night {night}: nobody planned {cancelled:?}"
        );
    }

    fn compare_money(&self, night: u32, mut money: BTreeMap<String, Vec<Value>>) {
        for (id, event) in &self.model.events {
            if !matches!(event.kind, Kind::Sale | Kind::Refund) {
                continue;
            }
            let here = money.remove(id).unwrap_or_default();
            let is_tracked = matches!(
                event.outcomes[..],
                [Outcome::Tracked | Outcome::AlreadyTracked]
            );
            let wanted = usize::from(is_tracked || self.foreign.contains(id));
            assert_eq!(here.len(), wanted, "night {night}: {id} {here:?}");
            for effect in here {
                let who = Who {
                    email: effect["email"].as_str().unwrap().to_owned(),
                    uid: effect["uid"].as_str().map(str::to_owned),
                };
                let sale = effect["sale_event_id"].as_str();
                assert_eq!(effect["kind"], event.kind.word(), "night {night}: {id}");
                assert_eq!(effect["amount_cents"], event.cents, "night {night}: {id}");
                assert_eq!(who, event.who, "night {night}: {id}");
                assert_eq!(sale, event.sale.as_deref(), "night {night}: {id}");
            }
        }
        money.retain(|id, _| !self.foreign.contains(id));
        assert!(money.is_empty(), "night {night}: nobody planned {money:?}");
    }

    /// What the journal says of every event.
    fn recorded(&self) -> BTreeMap<String, Said> {
        let journal = self.journal().unwrap();
        let mut statement = journal
            .prepare(
                "SELECT kind, event_id, email, uid, amount_cents, outcome FROM event ORDER BY id",
            )
            .unwrap();
        let rows = statement.query_map([], |row| {
            let outcome: Option<String> = row.get(5)?;
            let said = Said {
                kind: row.get(0)?,
                who: Who {
                    email: row.get(2)?,
                    uid: row.get(3)?,
                },
                cents: row.get::<_, Option<i64>>(4)?.unwrap_or(0),
                outcome: outcome.map(|word| Outcome::parse(&word)),
            };
            Ok((row.get(1)?, said))
        });
        // Of an event that was asked again, the later one counts.
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// What arrives again is the same to the byte, unless it is asked again for another customer; and a
    /// cancellation without an id arrives again only where the API said that it took nothing.
    fn compare_arrivals(&self) {
        let mut bodies: BTreeMap<(String, String), Value> = BTreeMap::new();
        let mut cancelled = BTreeSet::new();
        for arrival in self.sandbox.arrivals() {
            let path = arrival["path"].as_str().unwrap_or_default();
            let said = |name: &str| form(&arrival, name).unwrap_or_default();
            let (id, email) = (said("event_id"), said("email"));
            let is_refused = arrival["status"] == 429 || arrival["status"] == 401;
            if path.ends_with("cancellation") && id.is_empty() && !is_refused {
                let is_new = cancelled.insert((email, said("created_at")));
                assert!(is_new, "a cancellation went out twice: {arrival}");
            } else if !id.is_empty() && !self.foreign.contains(&id) {
                let body = arrival["body"].clone();
                let before = bodies.entry((id, email)).or_insert(body);
                assert_eq!(*before, arrival["body"], "an event arrived in other words");
            }
        }
    }

    /// Audits the account: nothing differs but what the month explains. Sales that somebody sends by hand have the
    /// day on which the test runs, and nobody has a commission for what a customer bought before becoming a lead.
    fn audit(&self) {
        let audit = self.command(&["audit", "--live", "--json"], Weather::Calm);
        let audit = Ran({ audit }.output().unwrap()).expect_one_of(&[0, 1]);
        for finding in audit["findings"].as_array().unwrap() {
            let id = finding["ours"]["event_id"].as_str().unwrap_or_default();
            let is_explained = match finding["kind"].as_str().unwrap() {
                "other_month" => self.foreign.contains(id) && finding["difference_cents"] == 0,
                "sale_without_commission" => {
                    self.model.events[id].outcomes == [Outcome::NonReferral]
                }
                _ => false,
            };
            assert!(is_explained, "{finding:#}");
        }
    }

    /// What is looked at when the month is over.
    fn end(mut self) -> BTreeMap<&'static str, u64> {
        self.place.run(&["journal", "check"]).expect(0);
        assert!(!self.model.is_any_left());
        self.compare_arrivals();
        if cfg!(feature = "polars") {
            self.audit();
        }
        let mut outcomes: BTreeMap<(Kind, Outcome), u64> = BTreeMap::new();
        for event in self.model.events.values() {
            *outcomes.entry((event.kind, event.outcomes[0])).or_default() += 1;
        }
        let mut seen = std::mem::take(&mut self.model.seen);
        for ((kind, outcome), n) in outcomes {
            *seen.entry(name_of(kind, outcome)).or_default() += n;
        }
        seen
    }
}

fn name_of(kind: Kind, outcome: Outcome) -> &'static str {
    match (kind, outcome) {
        (Kind::Signup, Outcome::Tracked) => "a sign-up tracked",
        (Kind::Signup, Outcome::AlreadyTracked) => "a sign-up that was there already",
        (Kind::Sale, Outcome::Tracked) => "a sale tracked",
        (Kind::Sale, Outcome::AlreadyTracked) => "a sale that was there already",
        (Kind::Sale, Outcome::NonReferral) => "a sale that is not a referral",
        (Kind::Refund, Outcome::Tracked) => "a refund tracked",
        (Kind::Refund, Outcome::NonReferral) => "a refund that is not a referral",
        (Kind::Cancellation, Outcome::Tracked) => "a cancellation tracked",
        (Kind::Cancellation, Outcome::NonReferral) => "a cancellation that is not a referral",
        (Kind::Cancellation, Outcome::Unconfirmed) => "a cancellation unconfirmed",
        other => panic!("{other:?} can't be"),
    }
}

struct Said {
    kind: String,
    who: Who,
    cents: i64,
    outcome: Option<Outcome>,
}

/// Returns a command for which every file is full after so many blocks: the stand-in for a disk that fills up.
fn with_little_room(command: &Command, blocks: u32) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(script).arg(command.get_program());
    limited.args(command.get_args()).env_clear();
    let variables = command.get_envs();
    limited.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    limited.stdin(Stdio::null());
    limited
}

/// What cron would send as a mail: nothing where all is well, else a line with what to do.
fn expect_one_line(ran: &Ran) {
    let (said, code) = (ran.stderr(), ran.code());
    assert_eq!(ran.stdout(), "");
    match code {
        0 => assert_eq!(said, ""),
        1 => {
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.starts_with("needs attention: "), "{said}");
            assert!(
                said.contains("; report: ") && said.contains("; next: fprecon "),
                "{said}"
            );
        }
        _ => assert!(!said.is_empty(), "exit {code}"),
    }
}

/// Runs a command to its end, or kills it after a while.
fn run_until(command: &mut Command, limit: Option<Duration>) -> Option<Ran> {
    let Some(limit) = limit else {
        return Some(Ran(command.output().unwrap()));
    };
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    std::thread::sleep(limit);
    if child.try_wait().unwrap().is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
        return None;
    }
    Some(Ran(child.wait_with_output().unwrap()))
}

/// Returns the words of a command that prints one line instead of an object.
fn quietly<'w>(arguments: &[&'w str]) -> Vec<&'w str> {
    let words = arguments.iter();
    let words = words.map(|word| match *word {
        "--json" => "--quiet",
        word => word,
    });
    words.collect()
}
