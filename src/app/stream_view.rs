//! A view of the streams pane as far as its keys go: what it is called, what it is drawn from, and
//! which keys have an effect in it. How it is drawn, only the user interface knows.

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
    /// The keys that show it, and again the view before it, unless the config says otherwise.
    pub keys: &'static [Key],
    /// What the help says.
    pub help: &'static str,
    /// What the footer says, where it is worth a place there.
    pub hint: Option<&'static str>,
    /// What it can be drawn from: the first of them that has a picture. None where it is drawn from
    /// whatever comes.
    pub streams: &'static [Stream],
    /// What keys work on in it.
    pub features: &'static [Feature],
}

impl StreamView {
    /// What keys work on in traces.
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

    /// All streams at a glance: the view that a monitor starts with.
    pub const ALL: Self = Self {
        name: "all",
        keys: &[],
        help: "all streams at a glance",
        hint: None,
        streams: &[Stream::Eeg, Stream::Mot],
        features: Self::TRACES,
    };

    /// Whether keys work on this in it.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it shows EEG wherever there is EEG, so that its window is one of EEG samples.
    pub(super) fn is_of_eeg(&self) -> bool {
        self.streams.first() == Some(&Stream::Eeg)
    }

    /// Whether it shows the sensors with their contact or quality.
    pub(super) fn is_of_contact(&self) -> bool {
        matches!(self.streams, [Stream::Dev | Stream::Eq, ..])
    }

    /// The row of its keys; `place` is its own among the views.
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
