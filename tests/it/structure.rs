//! The code map of `ARCHITECTURE.md` is true: which module uses which stands there as it stands in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Uses = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of the library, without those of its tests.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        match path.is_dir() {
            _ if name == "tests" => {}
            true => files(&path, found),
            false if path.extension().is_some_and(|it| it == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The code of a file, without comments and without the tests at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {");
    let lines = text[..end.unwrap_or(text.len())].lines();
    let code = lines.map(|line| line.split("//").next().unwrap());
    code.collect::<Vec<_>>().join("\n")
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The modules that some code names by `crate::module` or `crate::{module, …}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').collect(),
            None => vec![rest],
        };
        named.extend(names.iter().map(|name| word(name.trim()).to_owned()));
    }
    named
}

fn in_the_code() -> Uses {
    let source = root().join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let mut uses = Uses::new();
    for path in &all {
        let inside = path.strip_prefix(&source).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs").to_owned();
        if !matches!(&*module, "lib" | "main") {
            uses.entry(module).or_default().extend(named(&code(path)));
        }
    }
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    for (module, used) in &mut uses {
        used.retain(|other| modules.contains(other) && other != module);
    }
    uses
}

/// The cells of the code map: module, question, what it uses.
fn code_map() -> Vec<[String; 3]> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let map = text.split("## Code map").nth(1).unwrap();
    let map = map.split("\n## ").next().unwrap();
    let rows = map.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [module, question, uses] = cells[..] else {
            panic!("three cells: {row}");
        };
        [module, question, uses].map(str::to_owned)
    })
    .collect()
}

fn in_backticks(cell: &str) -> BTreeSet<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

#[test]
fn the_code_map_names_each_module_and_what_it_uses() {
    let map = code_map();
    let written: Uses = map
        .iter()
        .map(|[module, _, uses]| (module.trim_matches('`').to_owned(), in_backticks(uses)))
        .collect();
    assert_eq!(written.len(), map.len(), "each module once");
    let actual = in_the_code();
    for (module, uses) in &actual {
        let line: Vec<String> = uses.iter().map(|other| format!("`{other}`")).collect();
        assert_eq!(
            written.get(module),
            Some(uses),
            "{module}: write {}",
            line.join(", ")
        );
    }
    assert_eq!(written.len(), actual.len());
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let uses = in_the_code();
    let mut floors: BTreeMap<&str, usize> = BTreeMap::new();
    // Whoever uses only what has a floor stands one above the highest of these.
    loop {
        let next: Vec<(&str, usize)> = uses
            .iter()
            .filter(|(module, _)| !floors.contains_key(module.as_str()))
            .filter_map(|(module, used)| {
                let below = used.iter().map(|other| floors.get(other.as_str()));
                let below: Option<Vec<&usize>> = below.collect();
                let floor = below?.into_iter().max().map_or(0, |floor| floor + 1);
                Some((module.as_str(), floor))
            })
            .collect();
        if next.is_empty() {
            break;
        }
        floors.extend(next);
    }
    let circle: Vec<&String> = uses
        .keys()
        .filter(|module| !floors.contains_key(module.as_str()))
        .collect();
    assert!(circle.is_empty(), "these use each other: {circle:?}");
}
