//! Refunds find their sales: generated jobs against a model that shares no code with the program.
//!
//! A job is a small world of sales and refunds, exported several times, in several files with rows of
//! several shapes, overlapping, repeated, shuffled. `FPRECON_LINK_JOBS` says how many jobs are made
//! (300 where it is not set); a job that fails says its seed, and `FPRECON_LINK_SEED` runs that alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::fmt::Write;

use crate::support::{Place, SandboxProcess, open_to_edit};
use fprecon::event::{
    Currency, Customer, CustomerRef, Essence, Event, EventKey, Kind, Refunded, Text,
};
use fprecon::export::Export;
use fprecon::job::{self, History, Job, PlanContext, Setup};
use fprecon::journal::{HistoryRequest, Outcome as Settled, PlanState};
use fprecon::link::{EarlierSale, LinkRules, SaleHistory};

use fprecon::profile::Profiles;

const PROFILES: &str = r#"
[rows]
title = "sales and refunds, a row each"
based_on = "a test"
[rows.columns]
kind = "kind"
id = "id"
other = "other id"
of = "of"
mail = "mail"
currency = "currency"
paid = "paid"
tax = "tax"
date = "date"
[rows.customer]
email = "mail"
[rows.money]
currency_column = "currency"
[rows.dates]
formats = ["%Y-%m-%d"]
[[rows.event]]
kind = "sale"
when = { kind = "sale" }
event_id = ["{id}"]
reference = ["{other}"]
amount = { column = "paid", minus = ["tax"] }
created_at = ["date"]
[[rows.event]]
kind = "refund"
when = { kind = "refund" }
event_id = ["{id}"]
sale_event_id = ["{of}"]
amount = "paid"
created_at = ["date"]

[totals]
title = "sales with what was refunded of them so far"
based_on = "a test"
[totals.columns]
id = "number"
mail = "mail"
currency = "currency"
net = "net"
total = "total"
refunded = "refunded"
date = "date"
[totals.customer]
email = "mail"
[totals.money]
currency_column = "currency"
[totals.dates]
formats = ["%Y-%m-%d"]
[[totals.event]]
kind = "sale"
event_id = ["{id}"]
amount = "net"
gross = "total"
created_at = ["date"]
[[totals.event]]
kind = "refund"
when = { refunded = { sign = "positive" } }
sale_event_id = ["{id}"]
amount = "refunded"
running_total = true
created_at = ["date"]

[charges]
title = "charges, some of them of one invoice, with what was refunded of them so far"
based_on = "a test"
[charges.columns]
id = "charge"
invoice = { header = "invoice", optional = true }
mail = "customer mail"
uid = "customer"
currency = "currency"
paid = "charged"
refunded = "given back"
date = "date"
code = "code"
[charges.customer]
email = "mail"
uid = "uid"
[charges.money]
currency_column = "currency"
[charges.dates]
formats = ["%Y-%m-%d"]
[[charges.event]]
kind = "sale"
event_id = ["{invoice}", "{id}"]
amount = "paid"
created_at = ["date"]
promo_code = "code"
[[charges.event]]
kind = "refund"
when = { refunded = { sign = "positive" } }
sale_event_id = ["{invoice}", "{id}"]
amount = "refunded"
running_total = true
created_at = ["date"]
"#;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.roll((high - low + 1).max(1) as u64) as i64
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for place in (1..all.len()).rev() {
            all.swap(place, self.roll(place as u64 + 1) as usize);
        }
    }
}

const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];

/// What happened, as no export tells it whole.
#[derive(Clone, Debug)]
struct Sale {
    id: String,
    other: String,
    mail: String,
    currency: &'static str,
    paid: i64,
    net: i64,
    day: i64,
    /// Exported with running totals, and not with a row for each refund.
    totals: bool,
    refunds: Vec<Refund>,
}

/// One of the payments of an invoice, or a payment without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Charge {
    id: String,
    /// Empty where it has none, or where the export does not say.
    invoice: String,
    mail: String,
    uid: String,
    code: String,
    paid: i64,
    refunded: i64,
    day: i64,
    /// Whether its file has a column for the invoice.
    has_invoice_column: bool,
}

#[derive(Clone, Debug)]
struct Refund {
    id: String,
    /// What its row names as its sale.
    of: String,
    /// Whom its row names, who need not be the customer of its sale.
    mail: String,
    paid: i64,
    day: i64,
    currency: &'static str,
}

/// A row of an export, and all that it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Charge(Charge),
    Sale {
        id: String,
        other: String,
        mail: String,
        currency: &'static str,
        paid: i64,
        net: i64,
        day: i64,
    },
    Refund {
        id: String,
        of: String,
        mail: String,
        currency: &'static str,
        paid: i64,
        day: i64,
    },
    Totals {
        id: String,
        mail: String,
        currency: &'static str,
        paid: i64,
        net: i64,
        refunded: i64,
        day: i64,
    },
}

/// An amount as a person writes it.
fn written(cents: i64, currency: &str) -> String {
    match currency {
        "JPY" => cents.to_string(),
        "KWD" => format!("{}.{:02}0", cents / 100, cents % 100),
        _ => format!("{}.{:02}", cents / 100, cents % 100),
    }
}

fn date(day: i64) -> String {
    format!("2026-{:02}-{:02}", 1 + day / 28, 1 + day % 28)
}

/// The exports' text: rows of either shape go to files of their own.
fn files(rows: &[Vec<Row>]) -> Vec<String> {
    let mut texts = Vec::new();
    for file in rows {
        let mut single = "kind,id,other id,of,mail,currency,paid,tax,date\n".to_owned();
        let mut totals = "number,mail,currency,net,total,refunded,date\n".to_owned();
        let header = "charge,customer mail,customer,currency,charged,given back,date,code";
        let mut charges = [format!("{header}\n"), format!("{header},invoice\n")];
        let bare = (single.len(), totals.len(), charges.clone());
        for row in file {
            let text = match row {
                Row::Charge(charge) => &mut charges[usize::from(charge.has_invoice_column)],
                Row::Sale { .. } | Row::Refund { .. } => &mut single,
                Row::Totals { .. } => &mut totals,
            };
            writeln!(text, "{}", line(row)).unwrap();
        }
        if single.len() > bare.0 {
            texts.push(single);
        }
        if totals.len() > bare.1 {
            texts.push(totals);
        }
        let with_rows = charges.into_iter().zip(bare.2);
        texts.extend(
            with_rows
                .filter(|(text, bare)| text != bare)
                .map(|(text, _)| text),
        );
    }
    texts
}

/// The line of a row, in the columns of its own kind of file.
fn line(row: &Row) -> String {
    match row {
        Row::Charge(charge) => {
            let invoice = if charge.has_invoice_column {
                format!(",{}", charge.invoice)
            } else {
                String::new()
            };
            format!(
                "{},{},{},USD,{},{},{},{}{invoice}",
                charge.id,
                charge.mail,
                charge.uid,
                written(charge.paid, "USD"),
                written(charge.refunded, "USD"),
                date(charge.day),
                charge.code,
            )
        }
        Row::Sale {
            id,
            other,
            mail,
            currency,
            paid,
            net,
            day,
        } => format!(
            "sale,{id},{other},,{mail},{currency},{},{},{}",
            written(*paid, currency),
            written(paid - net, currency),
            date(*day)
        ),
        Row::Refund {
            id,
            of,
            mail,
            currency,
            paid,
            day,
        } => format!(
            "refund,{id},,{of},{mail},{currency},{},,{}",
            written(*paid, currency),
            date(*day)
        ),
        Row::Totals {
            id,
            mail,
            currency,
            paid,
            net,
            refunded,
            day,
        } => format!(
            "{id},{mail},{currency},{},{},{},{}",
            written(*net, currency),
            written(*paid, currency),
            written(*refunded, currency),
            date(*day)
        ),
    }
}

