//! What the application asks of the client. What cannot be carried out is answered with
//! [`Event::Refused`](super::Event::Refused), or, where the command has an id, with an
//! [`Event::Outcome`](super::Event::Outcome) that carries it.

use jiff::Timestamp;
use tokio::time::Instant;

use super::SessionMode;
use cortop_protocol::{
    HeadsetId, MarkerId, RecordId, SessionId, Stream,
    marker::MarkerValue,
    record::{Export, NewRecord, RecordChange},
    settings::{Connecting, CustomInfo, Setting},
};

/// Identifies one command. The application chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What the application asks of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Carry out a command, and report how it ended under this id:
    /// [`Event::Outcome`](super::Event::Outcome). One about the connection or about how a headset
    /// comes to its session (connect, open, call off, adopt, disconnect, scan, quit) has no end
    /// that could be reported.
    Tracked {
        /// Its id.
        id: CommandId,
        /// What to carry out.
        command: Box<Command>,
    },
    /// Try again now what waits: the connection, signing in, a headset that was refused.
    Connect,
    /// Connect the headset if need be, open a session and subscribe. A session of this application
    /// that lives on it already is adopted instead, as it is.
    Open {
        /// On which.
        headset: HeadsetId,
        /// In which mode; `None`: as configured, or as the lost session was that this one replaces.
        mode: Option<SessionMode>,
    },
    /// Stop trying to open a session on a headset.
    CallOff(HeadsetId),
    /// Activate an open session (debits the licence).
    Activate(SessionId),
    /// Move activations from the licence to this computer (`debit` of `authorize`, §2.4), then
    /// activate an open session with one of them. Its outcome is that of moving them.
    Debit {
        /// The session.
        session: SessionId,
        /// How many to move.
        activations: u32,
    },
    /// Close a session, also one that another program of this application opened.
    Close(SessionId),
    /// Look at a session that another program of this application has opened.
    Adopt(SessionId),
    /// Look no longer at another program's session: what cortop subscribed in it is unsubscribed,
    /// and it goes on.
    Release(SessionId),
    /// Subscribe more streams of a session. They stay wanted on its headset, also after a loss of
    /// the connection.
    Subscribe(SessionId, Vec<Stream>),
    /// Give up streams of a session, for later sessions on its headset too.
    Unsubscribe(SessionId, Vec<Stream>),
    /// Disconnect the headset.
    Disconnect(HeadsetId),
    /// Scan for headsets: about [`SCAN`](super::event::SCAN) long.
    Scan {
        /// Even while streams are running, which a scan disturbs.
        anyway: bool,
    },
    /// Something else about a headset.
    Headset(HeadsetCommand),
    /// Something about records.
    Record(RecordCommand),
    /// Something about the markers of a running record.
    Marker(MarkerCommand),
    /// Something about profiles.
    Profile(ProfileCommand),
    /// Close the sessions that cortop opened and the socket, then end.
    Quit,
}

/// About a headset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadsetCommand {
    /// Connect it without opening a session. How, is remembered for later connections, but for a
    /// cable.
    Connect(HeadsetId, Connecting),
    /// Change mode and rates of one on a USB cable: [`Event::Updated`](super::Event::Updated).
    Set(HeadsetId, Setting),
    /// Change name or headband position: [`Event::Updated`](super::Event::Updated).
    SetInfo(HeadsetId, CustomInfo),
    /// List the stored Flex mappings: [`Event::Mappings`](super::Event::Mappings).
    ListMappings,
    /// Measure its clock now and, if `true`, each minute while it has a session, as is done while a
    /// record runs: [`Event::Clock`](super::Event::Clock).
    MeasureClock(HeadsetId, bool),
}

/// About records; the outcome is an [`Event::Record`](super::Event::Record).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordCommand {
    /// Start one in an activated session.
    Start(SessionId, NewRecord),
    /// Stop the one that runs in a session.
    Stop(SessionId),
    /// Change title, description or tags.
    Update(RecordId, RecordChange),
    /// Delete one for good.
    Delete(RecordId),
    /// Write one to files.
    Export(RecordId, Export),
    /// List the newest ones: [`Event::Records`](super::Event::Records).
    List,
}

/// About markers; the outcome is an [`Event::Marker`](super::Event::Marker).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkerCommand {
    /// Mark a moment in the record that runs in a session.
    Mark {
        /// Of which session.
        session: SessionId,
        /// What it is.
        label: String,
        /// Its value.
        value: MarkerValue,
        /// When the key was pressed.
        at: Moment,
    },
    /// Make an interval of an instance.
    End {
        /// Of which session.
        session: SessionId,
        /// Which one.
        marker: MarkerId,
        /// When the key was pressed.
        at: Moment,
    },
}

/// About profiles; the outcome is an [`Event::Profile`](super::Event::Profile).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileCommand {
    /// List them ([`Event::Profiles`](super::Event::Profiles)), and who holds which.
    List,
    /// Load one, in place of the one that this application has loaded.
    Load(HeadsetId, String),
    /// Unload the one that is loaded.
    Unload(HeadsetId),
}

/// A moment by both clocks of this computer: which one a marker needs depends on its headset
/// (§2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the calendar.
    pub wall: Timestamp,
    /// By the clock that only goes forward.
    pub instant: Instant,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: Timestamp::now(), instant: Instant::now() }
    }
}
