//! The books in `docs/` contain what the code cites.

#![expect(clippy::expect_used, reason = "a test fails aloud")]

use std::{collections::BTreeSet, fs, path::Path};

/// The section numbers of a book's headings, such as `5` and `5.2`.
fn sections(book: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new("docs").join(book)).expect(book);
    text.lines()
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| line.trim_start_matches('#').split_whitespace().next())
        .map(|number| number.trim_end_matches('.').to_owned())
        .filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
        .collect()
}

/// All files below a folder whose names have one of these endings.
fn files(folder: &Path, ends: &[&str], found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ends, found);
        } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path.display().to_string(), text));
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        files(Path::new(folder), &[".rs"], &mut found);
    }
    found
}

#[test]
fn every_section_that_the_code_cites_stands_in_the_protocol() {
    let sections = sections("protocol.md");
    assert!(sections.len() > 40, "{sections:?}");
    let mut cited = 0;
    for (file, text) in sources() {
        for rest in text.split('§').skip(1) {
            let number: String =
                rest.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect();
            let number = number.trim_end_matches('.');
            if number.is_empty() {
                continue;
            }
            cited += 1;
            assert!(sections.contains(number), "{file} cites §{number}, which is not there");
        }
    }
    assert!(cited > 300, "only {cited} references were found");
}

#[test]
fn every_book_that_the_code_cites_is_there() {
    for (file, text) in sources() {
        for rest in text.split("docs/").skip(1) {
            let name: String =
                rest.chars().take_while(|char| char.is_alphanumeric() || *char == '-').collect();
            if !name.is_empty() && rest[name.len()..].starts_with(".md") {
                let book = Path::new("docs").join(format!("{name}.md"));
                assert!(book.is_file(), "{file} cites {}, which is not there", book.display());
            }
        }
    }
}
