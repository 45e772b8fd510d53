//! The keys in force: those of the table, unless the config rebinds them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use super::{
    action::{Action, Binding, TABLE, section_name, sections},
    key::Key,
    pane::Pane,
    stream_view::StreamView,
};
use cortop_client::nearest_name::suggest_or;

/// Former names of actions, which config files may still use, with the current ones.
const FORMER_NAMES: [(&str, &str); 1] = [("streams.way", "streams.glyphs")];

/// The keys in force, and the views that some of them select.
#[derive(Clone, Debug)]
pub struct Keymap {
    views: Vec<&'static StreamView>,
    /// In the order of the help.
    rows: Vec<(Binding, Vec<Key>)>,
}

/// A binding that is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingError {
    /// The name of the action in the config: `pane.name`.
    pub name: String,
    /// The problem and the next step.
    pub why: String,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(vec![&StreamView::ALL])
    }
}

impl Keymap {
    /// The keys of the table and of these views; the first view is the initial one.
    #[must_use]
    pub fn new(views: Vec<&'static StreamView>) -> Self {
        // The views follow the keys that step through them.
        let through = TABLE.iter().position(|row| row.action == Action::PreviousView);
        let (before, after) = TABLE.split_at(through.map_or(TABLE.len(), |at| at + 1));
        let own = views.iter().enumerate().map(|(place, view)| view.binding(place));
        let rows = before.iter().copied().chain(own).chain(after.iter().copied());
        let rows = rows.map(|binding| (binding, binding.keys.to_vec())).collect();
        Self { views, rows }
    }

