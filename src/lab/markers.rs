//! Markers that were sent to all stations: which stations have set them, after how long, and which have
//! not answered.

use std::{collections::BTreeSet, time::Duration};

use cortop_client::Moment;
use cortop_mqtt::{
    StationName, Text,
    payload::{Acknowledgement, CommandText, LabMarker},
};

/// How long to wait for answers: a station gives Cortex three seconds.
const PATIENCE: Duration = Duration::from_secs(6);

/// Maximum number of markers that wait for answers.
const MOST: usize = 16;

#[derive(Debug)]
struct SentMarker {
    id: Text,
    label: Text,
    sent: Moment,
    waiting: BTreeSet<StationName>,
    answered: BTreeSet<StationName>,
}

/// The markers that wait for answers, the newest last.
#[derive(Debug, Default)]
pub(super) struct SentMarkers(Vec<SentMarker>);

impl SentMarkers {
    /// Creates the command for a marker that is sent now, and waits for its answers.
    pub(super) fn send(&mut self, label: Text, to: Vec<StationName>, now: Moment) -> LabMarker {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        let id = Text::new(&now.wall.as_nanosecond().to_string());
        let waiting = to.into_iter().collect();
        let command = LabMarker { id: id.clone(), label: CommandText::new(&label), value: None };
        self.0.push(SentMarker { id, label, sent: now, waiting, answered: BTreeSet::new() });
        command
    }

    /// Handles a station's answer. Returns whether it is a problem, and the text to show; `None` for
    /// another lab's markers, and if the station has answered before.
    pub(super) fn on_answer(
        &mut self,
        name: &StationName,
        done: &Acknowledgement,
        now: Moment,
    ) -> Option<(bool, String)> {
        let own = self.0.iter_mut().find(|own| own.id == done.id)?;
        own.waiting.remove(name);
        if !own.answered.insert(name.clone()) {
            return None;
        }
        let after = now.instant.saturating_duration_since(own.sent.instant).as_secs_f64();
        // Half of the round trip, without the time that the station itself took.
        let way = (after - done.took).max(0.0) / 2.0;
        let headsets: Vec<_> = done.headsets.iter().map(Text::as_str).collect();
        let set = (!headsets.is_empty()).then(|| format!("set in {}", headsets.join(" ")));
        let problem = done.problem.as_ref().map(Text::to_string);
        let outcome: Vec<_> = set.into_iter().chain(problem).collect();
        let (label, outcome) = (&own.label, outcome.join(", "));
        let text =
            format!("{name}: marker {label}, {after:.2} s, {way:.2} s of it there: {outcome}");
        Some((done.problem.is_some(), text))
    }

    /// Stops waiting for markers that are overdue, and returns which stations have not answered.
    pub(super) fn overdue(&mut self, now: Moment) -> Vec<(bool, String)> {
        let is_over = |own: &SentMarker| {
            own.waiting.is_empty()
                || now.instant.saturating_duration_since(own.sent.instant) >= PATIENCE
        };
        let (over, rest) = std::mem::take(&mut self.0).into_iter().partition(is_over);
        self.0 = rest;
        let over: Vec<SentMarker> = over;
        let silent = over.into_iter().filter(|own| !own.waiting.is_empty());
        let text = |own: SentMarker| {
            let names: Vec<_> = own.waiting.iter().map(StationName::as_str).collect();
            (true, format!("marker {}: no answer of {}", own.label, names.join(" ")))
        };
        silent.map(text).collect()
    }
}
