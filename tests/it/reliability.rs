//! Whether `docs/reliability.md` is true to its word: each test that it names exists, and each fault
//! has a test or is named as a gap.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rows of the tables: number, and what shows it.
fn rows() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let cells = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
        let is_row = !["#", "---"].contains(&cells[0]);
        is_row.then(|| (cells[0].to_owned(), cells[3].to_owned()))
    });
    cells.collect()
}

/// The places in backticks: a file and a function.
fn tests_of(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|place| place.split_once("::")).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = BTreeSet::new();
    for (row, cell) in rows() {
        for (file, function) in tests_of(&cell) {
            let source = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("row {row}: {file}: {error}"));
            let at = source.find(&format!("fn {function}("));
            let at = at.unwrap_or_else(|| panic!("row {row}: {file} has no `{function}`"));
            let before = source[..at].trim_end();
            let attribute = before.lines().next_back().unwrap().trim();
            assert_eq!(attribute, "#[test]", "row {row}: {function}");
            named.insert(function.to_owned());
        }
    }
    assert!(named.len() >= 90, "{}", named.len());
}

#[test]
fn every_fault_has_a_test_or_is_a_gap() {
    let rows = rows();
    for number in 1..=35 {
        let number = number.to_string();
        assert_eq!(
            rows.iter().filter(|(row, _)| *row == number).count(),
            1,
            "row {number}"
        );
    }
    for (row, cell) in &rows {
        assert!(
            !tests_of(cell).is_empty() || cell.starts_with("gap: "),
            "row {row}"
        );
    }
}
