//! The head position that the user declares level.

use super::{App, Severity};
use cortop_signal::Orientation;

impl App {
    /// Declares the newest motion sample of the session shown to be level.
    pub(super) fn set_level(&mut self) {
        let Some(id) = self.live_session() else { return };
        let now = self.now;
        let of_headset = self.sessions.get(&id).map(|entry| &entry.session.headset.id);
        // The newest picture may still belong to another headset.
        let newest =
            self.snapshot.orientation.filter(|_| self.snapshot.view.headset.as_ref() == of_headset);
        let (severity, text) = match newest {
            Some(Orientation::Position(position)) => {
                self.sessions.set_level(&id, position, now);
                (Severity::Info, "this is level: the motion view counts tilt from here")
            }
            Some(Orientation::Moving) => {
                (Severity::Problem, "level not set: hold the head still, then press again")
            }
            Some(Orientation::RawCounts) => {
                (Severity::Problem, "level not set: this headset sends raw counts, not g")
            }
            None => (Severity::Problem, "level not set: no motion sample yet (stream mot)"),
        };
        self.notify(severity, text.to_owned());
    }
}
