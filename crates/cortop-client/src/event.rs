//! What the client reports to the application.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

use super::{CommandId, SessionMode, clock::ClockOffset};
use cortop_protocol::{
    Error, Headset, HeadsetId, Marker, Profile, RecordEvent, RecordId, Session, SessionId, Stream,
    Warning,
    account::{CortexInfo, Licence, UserLogin},
    mapping::StoredMapping,
    profile::Loaded,
    record::RecordList,
    secrets::Secrets,
};

/// How long a scan takes, about (§2.5).
pub const SCAN: Duration = Duration::from_secs(20);

/// What the client reports.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "events are few and short-lived")]
pub enum Event {
    /// The connection changed its state.
    Link(Link),
    /// The service reported its version.
    Service(CortexInfo),
    /// Who is logged in with EMOTIV Launcher, or nobody.
    User(Option<UserLogin>),
    /// The licence.
    Licence(Licence),
    /// All headsets the service sees now.
    Headsets(Vec<Headset>),
    /// A scan for headsets began (`true`) or ended.
    Scan(bool),
    /// Headset settings, name or headband position were changed; the list with them follows.
    Updated(HeadsetId),
    /// The clock of a headset was measured (§2.9).
    Clock {
        /// Of which.
        headset: HeadsetId,
        /// How far it is from ours.
        clock: ClockOffset,
    },
    /// The Flex mappings that Cortex keeps.
    Mappings(Vec<StoredMapping>),
    /// All live sessions of this application, those of its other programs among them.
    Sessions(Vec<Session>),
    /// Cortex has not answered when asked for the sessions: what is known of them is as of then.
    SessionsAsOf(Instant),
    /// A session of ours came or changed.
    Session(Session),
    /// A session was opened, resumed or adopted, and why in this mode.
    Opened {
        /// Which.
        session: SessionId,
        /// With or without a licence.
        mode: SessionMode,
        /// One sentence, such as `the licence has no scope eeg`.
        why: String,
        /// Whether another program of this application opened it: cortop only follows it.
        foreign: bool,
    },
    /// A session in place of a lost one is about to be activated, which uses one activation of the
    /// licence unasked.
    Activating {
        /// On which headset.
        headset: HeadsetId,
        /// Activations that this client has used so far.
        used: u64,
        /// Activations left on this computer, if that is known.
        left: Option<f64>,
    },
    /// A session was activated for this client.
    Activated {
        /// Activations that it has used so far.
        used: u64,
    },
    /// cortop no longer follows another program's session, which goes on.
    Released {
        /// Which.
        session: SessionId,
        /// One sentence.
        why: String,
    },
    /// A session is gone. Where Cortex reported its last state, an [`Event::Session`] came before.
    Closed {
        /// Which.
        session: SessionId,
        /// One sentence: by us, by Cortex, by a lost headset or link.
        why: String,
        /// Whether the user ordered it, so that it needs no explanation.
        ordered: bool,
    },
    /// The answer to a `subscribe`.
    Subscribed {
        /// The session.
        session: SessionId,
        /// The streams that are running now.
        streams: Vec<Stream>,
        /// The streams that another program, which opened the session, has subscribed: their
        /// samples go there.
        theirs: Vec<Stream>,
        /// Those that were refused, each with its reason and next step.
        refused: Vec<(Stream, Error)>,
    },
    /// Streams were given up on the user's word.
    Unsubscribed {
        /// The session.
        session: SessionId,
        /// The streams that no longer run.
        streams: Vec<Stream>,
    },
    /// Something became of a record.
    Record(RecordEvent),
    /// The newest records.
    Records(RecordList),
    /// A marker was set, or became an interval.
    Marker {
        /// In which session.
        session: SessionId,
        /// In which record.
        record: RecordId,
        /// The marker as Cortex keeps it.
        marker: Marker,
    },
    /// The stored profiles.
    Profiles(Vec<Profile>),
    /// Which profile a headset uses, if any.
    Profile {
        /// Which headset.
        headset: HeadsetId,
        /// The profile.
        loaded: Option<Loaded>,
    },
    /// Cortex said something unasked.
    Warning(Warning),
    /// A request was refused or went unanswered.
    Refused(Error),
    /// A headset's way to streaming stands still at a refusal, or no longer does.
    Stopped {
        /// Which.
        headset: HeadsetId,
        /// The refusal, while it stands still.
        refusal: Option<Error>,
    },
    /// How a command with an id ended. Its refusal comes only here.
    Outcome {
        /// Which command.
        command: CommandId,
        /// Whether it was carried out.
        outcome: Result<(), Error>,
    },
}

