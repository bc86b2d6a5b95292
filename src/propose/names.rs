//! The meanings of header names: words for the same thing, in the languages of exports.

/// Header names of one thing, separated by commas. They are compared in lower case, as words.
pub(super) struct NameTiers {
    /// The names, the surest first. A header that equals one of them ranks before one that contains
    /// it.
    tiers: &'static [&'static str],
    /// Words with which a header means something else.
    never: &'static str,
}

pub(super) const EVENT_ID: NameTiers = NameTiers {
    tiers: &[
        "event id, transaction id, transaction number, charge id, payment id, transaktion, \
         transaktionsnummer, transaktionscode, transactiereferentie, codice transazione, \
         código de transacción, transacción, id da transação, código da transação, transação, numéro de transaction, \
         取引id",
        "invoice id, invoice number, invoice no, invoice nr, invoice, rechnung, rechnungsnummer, \
         rechnungsnr, rechnung nr, facture, numéro de facture, factura, fattura, fakturanummer, faktura, numer faktury, \
         nr faktury, číslo faktury, fatura no, 請求書番号",
        "order id, order number, order no, order nr, order, bestellung, bestellnummer, bestellnr, \
         bestell nr, auftragsnummer, auftrag, commande, numéro de commande, pedido, \
         número de pedido, número do pedido, orden, número de orden, identificador de la orden, \
         ordine, numero ordine, bestelling, bestelnummer, ordernummer, ordernr, ordrenummer, ordrenr, beställningsnummer, \
         numer zamówienia, nr zamówienia, zamówienie, číslo objednávky, objednávka, sipariş no, sipariş numarası, 注文番号, \
         注文id",
        "id, uuid, purchase id, sale id, number, no, nr, reference, ref, belegnummer, belegnr, \
         receipt number, referenz, référence, referencia",
    ],
    never: "customer client user account member kunde kunden product plan item sku parent \
            original related refund refunded line lineitem card tax vat email date datum status phone zip \
            postal coupon amount total application currency type subscription mandate payout \
            of at di riferimento referencia orders payments count cost price title name session device",
};

/// Names for the number of a payment, an invoice or an order.
pub(super) const PAYMENT_ID: NameTiers = NameTiers {
    tiers: &[
        "transaction id, transaction number, transaction, charge id, payment id, invoice id, \
         invoice number, invoice no, invoice, order id, order number, order no, order, transaktion, \
         transaktionsnummer, rechnungsnummer, rechnung, bestellnummer, bestellung, facture, \
         commande, pedido, factura, ordine, fattura, transação, transacción, fakturanummer, faktura, ordernummer, ordernr, \
         ordrenummer, ordrenr, beställningsnummer, numer zamówienia, nr zamówienia, číslo objednávky, sipariş no, 注文番号",
    ],
    never: "first last count total average date at value amount",
};

/// Names for the number of a shop's order.
pub(super) const ORDER_ID: NameTiers = NameTiers {
    tiers: &[
        "order id, order number, order no, order nr, order, bestellnummer, bestellnr, \
         bestell nr, auftragsnummer, auftrag, commande, numéro de commande, pedido, ordine, bestelling, ordernummer, ordernr, \
         ordrenummer, ordrenr, beställningsnummer, numer zamówienia, nr zamówienia, číslo objednávky, sipariş no, 注文番号",
    ],
    never: "date status total amount",
};

/// Names for the id of an entry of a ledger, which is not an id that a refund names.
pub(super) const LEDGER_ID: NameTiers = NameTiers {
    tiers: &["balance transaction id, balance transaction, ledger id, ledger entry id, entry id"],
    never: "",
};

/// Names for columns that differ on each of the lines on which an export writes one order.
pub(super) const LINE: NameTiers = NameTiers {
    tiers: &[
        "line id, line, item, items, item name, lineitem, sku, product, product name, product id, \
         variant, quantity, qty, position, artikel, artikelnummer, produkt, menge, anzahl, producto, \
         cantidad, produit, article, quantité, prodotto, quantità, articolo",
    ],
    never: "total amount count status",
};

pub(super) const SALE_ID: NameTiers = NameTiers {
    tiers: &[
        "parent id, original id, original transaction, original transaction id, original order, \
         refund of, refunded transaction id, sale event id, sale id, of order, of invoice, \
         reference txn id, original charge, ursprungsbestellung, zu bestellung, \
         codice transazione di riferimento, id txn de referência, zugehöriger transaktionscode",
        "parent, original, related",
    ],
    never: "amount date email price currency status total",
};

/// Returns `true` if a header may be that of the sale that a row refunds.
pub(super) fn is_of_refunded_sale(header: &str) -> bool {
    let of = "of, order, invoice, transaction, charge, payment, sale, id, number, no, nr, bestellung, rechnung, commande, facture, \
         pedido, factura, ordine, fattura";
    let words = words_of(header);
    let names_sale = || words.split(' ').any(|word| is_in(of, word));
    SALE_ID.rank(header).is_some_and(NameTiers::is_surest) || is_of_refunds(header) && names_sale()
}

pub(super) const EMAIL: NameTiers = NameTiers {
    tiers: &[
        "customer email, buyer email, client email, billing email, payer email, user email, \
         purchase email",
        "email, e mail, mail, email address, e mail address, kunden email, e mail adresse, \
         courriel, correo, e post, epost, e posta, eposta, sähköposti, メール, メールアドレス",
    ],
    never: "staff seller merchant agent affiliate partner support referrer recipient giftee \
            vendor to owner promoter operator cashier employee admin shop store receiver \
            destinatario destinataire empfänger händler verkäufer vendeur marchand \
            vendedor venditore commerciante",
};

pub(super) const UID: NameTiers = NameTiers {
    tiers: &[
        "customer id, client id, user id, account id, member id, customer number, customer no, \
         account code, kundennummer, kunden id, kunden nr, kundennr, id client, id cliente, kundnummer, kundenummer, \
         numer klienta, id klienta, müşteri no, 顧客id",
        "customer, client, user, kunde, cliente",
    ],
    never: "name email mail phone type country company description created group",
};

pub(super) const CURRENCY: NameTiers = NameTiers {
    tiers: &[
        "currency, currency code, währung, waehrung, devise, moneda, valuta, moeda, waluta, měna, para birimi, 通貨, curr",
    ],
    never: "converted payout settlement settled fee balance presentment exchange rate country land pays país paese nation \
            region market store shop plan product segment",
};

