//! The keys in force: the table's, unless the config binds others.

use std::collections::{BTreeMap, HashMap};

use super::{
    action::{Action, Binding, TABLE, section_name},
    key::Key,
    pane::Pane,
};

/// The keys in force.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// By position in [`TABLE`].
    keys: Vec<Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: TABLE.iter().map(|binding| binding.keys.to_vec()).collect() }
    }
}

impl Keymap {
    /// The table with some actions bound anew: `scope.name` → keys, as in the config's `[keys]`.
    /// An empty list unbinds.
    ///
    /// # Errors
    /// One sentence for each unknown action, each text that is no key, each key that would mean
    /// two things in one pane, and for a program that no key ends.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut keymap = Self::default();
        let mut errors = Vec::new();
        for (name, keys) in overrides {
            let Some(row) = TABLE
                .iter()
                .position(|row| name.split_once('.') == Some((section_name(row.pane), row.name)))
            else {
                errors.push(format!(
                    "keys: there is no action \"{name}\"; `cortop print config` lists them"
                ));
                continue;
            };
            keymap.keys[row] = keys
                .iter()
                .filter_map(|key| {
                    key.parse().map_err(|error| errors.push(format!("keys: {name}: {error}"))).ok()
                })
                .collect();
        }
        errors.extend(keymap.clashes());
        if keymap.keys(Action::Quit).is_empty() {
            errors
                .push("keys: global.quit needs a key, or nothing could end the program".to_owned());
        }
        if errors.is_empty() { Ok(keymap) } else { Err(errors) }
    }

    /// What a key does while a pane has the focus.
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
        &self.keys[action as usize]
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Binding, &Vec<Key>)> {
        TABLE.iter().zip(&self.keys)
    }

    fn clashes(&self) -> Vec<String> {
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
        let mut clashes: Vec<String> = owners
            .into_iter()
            .filter(|(_, names)| names.len() > 1)
            .map(|((_, key), names)| {
                format!(
                    "keys: {key} would mean both {}; bind one of them to another key",
                    names.join(" and ")
                )
            })
            .collect();
        // A clash of two global actions shows in every pane; it is one clash.
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
        assert_eq!(Keymap::new(&BTreeMap::new()).err(), None);
    }

    #[test]
    fn the_table_stands_in_the_order_of_the_actions() {
        for (row, binding) in TABLE.iter().enumerate() {
            assert_eq!(binding.action as usize, row);
        }
    }

    #[test]
    fn a_rebound_action_leaves_its_old_key() {
        let keymap = Keymap::new(&overrides(&[("global.zoom", &["Z", "ctrl-w"])])).expect("valid");
        assert_eq!(keymap.action(Pane::Log, Key::char('z')), None);
        assert_eq!(keymap.action(Pane::Log, Key::ctrl('w')), Some(Action::Zoom));
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
        let errors = Keymap::new(&overrides(&[
            ("streams.sweep", &["z"]),
            ("streams.swep", &["s"]),
            ("log.focus", &["hyper-f"]),
            ("global.quit", &[]),
        ]))
        .expect_err("four faults");
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert!(errors[3].contains("global.quit"));
        assert!(errors[0].contains("log.focus") && errors[0].contains("hyper-f"));
        assert!(errors[1].contains("streams.swep"));
        assert!(errors[2].contains("global.zoom") && errors[2].contains("streams.sweep"));
    }
}
