//! What happens in a month, and what the exports of a night show of it.
//!
//! Nothing here knows the program: the exports are written as the providers write them.

use std::collections::BTreeMap;

use crate::support::{Payment, stripe_export};

/// How many nights a month has.
pub const NIGHTS: u32 = 30;
const CUSTOMERS: u32 = 20;

/// Who bills a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biller {
    /// A Stripe payments export: refunds are running totals on the rows of their sales.
    Stripe,
    /// A CSV of one's own: refunds are rows of their own.
    Own,
}

/// How a customer's email changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Never,
    /// From that day on, the customer has another one.
    Moved(u32, String),
    /// The first one was mistyped; from that night on, every row has the right one.
    Corrected(u32, String),
}

/// How a customer becomes a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Never,
    BeforeTheMonth,
    /// By an export of leads that has the customer from that day on.
    Listed(u32),
    /// By a sale with a promo code.
    Promo,
    /// At FirstPromoter itself, before that night.
    AtFirstPromoter(u32),
    /// Both, the first before the second.
    Twice(u32, u32),
}

#[derive(Clone, Debug)]
pub struct Customer {
    pub biller: Biller,
    pub uid: Option<String>,
    first_email: String,
    pub change: Change,
    pub path: Path,
}

impl Customer {
    /// The email that a row of `day` has in an export of `night`.
    ///
    /// A provider that keeps customers shows what they are called now; one that does not shows what was
    /// written on the order.
    pub fn email(&self, day: u32, night: u32) -> &str {
        match &self.change {
            Change::Corrected(on, to) if night >= *on => to,
            Change::Moved(on, to) if self.uid.is_some() && night >= *on => to,
            Change::Moved(on, to) if self.uid.is_none() && day >= *on => to,
            _ => &self.first_email,
        }
    }

    /// The email by which FirstPromoter knows the customer on `night`.
    pub fn true_email(&self, night: u32) -> &str {
        match &self.change {
            Change::Corrected(_, to) => to,
            _ => self.email(night, night),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Signup,
    Sale,
    Refund,
    Cancellation,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Signup => "signup",
            Kind::Sale => "sale",
            Kind::Refund => "refund",
            Kind::Cancellation => "cancellation",
        }
    }
}

/// Something that a customer does.
#[derive(Clone, Debug)]
pub struct Deed {
    pub kind: Kind,
    /// The provider's id; for a refund on Stripe, nothing that an export shows.
    pub id: String,
    pub customer: usize,
    pub cents: i64,
    pub day: u32,
    pub minute: u32,
    /// The place of the sale that a refund reverses.
    pub sale: Option<usize>,
    pub has_promo_code: bool,
    pub comes_back: bool,
}

impl Deed {
    pub fn at(&self) -> (u32, u32) {
        (self.day, self.minute)
    }

    fn date(&self) -> String {
        let (hour, minute) = (self.minute / 60, self.minute % 60);
        format!("2026-03-{:02} {hour:02}:{minute:02}:00", self.day)
    }
}

/// A month, made of a seed.
pub struct World {
    pub customers: Vec<Customer>,
    pub deeds: Vec<Deed>,
}

impl World {
    pub fn new(rng: &mut fastrand::Rng) -> Self {
        let customers: Vec<Customer> = (0..CUSTOMERS).map(|n| customer(n, rng)).collect();
        let mut world = World {
            customers,
            deeds: Vec::new(),
        };
        for number in 0..world.customers.len() {
            world.live(number, rng);
        }
        // Two things of one customer never happen in one minute.
        let mut minutes: BTreeMap<(usize, u32), u32> = BTreeMap::new();
        for deed in &mut world.deeds {
            let minute = minutes.entry((deed.customer, deed.day)).or_insert(60);
            *minute += rng.u32(1..90);
            deed.minute = *minute;
        }
        world
    }

    /// A customer's month: sales, refunds days or weeks later, a cancellation, and a return. Refunds stand
    /// behind all sales, so that they keep their places.
    fn live(&mut self, number: usize, rng: &mut fastrand::Rng) {
        let is_promo = self.customers[number].path == Path::Promo;
        let mut day = rng.u32(1..8);
        let mut sales = 0;
        let mut comes_back = false;
        let promo_at = rng.u32(0..3);
        let mut later: Vec<Deed> = Vec::new();
        while day <= NIGHTS {
            let has_promo_code = is_promo && sales == promo_at;
            let sale = self.sale(number, day, has_promo_code, comes_back, rng);
            sales += 1;
            comes_back = false;
            later.extend(self.refunds(sale, rng));
            day += rng.u32(2..8);
            if rng.u32(..100) < 22 && day <= NIGHTS {
                let id = format!("cancel_{number}_{day}");
                self.deeds
                    .push(self.deed(Kind::Cancellation, id, number, day));
                day += rng.u32(2..7);
                comes_back = true;
                if rng.u32(..100) < 25 {
                    break;
                }
            }
        }
        later.sort_by_key(|deed| deed.day);
        self.deeds.extend(later);
    }

