//! Keys that act on channels and on the cursors of a frozen picture.

use std::sync::Arc;

use super::{App, ChannelLayout, Feature, Severity};
use cortop_client::Stream;
use cortop_signal::{
    bands::by_sensor,
    montage::{Montage, longitudinal_pairs},
    snapshot::Trace,
};

/// The selected channel of a stream.
struct Selected {
    stream: Stream,
    /// The number of channels of the stream.
    all: usize,
    /// The indices of the channels shown, and the selected position among them.
    shown: Vec<usize>,
    at: usize,
    place: usize,
}

impl App {
    fn selected(&self) -> Option<Selected> {
        let traces = self.traces()?;
        let (stream, all) = (traces.subscription.stream, self.streams.channel_count(traces));
        let shown = self.streams.channels(stream).shown(all);
        let at = self.streams.selected.min(shown.len().saturating_sub(1));
        let place = *shown.get(at)?;
        Some(Selected { stream, all, shown, at, place })
    }

    /// Selects the next channel up or down; in the inspector the next stream, among the band powers the next
    /// sensor of `pow` or EEG.
    pub(super) fn step_channel(&mut self, step: isize) {
        let view = self.streams.shown;
        if view.has(Feature::Messages) {
            return self.streams.step_inspected(step);
        }
        let last = if view.has(Feature::ChannelLayout) {
            self.selected().map(|selected| selected.shown.len() - 1)
        } else if view.is_of_contact() {
            self.sensor_places().len().checked_sub(1)
        } else {
            let sensors = |table| by_sensor(table).len();
            let sensors = self.picture().readings.pow.as_deref().map(sensors);
            let channels = || self.traces().map(|traces| traces.channels_in_all);
            sensors.or_else(channels).unwrap_or_default().checked_sub(1)
        };
        if let Some(last) = last {
            let at = self.streams.selected.min(last);
            self.streams.selected = at.saturating_add_signed(step).min(last);
        }
    }

    /// The indices of the headset's sensors in the order in which their channels are arranged; in the
    /// headset's order where the view draws pairs.
    fn sensor_places(&self) -> Vec<usize> {
        let entry = self.sessions.current();
        let all = entry.map_or(0, |entry| entry.session.headset.sensors.len());
        self.streams.channels(Stream::Eeg).shown(all)
    }

    /// The sensor of the selected channel.
    pub(crate) fn selected_sensor(&self) -> Option<&str> {
        let places = self.sensor_places();
        let place = *places.get(self.streams.selected.min(places.len().checked_sub(1)?))?;
        let sensors = &self.sessions.current()?.session.headset.sensors;
        sensors.get(place).map(String::as_str)
    }

    /// Selects the channel of a sensor, if it is shown.
    pub(super) fn select_sensor(&mut self, name: &str) {
        let Some(entry) = self.sessions.current() else { return };
        let mut sensors = entry.session.headset.sensors.iter();
        let place = sensors.position(|sensor| sensor == name);
        let at = self.sensor_places().into_iter().position(|own| Some(own) == place);
        if let Some(at) = at {
            self.streams.selected = at;
        }
    }

    pub(super) fn hide_channel(&mut self) {
        let Some(Selected { stream, shown, at, place, .. }) = self.selected() else { return };
        let Some(last) = shown.len().checked_sub(2) else {
            return self.notify(Severity::Info, "it is the only channel shown");
        };
        self.streams.channels_mut(stream).hide(place);
        self.streams.selected = at.min(last);
    }

    pub(super) fn solo_channel(&mut self) {
        let Some(Selected { stream, all, place, .. }) = self.selected() else { return };
        self.streams.channels_mut(stream).solo(place);
        self.select(stream, all, place);
    }

    /// Marks the selected EEG channel as bad, or removes the mark.
    pub(super) fn mark_bad_channel(&mut self) {
        let Some(label) = self.selected().and_then(|selected| self.label_of(&selected)) else {
            return self.notify(Severity::Info, "only channels of EEG can be marked as bad");
        };
        let marked = |channel: &Arc<str>| *channel != label && self.streams.bad.contains(channel);
        let pair = self.trace(&label).and_then(|trace| trace.pair.as_ref());
        if let Some(channel) = pair.and_then(|pair| pair.iter().find(|&own| marked(own))) {
            let text = format!("{channel} is marked as bad, and so are its pairs");
            return self.notify(Severity::Info, text);
        }
        let bad = Arc::make_mut(&mut self.streams.bad);
        let text = if bad.remove(&label) {
            format!("{label} is no longer marked as bad")
        } else {
            bad.insert(Arc::clone(&label));
            format!("{label} is marked as bad")
        };
        self.notify(Severity::Info, text);
    }

