//! Which features the current view has, so that no key changes something invisible.

use super::{Action, App, Binding, Feature, Severity, StreamsPane, records::RunningRecord};
use cortop_client::{ConnectionStep, Link, Stream, headset::HeadsetStatus, session::SessionStatus};

impl App {
    /// Changes a setting of the picture; `change` returns the new value as text.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut StreamsPane) -> String) {
        let text = change(&mut self.streams);
        self.notify(Severity::Info, text);
    }

    /// Whether the current view has a feature.
    pub(super) fn has(&self, feature: Feature) -> bool {
        // Without a session nothing is drawn yet, and any view may come to show it.
        let subscribed = self.sessions.current().map(|entry| &entry.subscribed);
        // A stream that has ended may still be drawn.
        let drawn = self.traces().map(|traces| traces.subscription.stream);
        let flows =
            |stream| drawn == Some(stream) || subscribed.is_none_or(|own| own.contains(&stream));
        let view = self.streams.shown;
        let source = view.streams.iter().copied().find(|&stream| flows(stream));
        let is_drawn = source.is_some() || view.streams.is_empty();
        let of_eeg = matches!(feature, Feature::Amplitude | Feature::AutoScale | Feature::Filters);
        view.has(feature) && is_drawn && (!of_eeg || source == Some(Stream::Eeg))
    }

    /// The running record of the session shown.
    #[must_use]
    pub fn running_record(&self) -> Option<&RunningRecord> {
        self.records.running_in(self.sessions.current.as_ref()?)
    }

    /// Whether a row of the table belongs to the current view.
    #[must_use]
    pub fn is_shown(&self, binding: &Binding) -> bool {
        let Action::View(place) = binding.action else { return false };
        self.settings.keymap.views().get(place).is_some_and(|view| *view == self.streams.shown)
    }

    /// Whether an action has something to act on at the moment in the current view.
    #[must_use]
    pub fn is_available(&self, binding: &Binding) -> bool {
        let live = self.sessions.current().filter(|entry| self.is_live(entry));
        let is_activated = live.map(|entry| entry.session.status == SessionStatus::Activated);
        let selected = self.headsets.selected();
        let frozen = self.streams.frozen.as_ref();
        let can = match binding.action {
            Action::Record => self.running_record().is_some() || is_activated == Some(true),
            action if action.is_of_playback() => self.playback.is_some(),
            // A capture that is being played cannot be captured.
            Action::Capture => self.playback.is_none(),
            Action::RecordFiles => {
                self.playback.is_none() && (self.recorder.is_some() || self.headset().is_some())
            }
            Action::Lsl => {
                self.playback.is_none() && (self.lsl.is_some() || self.headset().is_some())
            }
            Action::Mark | Action::MarkNow => self.marked_session().is_some(),
            Action::EndMarker => self.open_marker().is_some(),
            // While a choice is pending, another key continues.
            Action::Connect => {
                let chooses = matches!(self.link, Link::Up { step: ConnectionStep::Choosing, .. });
                !self.is_streaming() && !chooses
            }
            Action::Activate => is_activated == Some(false),
            Action::Close | Action::ChooseStreams => live.is_some(),
            Action::NextSession => self.sessions.list.len() > 1,
            Action::Open | Action::HeadsetMenu => selected.is_some(),
            Action::Disconnect => {
                selected.is_some_and(|headset| headset.status != HeadsetStatus::Discovered)
            }
            Action::CallOff => selected.is_some_and(|own| self.sessions.on(&own.id).is_none()),
            Action::SortBy | Action::SortAgain => self.shows_overview(),
            Action::OpenAll => {
                let mut list = self.headsets.list.iter();
                list.len() > 1 && list.any(|headset| self.sessions.on(&headset.id).is_none())
            }
            Action::PickHeadset => self.headsets.list.len() > 1,
            Action::CursorLeft | Action::CursorRight | Action::CursorBack | Action::CursorOn => {
                frozen.is_some()
            }
            Action::SecondCursor => frozen.is_some_and(|frozen| frozen.cursor.is_some()),
            _ => true,
        };
        can && binding.feature.is_none_or(|feature| self.has(feature))
    }
}
