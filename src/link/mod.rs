//! Which sale a refund undoes, and by how much.
//!
//! A refund is linked by the `sale_event_id` that its row names: to a sale of the same job, or to
//! one that an earlier run recorded. Nothing is guessed: a refund whose sale is missing, in
//! another currency, or smaller than what would be refunded stays [`Link::Held`].
//!
//! Running totals become differences: what a total adds to the refunds already known for its
//! sale, in the job and before it, whatever the order of the exports.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::event::{Essence, Event, EventKey, Kind, Money};

/// What earlier runs know, for the events of a job.
pub trait Earlier {
    /// What an earlier run recorded under this key.
    fn essence(&self, key: EventKey) -> Option<Essence>;

    /// What earlier runs recorded as refunded for the sale with this key.
    fn refunded(&self, sale: EventKey) -> Refunded;
}

/// What is known to be refunded for one sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refunded {
    /// All its refunds added up, in minor units.
    pub cents: i64,
    /// The largest running total read for it.
    pub largest_total_cents: Option<i64>,
}

/// An account without a past.
pub struct Nothing;

impl Earlier for Nothing {
    fn essence(&self, _: EventKey) -> Option<Essence> {
        None
    }

    fn refunded(&self, _: EventKey) -> Refunded {
        Refunded::default()
    }
}

/// What linking says of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It needs no sale, or has found it.
    Sound,
    /// Other refunds already account for all of it, for this reason.
    Covered(String),
    /// A person has to look at it, for this reason.
    Held(String),
    /// It is not sent because of its currency, for this reason.
    Foreign(String),
}

/// Links every refund of a job, gives running totals their differences, and says for each event,
/// in the same order, what came of it.
pub fn link(events: &mut [Event], earlier: &dyn Earlier) -> Vec<Link> {
    let sales = sales_by_key(events);
    let mut links = vec![Link::Sound; events.len()];
    for (sale_key, refunds) in refunds_by_sale(events) {
        let Some(sale_key) = sale_key else {
            for refund in refunds {
                links[refund] = Link::Held("the refund names no sale".to_owned());
            }
            continue;
        };
        let sale = match find_sale(sale_key, &sales, events, earlier) {
            Ok(sale) => sale,
            Err(reason) => {
                for refund in refunds {
                    links[refund] = Link::Held(reason.clone());
                }
                continue;
            }
        };
        let mut account = SaleAccount {
            key: sale_key,
            sale,
            earlier,
        };
        account.settle_refunds(&refunds, events, &mut links);
    }
    links
}

/// A sale as its refunds see it.
#[derive(Clone, Copy)]
struct Sale {
    money: Money,
    /// Index in the job; nothing for a sale of an earlier run.
    index: Option<usize>,
}

/// Where a sale is given twice with other amounts, the smallest, wherever it stands: the plan holds
/// it with its refunds.
fn sales_by_key(events: &[Event]) -> HashMap<EventKey, usize> {
    let size = |index: usize| events[index].money.map(|m| (m.amount_cents, m.currency));
    let mut sales = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        if event.kind == Kind::Sale {
            let sale = sales.entry(event.key()).or_insert(index);
            if size(index) < size(*sale) {
                *sale = index;
            }
        }
    }
    sales
}

/// The refunds' indexes by their sale; `BTreeMap`, so that the order is always the same.
fn refunds_by_sale(events: &[Event]) -> BTreeMap<Option<EventKey>, Vec<usize>> {
    let mut refunds: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if event.kind == Kind::Refund {
            let sale = event.sale_event_id.as_deref().map(EventKey::of);
            refunds.entry(sale).or_default().push(index);
        }
    }
    refunds
}

/// The journal's version of the sale, since that is what was told to the API; else the job's.
fn find_sale(
    key: EventKey,
    sales: &HashMap<EventKey, usize>,
    events: &[Event],
    earlier: &dyn Earlier,
) -> Result<Sale, String> {
    let index = sales.get(&key).copied();
    let money_here = index.and_then(|index| events[index].money);
    match (earlier.essence(key), money_here) {
        (
            Some(Essence {
                kind: Kind::Sale,
                money: Some(money),
                ..
            }),
            _,
        )
        | (_, Some(money)) => Ok(Sale { money, index }),
        (Some(other), None) => Err(format!("what it names as its sale is a {}", other.kind)),
        (None, None) => Err("its sale is neither in these exports nor in the journal".to_owned()),
    }
}

