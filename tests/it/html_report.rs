//! `report.html` as people meet it: opened from disk in a real headless Chromium with no network.
//! Where there is no Chromium, the test says that it is skipped.

use crate::support::browser;
use crate::support::strace;
use std::collections::BTreeMap;

use crate::support::{Place, SandboxProcess};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use browser::Browser;
use serde_json::{Value, json};
use strace::skip;

/// Sixty sales in two currencies, of which some fail; a refund without a sale; rows that can't be
/// read, with a name that would be a script, one from right to left, and one in Chinese.
fn export() -> String {
    let mut text =
        String::from("event_id,kind,sale_event_id,email,amount,currency,created_at,note\n");
    for n in 1..=60 {
        let currency = ["USD", "EUR"][n % 2];
        let month = 1 + n % 6;
        text.push_str(&format!(
            "in_{n},sale,,person{n}@example.com,{n}.07,{currency},2026-{month:02}-05,\n"
        ));
    }
    text.push_str("re_lost,refund,in_nowhere,lost@example.com,5.00,USD,2026-03-02,\n");
    for (n, name) in ["<script>window.stolen=1</script>", "محمد", "王小明"]
        .iter()
        .enumerate()
    {
        text.push_str(&format!(
            "in_bad{n},sale,,bad{n}@example.com,1e3,USD,2026-03-02,{name}\n"
        ));
    }
    text
}

/// A report in `report/`, and its `summary.json`.
fn report(place: &Place) -> Value {
    let sandbox = SandboxProcess::start(&[
        "--lead-share",
        "66",
        "--fault",
        "status,status=422,percent=20,body=no such <b>lead</b>",
        "--seed",
        "3",
    ]);
    place.write("events.csv", &export());
    place.write(
        "other-columns.csv",
        "event_id,email,amount\nin_other,other@example.com,1e3\n",
    );
    let arguments = [
        "run",
        "events.csv",
        "other-columns.csv",
        "--yes",
        "--json",
        "--dir",
        "report",
    ];
    place.run_to(&sandbox, &arguments).expect_one_of(&[1]);
    serde_json::from_str(&place.read("report/summary.json")).unwrap()
}

/// A member by its name, or of a list by kind and currency: `balance[refund,USD]`.
fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let Some((list, of)) = key.split_once('[') else {
        return value.get(key);
    };
    let (kind, currency) = of.trim_end_matches(']').split_once(',')?;
    let mut lines = value.get(list)?.as_array()?.iter();
    lines.find(|line| line["kind"] == kind && line["currency"] == currency)
}

