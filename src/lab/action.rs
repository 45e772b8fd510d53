//! The table of this screen's keys, from which the footer and the help are made.

use crate::app::Key;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabAction {
    /// Opens the station of the selected row.
    Open,
    /// Returns to all stations.
    Back,
    /// Moves up one row.
    Up,
    /// Moves down one row.
    Down,
    /// Moves up one page.
    PageUp,
    /// Moves down one page.
    PageDown,
    /// Moves to the first row.
    First,
    /// Moves to the last row.
    Last,
    /// Sorts by the next column.
    Sort,
    /// Shows only the rows that contain a word.
    Filter,
    /// Moves the focus to the log, or back.
    Pane,
    /// Scrolls to older lines of the log.
    Older,
    /// Scrolls to newer lines of the log.
    Newer,
    /// Sends a marker to all stations.
    Mark,
    /// Switches to the next theme.
    Theme,
    /// Shows all keys.
    Help,
    /// Redraws everything.
    Redraw,
    /// Suspends the program and returns to the shell.
    Suspend,
    /// Quits.
    Quit,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct LabBinding {
    /// The action.
    pub action: LabAction,
    /// Its keys.
    pub keys: &'static [Key],
    /// The text in the help.
    pub help: &'static str,
    /// The word in the footer, if it is shown there.
    pub hint: Option<&'static str>,
}

const fn row(
    action: LabAction,
    keys: &'static [Key],
    help: &'static str,
    hint: Option<&'static str>,
) -> LabBinding {
    LabBinding { action, keys, help, hint }
}

/// All keys, in the order of the help.
#[rustfmt::skip]
pub static TABLE: &[LabBinding] = &[
    row(LabAction::Open, &[Key::ENTER], "the station of the selected row: its headsets, contact, ten minutes", Some("open")),
    row(LabAction::Back, &[Key::ESC], "back from the log; to all stations; without the filter", None),
    row(LabAction::Sort, &[Key::char('s')], "sort by the next column, the worst first", Some("sort")),
    row(LabAction::Filter, &[Key::char('/')], "only rows with a word: a station, a headset, a state", Some("filter")),
    row(LabAction::Mark, &[Key::char('m')], "a marker to all stations that accept markers", Some("marker")),
    row(LabAction::Pane, &[Key::TAB, Key::BACK_TAB], "the log with whole lines, in which these move; and back", Some("log")),
    row(LabAction::Up, &[Key::UP, Key::char('k')], "a row up", None),
    row(LabAction::Down, &[Key::DOWN, Key::char('j')], "a row down", None),
    row(LabAction::PageUp, &[Key::PAGE_UP], "ten rows up", None),
    row(LabAction::PageDown, &[Key::PAGE_DOWN], "ten rows down", None),
    row(LabAction::First, &[Key::HOME], "the first row", None),
    row(LabAction::Last, &[Key::END], "the last row; in the log, what comes", None),
    row(LabAction::Older, &[Key::char('[')], "an older line of the log", None),
    row(LabAction::Newer, &[Key::char(']')], "a newer line of the log", None),
    row(LabAction::Theme, &[Key::char('t')], "next theme", None),
    row(LabAction::Help, &[Key::char('?')], "all keys", Some("help")),
    row(LabAction::Redraw, &[Key::ctrl('l')], "redraw the whole screen", None),
    row(LabAction::Suspend, &[Key::ctrl('z')], "suspend; fg resumes", None),
    row(LabAction::Quit, &[Key::char('q'), Key::ctrl('c')], "end", Some("quit")),
];