fn world(dice: &mut Dice) -> Vec<Sale> {
    let customers = dice.between(1, 4);
    let mut sales = Vec::new();
    for number in 0..dice.between(1, 6) {
        let paid = match dice.roll(6) {
            0 => dice.between(1, 12),
            1 => dice.between(1, 900_000_000_000),
            _ => dice.between(100, 20_000),
        };
        let net = match dice.roll(3) {
            0 => paid,
            1 => (paid * 100 / 119).max(1),
            _ => dice.between(1, paid),
        };
        let id = format!("s{number}");
        let mut sale = Sale {
            other: match dice.roll(8) {
                0 => "c0".to_owned(),
                1 => String::new(),
                _ => format!("c{number}"),
            },
            mail: format!("u{}@example.com", dice.between(1, customers)),
            currency: CURRENCIES[dice.roll(4) as usize],
            paid,
            net,
            day: dice.between(0, 60),
            totals: dice.one_in(3),
            refunds: Vec::new(),
            id,
        };
        add_refunds(&mut sale, dice);
        sales.push(sale);
    }
    sales
}

/// Parts that come to no more than what was paid, mostly; often to all of it.
fn add_refunds(sale: &mut Sale, dice: &mut Dice) {
    let mut left = sale.paid;
    let mut day = sale.day;
    for number in 0..dice.between(0, 4) {
        day += dice.between(0, 20);
        let paid = match dice.roll(8) {
            0..3 => left,
            3 => left + dice.between(1, 50),
            _ => dice.between(1, (left / 2).max(1)),
        };
        if paid <= 0 {
            return;
        }
        left -= paid;
        sale.refunds.push(Refund {
            id: format!("r{number}-{}", sale.id),
            of: match dice.roll(10) {
                0..5 => sale.id.clone(),
                5..7 if !sale.other.is_empty() => sale.other.clone(),
                7 => "gone".to_owned(),
                8..10 => String::new(),
                _ => sale.id.clone(),
            },
            mail: match dice.roll(6) {
                0 => format!("other{number}@example.com"),
                1 => String::new(),
                _ => sale.mail.clone(),
            },
            paid,
            day,
            currency: if dice.one_in(25) {
                "CHF"
            } else {
                sale.currency
            },
        });
        if left <= 0 {
            return;
        }
    }
}

/// One export of everything between two days: what it says on its last day.
fn export(sales: &[Sale], from: i64, to: i64, dice: &mut Dice) -> Vec<Row> {
    let mut rows = Vec::new();
    for sale in sales {
        let &Sale {
            currency,
            paid,
            net,
            day,
            ..
        } = sale;
        let (id, mail) = (sale.id.clone(), sale.mail.clone());
        if (from..=to).contains(&day) {
            if sale.totals {
                let refunds = sale.refunds.iter().filter(|refund| refund.day <= to);
                let refunded = refunds.map(|refund| refund.paid).sum();
                rows.push(Row::Totals {
                    id,
                    mail,
                    currency,
                    paid,
                    net,
                    refunded,
                    day,
                });
            } else {
                let other = sale.other.clone();
                rows.push(Row::Sale {
                    id,
                    other,
                    mail,
                    currency,
                    paid,
                    net,
                    day,
                });
            }
        }
        for refund in &sale.refunds {
            let is_row = !sale.totals || dice.one_in(12);
            if is_row && (from..=to).contains(&refund.day) {
                rows.push(Row::Refund {
                    id: refund.id.clone(),
                    of: refund.of.clone(),
                    mail: refund.mail.clone(),
                    currency: refund.currency,
                    paid: refund.paid,
                    day: refund.day,
                });
            }
        }
    }
    rows
}

/// Charges of few invoices; `refunded` is what is given back of each in the end.
fn charges(dice: &mut Dice) -> Vec<Charge> {
    let count = dice.between(0, 5);
    let charge = |number: i64, dice: &mut Dice| {
        let customer = dice.between(1, 3);
        Charge {
            id: format!("ch{number}"),
            invoice: match dice.roll(4) {
                0 => String::new(),
                _ => format!("in{}", dice.between(1, 2)),
            },
            mail: format!("v{customer}@example.com"),
            uid: format!("cus{customer}"),
            code: if dice.one_in(3) {
                "NORA10".to_owned()
            } else {
                String::new()
            },
            paid: dice.between(100, 3000),
            refunded: 0,
            day: dice.between(0, 60),
            has_invoice_column: true,
        }
    };
    (0..count).map(|number| charge(number, dice)).collect()
}

/// The charges between two days as one export has them: some columns are empty in it, and what was
/// given back goes up and, now and then, down again.
fn export_charges(charges: &[Charge], from: i64, to: i64, dice: &mut Dice) -> Vec<Row> {
    let has_invoice_column = !dice.one_in(3);
    let (has_mail, has_code) = (!dice.one_in(3), !dice.one_in(3));
    let of_days = charges
        .iter()
        .filter(|charge| (from..=to).contains(&charge.day));
    let rows = of_days.map(|charge| {
        let mut charge = charge.clone();
        charge.has_invoice_column = has_invoice_column;
        if !has_invoice_column {
            charge.invoice.clear();
        }
        if !has_mail {
            charge.mail.clear();
        }
        if !has_code {
            charge.code.clear();
        }
        charge.refunded = match dice.roll(4) {
            0 => charge.paid / 3,
            1 => charge.paid / 2,
            2 => charge.paid,
            _ => 0,
        };
        match dice.roll(40) {
            0 => charge.paid += 1,
            1 if has_code => charge.code = "OTTO20".to_owned(),
            2 if has_mail => charge.mail = "moved@example.com".to_owned(),
            _ => {}
        }
        charge.refunded = charge.refunded.min(charge.paid);
        Row::Charge(charge)
    });
    let mut rows: Vec<Row> = rows.collect();
    for (number, charge) in charges.iter().enumerate().filter(|_| dice.one_in(5)) {
        rows.push(Row::Refund {
            id: format!("x-{}", charge.id),
            of: match number % 2 {
                0 => charge.id.clone(),
                _ => charge.invoice.clone(),
            },
            mail: String::new(),
            currency: "USD",
            paid: 7,
            day: charge.day,
        });
    }
    rows
}

