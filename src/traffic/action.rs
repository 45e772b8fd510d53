//! The single table of keys of this screen: footer and help are generated from it.

use super::TrafficPane;
use crate::app::Key;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficAction {
    /// The next pane.
    NextPane,
    /// The previous pane.
    PreviousPane,
    /// Focus a pane.
    Focus(TrafficPane),
    /// Toggle the focused pane between its place and the whole screen.
    Zoom,
    /// A row up.
    Up,
    /// A row down.
    Down,
    /// A page up.
    Earlier,
    /// A page down.
    Later,
    /// The oldest row.
    Oldest,
    /// The newest row.
    Newest,
    /// The list of all faults.
    Faults,
    /// A fault, in the spelling of scenarios.
    Fault(&'static str),
    /// The next theme.
    Theme,
    /// All keys.
    Help,
    /// Redraw everything.
    Redraw,
    /// Release the terminal to the shell.
    Suspend,
    /// Quit.
    Quit,
}

impl TrafficAction {
    /// Whether it injects a fault, which a real service does not allow.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Faults | Self::Fault(_))
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct TrafficBinding {
    /// The action.
    pub action: TrafficAction,
    /// Its keys.
    pub keys: &'static [Key],
    /// The text in the help.
    pub help: &'static str,
    /// The word in the footer; `None` if the footer does not show it.
    pub hint: Option<&'static str>,
}

const fn row(
    action: TrafficAction,
    keys: &'static [Key],
    help: &'static str,
    hint: Option<&'static str>,
) -> TrafficBinding {
    TrafficBinding { action, keys, help, hint }
}

/// All keys, in the order of the help.
#[rustfmt::skip]
pub static TABLE: &[TrafficBinding] = &[
    row(TrafficAction::Faults, &[Key::char(':')], "any fault by its name", Some("faults")),
    row(TrafficAction::Fault("drop = {}"), &[Key::char('d')], "drop the connection", Some("drop")),
    row(TrafficAction::Fault("stall = { seconds = 5 }"), &[Key::char('s')], "no samples for 5 s", Some("stall")),
    row(TrafficAction::Fault("lose = { count = 3 }"), &[Key::char('l')], "lose three samples", Some("lose")),
    row(TrafficAction::Fault("not-ready = { seconds = 5 }"), &[Key::char('n')], "headset not ready for 5 s", None),
    row(TrafficAction::Fault("expire-tokens = {}"), &[Key::char('e')], "all tokens run out", None),
    row(TrafficAction::Fault("headset-gone = {}"), &[Key::char('g')], "headsets out of reach", None),
    row(TrafficAction::Fault("headset-back = {}"), &[Key::char('b')], "headsets come back", None),
    row(TrafficAction::Fault("clear = {}"), &[Key::char('c')], "end all lasting faults", Some("clear")),
    row(TrafficAction::Up, &[Key::UP, Key::char('k')], "row up, or client before", None),
    row(TrafficAction::Down, &[Key::DOWN, Key::char('j')], "row down, or next client", None),
    row(TrafficAction::Earlier, &[Key::PAGE_UP], "page up", None),
    row(TrafficAction::Later, &[Key::PAGE_DOWN], "page down", None),
    row(TrafficAction::Oldest, &[Key::HOME], "oldest row", None),
    row(TrafficAction::Newest, &[Key::END], "newest row, and follow", None),
    row(TrafficAction::NextPane, &[Key::TAB], "next pane", None),
    row(TrafficAction::PreviousPane, &[Key::BACK_TAB], "previous pane", None),
    row(TrafficAction::Focus(TrafficPane::Clients), &[Key::char('1')], "clients pane", None),
    row(TrafficAction::Focus(TrafficPane::Requests), &[Key::char('2')], "requests pane", None),
    row(TrafficAction::Focus(TrafficPane::Advice), &[Key::char('3')], "advice pane", None),
    row(TrafficAction::Zoom, &[Key::char('z')], "zoom the focused pane", Some("zoom")),
    row(TrafficAction::Theme, &[Key::char('t')], "next theme", None),
    row(TrafficAction::Help, &[Key::char('?')], "all keys", Some("help")),
    row(TrafficAction::Redraw, &[Key::ctrl('l')], "redraw the whole screen", None),
    row(TrafficAction::Suspend, &[Key::ctrl('z')], "suspend; fg resumes", None),
    row(TrafficAction::Quit, &[Key::char('q'), Key::ctrl('c')], "end", Some("quit")),
];