    /// The label of an EEG channel.
    fn label_of(&self, selected: &Selected) -> Option<Arc<str>> {
        let traces = self.traces().filter(|_| selected.stream == Stream::Eeg)?;
        let own = traces.channels.iter().find(|trace| trace.place == selected.place)?;
        Some(Arc::clone(&own.label))
    }

    /// The trace with a label.
    fn trace(&self, label: &str) -> Option<&Trace> {
        self.traces()?.channels.iter().find(|trace| *trace.label == *label)
    }

    /// Switches to the next available montage: a reference needs a selected channel, linked mastoids need
    /// mastoid channels, and pairs need a view that shows channels.
    pub(super) fn next_montage(&mut self) {
        let selected = self.selected().filter(|selected| selected.stream == Stream::Eeg);
        let channel = selected.as_ref().map(|selected| Montage::Channel(selected.place));
        let mastoids = self.traces().and_then(|traces| {
            Montage::mastoids(|name| traces.subscription.columns.labels().any(|it| it == name))
        });
        let linked = mastoids.map(|_| Montage::LinkedMastoids);
        let pairs = self.traces().is_some_and(|traces| {
            !longitudinal_pairs(traces.subscription.columns.labels()).is_empty()
        });
        let has_pairs = pairs && self.has(Feature::ChannelLayout);
        let (next, name) = match self.streams.montage() {
            Montage::AsRecorded => (Some(Montage::CommonAverage), "common average".to_owned()),
            Montage::CommonAverage if channel.is_some() => {
                let label = selected.and_then(|selected| self.label_of(&selected));
                (channel, format!("against {}", label.as_deref().unwrap_or("the selected channel")))
            }
            Montage::CommonAverage | Montage::Channel(_) if linked.is_some() => {
                (linked, format!("linked mastoids {}", mastoids.unwrap_or_default().join("+")))
            }
            Montage::LongitudinalBipolar => (None, "as recorded".to_owned()),
            _ if has_pairs => {
                (Some(Montage::LongitudinalBipolar), "longitudinal bipolar".to_owned())
            }
            _ => (None, "as recorded".to_owned()),
        };
        self.streams.set_montage(next.unwrap_or_default());
        self.notify(Severity::Info, format!("montage: {name}"));
    }

    /// Doubles or halves the scale of the selected channel.
    pub(super) fn scale_channel(&mut self, doublings: i32) {
        let Some(Selected { stream, place, .. }) = self.selected() else { return };
        self.streams.channels_mut(stream).scale(place, doublings);
    }

    pub(super) fn move_channel(&mut self, step: isize) {
        let Some(Selected { stream, all, shown, at, place }) = self.selected() else { return };
        let Some(&other) = at.checked_add_signed(step).and_then(|to| shown.get(to)) else {
            let end = if step < 0 { "first" } else { "last" };
            return self.notify(Severity::Info, format!("this is already the {end} channel"));
        };
        self.streams.channels_mut(stream).swap(place, other, all);
        self.select(stream, all, place);
    }

    pub(super) fn reset_channels(&mut self) {
        let Some(Selected { stream, all, place, .. }) = self.selected() else { return };
        *self.streams.channels_mut(stream) = ChannelLayout::default();
        self.select(stream, all, place);
        self.notify(Severity::Info, "all channels in their original order and scale");
    }

    /// Selects the channel at an index.
    fn select(&mut self, stream: Stream, all: usize, place: usize) {
        let shown = self.streams.channels(stream).shown(all);
        self.streams.selected = shown.iter().position(|&own| own == place).unwrap_or_default();
    }

    /// Moves the cursor; at first it appears in the middle of the window. `to` gets its position and the
    /// number of samples in two dot columns, which make one braille cell.
    pub(super) fn move_cursor(&mut self, to: impl FnOnce(u64, u64) -> u64) {
        let Some(end) = self.streams.frozen.as_ref().map(|frozen| frozen.end) else {
            return self.notify(Severity::Info, "freeze the picture (space) to use the cursor");
        };
        let Some((window, step)) = self.frozen_window(end) else { return };
        let Some(frozen) = &mut self.streams.frozen else { return };
        let last = window.end.saturating_sub(1);
        let middle = window.start + (window.end - window.start) / 2;
        let moved = frozen.cursor.map_or(middle, |at| to(at, step));
        frozen.cursor = Some(moved.clamp(window.start.min(last), last));
    }

    /// Places the second cursor at the first, or removes it.
    pub(super) fn second_cursor(&mut self) {
        self.move_cursor(|at, _| at);
        if let Some(frozen) = &mut self.streams.frozen {
            frozen.second = if frozen.second.is_none() { frozen.cursor } else { None };
        }
    }
}
