//! The rooms of the program and who may know whom. Each room knows only rooms below it:
//!
//! ```text
//! main       the process                                        cli run
//! run        from the command line to the exit status           app cli commands config console exchange logging monitor screen station terminal ui client signal sim playback
//! commands   watch, record, lsl, lists …: without a screen      cli config console exchange lab logging monitor proxy screen stage terminal traffic ui client files lsl protocol signal sim capture metrics station mqtt
//! screen     looks, and the terminal taken over                 config terminal ui
//! config     the settings in force                              app cli terminal ui client mqtt
//! terminal   owns the tty: guard, frame writer, event loop      app exchange lab monitor station traffic ui client files mqtt signal sim playback
//! ui         App → frame; a pane or a view a file; themes       app lab traffic client files mqtt signal sim playback
//! monitor    client and decoder joined by their queues          console exchange metrics station client files signal capture playback
//! station    what is known, over MQTT                           app exchange known client mqtt signal
//! proxy      between a client and a real service, looking on    client protocol sim files
//! logging    the log, for its pane and for a file               app
//! traffic    the state of the screen of simulator and proxy     app sim
//! lab        the state of the screen of many stations           app client mqtt
//! cli        the command line                                   stage client files sim
//! app        the state machine: update(Message) → effects       exchange client files signal playback
//! stage      the stages before the samples, and exit statuses   client
//! exchange   streams out by LSL, markers in from others         client lsl signal
//! playback   a capture in place of client and decoder           client files signal
//! capture    what crosses the socket, into a file               client files
//! metrics    what is known, for Prometheus                      known client signal
//! known      what the client has said, kept                 client
//! console    stdout, stderr, signals                            protocol
//! sim        a simulated Cortex service                         files signal protocol
//! files      readers and writers of the field's files           signal protocol
//! client     the Cortex API: socket, sign-in, sessions          protocol
//! signal     samples → numbers, history, loss, filters          protocol
//! mqtt       MQTT 5: topics, payloads, the broker           protocol
//! protocol   envelope, codes, objects, samples; no I/O
//! lsl        Lab Streaming Layer: outlets, inlets, queries
//! ```
//!
//! The last seven are the crates `cortop-NAME`. Within a crate no files import each other in a ring, a
//! module and its own submodules aside. `docs/ARCHITECTURE.md` and `src/lib.rs` show the same picture.

#![expect(clippy::expect_used, reason = "a test fails aloud")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter,
    path::Path,
};

use cortop_client::{Method, code::ErrorCode};
use strum::VariantArray as _;

const CRATES: [&str; 7] = ["client", "files", "lsl", "mqtt", "protocol", "signal", "sim"];

