//! Rows that belong together.

/// Returns a row as an index of a vector.
pub(super) fn index(row: u32) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

/// Rows by their group, in order.
pub(super) struct Grouped {
    starts: Vec<usize>,
    rows: Vec<u32>,
}

impl Grouped {
    pub(super) fn new(groups: impl Iterator<Item = Option<u32>> + Clone) -> Grouped {
        let most = groups.clone().flatten().map(index).max();
        let mut starts = vec![0; most.map_or(1, |most| most + 2)];
        for group in groups.clone().flatten() {
            starts[index(group) + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts.last().copied().unwrap_or(0)];
        for (row, group) in (0..).zip(groups) {
            if let Some(group) = group {
                rows[next[index(group)]] = row;
                next[index(group)] += 1;
            }
        }
        Grouped { starts, rows }
    }

    pub(super) fn rows(&self, group: usize) -> &[u32] {
        match self.starts.get(group).zip(self.starts.get(group + 1)) {
            Some((from, to)) => &self.rows[*from..*to],
            None => &[],
        }
    }
}
