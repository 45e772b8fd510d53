//! The application's credentials in the system's keyring: the Secret Service of Linux desktops, the Keychain
//! of macOS, the Credential Manager of Windows. Machines without a desktop often have none.

use keyring::{Entry, Error};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::Credentials;

/// The service name in the keyring.
const SERVICE: &str = "cortop";
/// The user name in the keyring.
const USER: &str = "Cortex application";

/// The stored value: both in one entry, so that they always match.
#[derive(Deserialize, Serialize)]
struct Kept {
    client_id: String,
    client_secret: String,
}

/// The entry for the credentials.
pub struct Keyring(Entry);

impl Keyring {
    /// Opens the keyring.
    ///
    /// # Errors
    /// The system has none, or it does not answer.
    pub fn open() -> Result<Self, String> {
        Entry::store_status().as_ref().map_err(ToString::to_string)?;
        Entry::new(SERVICE, USER).map(Self).map_err(|error| error.to_string())
    }

    /// The credentials, if they are there; otherwise the log says why not.
    #[must_use]
    pub fn read() -> Option<Credentials> {
        let found = Self::open().and_then(|own| match own.0.get_password() {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| error.to_string()),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        });
        let Kept { client_id, client_secret } = found
            .inspect_err(|error| tracing::debug!("the system's keyring cannot be read: {error}"))
            .ok()??;
        let repair = "enter both again with `cortop login`: these come from the system's keyring";
        Some(Credentials { repair: repair.into(), ..Credentials::new(client_id, client_secret) })
    }

    /// Stores the credentials.
    ///
    /// # Errors
    /// The keyring refuses them, or the user did not unlock it.
    pub fn write(&self, credentials: &Credentials) -> Result<(), String> {
        let kept = Kept {
            client_id: credentials.id.expose_secret().to_owned(),
            client_secret: credentials.secret.expose_secret().to_owned(),
        };
        let text = serde_json::to_string(&kept).map_err(|error| error.to_string())?;
        self.0.set_password(&text).map_err(|error| error.to_string())
    }

    /// Removes the credentials; false if there were none.
    ///
    /// # Errors
    /// The keyring refuses.
    pub fn remove(&self) -> Result<bool, String> {
        match self.0.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }
}