/// The picture above: each room and those it may use, in order.
fn picture() -> Vec<(String, BTreeSet<String>)> {
    block(include_str!("architecture.rs"), "//! ")
        .lines()
        .map(|line| {
            let mut columns = line.split("  ").map(str::trim).filter(|text| !text.is_empty());
            let name = columns.next().expect("a name").to_owned();
            let knows = columns.nth(1).unwrap_or_default();
            (name, knows.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

/// The first fenced block in a text whose lines have a prefix.
fn block(text: &str, prefix: &str) -> String {
    text.lines()
        .map(|line| line.strip_prefix(prefix).unwrap_or(line))
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```")
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn the_books_show_the_same_picture() {
    let picture = block(include_str!("architecture.rs"), "//! ");
    assert_eq!(block(include_str!("../docs/ARCHITECTURE.md"), ""), picture);
    assert_eq!(block(include_str!("../src/lib.rs"), "//! "), picture);
}

#[test]
fn every_room_knows_only_rooms_below_it() {
    let picture = picture();
    for (at, (room, knows)) in picture.iter().enumerate() {
        for other in knows {
            let below = picture[at + 1..].iter().any(|(name, _)| name == other);
            assert!(below, "the picture lets {room} know {other}, which is not below it");
        }
    }
    let picture: BTreeMap<_, _> = picture.into_iter().collect();
    let mut wrong = Vec::new();
    let program = Crate::read("src");
    assert!(program.modules.len() > 100, "only {} files were found", program.modules.len());
    for (file, code) in &program.modules {
        let room = file.split("::").next().unwrap_or_default();
        if room.is_empty() {
            continue;
        }
        let Some(allowed) = picture.get(room) else {
            wrong.push(format!("{file}: the picture shows no room {room}"));
            continue;
        };
        let others = program.imports(file).into_iter();
        let others = others.map(|other| other.split("::").next().unwrap_or_default().to_owned());
        let crates =
            CRATES.iter().filter(|name| tokens(code).contains(&format!("cortop_{name}").as_str()));
        for other in others.chain(crates.map(|name| (*name).to_owned())) {
            if !other.is_empty() && other != room && !allowed.contains(&other) {
                wrong.push(format!("{file} knows {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The compiler enforces the dependencies between crates; this checks the manifests.
#[test]
fn crates_know_those_below_them_only() {
    for (name, allowed) in picture().into_iter().filter(|(name, _)| CRATES.contains(&&**name)) {
        let manifest = fs::read_to_string(format!("crates/cortop-{name}/Cargo.toml")).expect("it");
        let own = manifest.split("[dependencies]").nth(1).expect("dependencies");
        let own = own.split("\n[").next().unwrap_or_default();
        for line in own.lines().filter_map(|line| line.strip_prefix("cortop-")) {
            let other = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(allowed.contains(other), "cortop-{name} knows cortop-{other}");
        }
    }
}

#[test]
fn no_files_import_each_other() {
    let mut wrong = Vec::new();
    let crates = CRATES.map(|name| (format!("cortop-{name}"), format!("crates/cortop-{name}/src")));
    for (name, folder) in iter::once(("cortop".to_owned(), "src".to_owned())).chain(crates) {
        let rings = Crate::read(&folder).rings();
        wrong.extend(rings.iter().map(|ring| format!("{name}: {}", ring.join(" "))));
    }
    assert!(wrong.is_empty(), "these files import each other:\n{}", wrong.join("\n"));
}

/// Methods and codes are constants in two tables, which alone spell them out; a text for the user may name
/// one.
#[test]
fn methods_and_codes_are_spelt_in_their_tables_only() {
    const TABLES: [&str; 2] =
        ["crates/cortop-protocol/src/method.rs", "crates/cortop-protocol/src/code.rs"];
    let mut wrong = Vec::new();
    // A one-word name, such as "subscribe", may also be a word of the program's own.
    let is_method = |text: &str| {
        let mut methods = Method::VARIANTS.iter().map(|method| method.name());
        text.contains(char::is_uppercase) && methods.any(|name| name == text)
    };
    let folders = CRATES.map(|name| format!("crates/cortop-{name}/src"));
    for folder in iter::once("src".to_owned()).chain(folders) {
        let mut files = Vec::new();
        sources(Path::new(&folder), &mut files);
        for file in files.iter().filter(|file| !TABLES.contains(&file.as_str())) {
            let text = fs::read_to_string(file).expect("text");
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                let mut texts = line.split('"').skip(1).step_by(2);
                let names_method = texts.any(is_method);
                let outside = line.split('"').step_by(2).collect::<String>();
                let has_code = ErrorCode::all().any(|row| outside.contains(&row.code.to_string()));
                if names_method || has_code {
                    wrong.push(format!("{file}: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_of_a_type_stands_for_one_thing() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    for name in CRATES {
        sources(Path::new(&format!("crates/cortop-{name}/src")), &mut files);
    }
    // The files that define each type name: one file may define it for several systems.
    let mut types: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source file");
        for name in text.lines().filter_map(type_name) {
            types.entry(name.to_owned()).or_default().insert(file);
        }
    }
    assert!(types.len() > 500, "{} types", types.len());
    let doubled: Vec<_> = types.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:#?}");
}

/// The type that a line of a module defines.
fn type_name(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub(") {
        Some(scope) => scope.split_once(") ")?.1,
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    let (kind, rest) = line.split_once(' ')?;
    let is_type = ["enum", "struct", "trait", "type", "union"].contains(&kind);
    is_type.then(|| rest.split(|c: char| !c.is_alphanumeric()).next()).flatten()
}

/// The source files below a folder, except tests.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path.display().to_string());
        }
    }
}

/// The modules of a crate by path, such as `ui::streams`, with their code without comments, strings and unit
/// tests.
struct Crate {
    modules: BTreeMap<String, String>,
}

impl Crate {
    fn read(folder: &str) -> Self {
        let mut modules = BTreeMap::new();
        collect(Path::new(folder), Path::new(folder), &mut modules);
        Self { modules }
    }

    /// The modules that a module names, except its ancestors and descendants.
    fn imports(&self, module: &str) -> BTreeSet<String> {
        let code = tokens(&self.modules[module]);
        paths(&code)
            .into_iter()
            .filter_map(|path| self.module_of(module, &path))
            .filter(|other| !is_part(other, module) && !is_part(module, other))
            .collect()
    }

    /// The module that defines what a path names; follows re-exports.
    fn module_of(&self, from: &str, path: &[&str]) -> Option<String> {
        let mut full: Vec<&str> = from.split("::").filter(|name| !name.is_empty()).collect();
        let mut rest = path;
        match rest.split_first()? {
            (&"crate", tail) => {
                full.clear();
                rest = tail;
            }
            (&"self", tail) => rest = tail,
            (&"super", _) => {}
            // A submodule, as in `pub use writer::Writer`.
            (first, _) => {
                full.push(first);
                let is_module = self.modules.contains_key(&full.join("::"));
                full.pop();
                if !is_module {
                    return None;
                }
            }
        }
        while let Some((&"super", tail)) = rest.split_first() {
            full.pop();
            rest = tail;
        }
        let own = full.len();
        full.extend(rest);
        let known = (own..=full.len())
            .rev()
            .chain((0..own).rev())
            .find(|&end| self.modules.contains_key(&full[..end].join("::")))?;
        let module = full[..known].join("::");
        let Some(name) = full.get(known).filter(|_| module != from) else { return Some(module) };
        self.reexport(&module, name).or(Some(module))
    }

    /// The module that a re-exported name comes from.
    fn reexport(&self, module: &str, name: &str) -> Option<String> {
        let code = tokens(&self.modules[module]);
        let public = |at: usize| {
            code[at] == "use" && (code[at - 1] == "pub" || (code[at - 1] == ")" && at > 3))
        };
        let exported = (1..code.len()).filter(|&at| public(at)).flat_map(|at| {
            let mut found = Vec::new();
            tree(&code, at + 1, &[], &mut found);
            found
        });
        let exported: Vec<Vec<&str>> =
            exported.filter(|path| path.len() > 1 && path.last() == Some(&name)).collect();
        exported.iter().find_map(|path| self.module_of(module, path))
    }

    /// Each set of modules that reach each other.
    fn rings(&self) -> Vec<Vec<String>> {
        let imports: BTreeMap<_, _> =
            self.modules.keys().map(|module| (module.clone(), self.imports(module))).collect();
        let reached = |module: &String| {
            let (mut reached, mut next) = (BTreeSet::new(), vec![module.clone()]);
            while let Some(module) = next.pop() {
                next.extend(
                    imports[&module].iter().filter(|own| reached.insert((*own).clone())).cloned(),
                );
            }
            reached
        };
        let reached: BTreeMap<_, _> =
            imports.keys().map(|module| (module.clone(), reached(module))).collect();
        let mut rings: Vec<Vec<String>> = Vec::new();
        for (module, others) in &reached {
            if others.contains(module) && !rings.iter().any(|ring| ring.contains(module)) {
                let ring = others.iter().filter(|other| reached[*other].contains(module));
                rings.push(ring.cloned().collect());
            }
        }
        rings
    }
}

/// Whether a module is another one or a part of it.
fn is_part(module: &str, of: &str) -> bool {
    of.is_empty()
        || module == of
        || module.strip_prefix(of).is_some_and(|rest| rest.starts_with("::"))
}

fn collect(root: &Path, folder: &Path, modules: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, modules);
            continue;
        }
        let Some(name) = path.strip_prefix(root).expect("below").to_str() else { continue };
        let Some(name) = name.strip_suffix(".rs") else { continue };
        let names = name.split('/').filter(|name| !["lib", "mod"].contains(name));
        let module = names.collect::<Vec<_>>().join("::");
        let is_test = module.split("::").any(|name| name == "tests");
        if !is_test {
            let text = fs::read_to_string(&path).expect("text");
            modules.insert(module, code(&text));
        }
    }
}

/// A text without its comments, string literals, and unit tests, which come last.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let line = |line: &str| {
        let mut kept = String::new();
        let mut in_text = false;
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\\' if in_text => drop(chars.next()),
                '"' => in_text = !in_text,
                '/' if !in_text && chars.peek() == Some(&'/') => break,
                _ if in_text => {}
                _ => kept.push(char),
            }
        }
        kept
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The names in code, `::`, and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |char: char| char.is_alphanumeric() || char == '_';
        let end = if is_name(first) {
            rest.find(|char| !is_name(char)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// All paths that begin with `crate`, `super` or `self`, including those in braces.
fn paths<'a>(code: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for (at, pair) in code.windows(2).enumerate() {
        let starts = ["crate", "super", "self"].contains(&pair[0]) && pair[1] == "::";
        if starts && (at == 0 || code[at - 1] != "::") {
            tree(code, at, &[], &mut found);
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::d as e, f::*}` at a position; returns the position after it.
fn tree<'a>(
    code: &[&'a str],
    mut at: usize,
    before: &[&'a str],
    found: &mut Vec<Vec<&'a str>>,
) -> usize {
    let mut path = before.to_vec();
    loop {
        match code.get(at) {
            Some(&"{") => {
                at += 1;
                while code.get(at).is_some_and(|token| *token != "}") {
                    at = tree(code, at, &path, found);
                    while code.get(at).is_some_and(|token| !["}", ","].contains(token)) {
                        at += 1;
                    }
                    at += usize::from(code.get(at) == Some(&","));
                }
                return at + 1;
            }
            // `self` in braces stands for the path before them.
            Some(&"self") if !path.is_empty() => {}
            Some(name) => path.push(name),
            None => return at,
        }
        at += 1;
        if code.get(at) != Some(&"::") {
            found.push(path);
            return at;
        }
        at += 1;
    }
}

#[test]
fn paths_and_rings_are_found() {
    let all = |text: &str| {
        let code = code(text);
        let tokens = tokens(&code);
        paths(&tokens).iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(
        all(
            "use crate::{a::{self, b as c, d::*}, e}; fn f() { super::g::h() } // crate::no\n\"crate::no\""
        ),
        ["crate::a", "crate::a::b", "crate::a::d::*", "crate::e", "super::g::h"]
    );
    let of = |modules: &[(&str, &str)]| {
        let modules = modules.iter().map(|(name, code)| ((*name).to_owned(), (*code).to_owned()));
        Crate { modules: modules.collect() }.rings()
    };
    let ring = of(&[
        ("", "pub mod a; mod b;"),
        ("a", "pub(crate) use c::Thing; mod c;"),
        ("a::c", "use crate::b::f;"),
        ("b", "use crate::a::Thing; use crate::d;"),
        ("d", "use super::a::c;"),
    ]);
    assert_eq!(ring, [["a::c", "b", "d"]]);
    let parent = of(&[("", ""), ("a", "use self::b::f;"), ("a::b", "use super::g;")]);
    assert_eq!(parent, Vec::<Vec<String>>::new());
}
