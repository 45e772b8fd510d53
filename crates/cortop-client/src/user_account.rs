//! The account behind the connections of a client: the token, the licence, and what may be done
//! only once per user.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use cortop_protocol::account::Licence;
use secrecy::SecretString;
use tokio::time::Instant;

/// A token, and when it was received.
#[derive(Clone)]
pub(super) struct CortexToken {
    pub(super) secret: SecretString,
    pub(super) since: Instant,
}

/// The account: the token, and what may be done only once per user.
#[derive(Default)]
pub(super) struct AccountState {
    token: Mutex<Option<CortexToken>>,
    /// Held while a new token is requested, so that only one task requests it.
    pub(super) renewal: tokio::sync::Mutex<()>,
    /// Whether `authorize` was sent with the debit and was not refused.
    pub(super) debited: AtomicBool,
    /// Whether the last `authorize` named an agreement that has not been accepted since (§2.4).
    pub(super) agreement_open: AtomicBool,
    /// Sessions that were activated for this client, whoever was logged in.
    activations: AtomicU64,
    /// Whose token it is.
    user: Mutex<String>,
    licence: Mutex<Option<Licence>>,
}

impl AccountState {
    pub(super) fn licence(&self) -> Option<Licence> {
        lock(&self.licence).clone()
    }

    pub(super) fn set_licence(&self, licence: Licence) {
        *lock(&self.licence) = Some(licence);
    }

    pub(super) fn token(&self) -> Option<CortexToken> {
        lock(&self.token).clone()
    }

    pub(super) fn set_token(&self, token: Option<CortexToken>) {
        *lock(&self.token) = token;
    }

    /// Notes who is logged in. Returns whether the user has changed. A token is bound to its user
    /// (§2.4), as are the licence and the approval of this application.
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

    /// Whether there is a token that no open agreement makes unusable.
    pub(super) fn is_signed_in(&self) -> bool {
        self.has_token() && !self.agreement_open.load(Ordering::Relaxed)
    }

    /// Activations used so far.
    pub(super) fn activations(&self) -> u64 {
        self.activations.load(Ordering::Relaxed)
    }

    /// Counts an activation and returns the new total.
    pub(super) fn count_activation(&self) -> u64 {
        self.activations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Forgets the token and licence of a user who is gone.
    pub(super) fn sign_out(&self) {
        *lock(&self.token) = None;
        *lock(&self.licence) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
