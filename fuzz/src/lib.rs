//! What is fed with any bytes: each target is a function that may refuse them, and must neither panic, nor hang,
//! nor say two things of the same bytes. It returns what came of them in a few words, by which the driver tells
//! inputs apart that lead somewhere else.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::{Debug, Write};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use fprecon::event::{
    AmountFormat, AmountUnit, Currency, Customer, Decimals, Event, ExportLine, Kind, Money,
};
use fprecon::export::Export;
use fprecon::job::{self, PlanContext, PlanError, Setup};
use fprecon::journal::{
    Account, Disposition, Journal, JournalError, JournalHistory, JournalReader, NewInput, NewRun,
    PlanState, RunCommand, HistoryRequest,
};
use fprecon::profile::Profiles;
use fprecon::tracking::{ApiKey, Client, ClientSettings, Timeouts, Version};
use jiff::Timestamp;

/// A target: its name, what it does with bytes, and words that lead further into it.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]) -> String,
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "export",
        run: export,
        words: EXPORT_WORDS,
    },
    Target {
        name: "two_exports",
        run: two_exports,
        words: EXPORT_WORDS,
    },
    Target {
        name: "workbook",
        run: workbook,
        words: WORKBOOK_WORDS,
    },
    Target {
        name: "profile",
        run: profile,
        words: TOML_WORDS,
    },
    Target {
        name: "configuration",
        run: configuration,
        words: TOML_WORDS,
    },
    Target {
        name: "answer",
        run: answer,
        words: ANSWER_WORDS,
    },
    Target {
        name: "journal",
        run: journal,
        words: &["CREATE TABLE", "SQLite format 3\0", "sale", "tracked"],
    },
    Target {
        name: "amount",
        run: amount,
        words: &[
            "-",
            "(",
            ")",
            ".",
            ",",
            "\u{a0}",
            "\u{2212}",
            "1e3",
            "9223372036854775807",
            "00",
            "$",
        ],
    },
];

const EXPORT_WORDS: &[&str] = &[
    "\"",
    "\"\"",
    "\r\n",
    "\n",
    ";",
    "\t",
    "\u{feff}",
    "\0",
    "\u{200b}",
    "sale",
    "refund",
    "cancellation",
    "kind",
    "event_id",
    "sale_event_id",
    "amount",
    "currency",
    "email",
    "uid",
    "created_at",
    "USD",
    "JPY",
    "ISK",
    "-",
    "(5.00)",
    "1,234.56",
    "0.005",
    "9223372036854775807",
    "2026-03-01",
    "2026-03-01 10:00:00",
    "=",
    "\n=====\n",
    "\x1f\u{8b}",
    "PK\x03\x04",
];
const WORKBOOK_WORDS: &[&str] = &[
    "<row r=\"",
    "</row>",
    "<c r=\"",
    "</c>",
    " t=\"s\"",
    " t=\"b\"",
    " t=\"e\"",
    " t=\"d\"",
    " s=\"1\"",
    " hidden=\"1\"",
    "<v>",
    "</v>",
    "<f>",
    "<mergeCell ref=\"A1:B2\"/>",
    "XFD1048576",
    "-1",
    "1e308",
    "2026-03-01T10:00:00",
    "&#x10FFFF;",
    "<!DOCTYPE",
];
const TOML_WORDS: &[&str] = &[
    "[",
    "]",
    "[[",
    "]]",
    "=",
    "\"",
    "'''",
    "{",
    "}",
    "true",
    "\n",
    "#",
    "columns",
    "[[event]]",
    "kind",
    "when",
    "amount",
    "minus",
    "formats",
    "dates",
    "extends",
    "exports",
    "api",
    "send",
    "currencies",
    "link",
    "generic",
    "stripe-payments",
    "%Y-%m-%d",
    "\\u0000",
    "9223372036854775807",
    "0",
    "reject",
    "ask",
];
const ANSWER_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "id",
    "event_id",
    "message",
    "error",
    "transaction_id",
    "sale",
    "refund",
    "lead",
    "promoter",
    "email",
    "\\u0000",
    "\\/",
    "s1",
    "400",
    "1e999",
    "not_found",
    "<html>",
];

/// What parts two files of one input.
const PART: &[u8] = b"\n=====\n";

