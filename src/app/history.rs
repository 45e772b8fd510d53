//! The frozen picture, its movement through the history, and the inspector, which scrolls with the same keys.

use std::{ops::Range, sync::Arc};

use super::{Action, App, Effect, Feature, FrozenPicture, Pane, Severity};
use cortop_client::{Sample, Stream};
use cortop_signal::{
    inspect,
    snapshot::{Binning, Traces},
    view::ViewEnd,
};

/// Maximum number of keys typed ahead.
const AHEAD: usize = 32;
/// Lines that a page key scrolls in the inspector.
const PAGE: usize = 10;

const START: &str = "this is the start of the history";
const LIVE: &str = "the picture is live: it shows the newest samples";

/// The whole history of a stream, as described by the newest picture.
struct Timeline<'a> {
    traces: &'a Traces,
    /// The binning of a window of the requested length.
    bins: Binning,
}

impl App {
    /// Performs an action. If it depends on the picture, it waits until the requested picture has arrived:
    /// what is drawn until then may belong to another stream or time.
    pub(super) fn apply(&mut self, action: Action) -> Vec<Effect> {
        if !self.depends_on_picture(action) || (self.ahead.is_empty() && self.answers(action)) {
            return self.perform(action);
        }
        if self.ahead.len() < AHEAD {
            self.ahead.push_back(action);
        } else {
            self.notify(Severity::Info, "the picture has not come yet: try again");
        }
        Vec::new()
    }

    /// Performs the actions that were typed ahead of a picture, once that has arrived.
    pub(super) fn apply_ahead(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(action) = self.ahead.front().copied().filter(|&action| self.answers(action))
        {
            self.ahead.pop_front();
            effects.extend(self.perform(action));
        }
        effects
    }

    /// Whether an action depends on what the picture shows.
    fn depends_on_picture(&self, action: Action) -> bool {
        let feature = self.settings.keymap.binding(action).and_then(|row| row.feature);
        // The available montages depend on the channels.
        action == Action::Reference && self.has_picture(Stream::Eeg)
            || action == Action::Freeze
            || action == Action::Copy && self.focus == Pane::Streams
            // In the inspector, `newest` moves to the end of the message.
            || action == Action::Newest && self.streams.shown.has(Feature::Messages)
            || feature.is_some_and(|feature| feature.depends_on_picture() && self.has(feature))
    }

    /// Whether the current snapshot is the picture that an action works on.
    fn answers(&self, action: Action) -> bool {
        let (view, streams) = (&self.snapshot.view, &self.streams);
        let of_stream = view.headset.as_ref() == self.headset()
            && view.stream == self.stream()
            && view.montage == self.streams.montage()
            && view.inspect == (streams.shown.has(Feature::Messages));
        // A frozen picture keeps its own end; what is copied comes from the snapshot.
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
            return self.notify(Severity::Info, "there is nothing to freeze yet");
        }
        self.streams.frozen = Some(FrozenPicture {
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

    /// Half a window back in the history, or a page up in the inspector's message.
    pub(super) fn earlier(&mut self) {
        if self.streams.shown.has(Feature::Messages) {
            return self.scroll_message(|line| line.saturating_sub(PAGE));
        }
        self.travel(START, |end, half, _| end.saturating_sub(half));
    }

    /// Half a window forward, or a page down in the message.
    pub(super) fn later(&mut self) {
        if self.streams.shown.has(Feature::Messages) {
            return self.scroll_message(|line| line.saturating_add(PAGE));
        }
        self.travel(LIVE, |end, half, _| end.saturating_add(half));
    }

    /// The start of the history, or of the message.
    pub(super) fn oldest(&mut self) {
        if self.streams.shown.has(Feature::Messages) {
            return self.scroll_message(|_| 0);
        }
        self.travel(START, |_, half, oldest| oldest + 2 * half);
    }

    /// The newest sample, or the end of the message.
    pub(super) fn newest(&mut self) {
        if self.streams.shown.has(Feature::Messages) {
            return self.scroll_message(|_| usize::MAX);
        }
        if self.streams.frozen.take().is_none() {
            self.notify(Severity::Info, LIVE);
        }
    }

    /// Moves the end of the picture through the history; at the newest sample the picture goes live. `to`
    /// gets the current end, half a window and the oldest index, in samples. `edge` is the notice if nothing
    /// moves.
    fn travel(&mut self, edge: &str, to: impl FnOnce(u64, u64, u64) -> u64) {
        let Some(Timeline { traces, bins }) = self.timeline() else {
            return self.notify(Severity::Info, "there is no history yet");
        };
        let (half, oldest, newest) = (bins.samples / 2, traces.oldest, traces.newest);
        let before = self.streams.frozen.as_ref().map(|frozen| frozen.end);
        let now = before.unwrap_or(traces.end);
        let end = to(now, half, oldest).max((oldest + half).min(newest));
        // A gap, however long, is crossed in one step: only its edges are worth seeing.
        let gap = traces.gaps.iter().map(|gap| &gap.samples).find(|gap| {
            gap.start <= end.saturating_sub(bins.samples) && end <= gap.end && gap.start > oldest
        });
        let end = match gap {
            Some(gap) if end < now => gap.start + half,
            Some(gap) => gap.end + half,
            None => end,
        };
        let end = Some(end).filter(|&end| end < newest);
        if end == before {
            return self.notify(Severity::Info, edge);
        }
        let Some(end) = end else {
            self.streams.frozen = None;
            return;
        };
        if before.is_none() {
            self.freeze();
        }
        if let Some(frozen) = &mut self.streams.frozen
            && frozen.end != end
        {
            (frozen.end, frozen.end_time) = (end, None);
        }
    }

    /// The samples that the frozen picture shows, as far as they are kept, and the number of samples in two
    /// dot columns, which make one braille cell.
    pub(super) fn frozen_window(&self, end: u64) -> Option<(Range<u64>, u64)> {
        let Timeline { traces, bins } = self.timeline()?;
        let start = bins.start(bins.first_of_window(end)).max(traces.oldest).min(end);
        Some((start..end, (2 * bins.samples / bins.columns.max(1)).max(1)))
    }

    fn scroll_message(&mut self, to: impl FnOnce(usize) -> usize) {
        let lines = self.inspected().map_or(0, |message| inspect::lines(message).len());
        let line = to(self.streams.first_line);
        self.streams.first_line = line.min(lines.saturating_sub(1));
    }

    /// The message in the inspector.
    #[must_use]
    pub fn inspected(&self) -> Option<&Sample> {
        let own = |sample: &&Sample| sample.subscription.stream == self.streams.inspected;
        self.numbers().messages.iter().map(AsRef::as_ref).find(own)
    }
}
