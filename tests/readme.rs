//! What the README says of keys is what the table of actions says, and that it names the filters.

use cortop::{
    app::{Keymap, section_name, sections},
    ui,
};

#[test]
fn the_key_table_is_that_of_the_program() {
    let mut table = String::from("| where | keys | what |\n| --- | --- | --- |\n");
    let keymap = Keymap::new(ui::views());
    for pane in sections() {
        let rows = keymap.rows().map(|(binding, _)| binding);
        for binding in rows.filter(|row| row.pane == pane && !row.keys.is_empty()) {
            let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            let row =
                format!("| {} | {} | {} |\n", section_name(pane), keys.join(" "), binding.help);
            table.push_str(&row);
        }
    }
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
