//! A session as known here, and what happened to it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Map;
use tokio::time::Instant;

use cortop_client::{
    CommandId, Error, Headset, Moment, Session, SessionId, SessionMode, Stream,
    session::SessionStatus,
};
use cortop_signal::Position;

/// Maximum number of events kept per session.
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

    pub(super) fn differs(self, a: &Session, b: &Session) -> bool {
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
            // Unknown members of the headset object may change with every answer.
            Self::Headset => {
                let known = |headset: &Headset| Headset { other: Map::new(), ..headset.clone() };
                known(&a.headset) != known(&b.headset)
            }
        }
    }
}

/// A session and what is known about it.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct SessionEntry {
    /// The object as Cortex last sent it.
    pub(crate) session: Session,
    /// The mode it was opened in, and why.
    pub(crate) opened: Option<(SessionMode, String)>,
    /// When Cortex confirmed creating it for cortop; `None` for another program's.
    pub(crate) created: Option<Instant>,
    /// When it was first seen.
    pub(crate) since: Option<Moment>,
    /// The session on the same headset that it replaced.
    pub(crate) predecessor: Option<SessionId>,
    /// Whether it was activated from here, which uses one activation of the licence.
    pub(crate) debited: bool,
    /// Whether another program opened it: cortop only observes it.
    pub(crate) foreign: bool,
    /// The command that closes or leaves it, until it is answered.
    pub(super) closing: Option<CommandId>,
    /// Why and when it ended or was left.
    pub(crate) closed: Option<(String, Instant)>,
    /// Cortex reported it as closed, and it is not known yet who closed it.
    pub(super) unexplained: bool,
    /// Whether Cortex sent the object after the end; otherwise the fields are from before the end.
    pub(crate) is_final: bool,
    /// Whether the user ended it.
    pub(crate) ordered: bool,
    /// When each field last changed after it was first seen.
    pub(crate) changed: BTreeMap<SessionField, Instant>,
    /// What happened to it and when, oldest first, bounded.
    pub(crate) history: VecDeque<(Moment, String)>,
    /// Streams that are flowing.
    pub(crate) subscribed: Vec<Stream>,
    /// Streams whose picture is shown: those flowing and, after the session's end, those that were, until the
    /// headset's next session takes them over.
    pub(crate) pictured: Vec<Stream>,
    /// Streams that were refused, with reason and next step.
    pub(crate) refused: Vec<(Stream, Error)>,
    /// The position that the user declared level, and when.
    pub(crate) level: Option<(Position, Moment)>,
}

impl SessionEntry {
    /// The names of its streams in the order of [`Stream::ALL`], unknown ones last; `None` if
    /// Cortex did not say.
    #[must_use]
    pub fn streams(&self) -> Option<Vec<&str>> {
        ordered(&self.session)
    }

    /// How long it has lasted or did last: by Cortex's clock if known, else by this computer's.
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

    /// Whether a stream goes to the program that opened the session and not to cortop.
    #[must_use]
    pub fn is_owners_only(&self, stream: Stream) -> bool {
        let mut listed = self.session.streams.iter().flatten();
        self.foreign
            && !self.subscribed.contains(&stream)
            && listed.any(|name| name == stream.name())
    }

    /// A word for how the session ended here: another program's session that cortop left may go on.
    #[must_use]
    pub fn end_word(&self) -> &'static str {
        if self.session.status == SessionStatus::Closed { "closed" } else { "left" }
    }

    pub(super) fn note(&mut self, at: Moment, what: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((at, what));
    }

    /// Notes changes of its streams that cortop did not request.
    pub(super) fn note_foreign_streams(&mut self, session: &Session, now: Moment) {
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

/// The names of a session's streams in display order, unknown ones last.
fn ordered(session: &Session) -> Option<Vec<&str>> {
    let mut names: Vec<&str> = session.streams.as_ref()?.iter().map(String::as_str).collect();
    let place = |name: &str| Stream::ALL.iter().position(|stream| stream.name() == name);
    names.sort_by_key(|name| place(name).unwrap_or(Stream::ALL.len()));
    Some(names)
}
