//! Computes how much of the price of goods is tax, as far as the figures of an order prove it.
//!
//! Tax is inside the prices or on top of them, and shipping is taxed or not. The total of the order
//! and the rates of its taxes show which. Amounts are in units of the currency's last decimal.

/// The greatest difference between a tax and its rate: it is the sum of taxes that were rounded
/// line by line.
const ROUNDING_MOST: i128 = 3;
/// A rate of 100 %.
const WHOLE: i128 = 100_000_000;
/// The smallest number of orders of an export that must agree before they decide for another one.
const AGREEING_LEAST: u32 = 5;
/// The number of orders with the tax in one place among which one with it in the other place may only look so:
/// by a tip that is as high as its tax, or by a part of the goods that is not taxed.
const ORDERS_PER_EXCEPTION: u32 = 5;

/// The figures of an order.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderFigures {
    /// The price that was paid for the goods, after discounts.
    pub(super) goods: i64,
    pub(super) shipping: i64,
    /// The sum of all taxes.
    pub(super) tax: i64,
    pub(super) duties: i64,
    /// The whole amount that was paid, which may include a tip.
    pub(super) total: i64,
    /// Each tax, if all of them are named.
    pub(super) named: Vec<NamedTax>,
}

/// One tax of an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedTax {
    pub(super) value: i64,
    /// The rate in millionths of a percent; 0 for a fee of a fixed amount.
    pub(super) rate: i64,
}

/// The place of the tax: inside the prices or on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaxPlacement {
    Inside,
    OnTop,
}

/// One way to read the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaxReading {
    pub(super) placement: TaxPlacement,
    pub(super) is_on_shipping: bool,
    /// The price of the goods before tax.
    pub(super) before_tax: i64,
}

/// The evidence by which the tax of an order was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaxEvidence {
    /// The order's own figures decide it.
    Itself(TaxReading),
    /// This many other orders of the export decide where the tax is.
    Others(TaxReading, u32),
}

/// What those orders of an export show that show the place of their tax by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shop {
    inside: u32,
    on_top: u32,
    /// Those of the orders whose figures leave no other place.
    proven_inside: u32,
    proven_on_top: u32,
    /// The rate of the taxes inside the prices, as far as orders without shipping show it.
    rate: SeenRate,
}

/// The rate of the taxes of orders.
#[derive(Clone, Copy, Debug, Default)]
enum SeenRate {
    /// No order has shown it.
    #[default]
    None,
    /// So many orders have the same one.
    One(RateSpan, u32),
    /// There are several.
    Several,
}

/// The rates that explain a tax, in millionths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RateSpan {
    least: i128,
    most: i128,
}

impl RateSpan {
    /// Returns the rates by which a tax is inside of a price with it, except for rounding.
    fn inside(tax: i64, price: i64) -> Option<Self> {
        let (tax, price) = (i128::from(tax), i128::from(price));
        let least = (tax - ROUNDING_MOST).max(0);
        let most = tax + ROUNDING_MOST;
        (price > most).then(|| RateSpan {
            least: least * WHOLE / (price - least),
            most: most * WHOLE / (price - most) + 1,
        })
    }

    /// Returns the rates that explain both.
    fn and(self, other: RateSpan) -> Option<Self> {
        let least = self.least.max(other.least);
        let most = self.most.min(other.most);
        (least <= most).then_some(RateSpan { least, most })
    }
}

impl Shop {
    /// Learns from an order that shows by itself where its tax is.
    pub(super) fn see(&mut self, order: &OrderFigures, placement: TaxPlacement) {
        let proven = u32::from(order.is_proven(placement));
        match placement {
            TaxPlacement::Inside => {
                self.inside += 1;
                self.proven_inside += proven;
            }
            TaxPlacement::OnTop => {
                self.on_top += 1;
                self.proven_on_top += proven;
            }
        }
        if placement == TaxPlacement::Inside && order.shipping == 0 && order.tax > 0 {
            let span = RateSpan::inside(order.tax, order.goods);
            self.rate = match (self.rate, span) {
                (SeenRate::None, Some(span)) => SeenRate::One(span, 1),
                (SeenRate::One(seen, orders), Some(span)) => seen
                    .and(span)
                    .map_or(SeenRate::Several, |both| SeenRate::One(both, orders + 1)),
                (rate, _) => rate,
            };
        }
    }