/// The files of one run: exports that overlap and repeat, with a row now and then that says another
/// amount.
fn run_of(sales: &[Sale], all: &[Charge], until: i64, dice: &mut Dice) -> Vec<Vec<Row>> {
    let mut files = Vec::new();
    for _ in 0..dice.between(1, 3) {
        let to = until - [0, 0, 10, 30][dice.roll(4) as usize];
        let from = match dice.roll(3) {
            0 => 0,
            _ => to - dice.between(10, 50),
        };
        let mut rows = export(sales, from, to, dice);
        let charges = export_charges(all, from, to, dice);
        if dice.one_in(12)
            && let Some(row) = rows.first().cloned()
        {
            rows.push(match row {
                Row::Sale {
                    id,
                    other,
                    mail,
                    currency,
                    paid,
                    net,
                    day,
                } => {
                    let (paid, net) = (paid + 1, net + 1);
                    Row::Sale {
                        id,
                        other,
                        mail,
                        currency,
                        paid,
                        net,
                        day,
                    }
                }
                Row::Refund {
                    id,
                    of,
                    mail,
                    currency,
                    paid,
                    day,
                } => {
                    let paid = paid + 1;
                    Row::Refund {
                        id,
                        of,
                        mail,
                        currency,
                        paid,
                        day,
                    }
                }
                same => same,
            });
        }
        rows.extend(charges);
        if dice.one_in(4) {
            rows.extend(rows.clone());
        }
        dice.shuffle(&mut rows);
        files.push(rows);
    }
    files
}

// The model.

/// What was told to the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    id: String,
    kind: Kind,
    /// As it counts.
    net: i64,
    /// As it was paid.
    paid: i64,
    currency: String,
    sale: Option<String>,
    total: Option<i64>,
    other: String,
    mail: String,
    uid: String,
    code: String,
    /// The charge, of a payment that was exported as one.
    charge: String,
    /// The invoice that it shares with the first charge of that, which goes by it.
    shared: String,
    day: i64,
}

/// What goes out of one event: id, kind, cents, currency, sale, email, uid, coupon.
type Line = (String, Kind, i64, String, Option<String>, [String; 3]);

/// What a run comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    sent: BTreeSet<Line>,
    held: BTreeSet<String>,
    conflicts: BTreeSet<String>,
}

#[derive(Default)]
struct Model {
    told: Vec<Told>,
    by_customer: bool,
}

/// How much of `net` belongs to `part` of `paid`: the nearest whole number, the larger of two.
fn share(part: i64, net: i64, paid: i64) -> i64 {
    let (part, net, paid) = (part as u128, net as u128, paid as u128);
    let (whole, rest) = (part * net / paid, part * net % paid);
    (if rest * 2 >= paid { whole + 1 } else { whole }) as i64
}

impl Model {
    fn told(&self, id: &str) -> Option<&Told> {
        self.told.iter().find(|told| told.id == id)
    }

    fn run(&mut self, rows: &[Row]) -> Outcome {
        let mut out = Outcome::default();
        let (mut told, refunds) = (Vec::new(), self.refunds(rows, &mut out));
        let mut sales = self.sales(rows, &mut out);
        let mut disputed = BTreeSet::new();
        let (charges, mut totals) = self.charges(rows, &mut disputed, &mut out);
        sales.extend(charges);
        totals.extend(self::totals(rows));
        for sale in sales.values() {
            if self.told(&sale.id).is_none() && !out.conflicts.contains(&sale.id) {
                told.push(sale.clone());
            }
        }
        let named = self.name(rows, &refunds, &sales, &totals, &mut out);
        let mut ids: BTreeSet<&String> = named.values().collect();
        ids.extend(totals.keys());
        for id in ids {
            let Some(sale) = self.told(id).or_else(|| sales.get(id)).cloned() else {
                continue;
            };
            let parts: Vec<&Told> = refunds
                .values()
                .filter(|refund| named.get(&refund.id) == Some(id))
                .collect();
            let totals = totals.get(id).cloned().unwrap_or_default();
            let before = out.held.len();
            let mut refunds = self.settle(&sale, &parts, &totals, &mut out);
            let is_disputed = disputed.contains(id) || self.told(id).is_none();
            if is_disputed && out.conflicts.contains(id) {
                out.held.extend(refunds.drain(..).map(|refund| refund.id));
            }
            assert!(out.held.len() >= before);
            told.extend(refunds);
        }
        for row in rows {
            if let Row::Totals {
                id, refunded: 0, ..
            } = row
                && self.refunded(id).2 > Some(0)
                && !totals.contains_key(id)
            {
                out.held.insert(format!("{id}_refund_0"));
            }
        }
        out.held.retain(|id| !out.conflicts.contains(id));
        told.retain(|told| !out.conflicts.contains(&told.id));
        for told in told.iter().filter(|told| told.net > 0) {
            let whom = [told.mail.clone(), told.uid.clone(), told.code.clone()];
            let line = (
                told.id.clone(),
                told.kind,
                told.net,
                told.currency.clone(),
                told.sale.clone(),
                whom,
            );
            out.sent.insert(line);
        }
        self.told.extend(told);
        out
    }

    /// The sales of a run, and which of them contradict each other or what was told.
    fn sales(&self, rows: &[Row], out: &mut Outcome) -> BTreeMap<String, Told> {
        let mut sales: BTreeMap<String, Told> = BTreeMap::new();
        for row in rows {
            let sale = match row.clone() {
                Row::Sale {
                    id,
                    other,
                    mail,
                    currency,
                    paid,
                    net,
                    day,
                } => (id, other, mail, currency, paid, net, day),
                Row::Totals {
                    id,
                    mail,
                    currency,
                    paid,
                    net,
                    day,
                    ..
                } => (id, String::new(), mail, currency, paid, net, day),
                Row::Refund { .. } | Row::Charge(_) => continue,
            };
            let (id, other, mail, currency, paid, net, day) = sale;
            let known = self.told(&id).or_else(|| sales.get(&id));
            if known.is_some_and(|known| (known.paid, known.net) != (paid, net)) {
                out.conflicts.insert(id.clone());
            }
            let currency = currency.to_owned();
            let (kind, sale, total) = (Kind::Sale, None, None);
            let sale = Told {
                id,
                kind,
                net,
                paid,
                currency,
                sale,
                total,
                other,
                mail,
                uid: String::new(),
                code: String::new(),
                charge: String::new(),
                shared: String::new(),
                day,
            };
            let entry = sales.entry(sale.id.clone()).or_insert_with(|| sale.clone());
            if sale.paid < entry.paid {
                *entry = sale;
            }
        }
        sales
    }

    /// The charges of a run by the ids by which they go, with the running totals of each. Those of which
    /// no row says what was told are disputed.
    fn charges(
        &self,
        rows: &[Row],
        disputed: &mut BTreeSet<String>,
        out: &mut Outcome,
    ) -> (BTreeMap<String, Told>, BTreeMap<String, BTreeSet<i64>>) {
        let mut by_charge: BTreeMap<&str, Vec<&Charge>> = BTreeMap::new();
        for row in rows {
            if let Row::Charge(charge) = row {
                by_charge.entry(&charge.id).or_default().push(charge);
            }
        }
        let mut in_order: Vec<(&str, Vec<&Charge>)> = by_charge.into_iter().collect();
        in_order.sort_by_key(|(id, readings)| (readings[0].day, *id));
        let mut taken: BTreeSet<String> = self.told.iter().map(|told| told.id.clone()).collect();
        let (mut sales, mut totals) = (BTreeMap::new(), BTreeMap::new());
        for (id, readings) in in_order {
            let told = self.told.iter().find(|told| told.charge == id);
            let invoice = readings.iter().map(|charge| charge.invoice.as_str()).max();
            let invoice = invoice.unwrap_or_default().to_owned();
            let goes_by = match told {
                Some(told) => told.id.clone(),
                None if invoice.is_empty() || taken.contains(&invoice) => id.to_owned(),
                None => invoice.clone(),
            };
            taken.insert(goes_by.clone());
            let sale = self.charge(id, goes_by, invoice, &readings, out);
            if told.is_some_and(|told| readings.iter().all(|charge| charge.paid != told.paid)) {
                disputed.insert(sale.id.clone());
            }
            let refunded = readings.iter().map(|charge| charge.refunded);
            let refunded: BTreeSet<i64> = refunded.filter(|&cents| cents > 0).collect();
            if !refunded.is_empty() {
                totals.insert(sale.id.clone(), refunded);
            } else if self.refunded(&sale.id).2 > Some(0) {
                out.held.insert(format!("{}_refund_0", sale.id));
            }
            sales.insert(sale.id.clone(), sale);
        }
        (sales, totals)
    }

