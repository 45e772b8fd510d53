//! The settings in force: default < file < environment < flags, resolved once at the start. The environment
//! and the path of the file are passed in. Nothing here prints: an unknown setting becomes a warning, an
//! invalid one an error with the next step.

mod alerts;
mod changes;
mod credentials_file;
mod file;
mod keyring;
mod mqtt;
mod sample;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use color_eyre::eyre::{Result, eyre};
use secrecy::SecretString;

pub use self::{
    changes::Changes,
    credentials_file::CredentialsFile,
    file::{ConfigWarning, InvalidFile},
    keyring::Keyring,
    mqtt::MqttSettings,
    sample::sample,
    schema::schema,
};
use crate::{
    app::{AlertSettings, Keymap},
    cli,
    terminal::Output,
    ui,
};
use cortop_client::{
    ClientConfig, CredentialsReader, Error, HeadsetId, SessionPolicy, Stream, transport::local_port,
};
pub use cortop_client::{Credentials, DEFAULT_URL};

/// Default frames per second.
pub const DEFAULT_FPS: u16 = 10;
/// Default bytes of history for all headsets together.
pub const DEFAULT_HISTORY: usize = 256 << 20;
/// The default theme, which suits the terminal's background.
pub const DEFAULT_THEME: &str = "auto";

/// The environment variables with client id and client secret.
pub(crate) const VARIABLES: [&str; 2] = ["EMOTIV_CLIENT_ID", "EMOTIV_CLIENT_SECRET"];

/// The folder of certificates that the user trusts, beside the config file.
const TRUSTED: &str = "trusted";

/// Markers with their own key.
pub const MARKERS: usize = 9;

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The service's address, `ws://` or `wss://`.
    pub url: String,
    /// A root certificate in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Where the service's certificate is kept if the user trusts it.
    pub trusted: Option<PathBuf>,
    /// Whether to skip certificate checks; loopback only.
    pub insecure: bool,
    /// The headset to open without asking.
    pub headset: Option<HeadsetId>,
    /// How sessions are opened.
    pub session: SessionPolicy,
    /// How many sessions to move from the licence to this computer.
    pub debit: Option<u32>,
    /// The streams to subscribe to.
    pub streams: Vec<Stream>,
    /// The application's credentials, or how to provide them.
    pub credentials: Result<Credentials, MissingCredentials>,
    /// The environment variables that override stored credentials.
    pub overriding: Vec<&'static str>,
    /// Reads the credentials again.
    pub credentials_reader: CredentialsReader,
    /// Frames per second, 1..=60.
    pub fps: u16,
    /// Bytes of history for all headsets together.
    pub history: usize,
    /// How frames are written.
    pub output: Output,
    /// Whether to avoid braille and box characters; `None` to do so only if the terminal draws them too wide.
    pub ascii: Option<bool>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// The name of the first theme.
    pub theme: String,
    /// The keys in force.
    pub keymap: Keymap,
    /// The file that the log is appended to.
    pub log_file: Option<PathBuf>,
    /// The labels of the markers with their own key.
    pub markers: Vec<String>,
    /// The address where the monitor serves metrics, if it does.
    pub metrics: Option<SocketAddr>,
    /// Which conditions raise alerts, and how.
    pub alerts: AlertSettings,
    /// The broker and the identity of a station.
    pub mqtt: MqttSettings,
    /// What is wrong in the file that is used nevertheless.
    pub warnings: Vec<ConfigWarning>,
}

impl Config {
    /// The client's configuration.
    ///
    /// # Errors
    /// There are no credentials, or the client refuses the address; the text gives the next step.
    pub fn client(&self) -> Result<ClientConfig> {
        let client = self
            .client_as(self.credentials.clone()?)
            .credentials_reader(self.credentials_reader.clone())
            .headset(self.headset.clone())
            .session(self.session)
            .debit(self.debit)
            .streams(self.streams.iter().copied());
        client.check()?;
        Ok(client)
    }