    /// The same with some actions bound to other keys: `pane.name` → keys, as in the config's `[keys]`. An
    /// empty list unbinds the action.
    ///
    /// # Errors
    /// One sentence for each unknown action, each invalid key, each key with two meanings in one pane, and if
    /// no key would quit.
    pub fn rebind(
        mut self,
        overrides: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, Vec<BindingError>> {
        let mut errors = Vec::new();
        for (spelled, keys) in overrides {
            let former = FORMER_NAMES.into_iter().find(|(former, _)| former == spelled);
            let name = former.map_or(spelled.as_str(), |(_, name)| name);
            let Some((_, own)) = self
                .rows
                .iter_mut()
                .find(|(row, _)| name.split_once('.') == Some((section_name(row.pane), row.name)))
            else {
                let names = self
                    .rows
                    .iter()
                    .map(|(row, _)| format!("{}.{}", section_name(row.pane), row.name));
                let names: Vec<_> = names.collect();
                let next = suggest_or(names.iter().map(String::as_str), name, || {
                    "`cortop print config` lists them".to_owned()
                });
                errors.push(BindingError {
                    name: spelled.clone(),
                    why: format!("there is no action \"{name}\"; {next}"),
                });
                continue;
            };
            *own = keys
                .iter()
                .filter_map(|key| {
                    let refused = |error| BindingError {
                        name: spelled.clone(),
                        why: format!("{name}: {error}"),
                    };
                    key.parse().map_err(|error| errors.push(refused(error))).ok()
                })
                .collect();
        }
        errors.extend(self.clashes().into_iter().map(|(names, why)| {
            // The spelling that the file uses.
            let named = names.iter().find(|name| overrides.contains_key(*name));
            BindingError { name: named.unwrap_or(&names[0]).clone(), why }
        }));
        if self.keys(Action::Quit).is_empty() {
            errors.push(BindingError {
                name: "global.quit".to_owned(),
                why: "global.quit needs a key, or nothing could end the program".to_owned(),
            });
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The views in the order in which the keys step through them.
    #[must_use]
    pub fn views(&self) -> &[&'static StreamView] {
        &self.views
    }

    /// All actions with their keys in force, in the order of the help.
    pub fn rows(&self) -> impl Iterator<Item = (&Binding, &[Key])> {
        self.rows.iter().map(|(binding, keys)| (binding, &keys[..]))
    }

    /// The keys in force, as a Markdown table.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut table = String::from("| where | keys | what |\n| --- | --- | --- |\n");
        for pane in sections() {
            for (binding, keys) in
                self.rows().filter(|(row, keys)| row.pane == pane && !keys.is_empty())
            {
                let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
                let (place, keys) = (section_name(pane), keys.join(" "));
                // Writing to a String cannot fail.
                let _ = writeln!(table, "| {place} | {keys} | {} |", binding.help);
            }
        }
        table
    }

    /// The row of an action.
    fn row(&self, action: Action) -> Option<&(Binding, Vec<Key>)> {
        self.rows.iter().find(|(binding, _)| binding.action == action)
    }

    /// The table's row of an action; `None` for a view that does not exist.
    #[must_use]
    pub fn binding(&self, action: Action) -> Option<&Binding> {
        self.row(action).map(|(binding, _)| binding)
    }

    /// The action of a key while a pane has the focus.
    #[must_use]
    pub fn action(&self, pane: Pane, key: Key) -> Option<Action> {
        self.rows()
            .find(|(binding, keys)| {
                binding.pane.is_none_or(|own| own == pane) && keys.contains(&key)
            })
            .map(|(binding, _)| binding.action)
    }

    /// The keys of an action; empty if it was unbound.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.row(action).map_or(&[], |(_, keys)| keys)
    }

    /// The names of the actions that share a key, and how to resolve it.
    fn clashes(&self) -> Vec<(Vec<String>, String)> {
        let mut owners: HashMap<(Pane, Key), Vec<String>> = HashMap::new();
        for (binding, keys) in self.rows() {
            let panes = binding.pane.as_ref().map_or(&Pane::ALL[..], std::slice::from_ref);
            for &pane in panes {
                for &key in keys {
                    let name = format!("{}.{}", section_name(binding.pane), binding.name);
                    owners.entry((pane, key)).or_default().push(name);
                }
            }
        }
        let mut clashes: Vec<_> = owners
            .into_iter()
            .filter(|(_, names)| names.len() > 1)
            .map(|((_, key), names)| {
                let why = format!(
                    "{key} would mean both {}; bind one of them to another key",
                    names.join(" and ")
                );
                (names, why)
            })
            .collect();
        // A clash of two global actions appears in every pane, but counts once.
        clashes.sort();
        clashes.dedup();
        clashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs
            .iter()
            .map(|(name, keys)| {
                ((*name).to_owned(), keys.iter().map(|&key| key.to_owned()).collect())
            })
            .collect()
    }

    #[test]
    fn no_key_of_the_table_means_two_things() {
        assert_eq!(Keymap::default().rebind(&BTreeMap::new()).err(), None);
    }

    #[test]
    fn a_rebound_action_leaves_its_old_key() {
        let keymap = Keymap::default()
            .rebind(&overrides(&[("global.zoom", &["Z", "ctrl-w"])]))
            .expect("valid");
        assert_eq!(keymap.action(Pane::Log, Key::char('z')), None);
        assert_eq!(keymap.action(Pane::Log, Key::ctrl('w')), Some(Action::Zoom));
    }

    #[test]
    fn a_former_name_of_an_action_is_understood() {
        let keymap = Keymap::default().rebind(&overrides(&[("streams.way", &["X"])])).expect("it");
        assert_eq!(keymap.action(Pane::Streams, Key::char('X')), Some(Action::GlyphSet));
    }

    #[test]
    fn a_key_means_what_the_focused_pane_says() {
        let keymap = Keymap::default();
        assert_eq!(keymap.action(Pane::Streams, Key::char('f')), Some(Action::HighPass));
        assert_eq!(keymap.action(Pane::Log, Key::char('f')), Some(Action::LogFocus));
        assert_eq!(keymap.action(Pane::Headsets, Key::char('f')), None);
    }

    #[test]
    fn clashes_and_unknown_names_are_refused_by_name() {
        let errors = Keymap::default()
            .rebind(&overrides(&[
                ("streams.sweep", &["z"]),
                ("streams.swep", &["s"]),
                ("log.focus", &["hyper-f"]),
                ("global.quit", &[]),
            ]))
            .expect_err("four faults");
        let errors: Vec<_> =
            errors.iter().map(|own| (own.name.as_str(), own.why.as_str())).collect();
        let [key, action, clash, quit] = errors.as_slice() else { panic!("{errors:?}") };
        assert!(key.0 == "log.focus" && key.1.contains("hyper-f"), "{key:?}");
        assert!(action.0 == "streams.swep" && action.1.contains("did you mean streams.sweep?"));
        assert!(clash.0 == "streams.sweep" && clash.1.contains("global.zoom"), "{clash:?}");
        assert_eq!(quit.0, "global.quit");
    }
}