    /// Returns the rate that enough orders have, all of which have the same one.
    fn rate(self) -> Option<RateSpan> {
        match self.rate {
            SeenRate::One(span, AGREEING_LEAST..) => Some(span),
            _ => None,
        }
    }

    /// Returns the place of the tax in all of them but a few that may only look otherwise, and their number.
    fn agrees(self) -> Option<(TaxPlacement, u32)> {
        let is_exception = |few: u32, many: u32| few <= many / ORDERS_PER_EXCEPTION;
        if self.inside >= AGREEING_LEAST
            && self.proven_on_top == 0
            && is_exception(self.on_top, self.inside)
        {
            return Some((TaxPlacement::Inside, self.inside));
        }
        let is_on_top = self.on_top >= AGREEING_LEAST
            && self.proven_inside == 0
            && is_exception(self.inside, self.on_top);
        is_on_top.then_some((TaxPlacement::OnTop, self.on_top))
    }

    /// Returns `true` if so many of them have the tax in one place.
    pub(super) fn are_all(self, orders: u32) -> bool {
        self.inside + self.on_top == orders
    }

    /// Returns `true` if the tax is inside the prices in so many of the orders that the others may
    /// only look as if it were on top.
    fn is_hardly_ever_on_top(self) -> bool {
        self.inside >= AGREEING_LEAST && self.on_top <= self.inside / ORDERS_PER_EXCEPTION
    }
}

impl OrderFigures {
    /// Decides how to read the figures, or returns all readings that match them.
    pub(super) fn decide(&self, shop: Shop) -> Result<TaxEvidence, Vec<TaxReading>> {
        let is_sum_on_top = self.rest(TaxPlacement::OnTop) == 0;
        if !is_sum_on_top && self.rest(TaxPlacement::Inside) == 0 && self.shipping == 0 {
            return Ok(TaxEvidence::Itself(
                self.reading(TaxPlacement::Inside, false),
            ));
        }
        if is_sum_on_top && self.tax > 0 && self.named.is_empty() && shop.is_hardly_ever_on_top() {
            let both = [TaxPlacement::OnTop, TaxPlacement::Inside];
            return Err(both.map(|placement| self.reading(placement, false)).into());
        }
        if self.is_unrated() && !is_sum_on_top {
            return self.decide_unrated(shop);
        }
        let fitting = self.fitting();
        if let Some(only) = only(&fitting) {
            return match shop.agrees() {
                Some((placement, _))
                    if placement != only.placement && !self.is_proven(only.placement) =>
                {
                    Err(self.with_others(only, placement))
                }
                _ => Ok(TaxEvidence::Itself(only)),
            };
        }
        let Some((placement, orders)) = shop.agrees() else {
            return Err(fitting);
        };
        let agreeing: Vec<_> = fitting
            .iter()
            .filter(|reading| reading.placement == placement)
            .copied()
            .collect();
        match (only(&agreeing), fitting.is_empty()) {
            (Some(only), _) => Ok(TaxEvidence::Others(only, orders)),
            (None, true) if self.is_certain(placement) => {
                Ok(TaxEvidence::Others(self.reading(placement, false), orders))
            }
            (None, _) => Err(fitting),
        }
    }

    /// Returns `true` if no rate of its taxes is known.
    fn is_unrated(&self) -> bool {
        self.named.is_empty() && self.tax > 0
    }

