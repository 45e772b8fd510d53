//! What is asked of the user over the panes. One dialog at a time has all keys until it is closed:
//! a question, a form, or a list to pick from. Knows what keys do to it, and not what its answers
//! mean.

mod ask;
mod form;
mod line;
mod pick;
#[cfg(test)]
mod tests;

pub use self::{
    ask::Ask,
    form::{Entry, Form, Value},
    line::TextLine,
    pick::{Item, List, Pick},
};
use super::{Action, Effect, Key, forms::Purpose};
use cortop_client::SessionId;

/// What has all keys while it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// A question before something that cannot be taken back, or that costs.
    Ask(Ask),
    /// Values to be filled in.
    Form(Form),
    /// One of many.
    Pick(Pick),
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
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
    /// Another dialog.
    Open(Box<Dialog>),
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It stays open.
    Stays,
    /// It is closed without an answer.
    Closed,
    /// It is answered, and closed.
    Chosen(Choice),
    /// It is answered, and stays open.
    Kept(Choice),
}

impl Dialog {
    /// Takes a key in. `items` are those of the list, for a [`Pick`].
    pub(super) fn key(&mut self, key: Key, items: &[Item]) -> Answer {
        if key == Key::ESC || key == Key::ctrl('c') {
            return Answer::Closed;
        }
        match self {
            Self::Ask(ask) => ask.key(key),
            Self::Form(form) => form.key(key),
            Self::Pick(pick) => pick.key(key, items),
        }
    }

    /// Text that was pasted.
    pub(super) fn paste(&mut self, text: &str) {
        let line = match self {
            Self::Ask(_) => None,
            Self::Form(form) => form.line(),
            Self::Pick(pick) => pick.filter.as_mut(),
        };
        if let Some(line) = line {
            line.paste(text);
        }
    }
}
