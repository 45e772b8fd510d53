//! The one table of keys of this screen: footer and help come from it.

use super::TrafficPane;
use crate::app::Key;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficAction {
    /// The next pane.
    NextPane,
    /// The previous pane.
    PreviousPane,
    /// A pane.
    Focus(TrafficPane),
    /// The focused pane on the whole screen, and back.
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
    /// A fault, as a scenario spells it.
    Fault(&'static str),
    /// The next theme.
    Theme,
    /// All keys.
    Help,
    /// Redraw everything.
    Redraw,
    /// Give the terminal to the shell.
    Suspend,
    /// End.
    Quit,
}

impl TrafficAction {
    /// Whether it has something go wrong, which a real service does by itself.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Faults | Self::Fault(_))
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct TrafficBinding {
    /// What it does.
    pub action: TrafficAction,
    /// Its keys.
    pub keys: &'static [Key],
    /// The text in the help.
    pub help: &'static str,
    /// The word in the footer, where it is worth a place there.
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
    row(TrafficAction::Fault("drop = {}"), &[Key::char('d')], "fault: the connection ends without a word", Some("drop")),
    row(TrafficAction::Fault("stall = { seconds = 5 }"), &[Key::char('s')], "fault: no samples for 5 s", Some("stall")),
    row(TrafficAction::Fault("lose = { count = 3 }"), &[Key::char('l')], "fault: three samples are lost", Some("lose")),
    row(TrafficAction::Fault("not-ready = { seconds = 5 }"), &[Key::char('n')], "fault: -32152 for 5 s, also after each connection", None),
    row(TrafficAction::Fault("expire-tokens = {}"), &[Key::char('e')], "fault: all tokens run out", None),
    row(TrafficAction::Fault("headset-gone = {}"), &[Key::char('g')], "fault: the headsets go out of reach", None),
    row(TrafficAction::Fault("headset-back = {}"), &[Key::char('b')], "the headsets come back", None),
    row(TrafficAction::Fault("clear = {}"), &[Key::char('c')], "every fault that lasts is over", Some("clear")),
    row(TrafficAction::Up, &[Key::UP, Key::char('k')], "a row up, or the client before", None),
    row(TrafficAction::Down, &[Key::DOWN, Key::char('j')], "a row down, or the next client: faults hit it alone", None),
    row(TrafficAction::Earlier, &[Key::PAGE_UP], "a page up", None),
    row(TrafficAction::Later, &[Key::PAGE_DOWN], "a page down", None),
    row(TrafficAction::Oldest, &[Key::HOME], "the oldest row", None),
    row(TrafficAction::Newest, &[Key::END], "the newest row, and follow", None),
    row(TrafficAction::NextPane, &[Key::TAB], "next pane", None),
    row(TrafficAction::PreviousPane, &[Key::BACK_TAB], "previous pane", None),
    row(TrafficAction::Focus(TrafficPane::Clients), &[Key::char('1')], "clients pane", None),
    row(TrafficAction::Focus(TrafficPane::Requests), &[Key::char('2')], "requests pane", None),
    row(TrafficAction::Focus(TrafficPane::Advice), &[Key::char('3')], "advice pane", None),
    row(TrafficAction::Zoom, &[Key::char('z')], "focused pane on the whole screen, and back", Some("zoom")),
    row(TrafficAction::Theme, &[Key::char('t')], "next theme", None),
    row(TrafficAction::Help, &[Key::char('?')], "all keys", Some("help")),
    row(TrafficAction::Redraw, &[Key::ctrl('l')], "redraw the whole screen", None),
    row(TrafficAction::Suspend, &[Key::ctrl('z')], "suspend; fg resumes", None),
    row(TrafficAction::Quit, &[Key::char('q'), Key::ctrl('c')], "end", Some("quit")),
];
