//! What the application asks of the client. A command that cannot be carried out is answered with
//! [`Event::Refused`](super::Event::Refused) or, if it has an id, with an
//! [`Event::Outcome`](super::Event::Outcome) that carries the refusal.

use jiff::Timestamp;
use tokio::time::Instant;

use super::SessionMode;
use cortop_protocol::{
    HeadsetId, MarkerId, RecordId, SessionId, Stream,
    marker::MarkerValue,
    record::{Export, NewRecord, RecordChange},
    settings::{Connecting, CustomInfo, Setting},
};

/// Identifies one command. Chosen by the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What the application asks of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Carry out a command and report how it ended under this id:
    /// [`Event::Outcome`](super::Event::Outcome). Commands about the connection, or about how a
    /// headset gets its session (connect, open, call off, adopt, disconnect, scan, quit), have no
    /// end to report.
    Tracked {
        /// Its id.
        id: CommandId,
        /// What to carry out.
        command: Box<Command>,
    },
    /// Retry now whatever waits: the connection, signing in, a refused headset.
    Connect,
    /// Connect the headset if need be, open a session and subscribe. If the headset already has a
    /// session of this application, adopt that one as it is.
    Open {
        /// The headset.
        headset: HeadsetId,
        /// The mode; `None`: as configured, or that of the lost session that this one replaces.
        mode: Option<SessionMode>,
    },
    /// Stop trying to open a session on a headset.
    CallOff(HeadsetId),
    /// Activate an open session (debits the licence).
    Activate(SessionId),
    /// Move activations from the licence to this computer (`debit` of `authorize`, §2.4), then
    /// activate an open session with one of them. The outcome is that of the move.
    Debit {
        /// The session.
        session: SessionId,
        /// How many to move.
        activations: u32,
    },
    /// Close a session, also one that another program of this application opened.
    Close(SessionId),
    /// Follow a session that another program of this application has opened.
    Adopt(SessionId),
    /// Stop following another program's session: unsubscribe what cortop subscribed in it, and
    /// leave it running.
    Release(SessionId),
    /// Subscribe to more streams of a session. They stay wanted on its headset, even after the
    /// connection was lost.
    Subscribe(SessionId, Vec<Stream>),
    /// Unsubscribe from streams of a session, and no longer want them in later sessions on its
    /// headset.
    Unsubscribe(SessionId, Vec<Stream>),
    /// Disconnect the headset.
    Disconnect(HeadsetId),
    /// Scan for headsets, for about [`SCAN`](super::event::SCAN).
    Scan {
        /// Even while streams are running, which a scan disturbs.
        anyway: bool,
    },
    /// Any other command about a headset.
    Headset(HeadsetCommand),
    /// A command about records.
    Record(RecordCommand),
    /// A command about the markers of a running record.
    Marker(MarkerCommand),
    /// A command about profiles.
    Profile(ProfileCommand),
    /// Close the sessions that cortop opened and the socket, then end.
    Quit,
}

/// A command about a headset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadsetCommand {
    /// Connect it without opening a session. The way of connecting is remembered for later
    /// connections, except for a cable.
    Connect(HeadsetId, Connecting),
    /// Change the mode and rates of a headset on a USB cable:
    /// [`Event::Updated`](super::Event::Updated).
    Set(HeadsetId, Setting),
    /// Change its name or headband position: [`Event::Updated`](super::Event::Updated).
    SetInfo(HeadsetId, CustomInfo),
    /// List the stored Flex mappings: [`Event::Mappings`](super::Event::Mappings).
    ListMappings,
    /// Measure its clock now and, if `true`, every minute while it has a session, as is done while
    /// a record runs: [`Event::Clock`](super::Event::Clock).
    MeasureClock(HeadsetId, bool),
}

/// A command about records; its outcome is an [`Event::Record`](super::Event::Record).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordCommand {
    /// Start a record in an activated session.
    Start(SessionId, NewRecord),
    /// Stop the record that runs in a session.
    Stop(SessionId),
    /// Change title, description or tags.
    Update(RecordId, RecordChange),
    /// Delete a record permanently.
    Delete(RecordId),
    /// Export a record to files.
    Export(RecordId, Export),
    /// List the newest records: [`Event::Records`](super::Event::Records).
    List,
}

/// A command about markers; its outcome is an [`Event::Marker`](super::Event::Marker).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkerCommand {
    /// Mark a moment in the record that runs in a session.
    Mark {
        /// The session.
        session: SessionId,
        /// The marker's label.
        label: String,
        /// The marker's value.
        value: MarkerValue,
        /// When the key was pressed.
        at: Moment,
    },
    /// Turn an instance marker into an interval.
    End {
        /// The session.
        session: SessionId,
        /// The marker.
        marker: MarkerId,
        /// When the key was pressed.
        at: Moment,
    },
}

/// A command about profiles; its outcome is an [`Event::Profile`](super::Event::Profile).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileCommand {
    /// List them ([`Event::Profiles`](super::Event::Profiles)), and report the profile of each
    /// connected headset ([`Event::Profile`](super::Event::Profile)).
    List,
    /// Load a profile in place of the one that this application has loaded.
    Load(HeadsetId, String),
    /// Unload the loaded profile.
    Unload(HeadsetId),
}

/// A moment by both clocks of this computer: which one a marker needs depends on its headset
/// (§2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock.
    pub wall: Timestamp,
    /// By the monotonic clock.
    pub instant: Instant,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: Timestamp::now(), instant: Instant::now() }
    }
}
