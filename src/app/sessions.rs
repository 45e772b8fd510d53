//! The sessions, live and recently ended, with what changed in them and when.

use std::time::Duration;

use tokio::time::Instant;

use super::{Scroll, SessionEntry, SessionField};
use cortop_client::{
    CommandId, Error, HeadsetId, Moment, Session, SessionId, SessionMode, Stream,
    session::SessionStatus,
};
use cortop_signal::Position;

/// Maximum number of ended sessions kept for reading; the oldest is dropped first.
const ENDED_KEPT: usize = 16;
/// How long the key that cycles through the sessions includes an ended one.
const ENDED_SHOWN: Duration = Duration::from_secs(5 * 60);

/// The session pane's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionPane {
    /// The sessions in order of arrival, including ended ones.
    pub(crate) list: Vec<SessionEntry>,
    /// The session shown in the session and streams panes.
    pub(crate) current: Option<SessionId>,
    /// The index of the selected field.
    pub(crate) field: usize,
    /// Whether the selected field is unfolded.
    pub(crate) unfolded: bool,
    /// The scroll position in the unfolded field.
    pub(crate) scroll: Scroll,
    /// When Cortex last listed the sessions, if it does not answer now.
    pub(crate) as_of: Option<Instant>,
    /// The headset whose next session the user wants to see.
    wanted: Option<HeadsetId>,
}

impl SessionPane {
    /// The session shown.
    #[must_use]
    pub(crate) fn current(&self) -> Option<&SessionEntry> {
        self.get(self.current.as_ref()?)
    }

    /// The headset of the session shown.
    #[must_use]
    pub(crate) fn headset(&self) -> Option<&HeadsetId> {
        self.current().map(|entry| &entry.session.headset.id)
    }

    /// A session by its id.
    #[must_use]
    pub(crate) fn get(&self, id: &SessionId) -> Option<&SessionEntry> {
        self.list.iter().find(|entry| entry.session.id == *id)
    }

    /// The live session on a headset.
    #[must_use]
    pub(crate) fn on(&self, headset: &HeadsetId) -> Option<&SessionEntry> {
        self.list
            .iter()
            .find(|entry| entry.closed.is_none() && entry.session.headset.id == *headset)
    }

    /// Sessions that are not closed.
    pub(crate) fn live(&self) -> impl Iterator<Item = &SessionEntry> {
        self.list.iter().filter(|entry| entry.closed.is_none())
    }

    /// Replaces a session object, marking what changed.
    pub(super) fn put(&mut self, session: Session, now: Moment) {
        let id = session.id.clone();
        let is_over = session.status == SessionStatus::Closed;
        if is_over && self.position(&id).is_none() {
            // Its opening was cancelled before anybody saw it.
            return;
        }
        let entry = self.entry(&id);
        let known = entry.since.is_some();
        entry.since.get_or_insert(now);
        let before = entry.session.clone();
        let after = if is_over {
            let mut after = before.clone();
            after.end_with(session);
            after
        } else {
            session
        };
        let changed = SessionField::ALL.into_iter().filter(|field| field.differs(&before, &after));
        entry.changed.extend(changed.filter(|_| known).map(|field| (field, now.instant)));
        let active = |session: &Session| session.status == SessionStatus::Activated;
        let activated = active(&after) && !active(&before);
        entry.debited |= activated;
        if activated && known {
            // The reason for the earlier mode no longer applies.
            entry.opened = None;
            entry.note(now, "activated: the licence is debited".to_owned());
        }
        entry.is_final = is_over;
        if is_over {
            if entry.closed.is_none() {
                entry.closed = Some(("Cortex says that it is closed".to_owned(), now.instant));
                entry.unexplained = true;
            }
        } else {
            if known {
                entry.note_foreign_streams(&after, now);
            }
            // Cortex may bring a session back after a drop-out (docs/protocol.md §2.12).
            if entry.closed.take().is_some() {
                entry.note(now, "open again: Cortex resumed it".to_owned());
            }
        }
        entry.session = after;
        if !known {
            self.came(&id, now);
        }
    }

    /// A session is new: notes which session it replaced, and shows it if it was awaited.
    fn came(&mut self, id: &SessionId, now: Moment) {
        let Some(headset) = self.get(id).map(|entry| entry.session.headset.id.clone()) else {
            return;
        };
        let before = self.list.iter_mut().rev().find(|entry| {
            entry.closed.is_some() && entry.session.headset.id == headset && entry.session.id != *id
        });
        if let Some((before, why, pictured)) = before.and_then(|entry| {
            let why = entry.closed.clone()?.0;
            Some((entry.session.id.clone(), why, std::mem::take(&mut entry.pictured)))
        }) {
            let entry = self.entry(id);
            entry.pictured.extend(pictured);
            entry.note(now, format!("opened in place of {before}, which ended: {why}"));
            entry.predecessor = Some(before);
        }
        let over =
            |entry: &SessionEntry| entry.closed.is_some() && entry.session.headset.id == headset;
        let wanted = self.wanted.take_if(|wanted| *wanted == headset).is_some();
        if wanted || self.current().is_none_or(over) {
            self.current = Some(id.clone());
        }
    }

    /// Shows the session on a headset: the open one, or else the next that is opened.
    pub(super) fn show_on(&mut self, headset: &HeadsetId) {
        match self.on(headset).map(|entry| entry.session.id.clone()) {
            Some(id) => {
                self.current = Some(id);
                self.wanted = None;
            }
            None => self.wanted = Some(headset.clone()),
        }
    }

    pub(super) fn opened(&mut self, id: &SessionId, mode: SessionMode, why: String, foreign: bool) {
        let entry = self.entry(id);
        entry.opened = Some((mode, why));
        entry.foreign = foreign;
        let since = entry.since.filter(|_| !foreign);
        entry.created = since.map(|since| since.instant);
    }

