//! Which features the view shown has, so that no key changes what nobody sees.

use super::{App, Feature, Severity, StreamsPane};
use cortop_client::Stream;

impl App {
    /// Changes a setting of the picture; `change` returns its new value in words.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut StreamsPane) -> String) {
        let text = change(&mut self.streams);
        self.notify(Severity::Info, text);
    }

    /// Whether the view shown has a feature.
    pub(super) fn has(&self, feature: Feature) -> bool {
        // Without a session nothing is drawn yet, and every view may come to show it.
        let subscribed = self.sessions.current().map(|entry| &entry.subscribed);
        // What has ended may still be drawn.
        let drawn = self.traces().map(|traces| traces.subscription.stream);
        let flows =
            |stream| drawn == Some(stream) || subscribed.is_none_or(|own| own.contains(&stream));
        let view = self.streams.shown;
        let source = view.streams.iter().copied().find(|&stream| flows(stream));
        let is_drawn = source.is_some() || view.streams.is_empty();
        let of_eeg = matches!(feature, Feature::Amplitude | Feature::AutoScale | Feature::Filters);
        view.has(feature) && is_drawn && (!of_eeg || source == Some(Stream::Eeg))
    }
}