    fn deed(&self, kind: Kind, id: String, customer: usize, day: u32) -> Deed {
        Deed {
            kind,
            id,
            customer,
            cents: 0,
            day,
            minute: 0,
            sale: None,
            has_promo_code: false,
            comes_back: false,
        }
    }

    fn sale(
        &mut self,
        customer: usize,
        day: u32,
        has_promo_code: bool,
        comes_back: bool,
        rng: &mut fastrand::Rng,
    ) -> usize {
        let place = self.deeds.len();
        let id = match self.customers[customer].biller {
            Biller::Stripe if rng.bool() => format!("in_{place:04}"),
            Biller::Stripe => format!("ch_{place:04}"),
            Biller::Own => format!("order-{place:04}"),
        };
        let cents = i64::from(rng.u32(300..30_000));
        self.deeds.push(Deed {
            cents,
            has_promo_code,
            comes_back,
            ..self.deed(Kind::Sale, id, customer, day)
        });
        place
    }

    fn refunds(&self, place: usize, rng: &mut fastrand::Rng) -> Vec<Deed> {
        let sale = &self.deeds[place];
        let mut refunds = Vec::new();
        let (mut left, mut day) = (sale.cents, sale.day);
        while rng.u32(..100) < 42 && refunds.len() < 3 {
            day += if rng.u32(..3) == 0 {
                rng.u32(8..20)
            } else {
                rng.u32(0..6)
            };
            let cents = match rng.u32(..4) {
                0 => left,
                _ => left * i64::from(rng.u32(5..60)) / 100,
            };
            if day > NIGHTS || cents == 0 {
                break;
            }
            left -= cents;
            let id = format!("back-{place:04}-{}", refunds.len() + 1);
            refunds.push(Deed {
                cents,
                sale: Some(place),
                ..self.deed(Kind::Refund, id, sale.customer, day)
            });
        }
        refunds
    }

    /// Rows of the nights `from` to `night`, as Stripe shows them on `night`.
    pub fn stripe(&self, from: u32, night: u32) -> String {
        let rows = self.deeds.iter().enumerate().filter(|(_, deed)| {
            let is_stripe = self.customers[deed.customer].biller == Biller::Stripe;
            is_stripe && deed.kind == Kind::Sale && (from..=night).contains(&deed.day)
        });
        let rows = rows.map(|(place, sale)| {
            let customer = &self.customers[sale.customer];
            let (refunded, last) = self.refunded(place, night);
            let is_invoice = sale.id.starts_with("in_");
            Payment {
                id: format!("ch_{place:04}"),
                created: sale.date(),
                amount: money(sale.cents),
                refunded: money(refunded),
                refunded_at: last.map(Deed::date).unwrap_or_default(),
                currency: "usd".into(),
                captured: "true".into(),
                status: if refunded == sale.cents {
                    "Refunded"
                } else {
                    "Paid"
                }
                .into(),
                customer: customer.uid.clone().unwrap_or_default(),
                email: customer.email(sale.day, night).into(),
                invoice: if is_invoice {
                    sale.id.clone()
                } else {
                    String::new()
                },
            }
        });
        stripe_export(&rows.collect::<Vec<_>>())
    }

    /// What is refunded of a sale by the end of `night`, and the last refund.
    pub fn refunded(&self, sale: usize, night: u32) -> (i64, Option<&Deed>) {
        let of_sale = |deed: &&Deed| deed.sale == Some(sale) && deed.day <= night;
        let cents = self.deeds.iter().filter(of_sale).map(|deed| deed.cents);
        let last = self
            .deeds
            .iter()
            .filter(of_sale)
            .max_by_key(|deed| deed.at());
        (cents.sum(), last)
    }

    /// Whether a deed is a row of its own in a CSV of one's own: cancellations of everyone are.
    pub fn is_own_row(&self, deed: &Deed) -> bool {
        deed.kind == Kind::Cancellation || self.customers[deed.customer].biller == Biller::Own
    }