/// Each figure of the page is the one of the summary; one that the summary does not name is none.
#[track_caller]
fn expect_figures(figures: &BTreeMap<String, String>, summary: &Value) {
    let mut found = 0;
    for (path, shown) in figures {
        let named = path.split('.').try_fold(summary, member);
        found += u32::from(named.is_some());
        let expected = match named {
            None => "0".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        assert_eq!(*shown, expected, "{path}");
    }
    assert!(found > 20, "only {found} of {figures:?} are in the summary");
    for path in ["rows.read", "rows.rejected", "events.total"] {
        assert!(figures.contains_key(path), "{path} of {figures:?}");
    }
    for outcome in ["tracked", "non_referral", "failed"] {
        let path = format!("outcomes.{outcome}.count");
        assert_ne!(figures[&path], "0", "{path}");
    }
}

fn url_of(place: &Place, page: &str) -> String {
    format!("file://{}", place.path(page).display())
}

fn figures_in_browser(browser: &Browser) -> BTreeMap<String, String> {
    let pairs = browser.eval(
        "return [...document.querySelectorAll('data[data-figure]')].map(d => [d.dataset.figure, d.value])",
    );
    serde_json::from_value::<Vec<(String, String)>>(pairs)
        .unwrap()
        .into_iter()
        .collect()
}

#[test]
fn a_browser_without_a_network_shows_the_figures_sorts_searches_follows_links_and_prints() {
    let Some(browser) = Browser::start() else {
        skip("chromium or chromedriver is absent");
        return;
    };
    let place = Place::new();
    let summary = report(&place);
    let url = url_of(&place, "report/report.html");
    // What the browser's own first page asked for is none of the report's.
    browser.command("url", &json!({ "url": "about:blank" }));
    browser.log("performance");
    browser.command("url", &json!({ "url": url }));
    expect_figures(&figures_in_browser(&browser), &summary);
    assert_eq!(browser.eval("return typeof window.stolen"), "undefined");
    assert_eq!(browser.eval("return document.scripts.length"), 1);
    sorts_and_searches(&browser);
    follows_links(&browser, &place);
    fits_a_phone(&browser);

    let printed = browser.command("print", &json!({ "background": true }));
    let pdf = STANDARD.decode(printed.as_str().unwrap()).unwrap();
    assert!(
        pdf.starts_with(b"%PDF") && pdf.len() > 10_000,
        "{}",
        pdf.len()
    );

    let said = browser.log("browser");
    assert!(said.is_empty(), "{said:?}");
    let mut requested = 0;
    for entry in browser.log("performance") {
        let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
        if event["message"]["method"] == "Network.requestWillBeSent" {
            let url = event["message"]["params"]["request"]["url"]
                .as_str()
                .unwrap();
            assert!(url.starts_with("file:"), "{url}");
            requested += 1;
        }
    }
    assert!(requested > 0, "the log of requests says nothing");
}

/// On the first table of what needs attention: that of failed events.
fn sorts_and_searches(browser: &Browser) {
    let amounts = || -> Vec<u64> {
        let cells = browser.eval(
            "return [...document.querySelector('table.listing').tBodies[0].rows]
                .map(row => Number(row.cells[2].dataset.sort))",
        );
        serde_json::from_value(cells).unwrap()
    };
    let click = "document.querySelector('table.listing').tHead.rows[0].cells[2].querySelector('button').click()";
    let mut expected = amounts();
    assert!(expected.len() > 2, "{expected:?}");
    expected.sort_unstable();
    browser.eval(click);
    assert_eq!(amounts(), expected);
    browser.eval(click);
    expected.reverse();
    assert_eq!(amounts(), expected);

    let shown = browser.eval(
        "const table = document.querySelector('table.listing');
         const word = table.tBodies[0].rows[1].cells[0].querySelector('.id').textContent;
         const input = document.querySelector('input[type=search]');
         input.value = word; input.dispatchEvent(new Event('input'));
         const rows = [...table.tBodies[0].rows];
         return [word, rows.filter(row => row.getClientRects().length).map(row => row.textContent), rows.length]",
    );
    let word = shown[0].as_str().unwrap();
    let rows = shown[1].as_array().unwrap();
    assert!(!rows.is_empty() && rows.len() < expected.len(), "{shown}");
    assert!(
        rows.iter().all(|row| row.as_str().unwrap().contains(word)),
        "{shown}"
    );
}

/// What the page links to lies beside it; what it jumps to is on it.
fn follows_links(browser: &Browser, place: &Place) {
    let links = browser.eval("return [...document.links].map(link => link.getAttribute('href'))");
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    let mut files = 0;
    for link in &links {
        if let Some(id) = link.strip_prefix('#') {
            let script = format!("return document.getElementById({id:?}) !== null");
            assert_eq!(browser.eval(&script), true, "{link}");
        } else {
            assert!(place.path("report").join(link).is_file(), "{link}");
            files += 1;
        }
    }
    assert!(files > 5, "{links:?}");
}

/// Nothing sticks out of a narrow page.
fn fits_a_phone(browser: &Browser) {
    let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
    let widths = browser.eval("return [document.documentElement.scrollWidth, innerWidth]");
    assert_eq!(widths, json!([390, 390]));
    let cut = browser.eval(
        "return [...document.querySelectorAll('.ledgers .scroll')]
            .filter(box => box.scrollWidth > box.clientWidth).map(box => box.ariaLabel)",
    );
    assert_eq!(cut, json!([]), "ledgers that have to be scrolled sideways");
    let hidden = browser.eval(
        "return [...document.querySelectorAll('table.listing tr[hidden]')]
            .map(row => row.getClientRects().length)",
    );
    let hidden: Vec<u64> = serde_json::from_value(hidden).unwrap();
    assert!(!hidden.is_empty() && hidden.iter().all(|&boxes| boxes == 0));
}

/// What a screen reader is told of the page, in roles and names, with no script running.
#[test]
fn a_screen_reader_finds_its_way_and_the_figures_where_no_script_may_run() {
    let Some(browser) = Browser::start() else {
        skip("chromium or chromedriver is absent");
        return;
    };
    let place = Place::new();
    let summary = report(&place);
    browser.devtools(
        "Emulation.setScriptExecutionDisabled",
        &json!({ "value": true }),
    );
    let url = url_of(&place, "report/report.html");
    browser.command("url", &json!({ "url": url }));
    let tree = browser.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes: Vec<(&str, &str)> = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["ignored"] == false)
        .map(|node| {
            let text = |of: &str| node[of]["value"].as_str().unwrap_or_default();
            (text("role"), text("name"))
        })
        .collect();
    let names = |role: &str| -> Vec<&str> {
        let of_role = nodes.iter().filter(|(of, _)| *of == role);
        of_role.map(|(_, name)| *name).collect()
    };
    for landmark in ["banner", "main", "contentinfo", "navigation"] {
        assert_eq!(names(landmark).len(), 1, "{landmark}");
    }
    // The script would have made them.
    assert!(names("searchbox").is_empty() && names("button").is_empty());
    let tables = names("table");
    assert!(tables.contains(&"Events") && tables.contains(&"Money in USD"));
    assert!(tables.iter().all(|name| !name.is_empty()), "{tables:?}");
    let regions = names("region");
    assert!(regions.iter().all(|name| !name.is_empty()), "{regions:?}");
    for (role, least) in [("columnheader", 20), ("rowheader", 30), ("heading", 8)] {
        let found = names(role);
        assert!(found.len() >= least, "{role}: {found:?}");
        assert!(found.iter().all(|name| !name.is_empty()), "{role}");
    }
    let pictures = nodes.iter().filter(|(role, _)| role.starts_with("im"));
    assert!(pictures.clone().count() >= 3);
    assert!(pictures.clone().all(|(_, name)| !name.is_empty()));
    let text = names("StaticText");
    for outcome in ["tracked", "non_referral", "failed"] {
        let count = summary["outcomes"][outcome]["count"].to_string();
        assert!(text.contains(&count.as_str()), "{outcome}: {count}");
    }
    for shown in ["re_lost", "محمد", "<script>window.stolen=1</script>"] {
        assert!(text.iter().any(|text| text.contains(shown)), "{shown}");
    }
}

