//! The credentials of the application (§2.3): who a client signs in as, and how it learns that the
//! user has corrected them while it runs.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{task::spawn_blocking, time::timeout};

use cortop_protocol::{Error, ErrorKind};

/// How long reading may take: a keyring may wait until its user unlocks it.
const LIMIT: Duration = Duration::from_secs(10);

/// The credentials of the application (§2.3).
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Client id.
    pub id: SecretString,
    /// Client secret.
    pub secret: SecretString,
    /// The user's next step if Cortex refuses them, which depends on where they are kept; if empty,
    /// the step of the code's row.
    pub repair: Cow<'static, str>,
}

impl Credentials {
    /// Credentials whose place is unknown.
    #[must_use]
    pub fn new(id: impl Into<SecretString>, secret: impl Into<SecretString>) -> Self {
        Self { id: id.into(), secret: secret.into(), repair: "".into() }
    }

    fn is_same(&self, other: &Self) -> bool {
        [(&self.id, &other.id), (&self.secret, &other.secret)]
            .iter()
            .all(|(own, other)| own.expose_secret() == other.expose_secret())
    }
}

/// Reads the credentials again from where they are kept; may block.
#[derive(Clone, Default)]
pub struct CredentialsReader(Option<Arc<ReadCredentials>>);

type ReadCredentials = dyn Fn() -> Option<Credentials> + Send + Sync;

impl CredentialsReader {
    /// `read`: `None` if there are none now.
    pub fn new(read: impl Fn() -> Option<Credentials> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }
}

impl fmt::Debug for CredentialsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CredentialsReader").field(&self.0.is_some()).finish()
    }
}

/// The credentials in use; outlives a connection.
pub(super) struct CurrentCredentials {
    now: Mutex<Credentials>,
    reader: CredentialsReader,
}

impl CurrentCredentials {
    pub(super) fn new(now: Credentials, reader: CredentialsReader) -> Self {
        Self { now: Mutex::new(now), reader }
    }

    pub(super) fn now(&self) -> Credentials {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads them again; returns whether they have changed. If there are none, the previous ones
    /// stay.
    pub(super) async fn read_again(&self) -> bool {
        let CredentialsReader(Some(read)) = self.reader.clone() else { return false };
        let new = match timeout(LIMIT, spawn_blocking(move || read())).await {
            Ok(Ok(Some(new))) => new,
            Ok(_) => return false,
            Err(_) => {
                tracing::warn!("reading the credentials again takes too long");
                return false;
            }
        };
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = !now.is_same(&new);
        *now = new;
        changed
    }

    /// Adds to a refusal of these credentials how they can be repaired.
    pub(super) fn explain(&self, mut refusal: Error) -> Error {
        let repair = self.now().repair;
        if refusal.kind == ErrorKind::WrongCredentials && !repair.is_empty() {
            refusal.next = repair;
        }
        refusal
    }
}
