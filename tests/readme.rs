//! What the README says of keys is what the table of actions says, and that it names the filters.

use cortop::{app::Keymap, ui};

#[test]
fn the_key_table_is_that_of_the_program() {
    let table = Keymap::new(ui::views()).to_markdown();
    let readme = include_str!("../README.md");
    assert!(readme.contains(&table), "the README's key table has to be:\n{table}");
}

#[test]
fn the_glyphs_are_those_of_the_program() {
    let each: Vec<_> =
        ui::legend().iter().map(|(glyphs, meaning)| format!("`{glyphs}` {meaning}")).collect();
    let line = format!("Glyphs: {}. The help ends with the same list.", each.join(" · "));
    let readme = include_str!("../README.md");
    assert!(readme.contains(&line), "the README's list of glyphs has to be:\n{line}");
}

#[test]
fn the_filters_are_named_by_type_order_and_causality() {
    let readme = include_str!("../README.md");
    let sentence = readme.lines().find(|line| line.contains("Butterworth")).expect("a line");
    for words in ["second order", "causal", "134 ms at 1 Hz", "4 ms at 10 Hz", "positive is up"] {
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
}
