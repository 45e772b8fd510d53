//! The properties of a streams view that keys depend on: its name, the streams it can be drawn from, and the
//! keys that have an effect in it. Only the user interface knows how it is drawn.

use super::{
    action::{Action, Binding, Feature},
    key::Key,
    pane::Pane,
};
use cortop_client::Stream;

/// A view of the streams.
#[derive(Debug, PartialEq)]
pub struct StreamView {
    /// Its name among the commands and in the config's `[keys.streams]`.
    pub name: &'static str,
    /// Its default keys, which show the view and, pressed again, return to the previous one.
    pub keys: &'static [Key],
    /// The help text.
    pub help: &'static str,
    /// The word in the footer; `None` if the footer does not show it.
    pub hint: Option<&'static str>,
    /// The streams it can be drawn from; it uses the first that has a picture. Empty if it is drawn from any
    /// stream.
    pub streams: &'static [Stream],
    /// The features that keys work on in it.
    pub features: &'static [Feature],
}

impl StreamView {
    /// The features of views with traces.
    pub const TRACES: &[Feature] = &[
        Feature::Amplitude,
        Feature::AutoScale,
        Feature::Window,
        Feature::Scrolling,
        Feature::Glyphs,
        Feature::Filters,
        Feature::Selection,
        Feature::ChannelLayout,
        Feature::ChannelScale,
        Feature::Cursor,
        Feature::History,
    ];

    /// All streams at a glance: the initial view of the monitor.
    pub const ALL: Self = Self {
        name: "all",
        keys: &[],
        help: "all streams at a glance",
        hint: None,
        streams: &[Stream::Eeg, Stream::Mot],
        features: Self::TRACES,
    };

    /// Whether it has a feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it shows EEG whenever there is EEG, so that its window counts EEG samples.
    pub(super) fn is_of_eeg(&self) -> bool {
        self.streams.first() == Some(&Stream::Eeg)
    }

    /// Whether it shows the sensors with their contact or quality.
    pub(super) fn is_of_contact(&self) -> bool {
        matches!(self.streams, [Stream::Dev | Stream::Eq, ..])
    }

    /// Its row in the table; `place` is its index among the views.
    pub(super) const fn binding(&self, place: usize) -> Binding {
        Binding {
            action: Action::View(place),
            pane: Some(Pane::Streams),
            name: self.name,
            keys: self.keys,
            help: self.help,
            hint: self.hint,
            feature: None,
        }
    }
}