pub(super) const TOTAL: NameTiers = NameTiers {
    tiers: &[
        "amount incl vat, amount including vat, amount inc vat, amount incl tax, amount including tax, amount inc tax, \
         amount incl gst, total incl vat, total including vat, total inc vat, total incl tax, total including tax, \
         total inc tax, total incl gst, betrag inkl mwst, betrag inkl ust, bedrag incl btw, totaal incl btw, \
         importe con iva, total con iva, importo con iva, total, grand total, order total amount, lordo, bruto, valor bruto, brut, gross, gross amount, total amount, amount total, amount paid, \
         paid amount, order total, invoice total, brutto, bruttobetrag, gesamt, gesamtbetrag, \
         gesamtsumme, summe, endbetrag, montant ttc, total ttc, ttc, totale, importe total, \
         totaal, totalbelopp, totalt, totalsumma, slutsumma, totalbeløp, samlet beløb, suma brutto, kwota brutto, \
         wartość brutto, razem, celkem, valor total, total pago, valor pago, toplam, toplam tutar, 合計, 合計金額, 総額",
        "amount, sum, value, revenue, payment amount, charge amount, betrag, umsatz, montant, \
         importe, importo, bedrag, valor, summa, belopp, beløp, beløb, kwota, suma, wartość, částka, tutar, 金額",
        "price, preis, prix, precio, prezzo, prijs, preço, preco, pris, cena, fiyat, 価格, paid, received, bezahlt, gezahlt, payé, encaissé, pagado, \
         cobrado, pagato, incassato, pago, recebido, betaald, ontvangen, zapłacono, betalt, zaplaceno",
    ],
    never: "due outstanding balance saldo solde open unpaid remaining owed owing restbetrag offen offener offene \
            ausstehend pendiente restant dû dovuto residuo openstaand pendente converted payout settlement settled exchange \
            fee fees commission gebühr gebühren discount rabatt remise coupon tax taxes vat \
            gst mwst ust steuer tva iva refund refunded erstattet erstattung remboursé \
            shipping versand unit item items line lineitem quantity qty net netto ht excl \
            before percent rate tip tips count cost currency compare payments orders spent spend sub \
            spese spedizione imballaggio envío envio porto verzendkosten verzekeringsbedrag líquido \
            assicurazione insurance postage freight delivery handling produto producto \
            transferred lifetime average dispute trinkgeld pourboire propina mancia duties frete frakt fragt \
            wysyłka wysyłki doprava desconto moms dph kdv podatek podatku exkl ekskl bez avgift gebyr opłata prowizja \
            poplatek provize komisyon taxa comissão reembolsado reembolsada reembolso estornado devuelto devolución \
            rimborsato rimborso terugbetaald terugbetaling zwrot zwrotu återbetalt återbetalning refusion refunderet \
            vráceno iade rabat zniżka sleva korting sconto descuento",
};

pub(super) const SUBTOTAL: NameTiers = NameTiers {
    tiers: &[
        "amount excl vat, amount excluding vat, amount ex vat, amount excluding tax, amount ex tax, amount excl gst, \
         total excl vat, total excluding vat, total ex vat, total excluding tax, total ex tax, total excl gst, \
         betrag exkl mwst, betrag ohne mwst, betrag exkl ust, bedrag excl btw, totaal excl btw, importe sin iva, total sin iva, \
         importo senza iva, subtotal, sub total, netto, nettobetrag, net amount, amount net, zwischensumme, \
         total excl tax, amount excl tax, amount before tax, total before tax, montant ht, \
         total ht, ht, sous total, subtotale, base imponible, imponibile",
        "net",
    ],
    never: "fee fees payout converted item line discounts",
};

pub(super) const TAX: NameTiers = NameTiers {
    tiers: &[
        "tax, taxes, vat, gst, sales tax, tax amount, total tax, tax total, vat amount, mwst, \
         ust, umsatzsteuer, mehrwertsteuer, steuer, steuerbetrag, mwst betrag, tva, \
         montant tva, iva, btw, imposta, imposte, imposte sulle vendite, impuesto, impuestos, impuesto sobre ventas, \
         impuesto sobre las ventas, imposto, hst, qst, pst, moms, momsbelopp, dph, kdv, podatek, kwota vat, 消費税, 税額",
    ],
    never: "discount rate percent id number nr name type included inclusive exempt region code country \
            excl incl before after fee on satz metadata taxable converted refunded lineitem",
};

/// Names for the rate of a tax, or a word about it.
pub(super) const TAX_RATE: NameTiers = NameTiers {
    tiers: &[
        "tax rate, vat rate, gst rate, sales tax rate, tax percent, vat percent, tax percentage, mwst satz, ust satz, steuersatz, \
         mehrwertsteuersatz, umsatzsteuersatz, taux de tva, taux tva, tipo de iva, tipo iva, aliquota iva, aliquota, btw tarief, \
         btw percentage, stawka vat, taxa de iva, tax type, tax inclusive, tax included",
        "tax, taxes, vat, gst, hst, qst, sales tax, mwst, ust, umsatzsteuer, mehrwertsteuer, steuer, tva, iva, btw, moms, \
         imposta, impuesto, impuestos, imposto",
    ],
    never: "id number nr no name region code country state date zip address fee fees converted refunded exempt discount \
            shipping",
};

pub(super) const SHIPPING: NameTiers = NameTiers {
    tiers: &[
        "shipping, shipping amount, shipping cost, shipping total, freight, versand, \
         versandkosten, delivery, delivery cost, frais de port, postage, envío, costo de envío, \
         spedizione, importo spese di spedizione e imballaggio, valor do envio e manuseio, frete, valor do frete, frakt, \
         fragt, wysyłka, koszt wysyłki, doprava, \
         verzendkosten, postage and packaging amount, shipping and handling amount",
    ],
    never: "name address method status date city zip country phone tax street company discount",
};

pub(super) const TIP: NameTiers = NameTiers {
    tiers: &["tip, tips, tip amount, gratuity, trinkgeld, pourboire, propina, mancia"],
    never: "id percent rate",
};

pub(super) const DISCOUNT: NameTiers = NameTiers {
    tiers: &[
        "discount, discounts, discount amount, total discount, total discount amount, discounted, rabatt, rabattbetrag, \
         nachlass, preisnachlass, gutschein, rebate, coupon amount, coupon, voucher, promo, promotion, remise, réduction, \
         descuento, rebaja, sconto, desconto, korting, rabat, zniżka, sleva, rabatter, 割引",
    ],
    never: "code id name",
};

