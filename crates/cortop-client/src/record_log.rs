//! The records that are running, and those that Cortex is still processing. Outlives a connection.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use cortop_protocol::{
    Record, RecordId, SessionId,
    record::{RecordList, RecordName},
};

/// How long Cortex may process a record before it reports that it is done.
const PROCESSING: Duration = Duration::from_secs(60);

/// How many titles are remembered.
const TITLES: usize = 2 * RecordList::MOST;

/// The records that are running, and those that Cortex is processing.
#[derive(Default)]
pub(super) struct RecordLog(Mutex<RecordEntries>);

#[derive(Default)]
struct RecordEntries {
    running: BTreeMap<SessionId, TrackedRecord>,
    /// Titles of the records that cortop has requested, until they end: the session object may show
    /// one before `createRecord` is answered.
    expected: BTreeMap<SessionId, String>,
    processing: BTreeMap<RecordId, Instant>,
    /// Titles of the records seen most recently, for those that Cortex reports by id only.
    titles: BTreeMap<RecordId, String>,
}

struct TrackedRecord {
    record: Record,
    since: Instant,
    /// Whether another program started it.
    foreign: bool,
}

impl RecordLog {
    fn lock(&self) -> MutexGuard<'_, RecordEntries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect(&self, session: &SessionId, title: &str) {
        self.lock().expected.insert(session.clone(), title.to_owned());
    }

    pub(super) fn expect_no_more(&self, session: &SessionId) {
        self.lock().expected.remove(session);
    }

    /// Notes the titles of records.
    pub(super) fn note_titles<'a>(&self, records: impl IntoIterator<Item = &'a Record>) {
        let titles = &mut self.lock().titles;
        for record in records {
            if titles.len() >= TITLES && !titles.contains_key(&record.uuid) {
                titles.pop_first();
            }
            titles.insert(record.uuid.clone(), record.title.clone());
        }
    }

    /// The name by which people know a record.
    pub(super) fn name(&self, id: RecordId) -> RecordName {
        let title = self.lock().titles.get(&id).cloned().unwrap_or_default();
        RecordName { id, title }
    }

    /// Notes that a record is running. If the record is new here, returns whether another program
    /// started it.
    pub(super) fn begin(&self, session: &SessionId, record: &Record) -> Option<bool> {
        self.note_titles([record]);
        let mut entries = self.lock();
        let foreign = entries.expected.get(session).is_none_or(|title| *title != record.title);
        let running = TrackedRecord { record: record.clone(), since: Instant::now(), foreign };
        let before = entries.running.insert(session.clone(), running);
        let known =
            |before: &TrackedRecord| before.record.uuid == record.uuid && before.foreign == foreign;
        (!before.as_ref().is_some_and(known)).then_some(foreign)
    }

    /// Notes that the record of a session is no longer running.
    pub(super) fn end(&self, session: &SessionId) -> Option<Record> {
        let mut entries = self.lock();
        entries.expected.remove(session);
        let TrackedRecord { record, .. } = entries.running.remove(session)?;
        entries.processing.retain(|_, since| since.elapsed() < PROCESSING);
        entries.processing.insert(record.uuid.clone(), Instant::now());
        Some(record)
    }

    /// Notes that nothing more will be seen of the record of a session. Who started it stays known.
    pub(super) fn forget_running(&self, session: &SessionId) -> Option<Record> {
        Some(self.lock().running.remove(session)?.record)
    }

    /// Since when the record of a session has been known to be running.
    pub(super) fn since(&self, session: &SessionId) -> Option<Instant> {
        self.lock().running.get(session).map(|running| running.since)
    }

    pub(super) fn is_running(&self, session: &SessionId) -> bool {
        self.since(session).is_some()
    }

    /// Whether a record that cortop started is running in a session.
    pub(super) fn is_ours(&self, session: &SessionId) -> bool {
        self.lock().running.get(session).is_some_and(|running| !running.foreign)
    }

    /// Forgets everything about a user who is gone.
    pub(super) fn forget(&self) {
        *self.lock() = RecordEntries::default();
    }

    pub(super) fn is_processing(&self, record: &RecordId) -> bool {
        self.lock().processing.get(record).is_some_and(|since| since.elapsed() < PROCESSING)
    }

    /// Forgets records that Cortex has finished processing: one, or all of which it has not
    /// reported since.
    pub(super) fn done(&self, record: Option<RecordId>) -> Vec<RecordId> {
        let processing = &mut self.lock().processing;
        match record {
            Some(record) => {
                processing.remove(&record);
                vec![record]
            }
            None => std::mem::take(processing).into_keys().collect(),
        }
    }
}
