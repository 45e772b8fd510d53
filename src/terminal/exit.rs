//! Why the event loop ends, and the exit status that follows. Knows nothing of the loop.

/// Why the event loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user quit, or the client ended.
    Quit,
    /// A signal of this number.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
    /// A thread or task panicked; its report has been printed.
    Panicked,
}

impl Exit {
    /// The exit status of the process, as the help lists them.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::TerminalGone => 1,
            Self::Panicked => 101,
            Self::Signal(number) => u8::try_from(number).map_or(u8::MAX, |n| n.saturating_add(128)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_help() {
        let codes = [Exit::Quit, Exit::TerminalGone, Exit::Panicked, Exit::Signal(15)];
        assert_eq!(codes.map(Exit::code), [0, 1, 101, 143]);
    }
}
