//! What reaches the state machine, and what it asks to be done.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;

use super::{
    Action, AlertSettings, Key, Keymap, NotificationProtocol, Pane, SessionField, StationStatus,
};
use crate::{
    exchange::{LslState, OutsideMarker},
    playback::{PlaybackCommand, PlaybackState},
};
use cortop_client::{
    Command, Event, HeadsetId, MarkerId, Moment, SessionId, Stream, marker::MarkerText,
};
use cortop_files::{
    capture::CaptureState,
    recorder::{RecorderOptions, RecorderState},
};
use cortop_signal::Snapshot;

/// What goes to the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Bytes a second.
    pub bytes: f64,
    /// Frames a second drawn.
    pub frames: f64,
    /// Whether frames are held back by `--max-rate` or a slow terminal.
    pub held_back: bool,
}

/// What a mouse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseInput {
    /// Its left button is pressed.
    Click,
    /// Its wheel turns away from the user.
    WheelUp,
    /// Its wheel turns towards the user.
    WheelDown,
}

/// What the mouse is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MouseTarget {
    /// A pane, away from anything that could be selected.
    Pane(Pane),
    /// A headset.
    Headset(HeadsetId),
    /// A field of the session.
    Field(SessionField),
    /// A channel, by its position among those shown; in a frozen picture, the absolute index of the
    /// sample too.
    Channel(usize, Option<u64>),
    /// A stream in the list of the inspector.
    Inspected(Stream),
    /// A sensor on the head or in the table of contact, by its name.
    Sensor(String),
    /// A line of the log, by when it was written.
    LogLine(Timestamp),
    /// A target in the list of the log, by its place.
    LogTarget(usize),
    /// The open dialog, away from its entries, or what it covers.
    Dialog,
    /// An entry of the open dialog: an item of a list, by its place among those that match, or a field
    /// of a form.
    DialogEntry(usize),
    /// The open help.
    Help,
    /// A key of the footer.
    Footer(Action),
}

/// The settings that a new reading of the configuration changes at once, and what there is to say.
#[derive(Clone, Debug)]
pub struct ReloadedSettings {
    /// The keys in force.
    pub keymap: Keymap,
    /// The labels of the markers 1 to 9.
    pub markers: Vec<String>,
    /// What is alerted about.
    pub alerts: AlertSettings,
    /// Frames a second asked for.
    pub fps: u16,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The theme to show, if that was changed.
    pub theme: Option<String>,
    /// Whether the mouse is used, if that was changed.
    pub mouse: Option<bool>,
    /// What changed, what takes effect later, and what is odd: a sentence each.
    pub report: Vec<String>,
}

/// What reaches the state machine.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "messages are handed over, never stored")]
pub enum Message {
    /// Time went on.
    Tick(Moment),
    /// A key was pressed.
    Key(Key),
    /// An action, whatever key it has.
    Action(Action),
    /// The mouse was used on something.
    Mouse(MouseTarget, MouseInput),
    /// Text was pasted.
    Paste(String),
    /// Something from the client.
    Cortex(Event),
    /// The client has ended; nothing will come any more.
    ClientEnded,
    /// A new picture of the signals.
    Snapshot(Arc<Snapshot>),
    /// What went to the terminal lately.
    Throughput(Throughput),
    /// The configuration has been read again, or why it could not be: then nothing has changed.
    Reloaded(Result<Box<ReloadedSettings>, String>),
    /// What is served by LSL now.
    Lsl(Option<LslState>),
    /// What is recorded to files now, or why that has ended.
    Recorder(Result<Option<RecorderState>, String>),
    /// How a capture is being played.
    Playback(PlaybackState),
    /// How the capture stands that is being written, if one is.
    Capture(Option<CaptureState>),
    /// How the station beside the monitor stands.
    Station(StationStatus),
    /// Another program has set a marker.
    OutsideMarker(OutsideMarker),
    /// A problem to notify the user of, such as a command that found the client busy.
    Notice(String),
}

/// What the state machine asks to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Hand this to the client.
    Command(Command),
    /// Serve the streams of this headset by LSL, or none.
    Lsl(Option<HeadsetId>),
    /// Record to files, or stop.
    Recorder(Option<Box<RecorderOptions>>),
    /// Ask this of the player of a capture.
    Playback(PlaybackCommand),
    /// Write what crosses the socket to this file, or to none any more.
    Capture(Option<PathBuf>),
    /// Put a marker among the samples of a session, but not into its record; or make an interval of
    /// one that is there.
    Mark {
        /// Which session.
        session: SessionId,
        /// The id that it has in a record.
        id: Option<MarkerId>,
        /// When it was set, by the clock of its headset.
        time: Timestamp,
        /// When it ended.
        end: Option<Timestamp>,
        /// What it says.
        text: MarkerText,
    },
    /// Put this on the clipboard of whoever sits at the terminal.
    Copy(String),
    /// Have the terminal report what the mouse does, or not.
    Mouse(bool),
    /// Read the configuration and the themes again.
    Reload,
    /// Ring the terminal's bell.
    Bell,
    /// Have the terminal show a desktop notification with this text.
    Notification(NotificationProtocol, String),
    /// Run the user's program with its arguments, and these variables in its environment.
    AlertCommand(Vec<String>, Vec<(&'static str, String)>),
    /// Leave.
    Quit,
    /// Give the terminal back until `fg`.
    Suspend,
    /// Redraw the whole screen.
    Redraw,
}
