use jiff::civil::Date;
use proptest::prelude::*;

use super::super::packed::{Currencies, KINDS, PAGE_BYTES, RecordReader};
use super::record::MAX_WORDS;
use super::*;
use crate::event::{Currency, Customer, Details, Essence, Original, Text};

fn text() -> impl Strategy<Value = Text> {
    ".{0,40}".prop_map(Text::from)
}

fn maybe<S: Strategy>(of: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    proptest::option::of(of)
}

fn money() -> impl Strategy<Value = Money> {
    (any::<i64>(), "USD|EUR|JPY|KWD").prop_map(|(amount_cents, code)| Money {
        amount_cents,
        currency: Currency::from_code(&code).unwrap(),
    })
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let nanosecond = prop_oneof![Just(0), 0..1_000_000_000_i32];
    (least..most, nanosecond).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
}

fn original() -> impl Strategy<Value = Box<Original>> {
    (money(), text(), -9999..=9999_i16, 1..=12_i8, 1..=28_i8).prop_map(
        |(money, rate, year, month, day)| {
            let rate_date = Date::new(year, month, day).unwrap();
            Box::new(Original {
                money,
                rate,
                rate_date,
            })
        },
    )
}

prop_compose! {
    fn details()(
        subscription in maybe(text()),
        mrr_cents in maybe(any::<i64>()),
        promo_code in maybe(text()),
        quantity in maybe(any::<u32>()),
        ref_id in maybe(text()),
        tid in maybe(text()),
        first_name in maybe(text()),
        last_name in maybe(text()),
        (candidates, shared_id) in (maybe(text()), maybe(text())),
        rest in maybe(any::<u32>()),
    ) -> Details {
        Details {
            subscription, mrr_cents, promo_code, quantity, ref_id, tid, first_name, last_name,
            candidates, shared_id, rest,
        }
    }
}

prop_compose! {
    fn event()(
        (kind, event_id) in (0..KINDS.len(), text()),
        (input, line) in (any::<u32>(), any::<u64>()),
        (email, uid) in (maybe(text()), maybe(text())),
        (sale_event_id, reference) in (maybe(text()), maybe(text())),
        (money, original) in (maybe(money()), maybe(original())),
        (gross_cents, total_cents) in (maybe(any::<i64>()), maybe(any::<i64>())),
        (plan, note) in (maybe(text()), text()),
        created_at in maybe(timestamp()),
        (is_mended, is_told_by_reference, has_no_refunds) in any::<(bool, bool, bool)>(),
        details in details(),
    ) -> Event {
        let source = ExportLine { input: input as usize, line };
        let mut event = Event::new(KINDS[kind], event_id, Customer { email, uid }, source);
        event.sale_event_id = sale_event_id;
        event.reference = reference;
        event.money = money;
        event.original = original;
        event.gross_cents = gross_cents;
        event.refund_total_cents = total_cents;
        event.plan = plan;
        event.note = note;
        event.created_at = created_at;
        event.is_fixed_after_refusal = is_mended;
        event.is_distinguished_by_reference = is_told_by_reference;
        event.has_no_refunds = has_no_refunds;
        event.set_details(details);
        event
    }
}

fn unpacked(events: &Events) -> Vec<Event> {
    events.iter().map(|event| event.to_event()).collect()
}

proptest! {
    #[test]
    fn events_come_back_as_they_were(all in prop::collection::vec(event(), 0..6)) {
        let events: Events = all.iter().cloned().collect();
        prop_assert_eq!(unpacked(&events), all.clone());
        for (index, event) in all.iter().enumerate() {
            let packed = events.get(index);
            prop_assert_eq!(events.key(index), event.key());
            prop_assert_eq!(events.kind(index), event.kind);
            prop_assert_eq!(events.sale_event_id(index), event.sale_event_id.as_deref());
            prop_assert_eq!(packed.essence(), event.essence());
            prop_assert_eq!(packed.paid_cents(), event.paid_cents());
            prop_assert_eq!(Some(events.figures(index).source), event.source);
            prop_assert_eq!(events.figures(index).money, event.money);
            prop_assert_eq!(events.figures(index).created_at, event.created_at);
            prop_assert_eq!(packed.read_money(), event.read_money());
            prop_assert_eq!(&packed.details(), event.details());
        }
    }

    #[test]
    fn essences_come_back_as_they_were(all in prop::collection::vec((event(), any::<bool>()), 1..6)) {
        let (mut record, mut currencies) = (Vec::new(), Currencies::default());
        let essences = all.iter().map(|(event, gross_is_unknown)| Essence {
            is_gross_unknown: *gross_is_unknown,
            ..event.essence()
        });
        let essences: Vec<Essence> = essences.collect();
        for essence in &essences {
            essence.write(&mut record, &mut currencies);
        }
        let mut from = RecordReader::new(&record);
        for essence in essences {
            prop_assert_eq!(Essence::read(&mut from, &currencies), essence);
        }
        prop_assert_eq!(from.0, b"");
    }

    #[test]
    fn an_edit_changes_one_event_and_no_other(
        mut all in prop::collection::vec(event(), 1..6),
        edits in prop::collection::vec((any::<prop::sample::Index>(), event()), 1..12),
    ) {
        let mut events: Events = all.iter().cloned().collect();
        for (index, new) in edits {
            let index = index.index(all.len());
            let old = events.edit(index, |event| std::mem::replace(event, new.clone()));
            prop_assert_eq!(&old, &all[index]);
            all[index] = new;
            prop_assert_eq!(unpacked(&events), all.clone());
        }
    }
}

#[test]
fn more_texts_than_are_kept_once_and_a_record_larger_than_a_page_come_back() {
    let source = ExportLine { input: 0, line: 2 };
    let all: Vec<Event> = (0..2 * MAX_WORDS)
        .map(|n| {
            let id = Text::from(format!("in_{n}"));
            let mut event = Event::new(Kind::Sale, id, Default::default(), source);
            event.plan = Some(format!("plan {n}").into());
            event.note = match n {
                9 => "long ".repeat(PAGE_BYTES).into(),
                n => format!("note {n}").into(),
            };
            event
        })
        .collect();
    let events: Events = all.iter().cloned().collect();
    assert!(unpacked(&events) == all);
}

#[test]
fn a_payment_takes_little_more_than_its_ids_and_its_customer() {
    const PAYMENTS: usize = 10_000;
    let mut events = Events::default();
    let mut text_bytes = 0;
    for n in 0..PAYMENTS {
        let line = 2 + n as u64;
        let customer = Customer::new(Some(&format!("user{n}@example.com")), Some("cus_1"));
        let id = Text::from(format!("in_{n:024}"));
        let mut sale = Event::new(Kind::Sale, id, customer, ExportLine { input: 0, line });
        sale.reference = Some(format!("ch_{n:024}").into());
        sale.money = Some(Money {
            amount_cents: 123_456,
            currency: Currency::from_code("USD").unwrap(),
        });
        sale.plan = Some("a plan that many customers have".into());
        sale.note = "what is said of many payments".into();
        sale.created_at = Some("2026-03-01T10:00:00Z".parse().unwrap());
        events.push(&sale);
        let customer = sale.customer.email.iter().chain(&sale.customer.uid);
        text_bytes += customer.map(|text| text.len()).sum::<usize>() + 2 * "in_".len() + 48;
    }
    let bytes = events.pages.bytes() + events.starts.len() * size_of::<u64>();
    // Its key, where it begins, and all its numbers.
    assert!(bytes - text_bytes < 52 * PAYMENTS, "{bytes} {text_bytes}");
}
