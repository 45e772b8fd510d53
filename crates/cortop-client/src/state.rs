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
    /// The headsets to keep streaming, each with the last session on it.
    pub(super) wanted: BTreeMap<HeadsetId, Option<Last>>,
    /// Whether the only headset may be taken without asking: until the user closes something.
    pub(super) alone: bool,
}

/// The last session on a headset.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) session: SessionId,
    /// Another program opened it.
    pub(super) foreign: bool,
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
        let lost = self.wanted.get(&headset).is_some_and(Option::is_some);
        self.wishes.order(&headset, mode, lost);
        self.wanted.entry(headset).or_default();
    }

    /// Forgets a headset that has been let go, and the mode that was chosen for it.
    pub(super) fn forget(&mut self, headset: &HeadsetId) {
        self.wanted.remove(headset);
        self.wishes.change(headset, |wish| wish.mode = None);
        self.alone = false;
    }
}

/// What the user wants of a headset, beyond that it streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// How it is connected.
    pub(super) how: Connecting,
    /// The mode of its sessions, where the user has chosen one.
    pub(super) mode: Option<SessionMode>,
    /// The streams, once they were chosen; else those of the configuration.
    pub(super) streams: Option<Vec<Stream>>,
    /// The licence was debited for a session that has not streamed yet. Until one does, no other is
    /// activated unasked: a service that loses each session would use up all activations.
    pub(super) debited: bool,
}

/// The wishes by user and headset: what one user orders must not be charged to another.
#[derive(Default)]
pub(super) struct Wishes(Mutex<ByUser>);

#[derive(Default)]
struct ByUser {
    /// Who is logged in; empty until it is known.
    user: String,
    wishes: BTreeMap<(String, HeadsetId), Wish>,
}

impl Wishes {
    pub(super) fn of(&self, headset: &HeadsetId) -> Wish {
        let own = self.lock();
        own.wishes.get(&(own.user.clone(), headset.clone())).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, headset: &HeadsetId, change: impl FnOnce(&mut Wish)) {
        let mut own = self.lock();
        let key = (own.user.clone(), headset.clone());
        change(own.wishes.entry(key).or_default());
    }

    /// The user orders a session in a mode, or as configured; one in place of a lost session (`lost`)
    /// as that was. An order pays for one activation.
    pub(super) fn order(&self, headset: &HeadsetId, mode: Option<SessionMode>, lost: bool) {
        self.change(headset, |wish| {
            wish.mode = mode.or(wish.mode.filter(|_| lost));
            wish.debited = false;
        });
    }

    /// Notes whose wishes count from now on. What was ordered before anybody was known to be logged
    /// in is the first user's.
    pub(super) fn sign_in(&self, user: &str) {
        let mut own = self.lock();
        let before = std::mem::replace(&mut own.user, user.to_owned());
        if before.is_empty() {
            let wishes = std::mem::take(&mut own.wishes);
            own.wishes =
                wishes.into_iter().map(|((_, id), wish)| ((user.to_owned(), id), wish)).collect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByUser> {
        lock(&self.0)
    }
}

/// The account: the token, and what may be done only once.
#[derive(Default)]
pub(super) struct Account {
    token: Mutex<Option<Token>>,
    /// Held while a new token is being asked for, so that only one task does.
    pub(super) renewal: tokio::sync::Mutex<()>,
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
        lock(&self.licence).clone()
    }

    pub(super) fn set_licence(&self, licence: Licence) {
        *lock(&self.licence) = Some(licence);
    }

    pub(super) fn token(&self) -> Option<Token> {
        lock(&self.token).clone()
    }

    pub(super) fn set_token(&self, token: Option<Token>) {
        *lock(&self.token) = token;
    }

    /// Notes who is logged in; whether that is another user than before. A token is bound to its
    /// user (§2.4), as are the licence and the approval of this application.
    pub(super) fn sign_in(&self, user: &str) -> bool {
        let before = std::mem::replace(&mut *lock(&self.user), user.to_owned());
        let other = before != user;
        if other {
            self.sign_out();
        }
        other
    }

    pub(super) fn has_token(&self) -> bool {
        lock(&self.token).is_some()
    }

    /// Whether there is a token, and no agreement stands in the way of using it.
    pub(super) fn is_signed_in(&self) -> bool {
        self.has_token() && !self.agreement_open.load(Ordering::Relaxed)
    }

    /// Forgets token and licence, of a user who is gone.
    pub(super) fn sign_out(&self) {
        *lock(&self.token) = None;
        *lock(&self.licence) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
