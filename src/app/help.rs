//! The state of the help overlay: its filter and its page.

use super::{App, Binding, Effect, Key, action::Action, dialog::TextInput, section_name};

/// The open help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelpPane {
    /// The filter.
    pub(crate) filter: TextInput,
    /// The page number, which may exceed the last page: drawing takes it modulo the number of pages.
    pub(crate) page: usize,
}

impl HelpPane {
    /// Whether a row of the table matches the filter: exactly by its key, or by words of its help, name or
    /// section.
    #[must_use]
    pub fn finds(&self, binding: &Binding, keys: &[Key]) -> bool {
        let text = format!("{} {} {}", section_name(binding.pane), binding.name, binding.help);
        let spelled: Vec<_> = keys.iter().map(ToString::to_string).collect();
        self.matches(&text, |word| spelled.iter().any(|key| key == word))
    }

    /// Whether a text contains all words of the filter; `is_front` recognizes what precedes the text.
    #[must_use]
    pub fn matches(&self, text: &str, is_front: impl Fn(&str) -> bool) -> bool {
        let text = text.to_lowercase();
        let mut words = self.filter.text().split_whitespace();
        words.all(|word| is_front(word) || text.contains(&word.to_lowercase()))
    }
}

impl App {
    /// Handles a key while the help is open: text narrows it, except for the keys that close it; `q` closes
    /// it while the filter is empty.
    pub(super) fn on_help_key(&mut self, key: Key, action: Option<Action>) -> Vec<Effect> {
        let Some(help) = &mut self.help else { return Vec::new() };
        let is_empty = help.filter.text().is_empty();
        match (key, action) {
            (Key::DOWN | Key::PAGE_DOWN, _) => help.page += 1,
            (Key::UP | Key::PAGE_UP, _) => help.page = help.page.saturating_sub(1),
            (Key::SPACE, _) if is_empty => help.page += 1,
            (Key::ESC, _) | (_, Some(Action::Help)) => self.help = None,
            (_, Some(Action::Quit)) if is_empty || key.typed().is_none() => self.help = None,
            (_, Some(action @ (Action::Redraw | Action::Suspend))) if key.typed().is_none() => {
                return self.apply(action);
            }
            _ => {
                if help.filter.on_key(key) {
                    help.page = 0;
                }
            }
        }
        Vec::new()
    }
}
