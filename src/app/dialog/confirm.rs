//! A question that is answered with one key.

use super::{DialogAction, DialogEvent};
use crate::app::Key;
use cortop_client::{HeadsetId, SessionId};

/// A question, and what `y` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub(in crate::app) question: Question,
    /// The title, a few words.
    pub(in crate::app) title: &'static str,
    /// The consequences, one sentence each.
    pub(in crate::app) lines: Vec<String>,
    /// What `y` does, in a word or two.
    pub(in crate::app) yes: &'static str,
    /// The action on `y`.
    pub(in crate::app) then: DialogAction,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Quit, although that ends a record?
    Quit,
    /// Stop the record of a session?
    StopRecord(SessionId),
    /// Stop the recording to files?
    StopFiles,
    /// Start a record in another program's session?
    Record(SessionId),
    /// Close a session, or leave it if it is another program's?
    CloseSession(SessionId),
    /// Open sessions on these headsets, which may debit the licence?
    OpenHeadsets(Vec<HeadsetId>),
    /// Activate a session, which debits the licence?
    Activate(SessionId),
    /// Disconnect a headset, although that ends its session?
    Disconnect(HeadsetId),
    /// Scan, although streams are running?
    Scan,
}

impl Confirm {
    /// The title, a few words.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// The consequences, one sentence each.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What `y` does, in a word or two.
    pub(crate) fn yes(&self) -> &'static str {
        self.yes
    }

    /// Enter is not an answer: it is too easily pressed right after the key that asked.
    pub(super) fn on_key(&self, key: Key) -> DialogEvent {
        match key.typed() {
            Some('y') => DialogEvent::Chosen(self.then.clone()),
            Some('n' | 'q') => DialogEvent::Closed,
            _ => DialogEvent::Open,
        }
    }
}