    /// What the readings of one charge say together.
    fn charge(
        &self,
        id: &str,
        goes_by: String,
        invoice: String,
        readings: &[&Charge],
        out: &mut Outcome,
    ) -> Told {
        let all = |of: fn(&Charge) -> &str| -> BTreeSet<String> {
            let said = readings.iter().map(|charge| of(charge).to_owned());
            said.filter(|text| !text.is_empty()).collect()
        };
        let (mails, codes) = (all(|charge| &charge.mail), all(|charge| &charge.code));
        let paid: BTreeSet<i64> = readings.iter().map(|charge| charge.paid).collect();
        let is_conflict = match self.told(&goes_by) {
            Some(told) => paid != BTreeSet::from([told.paid]),
            None => paid.len() > 1 || mails.len() > 1 || codes.len() > 1,
        };
        if is_conflict {
            out.conflicts.insert(goes_by.clone());
        }
        let first = |texts: BTreeSet<String>| texts.into_iter().next().unwrap_or_default();
        let paid = paid.into_iter().next().unwrap();
        Told {
            kind: Kind::Sale,
            net: paid,
            paid,
            currency: "USD".to_owned(),
            sale: None,
            total: None,
            other: if goes_by == invoice {
                id.to_owned()
            } else if self.told(&goes_by).is_some() {
                invoice.clone()
            } else {
                String::new()
            },
            mail: first(mails),
            uid: readings[0].uid.clone(),
            code: first(codes),
            charge: id.to_owned(),
            shared: if goes_by == id {
                invoice
            } else {
                String::new()
            },
            day: readings[0].day,
            id: goes_by,
        }
    }

    /// The refunds with rows of their own; one in conflict is taken for its largest amount.
    fn refunds(&self, rows: &[Row], out: &mut Outcome) -> BTreeMap<String, Told> {
        let mut refunds: BTreeMap<String, Told> = BTreeMap::new();
        for row in rows {
            let Row::Refund {
                id,
                of,
                mail,
                currency,
                paid,
                day,
            } = row.clone()
            else {
                continue;
            };
            let refund = Told {
                id: id.clone(),
                kind: Kind::Refund,
                net: paid,
                paid,
                currency: currency.to_owned(),
                sale: Some(of).filter(|of| !of.is_empty()),
                total: None,
                other: String::new(),
                mail,
                uid: String::new(),
                code: String::new(),
                charge: String::new(),
                shared: String::new(),
                day,
            };
            let known = self.told(&id).or_else(|| refunds.get(&id));
            if known.is_some_and(|k| k.paid != paid || k.currency != currency) {
                out.conflicts.insert(id.clone());
            }
            let entry = refunds.entry(id).or_insert_with(|| refund.clone());
            if refund.paid > entry.paid {
                *entry = refund;
            }
        }
        refunds
    }

    /// The sale of each refund that was not told yet.
    fn name(
        &self,
        rows: &[Row],
        refunds: &BTreeMap<String, Told>,
        sales: &BTreeMap<String, Told>,
        totals: &BTreeMap<String, BTreeSet<i64>>,
        out: &mut Outcome,
    ) -> BTreeMap<String, String> {
        let mut named = BTreeMap::new();
        let mut nameless = Vec::new();
        for refund in refunds.values() {
            if let Some(told) = self.told(&refund.id) {
                // It names the id of another sale than the one for which it was told.
                let named = refund.sale.as_ref().filter(|of| {
                    let is_sale = self.told(of).is_some_and(|told| told.kind == Kind::Sale);
                    is_sale || sales.contains_key(*of)
                });
                let is_other = named.is_some() && told.sale != refund.sale;
                if is_other && self.charges_of(named.map_or("", |of| of), rows).len() < 2 {
                    out.conflicts.insert(refund.id.clone());
                }
                continue;
            }
            let Some(of) = &refund.sale else {
                nameless.push(refund);
                continue;
            };
            if self.charges_of(of, rows).len() > 1 {
                out.held.insert(refund.id.clone());
                continue;
            }
            let others = |all: Vec<&Told>| -> BTreeSet<String> {
                let all = all.into_iter().filter(|sale| &sale.other == of);
                all.map(|sale| sale.id.clone()).collect()
            };
            let here = others(sales.values().collect());
            let then = others(self.told.iter().filter(|t| t.kind == Kind::Sale).collect());
            let found = if sales.contains_key(of) {
                BTreeSet::from([of.clone()])
            } else if !here.is_empty() {
                here
            } else if self.told(of).is_some() {
                BTreeSet::from([of.clone()])
            } else {
                then
            };
            if found.len() == 1 {
                named.insert(refund.id.clone(), found.into_iter().next().unwrap());
            } else {
                out.held.insert(refund.id.clone());
            }
        }
        let matched = self.by_customer(&nameless, refunds, &named, sales, totals);
        for refund in nameless {
            match matched.get(&refund.id) {
                Some(sale) => drop(named.insert(refund.id.clone(), sale.clone())),
                None => drop(out.held.insert(refund.id.clone())),
            }
        }
        named
    }

    /// The charges that share this id as their invoice, as far as anything says.
    fn charges_of(&self, invoice: &str, rows: &[Row]) -> BTreeSet<String> {
        let here = rows.iter().filter_map(|row| match row {
            Row::Charge(charge) if charge.invoice == invoice => Some(charge.id.clone()),
            _ => None,
        });
        let told = self.told.iter().filter(|told| {
            !told.charge.is_empty() && (told.id == invoice || told.shared == invoice)
        });
        here.chain(told.map(|told| told.charge.clone())).collect()
    }

