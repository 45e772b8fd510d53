//! The sessions, live ones and those that have just ended, with what changed in them and when.

use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Map;
use tokio::time::Instant;

use cortop_client::{
    CommandId, Error, Headset, HeadsetId, Moment, Session, SessionId, SessionMode, Stream,
    session::SessionStatus,
};
use cortop_signal::Position;

/// Ended sessions kept for reading; the oldest goes first.
const ENDED_KEPT: usize = 16;
/// How long an ended session stays among those that a key goes through.
const ENDED_SHOWN: Duration = Duration::from_secs(5 * 60);
/// Events of a session that are kept.
const HISTORY: usize = 64;

/// The eleven documented fields of a session object (docs/protocol.md §4.2), in the order shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the field of Session with the same name")]
pub enum SessionField {
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

impl SessionField {
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
            Self::Streams => ordered(a) != ordered(b),
            Self::RecordIds => a.record_ids != b.record_ids,
            Self::Recording => a.recording != b.recording,
            // Members that this program does not know may tick with every answer.
            Self::Headset => {
                let known = |headset: &Headset| Headset { other: Map::new(), ..headset.clone() };
                known(&a.headset) != known(&b.headset)
            }
        }
    }
}

/// A session and what is known around it.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct SessionEntry {
    /// The object as Cortex last sent it.
    pub(crate) session: Session,
    /// In which mode it was opened, and why.
    pub(crate) opened: Option<(SessionMode, String)>,
    /// When Cortex confirmed that it had created it for cortop; unknown for another program's.
    pub(crate) created: Option<Instant>,
    /// Since when it has been known here.
    pub(crate) since: Option<Moment>,
    /// The session on the same headset in whose place it was opened.
    pub(crate) predecessor: Option<SessionId>,
    /// Whether it has been activated from here, which uses one activation of the licence.
    pub(crate) debited: bool,
    /// Another program opened it: cortop only looks at it.
    pub(crate) foreign: bool,
    /// The command to close or leave it, until that is answered.
    pub(super) closing: Option<CommandId>,
    /// Why it is gone or left, and since when.
    pub(crate) closed: Option<(String, Instant)>,
    /// Cortex showed it as closed, and who closed it is not known yet.
    unexplained: bool,
    /// Whether Cortex sent the object after the end; else the fields are those from before.
    pub(crate) is_final: bool,
    /// Whether the user ended it.
    pub(crate) ordered: bool,
    /// When each field last changed after it was first seen.
    pub(crate) changed: BTreeMap<SessionField, Instant>,
    /// What happened to it and when, oldest first, bounded.
    pub(crate) history: VecDeque<(Moment, String)>,
    /// Streams that flow.
    pub(crate) subscribed: Vec<Stream>,
    /// Streams whose picture is shown: those that flow and, after the session's end, those that did,
    /// until the headset's next session takes them over.
    pub(crate) pictured: Vec<Stream>,
    /// Streams that were refused, with reason and next step.
    pub(crate) refused: Vec<(Stream, Error)>,
    /// The position that the user called level, and when.
    pub(crate) level: Option<(Position, Moment)>,
}

impl SessionEntry {
    /// The names of its streams in the order of [`Stream::ALL`], unknown ones last; `None` if
    /// Cortex did not say.
    #[must_use]
    pub fn streams(&self) -> Option<Vec<&str>> {
        ordered(&self.session)
    }

    /// How long it lasted or has lasted: by Cortex's clock where that is known, else by this
    /// computer's.
    #[must_use]
    pub fn lifetime(&self, now: Moment) -> Option<Duration> {
        let time = |iso: &Option<String>| iso.as_ref()?.parse::<Timestamp>().ok();
        let moments = time(&self.session.started).zip(time(&self.session.stopped));
        if let Some((started, stopped)) = moments {
            return stopped.duration_since(started).try_into().ok();
        }
        let end = self.closed.as_ref().map_or(now.instant, |(_, at)| *at);
        self.since.map(|since| end.saturating_duration_since(since.instant))
    }

    /// Whether the program that opened the session receives a stream, and cortop does not.
    #[must_use]
    pub fn is_theirs(&self, stream: Stream) -> bool {
        let mut listed = self.session.streams.iter().flatten();
        self.foreign
            && !self.subscribed.contains(&stream)
            && listed.any(|name| name == stream.name())
    }

