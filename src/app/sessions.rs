//! Our sessions, live ones and those that have just ended, with what changed in them when.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use super::Now;
use crate::cortex::{
    HeadsetId, Refusal, Session, SessionId, SessionMode, Stream, session::SessionStatus,
};

/// Ended sessions kept for reading; the oldest goes first.
const ENDED_KEPT: usize = 16;
/// Events of a session that are kept.
const HISTORY: usize = 64;

/// The eleven documented fields of a session object (cortex-api.md §4.2), in the order shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the field of Session with the same name")]
pub enum Field {
    Id,
    Status,
    Owner,
    License,
    AppId,
    Started,
    Stopped,
    Streams,
    RecordIds,
    Recording,
    Headset,
}

impl Field {
    /// All eleven.
    pub const ALL: [Self; 11] = [
        Self::Id,
        Self::Status,
        Self::Owner,
        Self::License,
        Self::AppId,
        Self::Started,
        Self::Stopped,
        Self::Streams,
        Self::RecordIds,
        Self::Recording,
        Self::Headset,
    ];

    /// Cortex's name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Status => "status",
            Self::Owner => "owner",
            Self::License => "license",
            Self::AppId => "appId",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Streams => "streams",
            Self::RecordIds => "recordIds",
            Self::Recording => "recording",
            Self::Headset => "headset",
        }
    }

    fn differs(self, a: &Session, b: &Session) -> bool {
        match self {
            Self::Id => a.id != b.id,
            Self::Status => a.status != b.status,
            Self::Owner => a.owner != b.owner,
            Self::License => a.license != b.license,
            Self::AppId => a.app_id != b.app_id,
            Self::Started => a.started != b.started,
            Self::Stopped => a.stopped != b.stopped,
            Self::Streams => a.streams != b.streams,
            Self::RecordIds => a.record_ids != b.record_ids,
            Self::Recording => a.recording != b.recording,
            Self::Headset => a.headset != b.headset,
        }
    }
}

/// A session of ours and what we know around it.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The object as last told.
    pub session: Session,
    /// In which mode it was opened, and why.
    pub opened: Option<(SessionMode, String)>,
    /// Why it is gone, and since when.
    pub closed: Option<(String, Instant)>,
    /// When each field last changed after it was first seen.
    pub changed: BTreeMap<Field, Instant>,
    /// What happened to it and when, oldest first, bounded.
    pub history: VecDeque<(Now, String)>,
    /// Streams that flow.
    pub subscribed: Vec<Stream>,
    /// Streams that were refused, with reason and next step.
    pub refused: Vec<(Stream, Refusal)>,
}

/// The session pane's state.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// In the order in which they came, ended ones included.
    pub list: Vec<Entry>,
    /// The one shown in the session and streams panes.
    pub current: Option<SessionId>,
    /// The field that keys mean.
    pub field: usize,
    /// Whether the headset's own fields are unfolded.
    pub unfolded: bool,
}

impl Sessions {
    /// The session shown.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.get(self.current.as_ref()?)
    }

    /// A session by its id.
    #[must_use]
    pub fn get(&self, id: &SessionId) -> Option<&Entry> {
        self.list.iter().find(|entry| entry.session.id == *id)
    }

    /// The live session on a headset.
    #[must_use]
    pub fn on(&self, headset: &HeadsetId) -> Option<&Entry> {
        self.list
            .iter()
            .find(|entry| entry.closed.is_none() && entry.session.headset.id == *headset)
    }

    /// Sessions that are not closed.
    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter().filter(|entry| entry.closed.is_none())
    }

    /// Takes over a session object, marking what changed.
    pub(super) fn put(&mut self, session: Session, now: Now) {
        let entry = self.entry(&session.id);
        let id = session.id.clone();
        let known = !entry.session.id.as_str().is_empty();
        let changed =
            Field::ALL.into_iter().filter(|field| field.differs(&entry.session, &session));
        entry.changed.extend(changed.filter(|_| known).map(|field| (field, now.instant)));
        let active = |session: &Session| session.status == SessionStatus::Activated;
        let activated = known && active(&session) && !active(&entry.session);
        if activated {
            // Why it was opened otherwise is history now.
            entry.opened = None;
        }
        if session.status != SessionStatus::Closed {
            // Cortex may bring a session back after a drop-out (cortex-api.md §2.12).
            entry.closed = None;
        }
        entry.session = session;
        if activated {
            self.note(&id, now, "activated: the licence is debited".to_owned());
        }
        if self.current().is_none_or(|current| current.closed.is_some()) {
            self.current = Some(id);
        }
    }

    pub(super) fn opened(&mut self, id: &SessionId, mode: SessionMode, why: String) {
        self.entry(id).opened = Some((mode, why));
    }

    pub(super) fn subscribed(
        &mut self,
        id: &SessionId,
        streams: Vec<Stream>,
        refused: Vec<(Stream, Refusal)>,
    ) {
        let entry = self.entry(id);
        entry.subscribed.retain(|stream| !refused.iter().any(|(other, _)| other == stream));
        entry.refused.retain(|(stream, _)| {
            !streams.contains(stream) && !refused.iter().any(|(other, _)| other == stream)
        });
        entry.subscribed.extend(streams);
        entry.refused.extend(refused);
        entry.subscribed.sort_unstable();
        entry.subscribed.dedup();
    }

    pub(super) fn unsubscribed(&mut self, id: &SessionId, streams: &[Stream]) {
        let entry = self.entry(id);
        entry.subscribed.retain(|stream| !streams.contains(stream));
        entry.refused.retain(|(stream, _)| !streams.contains(stream));
    }

    pub(super) fn closed(&mut self, id: &SessionId, why: String, now: Instant) {
        let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) else {
            return;
        };
        if entry.session.status != SessionStatus::Closed {
            entry.session.status = SessionStatus::Closed;
            entry.changed.insert(Field::Status, now);
        }
        entry.closed.get_or_insert((why, now));
        entry.subscribed.clear();
        entry.refused.clear();
        if self.current.as_ref() == Some(id)
            && let Some(live) = self.live().last().map(|entry| entry.session.id.clone())
        {
            self.current = Some(live);
        }
        let ended = self.list.iter().filter(|entry| entry.closed.is_some()).count();
        if ended > ENDED_KEPT
            && let Some(oldest) = self.list.iter().position(|entry| {
                entry.closed.is_some() && self.current.as_ref() != Some(&entry.session.id)
            })
        {
            self.list.remove(oldest);
        }
    }

    /// The next session in the list, after the last the first.
    pub(super) fn next(&mut self) {
        let row = self.current.as_ref().and_then(|id| self.position(id)).map_or(0, |row| row + 1);
        self.current =
            self.list.get(row).or(self.list.first()).map(|entry| entry.session.id.clone());
    }

    pub(super) fn step_field(&mut self, step: isize) {
        self.field = self.field.saturating_add_signed(step).min(Field::ALL.len() - 1);
    }

    /// Notes what happened to a session.
    pub(super) fn note(&mut self, id: &SessionId, at: Now, what: String) {
        if let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) {
            if entry.history.len() == HISTORY {
                entry.history.pop_front();
            }
            entry.history.push_back((at, what));
        }
    }

    fn position(&self, id: &SessionId) -> Option<usize> {
        self.list.iter().position(|entry| entry.session.id == *id)
    }

    fn entry(&mut self, id: &SessionId) -> &mut Entry {
        let row = self.position(id).unwrap_or_else(|| {
            self.list.push(Entry::default());
            self.list.len() - 1
        });
        &mut self.list[row]
    }
}
