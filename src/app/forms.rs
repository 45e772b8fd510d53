//! What forms are for: which entries each has, and what comes of them.

use super::dialog::{Choice, Entry};

/// What a form is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {}

impl Purpose {
    /// What comes of the entries.
    ///
    /// # Errors
    /// The place of the entry that cannot be so, and a sentence with what it can be.
    pub(super) fn answer(&self, _entries: &[Entry]) -> Result<Choice, (usize, String)> {
        match *self {}
    }
}
