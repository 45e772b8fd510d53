//! What is asked of the user over the panes. One dialog at a time has all keys until it is closed:
//! a question, a form, or a list to select from. Knows what keys do to it, but not what
//! follows from an answer.

mod confirm;
mod form;
mod ranking;
mod select;
#[cfg(test)]
mod tests;
mod text_input;

pub use self::{
    confirm::{Confirm, Question},
    form::{FieldValue, Form, FormField, FormKind},
    ranking::{Rank, rank},
    select::{Menu, MenuItem, Select},
    text_input::TextInput,
};
use super::{Action, Effect, Key};
use cortop_client::{HeadsetId, SessionId};

/// It gets all keys while it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// A question before something that cannot be taken back, or that costs.
    Confirm(Confirm),
    /// Values to be filled in.
    Form(Form),
    /// One of many.
    Select(Select),
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogAction {
    /// The same as a key.
    Action(Action),
    /// Things to be done.
    Effects(Vec<Effect>),
    /// Look at this session.
    Show(SessionId),
    /// Show only lines of the log with this text.
    FilterLog(String),
    /// The theme at this place.
    Theme(usize),
    /// Open a session on each of these headsets.
    OpenHeadsets(Vec<HeadsetId>),
    /// Another dialog.
    Open(Box<Dialog>),
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DialogEvent {
    /// It stays open.
    Open,
    /// It is closed without an answer.
    Closed,
    /// A form is filled in, and to be checked.
    Submitted,
    /// It is answered, and closed.
    Chosen(DialogAction),
    /// It is answered, and stays open.
    ChosenOpen(DialogAction),
}

impl Dialog {
    /// Takes a key in. `items` are those of the list, for a [`Select`].
    pub(super) fn on_key(&mut self, key: Key, items: &[MenuItem]) -> DialogEvent {
        if key == Key::ESC || key == Key::ctrl('c') {
            return DialogEvent::Closed;
        }
        match self {
            Self::Confirm(confirm) => confirm.on_key(key),
            Self::Form(form) => form.on_key(key),
            Self::Select(select) => select.on_key(key, items),
        }
    }

    /// Text that was pasted.
    pub(super) fn paste(&mut self, text: &str) {
        let line = match self {
            Self::Confirm(_) => None,
            Self::Form(form) => form.line(),
            Self::Select(select) => select.filter.as_mut(),
        };
        if let Some(line) = line {
            line.paste(text);
        }
    }
}