/// Names for the number of pieces that a row is about.
pub(super) const QUANTITY: NameTiers = NameTiers {
    tiers: &[
        "quantity, qty, units, pieces, pcs, seats, licenses, items, item count, number of items, copies, tickets, stk, stuks, \
         pezzi, pz, piezas, pièces, sztuk, szt, adet, menge, anzahl, stück, stückzahl, quantité, qté, \
         cantidad, unidades, quantità, quantidade, aantal, ilość, antal, množství, 数量",
    ],
    never: "id refunded returned discount price amount",
};

/// Names for what is still to be paid of the amount, or may be.
pub(super) const DUE: NameTiers = NameTiers {
    tiers: &[
        "due, amount due, balance due, outstanding, unpaid, owed, owing, amount remaining, remaining amount, remaining, \
         arrears, restbetrag, offen, offener, offene, ausstehend, ausstehender, fällig, fälliger, montant dû, dû, impayé, \
         reste, restant, reste à payer, pendiente, adeudado, deuda, da pagare, dovuto, insoluto, residuo, openstaand, \
         openstaande, verschuldigd, pendente, em aberto, devido, do zapłaty, zaległość, zbývá, restbelopp, 未払い, 残高",
        "balance, open, saldo, solde, bilancio",
    ],
    never: "date on at fee tax id days datum am le el",
};

/// Returns `true` if a name can only be that of what is still to be paid; `Balance` may be that of an account.
pub(super) fn is_surely_due(header: &str) -> bool {
    DUE.rank(header).is_some_and(NameTiers::is_surest)
}

pub(super) const FEE: NameTiers = NameTiers {
    tiers: &[
        "fee, fees, commission, gebühr, gebühren, frais, tariffa, tarifa, comisión, commissione, \
         comissão, taxa, avgift, gebyr, opłata, prowizja, poplatek, provize, komisyon, 手数料",
    ],
    never: "",
};

/// Money that came in, in a list that has money that went out in another column.
pub(super) const MONEY_IN: NameTiers = NameTiers {
    tiers: &[
        "credit, credits, credit amount, money in, paid in, amount in, deposit, deposits, received, haben, \
         gutschrift, eingang, einnahme, crédit, abono, haber, entrata, accrediti, avere, bij, crédito",
    ],
    never: "card note",
};

/// Money that went out.
pub(super) const MONEY_OUT: NameTiers = NameTiers {
    tiers: &[
        "debit, debits, debit amount, money out, paid out, amount out, withdrawal, withdrawals, soll, lastschrift, \
         belastung, ausgang, ausgabe, débit, cargo, debe, uscita, addebiti, dare, af, débito",
    ],
    never: "card note",
};

pub(super) const REFUNDED: NameTiers = NameTiers {
    tiers: &[
        "amount refunded, refunded amount, refund amount, total refunded, refunded, erstattet, \
         erstatteter betrag, erstattung, remboursé, montant remboursé, reembolsado, rimborsato",
        "refund, refunds, rückerstattet, rückerstattung, rückzahlung, rückzahlungen, remboursement, remboursements, \
         reembolso, reembolsos, reembolsada, devolución, devoluciones, devuelto, rimborso, rimborsi, terugbetaald, \
         terugbetaling, estornado, estorno, zwrot, zwroty, återbetalning, återbetalt, refusion, tilbagebetaling, \
         refunderet, vráceno, iade, возврат, 返金",
    ],
    never: "date id reason status converted at by currency fee tax transaction am on le of order orders invoice invoices sale sales \
            payment payments quantity qty count number no nr items units pieces rate percent original parent menge anzahl \
            bestellung rechnung quantité nombre commande facture cantidad número pedido factura",
};

/// Names for the date of a payment.
pub(super) const PAID_DATE: NameTiers = NameTiers {
    tiers: &[
        "paid at, payment date, date paid, paid on, paid date, zahlungsdatum, zahldatum, bezahldatum, zahlungseingang, \
         bezahlt am, date de paiement, date d encaissement, date de règlement, payé le, fecha de pago, fecha de cobro, \
         data pagamento, data di pagamento, data do pagamento, data de pagamento, betaaldatum, betaald op, data płatności, \
         data zapłaty, betalningsdatum, betalingsdato, 支払日, 入金日",
    ],
    never: "next due by amount",
};

/// Names for the date of a refund.
pub(super) const REFUND_DATE: NameTiers = NameTiers {
    tiers: &[
        "refunded at, refund date, date refunded, refunded on, refunded date, refunded date utc, \
         refund created at, last refund date, erstattet am, erstattungsdatum, rückerstattet am, \
         date de remboursement, remboursé le, fecha de reembolso, data rimborso",
    ],
    never: "id reason status by amount",
};

/// Names for the time of a day whose date has a column of its own.
pub(super) const TIME: NameTiers = NameTiers {
    tiers: &["time, local time, time of day, uhrzeit, zeit, heure, hora, orario, ora, tijd, 時間"],
    never: "zone zona fuso fuseau huso offset",
};

/// Names for the zone of a date or a time.
pub(super) const ZONE: NameTiers = NameTiers {
    tiers: &[
        "time zone, timezone, tz, utc offset, zeitzone, fuseau horaire, fuso orario, \
         fuso horário, zona horaria, huso horario, tijdzone, タイムゾーン",
    ],
    never: "",
};

/// Names for the sum or the number of all of a customer's payments.
pub(super) const LIFETIME: NameTiers = NameTiers {
    tiers: &[
        "total spend, total spent, lifetime value, ltv, clv, lifetime spend, lifetime revenue, \
         lifetime total, average order, average order value, aov, payment count, order count, \
         orders count, number of orders, number of payments, total orders, total payments, \
         purchase count, orders, umsatz gesamt, anzahl bestellungen, bestellungen",
    ],
    never: "",
};