    /// The only sale that a refund can undo, if the user wants that.
    fn by_customer(
        &self,
        nameless: &[&Told],
        refunds: &BTreeMap<String, Told>,
        named: &BTreeMap<String, String>,
        sales: &BTreeMap<String, Told>,
        totals: &BTreeMap<String, BTreeSet<i64>>,
    ) -> BTreeMap<String, String> {
        let mut matched: BTreeMap<String, Vec<&Told>> = BTreeMap::new();
        let mut all: BTreeMap<&String, &Told> = sales.iter().collect();
        let told = self.told.iter().filter(|told| told.kind == Kind::Sale);
        all.extend(told.map(|told| (&told.id, told)));
        let left = |sale: &Told| {
            let parts = refunds
                .values()
                .filter(|r| named.get(&r.id) == Some(&sale.id));
            let here: i64 = parts.map(|refund| refund.paid).sum();
            let (told, _, total) = self.refunded(&sale.id);
            let total = total.max(totals.get(&sale.id).and_then(|all| all.last().copied()));
            sale.paid - (told + here).max(total.unwrap_or(0))
        };
        for refund in nameless.iter().filter(|_| self.by_customer) {
            let mut fits = all.values().filter(|sale| {
                !refund.mail.is_empty()
                    && sale.mail == refund.mail
                    && sale.currency == refund.currency
                    && sale.day <= refund.day
                    && refund.paid <= left(sale)
            });
            if let (Some(sale), None) = (fits.next(), fits.next()) {
                matched.entry(sale.id.clone()).or_default().push(refund);
            }
        }
        let mut found = BTreeMap::new();
        for (id, refunds) in matched {
            if refunds.iter().map(|refund| refund.paid).sum::<i64>() <= left(all[&id]) {
                found.extend(refunds.iter().map(|refund| (refund.id.clone(), id.clone())));
            }
        }
        found
    }

    /// What was told to be refunded of a sale: as it was paid, as it counts, and the largest total.
    fn refunded(&self, sale: &str) -> (i64, i64, Option<i64>) {
        let refunds = self
            .told
            .iter()
            .filter(|told| told.sale.as_deref() == Some(sale));
        refunds.fold((0, 0, None), |(paid, net, total), refund| {
            (
                paid + refund.paid,
                net + refund.net,
                total.max(refund.total),
            )
        })
    }

    fn settle(
        &self,
        sale: &Told,
        parts: &[&Told],
        totals: &BTreeSet<i64>,
        out: &mut Outcome,
    ) -> Vec<Told> {
        let (mut paid, mut net, largest) = self.refunded(&sale.id);
        paid = paid.max(largest.unwrap_or(0));
        let mut parts = parts.to_vec();
        parts.sort_by_key(|part| (part.day, part.id.clone()));
        let mut told = Vec::new();
        for part in parts {
            let fits = paid + part.paid <= sale.paid;
            if largest.is_some() || !fits || part.currency != sale.currency {
                out.held.insert(part.id.clone());
                continue;
            }
            paid += part.paid;
            let counts = share(paid, sale.net, sale.paid) - net;
            // Of which nothing counts is not told, and refunded all the same.
            if counts >= 0 {
                net += counts;
                told.push(Told {
                    net: counts,
                    sale: Some(sale.id.clone()),
                    mail: sale.mail.clone(),
                    uid: sale.uid.clone(),
                    ..part.clone()
                });
            }
        }
        for &total in totals {
            let id = format!("{}_refund_{total}", sale.id);
            if self.told(&id).is_some() {
                continue;
            }
            let fell = largest > Some(total) && totals.last() < largest.as_ref();
            if total > sale.paid || (total <= paid && fell) {
                out.held.insert(id);
            } else if total > paid {
                let counts = share(total, sale.net, sale.paid) - net;
                if counts > 0 {
                    net += counts;
                    told.push(Told {
                        id,
                        kind: Kind::Refund,
                        net: counts,
                        paid: total - paid,
                        sale: Some(sale.id.clone()),
                        total: Some(total),
                        code: String::new(),
                        charge: String::new(),
                        shared: String::new(),
                        other: String::new(),
                        ..sale.clone()
                    });
                }
                paid = total;
            }
        }
        told
    }
}

fn totals(rows: &[Row]) -> BTreeMap<String, BTreeSet<i64>> {
    let mut totals: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        if let Row::Totals { id, refunded, .. } = row
            && *refunded > 0
        {
            totals.entry(id.clone()).or_default().insert(*refunded);
        }
    }
    totals
}

// The program.

/// A journal in memory: everything that was sent is settled.
#[derive(Clone, Default)]
struct Memory {
    events: HashMap<EventKey, Event>,
    /// The sales and what was paid back, of refunds of which nothing counts.
    uncounted: HashMap<EventKey, (EventKey, i64)>,
}

impl SaleHistory for Memory {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.events.get(&key).map(Event::essence)
    }

    fn refunded(&self, sale: EventKey) -> Refunded {
        let mut refunded = Refunded::default();
        for event in self.events.values() {
            if event.sale_event_id.as_deref().map(EventKey::from_id) == Some(sale) {
                refunded.cents += event.money.unwrap().amount_cents;
                refunded.gross_cents += event.paid_cents().unwrap();
                let total = event.refund_total_cents;
                refunded.largest_total_cents = refunded.largest_total_cents.max(total);
            }
        }
        let uncounted = self.uncounted.values().filter(|(of, _)| *of == sale);
        refunded.gross_cents += uncounted.map(|(_, cents)| cents).sum::<i64>();
        refunded
    }

    fn counted_nothing(&self, refund: EventKey) -> Option<i64> {
        self.uncounted.get(&refund).map(|(_, cents)| *cents)
    }

    fn outcome(&self, key: EventKey) -> Option<Settled> {
        self.events.get(&key).map(|_| Settled::Tracked)
    }

    fn sales_with_reference(&self, reference: EventKey) -> Vec<Text> {
        let has =
            |sale: &&Event| sale.reference.as_deref().map(EventKey::from_id) == Some(reference);
        self.sales()
            .filter(has)
            .map(|sale| sale.event_id().into())
            .collect()
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn further_payments(&self, shared: EventKey) -> Vec<Text> {
        let of_shared = self.sales().filter(|sale| {
            let id = sale.details().shared_id.as_deref();
            id.map(EventKey::from_id) == Some(shared)
        });
        of_shared.map(|sale| sale.event_id().into()).collect()
    }

    fn customer_of(&self, sale: EventKey) -> Option<Customer> {
        Some(self.events.get(&sale)?.customer.clone())
    }

    fn sale_of_refund(&self, refund: EventKey) -> Option<Text> {
        let refund = self.events.get(&refund)?;
        refund.sale_event_id.clone()
    }

    fn sales_of(&self, customer: CustomerRef<'_>) -> Vec<EarlierSale> {
        let theirs = self
            .sales()
            .filter(|sale| sale.customer.email.as_deref() == customer.email);
        let earlier = theirs.map(|sale| EarlierSale {
            event_id: sale.event_id().into(),
            customer: sale.customer.clone(),
            created_at: sale.created_at,
        });
        earlier.collect()
    }
}

impl Memory {
    fn sales(&self) -> impl Iterator<Item = &Event> {
        self.events
            .values()
            .filter(|event| event.kind == Kind::Sale)
    }
}

impl History for Memory {}

fn profiles() -> Profiles {
    let tables: BTreeMap<String, toml::Table> = toml::from_str(PROFILES).unwrap();
    Profiles::load(&tables).unwrap()
}

