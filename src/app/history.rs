//! The picture that stands still: frozen, moved through the history, and the inspector that moves by
//! the same keys.

use std::sync::Arc;

use super::{Action, App, Frozen, Severity};
use crate::{cortex::Sample, signal::inspect};

impl App {
    pub(super) fn freeze(&mut self) {
        if self.streams.frozen.take().is_some() {
            return;
        }
        let traces = self.snapshot.traces.as_ref();
        let empty = traces.is_none() && self.snapshot.view.stream.is_trace();
        if empty || self.snapshot.health.is_empty() {
            return self.say(Severity::Info, "there is nothing to freeze yet".to_owned());
        }
        self.streams.frozen = Some(Frozen {
            since: self.now,
            snapshot: Arc::clone(&self.snapshot),
            at: traces.map_or(0, |traces| traces.end),
            end: traces.map_or(0, |traces| traces.end),
            cursor: None,
            second: None,
        });
    }

    /// Moves the end of the picture through the history; at the newest sample it goes on by itself.
    /// `to` gets the present end, half a window and the oldest index, in samples.
    pub(super) fn travel(&mut self, to: impl FnOnce(u64, u64, u64) -> u64) {
        let Some(traces) = self.traces() else { return };
        let (half, oldest, newest) = (traces.bins.samples / 2, traces.oldest, traces.newest);
        let end = to(traces.end, half, oldest).max((oldest + half).min(newest));
        if end >= newest {
            self.streams.frozen = None;
            return;
        }
        if self.streams.frozen.is_none() {
            self.freeze();
        }
        if let Some(frozen) = &mut self.streams.frozen {
            frozen.end = end;
        }
    }

    /// What moves through channels and history elsewhere moves through streams and lines in the
    /// inspector; false if it is another action.
    pub(super) fn inspect(&mut self, action: Action) -> bool {
        const PAGE: usize = 10;
        let line = self.streams.first_line;
        let to = match action {
            Action::ChannelUp | Action::ChannelDown => {
                self.streams.step_inspected(if action == Action::ChannelUp { -1 } else { 1 });
                return true;
            }
            Action::Earlier => line.saturating_sub(PAGE),
            Action::Later => line.saturating_add(PAGE),
            Action::Oldest => 0,
            Action::Newest => usize::MAX,
            _ => return false,
        };
        let lines = self.inspected().map_or(0, |message| inspect::items(message).len());
        self.streams.first_line = to.min(lines.saturating_sub(1));
        true
    }

    /// The message in the inspector.
    #[must_use]
    pub fn inspected(&self) -> Option<&Sample> {
        let own = |sample: &&Sample| sample.subscription.stream == self.streams.inspected;
        self.numbers().messages.iter().find(own)
    }
}
