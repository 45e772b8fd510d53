//! What there is to pick from, made from the state at the moment it is asked for.

use super::{
    Action, App, Effect, TABLE,
    action::Scope,
    dialog::{Choice, Item, List},
};
use crate::cortex::Command;

impl App {
    /// The items of a list.
    #[must_use]
    pub fn items(&self, list: &List) -> Vec<Item> {
        match list {
            List::Commands => self.commands(),
        }
    }

    fn commands(&self) -> Vec<Item> {
        let actions = TABLE.iter().filter(|row| row.action != Action::Commands).map(|row| {
            let scope = match row.scope {
                Scope::Global => String::new(),
                scope => format!("{}.", scope.name()),
            };
            let keys = self.settings.keymap.keys(row.action);
            let keys: String = keys.first().map(|key| format!("{key} · ")).unwrap_or_default();
            Item {
                text: scope + row.name,
                note: keys + row.help,
                on: None,
                choice: Choice::Action(row.action),
            }
        });
        let headsets = self.headsets.list.iter().map(|headset| Item {
            text: format!("open {}", headset.id),
            note: headset.custom_name.clone(),
            on: None,
            choice: Choice::Effects(vec![Effect::Command(Command::Open(headset.id.clone()))]),
        });
        actions.chain(headsets).collect()
    }
}
