//! Refuses kinds of exports that have the same sales under different ids: each would be sent twice.

use super::Setup;
use super::read::ReadExports;
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};
use crate::profile::Profile;

/// What to do about it.
const HINT: &str =
    "nothing was sent; run only one of the two kinds of export, and the same kind every time";

/// Returns a problem for each export whose sales another export of the call, or an earlier run, has under
/// other ids.
pub(super) fn sold_twice(
    read: &ReadExports,
    setup: &Setup<'_>,
    history: &dyn History,
) -> Vec<Problem> {
    let own = setup.profile.into_iter();
    let known: Vec<&Profile> = own.chain(setup.profiles.iter()).collect();
    let find = |name: &str| known.iter().copied().find(|profile| profile.name == name);
    let mut problems = Vec::new();
    for (place, input) in read.inputs.iter().enumerate() {
        let Some(profile) = find(&input.profile) else {
            continue;
        };
        let others = known.iter().filter(|other| profile.has_sales_of(other));
        for other in others {
            let mut before = read.inputs[..place].iter();
            let there = match before.find(|input| input.profile == other.name) {
                Some(input) => input.path.clone(),
                None if history.has_sales_of(&other.name) => "an earlier run".to_owned(),
                None => continue,
            };
            let message = format!(
                "`{}` and `{}` have the same sales under different ids, and {there} has the other kind: every sale would be sent twice",
                profile.name, other.name
            );
            let problem = Problem::error(ProblemCode::SalesTwice, message);
            problems.push(problem.at(&input.path, None).hint(HINT));
        }
    }
    problems
}
