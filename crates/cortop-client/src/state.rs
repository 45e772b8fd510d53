//! The state that outlives a connection: the account, the wanted headsets and their desired
//! sessions, the running records, and the clocks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    ClientConfig, SessionMode, clock::Clocks, credentials::CurrentCredentials,
    record_log::RecordLog, user_account::AccountState,
};
use cortop_protocol::{HeadsetId, SessionId, Stream, settings::Connecting};

/// What outlives a connection.
pub(super) struct PersistentState {
    pub(super) config: Arc<ClientConfig>,
    pub(super) credentials: Arc<CurrentCredentials>,
    pub(super) account: Arc<AccountState>,
    pub(super) desired: Arc<DesiredSessions>,
    pub(super) record_log: Arc<RecordLog>,
    pub(super) clocks: Arc<Clocks>,
    /// The headsets to keep streaming, each with its last session.
    pub(super) wanted: BTreeMap<HeadsetId, Option<LastSession>>,
    /// Whether the only headset, or the configured one, may be taken without asking: until the user closes something.
    pub(super) take_only: bool,
}

/// The last session on a headset.
#[derive(Clone, Debug)]
pub(super) struct LastSession {
    pub(super) session: SessionId,
    /// Whether another program opened it.
    pub(super) foreign: bool,
}

impl PersistentState {
    pub(super) fn new(config: Arc<ClientConfig>) -> Self {
        let wanted = config.headset.iter().cloned().map(|id| (id, None)).collect();
        let (credentials, reader) = (config.credentials.clone(), config.credentials_reader.clone());
        Self {
            config,
            credentials: Arc::new(CurrentCredentials::new(credentials, reader)),
            account: Arc::default(),
            desired: Arc::default(),
            record_log: Arc::default(),
            clocks: Arc::default(),
            wanted,
            take_only: true,
        }
    }

    /// Remembers a headset that the user has requested, and in which mode.
    pub(super) fn request(&mut self, headset: HeadsetId, mode: Option<SessionMode>) {
        let lost = self.wanted.get(&headset).is_some_and(Option::is_some);
        self.desired.request(&headset, mode, lost);
        self.wanted.entry(headset).or_default();
    }

    /// Forgets a headset that the user has released.
    pub(super) fn forget(&mut self, headset: &HeadsetId) {
        self.release(headset);
        self.take_only = false;
    }

    /// Forgets a headset and the mode that was chosen for it.
    pub(super) fn release(&mut self, headset: &HeadsetId) {
        self.wanted.remove(headset);
        self.desired.change(headset, |desired| desired.mode = None);
    }

    /// Whether a headset is taken without asking because the configuration names it.
    pub(super) fn takes(&self, headset: &HeadsetId) -> bool {
        self.take_only && self.config.headset.as_ref() == Some(headset)
    }
}

/// What the user wants of a headset, beyond that it streams.
#[derive(Clone, Debug, Default)]
pub(super) struct DesiredSession {
    /// How it is connected.
    pub(super) how: Connecting,
    /// The mode of its sessions, where the user has chosen one.
    pub(super) mode: Option<SessionMode>,
    /// The streams, if the user has chosen any; otherwise those of the configuration.
    pub(super) streams: Option<Vec<Stream>>,
    /// The licence was debited for a session that has not streamed yet. Until one does, no other is
    /// activated without asking: a service that loses each session would use up all activations.
    pub(super) debited: bool,
}

/// The desired sessions by user and headset: what one user requests must not be charged to another.
#[derive(Default)]
pub(super) struct DesiredSessions(Mutex<ByUser>);

#[derive(Default)]
struct ByUser {
    /// Who is logged in; empty until known.
    user: String,
    desired: BTreeMap<(String, HeadsetId), DesiredSession>,
}

impl DesiredSessions {
    pub(super) fn of(&self, headset: &HeadsetId) -> DesiredSession {
        let own = self.lock();
        own.desired.get(&(own.user.clone(), headset.clone())).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, headset: &HeadsetId, change: impl FnOnce(&mut DesiredSession)) {
        let mut own = self.lock();
        let key = (own.user.clone(), headset.clone());
        change(own.desired.entry(key).or_default());
    }

    /// The user requests a session in a mode, or as configured; if it replaces a lost session
    /// (`lost`), in that one's mode. A request pays for one activation.
    pub(super) fn request(&self, headset: &HeadsetId, mode: Option<SessionMode>, lost: bool) {
        self.change(headset, |desired| {
            desired.mode = mode.or(desired.mode.filter(|_| lost));
            desired.debited = false;
        });
    }

    /// Notes whose desired sessions apply from now on. What was requested before a login was known
    /// belongs to the first user.
    pub(super) fn sign_in(&self, user: &str) {
        let mut own = self.lock();
        let before = std::mem::replace(&mut own.user, user.to_owned());
        if before.is_empty() {
            let desired = std::mem::take(&mut own.desired);
            own.desired = desired
                .into_iter()
                .map(|((_, id), desired)| ((user.to_owned(), id), desired))
                .collect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByUser> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