    /// The configuration of a client that checks these credentials, and costs nothing. Without
    /// credentials, it gets as far as the login.
    ///
    /// # Errors
    /// The client refuses the address; the text gives the next step.
    pub fn probe(&self, credentials: Option<Credentials>) -> Result<ClientConfig, Error> {
        let nobody = || Credentials::new("", "");
        let client =
            self.client_as(credentials.unwrap_or_else(nobody)).session(SessionPolicy::Open);
        client.check()?;
        Ok(client)
    }

    fn client_as(&self, credentials: Credentials) -> ClientConfig {
        ClientConfig::new("", "")
            .credentials(credentials)
            .url(&self.url)
            .ca_file(self.ca_file.clone())
            .trusted(self.trusted.clone())
            .insecure(self.insecure)
    }
}

/// Missing credentials, and the next step.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{found}: {next}")]
pub struct MissingCredentials {
    /// Which of them are missing.
    pub found: String,
    /// The next step.
    pub next: String,
}

/// The sources of settings besides the flags.
pub struct Sources<'a> {
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The config file to read unless a flag names another; it may be missing.
    pub file: Option<PathBuf>,
    /// Looks the credentials up if neither environment nor file has any.
    pub keyring: &'a dyn Fn() -> Option<Credentials>,
}

/// Resolves the settings of this process, whose credentials can be read again.
///
/// # Errors
/// Those of [`load`].
pub fn read(
    service: &cli::ServiceArgs,
    display: &cli::DisplayArgs,
    keyring: fn() -> Option<Credentials>,
) -> Result<Config> {
    let again = {
        let (service, display) = (service.clone(), display.clone());
        move || {
            let env = |name: &str| std::env::var(name).ok();
            load(&service, &display, &Sources { env: &env, file: file_path(), keyring: &keyring })
        }
    };
    let config = again()?;
    let credentials_reader = CredentialsReader::new(move || {
        let credentials = again().and_then(|config| Ok(config.credentials?));
        let credentials = credentials.inspect_err(|error| {
            tracing::warn!(
                "the credentials cannot be read again, so the last ones stay: {error:#}"
            );
        });
        credentials.ok()
    });
    Ok(Config { credentials_reader, ..config })
}

/// The path of the certificate that the user trusts for a service on this machine, whether it exists or not.
#[must_use]
pub fn trusted_path(url: &str) -> Option<PathBuf> {
    Some(folder()?.join(TRUSTED).join(format!("{}.pem", local_port(url)?)))
}

/// The folder of the config file and the user's themes: `cortop` in the XDG config directory.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("cortop"))
}

/// The config file to read unless a flag names another.
#[must_use]
pub fn file_path() -> Option<PathBuf> {
    folder().map(|folder| folder.join("config.toml"))
}

