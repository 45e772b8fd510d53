//! The keys of the streams pane: whether the view of the moment shows what one does, so that none
//! changes what nobody sees, and the value of a setting in words after a change.

use super::{Action, App, GlyphSet, ScrollMode, Severity, Shown, Streams};
use cortop_client::Stream;
use cortop_signal::{Filters, view::Reference};

impl App {
    /// Changes a setting of the picture and says its new value.
    pub(super) fn set(&mut self, action: Action, change: impl FnOnce(&mut Streams)) {
        change(&mut self.streams);
        self.say(Severity::Info, value(&self.streams, action));
    }

    /// Says that the view of the moment does not show what an action does.
    pub(super) fn say_not_shown(&mut self, action: Action) {
        let what = action.binding().help;
        self.say(Severity::Info, format!("this view does not show it: {what}"));
    }

    /// Whether the view of the moment shows what an action does.
    pub(super) fn shows(&self, action: Action) -> bool {
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
            _ => None,
        };
        let spectral = matches!(shown, Shown::Spectrum | Shown::Spectrogram) && flows(Stream::Eeg);
        let bands = shown == Shown::One(Stream::Pow);
        // Band power comes from `pow`, and where that does not flow from EEG.
        let computed = bands && !flows(Stream::Pow) && flows(Stream::Eeg);
        let eeg = traced == Some(Stream::Eeg);
        match action {
            Action::Larger | Action::Smaller => eeg || shown == Shown::Spectrum && spectral,
            Action::AutoScale => eeg,
            Action::Shorter
            | Action::Longer
            | Action::ChannelUp
            | Action::ChannelDown
            | Action::Earlier
            | Action::Later
            | Action::Oldest => traced.is_some() || spectral || bands,
            Action::Sweep => traced.is_some() || bands || shown == Shown::Spectrogram && spectral,
            Action::GlyphSet => traced.is_some() || bands,
            Action::AllChannels => shown == Shown::Spectrum && spectral,
            // Filters and reference shape EEG and all that is made of it.
            Action::HighPass | Action::LowPass | Action::Notch | Action::Reference => {
                eeg || spectral || computed
            }
            Action::HideChannel
            | Action::SoloChannel
            | Action::MoveChannelUp
            | Action::MoveChannelDown
            | Action::ResetChannels => traced.is_some() || spectral,
            Action::ChannelSmaller | Action::ChannelLarger => traced.is_some(),
            Action::CursorLeft
            | Action::CursorRight
            | Action::CursorBack
            | Action::CursorOn
            | Action::SecondCursor => traced.is_some() || shown == Shown::Spectrogram && spectral,
            _ => true,
        }
    }
}

/// The value of the setting that an action changes, in words.
fn value(streams: &Streams, action: Action) -> String {
    let hertz =
        |value: Option<f64>| value.map_or_else(|| "off".to_owned(), |hz| format!("{hz} Hz"));
    let Filters { high_pass, low_pass, notch, .. } = streams.filters();
    match action {
        Action::Larger | Action::Smaller if streams.shown == Shown::Spectrum => {
            format!("scale of the spectrum: that of ±{} µV", streams.amplitude())
        }
        Action::AutoScale if streams.auto => "scale: automatic".to_owned(),
        Action::Larger | Action::Smaller | Action::AutoScale => {
            format!("scale ±{} µV", streams.amplitude())
        }
        Action::Shorter | Action::Longer => format!("window {} s", streams.window()),
        Action::Sweep => match streams.scroll_mode {
            ScrollMode::Sweep => "the picture sweeps".to_owned(),
            ScrollMode::Scroll => "the picture scrolls".to_owned(),
        },
        Action::GlyphSet => match streams.glyph_set {
            GlyphSet::Braille => "drawn with braille".to_owned(),
            GlyphSet::HalfBlock => "drawn with half blocks".to_owned(),
            GlyphSet::Block => "drawn with blocks".to_owned(),
        },
        Action::AllChannels if streams.all_channels => "spectrum of all channels".to_owned(),
        Action::AllChannels => "spectrum of the selected channel".to_owned(),
        Action::HighPass => format!("high-pass {}", hertz(high_pass)),
        Action::LowPass => format!("low-pass {}", hertz(low_pass)),
        Action::Notch => format!("notch {}", hertz(notch)),
        _ => match streams.reference {
            Reference::AsRecorded => "reference: as recorded".to_owned(),
            Reference::CommonAverage => "reference: common average".to_owned(),
        },
    }
}
