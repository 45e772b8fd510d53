//! Keys for LSL, and markers from other programs.

use super::{App, Effect, Severity, forms::mark};
use crate::exchange::OutsideMarker;
use cortop_client::{Command, HeadsetCommand, HeadsetId, Moment};
use jiff::{SignedDuration, Timestamp};

impl App {
    /// Serves the streams of the headset shown over LSL, or stops serving them.
    pub(super) fn toggle_lsl(&mut self) -> Vec<Effect> {
        let shown = self.headset().cloned();
        let before = self.lsl.as_ref().map(|lsl| lsl.headset.clone());
        let next = shown.filter(|shown| before.as_ref() != Some(shown));
        // LSL sends times, so keep measuring the offset of the clock behind them.
        let measure = |headset: HeadsetId, always| {
            Effect::Command(Command::Headset(HeadsetCommand::MeasureClock(headset, always)))
        };
        let text = match (&before, &next) {
            (None, None) => {
                let text = "no headset is shown whose streams could be served by LSL";
                self.notify(Severity::Problem, text);
                return Vec::new();
            }
            (_, Some(headset)) => format!("LSL serves the streams of {headset}"),
            (Some(headset), None) => format!("LSL no longer serves the streams of {headset}"),
        };
        self.notify(Severity::Info, text);
        let mut effects = vec![Effect::Lsl(next.clone())];
        effects.extend(before.map(|headset| measure(headset, false)));
        effects.extend(next.map(|headset| measure(headset, true)));
        effects
    }

    /// Sets a marker of another program in every session: in its record if one is running, else only among
    /// its samples.
    pub(super) fn on_outside_marker(&mut self, marker: &OutsideMarker) -> Vec<Effect> {
        self.notify(Severity::Info, format!("marker {} from outside", marker.text()));
        let live = self.sessions.live().filter(|entry| self.is_live(entry));
        let effect = |entry: &super::SessionEntry| {
            let session = entry.session.id.clone();
            let beside = !self.records.is_running_in(&session);
            let beside = beside.then(|| self.headset_time(&entry.session.headset.id, marker.at));
            mark(session, marker.clone(), beside)
        };
        live.map(effect).collect()
    }

    /// A moment by a headset's clock.
    pub(super) fn headset_time(&self, headset: &HeadsetId, at: Moment) -> Timestamp {
        let clock = self.headsets.clocks.get(headset);
        let offset = clock.map_or(0.0, |clock| clock.offset);
        let offset = SignedDuration::try_from_secs_f64(offset).unwrap_or_default();
        at.wall.checked_add(offset).unwrap_or(at.wall)
    }
}