pub(super) const STATUS: NameTiers = NameTiers {
    tiers: &[
        "payment status, financial status, transaction status, invoice status, zahlungsstatus, \
         paid status, estado del pago, estado de pago, statut de paiement, statut du paiement, \
         stato pagamento, stato del pagamento, status do pagamento, status de pagamento, situação do pagamento, \
         betaalstatus, betalingsstatus, betalningsstatus, status płatności, stav platby, ödeme durumu, 支払い状況, \
         支払いステータス",
        "order status, status, state, estado, statut, stato, zustand, bestellstatus, result, outcome, \
         ergebnis, résultat, resultado, esito, resultaat, situação, orderstatus, ordrestatus, stan, stav, durum, 状態, \
         ステータス",
    ],
    never: "fulfillment fulfilment shipping subscription address avs cvc dispute delivery tax \
            marketing billing customer email refund country province ship envío payout",
};

pub(super) const KIND: NameTiers = NameTiers {
    tiers: &["transaction type, type, kind, event, art, typ, vorgang, tipo, soort, category, what"],
    never: "card tax product customer payment account plan address content lineitem",
};

pub(super) const DATE: NameTiers = NameTiers {
    tiers: &[
        "paid at, payment date, date paid, paid on, transaction date, zahlungsdatum, \
         bezahlt am, date de paiement, fecha de pago, data pagamento, paid date",
        "created, created at, date created, created on, created date, order date, invoice date, \
         purchase date, purchased at, date, datum, timestamp, bestelldatum, rechnungsdatum, \
         buchungsdatum, tag, day, fecha, data, date de commande, data da venda, data da compra, data do pedido, \
         orderdatum, ordredato, data zamówienia, datum objednávky, sipariş tarihi, 注文日, 注文日時, 購入日, when, wann, dato, päivämäärä, tarih, 日付, 日期",
    ],
    never: "updated modified due birth birthday expiry expires refund refunded canceled \
            cancelled start end shipped fulfilled period payout available transfer signup \
            customer next subscription zone zona cancelación",
};

/// Names for columns that answer: was the money received?
pub(super) const RECEIVED_FLAG: NameTiers = NameTiers {
    tiers: &[
        "paid, is paid, captured, succeeded, successful, success, completed, complete, settled, approved, accepted, \
         cleared, collected, received, confirmed, finalized, \
         bezahlt, erfolgreich, abgeschlossen, bestätigt, eingegangen, eingezogen, \
         payé, payée, réussi, réussie, encaissé, encaissée, validé, validée, confirmé, confirmée, terminé, terminée, \
         pagado, pagada, completado, completada, exitoso, exitosa, aprobado, aprobada, confirmado, confirmada, cobrado, \
         cobrada, acreditado, \
         pagato, pagata, completato, completata, riuscito, riuscita, confermato, confermata, incassato, incassata, \
         pago, paga, concluído, concluída, aprovado, aprovada, recebido, recebida, \
         betaald, voltooid, geslaagd, ontvangen, 支払済み, 入金済み",
    ],
    never: "at on date amount by out am le el time method id count rate page url email mail terms marketing \
            newsletter shipping delivery orders payments fee currency",
};

/// Names for columns that answer: has the payment failed, or was it voided?
pub(super) const FAILED_FLAG: NameTiers = NameTiers {
    tiers: &[
        "void, voided, failed, failure, declined, rejected, denied, expired, abandoned, uncollectible, unpaid, draft, \
         error, pending, incomplete, \
         fehlgeschlagen, abgelehnt, abgebrochen, unbezahlt, offen, entwurf, \
         échoué, échouée, refusé, refusée, impayé, impayée, brouillon, \
         fallido, fallida, rechazado, rechazada, impagado, pendiente, \
         fallito, fallita, rifiutato, rifiutata, non pagato, in sospeso, \
         mislukt, geweigerd, onbetaald, falhou, recusado, recusada, não pago, pendente",
    ],
    never: "by fee fees count rate cost attempts subscription until balance amount orders payments customer",
};

/// Names for columns of yes or no that say for good that nothing was paid.
pub(super) const FOR_GOOD: NameTiers = NameTiers {
    tiers: &[
        "success, succeeded, successful, approved, void, voided, failed, failure, declined, rejected, denied, expired, \
         abandoned, uncollectible, error, \
         erfolgreich, fehlgeschlagen, abgelehnt, abgebrochen, réussi, réussie, échoué, échouée, refusé, refusée, \
         exitoso, exitosa, aprobado, aprobada, fallido, fallida, rechazado, rechazada, \
         riuscito, riuscita, fallito, fallita, rifiutato, rifiutata, geslaagd, mislukt, geweigerd, \
         aprovado, aprovada, falhou, recusado, recusada",
    ],
    never: "",
};

/// Names for columns that answer: did the money go back, or may it?
pub(super) const DISPUTED_FLAG: NameTiers = NameTiers {
    tiers: &[
        "refund reason, reason for refund, return reason, reason for return, cancel reason, reversal reason, \
         rückgabegrund, erstattungsgrund, stornogrund, motif de remboursement, motif d annulation, motivo de reembolso, \
         motivo del reembolso, motivo de cancelación, motivo del rimborso, motivo do reembolso, chargeback, chargebacks, charge back, charged back, dispute, disputed, disputes, reversed, reversal, returned, \
         fraud, fraudulent, is fraud, canceled, cancelled, cancellation, cancelation, cancel date, deleted, trashed, \
         blocked, on hold, held, frozen, written off, write off, voided at, void date, failed at, \
         storniert, storno, stornodatum, rückbuchung, rücklastschrift, rückläufer, widerrufen, gelöscht, annulliert, \
         strittig, angefochten, betrug, gesperrt, \
         annulé, annulée, annulation, supprimé, supprimée, litige, contesté, contestée, opposition, rétrofacturation, \
         fraude, rejet de débit, \
         anulado, anulada, anulación, cancelado, cancelada, cancelación, contracargo, disputa, disputado, devuelto, \
         eliminado, reversado, \
         annullato, annullata, annullamento, stornato, stornata, contestato, contestata, contestazione, frode, \
         riaddebito, eliminato, \
         geannuleerd, annulering, teruggeboekt, terugboeking, storneren, betwist, verwijderd, fraude, \
         estornado, estorno, contestado, cancelamento, excluído",
    ],
    never: "by fee fees count rate cost subscription protection policy before until deadline due email phone renewal \
            plan customer membership abo abonnement suscripción abbonamento assinatura allowed eligible window",
};

/// Names for columns of yes or no that answer: was it a test?
pub(super) const TEST_FLAG: NameTiers = NameTiers {
    tiers: &[
        "test, is test, test mode, testmode, sandbox, testmodus, testzahlung, mode test, paiement test, prueba, \
         de prueba, modo prueba, di prova, prova, teste, modo teste",
    ],
    never: "name id",
};