    /// Decides how to read the figures without a rate, by the rate of the shop, or returns all readings that match them.
    fn decide_unrated(&self, shop: Shop) -> Result<TaxEvidence, Vec<TaxReading>> {
        let both = self.goods.saturating_add(self.shipping);
        let mut possible = Vec::new();
        if self.rest(TaxPlacement::OnTop) > 0 {
            possible.push(self.reading(TaxPlacement::OnTop, false));
        }
        let mut inside = Vec::new();
        if self.rest(TaxPlacement::Inside) >= 0 {
            if let Some(span) = RateSpan::inside(self.tax, self.goods) {
                inside.push((self.reading(TaxPlacement::Inside, false), span));
            }
            if let Some(span) = RateSpan::inside(self.tax, both).filter(|_| self.shipping > 0) {
                inside.push((self.reading(TaxPlacement::Inside, true), span));
            }
        }
        possible.extend(inside.iter().map(|(reading, _)| *reading));
        // One reading is not ambiguous, and nothing proves it.
        let open = if possible.len() > 1 {
            possible
        } else {
            Vec::new()
        };
        match shop.agrees() {
            Some((TaxPlacement::OnTop, orders)) if self.rest(TaxPlacement::OnTop) > 0 => {
                let reading = self.reading(TaxPlacement::OnTop, false);
                Ok(TaxEvidence::Others(reading, orders))
            }
            Some((TaxPlacement::Inside, orders)) => {
                // With shipping, a tip is not told from a tax that fits the rate.
                let rate = shop.rate().filter(|_| self.rest(TaxPlacement::Inside) == 0);
                let fits = |span: RateSpan| {
                    self.shipping == 0 || rate.is_some_and(|rate| rate.and(span).is_some())
                };
                let fitting: Vec<_> = inside
                    .into_iter()
                    .filter(|(_, span)| fits(*span))
                    .map(|(reading, _)| reading)
                    .collect();
                match only(&fitting) {
                    Some(only) => Ok(TaxEvidence::Others(only, orders)),
                    None => Err(open),
                }
            }
            _ => Err(open),
        }
    }

    /// Returns a reading, and those with the tax in the other place that the total allows.
    fn with_others(&self, reading: TaxReading, placement: TaxPlacement) -> Vec<TaxReading> {
        let mut all = vec![reading];
        if self.rest(placement) >= 0 {
            all.push(self.reading(placement, false));
            if placement == TaxPlacement::Inside && self.shipping > 0 {
                all.push(self.reading(placement, true));
            }
        }
        all
    }

    /// Returns `true` if the figures leave no other place for the tax: the total is too small for it on top, or
    /// both the total and the rates have it on top.
    fn is_proven(&self, placement: TaxPlacement) -> bool {
        match placement {
            TaxPlacement::Inside => self.rest(TaxPlacement::OnTop) < 0,
            TaxPlacement::OnTop => self.rest(TaxPlacement::OnTop) == 0 && self.fits_on_top(),
        }
    }

    /// Returns the part of the total that is in no column, which can only be a tip.
    fn rest(&self, placement: TaxPlacement) -> i128 {
        let parts = [self.goods, self.shipping, self.duties];
        let known: i128 = parts.into_iter().map(i128::from).sum();
        let on_top = match placement {
            TaxPlacement::OnTop => i128::from(self.tax),
            TaxPlacement::Inside => 0,
        };
        i128::from(self.total) - known - on_top
    }

    /// Returns `true` if the place of the tax is all that is needed to know the tax of the goods.
    fn is_certain(&self, placement: TaxPlacement) -> bool {
        self.rest(placement) >= 0
            && match placement {
                TaxPlacement::OnTop => true,
                TaxPlacement::Inside => self.shipping == 0,
            }
    }

    /// Returns all readings in which each tax is the product of its rate and its base, or in which the
    /// total is the sum of its parts and the taxes. A tip that is as high as the tax makes the same
    /// total with the tax inside.
    fn fitting(&self) -> Vec<TaxReading> {
        let mut fitting = Vec::new();
        let rest_on_top = self.rest(TaxPlacement::OnTop);
        if rest_on_top == 0 || rest_on_top > 0 && self.fits_on_top() {
            fitting.push(self.reading(TaxPlacement::OnTop, false));
        }
        if self.rest(TaxPlacement::Inside) >= 0 {
            let goods = i128::from(self.goods);
            let both = goods + i128::from(self.shipping);
            if self.fits_inside(goods) {
                fitting.push(self.reading(TaxPlacement::Inside, false));
            }
            if self.shipping > 0 && self.fits_inside(both) {
                fitting.push(self.reading(TaxPlacement::Inside, true));
            }
        }
        fitting
    }

