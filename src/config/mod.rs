//! The settings in force: default < file < environment < flags, resolved once at start. The
//! environment and the place of the file are handed in. Nothing here prints: what is unknown becomes a
//! warning, what is invalid an error with the next step.

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
    changes::Changes, credentials_file::CredentialsFile, keyring::Keyring, mqtt::MqttSettings,
    sample::sample, schema::schema,
};
use crate::{
    app::{AlertSettings, Keymap},
    cli,
    terminal::Output,
    ui,
};
use cortop_client::{HeadsetId, SessionPolicy, Stream, transport::local_port};

/// Where the Cortex service listens (docs/protocol.md §1).
pub const DEFAULT_URL: &str = "wss://localhost:6868";
/// Frames a second.
pub const DEFAULT_FPS: u16 = 10;
/// Bytes of history for all headsets together.
pub const DEFAULT_HISTORY: usize = 256 << 20;
/// The theme that suits the terminal's background.
pub const DEFAULT_THEME: &str = "auto";

/// The folder of certificates that the user trusts, beside the config file.
const TRUSTED: &str = "trusted";

/// Markers with a key of their own.
pub const MARKERS: usize = 9;

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// `ws://` or `wss://`.
    pub url: String,
    /// A root certificate beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The service's certificate that the user trusts.
    pub trusted: Option<PathBuf>,
    /// Skip certificate checks; loopback only.
    pub insecure: bool,
    /// The headset to take without asking.
    pub headset: Option<HeadsetId>,
    /// How sessions are opened.
    pub session: SessionPolicy,
    /// How many sessions to move from the licence to this computer.
    pub debit: Option<u32>,
    /// The streams to subscribe.
    pub streams: Vec<Stream>,
    /// The application's credentials, or how to give them.
    pub credentials: Result<Credentials, MissingCredentials>,
    /// Frames a second, 1..=60.
    pub fps: u16,
    /// Bytes of history for all headsets together.
    pub history: usize,
    /// How frames go out.
    pub output: Output,
    /// Without braille and box characters; `None`: unless the terminal draws them too wide.
    pub ascii: Option<bool>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// The first theme's name.
    pub theme: String,
    /// The keys in force.
    pub keymap: Keymap,
    /// Where the log is appended.
    pub log_file: Option<PathBuf>,
    /// The labels of the markers that have a key of their own.
    pub markers: Vec<String>,
    /// Where metrics are served beside the monitor, if they are.
    pub metrics: Option<SocketAddr>,
    /// What is alerted about.
    pub alerts: AlertSettings,
    /// Where and as what a station publishes.
    pub mqtt: MqttSettings,
    /// What could not be used, a sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// What the client has to know.
    ///
    /// # Errors
    /// There are no credentials, or the client refuses the address; the text gives the next step.
    pub fn client(&self) -> Result<cortop_client::ClientConfig> {
        let Credentials { id, secret } = self.credentials.clone()?;
        let client = cortop_client::ClientConfig::new(id, secret)
            .url(&self.url)
            .ca_file(self.ca_file.clone())
            .trusted(self.trusted.clone())
            .insecure(self.insecure)
            .headset(self.headset.clone())
            .session(self.session)
            .debit(self.debit)
            .streams(self.streams.iter().copied());
        client.check()?;
        Ok(client)
    }
}

/// The Cortex application's credentials (docs/protocol.md §2.3).
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Client id.
    pub id: SecretString,
    /// Client secret.
    pub secret: SecretString,
}

/// Credentials that are not set, and the next step.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{found}: {next}")]
pub struct MissingCredentials {
    /// Which of them.
    pub found: String,
    /// What the user does now.
    pub next: String,
}

/// What the settings come from beside the flags.
pub struct Sources<'a> {
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The config file read unless a flag names another; absent is fine.
    pub file: Option<PathBuf>,
    /// Looks the credentials up where neither environment nor file has any.
    pub keyring: &'a dyn Fn() -> Option<Credentials>,
}

/// Where the certificate is kept that the user trusts for a service of this machine, whether there is
/// one or not.
#[must_use]
pub fn trusted_path(url: &str) -> Option<PathBuf> {
    Some(folder()?.join(TRUSTED).join(format!("{}.pem", local_port(url)?)))
}

/// The folder of the config file and the user's themes: `cortop` in the XDG place.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("cortop"))
}

/// The config file that is read unless a flag names another.
#[must_use]
pub fn file_path() -> Option<PathBuf> {
    folder().map(|folder| folder.join("config.toml"))
}

/// Resolves the settings.
///
/// # Errors
/// The file named cannot be read, or a setting is invalid: the text gives the place and the next
/// step.
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
    let id = env("EMOTIV_CLIENT_ID").map(SecretString::from).or(file.client_id);
    let secret = env("EMOTIV_CLIENT_SECRET").map(SecretString::from).or(file.client_secret);
    let kept = if id.is_none() && secret.is_none() { (sources.keyring)() } else { None };

    Ok(Config {
        trusted: trusted_path(&url).filter(|path| path.exists()),
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
            None => credentials(id, secret, place.map(PathBuf::as_path)),
        },
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
    file: Option<&Path>,
) -> Result<Credentials, MissingCredentials> {
    let (missing, set) = match (id, secret) {
        (Some(id), Some(secret)) => return Ok(Credentials { id, secret }),
        (Some(_), None) => ("client secret is", "EMOTIV_CLIENT_SECRET, or client_secret"),
        (None, Some(_)) => ("client id is", "EMOTIV_CLIENT_ID, or client_id"),
        (None, None) => (
            "client id and secret are",
            "EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET, or client_id and client_secret",
        ),
    };
    let file = file.map_or("the config file".to_owned(), |file| file.display().to_string());
    Err(MissingCredentials {
        found: format!("the Cortex application's {missing} missing"),
        next: format!(
            "`cortop login` asks for both and keeps them; or set {set} in {file} (an EMOTIV account \
             gives them under \"Cortex Apps\"); `cortop demo` needs neither"
        ),
    })
}

/// Whether the terminal is the Linux console, whose font has neither braille nor most symbols.
fn is_console(env: &dyn Fn(&str) -> Option<String>) -> bool {
    env("TERM").is_some_and(|term| term == "linux")
}

/// Whether the locale is UTF-8: the first of the three that is set decides, none means `C`.
pub(crate) fn utf8(env: &dyn Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env).is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
