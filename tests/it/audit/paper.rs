//! The page of an audit on a phone and on paper: no digit is cut, and nothing lies upon another thing, with sums
//! of millions in four currencies.

use serde_json::{Value, json};

use crate::support::Place;
use crate::support::browser::Browser;
use crate::support::strace::skip;

/// Texts of cells that stick out of the width, or lie on those of another cell of their row. What is printed
/// across is looked at by itself.
const FAULTS: &str = "
    const [limit, across] = arguments;
    const rects = element => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return [...range.getClientRects()].filter(box => box.width > 1 && box.height > 1);
    };
    const faults = [];
    const rows = [...document.querySelectorAll('tbody tr')]
        .filter(row => Boolean(row.closest('.across')) === across);
    let figures = 0;
    for (const row of rows) {
        const cells = [...row.cells].map(cell => [cell, rects(cell)]);
        for (const [cell, boxes] of cells) {
            if (!cell.matches('.num') || boxes.length === 0) continue;
            figures += 1;
            if (boxes.some(box => box.right > limit + 0.5 || box.left < -0.5))
                faults.push('cut: ' + cell.textContent);
            for (const [other, others] of cells) {
                const meets = one => others.some(box =>
                    one.left + 1 < box.right && box.left + 1 < one.right &&
                    one.top + 1 < box.bottom && box.top + 1 < one.bottom);
                if (other !== cell && boxes.some(meets))
                    faults.push(cell.textContent + ' on ' + other.textContent);
            }
        }
    }
    return [figures, faults];";

/// Twenty-four sales of more than a million each, in four currencies, some with a wrong commission.
fn large() -> Place {
    let place = Place::new();
    let mut sales =
        String::from("kind,event_id,sale_event_id,email,amount,currency,created_at,plan\n");
    let mut commissions = String::from(
        "id,event_id,promoter_email,commission,sale_amount,currency,status,created_at\n",
    );
    for number in 0..24 {
        let currency = ["USD", "EUR", "JPY", "CHF"][number % 4];
        let whole = 1_234_567 + 1_000 * number;
        let (scale, rest) = if currency == "JPY" {
            (100, "")
        } else {
            (1, ".00")
        };
        let percent = if number % 5 == 0 { 30 } else { 20 };
        let day = format!("2026-03-{:02}", number + 1);
        sales += &format!(
            "sale,in_{number:04},,customer{number}@a-rather-long-company-name.example.com,{}{rest},{currency},{day}T10:00:00Z,enterprise\n",
            whole * scale
        );
        commissions += &format!(
            "{number},in_{number:04},affiliate.partner{}@longdomain-example.com,{}{rest},{}{rest},{currency},approved,{day}\n",
            number % 3,
            whole * scale / 100 * percent,
            whole * scale,
        );
    }
    place
        .write("sales.csv", &sales)
        .write("commissions.csv", &commissions)
        .write("fprecon.toml", "[audit]\n[[audit.rule]]\nrate = \"20\"\n");
    place
        .run(&[
            "audit",
            "sales.csv",
            "--commissions",
            "commissions.csv",
            "--dir",
            "out",
        ])
        .expect(1);
    place
}

fn faults(browser: &Browser, width: u32, is_across: bool) -> (u64, Value) {
    let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
    let script = format!("return (function() {{ {FAULTS} }})({width}, {is_across})");
    let found = browser.eval(&script);
    (found[0].as_u64().unwrap(), found[1].clone())
}

#[test]
fn no_digit_of_an_audit_is_cut_on_a_phone_or_on_paper() {
    let Some(browser) = Browser::start() else {
        skip("chromium or chromedriver is absent");
        return;
    };
    let place = large();
    let page = place.read("out/audit.html");
    assert!(
        page.contains("the rules of “[audit]”"),
        "backticks are for terminals"
    );
    let url = format!("file://{}", place.path("out/audit.html").display());
    browser.command("url", &json!({ "url": url }));
    let mut figures = 0;
    // Phones, and a wide screen.
    for width in [375, 390, 1280] {
        for is_across in [false, true] {
            let (count, faults) = faults(&browser, width, is_across);
            figures += count;
            if width < 1_000 || !is_across {
                assert_eq!(faults, json!([]), "{width} {is_across}");
            }
        }
    }
    assert!(figures > 100, "{figures}");
    browser.devtools("Emulation.setEmulatedMedia", &json!({ "media": "print" }));
    // What margins leave of A4 and Letter, upright and across, in pixels of 1/96 inch.
    for (width, is_across) in [(688, false), (710, false), (1_017, true), (950, true)] {
        let (count, faults) = faults(&browser, width, is_across);
        assert!(count > 20, "{width}: {count}");
        assert_eq!(faults, json!([]), "{width} {is_across}");
    }
}
