//! Markers of a lab that were handed on: in which records they should stand, and in which Cortex has set
//! them.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::known::Known;
use cortop_client::{Moment, SessionId};
use cortop_mqtt::{
    Text,
    payload::{Acknowledgement, LabMarker},
};

/// How long Cortex is given.
const PATIENCE: Duration = Duration::from_secs(3);

/// Markers that may be on their way.
const MOST: usize = 16;

/// A marker that Cortex has not set everywhere yet.
#[derive(Debug)]
struct PendingMarker {
    id: Text,
    label: String,
    at: Moment,
    /// The sessions that record, and their headsets.
    expected: BTreeMap<SessionId, Text>,
    set: Vec<Text>,
}

/// Those of them that are on their way.
#[derive(Debug, Default)]
pub(super) struct PendingMarkers(Vec<PendingMarker>);

impl PendingMarkers {
    /// A marker was handed on under a label, or could not be; what can be said of it at once.
    pub(super) fn order(
        &mut self,
        command: &LabMarker,
        handed: Result<String, &str>,
        known: &Known,
        at: Moment,
    ) -> Option<Acknowledgement> {
        let no = |why: &str| {
            let problem = Some(Text::new(why));
            Some(acknowledgement(&command.id, Vec::new(), problem, at, Duration::ZERO))
        };
        let label = match handed {
            Ok(label) => label,
            Err(why) => return no(why),
        };
        let recorded = known.sessions.iter().filter(|own| known.is_recorded(own));
        let expected: BTreeMap<_, _> =
            recorded.map(|own| (own.id.clone(), Text::new(own.headset.id.as_str()))).collect();
        if known.sessions.is_empty() {
            return no("no session is open here");
        }
        if expected.is_empty() {
            return no("no record runs: the marker is among the samples only");
        }
        if self.0.len() == MOST {
            return no("too many markers at a time: Cortex has not confirmed the last ones");
        }
        let id = command.id.clone();
        self.0.push(PendingMarker { id, label, at, expected, set: Vec::new() });
        None
    }

    /// Cortex has set a marker.
    pub(super) fn on_set(&mut self, session: &SessionId, label: &str) {
        let mut pending = self.0.iter_mut().filter(|own| own.label == label);
        if let Some(own) = pending.find(|own| own.expected.contains_key(session)) {
            own.set.extend(own.expected.remove(session));
        }
    }

    /// Those that are set everywhere, or were waited for long enough.
    pub(super) fn done(&mut self, now: Instant) -> Vec<Acknowledgement> {
        let took = |own: &PendingMarker| now.saturating_duration_since(own.at.instant);
        let (done, pending) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|own| own.expected.is_empty() || took(own) >= PATIENCE);
        self.0 = pending;
        let done: Vec<PendingMarker> = done;
        let done = done.into_iter().map(|own| {
            let took = took(&own);
            let missing: Vec<_> = own.expected.values().map(Text::as_str).collect();
            let problem = (!missing.is_empty()).then(|| {
                let seconds = PATIENCE.as_secs();
                Text::new(&format!(
                    "not confirmed by Cortex within {seconds} s: {}",
                    missing.join(" ")
                ))
            });
            acknowledgement(&own.id, own.set, problem, own.at, took)
        });
        done.collect()
    }
}

fn acknowledgement(
    id: &Text,
    headsets: Vec<Text>,
    problem: Option<Text>,
    at: Moment,
    took: Duration,
) -> Acknowledgement {
    let received = at.wall.as_duration().as_secs_f64();
    Acknowledgement { id: id.clone(), headsets, problem, received, took: took.as_secs_f64() }
}