/// Names for columns that answer: was it real, and not a test?
pub(super) const LIVE_FLAG: NameTiers = NameTiers {
    tiers: &[
        "livemode, live mode, live, is live, production, mode, environment, env, umgebung, modus, environnement, \
         entorno, ambiente, omgeving",
    ],
    never: "payment shipping delivery id",
};

/// Names for columns that say if money came in or went out.
pub(super) const DIRECTION: NameTiers = NameTiers {
    tiers: &[
        "direction, money direction, in out, credit debit, debit credit, dr cr, cr dr, d c, c d, flow, \
         richtung, soll haben, s h, sens, dirección, direzione, richting, af bij, direção, débito crédito",
    ],
    never: "amount text shipping",
};

/// Words for money that came in, in a column of any name.
pub(super) const CAME_IN: &str =
    "in, incoming, inbound, inflow, money in, eingang, entrée, entrant, entrada, entrata, ingreso";
/// Words for money that went out, in a column of any name.
pub(super) const WENT_OUT: &str = "out, outgoing, outbound, outflow, money out, ausgang, sortie, sortant, salida, saída, \
    uscita, egreso";
/// Words for money that came in, in a column of directions.
pub(super) const MONEY_CAME_IN: &str = "in, incoming, inbound, inflow, credit, cr, c, received, money in, paid in, \
    eingang, haben, h, gutschrift, entrée, entrant, entrante, crédit, recette, crédito, entrada, ingreso, abono, entrata, \
    accredito, avere, bij, +";
/// Words for money that went out, in a column of directions.
pub(super) const MONEY_WENT_OUT: &str = "out, outgoing, outbound, outflow, debit, dr, d, sent, money out, paid out, \
    ausgang, soll, s, lastschrift, sortie, sortant, débit, dépense, débito, salida, egreso, cargo, saída, uscita, \
    addebito, dare, af, -";

pub(super) const YES: &str = "yes, true, 1, y, t, ja, oui, sí, si, sì, sim, wahr, vrai, verdadero, vero, x, on, checked, ✓, ✔";
pub(super) const NO: &str =
    "no, false, 0, n, f, nein, non, nee, não, falsch, faux, falso, none, off, unchecked, -";
/// Words of a column that says that a row is real, and not a test.
pub(super) const LIVE: &str = "yes, true, 1, y, t, ja, oui, sí, si, sì, sim, wahr, vrai, vero, live, production, prod, produktion, real";
/// Words of a column that says that a row is a test.
pub(super) const TESTING: &str = "no, false, 0, n, f, nein, non, nee, não, falsch, faux, falso, test, testing, sandbox, staging, development, dev, demo";

/// Zone names with one offset, and names for a zone of the IANA database. `BST`, `CST` and `IST`
/// are left out: each of them means more than one zone.
pub(super) const ZONES: [(&str, &str); 26] = [
    ("UTC", "+00:00"),
    ("Z", "+00:00"),
    ("GMT", "+00:00"),
    ("WET", "+00:00"),
    ("WEST", "+01:00"),
    ("CET", "+01:00"),
    ("CEST", "+02:00"),
    ("EET", "+02:00"),
    ("EEST", "+03:00"),
    ("EST", "-05:00"),
    ("EDT", "-04:00"),
    ("CDT", "-05:00"),
    ("MST", "-07:00"),
    ("MDT", "-06:00"),
    ("PST", "-08:00"),
    ("PDT", "-07:00"),
    ("AEST", "+10:00"),
    ("AEDT", "+11:00"),
    ("Eastern Time (US & Canada)", "America/New_York"),
    ("Central Time (US & Canada)", "America/Chicago"),
    ("Mountain Time (US & Canada)", "America/Denver"),
    ("Pacific Time (US & Canada)", "America/Los_Angeles"),
    ("Arizona", "America/Phoenix"),
    ("Alaska", "America/Anchorage"),
    ("Hawaii", "Pacific/Honolulu"),
    ("London", "Europe/London"),
];

/// Returns `true` if a list of phrases, separated by commas, contains this one.
pub(super) fn is_in(list: &str, phrase: &str) -> bool {
    list.split(", ").any(|known| known == phrase)
}

/// The beginnings of words for money that went back.
const REFUND_STEMS: &str = "refund, erstatt, rückerstatt, zurückerstatt, rückzahl, rembours, reembols, rimbors, terugbeta, \
    gutschrift, gutgeschrieben, avoir, devoluci, devuelt, estorn, storn, zwrot, återbet, tilbagebet, refunder, return, \
    reversal, reversed, chargeback";
/// Words of money that is no part of what the customer paid, or is known to be one that stays in it.
const BESIDE: &str = "fee, fees, commission, commissions, provision, cost, costs, profit, margin, earnings, earned, points, \
    tax, taxes, vat, gst, mwst, ust, steuer, tva, iva, btw, duties, shipping, versand, freight, delivery, tip, tips, \
    rate, percent, percentage, count, number, attempts, quantity, weight, converted, exchange, payout, settlement, \
    affiliate, partner, gebühr, gebühren, frais, comisión, comissão, tarifa, tariffa, taxa, taxas, kosten, gewinn, \
    score, risk, discount, discounts, lineitem, item, items, net, netto, zip, postal, phone, days, months, version, \
    latitude, longitude, installments, parcelas, cuotas";
/// Words of money that arrived.
const RECEIVED: &str = "paid, received, captured, collected, settled, charged, bezahlt, gezahlt, eingegangen, eingang, \
    erhalten, encaissé, payé, reçu, perçu, pagado, cobrado, recibido, abonado, pagato, incassato, ricevuto, betaald, \
    ontvangen, pago, recebido, cobrada, zapłacono, wpłacono";

/// Returns `true` if a header has a word for money that went back.
pub(super) fn is_of_refunds(header: &str) -> bool {
    let is_stem = |word: &str| REFUND_STEMS.split(", ").any(|stem| word.starts_with(stem));
    let words = words_of(header);
    words.split(' ').any(is_stem) || words.contains("credit note")
}