fn dollar() -> Currency {
    Currency::from_code("USD").expect("a currency")
}

fn profiles() -> &'static Profiles {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    PROFILES.get_or_init(|| Profiles::load(&BTreeMap::new()).expect("the built-in profiles"))
}

/// What a job of these files comes to: its rows, and each event with its state, or what is wrong with them.
fn plan(
    files: &[(&str, &[u8])],
    profiles: &Profiles,
    named: Option<&str>,
) -> (String, Vec<String>) {
    let setup = Setup {
        profile: named.map(|name| profiles.named(name).expect("it is there")),
        ..Setup::new(profiles, dollar())
    };
    let exports = files
        .iter()
        .map(|(name, bytes)| Export::from_bytes(name, bytes.to_vec()));
    let without_past = |_: &dyn Fn() -> HistoryRequest| Ok::<_, Infallible>(JournalHistory::default());
    let context = PlanContext::new(Timestamp::UNIX_EPOCH);
    let job = match job::plan(exports, &setup, context, without_past) {
        Ok((job, _)) => job,
        Err(PlanError::Imbalance(error)) => panic!("{error}"),
        Err(PlanError::Unusable(problems)) => {
            let codes = problems.iter().map(|problem| problem.code.to_string());
            for problem in &problems {
                assert!(!problem.to_string().contains('\u{1b}'), "{problem:?}");
            }
            return (String::from("unusable"), codes.collect());
        }
    };
    let mut events: Vec<String> = job
        .plan
        .events()
        .map(|planned| {
            let event = planned.event;
            format!(
                "{} {} {:?} {:?}",
                event.kind,
                event.event_id(),
                event.money,
                planned.state
            )
        })
        .collect();
    events.sort();
    let rows = job.rows();
    let mut words = format!(
        "{} {} {} {}",
        rows.read, rows.with_events, rows.ignored, rows.rejected
    );
    for problem in job.problems.kept() {
        let _ = write!(words, " {}", problem.code);
    }
    for state in PlanState::ALL {
        let count = job
            .plan
            .events()
            .filter(|planned| planned.state == *state)
            .count();
        let _ = write!(words, " {count}");
    }
    (words, events)
}

/// The bytes of an export: twice the same plan, and books that balance.
pub fn export(bytes: &[u8]) -> String {
    let first = plan(&[("x.csv", bytes)], profiles(), None);
    let second = plan(&[("x.csv", bytes)], profiles(), None);
    assert_eq!(first, second, "the same bytes give the same plan");
    first.0
}

/// A workbook whose only sheet is these bytes. All else of it is sound, since a changed byte of a zip seldom gets
/// past its checksums.
pub fn workbook(bytes: &[u8]) -> String {
    const PARTS: [(&str, &str); 5] = [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns:r="r"><workbookPr/><sheets><sheet name="Sales" sheetId="1" r:id="s1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="s1" Type="http://x/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/styles.xml",
            r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy\ hh:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="2"/></cellXfs></styleSheet>"#,
        ),
    ];
    let parts = PARTS.map(|(name, text)| (name, text.as_bytes()));
    let sheet = ("xl/worksheets/sheet1.xml", bytes);
    let packed = zip(parts.into_iter().chain([sheet]));
    let first = plan(&[("x.xlsx", &packed)], profiles(), None);
    let second = plan(&[("x.xlsx", &packed)], profiles(), None);
    assert_eq!(first, second, "the same sheet gives the same plan");
    first.0
}

/// A zip of these files, unpacked as they are.
fn zip<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let stored = rawzip::CompressionMethod::STORE;
        let file = writer.new_file(name).compression_method(stored).start();
        let (mut entry, config) = file.expect("the name is sound");
        let mut content = config.wrap(&mut entry);
        content.write_all(bytes).expect("it goes to memory");
        let (_, descriptor) = content.finish().expect("it goes to memory");
        entry.finish(descriptor).expect("it goes to memory");
    }
    writer.finish().expect("it goes to memory")
}

