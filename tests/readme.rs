//! README and manual match what the program says and does.
#![expect(clippy::expect_used, reason = "a test fails aloud")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Parser;
use cortop::{app::Keymap, cli::Cli, ui};

/// The README and the pages of `docs`, by their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/views"] {
        let entries = fs::read_dir(root.join(folder)).expect("a folder");
        let entries = entries.map(|entry| entry.expect("an entry").path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    pages
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            (path, text)
        })
        .collect()
}

/// The targets of the links of a page, without those to other sites.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://"))
}

/// The shell lines in a page.
fn shell(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut is_shell = false;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_shell = language == "sh";
        } else if is_shell && !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// The arguments of a line that calls cortop, up to redirections and pipes.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = shlex::split(line).expect(line);
    let is_setting =
        |word: &String| word.split_once('=').is_some_and(|(name, _)| !name.contains('-'));
    let words: Vec<_> = words
        .into_iter()
        .skip_while(is_setting)
        .take_while(|word| !["|", ">", "<", "2>"].contains(&word.as_str()))
        .collect();
    words.first().is_some_and(|program| program == "cortop").then_some(words)
}

#[test]
fn every_command_is_one_that_cortop_understands() {
    let mut count = 0;
    for (path, text) in pages() {
        for line in shell(&text) {
            let Some(words) = arguments(line) else { continue };
            count += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{}: {line}: {error}", path.display());
            }
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn what_needs_neither_network_nor_headset_runs() {
    let mut ran = BTreeSet::new();
    for (path, text) in pages() {
        // Commands within the text are in backticks.
        let within = text.split('`').filter(|code| code.starts_with("cortop "));
        for line in shell(&text).into_iter().chain(within) {
            let Some(words) = arguments(line) else { continue };
            let prints = |flag: &str| words.iter().any(|word| word == flag);
            if !(prints("print") || prints("--list-faults") || prints("--assumptions")) {
                continue;
            }
            let output = Command::new(env!("CARGO_BIN_EXE_cortop"))
                .args(&words[1..])
                .output()
                .expect("it starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {line}: {said}", path.display());
            assert!(!output.stdout.is_empty(), "{}: {line}", path.display());
            ran.insert(words.join(" "));
        }
    }
    for command in ["print config", "print theme", "sim --list-faults", "sim --assumptions"] {
        assert!(ran.contains(&format!("cortop {command}")), "{command} is not in {ran:?}");
    }
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    let pages = pages();
    let mut linked = BTreeSet::new();
    for (path, text) in &pages {
        for target in links(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            let file =
                file.canonicalize().unwrap_or_else(|_| panic!("{}: {target}", path.display()));
            let slug = |heading: &str| {
                let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-');
                heading.chars().filter(kept).collect::<String>().to_lowercase().replace(' ', "-")
            };
            if !anchor.is_empty() {
                let text = fs::read_to_string(&file).expect("text");
                let mut headings = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| slug(line.trim_start_matches('#').trim()));
                assert!(headings.any(|heading| heading == anchor), "{target}");
            }
            linked.insert(file);
        }
    }
    for (path, _) in pages {
        let path = path.canonicalize().expect("it is there");
        assert!(linked.contains(&path), "no page links {}", path.display());
    }
}

#[test]
fn every_view_has_its_page() {
    let index = include_str!("../docs/README.md");
    for view in ui::views() {
        let page = format!("[{0}](views/{0}.md)", view.name);
        assert!(index.contains(&page), "docs/README.md lacks {page}");
    }
}

#[test]
fn the_key_table_is_that_of_the_program() {
    let table = Keymap::new(ui::views()).to_markdown();
    let page = include_str!("../docs/keys.md");
    assert!(page.contains(&table), "the table in docs/keys.md has to be:\n{table}");
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
    let page = include_str!("../docs/views/eeg.md");
    let sentence = page.lines().find(|line| line.contains("Butterworth")).expect("a line");
    for words in ["second order", "causal", "134 ms at 1 Hz", "4 ms at 10 Hz", "positive is up"] {
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
}

/// The symptoms in "What can go wrong" are those that the screen shows.
#[test]
fn the_symptoms_are_those_on_the_screen() {
    let readme = include_str!("../README.md");
    let (_, section) = readme.split_once("## What can go wrong").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("another one");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut sources = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src/ui", "crates/cortop-client/src", "crates/cortop-protocol/src"]
        .into_iter()
        .chain(["crates/cortop-signal/src"])
    {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let text = fs::read_to_string(path).expect("text");
                // What only tests say is on no screen.
                sources += text.split("#[cfg(test)]").next().unwrap_or_default();
            }
        }
    }
    let mut count = 0;
    for row in rows {
        let cell = row.split('|').nth(1).expect("a cell");
        for symptom in cell.split('`').skip(1).step_by(2) {
            assert!(sources.contains(symptom), "nothing says \"{symptom}\"");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}