/// A page by itself links to nothing that is not there, and one of several runs names them all.
#[test]
fn a_page_links_only_to_what_lies_beside_it() {
    let place = Place::new();
    let summary = report(&place);
    let links = |page: &str| -> Vec<String> {
        let page = place.read(page);
        let links = page.split("href=\"").skip(1);
        let links = links.map(|rest| rest.split_once('"').unwrap().0.to_owned());
        links.filter(|link| !link.starts_with('#')).collect()
    };
    let all = links("report/report.html");
    for name in [
        "tracked.csv",
        "rejected.csv",
        "rejected-2.csv",
        "report.xlsx",
        "summary.json",
    ] {
        assert!(all.iter().any(|link| link == name), "{name} in {all:?}");
    }
    let span = [
        "report",
        "--from",
        "2000-01-01",
        "--dir",
        "alone",
        "--format",
        "html",
    ];
    place.run(&span).expect(0);
    assert_eq!(links("alone/report.html"), Vec::<String>::new());
    let name = summary["run"].as_str().unwrap();
    let page = place.read("alone/report.html");
    assert!(page.contains(&format!("<th scope=\"row\">{name}</th>")));
    place
        .run(&["report", "--dir", "alone", "--format", "csv"])
        .expect(0);
    place
        .run(&["report", "--dir", "alone", "--format", "html"])
        .expect(0);
    let csvs = links("alone/report.html");
    assert!(csvs.iter().any(|link| link == "failed.csv"), "{csvs:?}");
    assert!(csvs.iter().all(|link| link.ends_with(".csv")), "{csvs:?}");
}

#[test]
fn without_a_script_the_figures_and_tables_are_there() {
    let place = Place::new();
    let summary = report(&place);
    let page = place.read("report/report.html");
    let figures = page.split("<data value=\"").skip(1).filter_map(|rest| {
        let (value, rest) = rest.split_once('"')?;
        let (path, _) = rest.strip_prefix(" data-figure=\"")?.split_once('"')?;
        Some((path.to_owned(), value.to_owned()))
    });
    expect_figures(&figures.collect(), &summary);
    for text in ["re_lost", "bad0@example.com", "محمد", "王小明"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script>window") && !page.contains("<b>lead"));
    for loaded in [" src=", "@import", "<link"] {
        assert!(!page.contains(loaded), "{loaded}");
    }
}