fn job(
    profiles: &Profiles,
    texts: &[String],
    past: &(impl History + Clone),
    rules: &LinkRules,
) -> Job {
    let setup = Setup {
        rules: rules.clone(),
        ..Setup::new(profiles, Currency::from_code("USD").unwrap())
    };
    let numbered = texts.iter().enumerate();
    let exports = numbered.map(|(number, text)| {
        Export::from_bytes(&format!("{number}.csv"), text.clone().into_bytes())
    });
    let history = |_: &dyn Fn() -> HistoryRequest| Ok::<_, Infallible>(past.clone());
    let context = PlanContext::new("2099-01-01T00:00:00Z".parse().unwrap());
    let (job, _) = job::plan(exports, &setup, context, history).unwrap();
    assert_eq!(job.rows().rejected, 0, "{:?}", job.problems.kept());
    assert!(job.rows().is_balanced() && job.plan.is_balanced());
    job
}

fn outcome(job: &Job) -> Outcome {
    let mut out = Outcome::default();
    for planned in job.plan.events() {
        let event = planned.event;
        let id = event.event_id().to_owned();
        match planned.state {
            PlanState::ToSend => {
                let money = event.money.unwrap();
                let sale = event.sale_event_id.as_ref().map(ToString::to_string);
                let currency = money.currency.code().to_owned();
                let details = event.details();
                let code = details.promo_code.as_deref();
                let whom = [event.customer.email, event.customer.uid, code];
                let whom = whom.map(|text| text.unwrap_or_default().to_owned());
                let line = (id, event.kind, money.amount_cents, currency, sale, whom);
                assert!(out.sent.insert(line), "{} is sent twice", event.event_id());
            }
            PlanState::Unlinked => drop(out.held.insert(id)),
            PlanState::Conflict => drop(out.conflicts.insert(id)),
            PlanState::Settled | PlanState::Duplicate | PlanState::OutOfRange => {}
        }
    }
    out
}

/// What was refunded of each sale is never more than it counts, and all of it where all is paid back.
fn assert_sales_undone(memory: &Memory) {
    for sale in memory.sales() {
        let refunded = memory.refunded(sale.key());
        let net = sale.money.unwrap().amount_cents;
        assert!(refunded.cents <= net, "{sale:?} {refunded:?}");
        if Some(refunded.gross_cents) == sale.paid_cents() {
            assert_eq!(refunded.cents, net, "{sale:?}");
        }
    }
}

