//! Dialogs over the panes: a question, a form, or a list to select from. Only one is open at a time, and it
//! gets all keys until it closes. A dialog knows what keys do to it, but not what an answer leads to.

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

/// A dialog. It gets all keys while it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// A question before something that cannot be undone or that costs something.
    Confirm(Confirm),
    /// Values to fill in.
    Form(Form),
    /// A list to select from.
    Select(Select),
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogAction {
    /// Perform an action, as its key does.
    Action(Action),
    /// Return these effects.
    Effects(Vec<Effect>),
    /// Show this session.
    Show(SessionId),
    /// Show only log lines that contain this text.
    FilterLog(String),
    /// Switch to the theme at this index.
    Theme(usize),
    /// Open a session on each of these headsets.
    OpenHeadsets(Vec<HeadsetId>),
    /// Open another dialog.
    Open(Box<Dialog>),
}

/// The result of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DialogEvent {
    /// The dialog stays open.
    Open,
    /// It closes without an answer.
    Closed,
    /// A form was submitted and has to be validated.
    Submitted,
    /// It was answered and closes.
    Chosen(DialogAction),
    /// It was answered and stays open.
    ChosenOpen(DialogAction),
}

impl Dialog {
    /// Handles a key. `items` are those of the list, for a [`Select`].
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

    /// Inserts pasted text.
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