    /// Replaces the subscribed and the refused streams; returns the new ones.
    pub(super) fn subscribed(
        &mut self,
        id: &SessionId,
        streams: Vec<Stream>,
        refused: Vec<(Stream, Error)>,
    ) -> (Vec<Stream>, Vec<(Stream, Error)>) {
        let entry = self.entry(id);
        entry.pictured.retain(|stream| !refused.iter().any(|(other, _)| other == stream));
        entry.pictured.extend(&streams);
        let before = std::mem::replace(&mut entry.subscribed, streams);
        for streams in [&mut entry.subscribed, &mut entry.pictured] {
            streams.sort_unstable();
            streams.dedup();
        }
        let mut came = entry.subscribed.clone();
        came.retain(|stream| !before.contains(stream));
        let before = std::mem::replace(&mut entry.refused, refused);
        let mut news = entry.refused.clone();
        news.retain(|refusal| !before.contains(refusal));
        (came, news)
    }

    pub(super) fn unsubscribed(&mut self, id: &SessionId, streams: &[Stream]) {
        let entry = self.entry(id);
        entry.subscribed.retain(|stream| !streams.contains(stream));
        entry.pictured.retain(|stream| !streams.contains(stream));
        entry.refused.retain(|(stream, _)| !streams.contains(stream));
    }

    /// A session has ended. If Cortex did not send its final object, applies what is true of every ended
    /// session; what only Cortex can know becomes unknown.
    pub(super) fn closed(&mut self, id: &SessionId, why: String, ordered: bool, now: Instant) {
        let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) else {
            return;
        };
        if !entry.is_final {
            let last = Session {
                status: SessionStatus::Closed,
                streams: entry.session.streams.is_some().then(Vec::new),
                recording: entry.session.recording.map(|_| false),
                stopped: None,
                ..entry.session.clone()
            };
            let changed =
                SessionField::ALL.into_iter().filter(|field| field.differs(&entry.session, &last));
            entry.changed.extend(changed.map(|field| (field, now)));
            entry.session = last;
        }
        if let Some((reason, _)) = entry.closed.as_mut().filter(|_| entry.unexplained) {
            reason.clone_from(&why);
        }
        entry.unexplained = false;
        entry.ordered = ordered;
        self.released(id, why, now);
    }

    /// No more events of a session will arrive, though it may still be open.
    pub(super) fn released(&mut self, id: &SessionId, why: String, now: Instant) {
        let entry = self.entry(id);
        entry.closed.get_or_insert((why, now));
        entry.subscribed.clear();
        entry.refused.clear();
        let ended = self.list.iter().filter(|entry| entry.closed.is_some()).count();
        if ended > ENDED_KEPT
            && let Some(oldest) = self.list.iter().position(|entry| {
                entry.closed.is_some() && self.current.as_ref() != Some(&entry.session.id)
            })
        {
            self.list.remove(oldest);
        }
    }

    /// Forgets sessions that ended a while ago, except the one shown.
    pub(super) fn expire(&mut self, now: Instant) {
        let current = self.current.as_ref();
        self.list.retain(|entry| {
            let ended = entry.closed.as_ref();
            current == Some(&entry.session.id)
                || ended.is_none_or(|(_, at)| now.saturating_duration_since(*at) < ENDED_SHOWN)
        });
    }

    /// Shows the next session in the list; after the last, the first.
    pub(super) fn next(&mut self) {
        let row = self.current.as_ref().and_then(|id| self.position(id)).map_or(0, |row| row + 1);
        self.current =
            self.list.get(row).or(self.list.first()).map(|entry| entry.session.id.clone());
    }

    pub(super) fn step_field(&mut self, step: isize) {
        self.field = self.field.saturating_add_signed(step).min(SessionField::ALL.len() - 1);
        self.unfolded = false;
        self.scroll.reset();
    }

    /// Selects a field.
    pub(super) fn select_field(&mut self, field: SessionField) {
        let place = SessionField::ALL.iter().position(|own| *own == field).unwrap_or_default();
        self.field = place;
        self.unfolded = false;
        self.scroll.reset();
    }

    pub(super) fn unfold(&mut self) {
        self.unfolded = !self.unfolded;
        self.scroll.reset();
    }

    /// The selected field.
    #[must_use]
    pub(crate) fn field(&self) -> SessionField {
        SessionField::ALL[self.field.min(SessionField::ALL.len() - 1)]
    }

    /// Notes that a command is closing a session.
    pub(super) fn close_by(&mut self, id: &SessionId, command: CommandId) {
        if let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) {
            entry.closing = Some(command);
        }
    }

    /// A command has been answered: it is no longer closing a session.
    pub(super) fn answered(&mut self, command: CommandId) {
        for entry in &mut self.list {
            entry.closing.take_if(|closing| *closing == command);
        }
    }

    pub(super) fn set_level(&mut self, id: &SessionId, level: Position, now: Moment) {
        self.entry(id).level = Some((level, now));
    }

    /// Notes what happened to a session.
    pub(super) fn note(&mut self, id: &SessionId, at: Moment, what: String) {
        if let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) {
            entry.note(at, what);
        }
    }

    fn position(&self, id: &SessionId) -> Option<usize> {
        self.list.iter().position(|entry| entry.session.id == *id)
    }

    fn entry(&mut self, id: &SessionId) -> &mut SessionEntry {
        let row = self.position(id).unwrap_or_else(|| {
            let session = Session { id: id.clone(), ..Session::default() };
            self.list.push(SessionEntry { session, ..SessionEntry::default() });
            self.list.len() - 1
        });
        &mut self.list[row]
    }
}
