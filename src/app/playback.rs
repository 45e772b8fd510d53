//! Keys for the playback of a capture.

use std::time::Duration;

use super::{
    App, Effect, Severity,
    dialog::{Dialog, Form, FormField, FormKind},
};
use crate::playback::{PlaybackCommand, PlaybackState};
use cortop_client::Moment;

/// How far a key seeks.
const SEEK_STEP: Duration = Duration::from_secs(10);

/// Seeking backwards skips markers closer than this: otherwise the key would never get past a marker.
const MARKER_MARGIN: Duration = Duration::from_secs(1);

impl App {
    /// Starts over when the capture does: discards what was learned from it, keeps what the user set.
    pub(crate) fn restart(&mut self, now: Moment) {
        let fresh = Self::new(self.settings.clone(), now);
        let old = std::mem::replace(self, fresh);
        self.streams = old.streams;
        self.streams.frozen = None;
        (self.log, self.help, self.dialog) = (old.log, old.help, old.dialog);
        (self.focus, self.zoomed, self.mouse) = (old.focus, old.zoomed, old.mouse);
        (self.theme, self.throughput, self.playback) = (old.theme, old.throughput, old.playback);
    }

    /// Sends a command to the player; notifies the user if there is none.
    fn play(&mut self, command: impl FnOnce(&PlaybackState) -> PlaybackCommand) -> Vec<Effect> {
        let Some(state) = &self.playback else {
            self.notify(Severity::Info, "only in a capture: cortop open FILE");
            return Vec::new();
        };
        let command = command(state);
        if let PlaybackCommand::Seek(_) = command {
            self.streams.frozen = None;
        }
        vec![Effect::Playback(command)]
    }

    /// Pauses a capture and freezes its picture for inspection, or resumes both.
    pub(super) fn pause_playback(&mut self) -> Vec<Effect> {
        let effects = self.play(|state| PlaybackCommand::Pause(!state.is_paused));
        if let [Effect::Playback(PlaybackCommand::Pause(paused))] = effects[..]
            && self.streams.frozen.is_some() != paused
            && (!paused || self.snapshot.traces.is_some())
        {
            self.freeze();
        }
        effects
    }

    pub(super) fn playback_faster(&mut self) -> Vec<Effect> {
        self.play(|_| PlaybackCommand::Faster)
    }

    pub(super) fn playback_slower(&mut self) -> Vec<Effect> {
        self.play(|_| PlaybackCommand::Slower)
    }

    pub(super) fn playback_back(&mut self) -> Vec<Effect> {
        self.play(|state| PlaybackCommand::Seek(state.position.saturating_sub(SEEK_STEP)))
    }

    pub(super) fn playback_forward(&mut self) -> Vec<Effect> {
        self.play(|state| PlaybackCommand::Seek(state.position + SEEK_STEP))
    }

    /// Seeks to the next or previous marker.
    pub(super) fn playback_to_marker(&mut self, forward: bool) -> Vec<Effect> {
        let place = self.playback.as_ref().and_then(|state| {
            let mut markers = state.markers.iter().copied();
            if forward {
                markers.find(|at| *at > state.position)
            } else {
                markers.rfind(|at| *at + MARKER_MARGIN < state.position)
            }
        });
        match (place, &self.playback) {
            (None, Some(_)) => {
                let text = if forward { "no later marker" } else { "no earlier marker" };
                self.notify(Severity::Info, text);
                Vec::new()
            }
            (place, _) => self.play(|_| PlaybackCommand::Seek(place.unwrap_or_default())),
        }
    }

    /// Asks for a position.
    pub(super) fn ask_playback_place(&mut self) -> Vec<Effect> {
        let Some(PlaybackState { position, length, .. }) = self.playback else {
            return self.play(|_| PlaybackCommand::Faster);
        };
        let help = "H:MM:SS from the start, +30 or -30 seconds from here, or 50%";
        self.dialog = Some(Dialog::Form(Form::new(
            "go to a place in the capture".to_owned(),
            FormKind::GoTo { position, length },
            vec![FormField::text("time", help, "")],
        )));
        Vec::new()
    }
}

/// Parses a position.
///
/// # Errors
/// How to write a position.
pub(super) fn parse_place(
    text: &str,
    position: Duration,
    length: Duration,
) -> Result<Duration, String> {
    let wrong = || "write it as 1:02:03, 2:30, 90, +30, -30 or 50%".to_owned();
    let number = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|own| own.is_finite() && *own >= 0.0);
        number.and_then(|own| Duration::try_from_secs_f64(own).ok()).ok_or_else(wrong)
    };
    if let Some(percent) = text.strip_suffix('%') {
        let share = number(percent.trim())?.as_secs_f64() / 100.0;
        return Ok(length.mul_f64(share.min(1.0)));
    }
    if let Some(ahead) = text.strip_prefix('+') {
        return Ok(position + number(ahead)?);
    }
    if let Some(back) = text.strip_prefix('-') {
        return Ok(position.saturating_sub(number(back)?));
    }
    let mut place = Duration::ZERO;
    for part in text.split(':') {
        place = place.checked_mul(60).ok_or_else(wrong)? + number(part)?;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_understood_as_it_is_typed() {
        let parse = |text| parse_place(text, Duration::from_secs(100), Duration::from_secs(400));
        for (text, seconds) in
            [("90", 90), ("2:30", 150), ("1:00:01", 3601), ("+30", 130), ("-130", 0), ("50%", 200)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "a", "1:", "1:-1", "-a", "%", "inf", "99999999999999:0:0:0:0:0"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
