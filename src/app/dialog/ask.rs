//! A question that is answered with a key, or where a slip would cost data, with a word.

use super::{Answer, Choice, TextLine};
use crate::app::{Effect, Key};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is about, in a few words.
    pub title: String,
    /// What will happen, a sentence each.
    pub lines: Vec<String>,
    /// What yes does, in a word or two.
    pub yes: &'static str,
    /// The word to be typed for a yes, and what is typed so far.
    pub word: Option<(String, TextLine)>,
    /// What follows on a yes.
    pub then: Choice,
}

impl Ask {
    /// One that a key answers.
    #[must_use]
    pub fn key_for(title: &str, lines: Vec<String>, yes: &'static str, then: Vec<Effect>) -> Self {
        let (title, then) = (title.to_owned(), Choice::Effects(then));
        Self { title, lines, yes, word: None, then }
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        match &mut self.word {
            Some((word, typed)) if key == Key::ENTER => {
                if typed.text() == word {
                    self.yes()
                } else {
                    Answer::Stays
                }
            }
            Some((_, typed)) => {
                typed.key(key);
                Answer::Stays
            }
            // Not Enter: it comes too easily after the key that asked.
            None if key == Key::char('y') => self.yes(),
            None if key == Key::char('n') || key == Key::char('q') => Answer::Closed,
            None => Answer::Stays,
        }
    }

    fn yes(&self) -> Answer {
        Answer::Chosen(self.then.clone())
    }
}
