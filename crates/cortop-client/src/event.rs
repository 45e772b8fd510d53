//! What the client reports to the application.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

use super::{CommandId, SessionMode, clock::ClockOffset};
use cortop_protocol::{
    Error, Headset, HeadsetId, Marker, Method, Profile, RecordEvent, RecordId, Session, SessionId,
    Stream, Warning,
    account::{CortexInfo, Licence, UserLogin},
    mapping::StoredMapping,
    profile::LoadedProfile,
    record::RecordList,
    secrets::Secrets,
};

/// About how long a scan takes (§2.5).
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
    /// All headsets that the service sees now.
    Headsets(Vec<Headset>),
    /// A scan for headsets began (`true`) or ended.
    Scan(bool),
    /// Headset settings, name or headband position were changed; a list that shows the change
    /// follows.
    Updated(HeadsetId),
    /// The clock of a headset was measured (§2.9).
    Clock {
        /// The headset.
        headset: HeadsetId,
        /// How far its clock is from ours.
        clock: ClockOffset,
    },
    /// The Flex mappings that Cortex keeps.
    Mappings(Vec<StoredMapping>),
    /// All live sessions of this application, including those of its other programs.
    Sessions(Vec<Session>),
    /// Cortex did not answer when asked for the sessions: what is known of them dates from this
    /// moment.
    SessionsAsOf(Instant),
    /// A session of ours appeared or changed.
    Session(Session),
    /// A session was opened, resumed or adopted.
    Opened {
        /// The session.
        session: SessionId,
        /// With or without a licence.
        mode: SessionMode,
        /// Why in this mode, in one sentence, such as `the licence has no scope eeg`.
        why: String,
        /// Whether another program of this application opened it, so that cortop only follows it.
        foreign: bool,
    },
    /// A session that replaces a lost one is about to be activated, which uses an activation of the
    /// licence without asking.
    Activating {
        /// The headset.
        headset: HeadsetId,
        /// Activations that this client has used so far.
        used: u64,
        /// Activations left on this computer, if known.
        left: Option<f64>,
    },
    /// A session was activated for this client.
    Activated {
        /// Activations that this client has used so far.
        used: u64,
    },
    /// cortop no longer follows another program's session, which continues.
    Released {
        /// The session.
        session: SessionId,
        /// Why, in one sentence.
        why: String,
    },
    /// A session is gone. If Cortex reported its last state, an [`Event::Session`] came before.
    Closed {
        /// The session.
        session: SessionId,
        /// Why, in one sentence: closed by us or by Cortex, or lost with its headset or connection.
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
        /// The streams that the program which opened the session has subscribed to: their samples
        /// go there.
        theirs: Vec<Stream>,
        /// The streams that were refused, each with its reason and next step.
        refused: Vec<(Stream, Error)>,
    },
    /// Streams were unsubscribed at the user's request.
    Unsubscribed {
        /// The session.
        session: SessionId,
        /// The streams that no longer run.
        streams: Vec<Stream>,
    },
    /// A record was started, changed, stopped or otherwise affected.
    Record(RecordEvent),
    /// The newest records.
    Records(RecordList),
    /// A marker was set, or became an interval.
    Marker {
        /// The session.
        session: SessionId,
        /// The record.
        record: RecordId,
        /// The marker as Cortex keeps it.
        marker: Marker,
    },
    /// The stored profiles.
    Profiles(Vec<Profile>),
    /// Which profile a headset uses, if any.
    Profile {
        /// The headset.
        headset: HeadsetId,
        /// The profile.
        loaded: Option<LoadedProfile>,
    },
    /// Cortex sent a warning.
    Warning(Warning),
    /// A request was refused or went unanswered.
    Refused(Error),
    /// A headset is stuck at a refusal on its way to streaming, or no longer is.
    Stopped {
        /// The headset.
        headset: HeadsetId,
        /// The refusal, while it is stuck.
        refusal: Option<Error>,
    },
    /// How a command with an id ended. Its refusal is reported only here.
    Outcome {
        /// The command.
        command: CommandId,
        /// Whether it was carried out.
        outcome: Result<(), Error>,
    },
}

impl Event {
    /// The session that the event is about.
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

    /// Logs what a reader of the log wants to know; leaves out what is polled again and again. `of`
    /// is the prefix that names the headset of its session. Removes credentials, which Cortex may
    /// have echoed in a text.
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
            Self::Released { session, why } => {
                info!("{of}session {session} continues without cortop: {why}");
            }
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
            // The link logs and counts warnings; the connection logs each headset that starts to
            // stream.
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
    /// The last attempt failed; the next one is due at `at`.
    Waiting {
        /// Why, and the next step; its kind says what prevented the connection.
        error: Error,
        /// When the next attempt is due.
        at: Instant,
        /// How many attempts have failed.
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
    /// TLS to this machine, unchecked at the user's request.
    Unchecked,
    /// Plain text to this machine.
    Plain,
}

/// How far the flow from connection to streaming (§2) has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionStep {
    /// Asking for the service's version.
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
    /// Listing the headsets.
    Listing,
    /// No headset has been found yet.
    Searching,
    /// There are headsets, but none is chosen.
    Choosing,
    /// There are headsets, but not the one that is wanted.
    Missing(HeadsetId),
    /// A headset is being connected.
    Connecting(HeadsetId),
    /// A session is being opened.
    Opening(HeadsetId),
    /// At least one stream is running.
    Streaming,
    /// Following another program's session, in which no stream is ours.
    Watching,
    /// Stopped at a refusal that only the user can fix; the last [`Event::Refused`] says which.
    Stopped,
}

impl ConnectionStep {
    /// The methods that it repeats or waits for until one of them is answered as needed.
    const fn awaits(&self) -> &'static [Method] {
        match self {
            Self::Greeting => &[
                Method::GetCortexInfo,
                Method::GetUserLogin,
                Method::HasAccessRight,
                Method::RequestAccess,
            ],
            Self::Login | Self::OtherUser => &[Method::GetUserLogin],
            Self::Approval => &[Method::HasAccessRight, Method::RequestAccess],
            Self::Agreement => &[Method::GetUserInformation],
            Self::Authorizing => &[Method::Authorize],
            Self::Listing | Self::Searching | Self::Choosing | Self::Missing(_) => {
                &[Method::QueryHeadsets]
            }
            Self::Connecting(_) => &[Method::ControlDevice],
            Self::Opening(_) => &[Method::CreateSession, Method::Subscribe],
            Self::Streaming | Self::Watching | Self::Stopped => &[],
        }
    }

    /// Whether this refusal keeps the step from being passed.
    #[must_use]
    pub fn is_held_up_by(&self, refusal: &Error) -> bool {
        refusal.method.is_some_and(|method| self.awaits().contains(&method))
    }
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