impl Event {
    /// The session it is about.
    pub(super) fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Session(session) => Some(&session.id),
            Self::Opened { session, .. }
            | Self::Released { session, .. }
            | Self::Closed { session, .. }
            | Self::Subscribed { session, .. }
            | Self::Unsubscribed { session, .. }
            | Self::Record(
                RecordEvent::Started { session, .. } | RecordEvent::Ended { session, .. },
            )
            | Self::Marker { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Writes what a reader of the log wants to know of it; what is polled again and again is not.
    /// `of`: the headset of its session, as the beginning of a line.
    /// Credentials are cut out, which Cortex may have echoed in a text.
    pub(super) fn log(&self, of: &str, secrets: &Secrets) {
        let cut = |mut text: String| {
            secrets.hide(&mut text);
            text
        };
        macro_rules! debug { ($($text:tt)*) => { tracing::debug!("{}", cut(format!($($text)*))) } }
        macro_rules! info { ($($text:tt)*) => { tracing::info!("{}", cut(format!($($text)*))) } }
        macro_rules! warn { ($($text:tt)*) => { tracing::warn!("{}", cut(format!($($text)*))) } }
        match self {
            Self::Link(Link::Waiting { error, attempt, .. }) => {
                warn!("no connection ({attempt}): {error}");
            }
            Self::Link(Link::Up { step, .. }) if *step != ConnectionStep::Streaming => {
                info!("{step}");
            }
            Self::Service(info) => info!("Cortex {}", info.version),
            Self::User(Some(user)) => info!("user {}", user.username),
            Self::User(None) => warn!("nobody is logged in"),
            Self::Opened { session, mode, why, foreign } => {
                let whose = if *foreign { " of another program" } else { "" };
                info!("{of}session {session}{whose} is {mode}: {why}");
            }
            Self::Released { session, why } => info!("{of}session {session} goes on: {why}"),
            Self::Closed { session, why, ordered: true } => {
                info!("{of}session {session} ended: {why}");
            }
            Self::Closed { session, why, ordered: false } => {
                warn!("{of}session {session} ended: {why}");
            }
            Self::Subscribed { streams, theirs, refused, .. } => {
                if !streams.is_empty() || theirs.is_empty() {
                    info!("{of}subscribed to {}", names(streams));
                }
                if !theirs.is_empty() {
                    info!("{of}subscribed by the program that opened it: {}", names(theirs));
                }
                for (_, refusal) in refused {
                    warn!("{of}{refusal}");
                }
            }
            Self::Unsubscribed { streams, .. } => {
                info!("{of}unsubscribed from {}", names(streams));
            }
            Self::Updated(headset) => info!("{headset} has been updated"),
            Self::Clock { headset, clock } => debug!("the clock of {headset}: {clock}"),
            Self::Record(event @ RecordEvent::Ended { ordered: false, .. }) => warn!("{of}{event}"),
            Self::Record(event) => info!("{of}{event}"),
            Self::Activating { headset, used, left } => {
                let left = left.map(|left| format!(" of the {left} left here")).unwrap_or_default();
                let used = match used {
                    0 => String::new(),
                    used => format!("; cortop has used {used} so far"),
                };
                warn!("{headset}: activating its session again uses 1 activation{left}{used}");
            }
            Self::Marker { marker, .. } if marker.is_interval() => {
                let Marker { label, start, end, .. } = marker;
                let (began, ended) = (time_of_day(*start), time_of_day(*end));
                info!("{of}marker {label} ended at {ended}; it began at {began}");
            }
            Self::Marker { marker, .. } => {
                info!("{of}marker {} set at {}", marker.label, time_of_day(marker.start));
            }
            Self::Profile { headset, loaded } => {
                let name = loaded.as_ref().map_or("none", |loaded| &loaded.name);
                info!("profile of {headset}: {name}");
            }
            Self::Refused(refusal) | Self::Outcome { outcome: Err(refusal), .. } => {
                warn!("{refusal}");
            }
            // Warnings are logged by the link, which counts them, and each headset that streams by
            // the connection.
            Self::Link(Link::Connecting | Link::Up { .. })
            | Self::Warning(_)
            | Self::Licence(_)
            | Self::Headsets(_)
            | Self::Scan(_)
            | Self::Sessions(_)
            | Self::SessionsAsOf(_)
            | Self::Session(_)
            | Self::Mappings(_)
            | Self::Records(_)
            | Self::Profiles(_)
            | Self::Activated { .. }
            | Self::Stopped { .. }
            | Self::Outcome { .. } => {}
        }
    }
}

fn names(streams: &[Stream]) -> String {
    streams.iter().map(|stream| stream.name()).collect::<Vec<_>>().join(" ")
}

/// The time of day of a moment in epoch seconds, for the log.
fn time_of_day(seconds: f64) -> String {
    let moment = SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| Timestamp::from_duration(since).ok());
    moment.map_or_else(
        || "an unknown time".to_owned(),
        |moment| moment.to_zoned(TimeZone::system()).strftime("%T%.3f").to_string(),
    )
}

