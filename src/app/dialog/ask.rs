//! A question that is answered with a key.

use super::{Answer, Choice};
use crate::app::{Effect, Key};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is about, in a few words.
    pub title: String,
    /// What will happen, a sentence each.
    pub lines: Vec<String>,
    /// What `y` does, in a word or two.
    pub yes: &'static str,
    /// What follows on a yes.
    pub then: Choice,
}

impl Ask {
    /// A question before some effects.
    #[must_use]
    pub fn new(title: &str, lines: Vec<String>, yes: &'static str, then: Vec<Effect>) -> Self {
        let (title, then) = (title.to_owned(), Choice::Effects(then));
        Self { title, lines, yes, then }
    }

    /// Enter answers nothing: it comes too easily after the key that asked.
    pub(super) fn key(&self, key: Key) -> Answer {
        match key.typed() {
            Some('y') => Answer::Chosen(self.then.clone()),
            Some('n' | 'q') => Answer::Closed,
            _ => Answer::Stays,
        }
    }
}