/// Returns `true` if a header has a word for the rate of something, and none for an amount of money.
pub(super) fn is_rate(header: &str) -> bool {
    let of = "rate, percent, percentage, pct, satz, steuersatz, mehrwertsteuersatz, umsatzsteuersatz, prozent, prozentsatz, taux, \
         tasa, porcentaje, aliquota, percentuale, tarief, stawka, taxa, porcentagem";
    header.contains('%') || words_of(header).split(' ').any(|word| is_in(of, word))
}

/// Returns `true` if a header has a word for money that is no question about what the customer paid.
pub(super) fn is_beside_the_amount(header: &str) -> bool {
    let words = words_of(header);
    header.contains('%') || words.split(' ').any(|word| is_in(BESIDE, word))
}

/// Words of dates of what may come after a payment, or has nothing to do with it.
const LATER: &str = "delivered, delivery, shipping, shipment, dispatched, fulfilled, fulfillment, sent, login, seen, activated, \
    activation, renewal, renews, trial, expiration, exported, imported, synced, printed, viewed, opened, reminder, \
    reminded, birth, contract, license, visit, downloaded, registered, verified, lieferdatum, versanddatum, versand, \
    livraison, entrega, consegna, spedizione, verzending, renovación, rinnovo, verlängerung, kündigung";

/// Returns `true` if a header is that of a date which does not show whether a row was paid.
pub(super) fn is_later_date(header: &str) -> bool {
    words_of(header).split(' ').any(|word| is_in(LATER, word))
}

/// Returns `true` if a header is that of the date of a payment.
pub(super) fn is_paid_date(header: &str) -> bool {
    let words = words_of(header);
    let is_out = words.split(' ').any(|word| is_in("out, payout", word));
    let is_named = PAID_DATE.rank(header).is_some();
    let is_said = is_received(header) && !PAID_DATE.forbids(header);
    (is_named || is_said) && !is_out
}

/// Returns `true` if a number in a column of this name is surely not that of pieces.
pub(super) fn is_no_quantity(header: &str) -> bool {
    let of = "id, no, nr, year, month, day, week, age, store, shop, level, tier, rank, step, hour, code, year, jahr, monat, año, mes, an, mois";
    words_of(header).split(' ').any(|word| is_in(of, word))
}

/// Returns `true` if a header has a word for money that arrived.
pub(super) fn is_received(header: &str) -> bool {
    words_of(header)
        .split(' ')
        .any(|word| is_in(RECEIVED, word))
}

/// Returns `true` if an amount of this name is what is left after discounts.
pub(super) fn is_after_discounts(header: &str) -> bool {
    let words = words_of(header);
    let has = |list| words.split(' ').any(|word| is_in(list, word));
    let is_before = has("gross, brutto, bruttobetrag, brut, bruto, lordo, before, list");
    let rank = TOTAL.rank(header);
    !is_before && (rank.is_some_and(NameTiers::is_surest) || has("final, paid, charged, endpreis"))
}