/// The state of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// Opening the socket.
    Connecting,
    /// The last try failed; the next comes at `at`.
    Waiting {
        /// Why, and the next step; its kind says what stood in the way.
        error: Error,
        /// When it is tried again.
        at: Instant,
        /// How many tries have failed.
        attempt: u32,
    },
    /// The socket is open.
    Up {
        /// How far the connection can be trusted.
        security: Security,
        /// How far the flow of §2 has come.
        step: ConnectionStep,
    },
}

/// How far the connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS, certificate chain and name checked.
    Verified,
    /// TLS, chain checked; the name is wrong, and the peer is this machine.
    WrongName,
    /// TLS; the certificate is the one that the user trusts, and the peer is this machine.
    Trusted,
    /// TLS without checks, on the user's word, to this machine.
    Unchecked,
    /// Plain text to this machine.
    Plain,
}

/// How far the flow from connection to streaming (§2) has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionStep {
    /// Asking who is there.
    Greeting,
    /// Nobody is logged in.
    Login,
    /// Another account of this computer holds the service (§2.2).
    OtherUser,
    /// The user has yet to approve this application in EMOTIV Launcher.
    Approval,
    /// The user has yet to accept the licence agreement.
    Agreement,
    /// Getting a token.
    Authorizing,
    /// Asking which headsets there are.
    Listing,
    /// No headset is there yet.
    Searching,
    /// Headsets are there, and none is chosen.
    Choosing,
    /// Headsets are there, and the one that is wanted is not among them.
    Missing(HeadsetId),
    /// A headset is being connected.
    Connecting(HeadsetId),
    /// A session is being opened.
    Opening(HeadsetId),
    /// At least one stream flows.
    Streaming,
    /// Another program's session is looked at, and no stream of it is ours.
    Watching,
    /// Stopped at a refusal that only the user can fix; the last [`Event::Refused`] says which.
    Stopped,
}

/// In a word or two.
impl fmt::Display for ConnectionStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("connected"),
            Self::Login => f.write_str("nobody logged in"),
            Self::OtherUser => f.write_str("another user logged in"),
            Self::Approval => f.write_str("waiting for approval"),
            Self::Agreement => f.write_str("licence agreement open"),
            Self::Authorizing => f.write_str("authorizing"),
            Self::Listing => f.write_str("asking for the headsets"),
            Self::Searching => f.write_str("no headset yet"),
            Self::Choosing => f.write_str("choose a headset"),
            Self::Missing(headset) => write!(f, "waiting for {headset}"),
            Self::Connecting(headset) => write!(f, "connecting {headset}"),
            Self::Opening(headset) => write!(f, "opening a session on {headset}"),
            Self::Streaming => f.write_str("streaming"),
            Self::Watching => f.write_str("watching"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}
