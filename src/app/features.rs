//! Which features the view shown has, so that no key changes what nobody sees.

use super::{App, Feature, Severity, Shown, Streams};
use cortop_client::Stream;

impl App {
    /// Changes a setting of the picture; `change` returns its new value in words.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut Streams) -> String) {
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
        let shown = self.streams.shown;
        let traced = match shown {
            Shown::All => [Stream::Eeg, Stream::Mot].into_iter().find(|&stream| flows(stream)),
            Shown::One(stream) => Some(stream).filter(|&stream| stream.is_trace() && flows(stream)),
            Shown::Spectrum | Shown::Spectrogram | Shown::Topography | Shown::Inspector => None,
        };
        let has_traces = traced.is_some();
        let eeg = traced == Some(Stream::Eeg);
        let spectrum = shown == Shown::Spectrum && flows(Stream::Eeg);
        let spectrogram = shown == Shown::Spectrogram && flows(Stream::Eeg);
        let spectral = spectrum || spectrogram;
        let bands = shown == Shown::One(Stream::Pow);
        // Band power comes from `pow`, and where that does not flow from EEG.
        let map = shown == Shown::Topography;
        let computed = (bands || map) && !flows(Stream::Pow) && flows(Stream::Eeg);
        match feature {
            Feature::Amplitude => eeg || spectrum,
            Feature::AutoScale => eeg,
            Feature::Window => has_traces || spectral || bands,
            Feature::Selection | Feature::History => {
                has_traces || spectral || bands || shown == Shown::Inspector
            }
            Feature::Scrolling => has_traces || bands || spectrogram,
            Feature::Glyphs => has_traces || bands,
            Feature::Band => map,
            Feature::SpectrumChannels => spectrum,
            // They shape EEG and all that is computed from it.
            Feature::Filters => eeg || spectral || computed,
            Feature::ChannelLayout => has_traces || spectral,
            Feature::ChannelScale => has_traces,
            Feature::Cursor => has_traces || spectrogram,
        }
    }
}