fn check_job(seed: u64, profiles: &Profiles, seen: &mut Seen) {
    let mut dice = Dice(seed);
    let sales = world(&mut dice);
    let charges = charges(&mut dice);
    let rules = LinkRules {
        match_by_customer: dice.one_in(2),
        ..LinkRules::default()
    };
    let mut model = Model {
        by_customer: rules.match_by_customer,
        ..Model::default()
    };
    let mut memory = Memory::default();
    let mut until = 40;
    for _ in 0..dice.between(1, 4) {
        let mut rows = run_of(&sales, &charges, until, &mut dice);
        until += 35;
        if dice.one_in(5) {
            rows = run_of(&sales, &charges, until - 75, &mut dice);
        }
        let texts = files(&rows);
        if texts.is_empty() {
            continue;
        }
        let read = job(profiles, &texts, &memory, &rules);
        seen.add(&read);
        let is = outcome(&read);
        let expected = model.run(&rows.concat());
        assert_eq!(
            is,
            expected,
            "\n{sales:#?}\n{charges:#?}\n{}",
            texts.join("\n")
        );

        dice.shuffle(&mut rows);
        rows.iter_mut().for_each(|file| dice.shuffle(file));
        let again = outcome(&job(profiles, &files(&rows), &memory, &rules));
        assert_eq!(again, is, "in another order\n{}", texts.join("\n"));

        for planned in read.plan.events().filter(|p| p.event.is_uncounted()) {
            let (event, state) = (planned.event, planned.state);
            let is_held = is.held.contains(event.event_id());
            if let (PlanState::Duplicate, Some(sale), false) = (state, event.sale_event_id, is_held)
            {
                let uncounted = (EventKey::from_id(sale), event.gross_cents.unwrap());
                memory.uncounted.entry(event.key()).or_insert(uncounted);
            }
        }
        for planned in read.plan.events().filter(|p| p.state == PlanState::ToSend) {
            let event = planned.event.to_event();
            assert!(memory.events.insert(event.key(), event).is_none());
        }
        assert_sales_undone(&memory);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

/// What the jobs had in them: a generator that makes none of something would prove nothing of it.
#[derive(Debug, Default)]
struct Seen {
    runs: u64,
    sales: u64,
    refunds: u64,
    before_tax: u64,
    totals: u64,
    by_reference: u64,
    of_earlier_runs: u64,
    by_rule: u64,
    held: u64,
    conflicts: u64,
    duplicates: u64,
    settled: u64,
    covered: u64,
    further_payments: u64,
    same_payments: u64,
    coupons: u64,
    customers_of_sales: u64,
    fallen_totals: u64,
}

impl Seen {
    fn add(&mut self, job: &Job) {
        self.runs += 1;
        for planned in job.plan.events() {
            let (event, note) = (planned.event, &planned.event.note);
            self.further_payments += u64::from(note.contains("a further payment of"));
            self.same_payments += u64::from(note.contains("the same payment as"));
            self.coupons += u64::from(event.details().promo_code.is_some());
            self.customers_of_sales += u64::from(note.contains("the customer of its sale"));
            self.fallen_totals += u64::from(note.contains("and now nothing is"));
            match planned.state {
                PlanState::ToSend if event.kind == Kind::Sale => self.sales += 1,
                PlanState::ToSend => {
                    self.refunds += 1;
                    self.before_tax += u64::from(event.gross_cents.is_some());
                    self.totals += u64::from(event.refund_total_cents.is_some());
                    self.by_reference += u64::from(note.contains("linked by `c"));
                    self.of_earlier_runs += u64::from(note.contains("an earlier run"));
                    self.by_rule += u64::from(note.contains("linked by rule"));
                }
                PlanState::Unlinked => self.held += 1,
                PlanState::Conflict => self.conflicts += 1,
                PlanState::Settled => self.settled += 1,
                PlanState::Duplicate if note.contains("the same event as") => self.duplicates += 1,
                PlanState::Duplicate | PlanState::OutOfRange => self.covered += 1,
            }
        }
    }

    fn is_everything(&self) -> bool {
        let Seen {
            runs,
            sales,
            refunds,
            before_tax,
            totals,
            by_reference,
            of_earlier_runs,
            by_rule,
            held,
            conflicts,
            duplicates,
            settled,
            covered,
            further_payments,
            same_payments,
            coupons,
            customers_of_sales,
            fallen_totals,
        } = *self;
        let all = [
            runs,
            sales,
            refunds,
            before_tax,
            totals,
            by_reference,
            of_earlier_runs,
            by_rule,
            held,
            conflicts,
            duplicates,
            settled,
            covered,
            further_payments,
            same_payments,
            coupons,
            customers_of_sales,
            fallen_totals,
        ];
        all.iter().all(|&count| count > 10)
    }
}

#[test]
fn generated_jobs_come_to_what_the_model_says() {
    let profiles = profiles();
    let (seeds, is_whole) = match number("FPRECON_LINK_SEED") {
        Some(seed) => (seed..seed + 1, false),
        None => (0..number("FPRECON_LINK_JOBS").unwrap_or(300), true),
    };
    let mut seen = Seen::default();
    for seed in seeds {
        let seen = std::panic::AssertUnwindSafe(&mut seen);
        let checked = std::panic::catch_unwind(|| check_job(seed, &profiles, { seen }.0));
        assert!(checked.is_ok(), "FPRECON_LINK_SEED={seed} fails");
    }
    println!("{seen:?}");
    assert!(!is_whole || seen.is_everything(), "{seen:?}");
}

// The command line.

const OWN: &str = "kind,event_id,sale_event_id,email,amount,created_at\n";

fn own(rows: &str) -> String {
    format!("{OWN}{rows}")
}

/// The state, sale, amount and note of each event of a plan.
fn planned(place: &Place, arguments: &[&str]) -> BTreeMap<String, [String; 4]> {
    let mut all = vec!["plan", "--sandbox", "--events", "events.csv", "--json"];
    all.extend(arguments);
    let output = place.command(&all).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let rows = place.csv("events.csv");
    let column = |name: &str| rows[0].iter().position(|is| is == name).unwrap();
    let (id, columns) = (
        column("event_id"),
        ["plan_state", "sale_event_id", "amount_cents", "note"].map(column),
    );
    let events = rows[1..].iter();
    events
        .map(|row| (row[id].clone(), columns.map(|column| row[column].clone())))
        .collect()
}

/// What the program says on standard error, and its exit code.
fn refused(place: &Place, arguments: &[&str]) -> (i32, String) {
    let output = place.command(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

const TWO_SALES: &str = "sale,s1,,ana@example.com,8.00,2026-01-01
sale,s2,,ana@example.com,9.00,2026-01-02
sale,s3,,ben@example.com,9.00,2026-01-02
refund,r1,,ana@example.com,8.50,2026-01-03
refund,r2,,ana@example.com,3.00,2026-01-03
";

#[test]
fn a_refund_without_a_sale_is_held_with_its_candidates_until_somebody_says() {
    let place = Place::new();
    place.write("own.csv", &own(TWO_SALES));
    let run = ["run", "own.csv", "--sandbox", "--yes", "--dir", "out"];
    assert_eq!(refused(&place, &run).0, 1);
    let held = place.csv("out/held.csv");
    let column = |name: &str| held[0].iter().position(|is| is == name).unwrap();
    let (id, candidates) = (column("event_id"), column("candidates"));
    let named: Vec<_> = held[1..]
        .iter()
        .map(|row| [&row[id], &row[candidates]])
        .collect();
    assert_eq!(named, [["r1", "s2"], ["r2", "s1 s2"]]);

    place.write("mine.csv", "refund_event_id,sale_event_id\nr1,s2\nr2,s1\n");
    let now = planned(&place, &["own.csv", "--link", "mine.csv"]);
    for (refund, sale) in [("r1", "s2"), ("r2", "s1")] {
        assert_eq!(now[refund][..2], ["to_send", sale]);
        assert!(now[refund][3].contains("you named"), "{now:?}");
    }
    place.write("fprecon.toml", "[link]\nresolutions = \"mine.csv\"\n");
    assert_eq!(refused(&place, &run).0, 0);
    assert_eq!(planned(&place, &["own.csv"])["r2"][0], "settled");
}

#[test]
fn the_rule_is_off_and_takes_the_only_sale_where_it_is_on() {
    let place = Place::new();
    place.write("own.csv", &own(TWO_SALES));
    assert_eq!(planned(&place, &["own.csv"])["r1"][0], "unlinked");
    place.write("fprecon.toml", "[link]\nmatch_by_customer = true\n");
    let now = planned(&place, &["own.csv"]);
    assert_eq!(now["r1"][..3], ["to_send", "s2", "850"]);
    assert!(now["r1"][3].contains("linked by rule"), "{now:?}");
    assert_eq!(now["r2"][0], "unlinked", "two sales are enough for it");

    // The sale may have been imported last month; and what was linked stays linked.
    let run = ["run", "own.csv", "--sandbox", "--yes"];
    assert_eq!(refused(&place, &run).0, 1);
    place.write(
        "later.csv",
        &own("refund,r1,,ana@example.com,8.50,2026-01-03\nrefund,r3,,ben@example.com,9.00,2026-02-01\n"),
    );
    let now = planned(&place, &["later.csv"]);
    assert_eq!(now["r1"][..3], ["settled", "s2", "850"]);
    assert_eq!(now["r3"][..3], ["to_send", "s3", "900"]);
    place.write("fprecon.toml", "");
    let now = planned(&place, &["later.csv"]);
    assert_eq!(now["r1"][..3], ["settled", "s2", "850"]);
    assert_eq!(now["r3"][0], "unlinked");
}

/// A refund without its sale would reverse another one.
#[test]
fn a_refund_that_an_earlier_run_linked_follows_a_sale_that_is_asked_again() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    place.write("fprecon.toml", "[link]\nmatch_by_customer = true\n");
    let rows = |email: &str| {
        own(&format!(
            "sale,s1,,{email},49.00,2026-03-01\nrefund,r1,,{email},10.00,2026-03-05\n"
        ))
    };
    place.write("a.csv", &rows("ana@example.com"));
    let run = |export: &str| place.run_to(&sandbox, &["run", export, "--yes", "--json"]);
    run("a.csv").expect(0);

    // The API knew nobody of that email, so that nothing counts of either.
    place.write("b.csv", &rows("anna@example.com"));
    place
        .run_to(&sandbox, &["plan", "b.csv", "--events", "events.csv"])
        .expect(0);
    let events = place.csv("events.csv");
    assert_eq!(events[1][..3], ["sale", "s1", ""]);
    assert_eq!(events[2][..3], ["refund", "r1", "s1"]);
    assert_eq!([&events[1][13], &events[2][13]], ["to_send", "to_send"]);
    let report = run("b.csv").expect(0).json();
    assert_eq!(report["outcomes"]["non_referral"]["count"], 2, "{report}");
    let again = run("b.csv").expect(0).json();
    assert_eq!(again["events"]["by_plan"]["settled"], 2, "{again}");
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn refunds_go_without_their_sales_where_the_user_wants_that() {
    let place = Place::new();
    let rows = "refund,r1,gone,ana@example.com,8.50,2026-01-03\nrefund,r2,,ana@example.com,3.00,2026-01-03\n";
    place.write("own.csv", &own(rows));
    assert_eq!(planned(&place, &["own.csv"])["r1"][0], "unlinked");
    place.write("fprecon.toml", "[link]\nsend_unlinked = true\n");
    let now = planned(&place, &["own.csv"]);
    for refund in ["r1", "r2"] {
        assert_eq!(now[refund][..2], ["to_send", ""]);
        assert!(now[refund][3].contains("sent without a sale"), "{now:?}");
    }
    let run = ["run", "own.csv", "--sandbox", "--yes"];
    let (code, said) = refused(&place, &run);
    assert!(code == 0, "{said}");
    place.write("fprecon.toml", "");
    let again = planned(&place, &["own.csv"]);
    assert_eq!(
        (&again["r1"][0], &again["r2"][0]),
        (&"settled".into(), &"settled".into())
    );
}

#[test]
fn resolutions_that_name_nobody_are_refused_with_their_lines() {
    let place = Place::new();
    place.write("own.csv", &own(TWO_SALES));
    for (text, expected) in [
        ("r1,s9\n", "mine.csv:2: error: there is no sale `s9`"),
        (
            "r1,s2\nr9,s2\n",
            "mine.csv:3: error: there is no refund `r9`",
        ),
        (
            "r1,s2\ns1,s2\n",
            "mine.csv:3: error: there is no refund `s1`",
        ),
        ("r1,\n", "mine.csv:2: error: an id is missing"),
        ("r1,s1\nr1,s2\n", "mine.csv:3: error: `r1` has another sale"),
        ("r1,s1,s2\n", "mine.csv:2: error: the file can't be read"),
    ] {
        place.write(
            "mine.csv",
            &format!("refund_event_id,sale_event_id\n{text}"),
        );
        for command in ["plan", "run"] {
            let arguments = [command, "own.csv", "--sandbox", "--link", "mine.csv"];
            let (code, said) = refused(&place, &arguments);
            assert!(code == 3 && said.contains(expected), "{expected}: {said}");
        }
    }
    place.write("mine.csv", "refund,sale\nr1,s1\n");
    let arguments = ["plan", "own.csv", "--sandbox", "--link", "mine.csv"];
    let (code, said) = refused(&place, &arguments);
    assert!(
        code == 3 && said.contains("the header is `refund,sale`"),
        "{said}"
    );
    let (code, said) = refused(
        &place,
        &["plan", "own.csv", "--sandbox", "--link", "no.csv"],
    );
    assert!(code == 3 && said.contains("no.csv"), "{said}");
}

const TILL: &str = "[exports.till]
title = \"a till\"
based_on = \"a test\"
columns = { kind = \"kind\", id = \"id\", of = \"of\", mail = \"mail\", currency = \"currency\", paid = \"paid\", tax = \"tax\" }
customer = { email = \"mail\" }
money = { currency_column = \"currency\" }
[exports.till.dates]
missing = \"today\"
[[exports.till.event]]
kind = \"sale\"
when = { kind = \"sale\" }
event_id = [\"{id}\"]
amount = { column = \"paid\", minus = [\"tax\"] }
[[exports.till.event]]
kind = \"refund\"
when = { kind = \"refund\" }
event_id = [\"{id}\"]
sale_event_id = [\"{of}\"]
amount = \"paid\"
";

/// Three runs, each with a third of what was paid: in a currency with hundredths, and in one without.
#[test]
fn the_journal_keeps_what_is_left_of_a_sale_before_tax() {
    let place = Place::new();
    place.write("fprecon.toml", TILL);
    let header = "kind,id,of,mail,currency,paid,tax\n";
    let sales = "sale,s1,,ana@example.com,EUR,11.90,1.90\nsale,s2,,ana@example.com,JPY,1000,91\n";
    let mut refunds = String::new();
    let mut sums = [0, 0];
    for (run, [euros, yen]) in [["3.96", "333"], ["3.97", "333"], ["3.97", "334"]]
        .iter()
        .enumerate()
    {
        refunds += &format!(
            "refund,e{run},s1,ana@example.com,EUR,{euros},\nrefund,y{run},s2,ana@example.com,JPY,{yen},\n"
        );
        place.write("till.csv", &format!("{header}{sales}{refunds}"));
        let now = planned(&place, &["till.csv"]);
        for (sum, kind) in sums.iter_mut().zip(["e", "y"]) {
            let refund = &now[&format!("{kind}{run}")];
            assert_eq!(refund[0], "to_send");
            *sum += refund[2].parse::<i64>().unwrap();
        }
        let arguments = ["run", "till.csv", "--sandbox", "--yes"];
        assert_eq!(refused(&place, &arguments).0, 0);
        let again = planned(&place, &["till.csv"]);
        assert!(
            again.values().all(|event| event[0] == "settled"),
            "{again:?}"
        );
    }
    assert_eq!(sums, [1000, 909]);
}

// A journal of version 1, as the program wrote it that knew no amounts beside those that count.

const VERSION_1: &str = include_str!("../journals/version-1.sql");

const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id
a-1,t1,purchase,11.90,1.90,USD,2026-01-31 20:00:00 UTC,success,false,,101,
a-1,t2,purchase,11.90,1.90,USD,2026-01-31 20:00:00 UTC,success,false,,102,s1
a-2,t3,purchase,8.00,0.00,USD,2026-01-31 20:00:00 UTC,success,false,,103,
a-1,t4,refund,5.95,0.95,USD,2026-02-01 20:00:00 UTC,success,false,t1,101,
a-2,t5,refund,3.00,0.00,USD,2026-02-01 20:00:00 UTC,success,false,t3,103,
a-1,t6,refund,5.95,0.95,USD,2026-03-01 20:00:00 UTC,success,false,t1,101,
a-1,t7,refund,11.90,1.90,USD,2026-03-01 20:00:00 UTC,success,false,t2,102,s1
a-2,t8,refund,5.00,0.00,USD,2026-03-01 20:00:00 UTC,success,false,t3,103,
a-2,t9,refund,0.01,0.00,USD,2026-03-02 20:00:00 UTC,success,false,t3,103,
";

const CHARGEBEE: &str =
    "Customer Id,Invoice Number,Invoice Date,Amount,Status,Refunded Amount,Customer Email,Tax Total
c1,7001,2026-01-31T10:00:00.000Z,1100,Paid,1100,ana@example.com,100
c1,7002,2026-01-31T10:00:00.000Z,1100,Paid,400,ana@example.com,100
";

const BEE: &str = "[exports.bee]
extends = \"chargebee-invoices\"
[exports.bee.money]
currency = \"EUR\"
[exports.bee.money.format]
unit = \"minor\"
";

#[test]
fn a_journal_of_version_1_is_read_migrated_and_gone_on_with() {
    let place = Place::new();
    let path = place.path("fprecon-sandbox.journal");
    let version = |expected: i64| {
        let journal = open_to_edit(&path);
        let version = journal.query_row("PRAGMA user_version", [], |row| row.get(0));
        assert_eq!(version, Ok(expected));
    };
    let journal = open_to_edit(&path);
    journal.execute_batch(VERSION_1).unwrap();
    drop(journal);
    place
        .write("recurly.csv", RECURLY)
        .write("bee.csv", CHARGEBEE);
    place.write("fprecon.toml", BEE);
    let expected = [
        ("t1", "settled", "1000"),
        ("102", "settled", "1000"),
        ("t3", "settled", "800"),
        ("t4", "settled", "500"),
        ("t5", "settled", "300"),
        ("t6", "to_send", "500"),
        ("t7", "to_send", "1000"),
        ("t8", "to_send", "500"),
        ("t9", "unlinked", "1"),
        ("7001", "settled", "1000"),
        ("7002", "settled", "1000"),
        // Version 1 sent all of it as `7001_refund_1000`.
        ("7001_refund_1100", "duplicate", "0"),
        ("7002_refund_400", "to_send", "364"),
    ];
    let check = || {
        let now = planned(&place, &["recurly.csv", "bee.csv"]);
        for (id, state, cents) in expected {
            assert_eq!([&now[id][0], &now[id][2]], [state, cents], "{id}: {now:?}");
        }
        assert_eq!(now.len(), expected.len());
    };
    check();
    version(1);
    // A run of nothing else, so that the refunds are still to be sent.
    place.write("none.csv", OWN);
    let (code, said) = refused(&place, &["run", "none.csv", "--sandbox", "--yes"]);
    assert_eq!(code, 0, "{said}");
    version(8);
    check();
}
