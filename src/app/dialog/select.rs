//! A list to select from, filtered by typing. The items are rebuilt from the state whenever they are needed,
//! so that a list that stays open stays current.

use super::{DialogAction, DialogEvent, TextInput, rank};
use crate::app::Key;
use cortop_client::{HeadsetId, RecordId, SessionId};

/// Rows that a page key moves by.
const PAGE: isize = 10;

/// An open list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Which list.
    pub(in crate::app) menu: Menu,
    /// The filter, in lists that are long.
    pub(in crate::app) filter: Option<TextInput>,
    /// The index of the selected item among those that match.
    at: usize,
    /// The id of the selected item, as the list may change around it; `None` if the list has been empty so
    /// far.
    held: Option<String>,
}

/// The lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Every action, and everything that can be done with each headset and session.
    Commands,
    /// The newest records.
    Records,
    /// What can be done with a record.
    Record(RecordId),
    /// The streams of a session.
    Streams(SessionId),
    /// All live sessions of this application.
    Sessions,
    /// What happened to a session.
    History(SessionId),
    /// The stored profiles, to load on a headset.
    Profiles(HeadsetId),
    /// What can be done with a headset.
    Headset(HeadsetId),
    /// The user, and what the licence allows.
    Account,
}

impl Menu {
    /// The title, a few words.
    #[must_use]
    pub fn title(&self) -> String {
        let title = match self {
            Self::Commands => "commands",
            Self::Records => "records, the newest first",
            Self::Record(_) => "record",
            Self::Streams(_) => "streams",
            Self::Sessions => "live sessions of this application",
            Self::History(_) => "history of the session",
            Self::Profiles(headset) => return format!("profiles for {headset}"),
            Self::Headset(headset) => return format!("headset {headset}"),
            Self::Account => "account; Enter copies a value",
        };
        title.to_owned()
    }

    /// The text if nothing matches.
    #[must_use]
    pub fn empty(&self) -> &'static str {
        match self {
            Self::Commands => "no command has such a name",
            Self::Records => "no record",
            Self::Record(_) => "the record is gone",
            Self::Streams(_) => "the session is gone",
            Self::Sessions => "no live session",
            Self::History(_) => "nothing yet",
            Self::Profiles(_) => "no profile yet; EMOTIV apps train them",
            Self::Headset(_) => "the headset is gone",
            Self::Account => "no user yet",
        }
    }
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Identifies the item in its list, however the list changes.
    pub id: String,
    /// Its name, which typing matches.
    pub text: String,
    /// More about it.
    pub note: String,
    /// Whether it is on, for items that can be switched.
    pub on: Option<bool>,
    /// What choosing it leads to.
    pub action: DialogAction,
}

impl MenuItem {
    /// An item that leads to an action.
    #[must_use]
    pub fn new(text: String, note: String, action: DialogAction) -> Self {
        Self { id: text.clone(), text, note, on: None, action }
    }

    /// The same with its own id, for an item whose text may not be unique.
    #[must_use]
    pub(in crate::app) fn known_as(self, id: String) -> Self {
        Self { id, ..self }
    }
}

impl Select {
    /// A list that is filtered by typing.
    #[must_use]
    pub fn filtered(menu: Menu) -> Self {
        Self { menu, filter: Some(TextInput::default()), at: 0, held: None }
    }

    /// A short list without a filter, which stays open.
    #[must_use]
    pub fn plain(menu: Menu) -> Self {
        Self { menu, filter: None, at: 0, held: None }
    }

    /// Which list.
    pub(crate) fn menu(&self) -> &Menu {
        &self.menu
    }

    /// The filter, if the list has one.
    pub(crate) fn filter(&self) -> Option<&TextInput> {
        self.filter.as_ref()
    }

