//! A question that is answered with a key.

use super::{DialogAction, DialogEvent};
use crate::app::Key;
use cortop_client::{HeadsetId, SessionId};

/// A question, and what a yes does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub(in crate::app) question: Question,
    /// The same in a few words.
    pub(in crate::app) title: &'static str,
    /// What will happen, a sentence each.
    pub(in crate::app) lines: Vec<String>,
    /// What `y` does, in a word or two.
    pub(in crate::app) yes: &'static str,
    /// What follows on a yes.
    pub(in crate::app) then: DialogAction,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Quit, though that ends a record?
    Quit,
    /// Stop the record of a session?
    StopRecord(SessionId),
    /// Stop the recording to files?
    StopFiles,
    /// Start a record in another program's session?
    Record(SessionId),
    /// Close a session, or leave another program's?
    CloseSession(SessionId),
    /// Open sessions on these headsets, which may debit the licence?
    OpenHeadsets(Vec<HeadsetId>),
    /// Activate a session, which debits the licence?
    Activate(SessionId),
    /// Disconnect a headset, though its session ends?
    Disconnect(HeadsetId),
    /// Scan, though streams run?
    Scan,
}

impl Confirm {
    /// What is asked, in a few words.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// What will happen, a sentence each.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What `y` does, in a word or two.
    pub(crate) fn yes(&self) -> &'static str {
        self.yes
    }

    /// Enter answers nothing: it comes too easily after the key that asked.
    pub(super) fn on_key(&self, key: Key) -> DialogEvent {
        match key.typed() {
            Some('y') => DialogEvent::Chosen(self.then.clone()),
            Some('n' | 'q') => DialogEvent::Closed,
            _ => DialogEvent::Open,
        }
    }
}
