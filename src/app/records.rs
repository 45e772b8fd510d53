//! Records and markers: the running record of each session, the fate of other records, and the last markers.
//! All of it comes from Cortex: an order counts only once Cortex has confirmed it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use cortop_client::{
    Marker, Moment, Record, RecordEvent, RecordId, SessionId, record::RecordList as Stored,
};

/// The state of records.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordState {
    /// The running record of each session.
    running: BTreeMap<SessionId, RunningRecord>,
    /// The newest record that Cortex is still processing after its end.
    processing: Option<Record>,
    /// The newest records, once requested.
    pub(crate) stored: Option<Stored>,
    /// The title of the record ordered in each session, and when, until Cortex answers.
    ordered: BTreeMap<SessionId, (String, Instant)>,
}

/// How long an order waits for its answer: as long as the request does (§9.2).
const ORDERED: Duration = Duration::from_secs(30);

/// A running record.
#[derive(Clone, Debug)]
pub struct RunningRecord {
    /// The record as reported at its start.
    pub record: Record,
    /// Whether another program started it.
    pub foreign: bool,
    /// When Cortex reported its start.
    pub since: Moment,
    /// The number of markers set in it from here.
    pub markers: usize,
    /// The last of them.
    pub last: Option<Marker>,
}

impl RecordState {
    /// The running records, each with its session.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&SessionId, &RunningRecord)> + Clone {
        self.running.iter()
    }

    /// The running record of a session.
    pub(crate) fn running_in(&self, session: &SessionId) -> Option<&RunningRecord> {
        self.running.get(session)
    }

    /// Whether a record is running in a session.
    pub(super) fn is_running_in(&self, session: &SessionId) -> bool {
        self.running.contains_key(session)
    }

    /// Whether Cortex is processing a record that has ended.
    pub(crate) fn is_processing(&self) -> bool {
        self.processing.is_some()
    }

    /// Notes that a record has been ordered.
    pub(super) fn order(&mut self, session: SessionId, title: String, now: Instant) {
        self.ordered.insert(session, (title, now));
    }

    /// The title of the record ordered in a session and not answered yet.
    #[must_use]
    pub(crate) fn ordered(&self, session: &SessionId, now: Instant) -> Option<&str> {
        let (title, at) = self.ordered.get(session)?;
        (now.saturating_duration_since(*at) < ORDERED).then_some(title)
    }

    /// The record ordered in a session was not started.
    pub(super) fn refused(&mut self, session: &SessionId) {
        self.ordered.remove(session);
    }

    /// Notes what happened to a record. Updates the list of stored records, if there is one.
    pub(super) fn on_event(&mut self, event: &RecordEvent, now: Moment) {
        match event {
            RecordEvent::Started { session, record, foreign } => {
                self.ordered.remove(session);
                let (record, foreign) = (record.clone(), *foreign);
                let running = RunningRecord { record, foreign, since: now, markers: 0, last: None };
                self.running.insert(session.clone(), running);
            }
            RecordEvent::OutOfSight { session, .. } => {
                self.running.remove(session);
            }
            RecordEvent::Ended { session, record, .. } => {
                self.running.remove(session);
                self.processing = Some(record.clone());
                self.put(record);
            }
            RecordEvent::Ready(ready) => {
                self.processing.take_if(|record| record.uuid == ready.id);
            }
            RecordEvent::Updated(record) => self.put(record),
            RecordEvent::Deleted(gone) => {
                self.processing.take_if(|record| record.uuid == gone.id);
                if let Some(stored) = &mut self.stored {
                    stored.records.retain(|record| record.uuid != gone.id);
                }
            }
            RecordEvent::Exported { .. } => {}
        }
    }

    /// Takes in a marker that Cortex has set or turned into an interval.
    pub(super) fn mark(&mut self, session: &SessionId, marker: Marker) {
        if let Some(running) = self.running.get_mut(session) {
            let known = running.last.as_ref().is_some_and(|last| last.uuid == marker.uuid);
            running.markers += usize::from(!known);
            running.last = Some(marker);
        }
    }

    /// Forgets what is known only while connected.
    pub(super) fn disconnected(&mut self) {
        self.processing = None;
        self.stored = None;
        self.ordered.clear();
    }

    /// A record from the list.
    #[must_use]
    pub(crate) fn get(&self, id: &RecordId) -> Option<&Record> {
        self.stored.as_ref()?.records.iter().find(|record| record.uuid == *id)
    }

    /// Whether a record is still running, or Cortex is still processing it.
    #[must_use]
    pub(crate) fn is_busy(&self, id: &RecordId) -> bool {
        let mut busy = self.running.values().map(|running| &running.record).chain(&self.processing);
        busy.any(|record| record.uuid == *id)
    }

    fn put(&mut self, record: &Record) {
        let Some(stored) = &mut self.stored else { return };
        if let Some(own) = stored.records.iter_mut().find(|own| own.uuid == record.uuid) {
            own.clone_from(record);
        } else {
            stored.records.insert(0, record.clone());
            stored.records.truncate(Stored::MOST);
        }
    }
}
