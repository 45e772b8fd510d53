//! The four panes.

/// A pane, in the order of the keys that focus them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// 1
    Headsets,
    /// 2
    Session,
    /// 3
    Streams,
    /// 4
    Log,
}

impl Pane {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Headsets, Self::Session, Self::Streams, Self::Log];

    /// The name in the help and before the dot in the config's `[keys]`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Headsets => "headsets",
            Self::Session => "session",
            Self::Streams => "streams",
            Self::Log => "log",
        }
    }

    pub(super) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub(super) fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}
