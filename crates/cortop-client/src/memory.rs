//! What outlives a connection: the account, the headsets that are wanted and how, the records that
//! run, and the clocks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Config, SessionMode, clock::Clocks, records::Journal, token::Token};
use cortop_protocol::{HeadsetId, SessionId, Stream, account::Licence, settings::Connecting};

/// What outlives a connection.
pub(super) struct Memory {
    pub(super) config: Arc<Config>,
    pub(super) account: Arc<Account>,
    pub(super) wishes: Arc<Wishes>,
    pub(super) journal: Arc<Journal>,
    pub(super) clocks: Arc<Clocks>,
    /// The headsets to keep streaming, each with the last session that cortop opened on it.
    pub(super) wanted: BTreeMap<HeadsetId, Option<Last>>,
    /// Whether the only headset may be taken without asking: until the user closes something.
    pub(super) alone: bool,
}

/// A session that cortop opened.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) session: SessionId,
    pub(super) mode: SessionMode,
}

impl Memory {
    pub(super) fn new(config: Arc<Config>) -> Self {
        let wanted = config.headset.iter().cloned().map(|id| (id, None)).collect();
        Self {
            config,
            account: Arc::default(),
            wishes: Arc::default(),
            journal: Arc::default(),
            clocks: Arc::default(),
            wanted,
            alone: true,
        }
    }

    /// Remembers a headset that the user has asked for, and in which mode.
    pub(super) fn want(&mut self, headset: HeadsetId, mode: Option<SessionMode>) {
        self.wishes.change(&headset, |wish| wish.mode = mode);
        self.wanted.entry(headset).or_default();
    }

    /// Forgets a headset that the user has let go.
    pub(super) fn forget(&mut self, headset: &HeadsetId) {
        self.wanted.remove(headset);
        self.alone = false;
    }
}

/// What the user wants of a headset, beyond that it streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// How it is connected.
    pub(super) how: Connecting,
    /// The mode of the next session; fulfilled by the first one that cortop opens.
    pub(super) mode: Option<SessionMode>,
    /// The streams, once they were chosen; else those of the configuration.
    pub(super) streams: Option<Vec<Stream>>,
}

/// The wishes of the user by headset.
#[derive(Default)]
pub(super) struct Wishes(Mutex<BTreeMap<HeadsetId, Wish>>);

impl Wishes {
    pub(super) fn of(&self, headset: &HeadsetId) -> Wish {
        self.lock().get(headset).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, headset: &HeadsetId, change: impl FnOnce(&mut Wish)) {
        change(self.lock().entry(headset.clone()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HeadsetId, Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account: the token, and what may be done only once.
#[derive(Default)]
pub(super) struct Account {
    pub(super) token: tokio::sync::Mutex<Option<Token>>,
    /// `authorize` has been sent with the debit and was not refused.
    pub(super) debited: AtomicBool,
    /// The last `authorize` told of an agreement that has not been accepted since (§2.4).
    pub(super) agreement_open: AtomicBool,
    /// Whose token it is.
    user: Mutex<String>,
    licence: Mutex<Option<Licence>>,
}

impl Account {
    pub(super) fn licence(&self) -> Option<Licence> {
        self.licence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_licence(&self, licence: Licence) {
        *self.licence.lock().unwrap_or_else(PoisonError::into_inner) = Some(licence);
    }

    /// Notes who is logged in. A token is bound to its user (§2.4): another one's is forgotten.
    pub(super) async fn sign_in(&self, user: &str) {
        let before = std::mem::replace(
            &mut *self.user.lock().unwrap_or_else(PoisonError::into_inner),
            user.to_owned(),
        );
        if before != user {
            self.sign_out().await;
        }
    }

    pub(super) async fn has_token(&self) -> bool {
        self.token.lock().await.is_some()
    }

    /// Whether there is a token, and no agreement stands in the way of using it.
    pub(super) async fn is_signed_in(&self) -> bool {
        self.has_token().await && !self.agreement_open.load(Ordering::Relaxed)
    }

    /// Forgets the token, of a user who is gone.
    pub(super) async fn sign_out(&self) {
        *self.token.lock().await = None;
    }
}