    /// What became of a session that is over: another program's that is only left goes on.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        if self.session.status == SessionStatus::Closed { "closed" } else { "left" }
    }

    fn note(&mut self, at: Moment, what: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((at, what));
    }

    /// Notes the changes of its streams that cortop has not ordered.
    fn note_foreign_streams(&mut self, session: &Session, now: Moment) {
        let (Some(before), Some(after)) = (ordered(&self.session), ordered(session)) else {
            return;
        };
        let ours = |name: &&str| self.subscribed.iter().any(|stream| stream.name() == *name);
        let list = |names: Vec<&str>| names.join(" ");
        let came = after.iter().filter(|name| !before.contains(name) && !ours(name)).copied();
        let went = before.iter().filter(|name| !after.contains(name) && ours(name)).copied();
        let (came, went) = (list(came.collect()), list(went.collect()));
        for (names, what) in [(came, "subscribed"), (went, "unsubscribed")] {
            if !names.is_empty() {
                self.note(now, format!("{names} {what} by another program"));
            }
        }
    }
}

/// The names of a session's streams in the order of the page, unknown ones last.
fn ordered(session: &Session) -> Option<Vec<&str>> {
    let mut names: Vec<&str> = session.streams.as_ref()?.iter().map(String::as_str).collect();
    let place = |name: &str| Stream::ALL.iter().position(|stream| stream.name() == name);
    names.sort_by_key(|name| place(name).unwrap_or(Stream::ALL.len()));
    Some(names)
}

/// The session pane's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionPane {
    /// In the order in which they came, ended ones included.
    pub(crate) list: Vec<SessionEntry>,
    /// The one shown in the session and streams panes.
    pub(crate) current: Option<SessionId>,
    /// The place of the selected field.
    pub(crate) field: usize,
    /// Whether the selected field is unfolded.
    pub(crate) unfolded: bool,
    /// Where in that field the pane begins.
    pub(crate) scroll: Scroll,
    /// When Cortex last showed the sessions, while it does not answer.
    pub(crate) as_of: Option<Instant>,
    /// The headset whose next session the user wants to see.
    wanted: Option<HeadsetId>,
}

/// Where a part of something longer begins. Drawing records here how much fits, so that page keys
/// move by what is seen and never past the end.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    first: usize,
    fits: Cell<usize>,
    all: Cell<usize>,
}

impl Scroll {
    /// The first line to draw of `all`, when `fits` fit.
    #[must_use]
    pub fn first(&self, all: usize, fits: usize) -> usize {
        self.fits.set(fits);
        self.all.set(all);
        self.first.min(all.saturating_sub(fits))
    }

    /// Moves by as much as is seen, but for one line, which stays in sight.
    pub(super) fn page(&mut self, forward: bool) {
        let last = self.all.get().saturating_sub(self.fits.get());
        let page = self.fits.get().saturating_sub(1).max(1);
        let first = self.first.min(last);
        self.first = if forward { first + page } else { first.saturating_sub(page) }.min(last);
    }

    pub(super) fn reset(&mut self) {
        self.first = 0;
    }
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
            // Called off before anybody saw it.
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
            // Why it was opened otherwise is history now.
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

    /// A session is new: names the one in whose place it came, and shows it where it was waited for.
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

    /// Shows the session on a headset: the open one, or the next that is opened there.
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

    /// Replaces the subscribed and the refused streams; returns those that are new.
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

    /// A session is over. Where Cortex did not show its object after that, what ends with every
    /// session is taken over here, and what only Cortex can know is unknown.
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

    /// No more events of a session will come, though it may still be open.
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

    /// Forgets the sessions that ended a while ago, but for the one shown.
    pub(super) fn expire(&mut self, now: Instant) {
        let current = self.current.as_ref();
        self.list.retain(|entry| {
            let ended = entry.closed.as_ref();
            current == Some(&entry.session.id)
                || ended.is_none_or(|(_, at)| now.saturating_duration_since(*at) < ENDED_SHOWN)
        });
    }

    /// The next session in the list, after the last the first.
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

    /// Notes that a session is being closed by a command.
    pub(super) fn close_by(&mut self, id: &SessionId, command: CommandId) {
        if let Some(entry) = self.list.iter_mut().find(|entry| entry.session.id == *id) {
            entry.closing = Some(command);
        }
    }

    /// A command has been answered: none is being closed by it any more.
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