    /// Returns `true` if the taxes fit on top of the prices. Taxes of several places may each treat
    /// shipping differently.
    fn fits_on_top(&self) -> bool {
        let goods = i128::from(self.goods);
        let both = goods + i128::from(self.shipping);
        let mut rated = self.named.iter().filter(|tax| tax.rate > 0).peekable();
        rated.peek().is_some()
            && rated.all(|tax| {
                let rate = i128::from(tax.rate);
                is_near(tax.value, goods * rate, WHOLE) || is_near(tax.value, both * rate, WHOLE)
            })
    }

    fn fits_inside(&self, base: i128) -> bool {
        let whole = WHOLE + self.rates();
        !self.named.is_empty()
            && self
                .named
                .iter()
                .all(|tax| tax.rate > 0 && is_near(tax.value, base * i128::from(tax.rate), whole))
    }

    fn rates(&self) -> i128 {
        self.named.iter().map(|tax| i128::from(tax.rate)).sum()
    }

    fn reading(&self, placement: TaxPlacement, is_on_shipping: bool) -> TaxReading {
        let of_goods = match (placement, is_on_shipping) {
            (TaxPlacement::OnTop, _) => 0,
            (TaxPlacement::Inside, false) => self.tax,
            (TaxPlacement::Inside, true) => self.tax - self.tax_of_shipping(),
        };
        TaxReading {
            placement,
            is_on_shipping,
            before_tax: self.goods - of_goods,
        }
    }

    /// Returns the tax inside the shipping, rounded once: shipping is one line, while goods may be
    /// many. Without a rate, it is the share of the tax.
    fn tax_of_shipping(&self) -> i64 {
        let (whole, share) = if self.is_unrated() {
            (
                i128::from(self.goods) + i128::from(self.shipping),
                i128::from(self.shipping) * i128::from(self.tax),
            )
        } else {
            (
                WHOLE + self.rates(),
                i128::from(self.shipping) * self.rates(),
            )
        };
        i64::try_from((2 * share + whole) / (2 * whole)).unwrap_or(0)
    }
}

/// Returns `true` if a tax is `part / whole`, except for rounding.
fn is_near(value: i64, part: i128, whole: i128) -> bool {
    (i128::from(value) * whole - part).abs() <= ROUNDING_MOST * whole
}

/// Returns one of the readings, if all give the same amount.
fn only(readings: &[TaxReading]) -> Option<TaxReading> {
    let (first, others) = readings.split_first()?;
    others
        .iter()
        .all(|other| other.before_tax == first.before_tax)
        .then_some(*first)
}

