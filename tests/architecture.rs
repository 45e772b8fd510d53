//! The rooms of the program and who may know whom, held against the paths in every file.
//!
//! ```text
//! run                     the command line until the exit status, the monitor on a terminal
//!  ├─ commands            the commands without a screen, the doctor, the simulator
//!  ├─ terminal            owns the tty: guard, frame writer, event loop
//!  ├─ ui                  App → frame
//!  ├─ monitor             client and decoder joined by their queues
//!  ├─ config, cli         what the user asked for
//!  └─ app                 the state machine; no I/O
//! stage, console, logging what all commands share
//! cortex, signal, sim     the crates cortop-client, cortop-signal, cortop-sim
//! ```

#![expect(clippy::expect_used, reason = "a test fails aloud")]

use std::{collections::BTreeSet, fs, path::Path};

/// Each room and those it may know.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["cli", "run"]),
    (
        "run",
        &[
            "app", "cli", "commands", "config", "console", "cortex", "logging", "monitor",
            "signal", "sim", "terminal", "ui",
        ],
    ),
    (
        "commands",
        &[
            "stage", "cli", "config", "console", "cortex", "logging", "monitor", "signal", "sim",
            "terminal", "ui",
        ],
    ),
    ("terminal", &["app", "cortex", "monitor", "signal", "ui"]),
    ("ui", &["app", "cortex", "signal"]),
    ("monitor", &["cortex", "signal"]),
    ("config", &["app", "cli", "cortex", "terminal"]),
    ("cli", &["stage", "cortex", "sim"]),
    ("app", &["cortex", "signal"]),
    ("logging", &["app"]),
    ("stage", &["cortex"]),
    ("console", &[]),
];

/// The first segments of all paths of a text that begin with `crate::`, those in braces too.
fn rooms_of_paths(text: &str) -> BTreeSet<String> {
    let ident = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(ident(rest));
            continue;
        };
        let (mut depth, mut starts) = (0, true);
        for (at, char) in list.char_indices() {
            if starts && depth == 0 {
                found.insert(ident(&list[at..]));
                starts = false;
            }
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
        }
    }
}

/// A text without its comments, whose links may point anywhere.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn no_room_knows_one_that_is_not_below_it() {
    let mut sources = Vec::new();
    files(Path::new("src"), &mut sources);
    let mut wrong = Vec::new();
    for (file, text) in &sources {
        let room = file.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
        if room == "lib" {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{file}: a room that the picture does not show"));
            continue;
        };
        let is_room = |name: &String| {
            ROOMS.iter().any(|(room, _)| room == name)
                || ["cortex", "signal", "sim"].contains(&name.as_str())
        };
        let knows = rooms_of_paths(&code(text));
        for other in knows.iter().filter(|name| is_room(name) && *name != room) {
            if !allowed.contains(&other.as_str()) {
                wrong.push(format!("{file} knows {other}"));
            }
        }
    }
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_in_braces_are_found() {
    let text = "use crate::{a::{b, c}, d, self as e}; crate::f::g(); use crate::h;";
    let found: Vec<_> = rooms_of_paths(text).into_iter().collect();
    assert_eq!(found, ["a", "d", "f", "h", "self"]);
}

/// The crates' own manifests hold their arrows: this one only says which they are.
#[test]
fn crates_know_those_below_them_only() {
    for (name, allowed) in [
        ("cortop-protocol", &[][..]),
        ("cortop-client", &["cortop-protocol"][..]),
        ("cortop-signal", &["cortop-protocol"][..]),
        ("cortop-sim", &["cortop-protocol", "cortop-signal"][..]),
    ] {
        let manifest = fs::read_to_string(format!("crates/{name}/Cargo.toml")).expect(name);
        let own = manifest.split("[dependencies]").nth(1).expect("dependencies");
        let own = own.split("\n[").next().unwrap_or_default();
        for line in own.lines().filter(|line| line.starts_with("cortop-")) {
            let other = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(allowed.contains(&other), "{name} knows {other}");
        }
    }
}
