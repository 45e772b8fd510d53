//! What the keys do to the channels and to the cursors of a picture that stands still.

use super::{Action, App, Severity, Shown};
use cortop_client::Stream;
use cortop_signal::bands::by_sensor;

/// The channel that keys mean, among those of its stream.
struct Selected {
    stream: Stream,
    /// Channels of the stream.
    all: usize,
    /// The places of those shown, and which of them it is.
    shown: Vec<usize>,
    at: usize,
    place: usize,
}

impl App {
    /// Selects another sensor of the band powers: those of `pow`, or of EEG in its place.
    fn step_sensor(&mut self, action: Action) {
        let sensors = self.picture().readings.pow.as_deref().map(|table| by_sensor(table).len());
        let channels = || self.traces().map(|traces| traces.channels_in_all);
        let last = sensors.or_else(channels).unwrap_or_default().saturating_sub(1);
        let step = match action {
            Action::ChannelUp => -1,
            Action::ChannelDown => 1,
            _ => return,
        };
        self.streams.selected = self.streams.selected.saturating_add_signed(step).min(last);
    }

    fn selected(&self) -> Option<Selected> {
        let traces = self.traces()?;
        let (stream, all) = (traces.subscription.stream, traces.channels_in_all);
        let shown = self.streams.channels(stream).shown(all);
        let at = self.streams.selected.min(shown.len().saturating_sub(1));
        let place = *shown.get(at)?;
        Some(Selected { stream, all, shown, at, place })
    }

    pub(super) fn arrange(&mut self, action: Action) {
        if self.streams.shown == Shown::One(Stream::Pow) {
            return self.step_sensor(action);
        }
        let Some(Selected { stream, all, shown, at, place }) = self.selected() else { return };
        let last = shown.len() - 1;
        let channels = self.streams.channels_mut(stream);
        match action {
            Action::ChannelUp => self.streams.selected = at.saturating_sub(1),
            Action::ChannelDown => self.streams.selected = (at + 1).min(last),
            Action::HideChannel if last == 0 => {
                self.say(Severity::Info, "it is the only channel shown".to_owned());
            }
            Action::HideChannel => {
                channels.hide(place);
                self.streams.selected = at.min(last - 1);
            }
            Action::SoloChannel => {
                channels.solo(place);
                self.select(stream, all, place);
            }
            Action::ChannelSmaller => channels.scale(place, 1),
            Action::ChannelLarger => channels.scale(place, -1),
            Action::MoveChannelUp | Action::MoveChannelDown => {
                let to =
                    if action == Action::MoveChannelUp { at.checked_sub(1) } else { Some(at + 1) };
                if let Some(&other) = to.and_then(|to| shown.get(to)) {
                    channels.swap(place, other, all);
                    self.select(stream, all, place);
                }
            }
            _ => {
                *channels = super::ChannelLayout::default();
                self.select(stream, all, place);
                self.say(Severity::Info, "all channels as they came".to_owned());
            }
        }
    }

    /// Selects a channel by its place.
    fn select(&mut self, stream: Stream, all: usize, place: usize) {
        let shown = self.streams.channels(stream).shown(all);
        self.streams.selected = shown.iter().position(|&own| own == place).unwrap_or_default();
    }

    /// Moves the cursor; it appears in the middle of the window. `to` gets where it is and the
    /// samples of two dot columns, which a braille cell has.
    pub(super) fn move_cursor(&mut self, to: impl FnOnce(u64, u64) -> u64) {
        let Some(end) = self.streams.frozen.as_ref().map(|frozen| frozen.end) else {
            return self
                .say(Severity::Info, "the cursor is there while the picture is frozen".to_owned());
        };
        let Some((window, step)) = self.frozen_window(end) else { return };
        let Some(frozen) = &mut self.streams.frozen else { return };
        let last = window.end.saturating_sub(1);
        let middle = window.start + (window.end - window.start) / 2;
        let moved = frozen.cursor.map_or(middle, |at| to(at, step));
        frozen.cursor = Some(moved.clamp(window.start.min(last), last));
    }

    /// Sets the second cursor where the first is, or takes it away.
    pub(super) fn second_cursor(&mut self) {
        self.move_cursor(|at, _| at);
        if let Some(frozen) = &mut self.streams.frozen {
            frozen.second = if frozen.second.is_none() { frozen.cursor } else { None };
        }
    }
}
