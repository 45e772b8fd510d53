//! A question that is answered with a key.

use super::{DialogAction, DialogEvent};
use crate::app::{Effect, Key};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What it is about, in a few words.
    pub title: String,
    /// What will happen, a sentence each.
    pub lines: Vec<String>,
    /// What `y` does, in a word or two.
    pub yes: &'static str,
    /// What follows on a yes.
    pub then: DialogAction,
}

impl Confirm {
    /// A question before some effects.
    #[must_use]
    pub fn new(title: &str, lines: Vec<String>, yes: &'static str, then: Vec<Effect>) -> Self {
        let (title, then) = (title.to_owned(), DialogAction::Effects(then));
        Self { title, lines, yes, then }
    }

    /// Enter answers nothing: it comes too easily after the key that asked.
    pub(super) fn key(&self, key: Key) -> DialogEvent {
        match key.typed() {
            Some('y') => DialogEvent::Chosen(self.then.clone()),
            Some('n' | 'q') => DialogEvent::Closed,
            _ => DialogEvent::Stays,
        }
    }
}
