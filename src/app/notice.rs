//! Notices: a sentence that stays for a while, or less if its condition ends; or one that stays until the
//! user has seen it, because nothing else shows what it says.

use std::time::Duration;

use super::App;
use cortop_client::{HeadsetId, Link, Moment, SessionId, Stream, session::SessionStatus};

/// Nobody reads a notice in less than this.
const READ: Duration = Duration::from_secs(1);

/// Maximum number of notices kept until they have been seen.
const UNSEEN: usize = 16;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something may go wrong soon.
    Warning,
    /// Something was refused or failed.
    Problem,
}

impl Severity {
    /// How long a notice stays on the screen.
    pub(super) const fn stays(self) -> Duration {
        match self {
            Self::Info => Duration::from_secs(6),
            Self::Warning | Self::Problem => Duration::from_secs(20),
        }
    }
}

/// A sentence for the user, shown until the next one comes or until it expires.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub(crate) text: String,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// When it was raised.
    pub(crate) at: Moment,
    /// The text put on the clipboard, if the notice is about that.
    pub(super) copied: Option<String>,
    /// The condition it depends on, if any.
    about: Option<Condition>,
}

/// A condition that a notice depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// The connection is in this state.
    Link(Link),
    /// No stream is running.
    NotStreaming,
    /// The service sees no headset.
    NoHeadset,
    /// No headset is selected.
    NoSelection,
    /// The session shown, if there is one, is not live.
    NoSession,
    /// Some of these headsets have no live session.
    NoSessionOn(Vec<HeadsetId>),
    /// The session shown is not activated.
    NotActivated,
    /// This session is being closed.
    Closing(SessionId),
    /// No record is running in the session shown.
    NoRecord,
    /// This stream of a session is refused.
    Refused(SessionId, Stream),
}

impl App {
    /// Notifies the user for a while.
    pub(super) fn notify(&mut self, severity: Severity, text: impl Into<String>) {
        self.notice = Some(self.new_notice(severity, text, None));
    }

    /// The same, but only while a condition holds.
    pub(super) fn notify_while(
        &mut self,
        condition: Condition,
        severity: Severity,
        text: impl Into<String>,
    ) {
        self.notice = Some(self.new_notice(severity, text, Some(condition)));
    }

    /// Notifies the user of a problem until it has been seen.
    pub(super) fn notify_until_seen(&mut self, text: impl Into<String>) {
        if self.unseen.len() == UNSEEN {
            self.unseen.pop_front();
        }
        let notice = self.new_notice(Severity::Problem, text, None);
        self.unseen.push_back(notice);
    }

    fn new_notice(
        &self,
        severity: Severity,
        text: impl Into<String>,
        about: Option<Condition>,
    ) -> Notice {
        Notice { text: text.into(), severity, at: self.now, copied: None, about }
    }

    /// A key was pressed: notices shown for long enough have been seen. Someone who types into a dialog may
    /// not be looking at them.
    pub(super) fn see_notices(&mut self) {
        if self.dialog.is_none() {
            let now = self.now.instant;
            self.unseen.retain(|notice| now.saturating_duration_since(notice.at.instant) < READ);
        }
    }

    /// Withdraws the notice when its condition has ended.
    pub(super) fn withdraw_notice(&mut self) {
        let about = self.notice.as_ref().and_then(|notice| notice.about.as_ref());
        if about.is_some_and(|condition| !self.holds(condition)) {
            self.notice = None;
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        let live = || self.sessions.current().filter(|entry| self.is_live(entry));
        match condition {
            Condition::Link(link) => self.link == *link,
            Condition::NotStreaming => !self.is_streaming(),
            Condition::NoHeadset => self.headsets.list.is_empty(),
            Condition::NoSelection => self.headsets.selected().is_none(),
            Condition::NoSession => live().is_none(),
            Condition::NoSessionOn(ids) => ids.iter().any(|id| self.sessions.on(id).is_none()),
            Condition::NotActivated => {
                live().is_none_or(|entry| entry.session.status != SessionStatus::Activated)
            }
            Condition::Closing(id) => {
                self.sessions.get(id).is_some_and(|entry| entry.closing.is_some())
            }
            Condition::NoRecord => self.running_record().is_none(),
            Condition::Refused(id, stream) => self
                .sessions
                .get(id)
                .is_some_and(|entry| entry.refused.iter().any(|(refused, _)| refused == stream)),
        }
    }
}
