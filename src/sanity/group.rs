//! Findings of one kind, with their total.

use crate::event::{EventRef, ExportLine, Tally};
use crate::problem::{Problem, ProblemCode, Problems};

/// One kind of finding: the total, and the first events of it.
pub(super) struct FindingGroup<'p> {
    code: ProblemCode,
    paths: &'p [String],
    tally: Tally,
    first: Vec<(ExportLine, Problem)>,
}

impl<'p> FindingGroup<'p> {
    pub(super) fn new(code: ProblemCode, paths: &'p [String]) -> Self {
        FindingGroup {
            code,
            paths,
            tally: Tally::default(),
            first: Vec::new(),
        }
    }

    /// Adds an event; `message` is called only for those that are kept.
    pub(super) fn add(
        &mut self,
        event: EventRef<'_>,
        message: impl FnOnce(EventRef<'_>) -> String,
    ) {
        self.tally.add(event.kind, event.money);
        // One less than are kept of a code: the total has the same.
        if (self.first.len() as u64) < Problems::KEPT_PER_CODE - 1 {
            let name = match event.money {
                Some(money) => format!("{} `{}` of {money}", event.kind, event.event_id()),
                None => format!("{} `{}`", event.kind, event.event_id()),
            };
            let path = self.paths.get(event.source.input).cloned();
            let problem = Problem::warning(self.code.clone(), format!("{name} {}", message(event)));
            let line = Some(event.source.line);
            let problem = problem.at(path.unwrap_or_default(), line);
            self.first.push((event.source, problem));
        }
    }

    /// Returns the total, followed by the problems of the events; returns nothing if there are none. `one` and `many`
    /// go on after `1 sale, 8.00 USD,` and `2 sales, 16.00 USD,`.
    pub(super) fn into_problems(mut self, one: &str, many: &str, hint: &str) -> Vec<Problem> {
        let predicate = match self.tally.count() {
            0 => return Vec::new(),
            1 => one,
            _ => many,
        };
        let total = Problem::warning(self.code, format!("{}, {predicate}", self.tally)).hint(hint);
        self.first.sort_by_key(|(source, _)| *source);
        let first = self.first.into_iter().map(|(_, problem)| problem);
        std::iter::once(total).chain(first).collect()
    }
}
