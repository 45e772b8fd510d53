//! The messages the state machine receives, and the effects it returns.

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

/// The output to the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Bytes per second.
    pub bytes: f64,
    /// Frames drawn per second.
    pub frames: f64,
    /// Whether frames are held back by `--max-rate` or a slow terminal.
    pub held_back: bool,
}

/// A mouse event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseInput {
    /// The left button was pressed.
    Click,
    /// The wheel turned away from the user.
    WheelUp,
    /// The wheel turned towards the user.
    WheelDown,
}

/// What is under the mouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MouseTarget {
    /// A pane, at a spot where nothing can be selected.
    Pane(Pane),
    /// A headset.
    Headset(HeadsetId),
    /// A field of the session.
    Field(SessionField),
    /// A channel, by its position among those shown; in a frozen picture, also the absolute index of the
    /// sample.
    Channel(usize, Option<u64>),
    /// A stream in the inspector's list.
    Inspected(Stream),
    /// A sensor on the head or in the contact table, by name.
    Sensor(String),
    /// A line of the log, by the time it was written.
    LogLine(Timestamp),
    /// A target in the log's list, by index.
    LogTarget(usize),
    /// The open dialog, away from its entries, or anything it covers.
    Dialog,
    /// An entry of the open dialog: an item of a list, by its index among those that match, or a field of a
    /// form.
    DialogEntry(usize),
    /// The open help.
    Help,
    /// A key hint in the footer.
    Footer(Action),
}

/// The settings that take effect when the configuration is read again, and a report.
#[derive(Clone, Debug)]
pub struct ReloadedSettings {
    /// The keys in force.
    pub keymap: Keymap,
    /// The labels of the markers 1 to 9.
    pub markers: Vec<String>,
    /// What is alerted about.
    pub alerts: AlertSettings,
    /// Requested frames per second.
    pub fps: u16,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The theme to show, if it changed.
    pub theme: Option<String>,
    /// Whether the mouse is on, if that changed.
    pub mouse: Option<bool>,
    /// Whether to try again at once to connect and to sign in.
    pub reconnect: bool,
    /// What changed, what takes effect later, and what is wrong, one sentence each.
    pub report: Vec<String>,
}

/// A message to the state machine.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "messages are handed over, never stored")]
pub enum Message {
    /// Time has passed.
    Tick(Moment),
    /// A key was pressed.
    Key(Key),
    /// An action, whichever key it has.
    Action(Action),
    /// A mouse event and what is under the mouse.
    Mouse(MouseTarget, MouseInput),
    /// Text was pasted.
    Paste(String),
    /// An event of the client.
    Cortex(Event),
    /// The client has ended; no more events will come.
    ClientEnded,
    /// A new snapshot of the signals.
    Snapshot(Arc<Snapshot>),
    /// The recent output to the terminal.
    Throughput(Throughput),
    /// The configuration was read again, or the error that prevented it, in which case nothing has changed.
    Reloaded(Result<Box<ReloadedSettings>, String>),
    /// What is being served over LSL.
    Lsl(Option<LslState>),
    /// What is being recorded to files, or why the recording has ended.
    Recorder(Result<Option<RecorderState>, String>),
    /// The state of the playback of a capture.
    Playback(PlaybackState),
    /// The state of the capture being written, if there is one.
    Capture(Option<CaptureState>),
    /// The state of the station that runs with the monitor.
    Station(StationStatus),
    /// Another program has set a marker.
    OutsideMarker(OutsideMarker),
    /// A problem to notify the user of, such as a command that found the client busy.
    Notice(String),
    /// Files that a form named could not be started, and why.
    NotStarted(String),
}

/// What the state machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this command to the client.
    Command(Command),
    /// Serve the streams of this headset over LSL, or of none.
    Lsl(Option<HeadsetId>),
    /// Record to files, or stop recording.
    Recorder(Option<Box<RecorderOptions>>),
    /// Send this command to the player of a capture.
    Playback(PlaybackCommand),
    /// Capture what crosses the socket to this file, or stop capturing.
    Capture(Option<PathBuf>),
    /// Put a marker among the samples of a session, but not into its record; or turn an existing one into an
    /// interval.
    Mark {
        /// The session.
        session: SessionId,
        /// Its id, if it is in a record.
        id: Option<MarkerId>,
        /// When it was set, by the headset's clock.
        time: Timestamp,
        /// When it ended.
        end: Option<Timestamp>,
        /// Its text.
        text: MarkerText,
    },
    /// Put this on the clipboard of the user's terminal.
    Copy(String),
    /// Have the terminal report mouse events, or stop.
    Mouse(bool),
    /// Read the configuration and the themes again.
    Reload,
    /// Ring the terminal's bell.
    Bell,
    /// Have the terminal show a desktop notification with this text.
    Notification(NotificationProtocol, String),
    /// Run the user's program with its arguments, and these variables in its environment.
    AlertCommand(Vec<String>, Vec<(&'static str, String)>),
    /// Quit.
    Quit,
    /// Release the terminal until `fg`.
    Suspend,
    /// Redraw the whole screen.
    Redraw,
}