/// Two exports in either order: the same events in the same states.
pub fn two_exports(bytes: &[u8]) -> String {
    let at = bytes.windows(PART.len()).position(|window| window == PART);
    let Some(at) = at else {
        return String::from("one file");
    };
    let (one, other) = (
        ("a.csv", &bytes[..at + 1]),
        ("b.csv", &bytes[at + PART.len()..]),
    );
    let (words, events) = plan(&[one, other], profiles(), None);
    let (_, turned) = plan(&[other, one], profiles(), None);
    if words != "unusable" {
        assert_eq!(events, turned, "the order of the files decides nothing");
    }
    words
}

/// A profile of one's own, and an export that is read by it.
pub fn profile(bytes: &[u8]) -> String {
    const EXPORTS: [&str; 2] = [
        include_str!("../../samples/stripe-payments.csv"),
        include_str!("../../samples/own-events.csv"),
    ];
    let Some(table) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok())
    else {
        return String::from("not TOML");
    };
    let own = BTreeMap::from([(String::from("mine"), table)]);
    match Profiles::load(&own) {
        Err(error) => error.to_string().chars().take(80).collect(),
        Ok(profiles) => {
            let plans =
                EXPORTS.map(|text| plan(&[("x.csv", text.as_bytes())], &profiles, Some("mine")).0);
            plans.join("; ")
        }
    }
}

/// A configuration.
pub fn configuration(bytes: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join("fprecon.toml");
    fs::write(&path, bytes).expect("a file");
    match fprecon::cli::check_configuration(&path) {
        Ok(()) => String::from("sound"),
        Err(problems) => {
            let words = problems.iter().map(|problem| {
                let start: String = problem.message.chars().take(24).collect();
                format!("{} {start}", problem.code)
            });
            words.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Which error it is, without what differs from one input to the next.
fn variant(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let end = text
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len());
    text[..end].to_owned()
}

/// In memory, where the machine has that.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .expect("a folder")
}

fn event(kind: Kind, event_id: &str) -> Event {
    let customer = Customer {
        email: Some("a@example.com".into()),
        uid: None,
    };
    let mut event = Event::new(
        kind,
        event_id.into(),
        customer,
        ExportLine { input: 0, line: 2 },
    );
    if matches!(kind, Kind::Sale | Kind::Refund) {
        event.money = Some(Money {
            amount_cents: 400,
            currency: dollar(),
        });
    }
    event
}

/// The key of the account to which answers are.
const KEY: &str = "fp/live+key=0123456789";

/// An answer of the API: version, kind and status by the first three bytes, then its body.
pub fn answer(bytes: &[u8]) -> String {
    static CLIENTS: OnceLock<[Client; 2]> = OnceLock::new();
    const STATUSES: [u16; 12] = [200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 302];
    let [version, kind, status, body @ ..] = bytes else {
        return String::from("too short");
    };
    let clients = CLIENTS.get_or_init(|| {
        [Version::V1, Version::V2].map(|version| {
            let settings = ClientSettings {
                version,
                base_url: version.default_base_url().to_owned(),
                account_id: String::from("a-1"),
                account_currency: dollar(),
                decimals: Decimals::default(),
                should_notify_promoters: false,
                has_cancellation_event_id: false,
                ca_pem: None,
                timeouts: Timeouts::default(),
            };
            let key = ApiKey::new(KEY).expect("a key");
            Client::new(settings, &key).expect("a client")
        })
    });
    let client = &clients[usize::from(*version) % clients.len()];
    let event = event(Kind::ALL[usize::from(*kind) % Kind::ALL.len()], "s1");
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let form = client.form(&event);
    let meaning = client.meaning(&event, &form, status, body);
    assert_eq!(meaning, client.meaning(&event, &form, status, body));
    assert!(
        !format!("{meaning:?}").contains(KEY),
        "the key is struck out"
    );
    assert!(meaning.message().len() < 2000, "{meaning:?}");
    format!(
        "{} {status} {}",
        meaning.word(),
        meaning.message().len().min(64) / 4
    )
}

/// The bytes of a journal and of the record of its commits, one behind the other: what is read of it is sound, or
/// refused.
pub fn journal(bytes: &[u8]) -> String {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return String::from("too short");
    };
    let length = u32::from_le_bytes(*length) as usize;
    let (database, record) = rest.split_at(length.min(rest.len()));
    let folder = folder();
    let path = folder.path().join("x.journal");
    fs::write(&path, database).expect("a file");
    if !record.is_empty() {
        fs::write(folder.path().join("x.journal.commits"), record).expect("a file");
    }
    let read = || -> Result<String, JournalError> {
        let Some(reader) = JournalReader::open(&path)? else {
            return Ok(String::from("none"));
        };
        reader.account()?;
        let mut words = String::new();
        for run in reader.runs(u32::MAX)? {
            let outcomes = reader.outcomes(run.id)?;
            reader.for_each_row(run.id, Disposition::Rejected, |_| Ok::<_, JournalError>(()))?;
            let _ = write!(words, "{} ", outcomes.len());
        }
        let checked = reader.check(|_| Ok(None))?;
        let _ = write!(words, "{} {}", checked.is_sound(), checked.findings.len());
        Ok(words)
    };
    match read() {
        Ok(words) => words,
        Err(error) => variant(&error),
    }
}

