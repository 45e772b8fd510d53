//! What a client needs to know before it starts: where the service is, who connects, and what for.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;

use super::{
    credentials::{Credentials, CredentialsReader},
    endpoint::{Endpoint, TrustFiles},
    tap::Tap,
};
use cortop_protocol::{Error, HeadsetId, Stream};

/// The default address of the Cortex service (docs/protocol.md §1).
pub const DEFAULT_URL: &str = "wss://localhost:6868";

/// What the client needs to know before it starts.
///
/// Made by [`ClientConfig::new`] from the credentials of the application; the methods override the
/// defaults.
///
/// ```
/// use cortop_client::{ClientConfig, SessionPolicy, Stream};
///
/// let config = ClientConfig::new("client id", "client secret")
///     .session(SessionPolicy::Open)
///     .streams([Stream::Dev, Stream::Met]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Where the service is: `ws://` (loopback only) or `wss://`.
    pub url: String,
    /// A root certificate (PEM) in addition to the operating system's.
    pub ca_file: Option<PathBuf>,
    /// The service's own certificate (PEM), if the user trusts it although its chain leads to no
    /// known root; honoured on this computer only. The file may be missing, and appear later: it is
    /// read again for each connection.
    pub trusted: Option<PathBuf>,
    /// Skip certificate checks; loopback only.
    pub insecure: bool,
    /// The application's credentials (§2.3).
    pub credentials: Credentials,
    /// Reads them again before a connection signs in, and before it retries after a refusal.
    pub credentials_reader: CredentialsReader,
    /// The headset to take without asking; `None`: take it if it is the only one.
    pub headset: Option<HeadsetId>,
    /// How sessions are opened.
    pub session: SessionPolicy,
    /// How many sessions `authorize` moves from the licence to this computer (§2.4); sent only if
    /// given.
    pub debit: Option<u32>,
    /// The streams to subscribe.
    pub streams: Vec<Stream>,
    /// Where to observe what crosses the sockets.
    pub tap: Tap,
}

impl ClientConfig {
    /// The service on this computer (`wss://localhost:6868`, certificate checked), the only headset
    /// there is, all streams, and a session whose mode the licence decides.
    #[must_use]
    pub fn new(client_id: impl Into<SecretString>, client_secret: impl Into<SecretString>) -> Self {
        Self {
            url: DEFAULT_URL.to_owned(),
            ca_file: None,
            trusted: None,
            insecure: false,
            credentials: Credentials::new(client_id, client_secret),
            credentials_reader: CredentialsReader::default(),
            headset: None,
            session: SessionPolicy::Auto,
            debit: None,
            streams: Stream::ALL.to_vec(),
            tap: Tap::default(),
        }
    }

    /// Sets [`url`](Self#structfield.url).
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: url.into(), ..self }
    }

    /// Sets [`ca_file`](Self#structfield.ca_file).
    #[must_use]
    pub fn ca_file(self, path: impl Into<Option<PathBuf>>) -> Self {
        Self { ca_file: path.into(), ..self }
    }

    /// Sets [`trusted`](Self#structfield.trusted).
    #[must_use]
    pub fn trusted(self, path: impl Into<Option<PathBuf>>) -> Self {
        Self { trusted: path.into(), ..self }
    }

    /// Sets [`insecure`](Self#structfield.insecure).
    #[must_use]
    pub fn insecure(self, insecure: bool) -> Self {
        Self { insecure, ..self }
    }

    /// Sets [`credentials`](Self#structfield.credentials).
    #[must_use]
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }

    /// Sets [`credentials_reader`](Self#structfield.credentials_reader).
    #[must_use]
    pub fn credentials_reader(self, credentials_reader: CredentialsReader) -> Self {
        Self { credentials_reader, ..self }
    }

    /// Sets [`headset`](Self#structfield.headset).
    #[must_use]
    pub fn headset(self, headset: impl Into<Option<HeadsetId>>) -> Self {
        Self { headset: headset.into(), ..self }
    }

    /// Sets [`session`](Self#structfield.session).
    #[must_use]
    pub fn session(self, session: SessionPolicy) -> Self {
        Self { session, ..self }
    }

    /// Sets [`debit`](Self#structfield.debit).
    #[must_use]
    pub fn debit(self, sessions: impl Into<Option<u32>>) -> Self {
        Self { debit: sessions.into(), ..self }
    }

    /// Sets [`streams`](Self#structfield.streams).
    #[must_use]
    pub fn streams(self, streams: impl IntoIterator<Item = Stream>) -> Self {
        Self { streams: streams.into_iter().collect(), ..self }
    }

    /// Checks the URL and the certificates without connecting. Call it before taking over the
    /// screen.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](cortop_protocol::ErrorKind::Configuration): an invalid URL,
    /// plain text or unchecked TLS to another machine, a root file that cannot be read or holds no
    /// certificate, or no roots at all.
    pub fn check(&self) -> Result<(), Error> {
        self.endpoint().map(|_| ())
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint, Error> {
        let files = TrustFiles {
            ca_file: self.ca_file.as_deref(),
            trusted: self.trusted.as_deref(),
            insecure: self.insecure,
        };
        Endpoint::new(&self.url, files)
    }
}

/// How sessions are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionPolicy {
    /// Activated if the licence has the scope and quota left, else open.
    #[default]
    Auto,
    /// Activated or refused. After a loss: open if the licence has no activation left.
    Active,
    /// Always open.
    Open,
}

/// Whether a session uses the licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// No licence is debited: every stream but `eeg`, and slow `met`.
    Open,
    /// The licence is debited.
    Active,
}

impl fmt::Display for SessionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open, without a licence",
            Self::Active => "activated",
        })
    }
}