/// Resolves the settings.
///
/// # Errors
/// The named file cannot be read, or a setting is invalid: the text gives the place and the next step.
pub fn load(
    service: &cli::ServiceArgs,
    display: &cli::DisplayArgs,
    sources: &Sources<'_>,
) -> Result<Config> {
    let connection = &service.connection;
    let mut warnings = Vec::new();
    let none = || (file::FileSettings::default(), Keymap::new(ui::views()));
    let (file, keymap) = match (&display.common.config, &sources.file) {
        (Some(path), _) => file::read(path, &mut warnings)?.ok_or_else(|| {
            eyre!("there is no config file {}; `cortop print config` prints one", path.display())
        })?,
        (None, Some(path)) => file::read(path, &mut warnings)?.unwrap_or_else(none),
        (None, None) => none(),
    };
    let place = display.common.config.as_ref().or(sources.file.as_ref());
    let env = |name: &str| (sources.env)(name).filter(|value| !value.is_empty());

    let mut streams =
        service.streams.clone().or(file.streams).unwrap_or_else(|| Stream::ALL.to_vec());
    streams.sort_unstable();
    streams.dedup();

    let url = connection
        .url
        .clone()
        .or_else(|| env("EMOTIV_CORTEX_URL"))
        .or(file.url)
        .unwrap_or_else(|| DEFAULT_URL.to_owned());
    let [id, secret] = VARIABLES.map(|name| env(name).map(SecretString::from));
    let overriding: Vec<_> = VARIABLES.into_iter().filter(|name| env(name).is_some()).collect();
    let (id, secret) = (id.or(file.client_id), secret.or(file.client_secret));
    let kept = if id.is_none() && secret.is_none() { (sources.keyring)() } else { None };

    Ok(Config {
        trusted: trusted_path(&url),
        url,
        ca_file: connection
            .ca_file
            .clone()
            .or_else(|| env("CORTOP_CA_FILE").map(PathBuf::from))
            .or(file.ca_file),
        insecure: connection.insecure || file.insecure.unwrap_or_default(),
        headset: service.headset.clone().or(file.headset),
        session: service.session.or(file.session).unwrap_or_default(),
        debit: service.debit.or(file.debit),
        streams,
        credentials: match kept {
            Some(kept) => Ok(kept),
            None => credentials(id, secret, &overriding, place.map(PathBuf::as_path)),
        },
        overriding,
        credentials_reader: CredentialsReader::default(),
        fps: display.fps.or(file.fps).unwrap_or(DEFAULT_FPS),
        history: file.history_mib.map_or(DEFAULT_HISTORY, |mib| usize::from(mib) << 20),
        output: Output {
            max_rate: display.max_rate.or(file.max_rate).map(|rate| rate * 1000.0),
            synchronized: file.synchronized.unwrap_or(true),
            full_redraw: display.full_redraw || file.full_redraw.unwrap_or_default(),
            tmux: env("TMUX").is_some(),
        },
        ascii: if display.ascii { Some(true) } else { file.ascii }
            .or_else(|| (!utf8(&env) || is_console(&env)).then_some(true)),
        mouse: display.mouse || file.mouse.unwrap_or_default(),
        theme: display.theme.clone().or(file.theme).unwrap_or_else(|| DEFAULT_THEME.to_owned()),
        keymap,
        log_file: display.common.log_file.clone().or(file.log_file),
        markers: file
            .markers
            .unwrap_or_else(|| (1..=MARKERS).map(|number| number.to_string()).collect()),
        metrics: file.metrics,
        alerts: file.alerts.resolve(),
        mqtt: file.mqtt.resolve(),
        warnings,
    })
}

fn credentials(
    id: Option<SecretString>,
    secret: Option<SecretString>,
    overriding: &[&str],
    file: Option<&Path>,
) -> Result<Credentials, MissingCredentials> {
    let file = file.map_or("the config file".to_owned(), |file| file.display().to_string());
    let overriding = overriding.join(" and ");
    let (missing, set) = match (id, secret) {
        (Some(id), Some(secret)) => {
            let repair = if overriding.is_empty() {
                format!("enter both again with `cortop login`: these come from {file}")
            } else {
                format!("correct or unset {overriding} in the environment, and start cortop again")
            };
            return Ok(Credentials { id, secret, repair: repair.into() });
        }
        (Some(_), None) => ("client secret is", "EMOTIV_CLIENT_SECRET, or client_secret"),
        (None, Some(_)) => ("client id is", "EMOTIV_CLIENT_ID, or client_id"),
        (None, None) => (
            "client id and secret are",
            "EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET, or client_id and client_secret",
        ),
    };
    let login = if overriding.is_empty() {
        "`cortop login` asks for both and keeps them".to_owned()
    } else {
        format!("unset {overriding} in the environment, and `cortop login` asks for both")
    };
    Err(MissingCredentials {
        found: format!("the Cortex application's {missing} missing"),
        next: format!(
            "{login}; or set {set} in {file} (an EMOTIV account gives them under \"Cortex Apps\"); \
             `cortop demo` needs neither"
        ),
    })
}

/// Whether the terminal is the Linux console, whose font has neither braille nor most symbols.
fn is_console(env: &dyn Fn(&str) -> Option<String>) -> bool {
    env("TERM").is_some_and(|term| term == "linux")
}

/// Whether the locale is UTF-8: the first of the three variables that is set decides; without any it is `C`.
pub(crate) fn utf8(env: &dyn Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env).is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
