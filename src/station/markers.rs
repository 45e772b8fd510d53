//! Markers of a lab that were handed on: in which records they should stand, and in which Cortex has set
//! them.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

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

/// Commands that are remembered, so that one that comes twice is carried out once.
const MOST_COMMANDS: usize = 256;

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

/// A command that came.
#[derive(Debug)]
struct ReceivedCommand {
    /// Who sent it, under which id.
    instance: Text,
    id: Text,
    /// What was answered, once that is known.
    answer: Option<Acknowledgement>,
}

/// Those of them that are on their way, and the commands that came last.
#[derive(Debug, Default)]
pub(super) struct PendingMarkers {
    pending: Vec<PendingMarker>,
    commands: VecDeque<ReceivedCommand>,
}

impl PendingMarkers {
    /// A command came, which is to be carried out.
    ///
    /// # Errors
    /// It came before: what was answered then, or nothing while it is being carried out, as the answer
    /// is for both.
    pub(super) fn on_command(
        &mut self,
        instance: Text,
        command: &LabMarker,
    ) -> Result<(), Option<Acknowledgement>> {
        let is_it = |own: &&ReceivedCommand| own.instance == instance && own.id == command.id;
        if let Some(before) = self.commands.iter().find(is_it) {
            return Err(before.answer.clone());
        }
        if self.commands.len() == MOST_COMMANDS {
            self.commands.pop_front();
        }
        let id = command.id.clone();
        self.commands.push_back(ReceivedCommand { instance, id, answer: None });
        Ok(())
    }

    /// Remembers an answer.
    fn answered(&mut self, done: Acknowledgement) -> Acknowledgement {
        let mut waiting = self.commands.iter_mut().filter(|own| own.answer.is_none());
        if let Some(own) = waiting.find(|own| own.id == done.id) {
            own.answer = Some(done.clone());
        }
        done
    }

    /// A marker was handed on under a label, or could not be; what can be said of it at once.
    pub(super) fn order(
        &mut self,
        command: &LabMarker,
        handed: Result<&str, &str>,
        known: &Known,
        at: Moment,
    ) -> Option<Acknowledgement> {
        let recorded = known.sessions.iter().filter(|own| known.is_recorded(own));
        let expected: BTreeMap<_, _> =
            recorded.map(|own| (own.id.clone(), Text::new(own.headset.id.as_str()))).collect();
        let refused = match handed {
            Err(why) => why,
            Ok(_) if known.sessions.is_empty() => "no session is open here",
            Ok(_) if expected.is_empty() => "no record runs: the marker is among the samples only",
            Ok(_) if self.pending.len() == MOST => {
                "too many markers at a time: Cortex has not confirmed the last ones"
            }
            Ok(label) => {
                let (id, label) = (command.id.clone(), label.to_owned());
                self.pending.push(PendingMarker { id, label, at, expected, set: Vec::new() });
                return None;
            }
        };
        let problem = Some(Text::new(refused));
        let done = acknowledgement(&command.id, Vec::new(), problem, at, Duration::ZERO);
        Some(self.answered(done))
    }

    /// Cortex has set a marker.
    pub(super) fn on_set(&mut self, session: &SessionId, label: &str) {
        let mut pending = self.pending.iter_mut().filter(|own| own.label == label);
        if let Some(own) = pending.find(|own| own.expected.contains_key(session)) {
            own.set.extend(own.expected.remove(session));
        }
    }

    /// Those that are set everywhere, or were waited for long enough.
    pub(super) fn done(&mut self, now: Instant) -> Vec<Acknowledgement> {
        let took = |own: &PendingMarker| now.saturating_duration_since(own.at.instant);
        let (done, pending) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|own| own.expected.is_empty() || took(own) >= PATIENCE);
        self.pending = pending;
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
            self.answered(acknowledgement(&own.id, own.set, problem, own.at, took))
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