    /// Rows of the nights `from` to `night`, as a CSV of one's own has them.
    pub fn own(&self, from: u32, night: u32) -> String {
        let mut text = String::from(
            "kind,event_id,sale_event_id,email,uid,amount,currency,created_at,promo_code\n",
        );
        for (place, deed) in self.deeds.iter().enumerate() {
            if !self.is_own_row(deed) || !(from..=night).contains(&deed.day) {
                continue;
            }
            let customer = &self.customers[deed.customer];
            let sale = deed.sale.map(|sale| &self.deeds[sale]);
            let has_amount = deed.kind != Kind::Cancellation;
            text.push_str(&format!(
                "{},{},{},{},{},{},{},{},{}\n",
                deed.kind.word(),
                deed.id,
                sale.map(|sale| sale.id.as_str()).unwrap_or_default(),
                customer.email(sale.unwrap_or(deed).day, night),
                customer.uid.as_deref().unwrap_or_default(),
                if self.is_broken(place, night) {
                    "1e3".to_owned()
                } else if has_amount {
                    money(deed.cents)
                } else {
                    String::new()
                },
                if has_amount { "USD" } else { "" },
                deed.date(),
                if deed.has_promo_code { "NORA10" } else { "" },
            ));
        }
        text
    }

    /// Whether the row of a sale can't be read on a night. Somebody fixes it on the next day.
    pub fn is_broken(&self, place: usize, night: u32) -> bool {
        let deed = &self.deeds[place];
        let is_own_sale = deed.kind == Kind::Sale
            && self.customers[deed.customer].biller == Biller::Own
            && !deed.has_promo_code;
        let is_refunded = |other: &Deed| other.sale == Some(place) && other.day <= night;
        is_own_sale
            && place % 5 == 1
            && deed.day == night
            && night < NIGHTS
            && !self.deeds.iter().any(is_refunded)
    }

    /// The customers who came to an export of leads on the nights `from` to `night`, with the day.
    pub fn listed(&self, from: u32, night: u32) -> impl Iterator<Item = (usize, u32)> {
        let days = self.customers.iter().map(|customer| match customer.path {
            Path::Listed(on) | Path::Twice(_, on) => on,
            _ => 0,
        });
        days.enumerate()
            .filter(move |(_, on)| *on > 0 && (from..=night).contains(on))
    }

    /// The export of leads.
    pub fn leads(&self, from: u32, night: u32) -> String {
        let mut text = String::from("customer_id,email,ref_id,created_at\n");
        for (place, on) in self.listed(from, night) {
            let customer = &self.customers[place];
            let uid = customer.uid.as_deref().unwrap_or_default();
            let email = customer.email(on, night);
            text.push_str(&format!("{uid},{email},nora,2026-03-{on:02}\n"));
        }
        text
    }

    /// The leads that FirstPromoter has before the month, as the sandbox takes them.
    pub fn leads_before(&self) -> String {
        let mut text = String::from("email,uid,promoter,state,plan,customer_since\n");
        for customer in &self.customers {
            if customer.path == Path::BeforeTheMonth {
                let uid = customer.uid.as_deref().unwrap_or_default();
                text.push_str(&format!("{},{uid},nora,signup,,\n", customer.true_email(0)));
            }
        }
        text
    }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn customer(number: u32, rng: &mut fastrand::Rng) -> Customer {
    let biller = if rng.bool() {
        Biller::Stripe
    } else {
        Biller::Own
    };
    let has_uid = biller == Biller::Stripe || rng.bool();
    let on = rng.u32(4..26);
    let change = match rng.u32(..10) {
        0..3 => Change::Moved(on, format!("moved{number}@example.com")),
        3..5 if !has_uid => Change::Corrected(on, format!("right{number}@example.com")),
        _ => Change::Never,
    };
    // A mistyped customer is a lead under the right name only.
    let is_mistyped = matches!(change, Change::Corrected(..));
    let path = match rng.u32(..10) {
        0..2 => Path::BeforeTheMonth,
        2 | 3 if !is_mistyped => Path::Listed(rng.u32(1..26)),
        4 | 5 if biller == Biller::Own && !is_mistyped => Path::Promo,
        2..7 => Path::AtFirstPromoter(rng.u32(2..28)),
        7 if !is_mistyped => {
            let there = rng.u32(2..20);
            Path::Twice(there, there + rng.u32(1..6))
        }
        _ => Path::Never,
    };
    Customer {
        biller,
        uid: has_uid.then(|| format!("cus_{number:04}")),
        first_email: format!("user{number}@example.com"),
        change,
        path,
    }
}