/// Returns a header in lower case, its words with one space between them: `Created (UTC)` is
/// `created utc`, and `Order #` is `order number`.
pub(super) fn words_of(header: &str) -> String {
    let mut words = String::with_capacity(header.len());
    for c in header.chars() {
        match c {
            '#' | '\u{2116}' => words.push_str(" number "),
            c if c.is_alphanumeric() => words.extend(c.to_lowercase()),
            _ => words.push(' '),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the words of names such as `createdAt`. It is not used for all headers: `MwSt` is one
/// word.
fn humps_of(header: &str) -> String {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in header.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    words_of(&spaced)
}

impl NameTiers {
    /// Returns how well a header names this thing: 0 is best; `None` if it does not.
    pub(super) fn rank(&self, header: &str) -> Option<usize> {
        self.rank_of(&words_of(header))
            .or_else(|| self.rank_of(&humps_of(header)))
    }

    fn rank_of(&self, words: &str) -> Option<usize> {
        if let Some(tier) = self.tiers.iter().position(|tier| is_in(tier, words)) {
            return Some(tier * 2);
        }
        if words
            .split(' ')
            .any(|word| self.never.split(' ').any(|never| never == word))
        {
            return None;
        }
        let within = |phrase: &str| format!(" {words} ").contains(&format!(" {phrase} "));
        let tier = self
            .tiers
            .iter()
            .position(|tier| tier.split(", ").any(within));
        tier.map(|tier| tier * 2 + 1)
    }

    /// Returns `true` if a header means something else.
    pub(super) fn forbids(&self, header: &str) -> bool {
        let words = words_of(header);
        let mut never = self.never.split(' ');
        never.any(|never| words.split(' ').any(|word| word == never))
    }

    /// Returns `true` if a rank is that of the surest names.
    pub(super) fn is_surest(rank: usize) -> bool {
        rank / 2 == 0
    }

    /// Returns `true` if a rank is that of a header that equals a name.
    pub(super) fn is_whole(rank: usize) -> bool {
        rank.is_multiple_of(2)
    }

    /// Returns the tier of a rank.
    pub(super) fn tier(rank: usize) -> usize {
        rank / 2
    }
}

/// The meaning of a word of a status or of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordMeaning {
    Sale,
    Refund,
    /// The money has not arrived, or will not.
    NoMoney,
    /// A status with two meanings: paid in a shop, and not yet paid at a payment provider.
    Processing,
    /// A type of row that is not a payment by a customer.
    Other,
    Unclear,
}

const PAID: &str = "paid, complete, completed, succeeded, success, successful, settled, captured, processed, \
     confirmed, paid out, bezahlt, abgeschlossen, erfolgreich, payé, payée, pagado, pagada, \
     completado, completata, completato, concluído, recibido, pagato, betaald, voltooid, \
     paid in full, fully paid, payment received, gezahlt, beglichen, eingegangen, réglé, réglée, encaissé, encaissée, \
     réussi, réussie, completada, exitoso, exitosa, aprobado, aprobada, acreditado, acreditada, cobrado, cobrada, \
     recibida, pago, paga, aprovado, aprovada, concluída, recebido, recebida, pagata, incassato, incassata, riuscito, \
     riuscita, geslaagd, ontvangen, zapłacone, opłacone, zaplaceno, betald, betalt, maksettu, ödendi, оплачено, 支払済み, \
     入金済み, 已支付";
const REFUNDED_WORDS: &str = "refunded, partially refunded, partial refund, partly refunded, refund, erstattet, \
     teilerstattet, teilweise erstattet, rückerstattet, remboursé, partiellement remboursé, remboursée, partiellement remboursée, reembolsada, rimborsata, \
     reembolsado, rimborsato, terugbetaald, fully refunded, refunded in full, zurückerstattet, zurückgezahlt, \
     parcialmente reembolsado, parcialmente reembolsada, devuelto, devuelta, estornado, estornada, \
     parzialmente rimborsato, gedeeltelijk terugbetaald, zwrócone, återbetald, refunderet, vráceno, возвращено, 返金済み, \
     已退款";
const NO_MONEY: &str = "failed, failure, declined, canceled, cancelled, void, voided, expired, rejected, denied, \
     error, unpaid, uncollectible, abandoned, deleted, incomplete, pending, open, \
     draft, checkout draft, created, trash, authorized, authorised, awaiting payment, pending payment, on hold, past due, \
     overdue, due, payment due, not paid, requires payment method, requires action, \
     requires confirmation, fehlgeschlagen, abgelehnt, storniert, abgebrochen, offen, \
     ausstehend, unbezahlt, annulé, annulée, échoué, échouée, en attente, \
     impayé, in sospeso, fallido, fallida, cancelado, cancelada, pendiente, annullato, fallito, in attesa, \
     mislukt, geannuleerd, auth, auth only, preauthorized, pre authorized, blocked, payment declined, abgelaufen, verfallen, \
     refusé, refusée, rejeté, rejetée, expiré, expirée, impayée, rechazado, rechazada, vencido, vencida, expirado, \
     expirada, impagado, impagada, annullata, fallita, rifiutato, rifiutata, scaduto, scaduta, non pagato, geweigerd, \
     verlopen, onbetaald, openstaand, recusado, recusada, falhou, não pago, não paga, pendente, aguardando pagamento, \
     em aberto, odrzucone, anulowane, nieopłacone, obetald, ubetalt";
/// Words of a status which say that a payment came to nothing, or back. An order that was paid may be open or pending in
/// another way.
const FINAL: &str = "failed, failure, declined, canceled, cancelled, void, voided, rejected, denied, reversed, returned, \
     chargeback, charged back, disputed, deleted, trash, uncollectible, refunded, partially refunded, \
     fehlgeschlagen, abgelehnt, storniert, abgebrochen, erstattet, rückerstattet, rückbuchung, \
     annulé, annulée, échoué, échouée, refusé, refusée, remboursé, remboursée, litige, \
     fallido, fallida, cancelado, cancelada, rechazado, rechazada, reembolsado, reembolsada, contracargo, \
     annullato, annullata, fallito, rifiutato, rimborsato, rimborsata, stornato, \
     mislukt, geannuleerd, geweigerd, terugbetaald, teruggeboekt, estornado, recusado";
/// Statuses of what may still be paid: an older export has them of what a newer one has as paid.
const NOT_YET: &str = "pending, open, draft, checkout draft, created, authorized, authorised, awaiting payment, pending payment, \
     on hold, past due, overdue, due, payment due, not paid, unpaid, incomplete, requires payment method, requires action, \
     requires confirmation, offen, ausstehend, unbezahlt, en attente, impayé, in sospeso, pendiente, in attesa, \
     auth, auth only, preauthorized, pre authorized, impayée, impagado, impagada, non pagato, onbetaald, openstaand, \
     não pago, não paga, pendente, aguardando pagamento, em aberto, nieopłacone, obetald, ubetalt";
/// Types of what is due: in a list that has payments, too, they are no money.
const DEMANDS: &str = "charge, invoice, order, bill, sale, purchase, bestellung, rechnung, auftrag, verkauf, kauf, commande, \
     facture, vente, factura, pedido, venta, compra, fattura, ordine, vendita, bestelling, factuur";
/// Types of money that came in.
const PAYMENTS: &str =
    "payment, zahlung, zahlungseingang, paiement, règlement, pago, pagamento, betaling";
const PROCESSING: &str = "processing, in process, in bearbeitung, en cours, en cours de traitement, procesando, \
     in lavorazione, in elaborazione, in behandeling, em processamento";
/// Statuses that only a shop's orders have.
const SHOP: &str = "on hold, pending payment, checkout draft";
const SALE_TYPES: &str = "sale, charge, payment, order, purchase, invoice, renewal, subscription payment, \
     subscription, capture, checkout, one time, one time purchase, website payment, \
     express checkout payment, mobile payment, general payment, pre approved payment bill user payment, \
     preapproved payment bill user payment, pagamento express checkout, pagamento su sito web, \
     pagamento abbonamento, pagamento preautorizzato utenza, pagamento da cellulare, \
     pagamento generico, pagamento recorrente recebido, verkauf, zahlung, bestellung, rechnung, kauf, vente, paiement, \
     commande, facture, venta, pago, compra, vendita, pagamento, betaling, bestelling, verkoop, aankoop, factuur, betalning, \
     venda, płatność, sprzedaż";
const REFUND_TYPES: &str = "refund, refunded, partial refund, payment refund, credit note, return, reversal, \
     erstattung, rückerstattung, gutschrift, remboursement, avoir, reembolso, devolución, \
     rimborso, rimborso di pagamento, storno pagamento, terugbetaling, payment reversal, chargeback";
const OTHER_TYPES: &str = "payout, fee, fees, withdrawal, deposit, transfer, adjustment, auszahlung, gebühr, \
     versement, bank transfer, payout failure, bonifico bancario sul conto paypal, \
     versamento generico con carta, conversione di valuta generica, trasferimento avviato dall utente, \
     general withdrawal, general currency conversion, general card deposit, auth, authorization, authorisation, \
     preauth, pre authorization, verification, autorisierung, autorisation, autorización, autorizzazione, autorização";

/// Words that say of what something is the status: `payment failed`, `charge.refunded`.
const OF_WHAT: &str = "payment, charge, transaction, order, invoice, intent, is, was, zahlung, transaktion, paiement, \
     pago, transacción, pagamento, transação, transazione, betaling";
/// Words which only a column has that says what a row is, although their meaning is not clear.
const OF_STATES: &str = "approved, accepted, received, cleared, collected, disputed, charged back, returned, reversed, \
     genehmigt, akzeptiert, accepté, acceptée, approuvé, approuvée, aceptado, aceptada, approvato, approvata, goedgekeurd";

/// Returns the meaning of a word of a status.
pub(super) fn status_meaning(word: &str) -> WordMeaning {
    let word = status_word(word);
    match meaning_of(&word) {
        WordMeaning::Unclear => {
            let words = word.split(' ').filter(|word| !is_in(OF_WHAT, word));
            meaning_of(&words.collect::<Vec<_>>().join(" "))
        }
        meaning => meaning,
    }
}

/// Returns `true` if a word is one of a status or of a type.
pub(super) fn is_of_states(word: &str) -> bool {
    status_meaning(word) != WordMeaning::Unclear
        || kind_meaning(word) != WordMeaning::Unclear
        || is_final(word)
        || is_in(OF_STATES, &status_word(word))
}

/// Returns `true` if a word says that money was paid or refunded, and nothing else can be.
pub(super) fn is_of_payments(word: &str) -> bool {
    let of = "paid, unpaid, captured, settled, bezahlt, unbezahlt, payé, payée, impayé, pagado, pagada, pagato, pagata, betaald";
    is_in(of, &status_word(word)) || status_meaning(word) == WordMeaning::Refund
}

fn meaning_of(word: &str) -> WordMeaning {
    let is_of = |list| is_in(list, word);
    match () {
        () if is_of(PAID) => WordMeaning::Sale,
        () if is_of(REFUNDED_WORDS) || is_refund_of(word) => WordMeaning::Refund,
        () if is_of(NO_MONEY) => WordMeaning::NoMoney,
        () if is_of(PROCESSING) => WordMeaning::Processing,
        () => WordMeaning::Unclear,
    }
}

/// Beginnings of the words for a refund.
const REFUNDING: &str = "refund, erstatt, rückerstatt, zurückerstatt, rückzahl, rembours, reembols, rimbors, terugbeta, devoluci, \
     devolu, estorn, zwrot, återbet, tilbagebet";
/// Words that may be beside one of them, and change nothing: whose refund it is, or of what.
const BESIDE_REFUND: &str = "issued, sent, made, processed, completed, complete, full, partial, manual, of, to, for, the, a, customer, \
     client, buyer, sale, order, payment, purchase, transaction, invoice, an, den, der, kunde, kunden, käufer, zahlung, bestellung, \
     teil, vollständige, teilweise, de, du, d, le, au, client, acheteur, paiement, commande, vente, achat, total, partiel, del, al, \
     el, cliente, comprador, pago, venta, compra, pedido, parcial, di, al, acquirente, pagamento, vendita, ordine, acquisto, \
     parziale, do, da, ao, venda, aan, klant, koper, betaling, bestelling, verkoop, van";

/// Returns `true` if words name a refund, and nothing that happened to it: a refund that was requested or failed is none.
fn is_refund_of(words: &str) -> bool {
    let is_refunding = |word: &&str| REFUNDING.split(", ").any(|stem| word.starts_with(stem));
    let mut all = words.split(' ');
    words.split(' ').any(|word| is_refunding(&word))
        && all.all(|word| is_refunding(&word) || is_in(BESIDE_REFUND, word))
}

/// Returns `true` if a word of a status, of which no money has arrived, says that this may still change.
pub(super) fn is_not_yet(word: &str) -> bool {
    is_in(NOT_YET, &status_word(word)) || is_in(PROCESSING, &status_word(word))
}

/// Returns `true` if a word of a status says that a payment came to nothing, or back.
pub(super) fn is_final(word: &str) -> bool {
    is_in(FINAL, &status_word(word))
}

/// Returns `true` if a word of a type is something that is due, such as an invoice.
pub(super) fn is_demand(word: &str) -> bool {
    is_in(DEMANDS, &words_of(word))
}

/// Returns `true` if a word of a type is a payment, and nothing that is due.
pub(super) fn is_money(word: &str) -> bool {
    is_in(PAYMENTS, &words_of(word))
}

/// Returns the words of a cell, or its sign if it has no words.
pub(super) fn words_or_sign(cell: &str) -> String {
    match words_of(cell) {
        words if words.is_empty() => cell.trim().to_owned(),
        words => words,
    }
}

/// Returns `true` if a header can only be the name of a status; `State` may be a part of a country.
pub(super) fn is_surely_a_status(header: &str) -> bool {
    let words = words_of(header);
    STATUS.rank(header).is_some_and(NameTiers::is_surest)
        || words
            .split(' ')
            .any(|word| word.ends_with("status") || ["estado", "statut", "stato"].contains(&word))
}

/// Returns `true` if a header can only be the name of the kind of a row.
pub(super) fn is_surely_a_kind(header: &str) -> bool {
    is_in(
        "transaction type, event type, type, kind, typ, tipo, vorgang, soort",
        &words_of(header),
    )
}

/// Returns `true` if only the orders of a shop have this status.
pub(super) fn is_of_a_shop(word: &str) -> bool {
    word.trim().to_lowercase().starts_with(WOOCOMMERCE) || is_in(SHOP, &status_word(word))
}

/// The prefix of WooCommerce's statuses in its database.
const WOOCOMMERCE: &str = "wc-";

fn status_word(word: &str) -> String {
    let lower = word.trim().to_lowercase();
    words_of(lower.strip_prefix(WOOCOMMERCE).unwrap_or(&lower))
}

/// Returns the meaning of a word of a type.
pub(super) fn kind_meaning(word: &str) -> WordMeaning {
    let word = words_of(word);
    let is_of = |list| is_in(list, &word);
    match () {
        () if is_of(SALE_TYPES) => WordMeaning::Sale,
        () if is_of(REFUND_TYPES) || is_of(REFUNDED_WORDS) || is_refund_of(&word) => {
            WordMeaning::Refund
        }
        () if is_of(OTHER_TYPES) => WordMeaning::Other,
        () => WordMeaning::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_as_words() {
        assert_eq!(humps_of("createdAt (UTC)"), "created at utc");
        assert_eq!(DATE.rank("createdAt"), Some(2));
        assert_eq!(words_of("E-Mail"), "e mail");
        assert_eq!(words_of("ORDER_ID"), "order id");
        assert_eq!(EVENT_ID.rank("Order No."), Some(4));
        assert_eq!(EVENT_ID.rank("Customer ID"), None);
        assert_eq!(TOTAL.rank("Total (EUR)"), Some(1));
        assert_eq!(TOTAL.rank("Total Tax"), None);
        assert_eq!(TOTAL.rank("Amount Refunded"), None);
        assert_eq!(TAX.rank("Tax rate"), None);
        assert_eq!(TAX.rank("MwSt"), Some(0));
    }
}