/// The refunds of one sale, taken together.
struct SaleAccount<'e> {
    key: EventKey,
    sale: Sale,
    earlier: &'e dyn Earlier,
}

impl SaleAccount<'_> {
    fn settle_refunds(&mut self, refunds: &[usize], events: &mut [Event], links: &mut [Link]) {
        for &refund in refunds {
            self.remark(&mut events[refund]);
        }
        let (in_currency, foreign): (Vec<usize>, Vec<usize>) =
            refunds.iter().partition(|&&refund| {
                events[refund].money.map(|m| m.currency) == Some(self.sale.money.currency)
            });
        for refund in foreign {
            links[refund] = Link::Held(format!(
                "its sale is in another currency: {}",
                self.sale.money
            ));
        }
        let (totals, parts): (Vec<usize>, Vec<usize>) = in_currency
            .into_iter()
            .partition(|&refund| events[refund].refund_total_cents.is_some());
        let known = self.earlier.refunded(self.key);
        let covered = self.settle_parts(parts, known, events, links);
        self.settle_totals(&totals, known, covered, events, links);
    }

    fn remark(&self, refund: &mut Event) {
        refund.remark(match self.sale.index {
            None => "linked to a sale of an earlier run",
            Some(_) if refund.refund_total_cents.is_some() => "linked to the sale of its row",
            Some(_) => "linked to a sale of these exports by its id",
        });
    }

    /// Refunds that name their own amount. Says how many cents are refunded with them.
    fn settle_parts(
        &self,
        mut parts: Vec<usize>,
        known: Refunded,
        events: &[Event],
        links: &mut [Link],
    ) -> i64 {
        parts.sort_by(|&a, &b| {
            let cents = |i: usize| events[i].money.map(|money| Reverse(money.amount_cents));
            let order = |i: usize| {
                let event = &events[i];
                (event.created_at, event.event_id(), cents(i), event.source)
            };
            order(a).cmp(&order(b))
        });
        let mut covered = known.cents;
        let mut seen: HashMap<EventKey, usize> = HashMap::new();
        for part in parts {
            let key = events[part].key();
            if self.earlier.essence(key).is_some() {
                continue;
            }
            // Any of several copies may be the one that is sent: what holds one holds all.
            if let Some(&same) = seen.get(&key) {
                links[part] = links[same].clone();
                continue;
            }
            seen.insert(key, part);
            if let Some(total) = known.largest_total_cents {
                links[part] = self.maybe_in_total(total);
                continue;
            }
            let cents = events[part].money.map_or(0, |money| money.amount_cents);
            if covered.saturating_add(cents) > self.sale.money.amount_cents {
                links[part] = self.above_sale(covered.saturating_add(cents));
            } else {
                covered += cents;
            }
        }
        covered
    }

    /// Running totals, from the smallest: each adds what the ones before do not cover.
    fn settle_totals(
        &self,
        totals: &[usize],
        known: Refunded,
        mut covered: i64,
        events: &mut [Event],
        links: &mut [Link],
    ) {
        let mut by_total: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for &index in totals {
            if let Some(total) = events[index].refund_total_cents {
                by_total.entry(total).or_default().push(index);
            }
        }
        let largest_here = by_total.keys().next_back().copied();
        let mut below = 0;
        for (total, indexes) in by_total {
            let recorded = self.earlier.essence(events[indexes[0]].key());
            let (cents, link) = if let Some(recorded) = recorded.and_then(|r| r.money) {
                (recorded.amount_cents, Link::Sound)
            } else if total > self.sale.money.amount_cents {
                (total - below, self.above_sale(total))
            } else if total > covered {
                let difference = total - covered;
                covered = total;
                (difference, Link::Sound)
            } else {
                (total - below, self.not_above(total, known, largest_here))
            };
            below = total;
            for index in indexes {
                if let Some(money) = &mut events[index].money {
                    money.amount_cents = cents;
                }
                links[index] = link.clone();
            }
        }
    }

    /// An earlier run took the sale's refunds from a running total, which does not say of which
    /// refunds it is made.
    fn maybe_in_total(&self, total_cents: i64) -> Link {
        let total = Money {
            amount_cents: total_cents,
            ..self.sale.money
        };
        Link::Held(format!(
            "an earlier run recorded {total} as refunded of its sale in all, and this refund may be part of that"
        ))
    }

    fn above_sale(&self, refunded_cents: i64) -> Link {
        let refunded = Money {
            amount_cents: refunded_cents,
            ..self.sale.money
        };
        Link::Held(format!(
            "with it {refunded} would be refunded of a sale of {}",
            self.sale.money
        ))
    }

    /// A total that adds nothing: an earlier state of the sale, or a total that fell.
    fn not_above(&self, total: i64, known: Refunded, largest_here: Option<i64>) -> Link {
        match known.largest_total_cents {
            Some(largest) if largest > total && largest_here < Some(largest) => {
                let (was, is) = (
                    Money {
                        amount_cents: largest,
                        ..self.sale.money
                    },
                    Money {
                        amount_cents: total,
                        ..self.sale.money
                    },
                );
                Link::Held(format!(
                    "the running total fell: {was} was refunded of this sale, and now {is}"
                ))
            }
            _ => Link::Covered("other refunds of its sale already account for it".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Currency, Customer, Source, running_total_refund_id};

    struct Past {
        essences: HashMap<EventKey, Essence>,
        refunded: HashMap<EventKey, Refunded>,
    }

    impl Past {
        fn of(events: &[Event]) -> Past {
            let mut past = Past {
                essences: HashMap::new(),
                refunded: HashMap::new(),
            };
            for event in events {
                past.essences.insert(event.key(), event.essence());
                if let (Some(sale), Some(money)) = (&event.sale_event_id, event.money) {
                    let refunded = past.refunded.entry(EventKey::of(sale)).or_default();
                    refunded.cents += money.amount_cents;
                    refunded.largest_total_cents =
                        refunded.largest_total_cents.max(event.refund_total_cents);
                }
            }
            past
        }
    }

    impl Earlier for Past {
        fn essence(&self, key: EventKey) -> Option<Essence> {
            self.essences.get(&key).copied()
        }
        fn refunded(&self, sale: EventKey) -> Refunded {
            self.refunded.get(&sale).copied().unwrap_or_default()
        }
    }

    fn event(kind: Kind, id: &str, cents: i64, line: u64) -> Event {
        let customer = Customer::new(Some("a@example.com"), None);
        let mut event = Event::new(kind, id.into(), customer, Source { input: 0, line });
        event.money = Some(Money {
            amount_cents: cents,
            currency: Currency::from_code("USD").unwrap(),
        });
        event
    }

    fn sale(id: &str, cents: i64) -> Event {
        event(Kind::Sale, id, cents, 2)
    }

    fn total(sale: &str, cents: i64) -> Event {
        let mut refund = event(
            Kind::Refund,
            &running_total_refund_id(sale, cents),
            cents,
            2,
        );
        refund.sale_event_id = Some(sale.into());
        refund.refund_total_cents = Some(cents);
        refund
    }

    fn part(id: &str, sale: Option<&str>, cents: i64) -> Event {
        let mut refund = event(Kind::Refund, id, cents, 3);
        refund.sale_event_id = sale.map(Into::into);
        refund
    }

    fn cents(events: &[Event]) -> Vec<i64> {
        events
            .iter()
            .map(|event| event.money.unwrap().amount_cents)
            .collect()
    }

    #[test]
    fn running_totals_become_differences_in_whatever_order_they_come() {
        let mut up = [sale("in_1", 8000), total("in_1", 3000), total("in_1", 5000)];
        assert_eq!(link(&mut up, &Nothing), vec![Link::Sound; 3]);
        assert_eq!(cents(&up), [8000, 3000, 2000]);

        let mut down = [total("in_1", 5000), total("in_1", 3000), sale("in_1", 8000)];
        assert_eq!(link(&mut down, &Nothing), vec![Link::Sound; 3]);
        assert_eq!(cents(&down), [2000, 3000, 8000]);
    }

    #[test]
    fn a_later_export_adds_what_the_journal_does_not_have() {
        let past = Past::of(&[sale("in_1", 8000), total("in_1", 3000)]);
        let mut now = [sale("in_1", 8000), total("in_1", 5000)];
        assert_eq!(link(&mut now, &past), vec![Link::Sound; 2]);
        assert_eq!(cents(&now), [8000, 2000]);

        let mut again = [total("in_1", 3000)];
        assert_eq!(link(&mut again, &past), [Link::Sound]);
        assert_eq!(cents(&again), [3000]);
    }

    #[test]
    fn an_older_total_beside_the_newer_is_covered_and_alone_has_fallen() {
        let past = Past::of(&[sale("in_1", 8000), total("in_1", 5000)]);
        let mut both = [total("in_1", 3000), total("in_1", 5000)];
        let links = link(&mut both, &past);
        assert!(matches!(links[0], Link::Covered(_)), "{links:?}");
        assert_eq!(links[1], Link::Sound);
        assert_eq!(cents(&both), [3000, 5000]);

        let mut fell = [total("in_1", 3000)];
        assert!(matches!(&link(&mut fell, &past)[0], Link::Held(why) if why.contains("fell")));
    }

    #[test]
    fn refund_rows_and_running_totals_of_one_sale_are_not_counted_twice() {
        let mut events = [
            sale("in_1", 8000),
            part("re_1", Some("in_1"), 3000),
            total("in_1", 3000),
            total("in_1", 4500),
        ];
        let links = link(&mut events, &Nothing);
        assert!(matches!(links[2], Link::Covered(_)), "{links:?}");
        assert_eq!(links[3], Link::Sound);
        assert_eq!(cents(&events)[3], 1500);
    }

    #[test]
    fn a_refund_row_that_a_recorded_running_total_may_hold_is_not_sent_on_a_guess() {
        let past = Past::of(&[sale("in_1", 8000), total("in_1", 3000)]);
        let mut now = [part("re_1", Some("in_1"), 3000)];
        assert!(matches!(&link(&mut now, &past)[0], Link::Held(why) if why.contains("30.00 USD")));

        // The other way round there is nothing to guess.
        let past = Past::of(&[sale("in_1", 8000), part("re_1", Some("in_1"), 3000)]);
        let mut now = [total("in_1", 3000), total("in_1", 4000)];
        let links = link(&mut now, &past);
        assert!(matches!(links[0], Link::Covered(_)), "{links:?}");
        assert_eq!((&links[1], cents(&now)[1]), (&Link::Sound, 1000));
    }

    #[test]
    fn what_has_no_sale_or_too_small_a_one_is_held() {
        let mut euros = part("re_3", Some("in_1"), 100);
        euros.money = euros.money.map(|money| Money {
            currency: Currency::from_code("EUR").unwrap(),
            ..money
        });
        let mut events = [
            sale("in_1", 8000),
            part("re_1", None, 100),
            part("re_2", Some("in_9"), 100),
            euros,
            part("re_4", Some("in_1"), 8001),
            part("re_5", Some("in_1"), 8000),
            part("re_6", Some("in_1"), 1),
            total("in_1", 9000),
        ];
        let links = link(&mut events, &Nothing);
        let held: Vec<bool> = links.iter().map(|l| matches!(l, Link::Held(_))).collect();
        assert_eq!(
            held,
            [false, true, true, true, true, false, true, true],
            "{links:?}"
        );
    }

    #[test]
    fn the_same_refund_row_twice_uses_up_its_sale_once() {
        let mut events = [
            sale("in_1", 8000),
            part("re_1", Some("in_1"), 8000),
            part("re_1", Some("in_1"), 8000),
        ];
        assert_eq!(link(&mut events, &Nothing), vec![Link::Sound; 3]);
    }
}