/// Reads the rate at the end of a tax's name, in millionths of a percent: `VAT 15%`, `TVA (5,5 %)`.
pub(super) fn rate_of(name: &str) -> Option<i64> {
    let before = name
        .trim_end_matches([')', ' '])
        .strip_suffix('%')?
        .trim_end();
    let mut words = before.rsplit([' ', '(', '-', ':', '\u{a0}']);
    let number = words.next()?;
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 2 || fraction.len() > 6 || !is_number(fraction) {
        return (number == "100").then_some(100_000_000);
    }
    format!("{whole}{fraction:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(figures: [i64; 5], named: &[(i64, &str)]) -> OrderFigures {
        let [goods, shipping, tax, duties, total] = figures;
        let named = named.iter().map(|(value, name)| NamedTax {
            value: *value,
            rate: rate_of(name).unwrap(),
        });
        OrderFigures {
            goods,
            shipping,
            tax,
            duties,
            total,
            named: named.collect(),
        }
    }

    fn before_tax(order: &OrderFigures) -> Result<i64, Vec<i64>> {
        match order.decide(Shop::default()) {
            Ok(TaxEvidence::Itself(reading) | TaxEvidence::Others(reading, _)) => {
                Ok(reading.before_tax)
            }
            Err(readings) => Err(readings.iter().map(|reading| reading.before_tax).collect()),
        }
    }

    #[test]
    fn rates_stand_at_the_end_of_names() {
        for (name, rate) in [
            ("VAT 15%", Some(15_000_000)),
            ("New Jersey State Tax 6.625%", Some(6_625_000)),
            ("TVA (5,5 %)", Some(5_500_000)),
            ("Colorado Retail Delivery Fee 0%", Some(0)),
            ("19%", Some(19_000_000)),
            ("VAT", None),
            ("VAT 15", None),
            ("Zone2 %", None),
            ("", None),
        ] {
            assert_eq!(rate_of(name), rate, "{name}");
        }
    }

    #[test]
    fn figures_of_real_shapes_are_read_to_the_cent() {
        // Inside, on goods alone; inside, on both; on top with a tip; inside with duties.
        let orders = [
            order(
                [115_000, 10_000, 15_000, 0, 125_000],
                &[(15_000, "VAT 15%")],
            ),
            order([10_663, 1_066, 729, 0, 11_729], &[(729, "NJ 6.625%")]),
            order(
                [11_920, 0, 924, 0, 14_036],
                &[(864, "California 7.25%"), (60, "Orange 0.5%")],
            ),
            order(
                [390_000, 76_000, 35_455, 18_174, 484_174],
                &[(35_455, "TAX 10%")],
            ),
            order(
                [16_180, 0, 1_346, 0, 18_790],
                &[
                    (27, "Fee 0%"),
                    (470, "CO 2.9%"),
                    (161, "Garfield 1%"),
                    (688, "Rifle 4.25%"),
                ],
            ),
        ];
        let read: Vec<_> = orders.iter().map(before_tax).collect();
        let expected = [100_000, 10_000, 11_920, 354_545, 16_180].map(Ok);
        assert_eq!(read, expected);
    }

    #[test]
    fn what_fits_two_readings_or_none_is_not_decided() {
        // 10 % on top of 100.00 is also 10 % inside of 110.00.
        let both = order([10_000, 1_000, 1_000, 0, 12_500], &[(1_000, "GST 10%")]);
        assert_eq!(before_tax(&both), Err(vec![10_000, 9_091]));
        // 15 % inside of 115.00, with a tip of 15.00; or on top, with goods that are exempt.
        let tip = order([11_500, 0, 1_500, 0, 13_000], &[(1_500, "VAT 15%")]);
        assert_eq!(before_tax(&tip), Err(vec![11_500, 10_000]));
        // No tip, or one that is not the tax.
        let on_top = order([11_500, 0, 1_725, 0, 13_225], &[(1_725, "VAT 15%")]);
        assert_eq!(before_tax(&on_top), Ok(11_500));
        let other_tip = order([11_500, 0, 1_500, 0, 13_001], &[(1_500, "VAT 15%")]);
        assert_eq!(before_tax(&other_tip), Ok(10_000));
        let exempt = order([13_360, 0, 427, 0, 15_123], &[(427, "Maryland 6%")]);
        assert_eq!(before_tax(&exempt), Err(vec![]));
        // Without a rate, the tax may be in the goods, or in the goods and the shipping.
        let unnamed = order([9_540, 3_000, 2_002, 0, 12_540], &[]);
        assert_eq!(before_tax(&unnamed), Err(vec![7_538, 8_017]));
    }

    #[test]
    fn other_orders_decide_if_there_are_enough_and_all_agree() {
        let exempt = order([13_360, 0, 427, 0, 15_123], &[(427, "Maryland 6%")]);
        let mut shop = Shop::default();
        for _ in 0..4 {
            shop.on_top += 1;
        }
        assert!(exempt.decide(shop).is_err());
        shop.on_top += 1;
        let Ok(TaxEvidence::Others(reading, 5)) = exempt.decide(shop) else {
            panic!("{:?}", exempt.decide(shop));
        };
        assert_eq!(reading.before_tax, 13_360);
        // One that may only look otherwise does not end it; one that can't be otherwise does.
        shop.inside += 1;
        assert!(exempt.decide(shop).is_ok());
        shop.proven_inside += 1;
        assert!(exempt.decide(shop).is_err());
    }

    #[test]
    fn a_tip_that_is_as_high_as_the_tax_is_decided_by_other_orders() {
        let named = order([11_500, 0, 1_500, 0, 13_000], &[(1_500, "VAT 15%")]);
        let unnamed = order([11_500, 0, 1_500, 0, 13_000], &[]);
        let of = |inside: u32, on_top: u32| Shop {
            inside,
            on_top,
            ..Shop::default()
        };
        let read = |order: &OrderFigures, shop| match order.decide(shop) {
            Ok(TaxEvidence::Itself(reading)) => format!("itself {}", reading.before_tax),
            Ok(TaxEvidence::Others(reading, _)) => format!("others {}", reading.before_tax),
            Err(readings) => format!("open {}", readings.len()),
        };
        for (shop, of_named, of_unnamed) in [
            (of(0, 0), "open 2", "itself 11500"),
            (of(9, 0), "others 10000", "open 2"),
            (of(9, 1), "others 10000", "open 2"),
            (of(9, 2), "open 2", "itself 11500"),
            (of(9, 9), "open 2", "itself 11500"),
            (of(0, 9), "others 11500", "itself 11500"),
        ] {
            let is = (read(&named, shop), read(&unnamed, shop));
            assert_eq!(is, (of_named.to_owned(), of_unnamed.to_owned()), "{shop:?}");
        }
    }

    #[test]
    fn an_order_that_contradicts_nearly_all_others_is_not_decided() {
        // 8 % on 80.00, 6.40 exempt, a tip of 2.20: by chance also 8 % inside of 86.40.
        let chance = order([8_640, 0, 640, 0, 9_500], &[(640, "State Tax 8%")]);
        // 19 % and 7 % inside of 43.90, and a tip as high as the tax.
        let tip = order(
            [4_390, 0, 500, 0, 4_890],
            &[(380, "MwSt 19%"), (120, "MwSt 7%")],
        );
        let of = |inside: u32, on_top: u32| Shop {
            inside,
            on_top,
            ..Shop::default()
        };
        let read = |order: &OrderFigures, shop| {
            let decided = order.decide(shop);
            let amounts = |readings: Vec<TaxReading>| {
                Vec::from_iter(readings.iter().map(|reading| reading.before_tax))
            };
            decided.map_err(amounts)
        };
        let itself =
            |order: &OrderFigures, shop| matches!(read(order, shop), Ok(TaxEvidence::Itself(_)));
        assert!(itself(&chance, Shop::default()) && itself(&tip, Shop::default()));
        assert_eq!(read(&chance, of(1, 6)), Err(vec![8_000, 8_640]));
        assert_eq!(read(&tip, of(6, 1)), Err(vec![4_390, 3_890]));
        // Where the prices are without tax, an order for less than the tax on top can't be.
        let proven = order([8_640, 0, 640, 0, 8_640], &[(640, "State Tax 8%")]);
        let mut shop = of(1, 9);
        assert!(itself(&proven, shop));
        shop.see(&proven, TaxPlacement::Inside);
        assert!(itself(&chance, shop));
    }

    proptest! {
        /// Whatever the shop does, the amount is the one before tax, or no amount is read.
        #[test]
        fn an_order_is_read_as_it_was_made_or_not_at_all(
            goods in 500_i64..500_000, shipping in 0_i64..20_000, tip in 0_i64..10_000,
            duties in 0_i64..3_000, rate in 1_000_000_i64..25_000_000,
            inside in any::<bool>(), on_shipping in any::<bool>(), tips_the_tax in any::<bool>(),
        ) {
            let rounded = |part: i64| (part * rate + 50_000_000) / 100_000_000;
            let (goods_tax, shipping_tax) =
                (rounded(goods), if on_shipping { rounded(shipping) } else { 0 });
            let tax = goods_tax + shipping_tax;
            let tip = if tips_the_tax { tax } else { tip };
            let (shown_goods, shown_shipping) = if inside { (goods + goods_tax, shipping + shipping_tax) } else { (goods, shipping) };
            let order = OrderFigures {
                goods: shown_goods, shipping: shown_shipping, tax, duties,
                total: goods + shipping + tax + duties + tip,
                named: vec![NamedTax { value: tax, rate }],
            };
            if let Ok(TaxEvidence::Itself(reading)) = order.decide(Shop::default()) {
                let is_exact = (reading.before_tax - goods).abs() <= 1;
                prop_assert!(is_exact, "{order:?} {reading:?}");
            }
        }
    }
}
