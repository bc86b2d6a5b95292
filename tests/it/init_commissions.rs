//! What `fprecon init` makes of a list of commissions that a built-in profile fits by a few of its columns: the others are
//! not left out in silence.

#![cfg(feature = "polars")]

use crate::support::{Place, Ran};

const LIST: &str = "list.csv";

fn init(lines: &[&str]) -> (Place, Ran) {
    let place = Place::new();
    place.write(LIST, &(lines.join("\n") + "\n"));
    let ran = place.run(&["init", LIST]).expect(0);
    (place, ran)
}

#[test]
fn columns_that_the_profile_of_commissions_does_not_read_are_proposed() {
    for (header, row, proposed) in [
        (
            "Affiliate,Pedido,Venta,Commission,Estado,Fecha",
            "nora@x.com,s1,100.00,20.00,approved,2026-03-01",
            &[
                "event_id = \"Pedido\"",
                "sale_amount = \"Venta\"",
                "status = \"Estado\"",
                "created_at = \"Fecha\"",
            ][..],
        ),
        (
            "Affiliate,Rechnung,Umsatz,Commission,Kunde",
            "nora@x.com,s1,100.00,20.00,ana@example.com",
            &[
                "event_id = \"Rechnung\"",
                "sale_amount = \"Umsatz\"",
                "email = \"Kunde\"",
            ],
        ),
        (
            "id,promoter_email,Commande,Montant de la vente,commission,Monnaie,status,created_at",
            "1,nora@x.com,s1,100.00,20.00,EUR,approved,2026-03-01",
            &[
                "event_id = \"Commande\"",
                "sale_amount = \"Montant de la vente\"",
                "currency = \"Monnaie\"",
            ],
        ),
    ] {
        let (place, ran) = init(&[header, row]);
        let said = "`commissions` fits, but does not read all of its columns under their names";
        assert!(ran.stderr().contains(said), "{}", ran.stderr());
        let toml = place.read("fprecon.toml");
        assert!(toml.contains("extends = \"commissions\""), "{toml}");
        for line in proposed {
            assert!(toml.contains(line), "{line}: {toml}");
        }
    }
    // The number of a commission is not its amount.
    let (place, _) = init(&[
        "Commission #,Order ref,Affiliate,Payout,Order value,State,Booked on,Customer",
        "1,s1,nora@x.com,20.00,100.00,approved,03/13/2026,ana@example.com",
        "2,s2,nora@x.com,10.00,50.00,pending,03/14/2026,ben@example.com",
    ]);
    let toml = place.read("fprecon.toml");
    for line in [
        "amount = \"Payout\"",
        "id = \"Commission #\"",
        "sale_amount = \"Order value\"",
        "created_at = \"Booked on\"",
    ] {
        assert!(toml.contains(line), "{line}: {toml}");
    }
    // A status is found by its words, and what is not read at all is named.
    let (place, ran) = init(&[
        "Affiliate,Order,Commission,Stan,Remark",
        "nora@x.com,s1,20.00,approved,first of two",
        "nora@x.com,s2,20.00,denied,second of two",
    ]);
    assert!(place.read("fprecon.toml").contains("status = \"Stan\""));
    assert!(
        ran.stderr().contains("guess: not used: `Remark`"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_list_of_which_every_column_is_read_needs_no_profile_of_its_own() {
    for (header, row) in [
        (
            "id,promoter_email,event_id,sale_amount,commission,status,created_at",
            "1,nora@x.com,s1,100.00,20.00,approved,2026-03-01",
        ),
        (
            "id,promoter_email,event_id,sale_amount,commission,status,created_at,Paid at,Customer name,Order date",
            "1,nora@x.com,s1,100.00,20.00,approved,2026-03-01,2026-04-01,Ann,2026-03-01",
        ),
    ] {
        let (place, ran) = init(&[header, row]);
        assert!(
            ran.stderr().contains("list.csv: commissions: "),
            "{}",
            ran.stderr()
        );
        assert!(
            !place
                .read("fprecon.toml")
                .contains("extends = \"commissions\"")
        );
    }
}

/// A commission that was denied is one once the profile is written.
#[cfg(feature = "polars")]
#[test]
fn the_audit_reads_what_the_proposal_adds() {
    let (place, _) = init(&[
        "id,promoter_email,event_id,sale_amount,commission,Stan,created_at",
        "1,anna@x.com,s1,100.00,20.00,approved,2026-03-01",
        "2,anna@x.com,s2,100.00,20.00,denied,2026-03-01",
    ]);
    place.write(
        "sales.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at,plan\n\
         sale,s1,,ana@example.com,100.00,USD,2026-03-01T10:00:00Z,pro\n\
         sale,s2,,ben@example.com,100.00,USD,2026-03-01T10:00:00Z,pro\n",
    );
    let toml = place.read("fprecon.toml") + "\n[[audit.rule]]\nrate = \"20\"\n";
    place.write("fprecon.toml", &toml);
    let ran = place.run(&["audit", "sales.csv", "--commissions", LIST]);
    let ran = ran.expect(1);
    let out = ran.stdout();
    assert!(out.contains("Underpaid by 20.00 USD"), "{out}");
}