    /// The items that match every typed word, best first.
    #[must_use]
    pub fn matching<'a>(&self, items: &'a [MenuItem]) -> Vec<&'a MenuItem> {
        let typed = self.filter.as_ref().map_or("", TextInput::text);
        let ranked =
            items.iter().filter_map(|item| Some((rank(typed, &item.text, &item.note)?, item)));
        let mut matching: Vec<_> = ranked.collect();
        // The sort is stable: items of equal rank keep their order.
        matching.sort_by_key(|&(rank, _)| rank);
        matching.into_iter().map(|(_, item)| item).collect()
    }

    /// The index of the selected item among those that match; `None` if the item is gone, so that a key never
    /// acts on the one that took its place.
    #[must_use]
    pub fn selected(&self, matching: &[&MenuItem]) -> Option<usize> {
        matching.get(self.at).filter(|item| self.held.as_ref() == Some(&item.id)).map(|_| self.at)
    }

    /// Keeps the selection on its item after the list has changed.
    pub(in crate::app) fn follow(&mut self, items: &[MenuItem]) {
        let matching = self.matching(items);
        match &self.held {
            // Several items have the same id: the selection stays at its index.
            Some(held) if matching.get(self.at).is_some_and(|item| item.id == *held) => {}
            Some(held) => {
                let at = matching.iter().position(|item| item.id == *held);
                self.at = at.unwrap_or(self.at).min(matching.len().saturating_sub(1));
            }
            None => self.select(0, &matching),
        }
    }

    /// Selects the item at an index among those that match; returns whether it was selected already.
    pub(in crate::app) fn click(&mut self, at: usize, items: &[MenuItem]) -> bool {
        self.follow(items);
        let matching = self.matching(items);
        let was_selected = self.selected(&matching) == Some(at);
        if at < matching.len() {
            self.select(at, &matching);
        }
        was_selected
    }

    fn select(&mut self, at: usize, matching: &[&MenuItem]) {
        self.at = at.min(matching.len().saturating_sub(1));
        self.held = matching.get(self.at).map(|item| item.id.clone());
    }

    pub(super) fn on_key(&mut self, key: Key, items: &[MenuItem]) -> DialogEvent {
        self.follow(items);
        let matching = self.matching(items);
        let step = match key {
            Key::UP => -1,
            Key::DOWN => 1,
            Key::PAGE_UP => -PAGE,
            Key::PAGE_DOWN => PAGE,
            _ if key == Key::ctrl('p') => -1,
            _ if key == Key::ctrl('n') => 1,
            _ if self.filter.is_none() && key == Key::char('k') => -1,
            _ if self.filter.is_none() && key == Key::char('j') => 1,
            _ => 0,
        };
        if step != 0 {
            self.select(self.at.saturating_add_signed(step), &matching);
            return DialogEvent::Open;
        }
        let chosen = self.selected(&matching).and_then(|at| matching.get(at)).copied();
        match &mut self.filter {
            Some(typed) if key == Key::TAB => {
                if let Some(item) = chosen {
                    *typed = completed(typed.text(), &matching, item).as_str().into();
                }
            }
            Some(typed) if key != Key::ENTER => {
                let taken = typed.on_key(key);
                if taken {
                    let matching = self.matching(items);
                    self.select(0, &matching);
                }
            }
            None if key == Key::char('q') => return DialogEvent::Closed,
            filter if key == Key::ENTER || key == Key::SPACE => {
                let Some(item) = chosen else { return DialogEvent::Open };
                // The list stays open so that the user sees the switch change.
                let stays = filter.is_none() && item.on.is_some();
                let choice = item.action.clone();
                return if stays {
                    DialogEvent::ChosenOpen(choice)
                } else {
                    DialogEvent::Chosen(choice)
                };
            }
            _ => {}
        }
        DialogEvent::Open
    }
}

/// Completes what is typed as far as it is unambiguous: to the common prefix of all matching items that begin
/// with it, else to the selected item.
fn completed(typed: &str, matching: &[&MenuItem], selected: &MenuItem) -> String {
    let mut begun = matching.iter().map(|item| &item.text).filter(|text| text.starts_with(typed));
    let common = begun.next().map(|first| {
        begun.fold(first.as_str(), |common, text| {
            let same = common.char_indices().zip(text.chars());
            let end = same.take_while(|((_, a), b)| a == b).last();
            &common[..end.map_or(0, |((at, char), _)| at + char.len_utf8())]
        })
    });
    common.filter(|common| common.len() > typed.len()).unwrap_or(&selected.text).to_owned()
}
