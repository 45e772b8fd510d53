//! The picture that stands still: frozen, moved through the history, and the inspector that moves by
//! the same keys.

use std::{ops::Range, sync::Arc};

use super::{Action, App, Effect, Frozen, Pane, Severity, Shown};
use cortop_client::Sample;
use cortop_signal::{
    inspect,
    snapshot::{Binning, Traces},
    view::ViewEnd,
};

/// Keys that may be typed ahead.
const AHEAD: usize = 32;

/// What the newest picture of a stream tells of its whole history.
struct Timeline<'a> {
    traces: &'a Traces,
    /// The division of a window as long as the one asked for.
    bins: Binning,
}

impl App {
    /// Does an action. One on the picture waits until the picture that is asked for has come: what
    /// stands there until then may be another stream's, or of another time.
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        let waits = self.is_on_picture(action) && self.shows(action);
        if !waits || (self.ahead.is_empty() && self.answers(action)) {
            return self.perform(action);
        }
        if self.ahead.len() < AHEAD {
            self.ahead.push_back(action);
        } else {
            self.say(Severity::Info, "the picture has not come yet: try again".to_owned());
        }
        Vec::new()
    }

    /// Does what was typed ahead of a picture that has come.
    pub(super) fn catch_up(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(action) = self.ahead.front().copied().filter(|&action| self.answers(action))
        {
            self.ahead.pop_front();
            effects.extend(self.perform(action));
        }
        effects
    }

    /// Whether an action depends on what the picture shows.
    fn is_on_picture(&self, action: Action) -> bool {
        match action {
            Action::Copy => self.focus == Pane::Streams,
            Action::Freeze
            | Action::ChannelUp
            | Action::ChannelDown
            | Action::HideChannel
            | Action::SoloChannel
            | Action::ChannelSmaller
            | Action::ChannelLarger
            | Action::MoveChannelUp
            | Action::MoveChannelDown
            | Action::ResetChannels
            | Action::CursorLeft
            | Action::CursorRight
            | Action::CursorBack
            | Action::CursorOn
            | Action::SecondCursor
            | Action::Earlier
            | Action::Later
            | Action::Oldest => true,
            // It scrolls the message.
            Action::Newest => self.streams.shown == Shown::Inspector,
            _ => false,
        }
    }

    /// Whether the newest snapshot shows what an action means.
    fn answers(&self, action: Action) -> bool {
        let (view, streams) = (&self.snapshot.view, &self.streams);
        let of_stream = view.headset.as_ref() == self.headset()
            && view.stream == self.stream()
            && view.inspect == (streams.shown == Shown::Inspector);
        // Where a frozen picture ends, it says itself; what is copied is read off the snapshot.
        let of_moment = streams.frozen.is_some() || view.end == ViewEnd::Live;
        let read = (view.end, view.cursors) == (streams.end(), streams.cursors());
        of_stream && of_moment && (action != Action::Copy || read)
    }

    pub(super) fn freeze(&mut self) {
        if self.streams.frozen.take().is_some() {
            return;
        }
        let traces = self.snapshot.traces.as_ref();
        let empty = self.snapshot.health.is_empty() || self.snapshot.view.stream.is_trace();
        if traces.is_none() && empty {
            return self.say(Severity::Info, "there is nothing to freeze yet".to_owned());
        }
        self.streams.frozen = Some(Frozen {
            since: self.now,
            snapshot: Arc::clone(&self.snapshot),
            at: traces.map_or(0, |traces| traces.end),
            end: traces.map_or(0, |traces| traces.end),
            end_time: traces.and_then(|traces| traces.end_time),
            cursor: None,
            second: None,
        });
    }

    fn timeline(&self) -> Option<Timeline<'_>> {
        let traces = self.snapshot.traces.as_ref()?;
        let windows = self.streams.window() / self.snapshot.view.window;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute")]
        let samples = (traces.bins.samples as f64 * windows).round().max(1.0) as u64;
        Some(Timeline { traces, bins: Binning { samples, ..traces.bins } })
    }

    /// Moves the end of the picture through the history; at the newest sample it goes on by itself.
    /// `to` gets the present end, half a window and the oldest index, in samples.
    pub(super) fn travel(&mut self, to: impl FnOnce(u64, u64, u64) -> u64) {
        let Some(Timeline { traces, bins }) = self.timeline() else { return };
        let (half, oldest, newest) = (bins.samples / 2, traces.oldest, traces.newest);
        let now = self.streams.frozen.as_ref().map_or(traces.end, |frozen| frozen.end);
        let end = to(now, half, oldest).max((oldest + half).min(newest));
        // A gap, however long, is crossed in one step: its edges are what there is to be seen.
        let gap = traces.gaps.iter().map(|gap| &gap.samples).find(|gap| {
            gap.start <= end.saturating_sub(bins.samples) && end <= gap.end && gap.start > oldest
        });
        let end = match gap {
            Some(gap) if end < now => gap.start + half,
            Some(gap) => gap.end + half,
            None => end,
        };
        if end >= newest {
            self.streams.frozen = None;
            return;
        }
        if self.streams.frozen.is_none() {
            self.freeze();
        }
        if let Some(frozen) = &mut self.streams.frozen
            && frozen.end != end
        {
            (frozen.end, frozen.end_time) = (end, None);
        }
    }

    /// The samples of the window that the frozen picture shows, as far as they are kept, and those
    /// of two dot columns, which a braille cell has.
    pub(super) fn frozen_window(&self, end: u64) -> Option<(Range<u64>, u64)> {
        let Timeline { traces, bins } = self.timeline()?;
        let start = bins.start(bins.first_of_window(end)).max(traces.oldest).min(end);
        Some((start..end, (2 * bins.samples / bins.columns.max(1)).max(1)))
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
