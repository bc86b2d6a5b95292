//! What a profile warns of a sale stands on the sheet, with its sum.

use serde_json::json;

use super::lists::{COMMISSIONS, RIGHT, TWENTY_PERCENT, audit, place, unchecked};

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID,Disputed Amount,Dispute Date (UTC)\n";
const BRAINTREE: &str = "Transaction ID,Subscription ID,Transaction Type,Transaction Status,Created Datetime,Created Timezone,Currency ISO Code,Amount Submitted For Settlement,Tax Amount,Refunded Transaction ID,Customer ID,Customer Email,Disputed Date\n";
const GUMROAD: &str = "Purchase ID,Purchase Email,Purchase Time (UTC timezone),Product ID,Item Name,Sale Price ($),Taxes ($),Tax Included in Price?,Shipping ($),Refunded?,Fully Refunded?,Partial Refund ($),Disputed?,Dispute Won?,Free trial purchase?,Pre-order authorization?,Cancellation Date,Subscription End Date,Discount Code\n";
const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Id,Outstanding Balance\n";

/// Audits an export with one sale of 100.00, called `s1`.
#[track_caller]
fn expect(header: &str, row: &str, reason: &str, code: i32) {
    let place = place(TWENTY_PERCENT, "");
    place.write("s.csv", &format!("{header}{row}\n"));
    let said = audit(&place, &format!("{COMMISSIONS}{RIGHT}"), &[]);
    said.expect_no_finding(code);
    let own = unchecked(&said.json, reason);
    let cents = &own["amount_cents"]["USD"];
    assert_eq!((&own["count"], cents), (&json!(1), &json!(10_000)), "{row}");
    assert!(!said.text.contains("No differences.\n"), "{}", said.text);
    let clean = said.text.contains("No difference.");
    assert_eq!(clean, code == 0, "{}", said.text);
    // An audit of other days says nothing of it.
    let days = ["--from", "2026-05-01", "--to", "2026-05-31"];
    let may = audit(&place, &format!("{COMMISSIONS}{RIGHT}"), &days);
    assert!(unchecked(&may.json, reason).is_null(), "{}", may.text);
}

#[test]
fn a_dispute_is_said_in_whatever_words_an_export_has_it() {
    let row = "ch_1,2026-03-01 10:00:00,100.00,0.00,usd,true,Paid,cus_1,a@x.com,s1,100.00,2026-03-20 10:00:00";
    expect(STRIPE, row, "dispute_open", 0);
    let header = STRIPE.replace("Disputed Amount,", "Disputed Amount,Dispute Status,");
    expect(
        &header,
        &row.replace("100.00,2026", "100.00,,2026"),
        "dispute_open",
        0,
    );
    let row = "s1,s,sale,settled,03/01/2026 10:00:00,UTC,USD,100.00,0.00,,c,a@x.com,03/20/2026";
    expect(BRAINTREE, row, "dispute_open", 0);
    let row = "s1,a@x.com,2026-03-01 10:00:00 UTC,,Pro,100.0,0,0,0,0,0,0,1,0,0,0,,,";
    expect(GUMROAD, row, "dispute_open", 0);
    // What was won is over, and a refund for it may stand.
    let header = STRIPE.replace("Disputed Amount,", "Disputed Amount,Dispute Status,");
    let row = "ch_1,2026-03-01 10:00:00,100.00,0.00,usd,true,Paid,cus_1,a@x.com,s1,100.00,won,2026-03-20 10:00:00";
    expect(&header, row, "row_warned", 0);
}

#[test]
fn a_sale_that_nobody_may_have_paid_needs_attention() {
    let row = |cancelled: &str, owed: &str| {
        format!(
            "#1001,a@x.com,paid,2026-03-01 10:00:00 +0000,,,,USD,100.00,0.00,0.00,100.00,,0.00,,2026-03-01 10:00:00 +0000,1,Shirt,100.00,{cancelled},Shopify Payments,c1,0.00,V,s1,{owed}"
        )
    };
    expect(
        SHOPIFY,
        &row("2026-03-02 10:00:00 +0000", "0.00"),
        "sale_unpaid",
        1,
    );
    expect(SHOPIFY, &row("", "90.00"), "sale_unpaid", 1);
}
