//! The progress of `watch`: a line on standard error, rewritten twice a second, if that is a terminal and the
//! samples go elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use tokio::time::Instant;

use super::client_state::ClientState;
use crate::console::print_error;

/// How often the line is rewritten.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// The progress line.
#[derive(Debug)]
pub(super) struct Progress {
    /// Whether steps are reported.
    has_terminal: bool,
    /// Whether the line is shown: the samples go elsewhere.
    pub(super) shown: bool,
    step: String,
    started: Option<Instant>,
    pub(super) samples: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        let has_terminal = io::stderr().is_terminal();
        let shown = has_terminal && !io::stdout().is_terminal();
        Self { has_terminal, shown, step: String::new(), started: None, samples: 0 }
    }

    /// Starts counting.
    pub(super) fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    /// Reports the client's step, once.
    pub(super) fn step(&mut self, state: &ClientState) {
        let step = state.describe();
        if self.has_terminal && self.step != step {
            self.problem(&step);
            self.step = step;
        }
    }

    /// Prints a line that stays, even without a terminal.
    pub(super) fn problem(&self, line: &str) {
        self.clear();
        print_error(line);
    }

    /// Rewrites the line, with a note at its end.
    pub(super) fn show(&self, note: &str) {
        if let Some(started) = self.started.filter(|_| self.shown) {
            let seconds = started.elapsed().as_secs();
            let _ = write!(io::stderr(), "\r{seconds} s · {} samples{note}\x1b[K", self.samples);
        }
    }

    /// Removes the line.
    pub(super) fn clear(&self) {
        if self.shown && self.started.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
