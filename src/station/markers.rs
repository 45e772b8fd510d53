//! Markers of a lab that were passed on: which records should contain them, and in which ones Cortex has
//! set them.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::known::Known;
use cortop_client::{Moment, SessionId};
use cortop_mqtt::{Text, payload::Acknowledgement};

/// How long to wait for Cortex.
const PATIENCE: Duration = Duration::from_secs(3);

/// Maximum number of markers that wait for Cortex.
const MOST: usize = 16;

/// How many commands are remembered, so that a duplicate is not carried out again.
const MOST_COMMANDS: usize = 256;

/// Why a marker is refused while others wait.
pub(super) const TOO_MANY: &str = "too many markers at a time";

/// A marker that Cortex has not set in all records yet.
#[derive(Debug)]
struct PendingMarker {
    command: CommandKey,
    label: String,
    at: Moment,
    /// The recording sessions and their headsets.
    expected: BTreeMap<SessionId, Text>,
    set: Vec<Text>,
}

/// Identifies a command: its sender and its id.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CommandKey {
    pub(super) instance: Text,
    pub(super) id: Text,
}

/// A command that was received.
#[derive(Debug)]
struct ReceivedCommand {
    key: CommandKey,
    /// The answer, once there is one.
    answer: Option<Acknowledgement>,
}

/// The markers that wait for Cortex, and the last commands.
#[derive(Debug, Default)]
pub(super) struct PendingMarkers {
    pending: Vec<PendingMarker>,
    commands: VecDeque<ReceivedCommand>,
}

impl PendingMarkers {
    /// Registers a command that is to be carried out.
    ///
    /// # Errors
    /// It is a duplicate. Returns the earlier answer, or `None` if the first is still being carried out:
    /// its answer will be for both.
    pub(super) fn on_command(&mut self, key: CommandKey) -> Result<(), Option<Acknowledgement>> {
        if let Some(before) = self.commands.iter().find(|own| own.key == key) {
            return Err(before.answer.clone());
        }
        if self.commands.len() == MOST_COMMANDS {
            self.commands.pop_front();
        }
        self.commands.push_back(ReceivedCommand { key, answer: None });
        Ok(())
    }

    /// Whether there is no room for another marker.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() == MOST
    }

    /// Remembers an answer and returns it.
    fn answered(&mut self, key: &CommandKey, done: Acknowledgement) -> Acknowledgement {
        if let Some(own) = self.commands.iter_mut().find(|own| own.key == *key) {
            own.answer = Some(done.clone());
        }
        done
    }

    /// Registers a marker that was passed on with a label, or was refused with a reason. Returns the answer
    /// if it is known already.
    pub(super) fn order(
        &mut self,
        command: CommandKey,
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
            Ok(label) => {
                let label = label.to_owned();
                self.pending.push(PendingMarker { command, label, at, expected, set: Vec::new() });
                return None;
            }
        };
        let problem = Some(Text::new(refused));
        let done = acknowledgement(&command.id, Vec::new(), problem, at, Duration::ZERO);
        Some(self.answered(&command, done))
    }

    /// Registers that Cortex has set a marker.
    pub(super) fn on_set(&mut self, session: &SessionId, label: &str) {
        let mut pending = self.pending.iter_mut().filter(|own| own.label == label);
        if let Some(own) = pending.find(|own| own.expected.contains_key(session)) {
            own.set.extend(own.expected.remove(session));
        }
    }

    /// The answers for markers that are set in all records, or have waited long enough.
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
            let done = acknowledgement(&own.command.id, own.set, problem, own.at, took);
            self.answered(&own.command, done)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(instance: &str, id: &str) -> CommandKey {
        CommandKey { instance: instance.into(), id: id.into() }
    }

    #[test]
    fn each_of_two_labs_with_the_same_id_is_answered_as_before() {
        let mut markers = PendingMarkers::default();
        let (known, at) = (Known::default(), Moment::now());
        for (instance, problem) in [("lab", "first"), ("other", "second")] {
            assert!(markers.on_command(key(instance, "1")).is_ok());
            let done = markers.order(key(instance, "1"), Err(problem), &known, at);
            assert_eq!(done.and_then(|done| done.problem).as_deref(), Some(problem));
        }
        for (instance, problem) in [("lab", "first"), ("other", "second")] {
            let again = markers.on_command(key(instance, "1")).unwrap_err().unwrap();
            assert_eq!(again.problem.as_deref(), Some(problem));
        }
    }
}
