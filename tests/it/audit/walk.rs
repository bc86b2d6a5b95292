//! docs/audit.md is executed.

use crate::pages::walk;
use crate::support::Place;

#[test]
fn the_walk_through_a_monthly_close_prints_what_the_page_shows() {
    let page = include_str!("../../../docs/audit.md");
    let place = Place::new();
    let commands = walk(page, &place, |arguments| place.run(arguments));
    assert!(commands >= 5, "{commands}");
}