/// A journal with a run in it, as [`journal`] takes it.
pub fn sound_journal() -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("x.journal");
    let account = Account {
        api: String::from("v1"),
        base_url: String::from("https://firstpromoter.com/api/v1"),
        account_id: String::from("w"),
    };
    let now = Timestamp::UNIX_EPOCH;
    let mut journal = Journal::open(&path, &account, "fuzz", now).expect("a journal");
    let new = NewRun {
        command: RunCommand::Run,
        started: now,
    };
    let mut recording = journal.begin(&new).expect("a run");
    let input = NewInput {
        path: String::from("x.csv"),
        sha256: String::from("0"),
        profile: String::from("generic"),
        header: vec![String::from("kind"), String::from("event_id")],
        rows_read: 21,
        rows_with_events: 20,
        rows_ignored: 0,
        rows_rejected: 1,
    };
    recording.add_input(&input).expect("an export");
    let place = ExportLine { input: 0, line: 22 };
    recording
        .add_row(place, Disposition::Rejected, "no id", &["sale", ""])
        .expect("a row");
    for number in 0..20 {
        let sale = event(Kind::Sale, &format!("s{number}"));
        recording.add_event(&sale).expect("an event");
    }
    recording.commit().expect("a run");
    drop(journal);
    let database = fs::read(&path).expect("a file");
    let record = fs::read(folder.path().join("x.journal.commits")).unwrap_or_default();
    let length = u32::try_from(database.len()).expect("a small file");
    [&length.to_le_bytes()[..], &database, &record].concat()
}

/// An amount: how it is written by the first byte, its currency by the second, then its text.
pub fn amount(bytes: &[u8]) -> String {
    const CURRENCIES: [&str; 5] = ["USD", "JPY", "KWD", "ISK", "EUR"];
    let [how, code, text @ ..] = bytes else {
        return String::from("too short");
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return String::from("not text");
    };
    let (decimal, thousands) = match how & 3 {
        0 => ('.', None),
        1 => ('.', Some(',')),
        2 => (',', Some('.')),
        _ => (',', Some('\u{a0}')),
    };
    let format = AmountFormat {
        or_decimal: None,
        unit: match how >> 2 & 3 {
            0 | 3 => AmountUnit::Major,
            1 => AmountUnit::Minor,
            _ => AmountUnit::Cents,
        },
        decimal,
        thousands,
        has_parentheses: how >> 4 & 1 == 1,
        strip: (how >> 5 & 1 == 1).then(|| String::from("$")),
        decimals: (how >> 6 & 1 == 1).then_some(3),
    };
    let code = CURRENCIES[usize::from(*code) % CURRENCIES.len()];
    let currency = Currency::from_code(code).expect("a currency");
    match format.parse(text, currency) {
        Ok(parsed) => {
            // Turned round twice, it is itself.
            assert_eq!(parsed.times(-1).times(-1), parsed);
            assert_eq!(
                i128::from(parsed.times(-1).minor()),
                -i128::from(parsed.minor())
            );
            assert!(
                text.chars().any(|c| c.is_numeric()),
                "{text:?} has no digit"
            );
            format!(
                "{code} {} {}",
                parsed.sign(),
                parsed.cents().unsigned_abs().checked_ilog10().unwrap_or(0)
            )
        }
        Err(error) => variant(&error),
    }
}
